//! The manifest of a log's backup: which segments it consists of.
use orewatch_eventlog::Position;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::segment::{SegmentEntry, Start};

/// Version of the format of manifests and segments.
const FORMAT: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Name of the log.
    pub(crate) log: String,
    /// Identity of the log.
    pub(crate) identity: Digest,
    /// The segments, in order.
    pub(crate) segments: Vec<SegmentEntry>,
}

impl Manifest {
    /// The manifest of a log without segments.
    pub(crate) fn new(log: &str, identity: Digest) -> Self {
        Self { format: FORMAT, log: log.to_owned(), identity, segments: Vec::new() }
    }

    /// Reads a manifest. The error says what is wrong with it.
    pub(crate) fn read(log: &str, json: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if manifest.format != FORMAT {
            return Err(format!("it has format {}, this version knows {FORMAT}", manifest.format));
        }
        if manifest.log != log {
            return Err(format!("it is of log {}, not of {log}", manifest.log));
        }
        let mut next = 1;
        for segment in &manifest.segments {
            if segment.first != next || segment.last < next || segment.last == Position::MAX {
                return Err(format!("after position {} it goes on with {}", next - 1, segment.file_name()));
            }
            next = segment.last + 1;
        }
        Ok(manifest)
    }

    /// The manifest as JSON.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Position of the last event, 0 if there is none.
    pub(crate) fn last(&self) -> Position {
        self.segments.last().map_or(0, |segment| segment.last)
    }

    /// Link of the last event.
    pub(crate) fn head(&self) -> Digest {
        self.segments.last().map_or_else(|| Digest::start(&self.log), |segment| segment.head)
    }

    /// Sum of the sizes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.bytes))
    }

    /// Where the segment after these begins.
    pub(crate) fn next_start(&self) -> Start {
        Start {
            log: self.log.clone(),
            identity: self.identity,
            first: self.last() + 1,
            previous: self.head(),
        }
    }
}
