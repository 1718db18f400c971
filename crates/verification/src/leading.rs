//! Share of the largest producer, computed from the output tables of the catalogue.

use orewatch_catalog::OTHER;
use orewatch_measures::{Amount, Measure, Sourcing};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::{Case, Published};

/// The source prints tenths of a percent.
const TOLERANCE: f64 = 0.0005;

/// Every case of the table.
pub(crate) fn cases() -> Result<Vec<Case>, BadTable> {
    let table = Table::read("leading-shares.csv", include_str!("../data/leading-shares.csv"))?;
    table.rows().map(|row| case(&table, &row)).collect()
}

fn case(table: &Table, row: &Row<'_>) -> Result<Case, BadTable> {
    let output = Table::reference(&format!("production-usgs-mcs-{}.csv.gz", row.text("vintage")))?;
    let producers = output.rows().filter(|output| {
        let same = |column| output.text(column) == row.text(column);
        output.text("period") == row.text("year") && same("material") && same("stage")
    });
    let (mut named, mut residual) = (Vec::new(), Amount::NOTHING);
    for producer in producers {
        let quantity = producer.amount("quantity")?;
        match producer.text("economy") {
            OTHER => residual = residual + quantity,
            economy => named.push((economy, quantity)),
        }
    }
    let (top, leaders) = Sourcing::new(named, residual).top::<1>();
    if leaders != [row.text("economy")] {
        return Err(row.bad("another economy is the largest producer"));
    }
    let [vintage, material, stage, year, economy] =
        ["vintage", "material", "stage", "year", "economy"].map(|column| row.text(column));
    let claim = Claim {
        measure: Measure::ProductionTop1,
        term: "",
        case: format!("{material}, {stage}, {year}: {economy} ({vintage})"),
        unit: "share",
        tolerance: TOLERANCE,
        source: table.source(),
    };
    let percent = row.number("percent")?;
    Ok(claim.compare(Published::number(format!("{percent} %"), percent / 100.0), top, row.text("reason")))
}
