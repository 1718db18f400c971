//! Gates over what identifies rows: self flows, keys that come twice, flows that are counted twice.
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::counts::aside;
use super::{ALL, Finding, Gate, Inspected};
use crate::tally::Gathered;

pub(super) static GATES: [Gate; 2] = [
    Gate {
        name: "self-flows",
        looks_at: "Trade of an economy with itself.",
        argument: "Re-imports are no dependence on anyone, and would count as a supplier; sources set them aside.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade],
        look: self_flows,
    },
    Gate {
        name: "duplicates",
        looks_at: "Keys that were recorded twice.",
        argument: "Two figures for one thing are one too many, and no sum over them is right.",
        default: GateMode::Block,
        is_final: true,
        tables: ALL,
        look: duplicates,
    },
];

fn self_flows(inspected: &Inspected<'_>) -> Finding {
    let found: usize = inspected.tally.markets.values().map(|gathered| gathered.flows.own).sum();
    match found {
        0 => doubtful(aside(inspected, &["self-flow"], "trade of an economy with itself")),
        found => Finding::Wrong(format!("{found} rows recorded in which an economy trades with itself")),
    }
}

/// One figure for both sides of a flow and one of a side say the same thing twice.
fn duplicates(inspected: &Inspected<'_>) -> Finding {
    let found: usize = inspected.tally.markets.values().map(Gathered::repeated).sum();
    match found {
        0 => doubtful(aside(inspected, &["duplicate-key"], "a key that was there before")),
        found => Finding::Wrong(format!("{found} rows recorded whose key was recorded before")),
    }
}

/// What was set aside does no harm any more.
fn doubtful(finding: Finding) -> Finding {
    match finding {
        Finding::Wrong(message) => Finding::Doubtful(message),
        finding => finding,
    }
}
