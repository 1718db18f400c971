//! Gates over row keys: self-flows, repeated keys, flows counted twice.
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::counts::rejected_for;
use super::{ALL_TABLES, Finding, Gate, Inspected};
use crate::tally::MarketRows;

pub(super) static GATES: [Gate; 2] = [
    Gate {
        name: "self-flows",
        looks_at: "Trade of an economy with itself.",
        argument: "Re-imports are no dependence on anyone, but would count as a supplier; readers set them \
                   aside.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade],
        inspect: self_flows,
    },
    Gate {
        name: "duplicates",
        looks_at: "Keys that were recorded twice.",
        argument: "Of two figures for one key one is wrong, and so is every sum over both.",
        default: GateMode::Block,
        is_final: true,
        tables: ALL_TABLES,
        inspect: duplicates,
    },
];

fn self_flows(inspected: &Inspected<'_>) -> Finding {
    let found: usize = inspected.tally.markets.values().map(|market_rows| market_rows.flows.self_flows).sum();
    match found {
        0 => downgrade(rejected_for(inspected, &["self-flow"], "trade of an economy with itself")),
        found => Finding::Wrong(format!("{found} rows recorded in which an economy trades with itself")),
    }
}

/// A figure for both sides of a flow and one for a single side say the same thing twice.
fn duplicates(inspected: &Inspected<'_>) -> Finding {
    let found: usize = inspected.tally.markets.values().map(MarketRows::repeated_keys).sum();
    match found {
        0 => downgrade(rejected_for(inspected, &["duplicate-key"], "a key that was there before")),
        found => Finding::Wrong(format!("{found} rows recorded whose key was recorded before")),
    }
}

/// Turns a wrong finding into a doubtful one: rejected rows do no harm.
fn downgrade(finding: Finding) -> Finding {
    match finding {
        Finding::Wrong(message) => Finding::Doubtful(message),
        finding => finding,
    }
}
