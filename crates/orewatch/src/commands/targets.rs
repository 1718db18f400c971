//! `targets`: how far the figures are from announced targets.
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::{ListTargetsRequest, TargetStanding, TargetVerdict};
use orewatch_contracts::ingestion::v1::TargetRow;

use super::{as_at, print_message, with_client};
use crate::names;
use crate::options::{ClientOptions, Format};
use crate::render::{Out, line_in, table, wrap};
use crate::session::{Client, Session};
use crate::view::{ProgressLine, TargetBasis, confirmation, kind_of_target};
use crate::words::count_text;

/// Legend of the mark `?`.
const NOT_CONFIRMED: &str = "? not confirmed: the threshold lies inside the figure's bounds\n";

/// What the numbers do not say.
const YARDSTICKS: &str = "path: where a straight line from the last figure at the announcement to the \
                          threshold would be. A path and a pace that goes on are yardsticks, not forecasts.";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A target has a threshold, a date, and a source. If the source does not say whether tonnes or money
count, the target is held against both. If it names no supplier, the largest one counts; trade
inside a bloc is left out.

  distance       how far the figure is beyond the threshold; negative if the target is met
  path           where a straight line from the announcement to the due year would be
  needed a year  change a year that reaches the threshold in time
  way made       share of the way from an earlier figure to the threshold; negative if it moved away
  at that pace   years until the threshold is reached if the pace goes on, or \"moving away\"

Examples:
  orewatch targets
  orewatch targets g7-2030-rare-earths --since 2007,2012,2019
  orewatch targets --consumer EU27 --material gallium,magnesium
  orewatch targets --consumer G7 --as-at 2026-06-30 --format json")]
pub(crate) struct Args {
    /// Targets by identifier [default: all]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Only targets of these economies or blocs, such as G7
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    consumer: Vec<String>,
    /// Only targets about these materials, such as rare-earths
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Years with which progress is also measured [default: 2007,2012,2019]
    #[arg(long, value_name = "YEAR", value_delimiter = ',')]
    since: Vec<u32>,
    #[arg(long, value_name = "POINT", help = as_at::HELP)]
    as_at: Option<String>,
    #[command(flatten)]
    client: ClientOptions,
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, async |client| targets(&args, client).await).await
}

async fn targets(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = ListTargetsRequest {
        consumers: names::consumers(&args.consumer)?,
        materials: names::materials(&args.material)?,
        targets: args.targets.clone(),
        as_at: as_at::parse(args.as_at.as_deref())?,
        since: args.since.clone(),
    };
    let found = client.take(client.exposure().await?.list_targets(client.request(request)).await?).targets;
    match client.out.format {
        Format::Json | Format::Csv => client.out.rows(&found.iter().flat_map(bases).collect::<Vec<_>>())?,
        Format::Table if found.is_empty() => {
            print_message("No target matches. `orewatch ingest --reference` records those that ship.");
        }
        Format::Table => client.out.text(&page(&client.out, &found))?,
    }
    client.out.require(found.is_empty())
}

/// A target on each of its bases.
fn bases(standing: &TargetStanding) -> Vec<TargetBasis<'_>> {
    standing.progress.iter().map(|progress| TargetBasis { standing, progress }).collect()
}

/// All targets for people: those with figures in full, the others by name.
fn page(out: &Out, found: &[TargetStanding]) -> String {
    let is_known = |standing: &&TargetStanding| {
        standing.progress.iter().any(|progress| progress.verdict() != TargetVerdict::Unknown)
    };
    let (known, unknown): (Vec<_>, Vec<_>) = found.iter().partition(is_known);
    let mut text: String = known.iter().map(|standing| format!("{}\n", entry(out, standing))).collect();
    if !unknown.is_empty() {
        let count = count_text(unknown.len(), "target");
        let names: Vec<_> = unknown.iter().map(|standing| id(standing)).collect();
        text.push_str(&wrap(&format!("{count} without a figure: {}", names.join(", ")), out.width, ""));
    }
    let marks = known.iter().flat_map(|standing| &standing.progress).any(|progress| {
        let verdict = progress.verdict();
        matches!(verdict, TargetVerdict::MetNotConfirmed | TargetVerdict::MissedNotConfirmed)
    });
    if marks {
        text.push_str(NOT_CONFIRMED);
    }
    if !known.is_empty() {
        text.push_str(&wrap(YARDSTICKS, out.width, ""));
    }
    text
}

/// One target: what it says, its figures on each basis, and its progress.
fn entry(out: &Out, standing: &TargetStanding) -> String {
    let target = standing.target.clone().unwrap_or_default();
    let mut text = format!("{}\n", out.style.bold(&target.id));
    text.push_str(&wrap(&target.title, out.width, "  "));
    text.push_str(&wrap(&terms(standing, &target), out.width, "  "));
    text.push_str(&table(out, &bases(standing)));
    let lines = ProgressLine::all(standing);
    if !lines.is_empty() {
        text.push_str(&table(out, &lines));
    }
    text.push_str(&missing_years(standing));
    text
}

/// The terms of a target in a line: `G7 · rare-earths refined · import-share · <= 60 % by 2030 · declaration
/// by G7, 2026-06-17, reported`.
fn terms(standing: &TargetStanding, target: &TargetRow) -> String {
    let due = if target.due.is_empty() { "no date".to_owned() } else { format!("by {}", target.due) };
    let line = line_in(&standing.unit, target.line, !target.at_most, true);
    let supplier =
        if target.supplier.is_empty() { String::new() } else { format!(" from {}", target.supplier) };
    format!(
        "{} · {} {}{supplier} · {} · {line} {due} · {} by {}, {}, {}",
        target.consumer,
        target.material,
        target.stage,
        target.measure,
        kind_of_target(target),
        target.announced_by,
        target.announced,
        confirmation(target)
    )
}

/// The years that progress was asked for since and that have no figure on any basis.
fn missing_years(standing: &TargetStanding) -> String {
    let Some(first) = standing.progress.first() else { return String::new() };
    let is_missing = |period: &str| {
        let since = standing.progress.iter().flat_map(|progress| &progress.since);
        since.filter(|since| since.period == period).all(|since| since.value.is_none())
    };
    let years: Vec<&str> =
        first.since.iter().map(|since| since.period.as_str()).filter(|period| is_missing(period)).collect();
    if years.is_empty() { String::new() } else { format!("no figure of {}\n", years.join(", ")) }
}

fn id(standing: &TargetStanding) -> &str {
    standing.target.as_ref().map_or("", |target| target.id.as_str())
}
