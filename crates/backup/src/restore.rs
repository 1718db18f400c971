//! Restoring: the events of a backup are appended to an empty log, each at its position.
use std::collections::HashMap;

use futures_util::StreamExt as _;
use orewatch_contracts::Failure;
use orewatch_eventlog::{
    Event, EventLog, Filter, MAX_APPEND_BYTES, MAX_APPEND_EVENTS, NewEvent, Position, StreamName,
    append_with_retry, history,
};

use crate::digest::Digest;
use crate::failures;
use crate::place::BackupPlace;
use crate::progress::Progress;
use crate::reader::BackupReader;
use crate::verify::digest_of_log;

/// Upper bound on streams whose last positions are kept. Beyond it the log is asked.
const MAX_KNOWN_STREAMS: usize = 100_000;

/// What a restore did. The log was read again afterwards, and has the head digest of the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// Name of the log.
    pub log: String,
    /// Identity of the log.
    pub identity: Digest,
    /// Position of the last event: the number of events.
    pub position: Position,
    /// Number of events that were there already.
    pub found: Position,
    /// Head digest.
    pub head: Digest,
}

/// A restore that may begin: the log is empty, or holds what an interrupted restore left.
#[derive(Debug)]
pub struct Restore<'a> {
    reader: BackupReader<'a>,
    log: &'a dyn EventLog,
    found: Position,
}

impl<'a> Restore<'a> {
    /// Compares a log with its backup. Nothing is written.
    ///
    /// # Errors
    /// Code `log-not-empty` if the log has an event that is not in the backup, with its position; errors of
    /// the log and of the place, and those of a damaged backup.
    pub async fn prepare(place: &'a BackupPlace, log: &'a dyn EventLog) -> Result<Self, Failure> {
        let mut reader = BackupReader::open(place.backup_of(log.name())).await?;
        let mut events = history(log, Filter::All, 0);
        let mut found = 0;
        while let Some(event) = events.next().await.transpose()? {
            found += 1;
            let refuse = |reason| Err(failures::not_empty(log.name(), event.position, reason));
            match reader.next().await? {
                Some(expected) if expected == event => {}
                Some(_) => return refuse("they differ at this position"),
                None => return refuse("the backup ends before this position"),
            }
        }
        // Positions go on counting where all events of a log were removed.
        let head = log.extent().await?.head;
        if head > found {
            return Err(failures::not_empty(log.name(), head, "its first events were removed"));
        }
        Ok(Self { reader, log, found })
    }

    /// Appends what the log does not have yet, and compares the whole log with the backup.
    ///
    /// # Errors
    /// Code `restore-mismatch` if an event cannot get its position; errors of the log and of the place. The
    /// restore can then be repeated: it goes on after what is there.
    pub async fn run(
        self,
        progress: &mut (dyn FnMut(Progress<'_>) + Send),
    ) -> Result<RestoreReport, Failure> {
        let Self { mut reader, log, found } = self;
        let end = reader.end();
        let mut appender = Appender::new(log, found);
        while let Some(event) = reader.next().await? {
            let position = event.position;
            appender.push(event).await?;
            progress(Progress { log: log.name(), position, end });
        }
        appender.flush().await?;
        let (position, head) = digest_of_log(log, end, progress).await?;
        if (position, head) != (end, reader.head()) {
            return Err(failures::other_content(log.name(), end, position));
        }
        let identity = reader.manifest().identity;
        Ok(RestoreReport { log: log.name().to_owned(), identity, position, found, head })
    }
}

/// Appends events in order. Those of one stream that are adjacent go together.
struct Appender<'a> {
    log: &'a dyn EventLog,
    /// Positions of the last events of streams.
    lasts: HashMap<StreamName, Position>,
    /// A stream that is not in `lasts` has no events.
    has_all_streams: bool,
    pending: Option<Pending>,
}

/// Events that are appended together.
struct Pending {
    stream: StreamName,
    last: Position,
    bytes: usize,
    events: Vec<NewEvent>,
}

impl<'a> Appender<'a> {
    fn new(log: &'a dyn EventLog, found: Position) -> Self {
        Self { log, lasts: HashMap::new(), has_all_streams: found == 0, pending: None }
    }

    async fn push(&mut self, event: Event) -> Result<(), Failure> {
        let Event { position, stream, id, kind, time, data, traceparent } = event;
        let bytes = data.len();
        let fits = |pending: &Pending| {
            pending.stream == stream
                && pending.events.len() < MAX_APPEND_EVENTS
                && pending.bytes.saturating_add(bytes) <= MAX_APPEND_BYTES
        };
        if !self.pending.as_ref().is_some_and(fits) {
            self.flush().await?;
        }
        let pending =
            self.pending.get_or_insert_with(|| Pending { stream, last: 0, bytes: 0, events: Vec::new() });
        pending.last = position;
        pending.bytes += bytes;
        pending.events.push(NewEvent { id, kind, time, data, traceparent });
        Ok(())
    }

    /// Appends what is pending, and checks that it got its positions.
    async fn flush(&mut self) -> Result<(), Failure> {
        let Some(Pending { stream, last, events, .. }) = self.pending.take() else { return Ok(()) };
        let expected = self.last_of(&stream).await?;
        let appended = append_with_retry(self.log, &stream, expected, events).await;
        let appended = appended.map_err(|error| failures::refused_append(last, error))?;
        if appended != last {
            return Err(failures::other_position(self.log.name(), last, appended));
        }
        if self.lasts.len() >= MAX_KNOWN_STREAMS {
            self.lasts.clear();
            self.has_all_streams = false;
        }
        self.lasts.insert(stream, last);
        Ok(())
    }

    async fn last_of(&self, stream: &StreamName) -> Result<Position, Failure> {
        match self.lasts.get(stream) {
            Some(last) => Ok(*last),
            None if self.has_all_streams => Ok(0),
            None => Ok(self.log.last(stream).await?),
        }
    }
}
