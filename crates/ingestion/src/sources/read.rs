//! The second pass: rows become chunks, or are set aside.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{DeclaredTotals, ObservationsRecorded, Reporter, RowsQuarantined};
use prost::Message as _;

use super::chunk::{Chunk, Chunker};
use super::figure::Figure;
use super::input::Content;
use super::keys::Keys;
use super::names::Names;
use super::out::{Flow, Halt, Out, Place, packed};
use super::plan::Planned;
use super::progress::{Phase, Progress};
use super::quarantine::Quarantine;
use super::repeated::{self, Again};
use super::sums::{Group, Sums, Total, Undistributed};
use super::{Beside, Observation, Plan, Reject, SourceError};

/// Rejections that are listed; all are counted.
pub const MOST_LISTED: usize = 10_000;

/// What the reading of a release gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// Rows to record.
    Observations(Chunk),
    /// Rows that are set aside.
    Quarantine(RowsQuarantined),
}

impl Piece {
    /// As a client sends it.
    ///
    /// # Errors
    /// None, if it is one that [`pieces`] gave.
    pub(crate) fn rows(self) -> Result<Rows, SourceError> {
        match self {
            Self::Quarantine(chunk) => Ok(Rows::Quarantine(chunk)),
            Self::Observations(chunk) => {
                let decoded = ObservationsRecorded::decode(chunk.data);
                let bad = |error| SourceError::new("bad-chunk", "release", 0, format!("{error}"));
                decoded.map(Rows::Observations).map_err(bad)
            }
        }
    }
}

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Rows read: recorded + out of scope + rejected.
    pub read: u64,
    /// Rows recorded.
    pub recorded: u64,
    /// Valid rows that no material covers.
    pub out_of_scope: u64,
    /// Rows set aside, by reason code.
    pub rejected: BTreeMap<String, u64>,
    /// Totals that the source declares, beside the sums of their parts. None: it declares none.
    pub declared: Option<DeclaredTotals>,
}

impl Totals {
    /// Rows set aside.
    #[must_use]
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Reads the rows of a release and hands them out as a client sends them.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read to its end, or is another than it was when the plan was made; those of
/// `sink`.
pub fn read<E: From<SourceError>>(
    plan: &Plan,
    sink: &mut dyn FnMut(Rows, Progress) -> Result<(), E>,
) -> Result<Totals, E> {
    pieces(plan, &mut |piece, now| sink(piece.rows()?, now))
}

/// Reads the rows of a release and hands them out in pieces: the same ones each time, on any machine. `sink` ends the reading by
/// an error of its own.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read to its end, or is another than it was when the plan was made; those of
/// `sink`.
pub(crate) fn pieces<E: From<SourceError>>(
    plan: &Plan,
    sink: &mut dyn FnMut(Piece, Progress) -> Result<(), E>,
) -> Result<Totals, E> {
    let total_bytes = plan.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.input.size()));
    let mut recorder = Recorder {
        plan,
        names: Names::new(plan.setup.codes.clone()),
        chunker: Chunker::new(plan.table),
        full: Vec::new(),
        keys: Keys::default(),
        reported: false,
        quarantine: Quarantine::default(),
        totals: Totals::default(),
        sums: plan.source.has_totals().then(Sums::default),
        progress: Progress { phase: Phase::Recording, rows: 0, bytes: 0, total_bytes },
        file: 0,
        meter: Arc::default(),
        before: 0,
        failed: None,
        sink,
    };
    for (index, file) in plan.files.iter().enumerate() {
        recorder.file(index, file)?;
    }
    recorder.finish()
}

/// Turns observations into chunks.
struct Recorder<'a, E> {
    plan: &'a Plan,
    names: Names,
    chunker: Chunker,
    /// Chunks that are not handed out yet.
    full: Vec<Chunk>,
    /// Keys of the rows that are recorded.
    keys: Keys,
    /// Some flow so far says who reports it.
    reported: bool,
    quarantine: Quarantine,
    totals: Totals,
    /// Sums of rows, for sources that declare totals.
    sums: Option<Sums>,
    progress: Progress,
    /// Number of the file that is read, its stored bytes so far, and those of the files before it.
    file: u32,
    meter: Arc<AtomicU64>,
    before: u64,
    /// Why nobody takes more.
    failed: Option<E>,
    sink: &'a mut dyn FnMut(Piece, Progress) -> Result<(), E>,
}

/// Reads a file to its end, which has to be what it was when it was identified.
pub(super) fn file(
    plan: &Plan,
    file: &Planned,
    content: &mut Content,
    out: &mut dyn Out,
) -> Result<(), Halt> {
    plan.source.reader(&file.head, &file.part, &plan.setup)?.read(content, out)?;
    content.drain(&file.head.file)?;
    if content.check() == file.check { Ok(()) } else { Err(changed(&file.head.file).into()) }
}

/// A file is not what it was when it was identified.
pub(super) fn changed(file: &str) -> SourceError {
    SourceError::new("file-changed", file, 0, "the file has changed while it was read")
        .with_hint("nothing of it is visible; ingest it again when it is complete")
}

impl<E: From<SourceError>> Recorder<'_, E> {
    fn file(&mut self, index: usize, file: &Planned) -> Result<(), E> {
        // A release has fewer files than u32 has numbers.
        self.file = u32::try_from(index).unwrap_or(u32::MAX);
        let mut content = file.input.reopen(self.plan.setup.limits)?;
        self.meter = content.meter();
        match self::file(self.plan, file, &mut content, self) {
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

    /// Hands out what is left.
    fn finish(mut self) -> Result<Totals, E> {
        self.undistributed()?;
        self.chunker.flush(&self.names, &mut self.full);
        self.progress.rows = self.totals.read;
        self.progress.bytes = self.before;
        for chunk in std::mem::take(&mut self.full) {
            (self.sink)(Piece::Observations(chunk), self.progress)?;
        }
        let wanted = self.quarantine.wanted();
        let found = repeated::find(self.plan, &mut self.names, wanted)?;
        for chunk in self.quarantine.rest(self.plan, &self.names, &found) {
            (self.sink)(Piece::Quarantine(chunk), self.progress)?;
        }
        let name = |file| name(self.plan, file).to_owned();
        self.totals.declared = self.sums.and_then(|sums| sums.compare(self.plan.table, &self.names, name));
        Ok(self.totals)
    }

    /// Records what declared totals of flows hold above the sum of their parts. It is counted as read where its total stands, which
    /// is no row by itself.
    fn undistributed(&mut self) -> Result<(), E> {
        let Some(sums) = &mut self.sums else { return Ok(()) };
        let found = sums.undistributed(&mut self.names).map_err(|reject| {
            let failed = SourceError::new("too-many-names", name(self.plan, 0), 0, reject.reason());
            failed.with_hint("split the files by period")
        })?;
        for Undistributed { row, file, place } in found {
            self.file = file;
            match self.row(row, place) {
                Ok(()) => {}
                Err(Halt::Source(error)) => return Err(error.into()),
                Err(Halt::Stopped) => {
                    let name = name(self.plan, file);
                    return Err(self.failed.take().unwrap_or_else(|| stopped(name).into()));
                }
            }
        }
        Ok(())
    }

    fn count_aside(&mut self, code: &str) {
        *self.totals.rejected.entry(code.to_owned()).or_default() += 1;
    }

    /// The key of a row, or of a flow that is the same but for who reports it, that was recorded before. None: none was, and
    /// now its own is.
    fn repeated(&mut self, row: &Observation) -> Option<(u64, bool)> {
        if let Some(other) = self.otherwise_reported(row) {
            return Some((other, true));
        }
        let key = key(row);
        (!self.keys.insert(key)).then_some((key, false))
    }

    /// Key of the same flow of which one row says who reports it and the other does not. Sources that never say are not slowed
    /// down by the question.
    fn otherwise_reported(&mut self, row: &Observation) -> Option<u64> {
        let of = |beside| key(&Observation { beside, ..*row });
        match row.beside {
            Beside::Reported(_) => {
                self.reported = true;
                Some(of(Beside::Nothing)).filter(|key| self.keys.contains(*key))
            }
            Beside::Nothing if self.reported => {
                let sides = [Reporter::Importer, Reporter::Exporter];
                let mut sides = sides.iter().map(|side| of(Beside::Reported(*side)));
                sides.find(|key| self.keys.contains(*key))
            }
            _ => None,
        }
    }

    /// Hands out the chunks that are full.
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

impl<E: From<SourceError>> Out for Recorder<'_, E> {
    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn row(&mut self, row: Observation, place: Place) -> Result<(), Halt> {
        self.totals.read += 1;
        if let Some((first, otherwise)) = self.repeated(&row) {
            self.count_aside(repeated::CODE);
            self.quarantine.push_again(Again { row, file: self.file, place, first, otherwise });
            return Ok(());
        }
        self.totals.recorded += 1;
        if let Some(sums) = &mut self.sums {
            sums.row(self.plan.table, &row);
        }
        self.chunker.push(row, self.file, place, &self.names, &mut self.full);
        self.give_full()
    }

    fn flow(&mut self, flow: &Flow, line: u64) -> Result<(), Halt> {
        // Whoever reports a flow takes part in what tells it from others; totals look at every row.
        if self.reported || self.sums.is_some() || !self.keys.insert(flow.key) {
            return self.row(flow.observation(), Place::line(line));
        }
        self.totals.read += 1;
        self.totals.recorded += 1;
        self.chunker.push_flow(flow, self.file, line, &self.names, &mut self.full);
        self.give_full()
    }

    fn outside(&mut self, _place: Place) {
        self.totals.read += 1;
        self.totals.out_of_scope += 1;
    }

    fn reject(&mut self, reject: Reject, place: Place, text: &str) -> Result<(), Halt> {
        self.totals.read += 1;
        self.count_aside(&reject.code);
        let name = name(self.plan, self.file);
        let full = self.quarantine.push(reject, name, place.line, text);
        full.map_or(Ok(()), |chunk| self.give(Piece::Quarantine(chunk)))
    }

    fn total(&mut self, total: Total, place: Place) {
        if let Some(sums) = &mut self.sums {
            sums.total(total, self.file, place);
        }
    }

    fn part(&mut self, of: Group, figures: [Figure; 2]) {
        if let Some(sums) = &mut self.sums {
            sums.part(of, figures);
        }
    }
}

/// The name of a file by its number.
pub(super) fn name(plan: &Plan, file: u32) -> &str {
    let index = usize::try_from(file).unwrap_or(usize::MAX);
    plan.release.files.get(index).map_or("", |file| file.name.as_str())
}

fn stopped(file: &str) -> SourceError {
    SourceError::new("stopped", file, 0, "the reading was stopped")
}

/// What identifies a row within a release. Every part has 16 bits. Who reports a flow takes the two highest: there are some
/// 2,600 periods, and what has more days than that is not reported by anyone.
pub(super) fn key(row: &Observation) -> u64 {
    let reporter = u64::from(i32::from(row.reporter()).unsigned_abs());
    packed([row.period, row.economy, row.partner, row.topic]) ^ reporter << 62
}

/// Equal for equal figures, and for others once in four thousand million times.
pub(super) fn fingerprint(row: &Observation) -> u32 {
    let beside = match row.beside {
        Beside::Restricted { until, evaluation } => {
            u64::from(until) << 2 | u64::from(i32::from(evaluation).unsigned_abs())
        }
        Beside::Assigned(assignment) => u64::from(assignment),
        _ => 0,
    };
    let mixed = row.figures.iter().fold(beside, |hash, figure| {
        // NaN stands for both unavailable and withheld: the status tells them apart.
        let status = i32::from(figure.status).unsigned_abs();
        (hash.rotate_left(23) ^ figure.number.to_bits() ^ u64::from(status))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    u32::try_from(mixed >> 32).unwrap_or_default()
}
