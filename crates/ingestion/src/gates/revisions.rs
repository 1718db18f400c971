//! Gates over revisions: figures beside those that they restate, key by key, and parts counted beside their total.
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::counts::aside;
use super::{Finding, Gate, Inspected, few};

/// A figure that changes by more than this share of what it was moves much.
const MUCH: f64 = 0.5;

/// Of the keys of both vintages, one in this many may move much: from USGS MCS2025 to MCS2026 one in nine does.
const ONE_IN: u32 = 3;

/// Fewer keys than this are too few to speak of many.
const LEAST_KEYS: u32 = 9;

/// How exactly the figures of a market must move by one factor, and how far that must be from 1.
const SAME: f64 = 0.01;

/// Figures that a market must have for one factor to be no chance.
const LEAST_FIGURES: usize = 3;

/// How exactly a sum is twice its total.
const TWICE: f64 = 1e-6;

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "revisions",
        looks_at: "Figures of keys that the restated release has as well: how many of them move by more than half.",
        argument: "Statistics are revised, and small flows strongly, so that people must judge; slips of units and lost keys \
                   block elsewhere.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Trade, Table::Production, Table::Parameters],
        look: revisions,
    },
    Gate {
        name: "bases",
        looks_at: "Markets whose figures all move by one factor: another basis, such as oxide for metal, or another unit.",
        argument: "A source may rightly correct its basis; shares of the market stay what they were either way.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Trade, Table::Production, Table::Parameters],
        look: bases,
    },
    Gate {
        name: "procedures",
        looks_at: "Parts by customs procedure or mode of transport: parts without a total, and sums that are twice their total.",
        argument: "Parts without a total are set aside and sums beside totals are judged already; what went wrong is worth a word.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Trade, Table::Production],
        look: procedures,
    },
];

fn revisions(inspected: &Inspected<'_>) -> Finding {
    let (mut keys, mut some, mut much) = (0_u32, 0_u32, 0_u32);
    for change in &inspected.restated.changes {
        for factor in &change.factors {
            let moved = (factor - 1.0).abs();
            keys = keys.saturating_add(1);
            some = some.saturating_add(u32::from(moved > MUCH / 5.0));
            much = much.saturating_add(u32::from(moved > MUCH));
        }
    }
    let message = format!(
        "of {keys} figures in restated markets {some} move by more than 10 %, {much} by more than 50 %"
    );
    match keys >= LEAST_KEYS && much.saturating_mul(ONE_IN) > keys {
        true => Finding::Wrong(message),
        false => Finding::Clean(message),
    }
}

fn bases(inspected: &Inspected<'_>) -> Finding {
    let (mut compared, mut found) = (0_usize, Vec::new());
    for change in &inspected.restated.changes {
        compared = compared.saturating_add(1);
        if let Some(factor) = common(&change.factors) {
            let count = change.factors.len();
            found.push(format!("{}: all {count} times {factor:.4}", change.market.sentence()));
        }
    }
    match found.len() {
        0 => Finding::Clean(format!("no common factor in {compared} restated markets")),
        count => Finding::Wrong(format!(
            "in {count} of {compared} restated markets all figures move by one factor, as if the basis or unit had changed: {}",
            few(&found, 3)
        )),
    }
}

/// The factor by which all figures move, if they move and there are enough of them.
fn common(factors: &[f64]) -> Option<f64> {
    let first = *factors.first().filter(|_| factors.len() >= LEAST_FIGURES)?;
    let alike = factors.iter().all(|factor| (factor / first - 1.0).abs() <= SAME);
    ((first - 1.0).abs() > SAME && alike).then_some(first)
}

/// Totals whose parts add up to twice as much are counted with their parts.
fn procedures(inspected: &Inspected<'_>) -> Finding {
    let worst = inspected.counts.totals.iter().flat_map(|totals| &totals.worst);
    let twice = worst
        .filter(|found| found.declared > 0.0 && (found.summed / (2.0 * found.declared) - 1.0).abs() <= TWICE);
    let twice: Vec<_> = twice.map(|found| found.what.clone()).collect();
    match twice.len() {
        0 => aside(inspected, &["no-total"], "parts without a total"),
        count => {
            Finding::Wrong(format!("{count} sums are exactly twice their declared total: {}", few(&twice, 3)))
        }
    }
}
