//! Rows whose key was there before: where it was first.
//!
//! Of the keys of a release only whether they are there is kept. When one comes again the files are read once more, up to where
//! those that came again were first: it happens rarely, and the place of every row of a large release would fill the memory.
use std::collections::HashMap;

use super::names::{Names, Topic};
use super::out::{Halt, Out, Place};
use super::read::{self, changed, fingerprint, key, name};
use super::{Beside, Observation, Plan, Reject, SourceError};
use orewatch_contracts::ingestion::v1::Reporter;

/// Reason code of a row whose key was there before.
pub(super) const CODE: &str = "duplicate-key";

/// A row whose key was there before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Again {
    pub(super) row: Observation,
    pub(super) file: u32,
    pub(super) place: Place,
    /// The key that was there before.
    pub(super) first: u64,
    /// It is that of the same flow, of which one row says who reports it and the other does not.
    pub(super) otherwise: bool,
}

/// Where a key was first, and a fingerprint of its figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    line: u64,
    file: u32,
    figures: u32,
}

/// The places where keys are first.
pub(super) type Found = HashMap<u64, Seen>;

/// Reads the files until every key is found.
pub(super) fn find(plan: &Plan, names: &mut Names, wanted: Vec<u64>) -> Result<Found, SourceError> {
    let wanted: HashMap<u64, Option<Seen>> = wanted.into_iter().map(|key| (key, None)).collect();
    let mut finder = Finder { names, left: wanted.len(), wanted, file: 0 };
    for (file, number) in plan.files.iter().zip(0..) {
        if finder.left == 0 {
            break;
        }
        finder.file = number;
        let mut content = file.input.reopen(plan.setup.limits)?;
        match read::file(plan, file, &mut content, &mut finder) {
            Ok(()) | Err(Halt::Stopped) => {}
            Err(Halt::Source(error)) => return Err(error),
        }
    }
    match finder.left {
        0 => Ok(finder.wanted.into_iter().filter_map(|(key, seen)| Some((key, seen?))).collect()),
        _ => Err(changed(name(plan, 0))),
    }
}

/// Looks for keys, and stops when all are found.
struct Finder<'a> {
    names: &'a mut Names,
    wanted: HashMap<u64, Option<Seen>>,
    left: usize,
    file: u32,
}

impl Out for Finder<'_> {
    fn names(&mut self) -> &mut Names {
        self.names
    }

    fn row(&mut self, row: Observation, place: Place) -> Result<(), Halt> {
        if let Some(first @ None) = self.wanted.get_mut(&key(&row)) {
            *first = Some(Seen { line: place.line, file: self.file, figures: fingerprint(&row) });
            self.left -= 1;
        }
        if self.left == 0 { Err(Halt::Stopped) } else { Ok(()) }
    }

    fn outside(&mut self, _place: Place) {}

    fn reject(&mut self, _reject: Reject, _place: Place, _text: &str) -> Result<(), Halt> {
        Ok(())
    }
}

impl Again {
    /// Why the row is set aside.
    pub(super) fn reject(&self, plan: &Plan, names: &Names, found: &Found) -> Reject {
        let what = describe(names, &self.row);
        let reject = |reason, hint: &str| Reject::new(CODE, "", &what, reason).with_hint(hint);
        let first = found.get(&self.first).copied();
        let first = first.unwrap_or(Seen { line: 0, file: self.file, figures: 0 });
        if self.otherwise {
            let place = place(plan, first);
            let reason = format!("the same flow is in {place}, and one of both says who reports it");
            return reject(reason, "a flow has one figure for both sides, or one of each");
        }
        let restricts = matches!(self.row.beside, Beside::Restricted { .. });
        let figures = match (first.figures == fingerprint(&self.row), restricts) {
            (true, false) => "the same figures",
            (false, false) => "other figures",
            (true, true) => "the same end and evaluation",
            (false, true) => "another end or evaluation",
        };
        let place = if first.file == self.file { format!("line {}", first.line) } else { place(plan, first) };
        let reason = format!("the same key is in {place}, with {figures}");
        reject(reason, "keep one of the rows: the first was recorded")
    }
}

/// A row's file and line.
fn place(plan: &Plan, seen: Seen) -> String {
    format!("{}, line {}", name(plan, seen.file), seen.line)
}

/// A row's key for people.
fn describe(names: &Names, row: &Observation) -> String {
    let economy = |symbol| names.economies.name(symbol).unwrap_or_default();
    let period = names.periods.name(row.period).map(ToString::to_string).unwrap_or_default();
    let (who, partner) = (economy(row.economy), economy(row.partner));
    match names.topics.name(row.topic) {
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
            let from = names.days.name(row.period).copied().flatten();
            let from = from.map(|day| day.to_string()).unwrap_or_default();
            let concerned = names.concerned.name(row.partner).map_or("", String::as_str);
            let parts = [&*from, who, material, stage.as_str(), kind, code, concerned];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
        }
        Some(Topic::Series(material, stage, _)) => format!("{period},{who},{material},{stage}"),
        Some(Topic::Indicator(indicator)) => format!("{period},{who},{indicator}"),
        None => format!("{period},{who}"),
    }
}
