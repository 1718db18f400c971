//! Gates over vintages: a release beside those that it restates.
use orewatch_catalog::parameter;
use orewatch_contracts::ingestion::v1::{GateMode, Table};
use orewatch_formats::ids::UNDATED;

use super::{ALL_TABLES, Finding, Gate, Inspected, first_few};
use crate::tally::Market;
use crate::units::Sums;

/// Share of the keys of restated units that may vanish, or be new.
const MAX_CHANGED_SHARE: f64 = 0.2;

/// Range of factors that a slip by three digits leads to, with what figures change by themselves.
const THOUSANDFOLD: std::ops::Range<f64> = 300.0..3_000.0;

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "magnitudes",
        looks_at: "Sums of restated markets: whether they are about a thousand times what they were, or a \
                   thousandth.",
        argument: "Kilograms read as tonnes look like this; no real change does, in half of all markets at \
                   once.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade, Table::Production, Table::Parameters, Table::Projections],
        inspect: magnitudes,
    },
    Gate {
        name: "scope-jump",
        looks_at: "Keys that vanish or are new in what the release restates of its own dataset.",
        argument: "A unit is restated as a whole, so a cut-off download or an extract takes away what it \
                   does not have.",
        default: GateMode::Block,
        is_final: false,
        tables: ALL_TABLES,
        inspect: scope_jump,
    },
    Gate {
        name: "vintage-order",
        looks_at: "Whether the vintage sorts after the one that it restates.",
        argument: "Old files are sometimes ingested late, and names of vintages need not sort.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL_TABLES,
        inspect: vintage_order,
    },
];

/// Finds figures that are off by three digits: kilograms read as tonnes, dollars as thousands of dollars.
///
/// If half or more of the comparable restated markets are about a thousand times as large as before or as
/// small, the figures are in another unit; in fewer markets it may be a correction.
fn magnitudes(inspected: &Inspected<'_>) -> Finding {
    let table = inspected.release.table();
    let (mut compared, mut slipped) = (0_u32, Vec::new());
    for change in inspected.restated.changes.iter().filter(|change| has_scalable_unit(table, change.market)) {
        let Sums { then, now } = change.sums;
        if then > 0.0 && now > 0.0 {
            compared = compared.saturating_add(1);
            if [now / then, then / now].iter().any(|times| THOUSANDFOLD.contains(times)) {
                slipped.push(format!("{}: {then} became {now}", change.market.sentence()));
            }
        }
    }
    let count = u32::try_from(slipped.len()).unwrap_or(u32::MAX);
    let shown = first_few(&slipped, 3);
    let message =
        format!("of {compared} restated markets {count} are a thousand times as large or small: {shown}");
    match count {
        0 => Finding::clean(format!("no slip by three digits in {compared} restated markets")),
        count if count.saturating_mul(2) >= compared => Finding::Wrong(message),
        _ => Finding::Doubtful(message),
    }
}

/// Whether the amounts of a market are in a unit that can slip.
fn has_scalable_unit(table: Table, market: &Market) -> bool {
    match table {
        Table::Trade | Table::Production | Table::Projections => true,
        Table::Parameters => parameter(market.name()).is_ok_and(|known| ["t", "money"].contains(&known.unit)),
        Table::Governance
        | Table::Restrictions
        | Table::Concordance
        | Table::Targets
        | Table::Claims
        | Table::Unspecified => false,
    }
}

/// Compares keys with those that the release restates, unit by unit.
///
/// A unit is restated as a whole, so a key that is missing from it vanishes from what is known. That blocks,
/// because a cut-off download or a wrong filter look like this. New keys take nothing away, and sources do
/// widen their coverage: that warns. Units that only one side has count as neither: what a release does not
/// cover stays as it was. Rows that the source tells apart by words of its own are compared by their number.
fn scope_jump(inspected: &Inspected<'_>) -> Finding {
    let restated = inspected.restated;
    let [then, vanished, new] = restated.keys().map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    if then == 0 {
        return Finding::clean("nothing is restated");
    }
    let share = |count: u32| f64::from(count) / f64::from(then);
    let mut message = format!(
        "of {then} keys in {} {vanished} vanish ({:.1} %), {new} are new ({:.1} %)",
        restated.unit.count_phrase(restated.units()),
        100.0 * share(vanished),
        100.0 * share(new)
    );
    if vanished > 0 {
        message.push_str(&format!(". Would vanish: {}", restated.vanished.names()));
    }
    match (share(vanished) > MAX_CHANGED_SHARE, share(new) > MAX_CHANGED_SHARE) {
        (true, _) => Finding::Wrong(format!("{message}. {}", restated.vanished.hint())),
        (false, true) => Finding::Doubtful(message),
        (false, false) => Finding::Clean(message),
    }
}

fn vintage_order(inspected: &Inspected<'_>) -> Finding {
    let Some(before) = inspected.restated.releases.first() else {
        return Finding::clean("no release is restated");
    };
    let (now, then) = (&inspected.release.vintage, &before.vintage);
    if [now, then].iter().any(|vintage| *vintage == UNDATED) {
        return Finding::clean(format!("not compared: {now} restates {then}"));
    }
    if now < then {
        return Finding::Wrong(format!("vintage {now} sorts before {then}, which it restates"));
    }
    Finding::clean(format!("follows {then}"))
}
