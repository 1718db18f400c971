//! What a snapshot says of itself, and the check that it is of these logs.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_eventlog::{Event, EventLog, Filter, Position, history};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use uuid::Uuid;

/// Time to read an event that identifies a log.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a snapshot is of. It is in the snapshot and in the list of snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The service.
    pub service: String,
    /// Version of the content, counted by the service.
    pub format: u32,
    /// How far the logs are folded, first the one that the service follows.
    pub marks: Vec<Mark>,
    /// Types of the events that it holds, if it holds events.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Bytes of all events that were folded.
    #[serde(default)]
    pub folded_bytes: u64,
}

/// How far a log is folded, with what no other log has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Name of the log.
    pub log: String,
    /// Identifier of its first event.
    pub first: Uuid,
    /// Position up to which it is folded: that of an event.
    pub position: Position,
    /// Identifier of that event.
    pub event: Uuid,
    /// Positions up to there of events that did not count.
    #[serde(default)]
    pub skipped: Vec<Position>,
}

/// The last event that a fold has taken in, and how much it has taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Position of the event; 0: there is none yet.
    pub position: Position,
    /// Its identifier.
    pub event: Uuid,
    /// Bytes of all events so far.
    pub bytes: u64,
}

impl Reached {
    /// Takes in an event.
    pub fn count(&mut self, event: &Event) {
        let size = u64::try_from(event.data.len()).unwrap_or(u64::MAX);
        *self = Self { position: event.position, event: event.id, bytes: self.bytes.saturating_add(size) };
    }
}

impl Header {
    /// How far a log is folded.
    #[must_use]
    pub fn mark(&self, log: &str) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.log == log)
    }

    /// Sum of the positions, by which snapshots of the same logs are compared.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.marks.iter().fold(0, |sum, mark| sum.saturating_add(mark.position))
    }

    /// Whether another snapshot is of the same format and of the same log, of which the same events count.
    #[must_use]
    pub fn is_comparable(&self, other: &Self) -> bool {
        let identity = |header: &Self| header.marks.first().map(|mark| (mark.log.clone(), mark.first));
        // Otherwise a snapshot that no replica can use any more would keep back those that they can.
        let counts_alike = |mark: &Mark| other.mark(&mark.log).is_none_or(|other| mark.counts_alike(other));
        self.format == other.format
            && identity(self) == identity(other)
            && self.marks.iter().all(counts_alike)
    }

    /// The end of the log that the service follows, as the snapshot has folded it.
    #[must_use]
    pub fn reached(&self) -> Reached {
        let mark = self.marks.first().cloned().unwrap_or_default();
        Reached { position: mark.position, event: mark.event, bytes: self.folded_bytes }
    }

    /// Checks service, format and logs. The error says why the snapshot cannot be used.
    pub(crate) async fn check(
        &self,
        service: &str,
        format: u32,
        logs: &[Arc<dyn EventLog>],
    ) -> Result<(), String> {
        if self.service != service {
            return Err(format!("it is of the service {:?}", self.service));
        }
        if self.format != format {
            let age = if self.format > format { "a later" } else { "an earlier" };
            return Err(format!("its format {} is {age} one than {format}", self.format));
        }
        if self.marks.is_empty() {
            return Err("it names no log".to_owned());
        }
        for mark in &self.marks {
            let log = logs.iter().find(|log| log.name() == mark.log);
            let log = log.ok_or_else(|| format!("it is of a log {:?}", mark.log))?;
            mark.check(&**log).await?;
        }
        Ok(())
    }
}

impl Mark {
    /// The mark of a log at an event.
    ///
    /// # Errors
    /// The log cannot be read, or has another event there because it was replaced; a text says why.
    pub async fn new(log: &dyn EventLog, position: Position, event: Uuid) -> Result<Self, String> {
        let mark = Self::at(log, position).await?;
        if mark.event == event { Ok(mark) } else { Err(mark.other_event()) }
    }

    /// The mark of a log at the event with a position.
    ///
    /// # Errors
    /// The log cannot be read, or has no event there; a text says why.
    pub async fn at(log: &dyn EventLog, position: Position) -> Result<Self, String> {
        let event = event_at(log, position).await?.id;
        let first = event_after(log, 0).await?.id;
        let skipped = log.skipped().up_to(position);
        Ok(Self { log: log.name().to_owned(), first, position, event, skipped })
    }

    /// Whether the same events of a log count, as far as both marks are of it.
    fn counts_alike(&self, other: &Self) -> bool {
        let end = self.position.min(other.position);
        let skipped = |mark: &Self| -> Vec<_> {
            mark.skipped.iter().copied().filter(|position| *position <= end).collect()
        };
        skipped(self) == skipped(other)
    }

    /// Checks that a log has the same first event, the same event at the position, and that the same events
    /// of it count.
    pub(super) async fn check(&self, log: &dyn EventLog) -> Result<(), String> {
        // A log knows which of its events count once it has been read.
        if event_at(log, self.position).await?.id != self.event {
            return Err(self.other_event());
        }
        if log.skipped().up_to(self.position) != self.skipped {
            return Err(format!("other events of log {} count by now", self.log));
        }
        if event_after(log, 0).await?.id != self.first {
            return Err(format!("log {} has another event at its beginning: it is another log", self.log));
        }
        Ok(())
    }

    fn other_event(&self) -> String {
        let Self { log, position, .. } = self;
        format!("log {log} has another event at position {position}: it is another log")
    }
}

/// The event with a position.
async fn event_at(log: &dyn EventLog, position: Position) -> Result<Event, String> {
    let event = event_after(log, position.saturating_sub(1)).await?;
    if event.position == position {
        return Ok(event);
    }
    Err(format!("log {} has no event at position {position}: it is another log", log.name()))
}

/// The first event after a position.
async fn event_after(log: &dyn EventLog, position: Position) -> Result<Event, String> {
    let mut events = history(log, Filter::All, position);
    match timeout(IDENTIFY_TIMEOUT, events.next()).await {
        Ok(Some(Ok(event))) => Ok(event),
        Ok(Some(Err(error))) => Err(error.to_string()),
        Ok(None) => Err(format!("log {} ends at position {position} or before", log.name())),
        Err(_) => Err(format!("log {} did not answer in {} s", log.name(), IDENTIFY_TIMEOUT.as_secs())),
    }
}
