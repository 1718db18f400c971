//! Checking a backup, and the head digest of a log to compare it with.
use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_eventlog::{EventLog, Filter, Position, history};

use crate::digest::Digest;
use crate::place::BackupPlace;
use crate::progress::Progress;
use crate::reader::BackupReader;
use crate::record;

/// What a check found: all of it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Name of the log.
    pub log: String,
    /// Identity of the log.
    pub identity: Digest,
    /// Position of the last event: the number of events.
    pub position: Position,
    /// Number of segments.
    pub segments: usize,
    /// Size of all segments, in bytes.
    pub bytes: u64,
    /// Head digest.
    pub head: Digest,
    /// When the last segment was written.
    pub taken_at: Option<Timestamp>,
}

/// Reads the backup of a log in a place and checks every byte of it.
///
/// # Errors
/// Code `backup-damaged` for the first segment that is torn, missing or changed, with the position of the
/// first event that cannot be relied on; errors of the place.
pub async fn verify(
    place: &BackupPlace,
    log: &str,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<VerifyReport, Failure> {
    let mut reader = BackupReader::open(place.backup_of(log)).await?;
    let end = reader.end();
    while let Some(event) = reader.next().await? {
        progress(Progress { log, position: event.position, end });
    }
    let manifest = reader.manifest();
    Ok(VerifyReport {
        log: log.to_owned(),
        identity: manifest.identity,
        position: end,
        segments: manifest.segments.len(),
        bytes: manifest.bytes(),
        head: reader.head(),
        taken_at: manifest.segments.last().map(|segment| segment.taken_at),
    })
}

/// Reads a log up to its present end. Returns the position of the last event and the head digest, which equal
/// those of another log exactly if both hold the same events.
///
/// # Errors
/// Those of the log.
pub async fn digest_of_log(
    log: &dyn EventLog,
    end: Position,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(Position, Digest), Failure> {
    let (mut last, mut head) = (0, Digest::start(log.name()));
    let mut events = history(log, Filter::All, 0);
    while let Some(event) = events.next().await.transpose()? {
        (last, head) = (event.position, head.link(&record::encode(&event)));
        progress(Progress { log: log.name(), position: last, end });
    }
    Ok((last, head))
}
