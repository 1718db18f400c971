//! `explain`: why a figure is what it is.
use orewatch_contracts::common::v1::{By, Estimate};
use orewatch_contracts::exposure::v1::{
    Contribution, ExplainExposureRequest, ExplainExposureResponse, Exposure, SourceRow, Subject, Term,
};
use orewatch_runtime::Failure;
use serde_json::json;

use super::exposure::Weight;
use super::point;
use crate::options::{ClientOptions, Format};
use crate::render::{
    Align, Cell, Out, Row, Sheet, bar, brief, document, estimate, fit, object, quantity, status_word,
};
use crate::session::Client;
use crate::view::ExposureRow;
use crate::words::{by_word, name_of};

/// Most suppliers that people are shown.
const SUPPLIERS: usize = 12;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch explain --consumer G7 --material rare-earths --stage refined --supplier CHN --as-of 2024
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
    /// What flows are weighed by
    #[arg(long, value_enum, default_value = "quantity")]
    by: Weight,
    /// The period [default: the latest with data]
    #[arg(long, value_name = "PERIOD", default_value = "", hide_default_value = true)]
    as_of: String,
    #[arg(long, value_name = "POINT", help = point::AS_AT)]
    as_at: Option<String>,
    /// Most source rows to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    rows: u32,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let usual = if args.supplier.is_empty() { "import-hhi" } else { "import-share" };
    let ask = ExplainExposureRequest {
        subject: Some(Subject {
            consumer: args.consumer.clone(),
            material: args.material.clone(),
            stage: args.stage.clone(),
            supplier: args.supplier.clone(),
            measure: args.measure.clone().unwrap_or_else(|| usual.to_owned()),
            by: By::from(args.by).into(),
        }),
        as_of: args.as_of.clone(),
        as_at: point::as_at(args.as_at.as_deref())?,
        max_rows: args.rows,
        max_routes: 0,
    };
    let answer = client.exposure().await?.explain_exposure(client.request(ask)).await?.into_inner();
    let exposure = answer.exposure.clone().unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "exposure": object(&ExposureRow(&exposure)),
            "formula": answer.formula,
            "citation": answer.citation,
            "terms": document(&answer.terms.iter().map(TermRow).collect::<Vec<_>>()),
            "contributions": document(&answer.contributions.iter().map(ContributionRow).collect::<Vec<_>>()),
            "rows": document(&answer.rows.iter().map(SourceLine).collect::<Vec<_>>()),
            "rows_total": answer.rows_total,
            "releases": answer.releases.iter().map(|release| &release.id).collect::<Vec<_>>(),
        })),
        Format::Csv => client.out.csv(&answer.rows.iter().map(SourceLine).collect::<Vec<_>>()),
        Format::Table => client.out.text(&page(&client.out, &exposure, &answer)),
    }
}

fn page(out: &Out, exposure: &Exposure, answer: &ExplainExposureResponse) -> String {
    let style = out.style;
    let subject = exposure.subject.clone().unwrap_or_default();
    let on = if subject.supplier.is_empty() {
        String::new()
    } else {
        format!(" from {}", name_of(&subject.supplier))
    };
    let mut text = style.bold(&format!(
        "{} ({}) · {} · {} · {}{on}",
        name_of(&subject.consumer),
        subject.consumer,
        subject.material,
        subject.stage,
        exposure.period
    ));
    text.push_str(&format!("\n\n  {} by {}", subject.measure, by_word(subject.by())));
    text.push_str(&format!("  =  {}", style.bold(&estimate(&exposure.unit, exposure.estimate.as_ref()))));
    let estimated = exposure.estimate.clone().unwrap_or_default();
    text.push_str(&format!("   {}", status_word(estimated.status())));
    if !estimated.reason.is_empty() {
        text.push_str(&format!(": {}", estimated.reason));
    }
    if !exposure.names.is_empty() {
        text.push_str(&format!("\n  names {}", exposure.names.join(", ")));
    }
    text.push_str(&format!("\n  formula  {}\n  source   {}\n", answer.formula, answer.citation));
    text.push_str(&format!("\n{}\n", style.dim("Terms")));
    text.push_str(&terms(out, &answer.terms));
    if !answer.contributions.is_empty() {
        text.push_str(&format!("\n{}\n", style.dim("Suppliers")));
        text.push_str(&contributions(out, &answer.contributions));
    }
    let shown = answer.rows.len();
    text.push_str(&format!(
        "\n{}\n",
        style.dim(&format!("Source rows, the largest {shown} of {}", answer.rows_total))
    ));
    text.push_str(&sources(out, &answer.rows));
    text.push_str(&format!("\n{}\n", style.dim("Releases")));
    for release in &answer.releases {
        let origin = release.provenance.clone().unwrap_or_default();
        let parts = [origin.publisher, origin.title, origin.licence];
        let origin: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        text.push_str(&format!("  {}  {}\n", release.id, origin.join("; ")));
    }
    text
}

fn terms(out: &Out, terms: &[Term]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("  term", Align::Left),
            ("value", Align::Right),
            ("unit", Align::Left),
            ("what it is", Align::Left),
        ],
    );
    for term in terms {
        sheet.row([
            format!("  {}", term.symbol),
            estimate(&term.unit, term.estimate.as_ref()),
            if term.unit == "share" { String::new() } else { term.unit.clone() },
            term.description.clone(),
        ]);
    }
    sheet.finish()
}

fn contributions(out: &Out, contributions: &[Contribution]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("  supplier", Align::Left),
            ("", Align::Left),
            ("amount", Align::Right),
            ("unit", Align::Left),
            ("share", Align::Right),
            ("", Align::Left),
        ],
    );
    for one in contributions.iter().take(SUPPLIERS) {
        let share = one.share.as_ref().and_then(|share| share.value).unwrap_or(0.0);
        sheet.row([
            format!("  {}", one.supplier),
            fit(name_of(&one.supplier), 24),
            brief(&one.unit, one.amount.as_ref()),
            one.unit.clone(),
            brief("share", one.share.as_ref()),
            bar(share, 20),
        ]);
    }
    let mut text = sheet.finish();
    if let Some(more) = contributions.len().checked_sub(SUPPLIERS).filter(|more| *more > 0) {
        text.push_str(&format!("  and {more} more; --format json lists all\n"));
    }
    text
}

fn sources(out: &Out, rows: &[SourceRow]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("  from", Align::Left),
            ("to", Align::Left),
            ("product", Align::Left),
            ("tonnes", Align::Right),
            ("kUSD", Align::Right),
            ("file, line", Align::Left),
        ],
    );
    for row in rows {
        let amount = |amount: Option<f64>, missing: &str| amount.map_or_else(|| missing.to_owned(), quantity);
        sheet.row([
            format!("  {}", row.economy),
            row.partner.clone(),
            row.product.clone(),
            amount(row.quantity, status_word(row.quantity_status())),
            amount(row.value, ""),
            format!("{}:{}", row.file, row.line),
        ]);
    }
    sheet.finish()
}

struct TermRow<'a>(&'a Term);

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

struct SourceLine<'a>(&'a SourceRow);

impl Row for SourceLine<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "release",
        "file",
        "line",
        "period",
        "economy",
        "partner",
        "product",
        "quantity_t",
        "quantity_status",
        "value_kusd",
    ];

    fn cells(&self) -> Vec<Cell> {
        let row = self.0;
        vec![
            Cell::text(&row.release),
            Cell::text(&row.file),
            Cell::Count(Some(row.line)),
            Cell::text(&row.period),
            Cell::text(&row.economy),
            Cell::text(&row.partner),
            Cell::text(&row.product),
            Cell::Number(row.quantity),
            Cell::text(status_word(row.quantity_status())),
            Cell::Number(row.value),
        ]
    }
}
