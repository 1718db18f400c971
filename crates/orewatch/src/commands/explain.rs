//! `explain`: why a figure is what it is.
use orewatch_contracts::common::v1::{By, Estimate};
use orewatch_contracts::exposure::v1::{
    Balance, Contribution, ExplainExposureRequest, ExposureFilter, Route, SourceRow, Subject, Term,
};
use orewatch_runtime::Failure;
use serde_json::json;

use super::exposure::{Reading, Weight};
use super::{absent, point, say};
use crate::options::{ClientOptions, Format};
use crate::render::{Cell, Record, Row, document, explanation, object, status_word};
use crate::session::Client;
use crate::view::ExposureRow;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch explain --consumer G7 --material rare-earths --stage refined --supplier CHN --as-of 2024
  orewatch explain --consumer DEU --material manganese --stage mined --measure lookthrough-share --supplier ZAF
  orewatch explain --consumer WLD --material antimony --stage mined --measure production-top1 --as-at MCS2025")]
pub(crate) struct Args {
    /// Who depends: an economy (ISO alpha-3), a bloc or WLD
    #[arg(long, value_name = "CODE")]
    consumer: String,
    /// On what
    #[arg(long, value_name = "MATERIAL")]
    material: String,
    /// Where in the chain: mined, refined or manufactured
    #[arg(long, value_name = "STAGE")]
    stage: String,
    /// On whom: an economy (ISO alpha-3)
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    supplier: String,
    /// The measure [default: import-share with a supplier, import-hhi without]
    #[arg(long, value_name = "MEASURE")]
    measure: Option<String>,
    /// What flows are weighed by [default: quantity, or value for a measure that knows no other]
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// The period [default: the latest with data]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    as_of: String,
    #[arg(long, value_name = "POINT", help = point::AS_AT)]
    as_at: Option<String>,
    /// Most source rows to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Most routes to show, of measures that follow the material to its origin
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    routes: u32,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let as_at = point::as_at(args.as_at.as_deref())?;
    let ask = ExplainExposureRequest {
        subject: Some(Subject {
            consumer: args.consumer.clone(),
            material: args.material.clone(),
            stage: args.stage.clone(),
            supplier: args.supplier.clone(),
            measure: args.measure().to_owned(),
            by: args.by.map_or(By::Unspecified, By::from).into(),
        }),
        as_of: args.as_of.clone(),
        as_at: as_at.clone(),
        max_rows: args.rows,
        max_routes: args.routes,
        reading: args.reading.message(),
    };
    let answer = client.exposure().await?.explain_exposure(client.request(ask)).await?.into_inner();
    let exposure = answer.exposure.clone().unwrap_or_default();
    if exposure.estimate.as_ref().is_none_or(|estimate| estimate.value.is_none() && estimate.low.is_none()) {
        for reason in absent::reasons(client, &args.filter(), as_at).await? {
            say(&reason);
        }
    }
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "exposure": object(&ExposureRow(&exposure)),
            "formula": answer.formula,
            "citation": answer.citation,
            "terms": document(&answer.terms.iter().map(TermRow).collect::<Vec<_>>()),
            "contributions": document(&answer.contributions.iter().map(ContributionRow).collect::<Vec<_>>()),
            "routes": document(&answer.routes.iter().map(RouteRow).collect::<Vec<_>>()),
            "other_routes": answer.other_routes,
            "balances": document(&answer.balances.iter().map(BalanceRow).collect::<Vec<_>>()),
            "rows": document(&answer.rows.iter().map(SourceLine).collect::<Vec<_>>()),
            "rows_total": answer.rows_total,
            "releases": answer.releases.iter().map(|release| &release.id).collect::<Vec<_>>(),
        })),
        Format::Csv => client.out.csv(&answer.rows.iter().map(SourceLine).collect::<Vec<_>>()),
        Format::Table => client.out.text(&explanation(&client.out, &exposure, &answer)),
    }
}

impl Args {
    fn measure(&self) -> &str {
        let usual = if self.supplier.is_empty() { "import-hhi" } else { "import-share" };
        self.measure.as_deref().unwrap_or(usual)
    }

    /// The market and consumer that were asked for.
    fn filter(&self) -> ExposureFilter {
        ExposureFilter {
            consumers: vec![self.consumer.clone()],
            materials: vec![self.material.clone()],
            stages: vec![self.stage.clone()],
            measures: vec![self.measure().to_owned()],
            as_of: self.as_of.clone(),
            ..ExposureFilter::default()
        }
    }
}

/// A term of a formula.
pub(crate) struct TermRow<'a>(pub(crate) &'a Term);

impl Row for TermRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["symbol", "description", "value", "low", "high", "unit", "status"];

    fn cells(&self) -> Vec<Cell> {
        let estimate = self.0.estimate.clone().unwrap_or_default();
        vec![
            Cell::text(&self.0.symbol),
            Cell::text(&self.0.description),
            Cell::Number(estimate.value),
            Cell::Number(estimate.low),
            Cell::Number(estimate.high),
            Cell::text(&self.0.unit),
            Cell::text(status_word(estimate.status())),
        ]
    }
}

struct ContributionRow<'a>(&'a Contribution);

impl Row for ContributionRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["supplier", "amount", "amount_status", "unit", "share", "share_status"];

    fn cells(&self) -> Vec<Cell> {
        let both = |estimate: &Option<Estimate>| estimate.clone().unwrap_or_default();
        let (amount, share) = (both(&self.0.amount), both(&self.0.share));
        vec![
            Cell::text(&self.0.supplier),
            Cell::Number(amount.value),
            Cell::text(status_word(amount.status())),
            Cell::text(&self.0.unit),
            Cell::Number(share.value),
            Cell::text(status_word(share.status())),
        ]
    }
}

struct RouteRow<'a>(&'a Route);

impl Row for RouteRow<'_> {
    const COLUMNS: &'static [&'static str] = &["stops", "share"];

    fn cells(&self) -> Vec<Cell> {
        let stops = self.0.stops.iter().map(|stop| Record {
            text: format!("{} {}", stop.economy, stop.what),
            fields: vec![("economy", Cell::text(&stop.economy)), ("what", Cell::text(&stop.what))],
        });
        vec![Cell::Records(stops.collect()), Cell::Number(Some(self.0.share))]
    }
}

struct BalanceRow<'a>(&'a Balance);

impl Row for BalanceRow<'_> {
    const COLUMNS: &'static [&'static str] = &["economy", "added_t", "supply_t"];

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::text(&self.0.economy), Cell::Number(Some(self.0.added)), Cell::Number(Some(self.0.supply))]
    }
}

struct SourceLine<'a>(&'a SourceRow);

impl Row for SourceLine<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "release",
        "file",
        "line",
        "column",
        "period",
        "economy",
        "partner",
        "product",
        "quantity_t",
        "quantity_status",
        "value_kusd",
        "figure",
        "note",
    ];

    fn cells(&self) -> Vec<Cell> {
        let row = self.0;
        vec![
            Cell::text(&row.release),
            Cell::text(&row.file),
            Cell::Count(Some(row.line)),
            Cell::text(&row.column),
            Cell::text(&row.period),
            Cell::text(&row.economy),
            Cell::text(&row.partner),
            Cell::text(&row.product),
            Cell::Number(row.quantity),
            Cell::text(status_word(row.quantity_status())),
            Cell::Number(row.value),
            Cell::Number(row.figure),
            Cell::text(&row.note),
        ]
    }
}
