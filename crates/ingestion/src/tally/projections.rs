//! Rows of projections by market: one scenario's supply or demand of a material at a stage in a period.
use orewatch_contracts::ingestion::v1::{ProjectedSeries, ProjectionColumns, Side};

use super::{Entry, Tally, code_to_number, entry_at};

/// Side and scenario of a projection, such as `supply:base`, as a market has them.
pub(crate) fn side_and_scenario(series: &ProjectedSeries) -> String {
    let side = if series.side() == Side::Demand { "demand" } else { "supply" };
    format!("{side}:{}", series.scenario)
}

impl Tally {
    pub(super) fn add_projections(&mut self, columns: &ProjectionColumns) {
        let codes: Vec<u64> = columns.economies.iter().map(|code| code_to_number(code)).collect();
        let names: Vec<String> = columns.series.iter().map(side_and_scenario).collect();
        for series in &columns.series {
            self.add_basis([&series.material, &series.stage, &series.unit, &series.basis]);
        }
        let series = columns.series.iter().zip(&names);
        let topics: Vec<_> =
            series.map(|(series, name)| [&**name, &*series.material, &*series.stage]).collect();
        let rows = columns.economy.iter().zip(&columns.quantity);
        let entries = rows.map(|(economy, quantity)| Entry {
            key: entry_at(&codes, *economy).unwrap_or(0),
            amount: *quantity,
        });
        self.add_entries(&columns.periods, &topics, &columns.period, &columns.product, entries);
    }
}
