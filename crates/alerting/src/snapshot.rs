//! A copy of what the service has folded, so that a restart need not fold it again.
//!
//! A snapshot is a cache. It says which log it is of: the identifier of the event at its position. One that cannot be read, is of
//! another version or of another log is not used, and the logs are folded from the beginning; that is said, and is no error.
//!
//! ```text
//! "OREWSNAP"  format, u32  length of the body, u64  SHA-256 of the body, 32 bytes  body: a `File`, protobuf
//! ```
//!
//! The body holds a [`Section`] for each fold. Folds of one log go by their own positions: a fold whose section is missing or is of
//! another version folds its log from the beginning, and so do all folds of that log, because they are folded together.
use std::io::Write as _;
use std::path::{Path, PathBuf};

use orewatch_eventlog::{EventLog, Filter, Item, Position};
use prost::Message;
use sha2::{Digest as _, Sha256};

use futures_util::StreamExt as _;

/// First bytes of a snapshot.
const MAGIC: &[u8; 8] = b"OREWSNAP";
/// Version of the file around the sections.
const FORMAT: u32 = 1;
/// Bytes before the body.
const HEAD: usize = 8 + 4 + 8 + 32;
/// Largest snapshot that is read, in bytes.
const LARGEST: u64 = 8 << 30;
/// After how many events a snapshot is written.
const EVERY: Position = 20_000;
/// How long a log may take to say whether a snapshot is its own.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// A fold whose state can be kept in a snapshot.
pub(crate) trait Fold: Sized {
    /// Its name among the sections.
    const NAME: &'static str;
    /// Version of its form: another one is not read.
    const VERSION: u32;

    /// The state as bytes.
    fn save(&self) -> Vec<u8>;

    /// The state out of bytes. None: they are not what they should be.
    fn load(bytes: &[u8]) -> Option<Self>;
}

/// All sections of a snapshot.
#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(message, repeated, tag = "1")]
    sections: Vec<Section>,
}

/// The state of one fold.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Section {
    /// Name of the fold.
    #[prost(string, tag = "1")]
    name: String,
    /// Version of its form.
    #[prost(uint32, tag = "2")]
    version: u32,
    /// Name of the log that it folds.
    #[prost(string, tag = "3")]
    log: String,
    /// Position up to which it has folded the log.
    #[prost(uint64, tag = "4")]
    position: u64,
    /// Identifier of the event at that position: no other log has it.
    #[prost(bytes = "vec", tag = "5")]
    event: Vec<u8>,
    /// The state.
    #[prost(bytes = "vec", tag = "6")]
    state: Vec<u8>,
}

impl Section {
    /// The state of a fold that has folded a log up to an event; it becomes bytes when the snapshot is written.
    pub(crate) fn of<F: Fold + Send + 'static>(
        fold: F,
        log: &str,
        position: Position,
        event: uuid::Uuid,
    ) -> Unsaved {
        let section = Self {
            name: F::NAME.to_owned(),
            version: F::VERSION,
            log: log.to_owned(),
            position,
            event: event.as_bytes().to_vec(),
            state: Vec::new(),
        };
        Unsaved { section, save: Box::new(move || fold.save()) }
    }
}

/// A section whose state is not bytes yet.
pub(crate) struct Unsaved {
    section: Section,
    save: Box<dyn FnOnce() -> Vec<u8> + Send>,
}

/// Where snapshots are written, and when.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    /// None: there are none.
    path: Option<PathBuf>,
    /// Sum of the positions at the last one.
    written: Position,
    /// The one that is being written.
    writing: Option<tokio::task::JoinHandle<()>>,
}

impl Snapshots {
    pub(crate) fn new(path: Option<PathBuf>, written: Position) -> Self {
        Self { path, written, writing: None }
    }

    /// Whether enough has happened since the last one, and none is being written.
    pub(crate) fn is_due(&self, at: Position) -> bool {
        let is_idle = self.writing.as_ref().is_none_or(tokio::task::JoinHandle::is_finished);
        self.path.is_some() && is_idle && at.saturating_sub(self.written) >= EVERY
    }

    /// Writes one beside everything else.
    pub(crate) fn begin(&mut self, at: Position, sections: Vec<Unsaved>) {
        if let Some(path) = self.path.clone() {
            self.written = at;
            self.writing = Some(tokio::task::spawn_blocking(move || write(&path, sections)));
        }
    }

    /// The place of the last one, when nothing happens any more and the one before is written. None: there are none.
    pub(crate) async fn last(&mut self) -> Option<Last> {
        if let Some(writing) = self.writing.take() {
            // What went wrong with it was said.
            drop(writing.await);
        }
        self.path.clone().map(Last)
    }
}

/// The place of the last snapshot.
pub(crate) struct Last(PathBuf);

impl Last {
    /// Writes it.
    pub(crate) async fn write(self, sections: Vec<Unsaved>) {
        let written = tokio::task::spawn_blocking(move || write(&self.0, sections)).await;
        if let Err(error) = written {
            tracing::warn!(%error, "no snapshot was written");
        }
    }
}

/// Writes a snapshot; what goes wrong is said, and is no error: the logs hold everything.
fn write(path: &Path, sections: Vec<Unsaved>) {
    let saved = sections.into_iter().map(|Unsaved { section, save }| Section { state: save(), ..section });
    let sections: Vec<Section> = saved.collect();
    match Snapshot::new(sections).write(path) {
        Ok(()) => tracing::debug!(file = %path.display(), "a snapshot is written"),
        Err(error) => tracing::warn!(file = %path.display(), %error, "no snapshot was written"),
    }
}

/// What a snapshot holds.
#[derive(Debug, Default)]
pub(crate) struct Snapshot(Vec<Section>);

impl Snapshot {
    pub(crate) fn new(sections: Vec<Section>) -> Self {
        Self(sections)
    }

    /// The state of a fold of a log, and the event up to which it is folded: position and identifier. None: there is none that
    /// can be used; why is said.
    pub(crate) async fn fold<F: Fold + Send + 'static>(
        &mut self,
        log: &dyn EventLog,
    ) -> Option<(F, (Position, uuid::Uuid))> {
        let place = self.0.iter().position(|section| section.name == F::NAME && section.log == log.name())?;
        let section = self.0.swap_remove(place);
        let unused =
            |why: &str| tracing::warn!(fold = F::NAME, log = log.name(), why, "a snapshot is not used");
        if section.version != F::VERSION {
            unused("it is of another version");
            return None;
        }
        if !is_of(&section, log).await {
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

    /// Reads a snapshot. One that is not there or cannot be used is empty; why is said.
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

    /// Writes it beside the old one, and puts it in its place: a crash leaves one or the other.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn write(self, path: &Path) -> std::io::Result<()> {
        let body = File { sections: self.0 }.encode_to_vec();
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let beside = path.with_extension("new");
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let parts = [&MAGIC[..], &FORMAT.to_le_bytes(), &length.to_le_bytes(), &Sha256::digest(&body), &body];
        let written = put(&beside, &parts).and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            // Half of one takes room where there is none.
            let _absent = std::fs::remove_file(&beside);
        }
        written
    }
}

/// Writes a file, part after part, to the disk.
fn put(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
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
    if size > LARGEST {
        return Err(format!("it has {size} bytes, the limit is {LARGEST}"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    parse(&bytes).map(Some)
}

fn parse(bytes: &[u8]) -> Result<Snapshot, String> {
    let (head, body) = bytes.split_at_checked(HEAD).ok_or("it is cut off")?;
    let (magic, rest) = head.split_at(MAGIC.len());
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
async fn is_of(section: &Section, log: &dyn EventLog) -> bool {
    let Some(before) = section.position.checked_sub(1) else { return false };
    let mut items = log.read(Filter::All, before);
    match tokio::time::timeout(PATIENCE, items.next()).await {
        Ok(Some(Ok(Item::Event(event)))) => {
            event.position == section.position && event.id.as_bytes().as_slice() == section.event
        }
        _ => false,
    }
}

/// Where the snapshot of a service is in a directory.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("alerting.snapshot")
}
