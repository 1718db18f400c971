//! The second pass: rows become chunks, or are set aside.
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Rejection, Reporter, RowsQuarantined};

use super::chunk::Chunker;
use super::header::Preamble;
use super::lines::Lines;
use super::names::{Names, Topic};
use super::plan::Planned;
use super::progress::{Phase, Progress};
use super::row::Row;
use super::{Beside, Observation, Parsed, Plan, Reject, RowParser, SourceError};

/// Rejections that are listed; all are counted.
pub const MOST_LISTED: usize = 10_000;

/// Rejections in a chunk: fields are bounded, so that even the longest fit into an event of the log.
const REJECTIONS: usize = 250;

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows read: recorded + out of scope + rejected.
    pub read: u64,
    /// Rows recorded.
    pub recorded: u64,
    /// Valid rows that no material covers.
    pub out_of_scope: u64,
    /// Rows set aside, by reason code.
    pub rejected: BTreeMap<String, u64>,
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
    let mut reader = Reader {
        names: Names::new(),
        chunker: Chunker::new(plan.table),
        seen: HashMap::new(),
        reported: false,
        quarantine: Quarantine::default(),
        totals: Totals::default(),
        progress: Progress { phase: Phase::Recording, rows: 0, bytes: 0, total_bytes },
        sink,
    };
    for (index, file) in plan.files.iter().enumerate() {
        reader.file(plan, index, file)?;
    }
    let rest = reader.chunker.flush(&reader.names).map(Rows::Observations);
    let aside = reader.quarantine.flush().map(Rows::Quarantine);
    for piece in rest.into_iter().chain(aside) {
        reader.give(piece)?;
    }
    Ok(reader.totals)
}

/// Where a key was met first, and a fingerprint of its figures.
#[derive(Clone, Copy, Debug)]
struct Seen {
    line: u64,
    file: u32,
    figures: u32,
}

struct Reader<'a, E> {
    names: Names,
    chunker: Chunker,
    seen: HashMap<u64, Seen>,
    /// Some flow so far says who reports it.
    reported: bool,
    quarantine: Quarantine,
    totals: Totals,
    progress: Progress,
    sink: &'a mut dyn FnMut(Rows, Progress) -> Result<(), E>,
}

impl<E: From<SourceError>> Reader<'_, E> {
    fn file(&mut self, plan: &Plan, index: usize, file: &Planned) -> Result<(), E> {
        let name = file.input.name();
        // A release has fewer files than u32 has numbers.
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let parser = plan.source.parser(plan.table, file.columns.clone(), plan.revision);
        let mut lines = Lines::open(&file.input, plan.limits)?;
        Preamble::read(&name, &mut lines)?;
        let before = self.progress.bytes;
        while let Some((line, text)) = lines.next()? {
            if text.trim().is_empty() {
                continue;
            }
            self.totals.read += 1;
            let piece = match self.row(plan, &*parser, text, number, line) {
                Ok(chunk) => chunk.map(Rows::Observations),
                Err(reject) => self.reject(reject, &name, line).map(Rows::Quarantine),
            };
            if let Some(piece) = piece {
                self.progress.bytes = before.saturating_add(lines.stored());
                self.give(piece)?;
            }
        }
        let (bytes, _, sha256) = lines.measure();
        self.progress.bytes = before.saturating_add(bytes);
        if sha256 != file.sha256 {
            let message = "the file has changed while it was read";
            return Err(SourceError::new("file-changed", &name, 0, message)
                .with_hint("nothing of it is visible; ingest it again when it is complete")
                .into());
        }
        Ok(())
    }

    /// Takes one row; gives a chunk when one is full.
    fn row(
        &mut self,
        plan: &Plan,
        parser: &dyn RowParser,
        text: &str,
        file: u32,
        line: u64,
    ) -> Result<Option<ObservationsRecorded>, Reject> {
        if let Some(at) = text.find('\0') {
            let reason = format!("byte {} of the line is NUL", at + 1);
            return Err(Reject::new("nul-byte", "", "", reason).with_hint("is the file damaged?"));
        }
        let row = Row::split(text)?;
        let columns = parser.columns();
        if row.count != columns.count {
            return Err(miscounted(text, row.count, columns.count));
        }
        if let Some(field) = row.oversized() {
            let reason = format!("a field has {} bytes: no code or figure is that long", field.len());
            return Err(Reject::new("field-too-long", "", field, reason));
        }
        match parser.parse(&row, &mut self.names)? {
            Parsed::OutOfScope => {
                self.totals.out_of_scope += 1;
                Ok(None)
            }
            Parsed::Row(observation) => {
                self.unique(plan, &observation, file, line)?;
                self.totals.recorded += 1;
                Ok(self.chunker.push(observation, file, line, &self.names))
            }
        }
    }

    /// Sets a row aside whose key was there before.
    fn unique(&mut self, plan: &Plan, row: &Observation, file: u32, line: u64) -> Result<(), Reject> {
        let now = Seen { line, file, figures: fingerprint(row) };
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
        let index = usize::try_from(seen.file).unwrap_or(usize::MAX);
        let name = plan.release.files.get(index).map_or("", |file| file.name.as_str());
        format!("{name}, line {}", seen.line)
    }

    /// A row's key for people.
    fn describe(&self, row: &Observation) -> String {
        let economy = |symbol| self.names.economies.name(symbol).unwrap_or_default();
        let period = self.names.periods.name(row.period).map(ToString::to_string).unwrap_or_default();
        let (who, partner) = (economy(row.economy), economy(row.partner));
        match self.names.topics.name(row.topic) {
            Some(Topic::Product(hs)) => {
                let by = match row.reporter() {
                    Reporter::Unspecified => "",
                    Reporter::Importer => ",importer",
                    Reporter::Exporter => ",exporter",
                };
                format!("{period},{who},{partner},{}{by}", hs.code)
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

    fn reject(&mut self, reject: Reject, file: &str, line: u64) -> Option<RowsQuarantined> {
        *self.totals.rejected.entry(reject.code.to_string()).or_default() += 1;
        self.quarantine.push(reject, file, line)
    }

    fn give(&mut self, piece: Rows) -> Result<(), E> {
        self.progress.rows = self.totals.read;
        (self.sink)(piece, self.progress)
    }
}

/// Rejections on their way into chunks.
#[derive(Debug, Default)]
struct Quarantine {
    rejections: Vec<Rejection>,
    listed: usize,
    next: u32,
}

impl Quarantine {
    fn push(&mut self, reject: Reject, file: &str, line: u64) -> Option<RowsQuarantined> {
        if self.listed >= MOST_LISTED {
            return None;
        }
        self.listed += 1;
        self.rejections.push(reject.at(file, line));
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

fn miscounted(text: &str, found: usize, expected: usize) -> Reject {
    let shown = match found {
        found if found > super::row::MOST_FIELDS => format!("more than {}", super::row::MOST_FIELDS),
        found => found.to_string(),
    };
    let hint = match found > expected {
        true => {
            "a comma inside a field, such as a thousands separator? Quote the field or leave the comma out"
        }
        false => "is the line cut off?",
    };
    Reject::new("field-count", "", text, format!("the row has {shown} fields, the header {expected}"))
        .with_hint(hint)
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
