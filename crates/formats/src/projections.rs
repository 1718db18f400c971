//! Parses rows of projections: figures about the future that somebody published.
use orewatch_catalog::{OTHER, Scheme, WORLD};

use super::figure::Figure;
use super::header::Columns;
use super::names::{Names, Symbol};
use super::row::Row;
use super::statements::{identifier, one_of};
use super::{Observation, Qualifier, Reject, RowParser};

/// `period,economy,material,stage,side,scenario,quantity,unit,basis`: how much an economy, the economies that
/// are not listed (`OTHER`) or the world (`WLD`) will supply or use, by which scenario.
pub(super) struct Projections {
    /// Where the columns are, in this order.
    pub(super) columns: Columns,
}

impl RowParser for Projections {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn figure_column(&self) -> Option<usize> {
        Some(6)
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let [period, economy, material, stage, side, scenario, quantity, unit, basis] =
            std::array::from_fn(|column| self.columns.get(row, column));
        let period = names.period("period", period)?;
        let economy = producer("economy", economy, names)?;
        let is_demand = one_of("side", side, [("supply", false), ("demand", true)])?;
        let scenario = identifier("scenario", scenario, "base")?;
        let series = [("material", material), ("stage", stage), ("unit", unit), ("basis", basis)];
        let (topic, factor) = names.projected_series(series, is_demand, scenario)?;
        let mut quantity = Figure::amount("quantity", quantity)?;
        quantity.number *= factor;
        let figures = quantity.alone();
        Ok(Some(Observation {
            period,
            economy,
            partner: economy,
            topic,
            figures,
            qualifier: Qualifier::None,
        }))
    }
}

/// An economy, the source's residual of those that it does not list, or the total that it prints for the
/// world.
pub(super) fn producer(column: &str, text: &str, names: &mut Names) -> Result<Symbol, Reject> {
    match text {
        OTHER => names.unlisted_producers(column),
        WORLD => names.consumer(column, text).map(|(symbol, _)| symbol),
        text => names.economy(Scheme::Iso3, column, text),
    }
}
