//! A copy of the folded logs, so that a restart need not fold them again.
//!
//! A snapshot is a cache. It names the log that it is of by the identifier of the event at its position. A
//! snapshot that cannot be read, or is of another version or another log, is not used: the logs are then
//! folded from the beginning, with a warning.
//!
//! ```text
//! "OREWSNAP"  format, u32  length of the body, u64  SHA-256 of the body, 32 bytes  body: a `File`, protobuf
//! ```
//!
//! The body has a [`Section`] for each log. One that is missing or of another version is folded from the
//! beginning of its log.
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_eventlog::{EventLog, Filter, Item, Position};
use prost::Message;
use sha2::{Digest as _, Sha256};

/// First bytes of a snapshot.
const MAGIC: &[u8; 8] = b"OREWSNAP";
/// Version of the file format around the sections.
const FORMAT: u32 = 1;
/// Bytes before the body.
const HEADER_BYTES: usize = 8 + 4 + 8 + 32;
/// Largest snapshot that is read, in bytes (8 GiB).
const MAX_BYTES: u64 = 8 << 30;
/// Events after which the next snapshot is written.
const INTERVAL_EVENTS: Position = 20_000;
/// Time to read the event that identifies the log of a snapshot.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(10);

/// A fold whose state can be kept in a snapshot.
pub(crate) trait Fold: Sized {
    /// Its name among the sections.
    const NAME: &'static str;
    /// Version of its encoded form. A section of another version is not read.
    const VERSION: u32;

    /// Encodes the state.
    fn save(&self) -> Vec<u8>;

    /// Decodes the state. None: the bytes are invalid.
    fn load(bytes: &[u8]) -> Option<Self>;
}

/// The body of a snapshot.
#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(message, repeated, tag = "1")]
    sections: Vec<Section>,
}

/// The fold of one log.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Section {
    /// Name of the fold.
    #[prost(string, tag = "1")]
    name: String,
    /// Version of its encoded form.
    #[prost(uint32, tag = "2")]
    version: u32,
    /// Name of the log.
    #[prost(string, tag = "3")]
    log: String,
    /// Position up to which the log is folded.
    #[prost(uint64, tag = "4")]
    position: u64,
    /// Identifier of the event at that position, which no other log has.
    #[prost(bytes = "vec", tag = "5")]
    event: Vec<u8>,
    /// The state.
    #[prost(bytes = "vec", tag = "6")]
    state: Vec<u8>,
    /// Positions up to there that did not count.
    #[prost(uint64, repeated, tag = "7")]
    skipped: Vec<u64>,
}

impl Section {
    /// A section of a fold that has folded a log up to an event. It is encoded when the snapshot is written.
    pub(crate) fn deferred<F: Fold + Send + 'static>(
        fold: F,
        log: &dyn EventLog,
        position: Position,
        event: uuid::Uuid,
    ) -> DeferredSection {
        let section = Self {
            name: F::NAME.to_owned(),
            version: F::VERSION,
            log: log.name().to_owned(),
            position,
            event: event.as_bytes().to_vec(),
            state: Vec::new(),
            skipped: log.skipped().up_to(position),
        };
        DeferredSection { section, save: Box::new(move || fold.save()) }
    }
}

/// A section whose state is not encoded yet.
pub(crate) struct DeferredSection {
    section: Section,
    save: Box<dyn FnOnce() -> Vec<u8> + Send>,
}

/// Writes a snapshot now and then.
#[derive(Debug, Default)]
pub(crate) struct SnapshotWriter {
    /// None: no snapshots are written.
    path: Option<PathBuf>,
    /// Sum of the positions of both logs at the last snapshot.
    written: Position,
    /// The snapshot that is being written.
    writing: Option<tokio::task::JoinHandle<()>>,
}

impl SnapshotWriter {
    /// A writer after a snapshot at a sum of positions.
    pub(crate) fn new(path: Option<PathBuf>, written: Position) -> Self {
        Self { path, written, writing: None }
    }

    /// Whether the next snapshot is due at a sum of positions, and none is being written.
    pub(crate) fn is_due(&self, at: Position) -> bool {
        let is_idle = self.writing.as_ref().is_none_or(tokio::task::JoinHandle::is_finished);
        self.path.is_some() && is_idle && at.saturating_sub(self.written) >= INTERVAL_EVENTS
    }

    /// Starts to write a snapshot on a thread of its own.
    pub(crate) fn start(&mut self, at: Position, sections: Vec<DeferredSection>) {
        if let Some(path) = self.path.clone() {
            self.written = at;
            self.writing = Some(tokio::task::spawn_blocking(move || write(&path, sections)));
        }
    }

    /// Waits until the snapshot before is written; the last one of a stopping process can be written then.
    /// None: no snapshots are written.
    pub(crate) async fn finish(&mut self) -> Option<LastSnapshot> {
        if let Some(writing) = self.writing.take() {
            // An error was logged when it happened.
            drop(writing.await);
        }
        self.path.clone().map(LastSnapshot)
    }
}

/// Where the last snapshot is written.
pub(crate) struct LastSnapshot(PathBuf);

impl LastSnapshot {
    /// Writes it.
    pub(crate) async fn write(self, sections: Vec<DeferredSection>) {
        let written = tokio::task::spawn_blocking(move || write(&self.0, sections)).await;
        if let Err(error) = written {
            tracing::warn!(%error, "no snapshot was written");
        }
    }
}

/// Writes a snapshot. An error is only logged, since the logs have everything.
fn write(path: &Path, sections: Vec<DeferredSection>) {
    let saved =
        sections.into_iter().map(|DeferredSection { section, save }| Section { state: save(), ..section });
    let sections: Vec<Section> = saved.collect();
    match Snapshot::new(sections).write(path) {
        Ok(()) => tracing::debug!(file = %path.display(), "a snapshot is written"),
        Err(error) => tracing::warn!(file = %path.display(), %error, "no snapshot was written"),
    }
}

/// The sections of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Snapshot(Vec<Section>);

impl Snapshot {
    fn new(sections: Vec<Section>) -> Self {
        Self(sections)
    }

    /// Takes the state of a fold of a log, with position and identifier of the last folded event. None: there
    /// is no usable section; the reason is logged.
    pub(crate) async fn take_fold<F: Fold + Send + 'static>(
        &mut self,
        log: &dyn EventLog,
    ) -> Option<(F, (Position, uuid::Uuid))> {
        let index = self.0.iter().position(|section| section.name == F::NAME && section.log == log.name())?;
        let section = self.0.swap_remove(index);
        let unused =
            |why: &str| tracing::warn!(fold = F::NAME, log = log.name(), why, "a snapshot is not used");
        if section.version != F::VERSION {
            unused("it is of another version");
            return None;
        }
        if section.skipped != log.skipped().up_to(section.position) {
            unused("other events count by now");
            return None;
        }
        if !is_section_of(&section, log).await {
            unused("it is not of this log");
            return None;
        }
        let last = (section.position, uuid::Uuid::from_slice(&section.event).ok()?);
        let state = tokio::task::spawn_blocking(move || F::load(&section.state)).await.ok().flatten();
        if state.is_none() {
            unused("it cannot be read");
        }
        state.map(|state| (state, last))
    }

    /// Reads a snapshot. It is empty if there is none or it cannot be used; the reason is logged.
    pub(crate) fn read(path: &Path) -> Self {
        match read(path) {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => Self::default(),
            Err(why) => {
                tracing::warn!(file = %path.display(), why, "a snapshot is not used");
                Self::default()
            }
        }
    }

    /// Writes it to a new file, which then replaces the old one: a crash leaves one or the other.
    ///
    /// # Errors
    /// Those of the file system.
    fn write(self, path: &Path) -> std::io::Result<()> {
        let body = File { sections: self.0 }.encode_to_vec();
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let new_path = path.with_extension("new");
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let parts = [&MAGIC[..], &FORMAT.to_le_bytes(), &length.to_le_bytes(), &Sha256::digest(&body), &body];
        let written = write_parts(&new_path, &parts).and_then(|()| std::fs::rename(&new_path, path));
        if written.is_err() {
            // On a full disk, an incomplete file would take the room that is missing.
            let _absent = std::fs::remove_file(&new_path);
        }
        written
    }
}

/// Writes a file part by part, and flushes it to the disk.
fn write_parts(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

fn read(path: &Path) -> Result<Option<Snapshot>, String> {
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if size > MAX_BYTES {
        return Err(format!("it has {size} bytes, the limit is {MAX_BYTES}"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    parse(&bytes).map(Some)
}

fn parse(bytes: &[u8]) -> Result<Snapshot, String> {
    let (header, body) = bytes.split_at_checked(HEADER_BYTES).ok_or("it is cut off")?;
    let (magic, rest) = header.split_at(MAGIC.len());
    let (format, rest) = rest.split_at(4);
    let (length, digest) = rest.split_at(8);
    if magic != MAGIC || format != FORMAT.to_le_bytes() {
        return Err("it is not of this version".to_owned());
    }
    if length != u64::try_from(body.len()).unwrap_or(u64::MAX).to_le_bytes() {
        return Err("it is cut off".to_owned());
    }
    if digest != Sha256::digest(body).as_slice() {
        return Err("it is damaged".to_owned());
    }
    let file = File::decode(body).map_err(|error| error.to_string())?;
    Ok(Snapshot(file.sections))
}

/// Whether the event at a section's position is the one that it folded last.
async fn is_section_of(section: &Section, log: &dyn EventLog) -> bool {
    let Some(before) = section.position.checked_sub(1) else { return false };
    let mut items = log.read(Filter::All, before);
    match tokio::time::timeout(IDENTIFY_TIMEOUT, items.next()).await {
        Ok(Some(Ok(Item::Event(event)))) => {
            event.position == section.position && event.id.as_bytes().as_slice() == section.event
        }
        _ => false,
    }
}

/// Path of the snapshot in a directory.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("alerting.snapshot")
}
