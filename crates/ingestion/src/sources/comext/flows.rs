//! Flows of Comext: several rows or figures of a file make one.
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use orewatch_catalog::Scheme;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Reporter;

use super::super::figure::Figure;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::sums::{Group, Whole};
use super::super::{Beside, Observation, Reject, SourceError};

/// Most flows of a file. Those of all materials in a month are some ten thousand.
const MOST_FLOWS: usize = 1 << 21;

/// A flow as one side reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) period: Symbol,
    pub(super) reporter: Symbol,
    pub(super) partner: Symbol,
    pub(super) topic: Symbol,
    pub(super) imports: bool,
}

impl Key {
    fn side(&self) -> Reporter {
        if self.imports { Reporter::Importer } else { Reporter::Exporter }
    }

    /// The total that it is part of.
    pub(super) fn group(&self) -> Group {
        let whole = if self.imports { Whole::Imports(self.reporter) } else { Whole::Exports(self.reporter) };
        Group { period: self.period, topic: self.topic, whole, reporter: self.side() }
    }

    fn observation(&self, quantity: Figure) -> Observation {
        let Self { period, reporter, partner, topic, imports } = *self;
        let (economy, partner) = if imports { (partner, reporter) } else { (reporter, partner) };
        let figures = [Figure::UNAVAILABLE, quantity];
        Observation { period, economy, partner, topic, figures, beside: Beside::Reported(self.side()) }
    }
}

/// The rows of a flow so far.
struct Sum {
    place: Place,
    tonnes: f64,
    /// KNOWN if every part is.
    status: Status,
}

/// The flows of a file.
#[derive(Default)]
pub(super) struct Flows(HashMap<Key, Sum>);

impl Flows {
    /// Adds a part of a flow, in tonnes.
    pub(super) fn add(
        &mut self,
        key: Key,
        tonnes: Figure,
        file: &str,
        place: Place,
    ) -> Result<(), SourceError> {
        let full = self.0.len() >= MOST_FLOWS;
        let number = if tonnes.status == Status::Known { tonnes.number } else { 0.0 };
        match self.0.entry(key) {
            Entry::Occupied(mut sum) => {
                let sum = sum.get_mut();
                sum.tonnes += number;
                if tonnes.status != Status::Known {
                    sum.status = tonnes.status;
                }
            }
            Entry::Vacant(_) if full => {
                let message = format!("the file has more than {MOST_FLOWS} flows of materials");
                return Err(SourceError::new("too-many-flows", file, place.line, message)
                    .with_hint("split it by month"));
            }
            Entry::Vacant(free) => {
                free.insert(Sum { place, tonnes: number, status: tonnes.status });
            }
        }
        Ok(())
    }

    /// Records the sums, in the order of their first rows.
    pub(super) fn hand_over(self, out: &mut dyn Out) -> Result<(), Halt> {
        let mut sums: Vec<_> = self.0.into_iter().collect();
        sums.sort_unstable_by_key(|(_, sum)| sum.place.line);
        for (key, sum) in sums {
            let quantity = match sum.status {
                Status::Known => Figure::known(sum.tonnes),
                status => Figure { number: f64::NAN, status },
            };
            out.row(key.observation(quantity), sum.place)?;
        }
        Ok(())
    }
}

/// Who reports. None: nobody in particular, such as the Union as a whole, or Northern Ireland, which is a part of an economy.
pub(super) fn reporter(names: &mut Names, column: &str, code: &str) -> Result<Option<Symbol>, Reject> {
    if code == "XI" || is_several(code) {
        return Ok(None);
    }
    names.economy(Scheme::Iso2, column, iso2(code)).map(Some)
}

/// The other side: an economy, or a residual. None: several economies together.
pub(super) fn partner(names: &mut Names, column: &str, code: &str) -> Result<Option<Symbol>, Reject> {
    if is_several(code) {
        return Ok(None);
    }
    names.importer(Scheme::Iso2, column, iso2(code)).map(Some)
}

/// Whether goods come in.
pub(super) fn imports(column: &str, code: &str) -> Result<bool, Reject> {
    match code {
        "1" => Ok(true),
        "2" => Ok(false),
        other => Err(Reject::new("bad-flow", column, other, "this is no flow of Comext")
            .with_hint("1 for imports, 2 for exports")),
    }
}

/// The Union, the world and other groups, whose members are there besides.
fn is_several(code: &str) -> bool {
    let groups = ["EU", "EA", "EXT_", "INT_"];
    let is_group = code.len() > 2 && groups.iter().any(|group| code.starts_with(group));
    is_group || matches!(code, "EU" | "WORLD")
}

/// Codes of Comext that differ from ISO's. Ceuta and Melilla are of Spain.
fn iso2(code: &str) -> &str {
    match code {
        "EL" => "GR",
        "UK" | "XI" | "XU" => "GB",
        "XS" => "RS",
        "XC" | "XL" => "ES",
        other => other,
    }
}
