//! Gates over what identifies rows: self flows, keys that come twice, flows that are counted twice.
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::counts::aside;
use super::{ALL, Finding, Gate, Inspected};
use crate::tally::{Entry, REPORTERS, flow_of};

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
    let own = |entry: &&Entry| {
        let [exporter, importer, _] = flow_of(entry.key);
        exporter == importer
    };
    match inspected.tally.markets.values().flatten().filter(own).count() {
        0 => doubtful(aside(inspected, &["self-flow"], "trade of an economy with itself")),
        found => Finding::Wrong(format!("{found} rows recorded in which an economy trades with itself")),
    }
}

fn duplicates(inspected: &Inspected<'_>) -> Finding {
    let trade = inspected.release.table() == Table::Trade;
    // One figure for both sides of a flow and one of a side say the same thing twice.
    let mixed = |one: u64, other: u64| one.is_multiple_of(REPORTERS) && one / REPORTERS == other / REPORTERS;
    let twice = |entries: &Vec<Entry>| {
        let mut keys: Vec<_> = entries.iter().map(|entry| entry.key).collect();
        keys.sort_unstable();
        let pairs = keys.iter().zip(keys.iter().skip(1));
        pairs.filter(|(one, other)| one == other || (trade && mixed(**one, **other))).count()
    };
    let found: usize = inspected.tally.markets.values().map(twice).sum();
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
