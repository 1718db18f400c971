//! Decodes governance, parameters and restrictions.

use jiff::civil::Date;
use orewatch_contracts::ingestion::v1 as ingestion;
use orewatch_contracts::ingestion::v1::{GovernanceColumns, ParameterColumns, RestrictionColumns};

use super::columns::{
    economies, entry, entry_or, figure, index, lookup, material_id, origin, periods, stage, value,
};
use super::{OpenRelease, Unreadable};
use crate::book::{
    ConsumerId, Evaluation, GovernanceScore, Parameter, ParameterKey, Restriction, RestrictionKey,
};

impl OpenRelease {
    pub(super) fn record_governance(&mut self, columns: &GovernanceColumns) -> Result<(), Unreadable> {
        let economies = economies(&columns.economies)?;
        let periods = periods(&columns.periods)?;
        for row in 0..columns.period.len() {
            let indicator = columns.indicators.get(index(entry(&columns.indicator, row, "indicator")?));
            let indicator = indicator.ok_or_else(|| Unreadable::short("indicator"))?;
            let governed = GovernanceScore {
                economy: value(&economies, &columns.economy, row, "economy")?,
                value: figure(&columns.value, &columns.status, row, "value")?,
                origin: origin(&columns.file, &columns.line, &columns.column, row)?,
            };
            let table = table_of(&mut self.governance, indicator);
            let key = table.key(value(&periods, &columns.period, row, "period")?);
            table.push(key, governed);
        }
        Ok(())
    }

    pub(super) fn record_parameters(&mut self, columns: &ParameterColumns) -> Result<(), Unreadable> {
        let consumers =
            columns.economies.iter().map(|code| optional_consumer(code)).collect::<Result<Vec<_>, _>>()?;
        let periods = periods(&columns.periods)?;
        let topics = columns.parameters.iter().map(material_and_stage).collect::<Result<Vec<_>, _>>()?;
        for row in 0..columns.period.len() {
            let number = entry(&columns.parameter, row, "parameter")?;
            let named =
                columns.parameters.get(index(number)).ok_or_else(|| Unreadable::short("parameter"))?;
            let (material, stage) = lookup(&topics, number, "parameter")?;
            let period = value(&periods, &columns.period, row, "period")?;
            let partner = if columns.partner.is_empty() {
                None
            } else {
                value(&consumers, &columns.partner, row, "partner")?
            };
            let economy = value(&consumers, &columns.economy, row, "economy")?;
            let parameter = Parameter {
                partner,
                item: self.products.index(&named.item),
                value: figure(&columns.value, &columns.status, row, "value")?,
                origin: origin(&columns.file, &columns.line, &columns.column, row)?,
            };
            let table = table_of(&mut self.parameters, &named.name);
            let key = table.key(ParameterKey { material, stage, economy, period });
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
            let product = columns.products.get(index(entry(&columns.product, row, "product")?));
            let product = product.ok_or_else(|| Unreadable::short("product"))?;
            let key = RestrictionKey {
                material: material_id(&product.material)?,
                stage: stage(&product.stage)?,
                economy: value(&economies, &columns.economy, row, "economy")?,
            };
            let restriction = Restriction {
                product: self.products.index(&product.code),
                kind: value(&kinds, &columns.kind, row, "kind")?,
                from: value(&days, &columns.from, row, "from")?,
                until: value(&days, &columns.until, row, "until")?,
                concerned: value(&concerned, &columns.partner, row, "partner")?,
                evaluation: evaluation(entry_or(&columns.evaluation, row, 0, "evaluation")?),
                origin: origin(&columns.file, &columns.line, &[], row)?,
            };
            let key = self.restrictions.key(key);
            self.restrictions.push(key, restriction);
        }
        Ok(())
    }

    /// Index of a list of economies and blocs, separated by commas. The empty list stands for everyone.
    fn concerned(&mut self, list: &str) -> Result<u16, Unreadable> {
        let codes = list.split(',').map(str::trim).filter(|code| !code.is_empty());
        let known = |code| ConsumerId::from_code(code).ok_or_else(|| Unreadable::unknown("partner", code));
        let concerned = codes.map(known).collect::<Result<Vec<_>, _>>()?;
        let found = self.concerned.iter().position(|other| *other == concerned);
        let index = found.unwrap_or_else(|| {
            self.concerned.push(concerned);
            self.concerned.len() - 1
        });
        u16::try_from(index).map_err(|_| Unreadable("it has too many lists of partners".to_owned()))
    }
}

/// The table with a name, created if needed.
fn table_of<'a, T: Default>(
    tables: &'a mut std::collections::BTreeMap<Box<str>, T>,
    name: &str,
) -> &'a mut T {
    tables.entry(name.into()).or_default()
}

/// Material and stage of a parameter. `None`: it names none.
fn material_and_stage(
    parameter: &ingestion::Parameter,
) -> Result<(Option<&'static str>, Option<orewatch_catalog::Stage>), Unreadable> {
    let is_given = |text: &str| !text.is_empty();
    let material = Some(&*parameter.material).filter(|text| is_given(text)).map(material_id).transpose()?;
    Ok((material, Some(&*parameter.stage).filter(|text| is_given(text)).map(stage).transpose()?))
}

/// A consumer. `None`: the code is empty.
fn optional_consumer(code: &str) -> Result<Option<ConsumerId>, Unreadable> {
    if code.is_empty() {
        return Ok(None);
    }
    ConsumerId::from_code(code).map(Some).ok_or_else(|| Unreadable::unknown("economy", code))
}

/// A date. `None`: the text is empty.
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
