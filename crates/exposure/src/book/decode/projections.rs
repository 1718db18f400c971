//! Decodes projections.

use orewatch_catalog::{Consumer, OTHER};
use orewatch_contracts::ingestion::v1::{ProjectionColumns, Side};

use super::columns::{amount, economy, entry, index, market, origin, periods, value};
use super::{OpenRelease, Unreadable};
use crate::book::{ProjectedFor, ProjectedSide, Projection};

impl OpenRelease {
    pub(super) fn record_projections(&mut self, columns: &ProjectionColumns) -> Result<(), Unreadable> {
        let of = columns.economies.iter().map(|code| projected_for(code)).collect::<Result<Vec<_>, _>>()?;
        let periods = periods(&columns.periods)?;
        for row in 0..columns.period.len() {
            let series = columns.series.get(index(entry(&columns.product, row, "product")?));
            let series = series.ok_or_else(|| Unreadable::short("product"))?;
            let period = value(&periods, &columns.period, row, "period")?;
            let projection = Projection {
                side: side(series.side)?,
                of: value(&of, &columns.economy, row, "economy")?,
                product: self.products.index(&series.basis),
                origin: origin(&columns.file, &columns.line, &columns.column, row)?,
                quantity: amount(&columns.quantity, &columns.status, row, "quantity")?,
            };
            let table = self.projections.entry(series.scenario.as_str().into()).or_default();
            let key = table.key(market(&series.material, &series.stage, period)?);
            table.push(key, projection);
        }
        Ok(())
    }
}

fn projected_for(code: &str) -> Result<ProjectedFor, Unreadable> {
    match code {
        OTHER => Ok(ProjectedFor::Others),
        code if code == Consumer::World.code() => Ok(ProjectedFor::World),
        code => economy(code).map(ProjectedFor::Economy),
    }
}

fn side(number: i32) -> Result<ProjectedSide, Unreadable> {
    match Side::try_from(number) {
        Ok(Side::Supply) => Ok(ProjectedSide::Supply),
        Ok(Side::Demand) => Ok(ProjectedSide::Demand),
        Ok(Side::Unspecified) | Err(_) => Err(Unreadable::unknown("side", &number.to_string())),
    }
}
