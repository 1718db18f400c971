//! The second pass: rows become chunks, or are set aside.
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{DeclaredTotals, Rejection, Reporter, RowsQuarantined};

use super::chunk::Chunker;
use super::figure::Figure;
use super::names::{Names, Topic};
use super::out::{Halt, Out, Place};
use super::plan::Planned;
use super::progress::{Phase, Progress};
use super::sums::{Group, Sums, Total};
use super::{Beside, Observation, Plan, Reject, SourceError};

/// Rejections that are listed; all are counted.
pub const MOST_LISTED: usize = 10_000;

/// Rejections in a chunk: fields are bounded, so that even the longest fit into an event of the log.
const REJECTIONS: usize = 200;

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

/// Reads the rows of a release and hands them out in pieces. `sink` ends the reading by an error of its own.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read to its end, or is another than it was when the plan was made; those of
/// `sink`.
pub fn read<E: From<SourceError>>(
    plan: &Plan,
    sink: &mut dyn FnMut(Rows, Progress) -> Result<(), E>,
) -> Result<Totals, E> {
    let total_bytes = plan.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.input.size()));
    let mut recorder = Recorder {
        plan,
        names: Names::new(plan.setup.codes.clone()),
        chunker: Chunker::new(plan.table),
        seen: HashMap::new(),
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

/// Where a key was met first, and a fingerprint of its figures.
#[derive(Clone, Copy, Debug)]
struct Seen {
    line: u64,
    file: u32,
    figures: u32,
}

/// Turns observations into chunks.
struct Recorder<'a, E> {
    plan: &'a Plan,
    names: Names,
    chunker: Chunker,
    seen: HashMap<u64, Seen>,
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
    sink: &'a mut dyn FnMut(Rows, Progress) -> Result<(), E>,
}

impl<E: From<SourceError>> Recorder<'_, E> {
    fn file(&mut self, index: usize, file: &Planned) -> Result<(), E> {
        let plan = self.plan;
        let mut reader = plan.source.reader(&file.head, &file.part, &plan.setup)?;
        let mut content = file.input.open(plan.setup.limits)?;
        // A release has fewer files than u32 has numbers.
        self.file = u32::try_from(index).unwrap_or(u32::MAX);
        self.meter = content.meter();
        match reader.read(&mut content, self) {
            Ok(()) => {}
            Err(Halt::Source(error)) => return Err(error.into()),
            Err(Halt::Stopped) => {
                return Err(self.failed.take().unwrap_or_else(|| stopped(&file.head.file).into()));
            }
        }
        content.drain(&file.head.file)?;
        self.before = self.before.saturating_add(content.stored());
        self.meter = Arc::default();
        if content.sha256() != file.sha256 {
            let message = "the file has changed while it was read";
            return Err(SourceError::new("file-changed", &file.head.file, 0, message)
                .with_hint("nothing of it is visible; ingest it again when it is complete")
                .into());
        }
        Ok(())
    }

    /// Hands out what is left.
    fn finish(mut self) -> Result<Totals, E> {
        let rest = self.chunker.flush(&self.names).map(Rows::Observations);
        let aside = self.quarantine.flush().map(Rows::Quarantine);
        for piece in rest.into_iter().chain(aside) {
            self.progress.rows = self.totals.read;
            self.progress.bytes = self.before;
            (self.sink)(piece, self.progress)?;
        }
        let name =
            |file| self.plan.release.files.get(index_of(file)).map_or("", |file| &file.name).to_owned();
        self.totals.declared = self.sums.and_then(|sums| sums.compare(self.plan.table, &self.names, name));
        Ok(self.totals)
    }

    fn set_aside(&mut self, reject: Reject, place: Place, text: &str) -> Result<(), Halt> {
        *self.totals.rejected.entry(reject.code.to_string()).or_default() += 1;
        let name = self.plan.release.files.get(index_of(self.file)).map_or("", |file| file.name.as_str());
        let full = self.quarantine.push(reject, name, place.line, text);
        full.map_or(Ok(()), |chunk| self.give(Rows::Quarantine(chunk)))
    }

    /// Sets a row aside whose key was there before.
    fn unique(&mut self, row: &Observation, place: Place) -> Result<(), Reject> {
        let (plan, file) = (self.plan, self.file);
        let now = Seen { line: place.line, file, figures: fingerprint(row) };
        if let Some(first) = self.otherwise_reported(row) {
            let reason = format!(
                "the same flow is in {}, and one of both says who reports it",
                Self::place(plan, first)
            );
            return Err(Reject::new("duplicate-key", "", &self.describe(row), reason)
                .with_hint("a flow has one figure for both sides, or one of each"));
        }
        let first = match self.seen.entry(key(row)) {
            Entry::Vacant(place) => {
                place.insert(now);
                return Ok(());
            }
            Entry::Occupied(first) => *first.get(),
        };
        let restricts = matches!(row.beside, Beside::Restricted { .. });
        let figures = match (first.figures == now.figures, restricts) {
            (true, false) => "the same figures",
            (false, false) => "other figures",
            (true, true) => "the same end and evaluation",
            (false, true) => "another end or evaluation",
        };
        let place =
            if first.file == file { format!("line {}", first.line) } else { Self::place(plan, first) };
        let reason = format!("the same key is in {place}, with {figures}");
        Err(Reject::new("duplicate-key", "", &self.describe(row), reason)
            .with_hint("keep one of the rows: the first was recorded"))
    }

    /// Where the same flow is of which one row says who reports it and the other does not. Sources that never say are not
    /// slowed down by the question.
    fn otherwise_reported(&mut self, row: &Observation) -> Option<Seen> {
        let of = |beside| key(&Observation { beside, ..*row });
        match row.beside {
            Beside::Reported(_) => {
                self.reported = true;
                self.seen.get(&of(Beside::Nothing)).copied()
            }
            Beside::Nothing if self.reported => {
                let sides = [Reporter::Importer, Reporter::Exporter];
                sides.iter().find_map(|side| self.seen.get(&of(Beside::Reported(*side)))).copied()
            }
            _ => None,
        }
    }

    /// A row's file and line.
    fn place(plan: &Plan, seen: Seen) -> String {
        let name = plan.release.files.get(index_of(seen.file)).map_or("", |file| file.name.as_str());
        format!("{name}, line {}", seen.line)
    }

    /// A row's key for people.
    fn describe(&self, row: &Observation) -> String {
        let economy = |symbol| self.names.economies.name(symbol).unwrap_or_default();
        let period = self.names.periods.name(row.period).map(ToString::to_string).unwrap_or_default();
        let (who, partner) = (economy(row.economy), economy(row.partner));
        match self.names.topics.name(row.topic) {
            Some(Topic::Code { nomenclature, code }) => format!("{nomenclature},{code}"),
            Some(Topic::Product(product)) => {
                let by = match row.reporter() {
                    Reporter::Unspecified => "",
                    Reporter::Importer => ",importer",
                    Reporter::Exporter => ",exporter",
                };
                format!("{period},{who},{partner},{}{by}", product.code)
            }
            Some(Topic::Parameter { name, material, stage, item }) => {
                let parts = [&*period, name, who, partner, material, stage, item];
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
            }
            Some(Topic::Restriction { kind, material, stage, code, .. }) => {
                let from = self.names.days.name(row.period).copied().flatten();
                let from = from.map(|day| day.to_string()).unwrap_or_default();
                let concerned = self.names.concerned.name(row.partner).map_or("", String::as_str);
                let parts = [&*from, who, material, stage.as_str(), kind, code, concerned];
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
            }
            Some(Topic::Series(material, stage, _)) => format!("{period},{who},{material},{stage}"),
            Some(Topic::Indicator(indicator)) => format!("{period},{who},{indicator}"),
            None => format!("{period},{who}"),
        }
    }

    fn give(&mut self, piece: Rows) -> Result<(), Halt> {
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
        if let Err(reject) = self.unique(&row, place) {
            return self.set_aside(reject, place, "");
        }
        self.totals.recorded += 1;
        if let Some(sums) = &mut self.sums {
            sums.row(self.plan.table, &row);
        }
        let full = self.chunker.push(row, self.file, place, &self.names);
        full.map_or(Ok(()), |chunk| self.give(Rows::Observations(chunk)))
    }

    fn outside(&mut self, _place: Place) {
        self.totals.read += 1;
        self.totals.out_of_scope += 1;
    }

    fn reject(&mut self, reject: Reject, place: Place, text: &str) -> Result<(), Halt> {
        self.totals.read += 1;
        self.set_aside(reject, place, text)
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

fn index_of(file: u32) -> usize {
    usize::try_from(file).unwrap_or(usize::MAX)
}

fn stopped(file: &str) -> SourceError {
    SourceError::new("stopped", file, 0, "the reading was stopped")
}

/// Rejections on their way into chunks.
#[derive(Debug, Default)]
struct Quarantine {
    rejections: Vec<Rejection>,
    listed: usize,
    next: u32,
}

impl Quarantine {
    fn push(&mut self, reject: Reject, file: &str, line: u64, text: &str) -> Option<RowsQuarantined> {
        if self.listed >= MOST_LISTED {
            return None;
        }
        self.listed += 1;
        self.rejections.push(reject.at(file, line, text));
        if self.rejections.len() < REJECTIONS { None } else { self.flush() }
    }

    fn flush(&mut self) -> Option<RowsQuarantined> {
        if self.rejections.is_empty() {
            return None;
        }
        let chunk = self.next;
        self.next += 1;
        Some(RowsQuarantined { chunk, rejections: std::mem::take(&mut self.rejections) })
    }
}

/// What identifies a row within a release. Every part has 16 bits. Who reports a flow takes the two highest: there are some
/// 2,600 periods, and what has more days than that is not reported by anyone.
fn key(row: &Observation) -> u64 {
    let [period, economy, partner, topic] = [row.period, row.economy, row.partner, row.topic].map(u64::from);
    let reporter = u64::from(i32::from(row.reporter()).unsigned_abs());
    (period ^ reporter << 14) << 48 | economy << 32 | partner << 16 | topic
}

/// Equal for equal figures, and for others once in four thousand million times.
fn fingerprint(row: &Observation) -> u32 {
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
