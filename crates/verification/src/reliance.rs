//! Net import reliance of the United States, as printed in the Mineral Commodity Summaries.

use orewatch_measures::{Amount, Estimate, Measure, PrintedReliance, Reliance, Status};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::{Case, Published, Verdict};

/// The source prints inputs with about three digits, and the figure in whole percent.
const TOLERANCE: f64 = 0.006;

/// Every case of the table.
pub(crate) fn cases() -> Result<Vec<Case>, BadTable> {
    let table = Table::read("net-import-reliance.csv", include_str!("../data/net-import-reliance.csv"))?;
    let reasons = Table::read("reasons.csv", include_str!("../data/reasons.csv"))?;
    let rows: Vec<_> = table.rows().collect();
    let same = |a: &Row<'_>, b: &Row<'_>| key(a) == key(b);
    rows.chunk_by(same).map(|group| case(&table, group, &reasons)).collect()
}

fn key<'a>(row: &Row<'a>) -> (&'a str, &'a str) {
    (row.text("commodity"), row.text("year"))
}

fn case(table: &Table, group: &[Row<'_>], reasons: &Table) -> Result<Case, BadTable> {
    let Some((published, (commodity, year))) =
        group.iter().find(|row| row.text("term") == "NIR").zip(group.first().map(key))
    else {
        return Err(BadTable {
            table: "net-import-reliance.csv".to_owned(),
            what: "a case lacks NIR".to_owned(),
        });
    };
    let printed: PrintedReliance =
        published.text("value").parse().map_err(|_| published.bad("a reliance is not as printed"))?;
    let reliance = inputs(group)?;
    let reason = reasons.rows().find(|row| key(row) == (commodity, year) || key(row) == (commodity, ""));
    let claim = Claim {
        measure: Measure::NetImportReliance,
        term: "",
        case: format!("{commodity}, USA, {year}"),
        unit: "share",
        tolerance: TOLERANCE,
        source: table.source(),
    };
    let reason = reason.map_or("", |row| row.text("reason"));
    let mut case = claim.compare(Published::reliance(printed), reliance.estimate(), reason);
    // What makes a net exporter is the sign of net imports, not a reliance that is rounded to zero.
    let is_exporter = reliance.is_net_exporter() == Some(true);
    case.mark = is_exporter.then(|| PrintedReliance::NetExporter.to_string());
    if is_exporter != (printed == PrintedReliance::NetExporter) {
        case.verdict = Verdict::NotReproduced;
    }
    Ok(case)
}

fn inputs(group: &[Row<'_>]) -> Result<Reliance, BadTable> {
    let sum = |term: &str| -> Result<Option<Amount>, BadTable> {
        let amounts = group.iter().filter(|row| row.text("term") == term).map(tonnes);
        Ok(amounts.collect::<Result<Vec<_>, _>>()?.into_iter().reduce(std::ops::Add::add))
    };
    Ok(Reliance {
        production: sum("P")?.unwrap_or(Amount::NOTHING),
        secondary: sum("S")?,
        imports: sum("I")?.unwrap_or(Amount::NOTHING),
        exports: sum("E")?.unwrap_or(Amount::NOTHING),
        stock_decrease: decrease(group)?,
    })
}

/// Decrease of stocks: stocks at the beginning minus stocks at the end, plus government releases. `None`: the
/// definition does not include stocks.
fn decrease(group: &[Row<'_>]) -> Result<Option<Estimate>, BadTable> {
    let signed = |row: &Row<'_>| match row.text("term") {
        "stocks-before" | "released" => Some(1.0),
        "stocks-after" => Some(-1.0),
        _ => None,
    };
    let stocks: Vec<_> = group.iter().filter_map(|row| Some((row, signed(row)?))).collect();
    if stocks.iter().any(|(row, _)| matches!(row.text("value"), "W" | "NA")) {
        return Ok(Some(Estimate::missing(Status::Withheld, "stocks are withheld")));
    }
    let mut sum = None;
    for (row, sign) in stocks {
        sum = Some(sum.unwrap_or(0.0) + sign * row.number("value")? * factor(row));
    }
    Ok(sum.map(Estimate::known))
}

fn tonnes(row: &Row<'_>) -> Result<Amount, BadTable> {
    let amount = row.amount("value")?;
    let factor = factor(row);
    Ok(if amount.is_known() {
        Amount::known(amount.low() * factor)
    } else if amount.high().is_finite() {
        Amount::between(amount.low() * factor, amount.high() * factor)
    } else {
        amount
    })
}

/// Number of tonnes in the unit of the row.
fn factor(row: &Row<'_>) -> f64 {
    match row.text("unit") {
        "kt" => 1e3,
        "kg" => 1e-3,
        _ => 1.0,
    }
}
