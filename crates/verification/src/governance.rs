//! Governance of single economies on the scale of the EU's assessment, computed from the governance table of
//! the catalogue.

use orewatch_measures::{Estimate, Indicators, Measure, governance};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::{Case, Published};

/// Name of the table.
const TABLE: &str = "governance-wgi-2024.csv.gz";

/// Names of the six indicators in the table.
const INDICATORS: [&str; 6] = [
    "control-of-corruption",
    "government-effectiveness",
    "political-stability",
    "regulatory-quality",
    "rule-of-law",
    "voice-and-accountability",
];

/// The source prints two decimals.
const TOLERANCE: f64 = 0.006;

/// Every case of the table.
pub(crate) fn cases() -> Result<Vec<Case>, BadTable> {
    let table = Table::read("governance.csv", include_str!("../data/governance.csv"))?;
    let indicators = indicators()?;
    let case = |row: Row<'_>| {
        let (economy, year, published) = (row.text("economy"), row.text("year"), row.number("published")?);
        let claim = Claim {
            measure: Measure::EuSupplyRisk,
            term: "WGI_c",
            case: format!("governance of {economy}, {year}"),
            unit: "index",
            tolerance: TOLERANCE,
            source: table.source(),
        };
        let ours = governance_of(&indicators, economy, &[year]);
        Ok(claim.compare(Published::number(row.text("published"), published), ours, ""))
    };
    table.rows().map(case).collect()
}

/// Mean governance of an economy over several years, 0 (best) to 10 (worst).
pub(crate) fn governance_of(indicators: &Table, economy: &str, years: &[&str]) -> Estimate {
    let rows: Vec<_> = indicators.rows().filter(|row| row.text("economy") == economy).collect();
    let value = |year: &str, indicator: &str| {
        let row = rows.iter().find(|row| row.text("period") == year && row.text("indicator") == indicator);
        row.and_then(|row| row.number("value").ok())
    };
    let years: Vec<Indicators> = years.iter().map(|year| INDICATORS.map(|name| value(year, name))).collect();
    governance(&years)
}

/// The table of indicators.
pub(crate) fn indicators() -> Result<Table, BadTable> {
    Table::reference(TABLE)
}
