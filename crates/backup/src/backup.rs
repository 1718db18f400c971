//! Backing up: what the log has more than the backup becomes further segments.
use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_eventlog::{Event, EventLog, Filter, Position, history};
use orewatch_store::Version;

use crate::digest::Digest;
use crate::failures;
use crate::manifest::Manifest;
use crate::place::{BackupPlace, LogBackup};
use crate::progress::Progress;
use crate::record::{self, identity};
use crate::segment::SegmentWriter;

/// Size at which a segment ends, in bytes (64 MiB). Its last event may exceed it.
pub const MAX_SEGMENT_BYTES: usize = 64 << 20;

/// What a backup did, and what the place holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// Name of the log.
    pub log: String,
    /// Identity of the log. `None`: it is empty, and nothing was written.
    pub identity: Option<Digest>,
    /// Position of the last event in the backup: the number of its events.
    pub position: Position,
    /// Number of segments.
    pub segments: usize,
    /// Size of all segments, in bytes.
    pub bytes: u64,
    /// Head digest: the last link of the chain.
    pub head: Digest,
    /// Number of events that this run added.
    pub added: Position,
}

/// Backs up what a log has more than its backup in a place. `now` is noted with each segment, of which each
/// has about `segment_bytes`, [`MAX_SEGMENT_BYTES`] by default.
///
/// A segment counts once the manifest lists it, so that a run that is interrupted is continued by the next
/// one. If the log cannot be read to its end, everything before the error is backed up.
///
/// # Errors
/// Refused if the place holds the backup of another log; errors of the log and of the place.
pub async fn backup(
    log: &dyn EventLog,
    place: &BackupPlace,
    now: Timestamp,
    segment_bytes: Option<usize>,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<BackupReport, Failure> {
    let place = place.backup_of(log.name());
    let end = log.extent().await?.head;
    let (manifest, version) = match place.manifest().await? {
        Some((manifest, version)) => {
            check_same_log(log, &place, &manifest, end).await?;
            (manifest, Some(version))
        }
        None => match event_at(log, 1).await? {
            Some(first) => (Manifest::new(log.name(), identity(log.name(), &first)), None),
            None => return Ok(empty_report(log.name())),
        },
    };
    let before = manifest.last();
    let segment_bytes = segment_bytes.unwrap_or(MAX_SEGMENT_BYTES);
    let mut run = Run { place, manifest, version, now, segment_bytes };
    run.copy(log, &mut |position| progress(Progress { log: log.name(), position, end })).await?;
    Ok(report(&run.manifest, before))
}

fn empty_report(log: &str) -> BackupReport {
    BackupReport {
        log: log.to_owned(),
        identity: None,
        position: 0,
        segments: 0,
        bytes: 0,
        head: Digest::start(log),
        added: 0,
    }
}

fn report(manifest: &Manifest, before: Position) -> BackupReport {
    BackupReport {
        log: manifest.log.clone(),
        identity: Some(manifest.identity),
        position: manifest.last(),
        segments: manifest.segments.len(),
        bytes: manifest.bytes(),
        head: manifest.head(),
        added: manifest.last() - before,
    }
}

/// Checks that a backup is of this log: that the log has its first and its last event.
async fn check_same_log(
    log: &dyn EventLog,
    place: &LogBackup<'_>,
    manifest: &Manifest,
    end: Position,
) -> Result<(), Failure> {
    let refuse = |reason: &str| Err(failures::other_log(place.location(), log.name(), reason));
    let Some(last) = manifest.segments.last() else { return Ok(()) };
    if end < last.last {
        return refuse(&format!("this one ends at position {end}, the backup at {}", last.last));
    }
    let first = event_at(log, 1).await?;
    if first.map(|event| identity(log.name(), &event)) != Some(manifest.identity) {
        return refuse("their first events differ");
    }
    let event = event_at(log, last.last).await?;
    if event.map(|event| Digest::of(&record::encode(&event))) != Some(last.last_event) {
        return refuse(&format!("they begin alike, but differ at position {} at the latest", last.last));
    }
    Ok(())
}

/// The event at a position, or after it if there is none at it.
async fn event_at(log: &dyn EventLog, position: Position) -> Result<Option<Event>, Failure> {
    Ok(history(log, Filter::All, position - 1).next().await.transpose()?)
}

/// A run of a backup.
struct Run<'a> {
    place: LogBackup<'a>,
    manifest: Manifest,
    /// Version of the manifest in the place. `None`: there is none yet.
    version: Option<Version>,
    now: Timestamp,
    segment_bytes: usize,
}

impl Run<'_> {
    /// Copies all events after the last one in the backup.
    async fn copy(
        &mut self,
        log: &dyn EventLog,
        progress: &mut (dyn FnMut(Position) + Send),
    ) -> Result<(), Failure> {
        let mut events = history(log, Filter::All, self.manifest.last());
        let mut segment = SegmentWriter::new(&self.manifest.next_start());
        while let Some(event) = events.next().await {
            let position = event.as_ref().ok().map(|event| event.position);
            let pushed = event.and_then(|event| segment.push(&event));
            if let Err(error) = pushed {
                self.store(segment).await?;
                return Err(error.into());
            }
            if segment.size() >= self.segment_bytes {
                self.store(segment).await?;
                segment = SegmentWriter::new(&self.manifest.next_start());
            }
            progress(position.unwrap_or_default());
        }
        self.store(segment).await
    }

    /// Stores a segment, if it has events, and then the manifest that lists it.
    async fn store(&mut self, segment: SegmentWriter) -> Result<(), Failure> {
        let Some((entry, file)) = segment.finish(self.now) else { return Ok(()) };
        self.place.write_segment(&entry, file).await?;
        self.manifest.segments.push(entry);
        self.version = Some(self.place.replace_manifest(&self.manifest, self.version.take()).await?);
        Ok(())
    }
}
