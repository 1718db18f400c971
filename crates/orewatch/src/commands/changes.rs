//! `changes`: shows the figures that a release changed, or that differ between two points in knowledge time.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::common::v1::{AsAt, By};
use orewatch_contracts::exposure::v1::{
    CompareVintagesRequest, CompareVintagesResponse, ExposureFilter, ReleaseNote,
};
use serde_json::json;

use super::exposure::{Reading, Select, Weight};
use super::{as_at, print_message, with_client};
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{Out, document, table};
use crate::session::{Client, Session};
use crate::view::change::vintages;
use crate::words::grouped;

/// Page size of requests: the most that the server returns at once.
const PAGE_SIZE: usize = 10_000;

/// Maximum number of notes in the table.
const MAX_NOTES: usize = 10;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The largest differences come first. Differences of shares count as they are, of HHI as a part of 10,000,
and of other units as a part of the larger figure.

Examples:
  orewatch changes MCS2026
  orewatch changes MCS2026 --material antimony --measure production-share
  orewatch changes --from 2026-01-31 --consumer G7 --format csv
  orewatch changes --from MCS2025 --to MCS2026 --limit 50")]
pub(crate) struct Args {
    /// Release to compare with what was known just before it: its identifier, or its vintage if only one
    /// release has it
    #[arg(required_unless_present_any = ["from", "to"], conflicts_with_all = ["from", "to"])]
    release: Option<String>,
    /// Earlier point: a release, a time, a day, or @POSITION [default: just before --to]
    #[arg(long, value_name = "POINT")]
    from: Option<String>,
    /// Later point: a release, a time, a day, or @POSITION [default: now]
    #[arg(long, value_name = "POINT")]
    to: Option<String>,
    #[command(flatten)]
    select: Select,
    /// Measures, such as import-share or production-top1; `orewatch measures` lists them [default: all]
    #[arg(long, value_name = "MEASURE", value_delimiter = ',')]
    measure: Vec<String>,
    /// Weight of flows [default: both]
    #[arg(long, value_enum)]
    by: Option<Weight>,
    /// Periods: 2022 or 2018..2024 [default: all]
    #[arg(long, value_name = "PERIODS", default_value = "", hide_default_value = true)]
    as_of: String,
    /// Maximum number of figures to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| changes(&args, client).await).await
}

async fn changes(args: &Args, client: &Client) -> Result<(), Failure> {
    let found = compare(args, client).await?;
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "releases": found.releases,
            "removed_releases": found.removed_releases,
            "notes": document(&found.notes),
            "changes_total": found.changes_total,
            "changes": document(&found.changes),
        }))?,
        Format::Csv => client.out.csv(&found.changes)?,
        Format::Table if found.changes.is_empty() => {
            print_message(&format!("{}No figure differs.", releases_text(&found)));
        }
        Format::Table => client.out.text(&page(&client.out, &found))?,
    }
    client.out.require(found.changes.is_empty())
}

/// Asks for the differences up to the limit, page by page.
async fn compare(args: &Args, client: &Client) -> Result<CompareVintagesResponse, Failure> {
    let mut request = args.request()?;
    let mut service = client.exposure().await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut found = CompareVintagesResponse::default();
    loop {
        let wanted = limit.saturating_sub(found.changes.len()).min(PAGE_SIZE);
        request.page_size = u32::try_from(wanted).unwrap_or(u32::MAX);
        let page = client.take(service.compare_vintages(client.request(request.clone())).await?);
        let mut changes = std::mem::take(&mut found.changes);
        changes.extend(page.changes.iter().cloned());
        found = CompareVintagesResponse { changes, ..page };
        if found.next_page_token.is_empty() || found.changes.len() >= limit {
            return Ok(found);
        }
        request.page_token = std::mem::take(&mut found.next_page_token);
    }
}

impl Args {
    fn request(&self) -> Result<CompareVintagesRequest, Failure> {
        let release = self.release.as_ref().map(|id| AsAt { at: Some(At::Release(id.clone())) });
        let filter = ExposureFilter {
            measures: names::measures(&self.measure)?,
            by: self.by.map_or(By::Unspecified, By::from).into(),
            as_of: self.as_of.clone(),
            ..self.select.filter()?
        };
        Ok(CompareVintagesRequest {
            filter: Some(filter),
            from: as_at::parse_named("from", self.from.as_deref())?,
            to: match release {
                Some(release) => Some(release),
                None => as_at::parse_named("to", self.to.as_deref())?,
            },
            reading: self.reading.message(),
            ..CompareVintagesRequest::default()
        })
    }
}

/// Which releases came and went: `MCS2026 became visible. `
fn releases_text(found: &CompareVintagesResponse) -> String {
    let came = vintages(&found.releases);
    let went = vintages(&found.removed_releases);
    let sentence = |which: &str, what: &str| {
        if which.is_empty() { String::new() } else { format!("{which} {what}. ") }
    };
    sentence(&came, "became visible") + &sentence(&went, "is no longer visible")
}

fn page(out: &Out, found: &CompareVintagesResponse) -> String {
    let (total, shown) = (found.changes_total, found.changes.len());
    let rest = if u64::try_from(shown).is_ok_and(|shown| shown < total) {
        format!("; the {shown} that differ most")
    } else {
        String::new()
    };
    let noun = if total == 1 { "figure differs" } else { "figures differ" };
    let heading = format!("{}{} {noun}{rest}", releases_text(found), grouped(total));
    let mut text = format!("{}\n", out.style.bold(&heading));
    text.push_str(&table(out, &found.changes));
    text.push_str(&notes(out, &found.notes));
    text
}

/// What publishers say about the figures of these releases.
fn notes(out: &Out, notes: &[ReleaseNote]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", out.style.dim("What the publishers say"));
    text.push_str(&table(out, notes.iter().take(MAX_NOTES)));
    match notes.len().checked_sub(MAX_NOTES) {
        Some(more) if more > 0 => text.push_str(&format!("  and {more} more; --format json lists all\n")),
        _ => {}
    }
    text
}
