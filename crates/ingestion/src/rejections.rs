//! Rejections of a release: which are settled, and by which repairs. Pure.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{Report, RowsRepaired};

use crate::row_counts::RowCounts;
use crate::validate;

/// Rejections of a release by number, and the repairs that settled some of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RejectionLedger {
    /// Reason codes, each once.
    codes: Vec<String>,
    /// Index into `codes` for each rejection.
    reasons: Vec<u16>,
    /// Numbers of settled rejections.
    settled: BTreeSet<u64>,
    /// Number of settled rejections by code.
    by_code: BTreeMap<String, u64>,
    /// Repaired rows that turned out to be out of scope.
    repaired_out_of_scope: u64,
    /// Repaired rows recorded since the last repair.
    rows: u64,
    /// The repairs, in order.
    pub(crate) repairs: Vec<Repair>,
}

/// A file of repaired rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repair {
    /// SHA-256 of the file.
    pub(crate) sha256: String,
    /// Numbers of the rejections that it settled.
    pub(crate) rejections: Vec<u64>,
    /// Rows that were recorded.
    pub(crate) recorded: u64,
}

impl Repair {
    /// Whether this repair used the same file for the same rejections.
    pub(crate) fn is_same(&self, sha256: &str, rejections: &[u64]) -> bool {
        self.sha256 == sha256 && self.rejections == rejections
    }
}

impl RejectionLedger {
    /// Adds rejections by their codes.
    pub(crate) fn add<'a>(&mut self, codes: impl Iterator<Item = &'a str>) {
        for code in codes {
            let place = self.codes.iter().position(|known| known == code).unwrap_or_else(|| {
                self.codes.push(code.to_owned());
                self.codes.len().saturating_sub(1)
            });
            self.reasons.push(u16::try_from(place).unwrap_or(u16::MAX));
        }
    }

    /// Counts the rows of a chunk that are repaired: those whose file comes after the release's own files.
    pub(crate) fn count_repaired_rows(&mut self, columns: &Columns, files: usize) {
        let first = validate::first_file(columns).and_then(|file| usize::try_from(file).ok());
        if first.is_some_and(|file| file >= files) {
            self.rows = self.rows.saturating_add(validate::row_count(columns));
        }
    }

    /// Settles rejections. Returns how many.
    pub(crate) fn settle(&mut self, repaired: &RowsRepaired) -> u64 {
        let recorded = std::mem::take(&mut self.rows);
        let mut settled = 0_u64;
        for number in repaired.rejections.iter().filter(|number| self.settled.insert(**number)) {
            settled = settled.saturating_add(1);
            let code = usize::try_from(*number).ok().and_then(|number| self.reasons.get(number));
            if let Some(code) = code.and_then(|place| self.codes.get(usize::from(*place))) {
                *self.by_code.entry(code.clone()).or_default() += 1;
            }
        }
        self.repaired_out_of_scope =
            self.repaired_out_of_scope.saturating_add(settled.saturating_sub(recorded));
        let sha256 = repaired.file.as_ref().map(|file| file.sha256.clone()).unwrap_or_default();
        self.repairs.push(Repair { sha256, rejections: repaired.rejections.clone(), recorded });
        settled
    }

    /// Number of listed rejections.
    pub(crate) fn listed_count(&self) -> u64 {
        u64::try_from(self.reasons.len()).unwrap_or(u64::MAX)
    }

    /// Number of listed rejections that are not settled.
    pub(crate) fn open_count(&self) -> u64 {
        self.listed_count().saturating_sub(u64::try_from(self.settled.len()).unwrap_or(u64::MAX))
    }

    /// Whether a rejection is settled.
    pub(crate) fn is_settled(&self, number: u64) -> bool {
        self.settled.contains(&number)
    }

    /// The code of a rejection.
    pub(crate) fn code(&self, number: u64) -> Option<&str> {
        let place = usize::try_from(number).ok().and_then(|number| self.reasons.get(number))?;
        self.codes.get(usize::from(*place)).map(String::as_str)
    }

    /// Row counts of the files before any repair, from a report that includes repairs.
    pub(crate) fn counts_before_repairs(&self, report: &Report) -> RowCounts {
        let mut rejected: BTreeMap<String, u64> =
            report.rejected_by_code.iter().map(|(code, count)| (code.clone(), *count)).collect();
        for (code, count) in &self.by_code {
            *rejected.entry(code.clone()).or_default() += count;
        }
        RowCounts {
            read: Some(report.rows_read),
            out_of_scope: report.rows_out_of_scope.saturating_sub(self.repaired_out_of_scope),
            rejected,
            max_rejects: 0,
            totals: report.totals.clone(),
            notes: report.notes.clone(),
        }
    }

    /// Row counts with settled rejections moved to where they are now: recorded, or out of scope.
    pub(crate) fn after_repairs(&self, mut counts: RowCounts) -> RowCounts {
        counts.out_of_scope = counts.out_of_scope.saturating_add(self.repaired_out_of_scope);
        for (code, settled) in &self.by_code {
            if let Some(count) = counts.rejected.get_mut(code) {
                *count = count.saturating_sub(*settled);
            }
        }
        counts.rejected.retain(|_, count| *count > 0);
        counts
    }

    /// Corrects the counts of a report.
    pub(crate) fn correct_report(&self, report: &mut Report, counted: &RowCounts, rows: u64) {
        let counts = self.after_repairs(counted.clone());
        report.rows_recorded = rows;
        report.rows_rejected = counts.rejected_rows();
        report.rows_out_of_scope = counts.out_of_scope;
        report.rejected_by_code = counts.rejected.into_iter().collect();
    }
}
