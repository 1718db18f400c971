//! Collects rows that are quarantined into chunks.
//!
//! A rejection is complete when its row is read, but for one: where a duplicate row was first is found out
//! only at the end. From the first duplicate on all rejections wait, so that they stay in the order of the
//! rows.
use orewatch_contracts::ingestion::v1::{Rejection, RowsQuarantined};

use super::names::Names;
use super::repeated::{DuplicateRow, FirstOccurrences};
use super::{Plan, Reject};

/// Upper bound on the rejections that a release lists; all of them are counted.
const MAX_LISTED_REJECTIONS: usize = 10_000;

/// Rejections of a full chunk. Their fields are bounded, so that even the longest fit into an event of the
/// log.
const CHUNK_REJECTIONS: usize = 200;

/// A row that is quarantined.
#[derive(Debug)]
enum QuarantinedRow {
    /// Its rejection is complete.
    Rejected(Rejection),
    /// Its key was there before; where is not known yet.
    Duplicate(Box<DuplicateRow>),
}

/// The rows of a release that are quarantined, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    rows: Vec<QuarantinedRow>,
    /// There is a duplicate among the rows: all wait until it is known where its key was first.
    waits: bool,
    listed: usize,
    next: u32,
}

impl Quarantine {
    /// Takes a rejection. Returns a chunk when it is full.
    pub(super) fn push(
        &mut self,
        reject: Reject,
        file: &str,
        line: u64,
        text: &str,
    ) -> Option<RowsQuarantined> {
        if self.listed >= MAX_LISTED_REJECTIONS {
            return None;
        }
        self.listed += 1;
        self.rows.push(QuarantinedRow::Rejected(reject.into_rejection(file, line, text)));
        if self.waits || self.rows.len() < CHUNK_REJECTIONS {
            return None;
        }
        let rejections = std::mem::take(&mut self.rows).into_iter().filter_map(|row| match row {
            QuarantinedRow::Rejected(rejection) => Some(rejection),
            QuarantinedRow::Duplicate(_) => None,
        });
        let rejections = rejections.collect();
        Some(self.chunk(rejections))
    }

    /// Takes a row whose key was there before.
    pub(super) fn push_duplicate(&mut self, duplicate: DuplicateRow) {
        if self.listed < MAX_LISTED_REJECTIONS {
            self.listed += 1;
            self.waits = true;
            self.rows.push(QuarantinedRow::Duplicate(Box::new(duplicate)));
        }
    }

    /// The keys of duplicates.
    pub(super) fn duplicate_keys(&self) -> Vec<u64> {
        let key = |row: &QuarantinedRow| match row {
            QuarantinedRow::Duplicate(duplicate) => Some(duplicate.first_key),
            QuarantinedRow::Rejected(_) => None,
        };
        self.rows.iter().filter_map(key).collect()
    }

    /// Returns the rows that are left, once it is known where the keys of duplicates were first.
    pub(super) fn flush(
        &mut self,
        plan: &Plan,
        names: &Names,
        first: &FirstOccurrences,
    ) -> Vec<RowsQuarantined> {
        let rejected = |row| match row {
            QuarantinedRow::Rejected(rejection) => rejection,
            QuarantinedRow::Duplicate(duplicate) => {
                let (file, line) = (plan.file_name(duplicate.file), duplicate.location.line);
                duplicate.reject(plan, names, first).into_rejection(file, line, "")
            }
        };
        let rejections: Vec<_> = std::mem::take(&mut self.rows).into_iter().map(rejected).collect();
        rejections.chunks(CHUNK_REJECTIONS).map(|chunk| self.chunk(chunk.to_vec())).collect()
    }

    fn chunk(&mut self, rejections: Vec<Rejection>) -> RowsQuarantined {
        let chunk = self.next;
        self.next += 1;
        RowsQuarantined { chunk, rejections }
    }
}
