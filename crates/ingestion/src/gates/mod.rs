//! Gates: each inspects a release for one thing that goes wrong with statistics. Pure functions in a table.
//! `README.md` beside this crate's sources lists what each one blocks and warns of.

mod contents;
mod counts;
mod cut;
mod datasets;
mod keys;
mod modes;
mod periods;
mod projections;
mod regions;
mod revisions;
mod sums;
mod vintages;

use orewatch_contracts::ingestion::v1::{GateInfo, GateMode, GateVerdict, Release, Table, Verdict};

use crate::evolve::ReleaseRecord;
use crate::policy::Precedence;
use crate::row_counts::RowCounts;
use crate::tally::Tally;
use crate::units::Restated;

pub(crate) use modes::GateRequest;
pub use modes::{GateModes, InvalidGateModes};

/// Every table.
const ALL_TABLES: &[Table] = &[
    Table::Trade,
    Table::Production,
    Table::Governance,
    Table::Parameters,
    Table::Restrictions,
    Table::Concordance,
    Table::Projections,
    Table::Targets,
    Table::Claims,
];

/// Everything that gates may inspect.
pub(crate) struct Inspected<'a> {
    pub(crate) release: &'a Release,
    pub(crate) tally: &'a Tally,
    pub(crate) counts: &'a RowCounts,
    /// Visible releases of the same dataset and table, newest first.
    pub(crate) before: &'a [&'a ReleaseRecord],
    /// What the release restates of them.
    pub(crate) restated: &'a Restated<'a>,
    /// Precedence among the datasets of its table.
    pub(crate) precedence: &'a Precedence,
    /// The current year, for releases that do not say when they were published.
    pub(crate) year: i16,
}

/// The finding of a gate, with one sentence that has the figures.
enum Finding {
    /// Nothing wrong.
    Clean(String),
    /// Worth checking: warns, and never blocks.
    Doubtful(String),
    /// Wrong: blocks where the gate's mode is to block, and warns where it is to warn.
    Wrong(String),
}

impl Finding {
    fn clean(message: impl Into<String>) -> Self {
        Self::Clean(message.into())
    }
}

/// A gate.
pub(crate) struct Gate {
    /// Name.
    pub(crate) name: &'static str,
    /// What the gate inspects, in one sentence.
    looks_at: &'static str,
    /// Why its default mode is right, in one sentence.
    argument: &'static str,
    /// Its default mode.
    default: GateMode,
    /// Its findings are damage and not a matter of judgement: its mode cannot be weakened.
    pub(crate) is_final: bool,
    /// Tables that it applies to; it passes others.
    tables: &'static [Table],
    inspect: fn(&Inspected<'_>) -> Finding,
}

/// All gates by family, in the order in which they run.
static FAMILIES: [&[Gate]; 11] = [
    &counts::GATES,
    &keys::GATES,
    &sums::GATES,
    &regions::GATES,
    &contents::GATES,
    &periods::GATES,
    &projections::GATES,
    &cut::GATES,
    &vintages::GATES,
    &revisions::GATES,
    &datasets::GATES,
];

/// All gates, in the order in which they run.
pub(crate) fn all_gates() -> impl Iterator<Item = &'static Gate> {
    FAMILIES.into_iter().flatten()
}

/// Finds a gate by name.
pub(crate) fn gate_by_name(name: &str) -> Option<&'static Gate> {
    all_gates().find(|gate| gate.name == name)
}

/// Runs all gates. A block of a gate that the request accepts becomes a warning with the same finding.
pub(crate) fn run_gates(
    inspected: &Inspected<'_>,
    modes: &GateModes,
    asked: &GateRequest,
) -> Vec<GateVerdict> {
    let dataset = &inspected.release.dataset;
    all_gates()
        .map(|gate| gate.verdict(inspected, asked.mode(gate, modes.mode(gate, dataset)), asked))
        .collect()
}

/// Lists the gates with their modes in a dataset. The empty name stands for any dataset.
pub(crate) fn list_gates(modes: &GateModes, dataset: &str) -> Vec<GateInfo> {
    let info = |gate: &Gate| GateInfo {
        gate: gate.name.to_owned(),
        looks_at: gate.looks_at.to_owned(),
        argument: gate.argument.to_owned(),
        default_mode: gate.default.into(),
        mode: modes.mode(gate, dataset).into(),
        r#final: gate.is_final,
    };
    all_gates().map(info).collect()
}

impl Gate {
    fn verdict(&self, inspected: &Inspected<'_>, mode: GateMode, asked: &GateRequest) -> GateVerdict {
        let (verdict, message) = match mode {
            GateMode::Off => (Verdict::Off, "not looked at".to_owned()),
            _ if !self.tables.contains(&inspected.release.table()) => {
                (Verdict::Pass, "not applicable".to_owned())
            }
            _ => match (self.inspect)(inspected) {
                Finding::Clean(message) => (Verdict::Pass, message),
                Finding::Doubtful(message) => (Verdict::Warn, message),
                Finding::Wrong(message) if mode != GateMode::Block => (Verdict::Warn, message),
                Finding::Wrong(message) if asked.accepts(self.name) => {
                    (Verdict::Warn, format!("{message} (accepted)"))
                }
                Finding::Wrong(message) => (Verdict::Block, message),
            },
        };
        GateVerdict { gate: self.name.to_owned(), verdict: verdict.into(), message, mode: mode.into() }
    }
}

/// The first findings, and how many more there are.
fn first_few(found: &[String], most: usize) -> String {
    let shown = found.iter().take(most).map(String::as_str).collect::<Vec<_>>().join("; ");
    match found.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
