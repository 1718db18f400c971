//! Mineral Commodity Summaries 2025: one wide csv, a column a year.
//!
//! The file prints neither dashes nor `W`: it leaves both blank, and only some rows say `W for 23-24` in their notes. A blank
//! without that note takes the sign that the next edition prints for the same series, economy and the year 2024: a dash or `W`.
//! Where that edition has a figure or no row, the blank stays unavailable.

use std::path::Path;

use anyhow::{Context, Result};
use orewatch_catalog::Unit;

use crate::mcs::{Key, Output, Outputs, SERIES, Series, add, producer, quantity};
use crate::source::{Row, Source};

/// Year, its column, and whether the column holds the source's estimates throughout.
const YEARS: [(&str, &str, bool); 2] = [("2023", "PROD_2023", false), ("2024", "PROD_EST_ 2024", true)];

pub(crate) fn read(path: &Path, next_edition: &Outputs) -> Result<Outputs> {
    let mut outputs = Outputs::new();
    for row in Source::read(path)?.rows() {
        collect(row, next_edition, &mut outputs)
            .with_context(|| format!("{}, line {}", path.display(), row.line()))?;
    }
    Ok(outputs)
}

fn collect(row: Row<'_>, next_edition: &Outputs, outputs: &mut Outputs) -> Result<()> {
    let Some(series) = series(row)? else { return Ok(()) };
    let Some(economy) = producer(row.get("COUNTRY")?)? else { return Ok(()) };
    let unit: Unit = row.get("UNIT_MEAS")?.parse()?;
    for (year, column, estimates) in YEARS {
        let key: Key = (series.material, series.stage, year.to_owned(), economy);
        let printed = quantity(row.get(column)?)?;
        let estimated = printed.is_some() && estimated(row, estimates)?;
        let quantity = match printed {
            Some(figure) => figure,
            None => blank(row, series, economy, next_edition)?,
        };
        add(outputs, key, Output { quantity, unit, estimated })?;
    }
    Ok(())
}

fn series(row: Row<'_>) -> Result<Option<&'static Series>> {
    let (commodity, kind) = (row.get("COMMODITY")?, row.get("TYPE")?);
    Ok(SERIES.iter().find(|series| series.commodity_2025 == commodity && kind.starts_with(series.type_2025)))
}

/// What a blank stands for.
fn blank(row: Row<'_>, series: &Series, economy: &'static str, next_edition: &Outputs) -> Result<String> {
    if row.get("PROD_NOTES")?.starts_with("W for 23-24") {
        return Ok("W".to_owned());
    }
    let same = next_edition.get(&(series.material, series.stage, "2024".to_owned(), economy));
    let sign = same.map(|output| output.quantity.as_str()).filter(|sign| ["0", "W"].contains(sign));
    Ok(sign.unwrap_or("NA").to_owned())
}

fn estimated(row: Row<'_>, whole_column: bool) -> Result<bool> {
    let notes = row.get("PROD_NOTES")?.to_lowercase();
    let whole_series = row.get("TYPE")?.ends_with("estimated");
    Ok(whole_series || if whole_column { notes != "reported" } else { notes.starts_with("estimated") })
}
