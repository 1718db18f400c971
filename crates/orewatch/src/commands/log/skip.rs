//! `log skip` and `log skipped`: marks of events that must not count.
use futures_util::StreamExt as _;
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_contracts::ids::Namespace;
use orewatch_contracts::text::first_hidden;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{
    EVENT_SKIPPED, Error, EventLog, Filter, NewEvent, Position, Skip, SkippedPositions, append_with_retry,
    history, skips_stream,
};
use prost::Message as _;

use super::options::{LogName, LogNames, LogOptions};
use crate::commands::print_message;
use crate::options::Format;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column};
use crate::session::Session;

/// Upper bound on the length of a reason or an actor, in characters.
const MAX_TEXT_CHARS: usize = 1_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every service passes over a marked event, also when it reads the log again from the beginning. The
event stays on the log, and answers that it concerns say so. A service that stands before an event
that it cannot read goes on by itself; a mark of an event that was folded already takes effect when
the services are started again. An embedded log is marked while no service runs on it.

Examples:
  orewatch log skip observations 4711 --reason \"unreadable since the disk failed\" --actor ops \\
      --data ./orewatch-data
  orewatch log skip observations 4711 --withdraw --reason \"restored\" --actor ops --data ./orewatch-data")]
pub(super) struct SkipArgs {
    /// Log that the event is on
    #[arg(value_name = "LOG")]
    name: LogName,
    /// Position of the event
    #[arg(value_name = "POSITION")]
    position: Position,
    /// Why the event must not count, or with --withdraw, why it counts again
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// Withdraw the mark: the event counts again
    #[arg(long)]
    withdraw: bool,
    /// Stream of an event that cannot be read, as `orewatch log tail` shows it for the events around
    #[arg(long, value_name = "STREAM", default_value = "", hide_default_value = true)]
    stream: String,
    #[command(flatten)]
    logs: LogOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch log skipped --data ./orewatch-data
  orewatch log skipped --log nats://localhost:4222 --format json")]
pub(super) struct SkippedArgs {
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    logs: LogOptions,
}

/// A mark, with the log that it is on.
struct Marked(String, Skip);

impl Row for Marked {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("log", |row: &Self| Cell::text(&row.0)).shown("log", Left),
            column("position", |row: &Self| Cell::count(row.1.mark.position)).shown("position", Right),
            column("time", |row: &Self| Cell::time(Some(orewatch_contracts::time::timestamp(row.1.time))))
                .shown("marked at", Left),
            column("actor", |row: &Self| Cell::text(&row.1.mark.actor)).shown("by", Left),
            column("reason", |row: &Self| Cell::text(&row.1.mark.reason)).shown("reason", Left),
            column("stream", |row: &Self| Cell::text(&row.1.mark.stream)).shown("stream", Left).if_room(1),
            column("kind", |row: &Self| Cell::text(&row.1.mark.kind)),
            column("event_id", |row: &Self| Cell::text(&row.1.mark.event_id)),
        ]
    }
}

/// Marks an event, or withdraws its mark.
pub(super) async fn skip(args: &SkipArgs, session: &Session) -> Result<(), Failure> {
    let (reason, actor) = (text("reason", &args.reason)?, text("actor", &args.actor)?);
    let opened = args.logs.open_to_write(session).await?;
    let log = opened.existing_to_write(args.name).await?;
    let known = SkippedPositions::read(log.as_ref()).await?;
    if known.contains(args.position) != args.withdraw {
        let what = if args.withdraw { "the event is not marked" } else { "the event is marked already" };
        return Err(Failure::new(Class::Refused, "mark-unchanged", what)
            .at("position", args.position.to_string())
            .with_hint("`orewatch log skipped` lists the marks"));
    }
    let mark = EventSkipped { reason, actor, withdrawn: args.withdraw, ..about(args, log.as_ref()).await? };
    let stream = skips_stream(log.name())?;
    let expected = log.last(&stream).await?;
    let event = NewEvent {
        id: Namespace::Event.derive(format!("{stream}/{expected}/{}", args.position)),
        kind: EVENT_SKIPPED.to_owned(),
        time: session.clock.now(),
        data: mark.encode_to_vec().into(),
        traceparent: None,
    };
    append_with_retry(log.as_ref(), &stream, expected, vec![event]).await?;
    print_message(&format!(
        "Position {} of {} {}. Services that have folded it already follow when they are started again.",
        args.position,
        log.name(),
        if args.withdraw { "counts again" } else { "does not count any more" }
    ));
    Ok(())
}

/// What a mark says of its event. An event that cannot be read is known by its position only.
async fn about(args: &SkipArgs, log: &dyn EventLog) -> Result<EventSkipped, Failure> {
    let position = args.position;
    let unknown = EventSkipped { position, stream: args.stream.clone(), ..EventSkipped::default() };
    let head = log.extent().await?.head;
    if !(1..=head).contains(&position) {
        let message = format!("log {} has no such event: it ends at position {head}", log.name());
        return Err(Failure::new(Class::NotFound, "no-event", message).at("position", position.to_string()));
    }
    match history(log, Filter::All, position - 1).next().await {
        Some(Ok(event)) if event.position == position && event.kind == EVENT_SKIPPED => {
            Err(Failure::new(Class::Invalid, "no-event", "the event is a mark itself; withdraw it instead")
                .at("position", position.to_string()))
        }
        Some(Ok(event)) if event.position == position => Ok(EventSkipped {
            event_id: event.id.to_string(),
            stream: event.stream.to_string(),
            kind: event.kind,
            ..unknown
        }),
        Some(Err(Error::Corrupt { position: damaged, .. })) if damaged == position => Ok(unknown),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(_)) | None => Ok(unknown),
    }
}

/// Checks a text that the mark keeps.
fn text(field: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let refuse = |code: &str, message: &str| Err(Failure::new(Class::Invalid, code, message).at(field, text));
    if text.is_empty() {
        return refuse("missing-field", "a mark needs a reason and an actor");
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        return refuse("too-long", &format!("the text has more than {MAX_TEXT_CHARS} characters"));
    }
    if first_hidden(text, false).is_some() {
        return refuse("hidden-character", "the text has characters that are not shown");
    }
    Ok(text.to_owned())
}

/// Lists the marks.
pub(super) async fn list(args: &SkippedArgs, session: &Session) -> Result<(), Failure> {
    let opened = args.logs.open(session).await?;
    let mut rows = Vec::new();
    for log in opened.existing(&args.names).await? {
        let skipped = SkippedPositions::read(log.as_ref()).await?;
        rows.extend(skipped.iter().map(|skip| Marked(log.name().to_owned(), skip.clone())));
    }
    if rows.is_empty() && opened.out.format == Format::Table {
        print_message("No event is marked: all count.");
        return Ok(());
    }
    opened.out.rows(&rows)
}
