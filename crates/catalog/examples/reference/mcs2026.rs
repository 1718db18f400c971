//! Mineral Commodity Summaries 2026: one long csv in Windows-1252, a row a figure.

use std::path::Path;

use anyhow::{Context, Result};
use orewatch_catalog::Unit;

use crate::mcs::{Output, Outputs, SERIES, Series, add, producer, quantity};
use crate::source::{Row, Source};

pub(crate) fn read(path: &Path) -> Result<Outputs> {
    let mut outputs = Outputs::new();
    for row in Source::read(path)?.rows() {
        collect(row, &mut outputs).with_context(|| format!("{}, line {}", path.display(), row.line()))?;
    }
    Ok(outputs)
}

fn collect(row: Row<'_>, outputs: &mut Outputs) -> Result<()> {
    let Some(series) = series(row)? else { return Ok(()) };
    let Some(economy) = producer(row.get("Country")?)? else { return Ok(()) };
    let unit: Unit = row.get("Unit")?.parse()?;
    let quantity = quantity(row.get("Value")?)?.unwrap_or_else(|| "NA".to_owned());
    let estimated = row.get("Notes")?.starts_with("Estimated");
    let key = (series.material, series.stage, row.get("Year")?.to_owned(), economy);
    add(outputs, key, Output { quantity, unit, estimated })
}

/// The series of a row of a world table's production columns.
fn series(row: Row<'_>) -> Result<Option<&'static Series>> {
    if !row.get("Section")?.starts_with("World") || row.get("Statistics")? != "Production" {
        return Ok(None);
    }
    let (commodity, detail) = (row.get("Commodity")?, row.get("Statistics_detail")?);
    Ok(SERIES.iter().find(|series| series.commodity_2026 == commodity && series.detail_2026 == detail))
}
