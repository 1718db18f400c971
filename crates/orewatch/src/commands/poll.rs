//! `poll`, `connectors` and `fetches`: polls publishers, and lists connectors and past requests.
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    IngestOutcome, IngestProgress, ListConnectorsRequest, ListFetchesRequest, Phase, PollRequest,
    ReleaseState,
};
use orewatch_contracts::{Class, Failure};
use serde_json::json;

use super::shared::print_list;
use super::{print_message, with_client};
use crate::options::{ClientOptions, Format};
use crate::render::document;
use crate::session::{Client, Session};
use crate::view::release_page;
use crate::words::{enum_word, grouped};

/// Page size of requests: the most that the server returns at once.
const PAGE_SIZE: u32 = 1_000;

/// Longest time without a message during a poll. It exceeds the pauses within a poll.
const MAX_SILENCE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Connectors are [[poll]] sections in the configuration of the ingestion service: comtrade (UN
Comtrade), world-bank (governance indicators) and gta (Global Trade Alert). An interrupted poll,
or one that waits for the publisher or for the next day's quota, continues where it stopped and
repeats no answered request. If nothing has changed, there is no new release.

Examples:
  orewatch connectors
  orewatch poll wgi
  orewatch poll wgi --data ./orewatch-data --config orewatch.toml

Exit codes: 0 ingested, or nothing new; 2 invalid request or key; 3 refused at a gate, or another
poll is running; 4 a problem with the publisher or its quota.")]
pub(crate) struct Args {
    /// Name of the connector
    connector: String,
    /// Start again from the beginning, and request data that has not changed too
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  orewatch connectors --format json")]
pub(crate) struct ConnectorsArgs {
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch fetches
  orewatch fetches --connector wgi --last 1000 --format csv")]
pub(crate) struct FetchesArgs {
    /// Only requests of this connector
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    connector: String,
    /// Maximum number of requests to list, newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: usize,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Polls a publisher now, and shows the releases.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = PollRequest { connector: args.connector.clone(), force: args.force };
    let mut service = client.ingestion().await?;
    let mut responses = service.poll(client.request(request)).await?.into_inner();
    let (bar, mut notes, mut outcomes) = (bar(), Vec::new(), Vec::new());
    let silent = |_| {
        Failure::new(
            Class::Unavailable,
            "stalled",
            format!("no message from the service for {} s", MAX_SILENCE.as_secs()),
        )
        .with_hint("the poll continues in the service; see its progress with `orewatch fetches`")
    };
    while let Some(response) =
        tokio::time::timeout(MAX_SILENCE, responses.message()).await.map_err(silent)??
    {
        match response.reading.and_then(|reading| reading.said) {
            Some(Said::Progress(now)) => show(&bar, &now),
            Some(Said::Note(note)) => {
                bar.suspend(|| print_message(&note));
                notes.push(note);
            }
            Some(Said::Outcome(outcome)) => outcomes.push(outcome),
            None => {}
        }
    }
    bar.finish_and_clear();
    print(client, &outcomes, &notes)
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{msg} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, now: &IngestProgress) {
    let phase = enum_word(now.phase().as_str_name(), "PHASE_");
    let done =
        if now.phase() == Phase::Identifying { String::new() } else { format!("{} rows", grouped(now.rows)) };
    bar.set_message(format!("{phase:<12} {done}"));
    bar.tick();
}

fn print(client: &Client, outcomes: &[IngestOutcome], notes: &[String]) -> Result<(), Failure> {
    let infos: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.release.as_ref()).collect();
    match client.out.format {
        Format::Json => {
            let releases = document(infos.iter().copied());
            client.out.json(&json!({ "releases": releases, "notes": notes }))?;
        }
        Format::Csv => client.out.csv(infos.iter().copied())?,
        Format::Table => {
            let pages: Vec<_> = infos.iter().map(|info| release_page(&client.out, info, true)).collect();
            client.out.text(&pages.join("\n"))?;
        }
    }
    let refused = infos.iter().find(|info| info.state() == ReleaseState::Refused);
    refused.map_or(Ok(()), |info| {
        let id = info.release.as_ref().map_or("", |release| release.id.as_str());
        Err(Failure::new(Class::Refused, "release-refused", format!("{id} was refused: {}", info.reason))
            .with_hint(
                "to let the release pass, set max-rejects or accept in the connector's [[poll]] section",
            ))
    })
}

/// Lists the connectors.
pub(crate) async fn connectors(args: ConnectorsArgs, session: Session) -> Result<(), Failure> {
    with_client(session, &args.client, list_connectors).await
}

async fn list_connectors(client: &Client) -> Result<(), Failure> {
    let request = ListConnectorsRequest {};
    let found =
        client.ingestion().await?.list_connectors(client.request(request)).await?.into_inner().connectors;
    let none = "No connectors. Add a [[poll]] section to the configuration of the ingestion service.";
    print_list(&client.out, &found, none)
}

/// Lists requests to publishers, the newest first.
pub(crate) async fn fetches(args: &FetchesArgs, client: &Client) -> Result<(), Failure> {
    let mut service = client.ingestion().await?;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    while found.len() < args.last {
        let left = u32::try_from(args.last - found.len()).unwrap_or(PAGE_SIZE);
        let request = ListFetchesRequest {
            connector: args.connector.clone(),
            page_size: left.min(PAGE_SIZE),
            page_token,
        };
        let page = service.list_fetches(client.request(request)).await?.into_inner();
        found.extend(page.fetches);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    print_list(&client.out, &found, "No requests to publishers yet.")
}
