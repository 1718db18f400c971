//! Flows of Comext: several rows or figures of a file make one.
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use orewatch_catalog::Scheme;
use orewatch_contracts::common::v1::Status;

use super::super::figure::Figure;
use super::super::location::SourceLocation;
use super::super::names::{Names, Symbol};
use super::super::reported_flow::{MAX_FLOWS, ReportedFlow, record_sums, too_many_flows};
use super::super::sink::{Halt, RowSink};
use super::super::{Reject, SourceError};

/// The sum of the rows of a flow so far.
struct Sum {
    /// Where its first row is.
    location: SourceLocation,
    tonnes: f64,
    /// KNOWN if every part is.
    status: Status,
}

/// The flows of a file.
#[derive(Default)]
pub(super) struct Flows(HashMap<ReportedFlow, Sum>);

impl Flows {
    /// Adds a part of a flow, in tonnes.
    pub(super) fn add(
        &mut self,
        flow: ReportedFlow,
        tonnes: Figure,
        file: &str,
        location: SourceLocation,
    ) -> Result<(), SourceError> {
        let is_full = self.0.len() >= MAX_FLOWS;
        let number = if tonnes.status == Status::Known { tonnes.number } else { 0.0 };
        match self.0.entry(flow) {
            Entry::Occupied(mut sum) => {
                let sum = sum.get_mut();
                sum.tonnes += number;
                if tonnes.status != Status::Known {
                    sum.status = tonnes.status;
                }
            }
            Entry::Vacant(_) if is_full => {
                return Err(too_many_flows(file, location.line, "split it by month"));
            }
            Entry::Vacant(free) => {
                free.insert(Sum { location, tonnes: number, status: tonnes.status });
            }
        }
        Ok(())
    }

    /// Records the sums. Values are euros, and not available in US dollars.
    pub(super) fn record(self, out: &mut dyn RowSink) -> Result<(), Halt> {
        let sums = self.0.into_iter().map(|(flow, sum)| {
            let quantity = match sum.status {
                Status::Known => Figure::known(sum.tonnes),
                status => Figure::missing(status),
            };
            (flow, sum.location, [Figure::UNAVAILABLE, quantity])
        });
        record_sums(sums, out)
    }
}

/// Who reports. None: the Union as a whole or another group, or Northern Ireland, which is part of an
/// economy.
pub(super) fn reporter(names: &mut Names, column: &str, code: &str) -> Result<Option<Symbol>, Reject> {
    if code == "XI" || is_group(code) {
        return Ok(None);
    }
    names.economy(Scheme::Iso2, column, iso2(code)).map(Some)
}

/// The other side: an economy or a residual. None: several economies together.
pub(super) fn partner(names: &mut Names, column: &str, code: &str) -> Result<Option<Symbol>, Reject> {
    if is_group(code) {
        return Ok(None);
    }
    names.importer(Scheme::Iso2, column, iso2(code)).map(Some)
}

/// Whether goods come in.
pub(super) fn is_import(column: &str, code: &str) -> Result<bool, Reject> {
    match code {
        "1" => Ok(true),
        "2" => Ok(false),
        other => Err(Reject::new("unknown-flow", column, other, "this is no flow of Comext")
            .with_hint("write 1 for imports, 2 for exports")),
    }
}

/// Whether a code stands for the Union, the world or another group. The file holds their members as well.
fn is_group(code: &str) -> bool {
    let groups = ["EU", "EA", "EXT_", "INT_"];
    let is_group = code.len() > 2 && groups.iter().any(|group| code.starts_with(group));
    is_group || matches!(code, "EU" | "WORLD")
}

/// Converts codes of Comext that differ from ISO's. Ceuta and Melilla belong to Spain.
fn iso2(code: &str) -> &str {
    match code {
        "EL" => "GR",
        "UK" | "XI" | "XU" => "GB",
        "XS" => "RS",
        "XC" | "XL" => "ES",
        other => other,
    }
}
