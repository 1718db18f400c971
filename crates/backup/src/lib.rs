//! Backups of event logs, in a folder or a bucket.
//!
//! A backup is a copy of a log, event by event, that can be read without the log: files of at most
//! [`MAX_SEGMENT_BYTES`], which are never changed, and a manifest that lists them. It is incremental: each
//! run adds segments with what the log has more. A chain of digests runs through all events, so that
//! [`verify`] names the position of whatever is missing, torn or changed; and its last link, the head digest,
//! says whether two logs hold the same.
//!
//! ```text
//! PLACE/observations/00000000000000000001-00000000000000004711.segment
//! PLACE/observations/manifest.json         written last: what it does not list does not count
//! ```
//!
//! A log is identified by its first event (see [`Digest`]). A place holds one log of each name: a backup of
//! another one into it is refused. [`Restore`] appends to a log that is empty, or that an interrupted restore
//! left, and keeps all positions, so that whatever refers to positions stays valid: resume tokens, snapshots,
//! and the logs of other services.
//!
//! What belonged to one append is adjacent and in order after a restore, but the log does not say any more
//! where an append began. Only readers that read while it is being written would notice, and a restore ends
//! before services start.

mod backup;
mod digest;
mod failures;
mod manifest;
mod place;
mod progress;
mod reader;
mod record;
mod restore;
mod segment;
mod verify;

pub use backup::{BackupReport, MAX_SEGMENT_BYTES, backup};
pub use digest::Digest;
pub use place::BackupPlace;
pub use progress::Progress;
pub use record::identity;
pub use restore::{Restore, RestoreReport};
pub use verify::{VerifyReport, digest_of_log, verify};
