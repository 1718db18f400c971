//! `releases` and `rejections`: what went in, and what was set aside.
use orewatch_contracts::ingestion::v1::{
    GetReleaseRequest, ListRejectionsRequest, ListReleasesRequest, Rejection, Release, ReleaseInfo,
    ReleaseState, Verdict,
};
use orewatch_ingestion::scope;
use orewatch_runtime::Failure;

use super::{mend, say};
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Out, Sheet, document, number, object};
use crate::session::Client;
use crate::view::{
    RejectionRow, ReleaseRow, covers_words, kind_word, period_words, release_state_word, table_word,
};
use crate::words::{instant, word};

/// Largest page that a server gives.
const PAGE: u32 = 1_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch releases
  orewatch releases --dataset usgs-mcs
  orewatch releases MCS2026")]
pub(crate) struct Args {
    /// Show this release with its report: its identifier, or its vintage where that is unambiguous
    release: Option<String>,
    /// Only of this dataset
    #[arg(long, value_name = "DATASET", default_value = "", hide_default_value = true)]
    dataset: String,
    /// Only in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Where a release is in its life.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    Open,
    Committed,
    Refused,
    Withdrawn,
}

impl From<State> for ReleaseState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Committed => Self::Committed,
            State::Refused => Self::Refused,
            State::Withdrawn => Self::Withdrawn,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  orewatch rejections 202601 --format csv > rejected.csv\n  orewatch rejections 202601 --show 0\n  orewatch rejections 202601 --export wrong.csv"
)]
pub(crate) struct RejectionsArgs {
    /// The release: its identifier, or its vintage where that is unambiguous
    release: String,
    /// Show the row of this number with its line, the offending field marked, and what is around it
    #[arg(long, value_name = "N")]
    show: Option<usize>,
    /// Write the rows into a csv file to mend, each with its number first
    #[arg(long, value_name = "FILE", conflicts_with = "show")]
    export: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Lists releases, or shows one.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    match &args.release {
        Some(release) => show(release, client).await,
        None => list(args, client).await,
    }
}

async fn show(release: &str, client: &Client) -> Result<(), Failure> {
    let ask = GetReleaseRequest { release: release.to_owned() };
    let answer = client.ingestion().await?.get_release(client.request(ask)).await?.into_inner();
    let info = answer.release.unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&object(&ReleaseRow(&info))),
        Format::Csv => client.out.csv(&[ReleaseRow(&info)]),
        Format::Table => client.out.text(&page(&client.out, &info, false)),
    }
}

async fn list(args: &Args, client: &Client) -> Result<(), Failure> {
    let state = args.state.map_or(ReleaseState::Unspecified, ReleaseState::from);
    let mut service = client.ingestion().await?;
    let (mut releases, mut page_token) = (Vec::new(), String::new());
    loop {
        let ask = ListReleasesRequest {
            dataset: args.dataset.clone(),
            state: state.into(),
            page_size: PAGE,
            page_token,
        };
        let page = service.list_releases(client.request(ask)).await?.into_inner();
        releases.extend(page.releases);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let rows: Vec<ReleaseRow<'_>> = releases.iter().map(ReleaseRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table if releases.is_empty() => {
            say("no release yet; the reference figures are one command away: orewatch ingest --reference");
            Ok(())
        }
        Format::Table => client.out.text(&table(&client.out, &releases)),
    }
}

fn table(out: &Out, releases: &[ReleaseInfo]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("release", Align::Left),
            ("about", Align::Left),
            ("state", Align::Left),
            ("periods", Align::Left),
            ("covers", Align::Left),
            ("rows", Align::Right),
            ("set aside", Align::Right),
            ("since", Align::Left),
        ],
    );
    for info in releases {
        let release = info.release.clone().unwrap_or_default();
        let report = info.report.clone().unwrap_or_default();
        sheet.row([
            release.id.clone(),
            table_word(release.table()),
            release_state_word(info.state()),
            period_words(&report.first_period, &report.last_period),
            covers_words(info),
            whole(report.rows_recorded),
            whole(report.rows_rejected),
            info.closed_at.map(|time| day(time.seconds)).unwrap_or_default(),
        ]);
    }
    sheet.finish()
}

/// The day of an instant.
fn day(seconds: i64) -> String {
    instant(seconds).chars().take(10).collect()
}

/// A release with its report. `brief`: of the gates only those that found something.
pub(crate) fn page(out: &Out, info: &ReleaseInfo, brief: bool) -> String {
    let release = info.release.clone().unwrap_or_default();
    let origin = release.provenance.clone().unwrap_or_default();
    let report = info.report.clone().unwrap_or_default();
    let files: Vec<String> =
        release.files.iter().map(|file| format!("{} ({} bytes)", file.name, whole(file.bytes))).collect();
    let originals: Vec<String> = if brief { Vec::new() } else { originals(&release) };
    let rejected: Vec<String> =
        report.rejected_by_code.iter().map(|(code, count)| format!("{code} {}", whole(*count))).collect();
    let rows = format!(
        "{} read: {} recorded, {} out of scope, {} set aside",
        whole(report.rows_read),
        whole(report.rows_recorded),
        whole(report.rows_out_of_scope),
        whole(report.rows_rejected)
    );
    let position = info.committed_position.map(|position| format!("@{position}")).unwrap_or_default();
    let state = release_state_word(info.state());
    let kind = match release.supplements.as_str() {
        "" => kind_word(release.kind()),
        base => format!("{} of {base}", kind_word(release.kind())),
    };
    let fields = [
        ("state", state.clone()),
        ("why", info.reason.clone()),
        ("about", table_word(release.table())),
        ("publisher", origin.publisher),
        ("title", origin.title),
        ("address", origin.url),
        ("published", origin.published),
        ("licence", origin.licence),
        ("files", files.join(", ")),
        ("originals", originals.join("\n             ")),
        ("kind", kind),
        ("scope", release.scope.as_ref().map(scope::text).unwrap_or_default()),
        ("tenant", release.tenant),
        ("rows", rows),
        ("set aside", rejected.join(", ")),
        ("periods", period_words(&report.first_period, &report.last_period)),
        ("covers", covers_words(info)),
        ("restates", report.restates),
        (state.as_str(), info.closed_at.map(|time| instant(time.seconds)).unwrap_or_default()),
        ("as at", position),
    ];
    let mut text = format!("{}\n", out.style.bold(&release.id));
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("  {label:<10} {value}\n"));
    }
    let (passed, found): (Vec<_>, Vec<_>) =
        report.gates.iter().partition(|gate| brief && gate.verdict() == Verdict::Pass);
    if !report.gates.is_empty() {
        let passed = if passed.is_empty() { String::new() } else { format!("{} passed", passed.len()) };
        text.push_str(format!("  gates      {passed}").trim_end());
        text.push('\n');
    }
    for gate in found {
        let verdict = word(gate.verdict().as_str_name(), "VERDICT_");
        let painted = match gate.verdict() {
            Verdict::Block => out.style.red(&format!("{verdict:<6}")),
            Verdict::Warn => out.style.yellow(&format!("{verdict:<6}")),
            Verdict::Pass | Verdict::Off | Verdict::Unspecified => out.style.green(&format!("{verdict:<6}")),
        };
        text.push_str(&format!("    {painted} {:<16} {}\n", gate.gate, gate.message));
    }
    text
}

/// Digests of the files as they are in the archive, each once, and when and where each was had.
fn originals(release: &Release) -> Vec<String> {
    let mut lines = Vec::new();
    for file in release.files.iter().filter(|file| !file.stored_sha256.is_empty()) {
        let when = file.retrieved_at.map(|time| format!("  {}", instant(time.seconds))).unwrap_or_default();
        let line = format!("{}{when}  {}", file.stored_sha256, file.url);
        let line = line.trim_end().to_owned();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Lists the rows of a release that were set aside.
pub(crate) async fn rejections(args: &RejectionsArgs, client: &Client) -> Result<(), Failure> {
    let mut service = client.ingestion().await?;
    let (mut rejections, mut page_token) = (Vec::new(), String::new());
    loop {
        let ask = ListRejectionsRequest { release: args.release.clone(), page_size: PAGE, page_token };
        let page = service.list_rejections(client.request(ask)).await?.into_inner();
        rejections.extend(page.rejections);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if let Some(number) = args.show {
        return mend::show(&args.release, &rejections, number, client).await;
    }
    if let Some(to) = &args.export {
        return mend::export(&args.release, &rejections, to, client).await;
    }
    let rows: Vec<RejectionRow<'_>> = rejections.iter().map(RejectionRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table if rows.is_empty() => {
            say("no row was set aside");
            Ok(())
        }
        Format::Table => client.out.text(&rejected(&client.out, &rejections)),
    }
}

/// Rows that were set aside, as a table.
pub(crate) fn rejected(out: &Out, rejections: &[Rejection]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("number", Align::Right),
            ("file:line", Align::Left),
            ("column", Align::Left),
            ("value", Align::Left),
            ("code", Align::Left),
            ("why, and what to do", Align::Left),
        ],
    );
    for (number, row) in rejections.iter().enumerate() {
        let why =
            if row.hint.is_empty() { row.reason.clone() } else { format!("{}; {}", row.reason, row.hint) };
        sheet.row([
            number.to_string(),
            format!("{}:{}", row.file, row.line),
            row.column.clone(),
            format!("{:?}", row.value),
            row.code.clone(),
            why.trim().to_owned(),
        ]);
    }
    sheet.finish()
}

/// A count with its thousands apart.
pub(crate) fn whole(count: u64) -> String {
    u32::try_from(count).map_or_else(|_| count.to_string(), |count| number(f64::from(count), 0))
}
