//! Rows whose key was there before, and where it was first.
//!
//! While a release is read, only whether a key was there is remembered: the locations of all rows of a large
//! release would fill the memory. If there are duplicates, which is rare, the files are read once more, up to
//! the last row whose key comes again.
use std::collections::HashMap;

use super::keys::{fingerprint, row_key};
use super::location::SourceLocation;
use super::names::{Names, Topic};
use super::pass::{file_changed, read_planned_file};
use super::sink::{Halt, RowSink};
use super::{Observation, Plan, Qualifier, Reject, SourceError};
use orewatch_contracts::ingestion::v1::Reporter;

/// Reason code of a row whose key was there before.
pub(super) const DUPLICATE_KEY: &str = "duplicate-key";

/// A row whose key was there before.
#[derive(Clone, Copy, Debug)]
pub(super) struct DuplicateRow {
    pub(super) row: Observation,
    pub(super) file: u32,
    pub(super) location: SourceLocation,
    /// The key that was there before.
    pub(super) first_key: u64,
    /// It is the key of the same flow, of which one row says who reports it and the other does not.
    pub(super) reported_otherwise: bool,
}

/// Where a key was first, and a fingerprint of its row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    line: u64,
    file: u32,
    fingerprint: u32,
}

/// The first occurrence of each key.
pub(super) type FirstOccurrences = HashMap<u64, Occurrence>;

/// Reads the files until the first occurrence of every key is found.
pub(super) fn find_first(
    plan: &Plan,
    names: &mut Names,
    keys: Vec<u64>,
) -> Result<FirstOccurrences, SourceError> {
    let wanted: HashMap<u64, Option<Occurrence>> = keys.into_iter().map(|key| (key, None)).collect();
    let mut finder = Finder { names, left: wanted.len(), wanted, file: 0 };
    for (file, number) in plan.files.iter().zip(0..) {
        if finder.left == 0 {
            break;
        }
        finder.file = number;
        let mut content = file.input.reopen(plan.setup.limits)?;
        match read_planned_file(plan, file, &mut content, &mut finder) {
            Ok(()) | Err(Halt::Stopped) => {}
            Err(Halt::Source(error)) => return Err(error),
        }
    }
    match finder.left {
        0 => Ok(finder.wanted.into_iter().filter_map(|(key, first)| Some((key, first?))).collect()),
        _ => Err(file_changed(plan.file_name(0))),
    }
}

/// A sink that looks for keys, and stops when all are found.
struct Finder<'a> {
    names: &'a mut Names,
    wanted: HashMap<u64, Option<Occurrence>>,
    left: usize,
    file: u32,
}

impl RowSink for Finder<'_> {
    fn names(&mut self) -> &mut Names {
        self.names
    }

    fn row(&mut self, row: Observation, location: SourceLocation) -> Result<(), Halt> {
        if let Some(first @ None) = self.wanted.get_mut(&row_key(&row)) {
            let fingerprint = fingerprint(&row);
            *first = Some(Occurrence { line: location.line, file: self.file, fingerprint });
            self.left -= 1;
        }
        if self.left == 0 { Err(Halt::Stopped) } else { Ok(()) }
    }

    fn out_of_scope(&mut self, _location: SourceLocation) {}

    fn reject(&mut self, _reject: Reject, _location: SourceLocation, _text: &str) -> Result<(), Halt> {
        Ok(())
    }
}

impl DuplicateRow {
    /// Why the row is quarantined.
    pub(super) fn reject(&self, plan: &Plan, names: &Names, first: &FirstOccurrences) -> Reject {
        let key = describe_key(names, &self.row);
        let reject = |reason, hint: &str| Reject::new(DUPLICATE_KEY, "", &key, reason).with_hint(hint);
        let first = first.get(&self.first_key).copied();
        let first = first.unwrap_or(Occurrence { line: 0, file: self.file, fingerprint: 0 });
        let in_file = || format!("{}, line {}", plan.file_name(first.file), first.line);
        if self.reported_otherwise {
            let reason = format!(
                "the same flow is in {}, and only one of the two rows says who reports it",
                in_file()
            );
            return reject(reason, "a flow has one figure for both sides, or one for each side");
        }
        let (same, other) = match self.row.qualifier {
            Qualifier::Restricted { .. } => ("the same end and evaluation", "another end or evaluation"),
            Qualifier::Stated(_) => ("the same content", "other content"),
            _ => ("the same figures", "other figures"),
        };
        let figures = if first.fingerprint == fingerprint(&self.row) { same } else { other };
        let location = if first.file == self.file { format!("line {}", first.line) } else { in_file() };
        let reason = format!("the same key is in {location}, with {figures}");
        reject(reason, "keep one of the rows: the first was recorded")
    }
}

/// The key of a row for people.
fn describe_key(names: &Names, row: &Observation) -> String {
    let name = |symbol| names.economies.name(symbol).unwrap_or_default();
    let period = names.periods.name(row.period).map(ToString::to_string).unwrap_or_default();
    let (economy, partner) = (name(row.economy), name(row.partner));
    match names.topics.name(row.topic) {
        Some(Topic::Code { nomenclature, code }) => format!("{nomenclature},{code}"),
        Some(Topic::Product(product)) => {
            let by = match row.reporter() {
                Reporter::Unspecified => "",
                Reporter::Importer => ",importer",
                Reporter::Exporter => ",exporter",
            };
            format!("{period},{economy},{partner},{}{by}", product.code)
        }
        Some(Topic::Parameter { name, material, stage, item }) => {
            let parts = [&*period, name, economy, partner, material, stage, item];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
        }
        Some(Topic::Restriction { kind, material, stage, code, .. }) => {
            let from = names.days.name(row.period).copied().flatten();
            let from = from.map(|day| day.to_string()).unwrap_or_default();
            let partners = names.concerned_partners.name(row.partner).map_or("", String::as_str);
            let parts = [&*from, economy, material, stage.as_str(), kind, code, partners];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
        }
        Some(Topic::Series(material, stage, _)) => format!("{period},{economy},{material},{stage}"),
        Some(Topic::Projected { material, stage, is_demand, scenario, .. }) => {
            let side = if *is_demand { "demand" } else { "supply" };
            format!("{period},{economy},{material},{stage},{side},{scenario}")
        }
        Some(Topic::Statement(id)) => id.clone(),
        Some(Topic::Indicator(indicator)) => format!("{period},{economy},{indicator}"),
        None => format!("{period},{economy}"),
    }
}
