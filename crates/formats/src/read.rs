//! The second pass over the files of a release: rows become chunks, or are quarantined.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    DeclaredTotals, ObservationsRecorded, PublisherNote, Reporter, RowsQuarantined,
};
use prost::Message as _;

use super::chunk::{Chunk, Chunker};
use super::figure::Figure;
use super::keys::{KeySet, row_key};
use super::location::SourceLocation;
use super::names::Names;
use super::notes::Notes;
use super::pass::read_planned_file;
use super::plan::Planned;
use super::progress::{Phase, Progress};
use super::quarantine::Quarantine;
use super::repeated::{self, DuplicateRow};
use super::sink::{Flow, Halt, RowSink};
use super::sums::{DeclaredTotal, Sums, TotalKey, Undistributed};
use super::{Observation, Plan, Qualifier, Reject, SourceError};

/// A piece of a release, in the order in which it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Rows to record.
    Observations(Chunk),
    /// Rows that are quarantined.
    Quarantine(RowsQuarantined),
}

impl Piece {
    /// The piece as a client sends it.
    ///
    /// # Errors
    /// [`SourceError`] if it is not one that [`pieces`] returned.
    pub fn into_rows(self) -> Result<Rows, SourceError> {
        match self {
            Self::Quarantine(chunk) => Ok(Rows::Quarantine(chunk)),
            Self::Observations(chunk) => {
                let decoded = ObservationsRecorded::decode(chunk.data);
                let undecodable = |error| {
                    SourceError::new("internal", "release", 0, format!("{error}"))
                        .with_class(orewatch_contracts::Class::Internal)
                };
                decoded.map(Rows::Observations).map_err(undecodable)
            }
        }
    }
}

/// How many rows of a release were read, and what became of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Rows read: recorded + out of scope + rejected.
    pub read: u64,
    /// Rows recorded.
    pub recorded: u64,
    /// Valid rows that no material covers.
    pub out_of_scope: u64,
    /// Rows quarantined, by reason code.
    pub rejected: BTreeMap<String, u64>,
    /// Totals that the source declares, compared with the sums of their parts. None: it declares none.
    pub declared: Option<DeclaredTotals>,
    /// What the publisher says about figures.
    pub notes: Vec<PublisherNote>,
}

impl Totals {
    /// Number of rows quarantined.
    #[must_use]
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Reads the rows of a release and gives them to `sink` as a client sends them.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read to its end or has changed since the plan was made; those of
/// `sink`.
pub fn read<E: From<SourceError>>(
    plan: &Plan,
    sink: &mut dyn FnMut(Rows, Progress) -> Result<(), E>,
) -> Result<Totals, E> {
    pieces(plan, &mut |piece, now| sink(piece.into_rows()?, now))
}

/// Reads the rows of a release and gives them to `sink` in pieces: the same pieces each time, on any machine.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read to its end or has changed since the plan was made; those of
/// `sink`, which end the reading.
pub fn pieces<E: From<SourceError>>(
    plan: &Plan,
    sink: &mut dyn FnMut(Piece, Progress) -> Result<(), E>,
) -> Result<Totals, E> {
    let total_bytes = plan.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.input.size()));
    let mut recorder = Recorder {
        plan,
        names: Names::new(plan.setup.codes.clone()),
        chunker: Chunker::new(plan.table),
        full: Vec::new(),
        keys: KeySet::default(),
        reported: false,
        quarantine: Quarantine::default(),
        totals: Totals::default(),
        sums: plan.source.has_totals().then(Sums::default),
        notes: Notes::default(),
        progress: Progress { phase: Phase::Recording, rows: 0, bytes: 0, total_bytes },
        file: 0,
        meter: Arc::default(),
        before: 0,
        failed: None,
        sink,
    };
    for (index, file) in plan.files.iter().enumerate() {
        recorder.read_file(index, file)?;
    }
    recorder.finish()
}

/// The sink that turns rows into chunks.
struct Recorder<'a, E> {
    plan: &'a Plan,
    names: Names,
    chunker: Chunker,
    /// Full chunks that were not handed out yet.
    full: Vec<Chunk>,
    /// Keys of the rows that are recorded.
    keys: KeySet,
    /// Some flow so far says who reports it.
    reported: bool,
    quarantine: Quarantine,
    totals: Totals,
    /// Sums of rows, for sources that declare totals.
    sums: Option<Sums>,
    notes: Notes,
    progress: Progress,
    /// Number of the current file, its stored bytes read so far, and those of the files before it.
    file: u32,
    meter: Arc<AtomicU64>,
    before: u64,
    /// Error of the sink, which ended the reading.
    failed: Option<E>,
    sink: &'a mut dyn FnMut(Piece, Progress) -> Result<(), E>,
}

impl<E: From<SourceError>> Recorder<'_, E> {
    fn read_file(&mut self, index: usize, file: &Planned) -> Result<(), E> {
        // A release has fewer files than u32 has numbers.
        self.file = u32::try_from(index).unwrap_or(u32::MAX);
        let mut content = file.input.reopen(self.plan.setup.limits)?;
        self.meter = content.meter();
        match read_planned_file(self.plan, file, &mut content, self) {
            Ok(()) => {}
            Err(Halt::Source(error)) => return Err(error.into()),
            Err(Halt::Stopped) => {
                return Err(self.failed.take().unwrap_or_else(|| stopped(&file.head.file).into()));
            }
        }
        self.before = self.before.saturating_add(content.stored());
        self.meter = Arc::default();
        Ok(())
    }

    /// Hands out the rows that are left.
    fn finish(mut self) -> Result<Totals, E> {
        self.record_undistributed()?;
        self.progress.rows = self.totals.read;
        self.progress.bytes = self.before;
        // One after the other, so that a chunk is recorded while the next is made.
        while self.chunker.flush_some(&self.names, &mut self.full) {
            for chunk in std::mem::take(&mut self.full) {
                (self.sink)(Piece::Observations(chunk), self.progress)?;
            }
        }
        let duplicates = self.quarantine.duplicate_keys();
        let first = repeated::find_first(self.plan, &mut self.names, duplicates)?;
        for chunk in self.quarantine.flush(self.plan, &self.names, &first) {
            (self.sink)(Piece::Quarantine(chunk), self.progress)?;
        }
        let name = |file| self.plan.file_name(file).to_owned();
        self.totals.declared = self.sums.and_then(|sums| sums.compare(self.plan.table, &self.names, name));
        self.totals.notes = self.notes.into_messages(&self.names);
        Ok(self.totals)
    }

    /// Records what declared totals of flows hold above the sum of their parts. It counts as read, at the
    /// location of its total, which is no row by itself.
    fn record_undistributed(&mut self) -> Result<(), E> {
        let Some(sums) = &mut self.sums else { return Ok(()) };
        let found = sums.undistributed(&mut self.names).map_err(|reject| {
            let failed = SourceError::new("too-many-names", self.plan.file_name(0), 0, reject.reason());
            failed.with_hint("split the files by period")
        })?;
        for Undistributed { row, file, location } in found {
            self.file = file;
            match self.row(row, location) {
                Ok(()) => {}
                Err(Halt::Source(error)) => return Err(error.into()),
                Err(Halt::Stopped) => {
                    let name = self.plan.file_name(file);
                    return Err(self.failed.take().unwrap_or_else(|| stopped(name).into()));
                }
            }
        }
        Ok(())
    }

    fn count_rejection(&mut self, code: &str) {
        *self.totals.rejected.entry(code.to_owned()).or_default() += 1;
    }

    /// The key of an earlier row that excludes this one: the same key, or with `true` that of the same flow
    /// which is reported otherwise. None: there is none, and the row's key is added.
    fn earlier_key(&mut self, row: &Observation) -> Option<(u64, bool)> {
        if let Some(other) = self.key_reported_otherwise(row) {
            return Some((other, true));
        }
        let key = row_key(row);
        (!self.keys.insert(key)).then_some((key, false))
    }

    /// The key of the same flow if it is there and only one of both rows says who reports it. Sources that
    /// never say it pay nothing for the check.
    fn key_reported_otherwise(&mut self, row: &Observation) -> Option<u64> {
        let key_with = |qualifier| row_key(&Observation { qualifier, ..*row });
        match row.qualifier {
            Qualifier::Reported(_) => {
                self.reported = true;
                Some(key_with(Qualifier::None)).filter(|key| self.keys.contains(*key))
            }
            Qualifier::None if self.reported => {
                let sides = [Reporter::Importer, Reporter::Exporter];
                let mut sides = sides.iter().map(|side| key_with(Qualifier::Reported(*side)));
                sides.find(|key| self.keys.contains(*key))
            }
            _ => None,
        }
    }

    /// Hands out full chunks.
    #[inline]
    fn give_full(&mut self) -> Result<(), Halt> {
        if self.full.is_empty() {
            return Ok(());
        }
        let full = std::mem::take(&mut self.full);
        full.into_iter().try_for_each(|chunk| self.give(Piece::Observations(chunk)))
    }

    fn give(&mut self, piece: Piece) -> Result<(), Halt> {
        self.progress.rows = self.totals.read;
        self.progress.bytes = self.before.saturating_add(self.meter.load(Ordering::Relaxed));
        (self.sink)(piece, self.progress).map_err(|error| {
            self.failed = Some(error);
            Halt::Stopped
        })
    }
}

impl<E: From<SourceError>> RowSink for Recorder<'_, E> {
    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn row(&mut self, row: Observation, location: SourceLocation) -> Result<(), Halt> {
        self.totals.read += 1;
        if let Some((first_key, reported_otherwise)) = self.earlier_key(&row) {
            self.count_rejection(repeated::DUPLICATE_KEY);
            let file = self.file;
            self.quarantine.push_duplicate(DuplicateRow {
                row,
                file,
                location,
                first_key,
                reported_otherwise,
            });
            return Ok(());
        }
        self.totals.recorded += 1;
        if let Some(sums) = &mut self.sums {
            sums.add_row(self.plan.table, &row);
        }
        self.chunker.push(row, self.file, location, &self.names, &mut self.full);
        self.give_full()
    }

    fn flow(&mut self, flow: &Flow, line: u64) -> Result<(), Halt> {
        // The reporter is part of a flow's key, and totals need every row: both take the slower way.
        if self.reported || self.sums.is_some() || !self.keys.insert(flow.key) {
            return self.row(flow.observation(), SourceLocation::row(line));
        }
        self.totals.read += 1;
        self.totals.recorded += 1;
        self.chunker.push_flow(flow, self.file, line, &self.names, &mut self.full);
        self.give_full()
    }

    fn out_of_scope(&mut self, _location: SourceLocation) {
        self.totals.read += 1;
        self.totals.out_of_scope += 1;
    }

    fn reject(&mut self, reject: Reject, location: SourceLocation, text: &str) -> Result<(), Halt> {
        self.totals.read += 1;
        self.count_rejection(&reject.code);
        let name = self.plan.file_name(self.file);
        let full = self.quarantine.push(reject, name, location.line, text);
        full.map_or(Ok(()), |chunk| self.give(Piece::Quarantine(chunk)))
    }

    fn note(&mut self, row: &Observation, text: &str) {
        self.notes.add(row, text);
    }

    fn declared_total(&mut self, total: DeclaredTotal, location: SourceLocation) {
        if let Some(sums) = &mut self.sums {
            sums.add_total(total, self.file, location);
        }
    }

    fn unrecorded_part(&mut self, key: TotalKey, figures: [Figure; 2]) {
        if let Some(sums) = &mut self.sums {
            sums.add_part(key, figures);
        }
    }
}

/// The error of a reading that the sink ended without an error of its own.
fn stopped(file: &str) -> SourceError {
    SourceError::new("stopping", file, 0, "the reading was stopped")
        .with_class(orewatch_contracts::Class::Unavailable)
}
