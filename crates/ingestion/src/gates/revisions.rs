//! Gates over revisions: figures beside those that they restate, key by key, and parts counted beside their
//! total.
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::counts::rejected_for;
use super::{Finding, Gate, Inspected, first_few};

/// A figure moves far if it changes by more than this share of its former value.
const LARGE_MOVE: f64 = 0.5;

/// At most one in this many keys of both vintages may move far. From USGS MCS2025 to MCS2026 one in nine
/// does.
const LARGE_MOVES_ONE_IN: u32 = 3;

/// Least number of keys for which a share of them means anything.
const MIN_KEYS: u32 = 9;

/// Tolerance for figures moving by one factor, and for a factor of 1.
const FACTOR_TOLERANCE: f64 = 0.01;

/// Least number of figures in a market for which one factor is no chance.
const MIN_FIGURES: usize = 3;

/// Relative tolerance for a sum being twice its total.
const TWICE_TOLERANCE: f64 = 1e-6;

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "revisions",
        looks_at: "Figures of keys that the restated release has as well: how many of them move by more than \
                   half.",
        argument: "Statistics are revised, small flows most of all, so people have to judge; wrong units and \
                   lost keys are blocked by other gates.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Trade, Table::Production, Table::Parameters, Table::Projections],
        inspect: revisions,
    },
    Gate {
        name: "bases",
        looks_at: "Markets whose figures all move by one factor: another basis, such as oxide for metal, or \
                   another unit.",
        argument: "A source may rightly correct its basis; shares of the market stay the same either way.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Trade, Table::Production, Table::Parameters, Table::Projections],
        inspect: bases,
    },
    Gate {
        name: "procedures",
        looks_at: "Parts by customs procedure or mode of transport: parts without a total, and sums that are \
                   twice their total.",
        argument: "Such parts are quarantined, and sums are compared with totals by declared-totals; the \
                   cause is worth knowing.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Trade, Table::Production],
        inspect: procedures,
    },
];

fn revisions(inspected: &Inspected<'_>) -> Finding {
    let (mut keys, mut some, mut much) = (0_u32, 0_u32, 0_u32);
    for change in &inspected.restated.changes {
        for factor in &change.factors {
            let moved = (factor - 1.0).abs();
            keys = keys.saturating_add(1);
            some = some.saturating_add(u32::from(moved > LARGE_MOVE / 5.0));
            much = much.saturating_add(u32::from(moved > LARGE_MOVE));
        }
    }
    let message = format!(
        "of {keys} figures in restated markets {some} move by more than 10 %, {much} by more than 50 %"
    );
    match keys >= MIN_KEYS && much.saturating_mul(LARGE_MOVES_ONE_IN) > keys {
        true => Finding::Wrong(message),
        false => Finding::Clean(message),
    }
}

fn bases(inspected: &Inspected<'_>) -> Finding {
    let (mut compared, mut found) = (0_usize, Vec::new());
    for change in &inspected.restated.changes {
        compared = compared.saturating_add(1);
        if let Some(factor) = common_factor(&change.factors) {
            let count = change.factors.len();
            found.push(format!("{}: all {count} times {factor:.4}", change.market.sentence()));
        }
    }
    match found.len() {
        0 => Finding::Clean(format!("no common factor in {compared} restated markets")),
        count => Finding::Wrong(format!(
            "in {count} of {compared} restated markets all figures move by one factor, as if the basis or \
             unit had changed: {}",
            first_few(&found, 3)
        )),
    }
}

/// The factor by which all figures move. `None`: they do not move by one factor, or are too few.
fn common_factor(factors: &[f64]) -> Option<f64> {
    let first = *factors.first().filter(|_| factors.len() >= MIN_FIGURES)?;
    let alike = factors.iter().all(|factor| (factor / first - 1.0).abs() <= FACTOR_TOLERANCE);
    ((first - 1.0).abs() > FACTOR_TOLERANCE && alike).then_some(first)
}

/// A total whose parts add up to twice as much was counted together with its parts.
fn procedures(inspected: &Inspected<'_>) -> Finding {
    let worst = inspected.counts.totals.iter().flat_map(|totals| &totals.worst);
    let twice = worst.filter(|found| {
        found.declared > 0.0 && (found.summed / (2.0 * found.declared) - 1.0).abs() <= TWICE_TOLERANCE
    });
    let twice: Vec<_> = twice.map(|found| found.what.clone()).collect();
    match twice.len() {
        0 => rejected_for(inspected, &["no-total"], "parts without a total"),
        count => Finding::Wrong(format!(
            "{count} sums are exactly twice their declared total: {}",
            first_few(&twice, 3)
        )),
    }
}
