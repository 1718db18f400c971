//! `log tail`: prints the last events of the logs, and follows new ones.
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Position, history};

use super::decode::{Decoder, as_json, summary};
use super::options::{LogNames, LogOptions};
use crate::options::Format;
use crate::render::{Out, fit};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line has log and position, time, kind, stream, and the beginning of the data as JSON. With
--format json each event is one line with all of its data. Services may run meanwhile.

Examples:
  orewatch log tail --data ./orewatch-data
  orewatch log tail --log-name alerts --kind AlertFired --from 1
  orewatch log tail --log nats://localhost:4222 --follow --format json")]
pub(super) struct Args {
    /// Begin at this position; needs --log-name
    #[arg(long, value_name = "POSITION", conflicts_with = "last")]
    from: Option<Position>,
    /// Begin so many positions before the end of each log
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: u64,
    /// Go on with new events until interrupted
    #[arg(long)]
    follow: bool,
    /// Only events of this kind, with or without its package; may be repeated
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    #[command(flatten)]
    names: LogNames,
    #[command(flatten)]
    logs: LogOptions,
}

/// Prints events.
pub(super) async fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let opened = args.logs.open(session).await?;
    if opened.out.format == Format::Csv {
        return Err(Failure::new(Class::Invalid, "invalid-setting", "events are not printed as CSV")
            .at("format", "csv")
            .with_hint("write --format json or --format table"));
    }
    if args.from.is_some() && args.names.iter().count() != 1 {
        let message = "a position is one of a single log";
        return Err(Failure::new(Class::Invalid, "missing-setting", message)
            .with_hint("name the log with --log-name observations, exposures or alerts"));
    }
    let mut sources = Vec::new();
    for log in opened.existing(&args.names).await? {
        sources.push(events(args, &log).await?);
    }
    let printer = Printer { out: opened.out, decoder: Decoder::new()?, kinds: args.kinds.clone() };
    // Without --follow, one log after the other; with it, as events come.
    let mut events = match args.follow {
        true => stream::select_all(sources).boxed(),
        false => stream::iter(sources).flatten().boxed(),
    };
    while let Some(event) = events.next().await.transpose()? {
        printer.print(&event)?;
    }
    Ok(())
}

/// The events of a log from where the arguments say.
async fn events(
    args: &Args,
    log: &Arc<dyn EventLog>,
) -> Result<BoxStream<'static, Result<Event, Error>>, Failure> {
    let after = match args.from {
        Some(from) => from.saturating_sub(1),
        None => log.extent().await?.head.saturating_sub(args.last),
    };
    if !args.follow {
        return Ok(history(log.as_ref(), Filter::All, after).boxed());
    }
    let only_events = |item: Result<Item, Error>| async move {
        match item {
            Ok(Item::Event(event)) => Some(Ok(event)),
            Ok(Item::CaughtUp(_)) => None,
            Err(error) => Some(Err(error)),
        }
    };
    Ok(log.read(Filter::All, after).filter_map(only_events).boxed())
}

struct Printer {
    out: Out,
    decoder: Decoder,
    kinds: Vec<String>,
}

impl Printer {
    fn print(&self, event: &Event) -> Result<(), Failure> {
        let short_kind = event.kind.rsplit('.').next().unwrap_or(&event.kind);
        if !self.kinds.is_empty() && !self.kinds.iter().any(|kind| *kind == event.kind || kind == short_kind)
        {
            return Ok(());
        }
        let data = self.decoder.data(event);
        if self.out.format == Format::Json {
            return self.out.json_line(&as_json(event, &data));
        }
        let (time, stream) = (event.time.strftime("%Y-%m-%d %H:%M:%S"), &event.stream);
        let place = format!("{} {}", stream.log(), event.position);
        let line = format!("{place:<20} {time} {short_kind} {stream} {}", summary(data));
        self.out.text(&format!("{}\n", fit(&line, self.out.width)))
    }
}
