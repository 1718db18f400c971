//! Snapshots of the folded logs, so that a restart need not fold them again.
//!
//! The content is a zstd frame of [`Sections`]: one for each fold. The header names the position of the
//! alerts log first, then that of the exposures log, if figures are kept. [`orewatch_store::snapshots`] has
//! the rest: where snapshots are, which is the newest, and whether it is of these logs.
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_eventlog::{EventLog, Position};
use orewatch_rules::figures::saved::Folded;
use orewatch_store::snapshots::{
    Header, Mark, Room, SnapshotFile, SnapshotHealth, SnapshotPlace, SnapshotReader, SnapshotWriter,
};
use prost::Message;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use uuid::Uuid;

use crate::Logs;
use crate::folds::{Fold, Folds};

/// Version of the content around the folds.
const FORMAT: u32 = 1;
/// Level of compression.
const LEVEL: i32 = 1;
/// Largest content that is read, in bytes (8 GiB).
const MAX_BYTES: u64 = 8 << 30;
/// Events after which the next snapshot is written.
const INTERVAL_EVENTS: Position = 20_000;
/// Time for the last snapshot of a stopping process.
const LAST_TIMEOUT: Duration = Duration::from_secs(10);
/// Name of the local file in which versions before 0.2 kept a snapshot.
const OLD_FILE: &str = "alerting.snapshot";

/// The content of a snapshot.
#[derive(Clone, PartialEq, Message)]
struct Sections {
    #[prost(message, repeated, tag = "1")]
    sections: Vec<Section>,
}

/// A fold.
#[derive(Clone, PartialEq, Message)]
struct Section {
    /// Name of the fold.
    #[prost(string, tag = "1")]
    name: String,
    /// Version of its encoded form.
    #[prost(uint32, tag = "2")]
    version: u32,
    /// The state.
    #[prost(bytes = "bytes", tag = "6")]
    state: Bytes,
}

impl Sections {
    /// Takes the state of a fold. None: there is no section of it.
    fn take<F: Fold>(&mut self) -> Result<Option<F>, String> {
        let place = self.sections.iter().position(|section| section.name == F::NAME);
        let Some(section) = place.map(|place| self.sections.swap_remove(place)) else { return Ok(None) };
        if section.version != F::VERSION {
            let (name, found, own) = (F::NAME, section.version, F::VERSION);
            return Err(format!("its fold `{name}` has version {found}, this one reads {own}"));
        }
        F::load(&section.state).map(Some).ok_or_else(|| format!("its fold `{}` cannot be read", F::NAME))
    }
}

/// A fold that has folded a log up to an event. It is encoded when the snapshot is written.
pub(crate) struct DeferredSection {
    name: &'static str,
    version: u32,
    log: Arc<dyn EventLog>,
    last: (Position, Uuid),
    save: Box<dyn FnOnce() -> Vec<u8> + Send>,
}

impl DeferredSection {
    /// The section of a fold of a log; `last` is the last event that it has folded.
    pub(crate) fn new<F: Fold + Send + 'static>(
        fold: F,
        log: &Arc<dyn EventLog>,
        last: (Position, Uuid),
    ) -> Self {
        let save = Box::new(move || fold.save());
        Self { name: F::NAME, version: F::VERSION, log: Arc::clone(log), last, save }
    }

    fn encode(self) -> Section {
        Section { name: self.name.to_owned(), version: self.version, state: (self.save)().into() }
    }
}

/// The folds of a snapshot, each with the last event that it has folded.
#[derive(Debug)]
pub(crate) struct LoadedFolds {
    pub(crate) folds: Folds,
    pub(crate) last: (Position, Uuid),
    /// None: the snapshot has no figures, or those of another version.
    pub(crate) figures: Option<(Folded, (Position, Uuid))>,
}

/// Reads and writes snapshots.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    /// None: no snapshots are read or written.
    room: Option<Room>,
    /// Sum of the positions of both logs at the last snapshot.
    written: Position,
    /// The snapshot that is being written.
    writing: Option<JoinHandle<()>>,
}

impl Snapshots {
    /// Snapshots at a place. What becomes of them is recorded in `health`.
    pub(crate) fn open(place: Option<&SnapshotPlace>, health: &SnapshotHealth) -> Self {
        if let Some(place) = place {
            remove_old_file(&place.cache.join(OLD_FILE));
        }
        let room = place.and_then(|place| Room::open(place, "alerting"));
        Self { room: room.map(|room| room.with_health(health)), written: 0, writing: None }
    }

    /// Loads the best snapshot. None: there is none that can be used.
    pub(crate) async fn load(&mut self, logs: &Logs) -> Option<LoadedFolds> {
        let both = [Arc::clone(&logs.alerts), Arc::clone(&logs.exposures)];
        let exposures = logs.exposures.name().to_owned();
        let decode = move |header: &Header, reader: &mut SnapshotReader| decode(header, reader, &exposures);
        let (entry, loaded) = self.room.as_ref()?.load(FORMAT, &both, decode).await?;
        self.written = entry.header.progress();
        Some(loaded)
    }

    /// Whether the next snapshot is due at a sum of positions, and none is being written.
    pub(crate) fn is_due(&self, at: Position) -> bool {
        let is_idle = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        self.room.is_some() && is_idle && at.saturating_sub(self.written) >= INTERVAL_EVENTS
    }

    /// Starts to write a snapshot in a task of its own.
    pub(crate) fn start(&mut self, at: Position, sections: Vec<DeferredSection>, now: Timestamp) {
        if let Some(room) = self.room.clone() {
            self.written = at;
            self.writing = Some(tokio::spawn(async move {
                log_error(&room, write(&room, sections, INTERVAL_EVENTS, now).await);
            }));
        }
    }

    /// Waits until the snapshot before is written; the last one of a stopping process can be written then.
    /// None: no snapshots are written.
    pub(crate) async fn finish(&mut self) -> Option<LastSnapshot> {
        if let Some(writing) = self.writing.take() {
            // An error was logged when it happened; one that takes too long is overtaken by the last one.
            drop(timeout(LAST_TIMEOUT, writing).await);
        }
        self.room.clone().map(LastSnapshot)
    }
}

/// Where the last snapshot is written.
pub(crate) struct LastSnapshot(Room);

impl LastSnapshot {
    /// Writes it.
    pub(crate) async fn write(self, sections: Vec<DeferredSection>, now: Timestamp) {
        let written = timeout(LAST_TIMEOUT, write(&self.0, sections, 1, now)).await;
        log_error(&self.0, written.unwrap_or_else(|_| Err("it took too long".to_owned())));
    }
}

/// Writes a snapshot, unless another replica has listed one that is less than so many events behind.
async fn write(
    room: &Room,
    sections: Vec<DeferredSection>,
    interval: Position,
    now: Timestamp,
) -> Result<(), String> {
    // Before the first event there is nothing to keep; figures are of no use without alerts.
    if !sections.iter().any(|section| section.name == Folds::NAME) {
        return Ok(());
    }
    let ends: Vec<_> = sections.iter().map(|section| (Arc::clone(&section.log), section.last)).collect();
    let mut marks = Vec::new();
    for (log, (position, event)) in ends {
        marks.push(Mark::new(&*log, position, event).await?);
    }
    let header = Header { service: room.service().to_owned(), format: FORMAT, marks, ..Header::default() };
    let newest = room.newest(&header).await.map_err(|error| error.to_string())?;
    let known = newest.map_or(0, |entry| entry.header.progress());
    if known > 0 && header.progress() < known.saturating_add(interval) {
        return Ok(());
    }
    let (folder, own) = (room.folder().to_owned(), header.clone());
    let file = spawn_blocking(move || encode(&folder, &own, sections));
    let file = file.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    room.publish(&file, header, now).await.map_err(|error| error.to_string())?;
    tracing::debug!(bytes = file.bytes, "a snapshot is written");
    Ok(())
}

/// An error is only logged, since the logs have everything.
fn log_error(room: &Room, written: Result<(), String>) {
    if let Err(why) = written {
        tracing::warn!(why, "no snapshot was written");
        room.health().count_not_written();
    }
}

fn encode(folder: &Path, header: &Header, sections: Vec<DeferredSection>) -> io::Result<SnapshotFile> {
    let sections = sections.into_iter().map(DeferredSection::encode).collect();
    let bytes = Sections { sections }.encode_to_vec();
    let mut frame = zstd::stream::write::Encoder::new(SnapshotWriter::create(folder, header)?, LEVEL)?;
    frame.write_all(&bytes)?;
    frame.finish()?.finish()
}

fn decode(header: &Header, reader: &mut SnapshotReader, exposures: &str) -> Result<LoadedFolds, String> {
    let frame = zstd::stream::read::Decoder::new(reader).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    frame.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let mut sections = Sections::decode(Bytes::from(bytes)).map_err(|error| error.to_string())?;
    let folds = sections.take::<Folds>()?.ok_or("it has no alerts")?;
    let figures = sections.take::<Folded>().unwrap_or_else(|why| {
        tracing::warn!(why, "the figures of a snapshot are not used");
        None
    });
    let last = |mark: &Mark| (mark.position, mark.event);
    let figures = figures.zip(header.mark(exposures).map(last));
    Ok(LoadedFolds { folds, last: header.marks.first().map(last).unwrap_or_default(), figures })
}

/// Removes a snapshot of an earlier version, which is not read any more.
fn remove_old_file(path: &Path) {
    if path.exists() {
        tracing::info!(file = %path.display(), "a snapshot of an earlier version is not used and removed");
        // What remains costs only its size.
        let _left = std::fs::remove_file(path);
    }
}
