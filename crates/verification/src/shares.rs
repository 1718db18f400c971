//! Shares of suppliers in imports and of producers in output, and concentration from a leading share.

use orewatch_catalog::{Consumer, OTHER, Period};
use orewatch_measures::{Amount, Measure, Sourcing};

use crate::case::Claim;
use crate::dependency::members;
use crate::table::{BadTable, Row, Table};
use crate::trade::Trade;
use crate::{Case, Published};

/// Shares of imports are printed in tenths of a percent.
const IMPORT_TOLERANCE: f64 = 0.000_501;

/// The source prints whole percent, rounded.
const OUTPUT_TOLERANCE: f64 = 0.01;

/// The source prints an index of 0 to 1 with three decimals.
const INDEX_TOLERANCE: f64 = 5.0;

/// The index of the source in the unit of the measure.
const INDEX_SCALE: f64 = 10_000.0;

const ONLY_THE_LARGEST: &str = "only the share of the largest economy is held here: the rest may belong to \
                                one economy or to very many";

/// Shares of a supplier in imports, over several product codes of one of two tables of trade.
pub(crate) fn import_shares(hs92: &Trade<'_>, hs17: &Trade<'_>) -> Result<Vec<Case>, BadTable> {
    let table = Table::read("trade-shares.csv", include_str!("../data/trade-shares.csv"))?;
    let case = |row: Row<'_>| {
        let consumer: Consumer = row.text("consumer").parse().map_err(|_| row.bad("unknown consumer"))?;
        let year: Period = row.text("year").parse().map_err(|_| row.bad("unknown period"))?;
        let by = row.text("by");
        let trade = if row.text("hs") == "HS17" { hs17 } else { hs92 };
        let members = members(consumer, year);
        let mut imports = Vec::new();
        for flow in row.text("codes").split(' ').flat_map(|code| trade.flows(year, code)) {
            if members.contains(flow.importer) && !members.contains(flow.exporter) {
                imports.push((flow.exporter, if by == "value" { flow.value } else { flow.quantity }));
            }
        }
        let [consumer, supplier] = ["consumer", "supplier"].map(|column| row.text(column));
        let claim = Claim {
            measure: Measure::ImportShare,
            term: "",
            case: format!("{}, {consumer}, {year}, by {by}: {supplier}", row.text("goods")),
            unit: "share",
            tolerance: IMPORT_TOLERANCE,
            source: table.source(),
        };
        let percent = row.number("percent")?;
        let published = Published::number(format!("{percent:.1} %"), percent / 100.0);
        Ok(claim.compare(published, Sourcing::new(imports, Amount::NOTHING).share(supplier), ""))
    };
    table.rows().map(case).collect()
}

/// Shares of a producer in the world's output, held against the output that another publisher gives.
pub(crate) fn output_shares() -> Result<Vec<Case>, BadTable> {
    let table = Table::read("iea-shares.csv", include_str!("../data/iea-shares.csv"))?;
    let output = Table::reference("production-usgs-mcs-MCS2026.csv.gz")?;
    let case = |row: Row<'_>| {
        let [material, stage, economy, year] =
            ["material", "stage", "economy", "year"].map(|column| row.text(column));
        let claim = Claim {
            measure: Measure::ProductionShare,
            term: "",
            case: format!("{material}, {stage}, {year}: {economy}"),
            unit: "share",
            tolerance: OUTPUT_TOLERANCE,
            source: table.source(),
        };
        let percent = row.number("percent")?;
        let ours = sourcing(&output, &row)?.share(economy);
        let published = Published::number(format!("{percent} %"), percent / 100.0);
        Ok(claim.compare(published, ours, row.text("reason")))
    };
    table.rows().map(case).collect()
}

/// The output of the material, stage and year of a row.
fn sourcing<'a>(output: &'a Table, row: &Row<'_>) -> Result<Sourcing<&'a str>, BadTable> {
    let is_wanted = |producer: &Row<'_>| {
        let same = |column| producer.text(column) == row.text(column);
        producer.text("period") == row.text("year") && same("material") && same("stage")
    };
    let (mut named, mut residual) = (Vec::new(), Amount::NOTHING);
    for producer in output.rows().filter(is_wanted) {
        match producer.text("economy") {
            OTHER => residual = residual + producer.amount("quantity")?,
            economy => named.push((economy, producer.amount("quantity")?)),
        }
    }
    Ok(Sourcing::new(named, residual))
}

/// Concentration of capacity, of which only the largest share is known.
pub(crate) fn capacity_shares() -> Result<Vec<Case>, BadTable> {
    let table = Table::read("capacity-shares.csv", include_str!("../data/capacity-shares.csv"))?;
    let case = |row: Row<'_>| {
        let [material, stage, economy] = ["material", "stage", "economy"].map(|column| row.text(column));
        let claim = Claim {
            measure: Measure::ProductionHhi,
            term: "",
            case: format!("{material}, {stage}, capacity of 2024: {economy} {} %", row.text("percent")),
            unit: "hhi",
            tolerance: INDEX_TOLERANCE,
            source: table.source(),
        };
        let largest = row.number("percent")?;
        let rest = Amount::known(100.0 - largest);
        let ours = Sourcing::new([(economy, Amount::known(largest))], rest).hhi();
        let index = row.number("hhi")? * INDEX_SCALE;
        let published = Published::number(format!("{index:.0}"), index);
        Ok(claim.compare(published, ours, ONLY_THE_LARGEST))
    };
    table.rows().map(case).collect()
}
