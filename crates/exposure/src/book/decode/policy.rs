//! Governance, parameters and restrictions.

use jiff::civil::Date;
use orewatch_contracts::ingestion::v1 as ingestion;
use orewatch_contracts::ingestion::v1::{GovernanceColumns, ParameterColumns, RestrictionColumns};

use super::columns::{
    at, at_or, economies, entry, figure, index, lookup, material_id, origin, periods, stage,
};
use super::{Open, Unreadable};
use crate::book::{Evaluation, Governed, Holding, Parameter, Restricting, Restriction, Who};

impl Open {
    pub(super) fn record_governance(&mut self, columns: &GovernanceColumns) -> Result<(), Unreadable> {
        let economies = economies(&columns.economies)?;
        let periods = periods(&columns.periods)?;
        for row in 0..columns.period.len() {
            let indicator = columns.indicators.get(index(at(&columns.indicator, row, "indicator")?));
            let indicator = indicator.ok_or_else(|| Unreadable::short("indicator"))?;
            let governed = Governed {
                economy: entry(&economies, &columns.economy, row, "economy")?,
                value: figure(&columns.value, &columns.status, row, "value")?,
                origin: origin(&columns.file, &columns.line, &columns.column, row)?,
            };
            let table = named(&mut self.governance, indicator);
            let key = table.key(entry(&periods, &columns.period, row, "period")?);
            table.push(key, governed);
        }
        Ok(())
    }

    pub(super) fn record_parameters(&mut self, columns: &ParameterColumns) -> Result<(), Unreadable> {
        let who = columns.economies.iter().map(|code| someone(code)).collect::<Result<Vec<_>, _>>()?;
        let periods = periods(&columns.periods)?;
        let about = columns.parameters.iter().map(about).collect::<Result<Vec<_>, _>>()?;
        for row in 0..columns.period.len() {
            let number = at(&columns.parameter, row, "parameter")?;
            let what = columns.parameters.get(index(number)).ok_or_else(|| Unreadable::short("parameter"))?;
            let (material, stage) = lookup(&about, number, "parameter")?;
            let period = entry(&periods, &columns.period, row, "period")?;
            let partner = if columns.partner.is_empty() {
                None
            } else {
                entry(&who, &columns.partner, row, "partner")?
            };
            let economy = entry(&who, &columns.economy, row, "economy")?;
            let parameter = Parameter {
                partner,
                item: self.products.index(&what.item),
                value: figure(&columns.value, &columns.status, row, "value")?,
                origin: origin(&columns.file, &columns.line, &columns.column, row)?,
            };
            let table = named(&mut self.parameters, &what.name);
            let key = table.key(Holding { material, stage, economy, period });
            table.push(key, parameter);
        }
        Ok(())
    }

    pub(super) fn record_restrictions(&mut self, columns: &RestrictionColumns) -> Result<(), Unreadable> {
        let economies = economies(&columns.economies)?;
        let days = columns.days.iter().map(|day| self::day(day)).collect::<Result<Vec<_>, _>>()?;
        let concerned =
            columns.partners.iter().map(|list| self.concerned(list)).collect::<Result<Vec<_>, _>>()?;
        let kinds: Vec<_> = columns.kinds.iter().map(|kind| self.products.index(kind)).collect();
        for row in 0..columns.economy.len() {
            let product = columns.products.get(index(at(&columns.product, row, "product")?));
            let product = product.ok_or_else(|| Unreadable::short("product"))?;
            let key = Restricting {
                material: material_id(&product.material)?,
                stage: stage(&product.stage)?,
                economy: entry(&economies, &columns.economy, row, "economy")?,
            };
            let restriction = Restriction {
                product: self.products.index(&product.code),
                kind: entry(&kinds, &columns.kind, row, "kind")?,
                from: entry(&days, &columns.from, row, "from")?,
                until: entry(&days, &columns.until, row, "until")?,
                concerned: entry(&concerned, &columns.partner, row, "partner")?,
                evaluation: evaluation(at_or(&columns.evaluation, row, 0, "evaluation")?),
                origin: origin(&columns.file, &columns.line, &[], row)?,
            };
            let key = self.restrictions.key(key);
            self.restrictions.push(key, restriction);
        }
        Ok(())
    }

    /// Index of a list of economies and blocs, separated by commas. Everyone is the empty list.
    fn concerned(&mut self, list: &str) -> Result<u16, Unreadable> {
        let codes = list.split(',').map(str::trim).filter(|code| !code.is_empty());
        let known = |code| Who::of(code).ok_or_else(|| Unreadable::unknown("partner", code));
        let concerned = codes.map(known).collect::<Result<Vec<_>, _>>()?;
        let found = self.concerned.iter().position(|other| *other == concerned);
        let place = found.unwrap_or_else(|| {
            self.concerned.push(concerned);
            self.concerned.len() - 1
        });
        u16::try_from(place).map_err(|_| Unreadable("it has too many lists of partners".to_owned()))
    }
}

/// The table of a name, made where there is none yet.
fn named<'a, T: Default>(tables: &'a mut std::collections::BTreeMap<Box<str>, T>, name: &str) -> &'a mut T {
    tables.entry(name.into()).or_default()
}

/// Material and stage that a parameter names, if it does.
fn about(
    parameter: &ingestion::Parameter,
) -> Result<(Option<&'static str>, Option<orewatch_catalog::Stage>), Unreadable> {
    let named = |text: &str| !text.is_empty();
    let material = Some(&*parameter.material).filter(|text| named(text)).map(material_id).transpose()?;
    Ok((material, Some(&*parameter.stage).filter(|text| named(text)).map(stage).transpose()?))
}

fn someone(code: &str) -> Result<Option<Who>, Unreadable> {
    if code.is_empty() {
        return Ok(None);
    }
    Who::of(code).map(Some).ok_or_else(|| Unreadable::unknown("economy", code))
}

fn day(text: &str) -> Result<Option<Date>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Unreadable::unknown("day", text))
}

fn evaluation(number: i32) -> Evaluation {
    match ingestion::Evaluation::try_from(number) {
        Ok(ingestion::Evaluation::Red) => Evaluation::Red,
        Ok(ingestion::Evaluation::Amber) => Evaluation::Amber,
        Ok(ingestion::Evaluation::Green) => Evaluation::Green,
        _ => Evaluation::Unspecified,
    }
}
