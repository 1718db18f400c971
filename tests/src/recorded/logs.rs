//! Reads the three logs: all events, and digests of the recorded part of each stream.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use futures_util::StreamExt as _;
use orewatch_eventlog::{Event, Filter, Item, embedded};
use ring::digest::{Context, SHA256};

use super::answers::{Answers, Section, add_row};
use super::questions::Heads;

/// Number of bytes of a digest that are recorded: enough to notice every change.
const DIGEST_BYTES: usize = 16;

/// Every event of the three logs of a data directory.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Events of the observations log.
    pub observations: Vec<Event>,
    /// Events of the exposures log.
    pub exposures: Vec<Event>,
    /// Events of the alerts log.
    pub alerts: Vec<Event>,
}

impl Logs {
    /// Reads the logs of a data directory whose services have stopped.
    ///
    /// # Panics
    /// If a log cannot be read.
    pub async fn read(data: &Path) -> Self {
        Self {
            observations: events(data, "observations").await,
            exposures: events(data, "exposures").await,
            alerts: events(data, "alerts").await,
        }
    }

    /// Positions of the last events.
    #[must_use]
    pub fn heads(&self) -> Heads {
        let head = |events: &[Event]| events.last().map_or(0, |event| event.position);
        Heads {
            observations: head(&self.observations),
            exposures: head(&self.exposures),
            alerts: head(&self.alerts),
        }
    }

    /// Adds a section for each log. Its rows have, for each stream, the number of events up to the recorded
    /// head, their first and last position, and their digest.
    pub fn add_digests(&self, heads: Heads, into: &mut Answers) {
        into.add("log observations", digests(&self.observations, heads.observations));
        into.add("log exposures", digests(&self.exposures, heads.exposures));
        into.add("log alerts", digests(&self.alerts, heads.alerts));
    }
}

async fn events(data: &Path, log: &str) -> Vec<Event> {
    let log = embedded::open(data, log).unwrap_or_else(|error| panic!("{error}"));
    let mut items = log.read(Filter::All, 0);
    let mut events = Vec::new();
    while let Some(item) = items.next().await {
        match item.unwrap_or_else(|error| panic!("{error}")) {
            Item::Event(event) => events.push(event),
            Item::CaughtUp(_) => break,
        }
    }
    events
}

fn digests(events: &[Event], head: u64) -> Section {
    let mut streams: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.position <= head) {
        streams.entry(event.stream.as_str().to_owned()).or_default().push(event);
    }
    let mut section = Section::new();
    for (stream, events) in streams {
        let end = |event: Option<&&Event>| event.map_or(0, |event| event.position);
        let (count, first, last) = (events.len(), end(events.first()), end(events.last()));
        add_row(&mut section, stream, format!("{count} {first} {last} {}", digest(&events)));
    }
    section
}

/// Digest of position, identifier, type, time and data of events. Each field is preceded by its length.
fn digest(events: &[&Event]) -> String {
    let mut context = Context::new(&SHA256);
    for event in events {
        context.update(&event.position.to_le_bytes());
        context.update(event.id.as_bytes());
        for field in [event.kind.as_bytes(), event.time.to_string().as_bytes(), &event.data] {
            context.update(&field.len().to_le_bytes());
            context.update(field);
        }
    }
    let whole = context.finish();
    whole.as_ref().iter().take(DIGEST_BYTES).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}
