//! Gates: each looks at one thing that goes wrong with statistics, and says what it found. Pure functions in a table.
//! `README.md` beside this crate's sources lists what each blocks and warns of.

mod contents;
mod counts;
mod datasets;
mod keys;
mod modes;
mod periods;
mod regions;
mod revisions;
mod sums;
mod vintages;

use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{
    DeclaredTotals, GateInfo, GateMode, GateVerdict, Release, Table, Verdict,
};

use crate::evolve::Held;
use crate::policy::Standing;
use crate::tally::Tally;
use crate::units::Restated;

pub(crate) use modes::Asked;
pub use modes::{GateModes, WrongModes};

/// Every table.
const ALL: &[Table] = &[
    Table::Trade,
    Table::Production,
    Table::Governance,
    Table::Parameters,
    Table::Restrictions,
    Table::Concordance,
];

/// What the client says about the rows it read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Rows read. None: not said.
    pub(crate) read: Option<u64>,
    /// Valid rows that no material covers.
    pub(crate) out_of_scope: u64,
    /// Rows set aside, by reason code.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Rows that may be set aside.
    pub(crate) max_rejects: u64,
    /// Totals that the source declares. None: it declares none.
    pub(crate) totals: Option<DeclaredTotals>,
}

impl Counts {
    /// Rows set aside in all.
    pub(crate) fn rejected_rows(&self) -> u64 {
        self.rejected.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// What the gates look at.
pub(crate) struct Inspected<'a> {
    pub(crate) release: &'a Release,
    pub(crate) tally: &'a Tally,
    pub(crate) counts: &'a Counts,
    /// Visible releases of the dataset and table, the newest first.
    pub(crate) before: &'a [&'a Held],
    /// What the release restates of them.
    pub(crate) restated: &'a Restated<'a>,
    /// Where it stands among the datasets of its table.
    pub(crate) standing: &'a Standing,
    /// The year in which the release came to the service, for what does not say when it was published.
    pub(crate) year: i16,
}

/// What a gate finds, with one sentence that has the figures.
enum Finding {
    /// Nothing wrong.
    Clean(String),
    /// Worth a look: never blocks.
    Doubtful(String),
    /// Wrong: blocks where the gate may block, and warns where it may warn.
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
    /// What it looks at, one sentence.
    looks_at: &'static str,
    /// Why it does by default what it does, one sentence.
    argument: &'static str,
    /// What it may do by default.
    default: GateMode,
    /// What it finds is damage, not judgement: it cannot be weakened.
    pub(crate) is_final: bool,
    /// The tables that it concerns; others pass.
    tables: &'static [Table],
    look: fn(&Inspected<'_>) -> Finding,
}

/// Every gate by family, in the order in which they run.
static FAMILIES: [&[Gate]; 9] = [
    &counts::GATES,
    &keys::GATES,
    &sums::GATES,
    &regions::GATES,
    &contents::GATES,
    &periods::GATES,
    &vintages::GATES,
    &revisions::GATES,
    &datasets::GATES,
];

/// Every gate, in the order in which they run.
pub(crate) fn all() -> impl Iterator<Item = &'static Gate> {
    FAMILIES.into_iter().flatten()
}

/// A gate by name.
pub(crate) fn gate(name: &str) -> Option<&'static Gate> {
    all().find(|gate| gate.name == name)
}

/// Runs every gate. A block by a gate that is accepted becomes a warning that keeps what was found.
pub(crate) fn run(inspected: &Inspected<'_>, modes: &GateModes, asked: &Asked) -> Vec<GateVerdict> {
    let dataset = &inspected.release.dataset;
    all().map(|gate| gate.judge(inspected, asked.mode(gate, modes.mode(gate, dataset)), asked)).collect()
}

/// What the gates may do in a dataset; the empty name stands for any.
pub(crate) fn list(modes: &GateModes, dataset: &str) -> Vec<GateInfo> {
    let info = |gate: &Gate| GateInfo {
        gate: gate.name.to_owned(),
        looks_at: gate.looks_at.to_owned(),
        argument: gate.argument.to_owned(),
        default_mode: gate.default.into(),
        mode: modes.mode(gate, dataset).into(),
        r#final: gate.is_final,
    };
    all().map(info).collect()
}

impl Gate {
    fn judge(&self, inspected: &Inspected<'_>, mode: GateMode, asked: &Asked) -> GateVerdict {
        let (verdict, message) = match mode {
            GateMode::Off => (Verdict::Off, "not looked at".to_owned()),
            _ if !self.tables.contains(&inspected.release.table()) => {
                (Verdict::Pass, "not applicable".to_owned())
            }
            _ => match (self.look)(inspected) {
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

/// The first few of what was found, and how many more there are.
fn few(found: &[String], most: usize) -> String {
    let shown = found.iter().take(most).map(String::as_str).collect::<Vec<_>>().join("; ");
    match found.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
