//! Rejections on their way into chunks.
use orewatch_contracts::ingestion::v1::{Rejection, RowsQuarantined};

use super::names::Names;
use super::read::{MOST_LISTED, name};
use super::repeated::{Again, Found};
use super::{Plan, Reject};

/// Rejections in a chunk: fields are bounded, so that even the longest fit into an event of the log.
const REJECTIONS: usize = 200;

/// A row that is set aside.
#[derive(Debug)]
enum Aside {
    /// It is known why.
    Rejected(Rejection),
    /// Its key was there before; it will be found out where.
    Again(Box<Again>),
}

/// Rows that are set aside, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    rows: Vec<Aside>,
    /// Of some it has to be found out where their keys were first: until then all wait.
    waits: bool,
    listed: usize,
    next: u32,
}

impl Quarantine {
    /// Takes a rejection; gives a chunk when it is full.
    pub(super) fn push(
        &mut self,
        reject: Reject,
        file: &str,
        line: u64,
        text: &str,
    ) -> Option<RowsQuarantined> {
        if self.listed >= MOST_LISTED {
            return None;
        }
        self.listed += 1;
        self.rows.push(Aside::Rejected(reject.at(file, line, text)));
        if self.waits || self.rows.len() < REJECTIONS {
            return None;
        }
        let rejections = std::mem::take(&mut self.rows).into_iter().filter_map(|aside| match aside {
            Aside::Rejected(rejection) => Some(rejection),
            Aside::Again(_) => None,
        });
        let rejections = rejections.collect();
        Some(self.chunk(rejections))
    }

    /// Takes a row whose key was there before.
    pub(super) fn push_again(&mut self, again: Again) {
        if self.listed < MOST_LISTED {
            self.listed += 1;
            self.waits = true;
            self.rows.push(Aside::Again(Box::new(again)));
        }
    }

    /// The keys that were there before.
    pub(super) fn wanted(&self) -> Vec<u64> {
        let first = |aside: &Aside| match aside {
            Aside::Again(again) => Some(again.first),
            Aside::Rejected(_) => None,
        };
        self.rows.iter().filter_map(first).collect()
    }

    /// What is left, once it is known where those keys were first.
    pub(super) fn rest(&mut self, plan: &Plan, names: &Names, found: &Found) -> Vec<RowsQuarantined> {
        let rejected = |aside| match aside {
            Aside::Rejected(rejection) => rejection,
            Aside::Again(again) => {
                again.reject(plan, names, found).at(name(plan, again.file), again.place.line, "")
            }
        };
        let rejections: Vec<_> = std::mem::take(&mut self.rows).into_iter().map(rejected).collect();
        rejections.chunks(REJECTIONS).map(|chunk| self.chunk(chunk.to_vec())).collect()
    }

    fn chunk(&mut self, rejections: Vec<Rejection>) -> RowsQuarantined {
        let chunk = self.next;
        self.next += 1;
        RowsQuarantined { chunk, rejections }
    }
}
