//! `log stats`: counts the events of the logs.
use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_backup::Digest;
use orewatch_contracts::Failure;
use orewatch_eventlog::{Event, EventLog, Filter, Position, history};

use super::options::{LogNames, LogOptions};
use super::progress::ProgressDisplay;
use crate::options::Format;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Out, Record, Row, column, table, table_of_columns};
use crate::session::Session;
use crate::words::grouped;

/// Upper bound on prefixes of streams that are counted one by one.
const MAX_PREFIXES: usize = 1_000;

/// Name of the count of all other prefixes.
const OTHER_PREFIXES: &str = "(others)";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The logs are read from the beginning. Services may run meanwhile. The identity of a log follows
from its first event; a restored log has the same.

Examples:
  orewatch log stats --data ./orewatch-data
  orewatch log stats --log nats://localhost:4222 --log-name alerts --format json")]
pub(super) struct Args {
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    logs: LogOptions,
}

/// A number of events and the size of their data.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    events: u64,
    bytes: u64,
}

impl Count {
    fn add(&mut self, event: &Event) {
        self.events += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(event.data.len()).unwrap_or(u64::MAX));
    }
}

/// The counts of a log.
#[derive(Debug, Default)]
struct Stats {
    log: String,
    identity: Option<Digest>,
    all: Count,
    position: Position,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
    kinds: BTreeMap<String, Count>,
    streams: BTreeMap<String, Count>,
}

impl Stats {
    fn add(&mut self, event: &Event) {
        self.identity.get_or_insert_with(|| orewatch_backup::identity(&self.log, event));
        self.all.add(event);
        self.position = event.position;
        self.oldest = Some(self.oldest.map_or(event.time, |oldest| oldest.min(event.time)));
        self.newest = Some(self.newest.map_or(event.time, |newest| newest.max(event.time)));
        self.kinds.entry(event.kind.clone()).or_default().add(event);
        let mut prefix = prefix(event.stream.as_str());
        if self.streams.len() >= MAX_PREFIXES && !self.streams.contains_key(prefix) {
            prefix = OTHER_PREFIXES;
        }
        self.streams.entry(prefix.to_owned()).or_default().add(event);
    }
}

/// The first two tokens of a stream's name.
fn prefix(stream: &str) -> &str {
    let end = stream.match_indices('.').nth(1).map(|(at, _)| at);
    end.and_then(|end| stream.get(..end)).unwrap_or(stream)
}

impl Row for Stats {
    fn columns() -> Vec<Column<Self>> {
        let time = |time: Option<Timestamp>| Cell::time(time.map(orewatch_contracts::time::timestamp));
        vec![
            column("log", |stats: &Self| Cell::text(&stats.log)).shown("log", Left),
            column("events", |stats: &Self| Cell::count(stats.all.events)).shown_as(
                "events",
                Right,
                |stats| grouped(stats.all.events),
            ),
            column("bytes", |stats: &Self| Cell::count(stats.all.bytes))
                .shown_as("bytes", Right, |stats| grouped(stats.all.bytes)),
            column("position", |stats: &Self| Cell::count(stats.position)),
            column("oldest", move |stats: &Self| time(stats.oldest)).shown("oldest", Left),
            column("newest", move |stats: &Self| time(stats.newest)).shown("newest", Left),
            column("identity", |stats: &Self| {
                Cell::text(stats.identity.map(|identity| identity.to_string()).unwrap_or_default())
            }),
            column("kinds", |stats: &Self| counts(&stats.kinds)),
            column("streams", |stats: &Self| counts(&stats.streams)),
        ]
    }
}

/// Counts by name. CSV has the numbers of events only.
fn counts(counts: &BTreeMap<String, Count>) -> Cell {
    let record = |(name, count): (&String, &Count)| Record {
        text: format!("{name}={}", count.events),
        fields: vec![
            ("name", Cell::text(name)),
            ("events", Cell::count(count.events)),
            ("bytes", Cell::count(count.bytes)),
        ],
    };
    Cell::Records(counts.iter().map(record).collect())
}

/// Counts the events of the logs.
pub(super) async fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let logs = args.logs.open(session).await?;
    let mut all = Vec::new();
    for log in logs.existing(&args.names).await? {
        all.push(read(log.as_ref()).await?);
    }
    match logs.out.format {
        Format::Json | Format::Csv => logs.out.rows(&all),
        Format::Table => logs.out.text(&page(&logs.out, &all)),
    }
}

async fn read(log: &dyn EventLog) -> Result<Stats, Failure> {
    let mut stats = Stats { log: log.name().to_owned(), ..Stats::default() };
    let end = log.extent().await?.head;
    let mut display = ProgressDisplay::new();
    let mut events = history(log, Filter::All, 0);
    while let Some(event) = events.next().await.transpose()? {
        stats.add(&event);
        display.update(orewatch_backup::Progress { log: log.name(), position: event.position, end });
    }
    Ok(stats)
}

fn page(out: &Out, all: &[Stats]) -> String {
    let mut text = table(out, all);
    for stats in all.iter().filter(|stats| stats.all.events > 0) {
        text.push_str(&format!("\n{}\n", out.style.bold(&stats.log)));
        let identity = stats.identity.map(|identity| identity.to_string()).unwrap_or_default();
        text.push_str(&format!("  identity {identity}\n"));
        text.push_str(&counts_table(out, "kind", &stats.kinds));
        text.push_str(&counts_table(out, "streams below", &stats.streams));
    }
    text
}

fn counts_table(out: &Out, what: &str, counts: &BTreeMap<String, Count>) -> String {
    let numbers = |number: fn(&Count) -> u64| -> Vec<String> {
        counts.values().map(|count| grouped(number(count))).collect()
    };
    let columns = vec![
        (what, Left, counts.keys().cloned().collect()),
        ("events", Right, numbers(|count| count.events)),
        ("bytes", Right, numbers(|count| count.bytes)),
    ];
    table_of_columns(out, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_counted_by_two_tokens() {
        for (stream, expected) in
            [("alerts", "alerts"), ("alerts.rules", "alerts.rules"), ("alerts.rules.acme.x", "alerts.rules")]
        {
            assert_eq!(prefix(stream), expected);
        }
    }
}
