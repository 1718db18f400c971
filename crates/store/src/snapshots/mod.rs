//! Snapshots of folded state, shared by the replicas of a service.
//!
//! A snapshot is a cache of logs. Its name is the SHA-256 of its bytes, so it never changes; what changes is
//! `newest`, a small JSON object that lists the last snapshots. A [`Room`] is the place of both for one
//! service:
//!
//! ```text
//! PLACE/SERVICE/newest      which snapshots there are: logs and positions, format, digest, size, time
//! PLACE/SERVICE/SHA-256     "OREWSNAP"  container, u32  length, u32  header, JSON  the folded state
//! ```
//!
//! `newest` is replaced by compare-and-set: of two replicas, the one with the higher position stays. A
//! snapshot that cannot be read, is of another version, or is not of these logs is not used, and one line of
//! the log says why; the fold then begins with the next older one, or with the logs.
//!
//! Two kinds of content share this. [`events`] keeps the events that a fold needs, compressed: loading folds
//! them again, so the state is that of a full replay by construction, and a later version of the service
//! reads it with its own fold. [`EventSnapshots`] writes and reads these. A service whose state is much
//! smaller than its events encodes the state, and uses [`SnapshotWriter`] and [`Room`] itself.

mod event_snapshots;
pub mod events;
mod file;
mod header;
mod health;
mod keep;
mod pointer;
mod room;

use std::path::{Path, PathBuf};

use crate::Location;

pub use event_snapshots::{EventSnapshots, Restored};
pub use file::{SnapshotFile, SnapshotReader, SnapshotWriter};
pub use header::{Header, Mark, Reached};
pub use health::SnapshotHealth;
pub use keep::Settled;
pub use pointer::{Entry, Pointer};
pub use room::Room;

/// Where snapshots are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPlace {
    /// The store that replicas share.
    pub location: Location,
    /// A local folder with copies of what is in a bucket.
    pub cache: PathBuf,
}

impl SnapshotPlace {
    /// A folder.
    #[must_use]
    pub fn folder(path: &Path) -> Self {
        Self { location: Location::Folder(path.to_owned()), cache: path.to_owned() }
    }
}
