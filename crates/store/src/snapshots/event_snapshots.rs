//! Snapshots that hold the events of one log.
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use orewatch_eventlog::{Error, Event, EventLog, Filter, Position, history};
use tokio::task::{JoinError, spawn_blocking};

use super::events::{EventWriter, read_events};
use super::keep::Settled;
use super::{Header, Mark, Reached, Room, SnapshotFile, SnapshotHealth, SnapshotReader, SnapshotWriter};
use crate::keys::TenantKeys;
use crate::sealed::open_known;

/// Version of the content: frames of events, see [`events`](super::events).
const FORMAT: u32 = 1;

/// Events that are read ahead while others are folded.
const READ_AHEAD: usize = 64;

/// Bytes of events that are compressed at a time.
const BATCH_BYTES: usize = 4 << 20;

/// Snapshots of a service whose state is folded again from the events that it needs.
#[derive(Debug)]
pub struct EventSnapshots {
    room: Room,
    /// The log of the events.
    log: Arc<dyn EventLog>,
    /// Other logs that have to be as far as a snapshot says, such as the one that the service writes.
    others: Vec<Arc<dyn EventLog>>,
    /// Types of the events that the fold needs.
    kinds: Vec<String>,
    /// What opens the content of tenants, which is sealed in the log and in snapshots.
    keys: TenantKeys,
    /// The last snapshot, with which the next one begins.
    base: Option<(Header, String)>,
    /// Bytes folded at the last snapshot, or attempt at one.
    pub(super) written_bytes: u64,
}

/// A state from a snapshot.
#[derive(Debug)]
pub struct Restored<S> {
    /// The state.
    pub state: S,
    /// The last event that it has folded.
    pub reached: Reached,
    /// Positions of the other logs, 0 for those without events.
    pub others: Vec<Position>,
}

impl EventSnapshots {
    /// Snapshots of a log for a fold that needs events of these types. A snapshot is used only if the other
    /// logs are those of the snapshot, too.
    #[must_use]
    pub fn new(
        room: Room,
        log: Arc<dyn EventLog>,
        others: Vec<Arc<dyn EventLog>>,
        kinds: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let kinds = kinds.into_iter().map(str::to_owned).collect();
        Self { room, log, others, kinds, keys: TenantKeys::default(), base: None, written_bytes: 0 }
    }

    /// The same, with keys that open the content of tenants for the fold. The log is the one whose content is
    /// sealed: snapshots hold its events as they are.
    #[must_use]
    pub fn with_keys(self, keys: TenantKeys) -> Self {
        Self { keys, ..self }
    }

    /// What became of the snapshots.
    #[must_use]
    pub fn health(&self) -> &SnapshotHealth {
        self.room.health()
    }

    /// The log of the events.
    #[must_use]
    pub fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// Folds the best snapshot. `None`: there is none that can be used; the log says why.
    pub async fn restore<S: Default + Send + 'static>(
        &mut self,
        evolve: impl Fn(&mut S, &Event) -> Result<(), Error> + Clone + Send + 'static,
    ) -> Option<Restored<S>> {
        // Keys that cannot be read are missed at the first event that is sealed.
        drop(self.keys.check().await);
        let (kinds, keys) = (self.kinds.clone(), self.keys.clone());
        let decode = move |header: &Header, reader: &mut SnapshotReader| {
            if let Some(missing) = kinds.iter().find(|kind| !header.kinds.contains(kind)) {
                return Err(format!("it has no {missing}, which this version folds"));
            }
            let (keys, evolve) = (keys.clone(), evolve.clone());
            fold_events(reader, &header.kinds, move |state: &mut S, event| {
                evolve(state, &open_known(event, &keys)?)
            })
        };
        let logs: Vec<_> = std::iter::once(&self.log).chain(&self.others).cloned().collect();
        let (entry, state) = self.room.load(FORMAT, &logs, decode).await?;
        let (header, reached) = (entry.header.clone(), entry.header.reached());
        let position = |log: &Arc<dyn EventLog>| header.mark(log.name()).map_or(0, |mark| mark.position);
        let others = self.others.iter().map(position).collect();
        self.written_bytes = reached.bytes;
        self.base = Some((header, entry.digest));
        Some(Restored { state, reached, others })
    }

    /// Writes a snapshot, unless another replica has written one that is as far, or that `is_enough`.
    pub(super) async fn write(
        &mut self,
        settled: &Settled,
        now: Timestamp,
        is_enough: impl Fn(Reached) -> bool,
    ) -> Result<(), String> {
        let header = self.header(settled).await?;
        let newest = self.room.newest(&header).await.map_err(|error| error.to_string())?;
        let is_done = |known: &Header| known.progress() >= header.progress() || is_enough(known.reached());
        if let Some(entry) = newest.filter(|entry| is_done(&entry.header)) {
            self.written_bytes = self.written_bytes.max(entry.header.folded_bytes);
            return Ok(());
        }
        let file = self.write_file(&header).await?;
        let (position, bytes) = (settled.reached.position, file.bytes);
        let listed =
            self.room.publish(&file, header.clone(), now).await.map_err(|error| error.to_string())?;
        if listed {
            self.base = Some((header, file.digest));
            tracing::info!(service = self.room.service(), position, bytes, "a snapshot is written");
        }
        Ok(())
    }

    async fn header(&self, settled: &Settled) -> Result<Header, String> {
        let Settled { reached, others } = settled;
        let mut marks = vec![Mark::new(&*self.log, reached.position, reached.event).await?];
        for (log, position) in self.others.iter().zip(others).filter(|(_, position)| **position > 0) {
            marks.push(Mark::at(&**log, *position).await?);
        }
        Ok(Header {
            service: self.room.service().to_owned(),
            format: FORMAT,
            marks,
            kinds: self.kinds.clone(),
            folded_bytes: reached.bytes,
        })
    }

    /// The last snapshot, if a snapshot with this header can begin with it. After the log was replaced, it is
    /// one of another log.
    async fn base_of(&self, header: &Header) -> Option<(Header, String)> {
        let base = self.base.clone().filter(|(base, _)| base.kinds == header.kinds)?;
        let mark = base.0.mark(self.log.name())?;
        if mark.position > header.reached().position {
            return None;
        }
        let checked = mark.check(&*self.log).await;
        checked.inspect_err(|why| tracing::debug!(why, "a snapshot is written without the last one")).ok()?;
        Some(base)
    }

    /// Writes the events up to the position of a header. The log is read from the last snapshot on, so that
    /// nothing has to be kept in memory for this.
    async fn write_file(&self, header: &Header) -> Result<SnapshotFile, String> {
        let until = header.reached().position;
        let base = self.base_of(header).await;
        let (folder, own) = (self.room.folder().to_owned(), header.clone());
        let begun = spawn_blocking(move || begin(&folder, &own, base)).await.map_err(crashed)?;
        let (mut frame, after) = begun.map_err(|error| error.to_string())?;
        let mut events = history(&*self.log, Filter::All, after);
        let (mut batch, mut size, mut position) = (Vec::new(), 0, after);
        while position < until {
            let event = events.try_next().await.map_err(|error| error.to_string())?;
            let event = event.ok_or_else(|| format!("the log ends at position {position}"))?;
            position = event.position;
            size += event.data.len();
            batch.push(event);
            if size >= BATCH_BYTES {
                size = 0;
                frame = write_batch(frame, std::mem::take(&mut batch)).await?;
            }
        }
        let frame = write_batch(frame, batch).await?;
        let finished = spawn_blocking(move || frame.finish().and_then(SnapshotWriter::finish));
        finished.await.map_err(crashed)?.map_err(|error| error.to_string())
    }
}

type Frame = EventWriter<SnapshotWriter>;

/// Begins a file, with the events of the last snapshot if it can be read. Returns the position from which
/// events are still to be written.
fn begin(folder: &Path, header: &Header, base: Option<(Header, String)>) -> io::Result<(Frame, Position)> {
    if let Some((base, digest)) = base {
        match begin_with(folder, header, &folder.join(&digest), &digest) {
            Ok(writer) => return Ok((EventWriter::new(writer, &header.kinds)?, base.reached().position)),
            Err(why) => tracing::debug!(digest, why, "a snapshot is written without the last one"),
        }
    }
    Ok((EventWriter::new(SnapshotWriter::create(folder, header)?, &header.kinds)?, 0))
}

fn begin_with(folder: &Path, header: &Header, base: &Path, digest: &str) -> Result<SnapshotWriter, String> {
    let (_, mut reader) = SnapshotReader::open(base, digest)?;
    let mut writer = SnapshotWriter::create(folder, header).map_err(|error| error.to_string())?;
    io::copy(&mut reader, &mut writer).map_err(|error| error.to_string())?;
    reader.finish()?;
    Ok(writer)
}

async fn write_batch(mut frame: Frame, events: Vec<Event>) -> Result<Frame, String> {
    let written = spawn_blocking(move || {
        events.iter().try_for_each(|event| frame.write(event))?;
        Ok::<_, io::Error>(frame)
    });
    written.await.map_err(crashed)?.map_err(|error| error.to_string())
}

/// Folds the events of a snapshot, while another thread reads and decompresses the next ones.
fn fold_events<S: Default>(
    reader: &mut SnapshotReader,
    kinds: &[String],
    evolve: impl Fn(&mut S, Event) -> Result<(), Error>,
) -> Result<S, String> {
    let (sender, events) = sync_channel(READ_AHEAD);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read_events(reader, kinds, |event| sender.send(event).is_ok()));
        let mut state = S::default();
        // The receiver ends with the loop, and reading with it.
        let folded = events.into_iter().try_for_each(|event| evolve(&mut state, event));
        let read = reading.join().map_err(|_| "reading it panicked".to_owned())?;
        folded.map_err(|error| error.to_string())?;
        read.map(|()| state)
    })
}

fn crashed(error: JoinError) -> String {
    format!("a thread ended early: {error}")
}
