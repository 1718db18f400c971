//! `audit`: who did what when, and why, from the logs themselves.
mod deed;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_backup::Progress;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Position, history};

use self::deed::{Deed, deed};
use super::options::{LogNames, LogOptions};
use super::progress::ProgressDisplay;
use crate::commands::print_message;
use crate::options::Format;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column};
use crate::session::Session;
use crate::times;

/// Upper bound on the entries of one audit.
const MAX_ENTRIES: usize = 1_000_000;

/// What a table shows where nobody is recorded.
const UNRECORDED: &str = "unrecorded";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every command that changes something is an event on a log: releases that were opened, committed, held,
refused, withdrawn or repaired, tenants that were erased, the source policy, rules, receivers,
subscriptions, silences, inhibitions, acknowledgements, messages that were sent again, drills, and
marks of events. The logs are read from the beginning; services may run meanwhile. Where callers are
known, the actor is a pseudonym, whatever the command said; `orewatch actors list` has the names.

Examples:
  orewatch audit --data ./orewatch-data
  orewatch audit --actor ann --since 2026-12-01 --format csv
  orewatch audit --kind RulePut --kind RuleRemoved --log nats://localhost:4222

Exit codes: 0 done; 4 a problem with the logs; 6 an event cannot be read, so that the audit is not
complete.")]
pub(crate) struct Args {
    /// Only what this actor did; may be repeated
    #[arg(long = "actor", value_name = "NAME")]
    actors: Vec<String>,
    /// Only events of this kind, with or without its package; may be repeated
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// From this time on: a time such as 2027-01-01T00:00:00Z, or a day (its beginning, UTC)
    #[arg(long, value_name = "TIME", value_parser = times::start)]
    since: Option<Timestamp>,
    /// Before this time: a time, or a day (its beginning, UTC)
    #[arg(long, value_name = "TIME", value_parser = times::start)]
    before: Option<Timestamp>,
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    logs: LogOptions,
}

impl Args {
    /// Whether an event may be shown, by what is known before its data are read.
    fn wants_event(&self, event: &Event) -> bool {
        let short = short_kind(&event.kind);
        let is_kind =
            self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == short || *kind == event.kind);
        let is_in_time = self.since.is_none_or(|since| event.time >= since)
            && self.before.is_none_or(|before| event.time < before);
        is_kind && is_in_time
    }

    fn wants(&self, deed: &Deed) -> bool {
        self.actors.is_empty() || self.actors.contains(&deed.actor)
    }
}

fn short_kind(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}

/// A deed with its event.
#[derive(Debug)]
struct Entry {
    event: Event,
    deed: Deed,
}

impl Row for Entry {
    fn columns() -> Vec<Column<Self>> {
        let actor = |entry: &Self| match entry.deed.actor.as_str() {
            "" => UNRECORDED.to_owned(),
            actor => actor.to_owned(),
        };
        vec![
            column("time", |entry: &Self| Cell::time(Some(timestamp(entry.event.time)))).shown("time", Left),
            column("actor", |entry: &Self| Cell::text(&entry.deed.actor)).shown_as("actor", Left, actor),
            column("action", |entry: &Self| Cell::text(entry.deed.action)).shown("action", Left),
            column("object", |entry: &Self| Cell::text(&entry.deed.object)).shown("object", Left),
            column("reason", |entry: &Self| Cell::text(&entry.deed.reason))
                .shown("reason", Left)
                .unless_empty(),
            column("log", |entry: &Self| Cell::text(entry.event.stream.log())).shown("log", Left).if_room(1),
            column("position", |entry: &Self| Cell::count(entry.event.position))
                .shown("position", Right)
                .if_room(2),
            column("kind", |entry: &Self| Cell::text(short_kind(&entry.event.kind))),
            column("id", |entry: &Self| Cell::text(entry.event.id.to_string())),
            column("stream", |entry: &Self| Cell::text(entry.event.stream.as_str())),
        ]
    }
}

/// Prints the deeds on the logs, in the order of their times.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let opened = args.logs.open(&session).await?;
    let (mut entries, mut unreadable) = (Vec::new(), 0);
    for log in opened.existing(&args.names).await? {
        unreadable += read(log.as_ref(), &args, &mut entries).await?;
    }
    // Events of the same time stay in the order of their logs.
    entries.sort_by_key(|entry: &Entry| entry.event.time);
    match entries.is_empty() && opened.out.format == Format::Table {
        true => print_message("Nobody did anything of this kind."),
        false => opened.out.rows(&entries)?,
    }
    match unreadable {
        0 => Ok(()),
        _ => Err(incomplete(unreadable)),
    }
}

/// Reads the deeds on a log. Returns the number of events that cannot be read; those after them are.
async fn read(log: &dyn EventLog, args: &Args, entries: &mut Vec<Entry>) -> Result<u64, Failure> {
    let (mut after, mut unreadable) = (0, 0);
    loop {
        match read_after(log, after, args, entries).await {
            Ok(()) if entries.len() > MAX_ENTRIES => return Err(too_many()),
            Ok(()) => return Ok(unreadable),
            Err(Error::Corrupt { position, .. }) if position > after => {
                print_message(&format!("{}: the event at position {position} cannot be read", log.name()));
                (after, unreadable) = (position, unreadable + 1);
            }
            Err(Error::Gone { oldest, .. }) if oldest > after + 1 => {
                print_message(&format!("{}: events before position {oldest} were removed", log.name()));
                after = oldest - 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn read_after(
    log: &dyn EventLog,
    after: Position,
    args: &Args,
    entries: &mut Vec<Entry>,
) -> Result<(), Error> {
    let end = log.extent().await?.head;
    let mut display = ProgressDisplay::new();
    let mut events = history(log, Filter::All, after);
    while let Some(event) = events.next().await.transpose()? {
        display.update(Progress { log: log.name(), position: event.position, end });
        if !args.wants_event(&event) {
            continue;
        }
        if let Some(deed) = deed(&event)?.filter(|deed| args.wants(deed)) {
            entries.push(Entry { event, deed });
        }
        if entries.len() > MAX_ENTRIES {
            break;
        }
    }
    Ok(())
}

fn incomplete(unreadable: u64) -> Failure {
    let message = format!("{unreadable} events cannot be read, so that the audit is not complete");
    Failure::new(Class::Damaged, "log-corrupt", message)
        .with_hint("restore the log from a backup, and run the command again")
}

fn too_many() -> Failure {
    let message = format!("there are more than {MAX_ENTRIES} entries");
    Failure::new(Class::Invalid, "too-many", message)
        .with_hint("narrow the time with --since and --before, or name actors or kinds")
}
