//! `poll`, `connectors` and `requests`: publishers' interfaces, on demand and on record.
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use orewatch_contracts::ingestion::v1::ingest_files_response::Said;
use orewatch_contracts::ingestion::v1::{
    ConnectorInfo, FetchRecorded, IngestOutcome, IngestProgress, ListConnectorsRequest, ListFetchesRequest,
    Phase, PollRequest, ReleaseState,
};
use orewatch_runtime::{Class, Failure};
use serde_json::json;

use super::{releases, say};
use crate::options::{ClientOptions, Format};
use crate::render::{Align, Out, Sheet, document, fit, object};
use crate::session::Client;
use crate::view::{ConnectorRow, FetchRow, ReleaseRow};
use crate::words::{instant, word};

/// Largest page that a server gives.
const PAGE: u32 = 1_000;

/// How long a service that polls may say nothing: longer than it waits inside of a poll.
const SILENCE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Connectors stand in the configuration of the ingestion service, as [[poll]] sections: comtrade (UN Comtrade),
world-bank (governance indicators) and gta (Global Trade Alert). A poll that was interrupted, or that
waits for a publisher or for the quota of the next day, goes on where it stopped; nothing that came is
asked for again. What has not changed makes no release.

Examples:
  orewatch connectors
  orewatch poll wgi
  orewatch poll wgi --data ./orewatch-data --config orewatch.toml

Exit codes: 0 ingested, or nothing new; 2 the request or the key is wrong; 3 refused at a gate, or being
polled; 4 the publisher or its quota.")]
pub(crate) struct Args {
    /// Name of the connector
    connector: String,
    /// Begin anew, and ask also for what has not changed
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
  orewatch requests
  orewatch requests --connector wgi --last 1000 --format csv")]
pub(crate) struct RequestsArgs {
    /// Only of this connector
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    connector: String,
    /// The last so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: usize,
    #[command(flatten)]
    pub(crate) client: ClientOptions,
}

/// Asks a publisher now, and shows what became of it.
pub(crate) async fn run(args: &Args, client: &Client) -> Result<(), Failure> {
    let request = PollRequest { connector: args.connector.clone(), force: args.force };
    let mut service = client.ingestion().await?;
    let mut answers = service.poll(client.request(request)).await?.into_inner();
    let (bar, mut notes, mut outcomes) = (bar(), Vec::new(), Vec::new());
    let silent = |_| {
        Failure::new(
            Class::Unavailable,
            "silent",
            format!("the service said nothing for {} s", SILENCE.as_secs()),
        )
        .with_hint("the poll goes on without you: `orewatch requests` shows how far it is")
    };
    while let Some(answer) = tokio::time::timeout(SILENCE, answers.message()).await.map_err(silent)?? {
        match answer.reading.and_then(|reading| reading.said) {
            Some(Said::Progress(now)) => show(&bar, &now),
            Some(Said::Note(note)) => {
                bar.suspend(|| say(&note));
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
    let phase = word(now.phase().as_str_name(), "PHASE_");
    let done = if now.phase() == Phase::Identifying {
        String::new()
    } else {
        format!("{} rows", releases::whole(now.rows))
    };
    bar.set_message(format!("{phase:<12} {done}"));
    bar.tick();
}

fn print(client: &Client, outcomes: &[IngestOutcome], notes: &[String]) -> Result<(), Failure> {
    let infos: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.release.as_ref()).collect();
    let rows: Vec<ReleaseRow<'_>> = infos.iter().map(|info| ReleaseRow(info)).collect();
    match client.out.format {
        Format::Json => {
            let releases: Vec<_> = rows.iter().map(object).collect();
            client.out.json(&json!({ "releases": releases, "notes": notes }))?;
        }
        Format::Csv => client.out.csv(&rows)?,
        Format::Table => {
            let pages: Vec<_> = infos.iter().map(|info| releases::page(&client.out, info, true)).collect();
            client.out.text(&pages.join("\n"))?;
        }
    }
    let refused = infos.iter().find(|info| info.state() == ReleaseState::Refused);
    refused.map_or(Ok(()), |info| {
        let id = info.release.as_ref().map_or("", |release| release.id.as_str());
        Err(Failure::new(Class::Refused, "release-refused", format!("{id} was refused: {}", info.reason))
            .with_hint("max-rejects and accept of the poll section say what may pass"))
    })
}

/// Lists the connectors.
pub(crate) async fn connectors(client: &Client) -> Result<(), Failure> {
    let ask = ListConnectorsRequest {};
    let found = client.ingestion().await?.list_connectors(client.request(ask)).await?.into_inner().connectors;
    let rows: Vec<_> = found.iter().map(ConnectorRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table if rows.is_empty() => {
            say(
                "no connector is configured; a [[poll]] section in the configuration of the service makes one",
            );
            Ok(())
        }
        Format::Table => client.out.text(&connectors_table(&client.out, &found)),
    }
}

fn connectors_table(out: &Out, connectors: &[ConnectorInfo]) -> String {
    let columns = ["connector", "interface", "every", "asks next", "ended well", "calls left", "problem"];
    let mut sheet = Sheet::new(out, &columns.map(|name| (name, Align::Left)));
    let time = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().map(|time| instant(time.seconds)).unwrap_or_default()
    };
    for one in connectors {
        sheet.row([
            one.name.clone(),
            one.kind.clone(),
            if one.every.is_empty() { "on demand".to_owned() } else { one.every.clone() },
            time(&one.next),
            time(&one.succeeded_at),
            one.calls_left.map(|calls| calls.to_string()).unwrap_or_default(),
            one.problem.clone(),
        ]);
    }
    sheet.finish()
}

/// Lists requests, the newest first.
pub(crate) async fn requests(args: &RequestsArgs, client: &Client) -> Result<(), Failure> {
    let mut service = client.ingestion().await?;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    while found.len() < args.last {
        let left = u32::try_from(args.last - found.len()).unwrap_or(PAGE);
        let ask =
            ListFetchesRequest { connector: args.connector.clone(), page_size: left.min(PAGE), page_token };
        let page = service.list_fetches(client.request(ask)).await?.into_inner();
        found.extend(page.fetches);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let rows: Vec<_> = found.iter().map(FetchRow).collect();
    match client.out.format {
        Format::Json => client.out.json(&document(&rows)),
        Format::Csv => client.out.csv(&rows),
        Format::Table if rows.is_empty() => {
            say("nobody has asked a publisher yet");
            Ok(())
        }
        Format::Table => client.out.text(&requests_table(&client.out, &found)),
    }
}

/// Longest address that a table shows; json and csv have all of it.
const ADDRESS: usize = 60;

fn requests_table(out: &Out, fetches: &[FetchRecorded]) -> String {
    let mut sheet = Sheet::new(
        out,
        &[
            ("time", Align::Left),
            ("connector", Align::Left),
            ("request", Align::Left),
            ("status", Align::Right),
            ("bytes", Align::Right),
            ("try", Align::Right),
            ("what followed", Align::Left),
        ],
    );
    for one in fetches {
        let followed = [one.problem.as_str(), one.consequence.as_str()];
        let followed: Vec<_> = followed.into_iter().filter(|text| !text.is_empty()).collect();
        sheet.row([
            one.time.as_ref().map(|time| instant(time.seconds)).unwrap_or_default(),
            one.connector.clone(),
            fit(&one.request, ADDRESS),
            if one.status == 0 { "none".to_owned() } else { one.status.to_string() },
            releases::whole(one.bytes),
            one.attempt.to_string(),
            followed.join("; "),
        ]);
    }
    sheet.finish()
}
