//! The six Worldwide Governance Indicators from the long CSV file of an edition: one row per economy, year
//! and indicator.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use orewatch_catalog::{Scheme, resolve_economy};

use crate::source::{Row, Source};
use crate::tidy::Table;

/// Edition of the file: its last year is the one before.
const VINTAGE: &str = "2024";

pub(crate) fn table(path: &Path) -> Result<Table> {
    let mut estimates = BTreeMap::new();
    for row in Source::read(path)?.rows() {
        let in_line = || format!("{}, line {}", path.display(), row.line());
        let (key, estimate) = estimate(row).with_context(in_line)?;
        ensure!(estimates.insert(key, estimate).is_none(), "{}: this estimate occurs twice", in_line());
    }
    let row = |((indicator, economy, year), estimate)| format!("{year},{economy},{indicator},{estimate}");
    Ok(Table {
        table: "governance",
        dataset: "wgi",
        vintage: VINTAGE.to_owned(),
        provenance: vec![
            ("publisher", "World Bank".to_owned()),
            ("title", format!("Worldwide Governance Indicators, {VINTAGE} update: estimates")),
            ("url", "https://www.worldbank.org/en/publication/worldwide-governance-indicators".to_owned()),
            ("licence", "CC-BY-4.0".to_owned()),
            ("published", VINTAGE.to_owned()),
        ],
        header: "period,economy,indicator,value",
        rows: estimates.into_iter().map(row).collect(),
    })
}

/// Indicator, economy and year.
type Key = (&'static str, &'static str, String);

fn estimate(row: Row<'_>) -> Result<(Key, String)> {
    let indicator = match row.get("indicator")? {
        "cc" => "control-of-corruption",
        "ge" => "government-effectiveness",
        "pv" => "political-stability",
        "rl" => "rule-of-law",
        "rq" => "regulatory-quality",
        "va" => "voice-and-accountability",
        other => bail!("`{other}` is no indicator"),
    };
    let economy = resolve_economy(Scheme::Wgi, row.get("code")?)?.iso3;
    let estimate = match row.get("estimate")? {
        "" | ".." => "NA",
        number => {
            number.parse::<f64>().map(|_| number).with_context(|| format!("`{number}` is no estimate"))?
        }
    };
    Ok(((indicator, economy, row.get("year")?.to_owned()), estimate.to_owned()))
}
