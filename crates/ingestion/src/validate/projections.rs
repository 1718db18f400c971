//! Checks of projections.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{ProjectedSeries, ProjectionColumns, Series, Side};
use orewatch_formats::ids;

use super::columns::{
    check_dictionary, check_figures, check_indices, check_length, check_periods, check_places, check_rows,
};
use super::{check_series, invalid, is_producer};

pub(super) fn check_projections(columns: &ProjectionColumns, files: usize) -> Result<(), Failure> {
    let rows = check_rows(columns.period.len())?;
    check_periods(&columns.periods)?;
    check_dictionary("economies", &columns.economies, is_producer)?;
    columns.series.iter().try_for_each(check_projected_series)?;
    check_indices("period", &columns.period, rows, columns.periods.len())?;
    check_indices("economy", &columns.economy, rows, columns.economies.len())?;
    check_indices("product", &columns.product, rows, columns.series.len())?;
    check_figures("quantity", &columns.quantity, &columns.status, rows, 0.0)?;
    check_length("column", columns.column.len(), rows, true)?;
    check_places(&columns.file, &columns.line, rows, files)
}

fn check_projected_series(series: &ProjectedSeries) -> Result<(), Failure> {
    let ProjectedSeries { material, stage, unit, basis, scenario, side: _ } = series.clone();
    check_series(&Series { material, stage, unit, basis })?;
    if !matches!(series.side(), Side::Supply | Side::Demand) {
        return Err(invalid("series.side", series.side.to_string(), "a projection is of supply or demand"));
    }
    if !ids::is_dataset(&scenario) {
        return Err(invalid("series.scenario", &scenario, "this is no valid name of a scenario")
            .with_hint("use up to 64 lower-case letters, digits and hyphens, such as base"));
    }
    Ok(())
}
