//! Gates over sums: totals and their parts.
use orewatch_contracts::ingestion::v1::{Discrepancy, GateMode, Table};

use super::{Finding, Gate, Inspected, few};
use crate::tally::{Group, Market, Markets, Suspects, code_of, known};

/// Other partners that a group must have before one of them can be said to be the sum of all others.
const OTHERS: u32 = 3;

/// Groups in which an economy must be the sum of all others to be a total in disguise: one equality may be chance.
const EQUALITIES: u32 = 3;

/// How exactly a total equals the sum; sources round to three decimals.
const TOLERANCE: f64 = 1e-6;

/// Amounts below this (thousand US dollars, tonnes) equal each other by rounding.
const LEAST_AMOUNT: f64 = 1.0;

/// What parts may add up to beyond their whole: sources round each to two decimals.
const ROUNDING: f64 = 0.05;

/// One declared total in this many may differ from its parts: sources have slips of their own, but a file that is cut off or
/// counts flows twice has many.
const SLIPS: u64 = 100;

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "declared-totals",
        looks_at: "Totals that the source declares, such as trade with the world, beside the sums of their parts; what totals of \
                   flows hold above their parts is recorded as OTHER:undistributed, and a warning.",
        argument: "Sources that declare totals keep them exact, so that a cut-off file or flows counted twice show at once.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade, Table::Production],
        look: declared_totals,
    },
    Gate {
        name: "partner-sums",
        looks_at: "Whether an economy equals the sum of all others, again and again: a world total in disguise.",
        argument: "A total that is booked as an economy halves every share of its market; equality in three groups is no chance.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade, Table::Production],
        look: partner_sums,
    },
    Gate {
        name: "shares",
        looks_at: "Parameters that are parts of a whole: whether they add up to more than it.",
        argument: "Sectors counted twice, or per cent read as fractions, are always wrong; rounding is allowed for.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Parameters],
        look: shares,
    },
];

/// Compares what the source declares with the sums that its reader made.
fn declared_totals(inspected: &Inspected<'_>) -> Finding {
    let Some(totals) = &inspected.counts.totals else {
        return Finding::clean("the source declares no totals");
    };
    let found: Vec<_> = totals.worst.iter().map(described).collect();
    let above = format!(
        "{} of {} declared totals are above the sum of their parts: what they hold beyond them is recorded as \
         OTHER:undistributed",
        totals.above, totals.compared
    );
    let mut message = format!(
        "{} of {} declared totals differ from the sum of their parts: {}",
        totals.differing,
        totals.compared,
        few(&found, 3)
    );
    if totals.above > 0 {
        message.push_str("; ");
        message.push_str(&above);
    }
    match totals.differing {
        0 if totals.above > 0 => Finding::Doubtful(above),
        0 => Finding::Clean(format!("{} declared totals are the sums of their parts", totals.compared)),
        differing if differing.saturating_mul(SLIPS) > totals.compared => Finding::Wrong(message),
        _ => Finding::Doubtful(message),
    }
}

fn described(found: &Discrepancy) -> String {
    format!("{}: {} declared, {} parts add up to {}", found.what, found.declared, found.parts, found.summed)
}

/// Finds totals that are booked as if they were partners: the world under the code of an economy.
///
/// In each group (imports of one product by one economy in one period, exports likewise, world output of one material) the
/// largest amount is compared with the sum of the others. Equality, at least three others given, is rare by chance; an
/// economy for which it holds in three groups or more, and in half of all its groups or more, is a total in disguise.
fn partner_sums(inspected: &Inspected<'_>) -> Finding {
    for (market, gathered) in &inspected.tally.markets {
        if !gathered.sum().is_finite() {
            return Finding::Wrong(format!(
                "the sum of {} {} {} is not finite",
                market.material, market.stage, market.period
            ));
        }
    }
    let trade = inspected.release.table() == Table::Trade;
    let markets = &inspected.tally.markets;
    let mut suspects = if trade { of_flows(markets) } else { of_output(markets) };
    suspects.retain(|_, found| found.equal > 0 && found.equal.saturating_mul(2) >= found.groups);
    let worst = suspects.values().map(|found| found.equal).max().unwrap_or(0);
    let shown = suspects.iter().take(5).map(|(who, found)| {
        format!("{who} is the sum of all others in {} of {} groups", found.equal, found.groups)
    });
    let message = shown.collect::<Vec<_>>().join("; ");
    match worst {
        0 => Finding::clean("no partner is the sum of the others"),
        worst if worst >= EQUALITIES => {
            Finding::Wrong(format!("{message}: a world total counted as an economy?"))
        }
        _ => Finding::Doubtful(format!("{message}; chance, or a world total counted as an economy")),
    }
}

/// Whether a group is large enough for one to be the sum of the others by more than chance.
fn counts(group: &Group) -> bool {
    group.count > OTHERS && group.largest >= LEAST_AMOUNT
}

/// Whether the largest of a group is the sum of the others.
fn equals(group: &Group) -> bool {
    let others = group.sum - group.largest;
    (group.largest - others).abs() <= TOLERANCE * group.sum
}

fn of_flows(markets: &Markets) -> Suspects {
    let mut suspects = Suspects::new();
    markets.values().for_each(|gathered| gathered.flows.weigh(counts, equals, &mut suspects));
    markets.values().for_each(|gathered| gathered.flows.recount(counts, &mut suspects));
    suspects
}

fn of_output(markets: &Markets) -> Suspects {
    let mut suspects = Suspects::new();
    for gathered in markets.values() {
        let known = || gathered.entries.iter().filter(|entry| entry.amount > 0.0);
        let largest = known().max_by(|one, other| one.amount.total_cmp(&other.amount));
        let Some(largest) = largest else { continue };
        let group = Group::of(known().map(|entry| entry.amount));
        if !counts(&group) {
            continue;
        }
        for entry in known() {
            suspects.entry(code_of(entry.key)).or_default().groups += 1;
        }
        if equals(&group) {
            suspects.entry(code_of(largest.key)).or_default().equal += 1;
        }
    }
    suspects
}

/// Finds parts of a whole that add up to more than the whole: sectors counted twice, or per cent read as fractions. That each
/// part is a share of 0 to 1 its parameter's range says already.
fn shares(inspected: &Inspected<'_>) -> Finding {
    let parts = inspected.tally.markets.iter().filter(|(market, _)| market.name() == "end-use-share");
    let sums = parts.map(|(market, gathered)| (market, known(&gathered.entries).sum::<f64>()));
    let (beyond, within): (Vec<_>, Vec<_>) =
        sums.filter(|(_, sum)| *sum > 1.0 + TOLERANCE).partition(|(_, sum)| *sum > 1.0 + ROUNDING);
    match (beyond.len(), within.len()) {
        (0, 0) => Finding::clean("no parts add up to more than their whole"),
        (0, _) => {
            Finding::Doubtful(format!("end-use shares add up to more than 1 by rounding: {}", named(within)))
        }
        _ => Finding::Wrong(format!("end-use shares add up to more than 1: {}", named(beyond))),
    }
}

fn named(sums: Vec<(&Market, f64)>) -> String {
    let named =
        sums.iter().map(|(market, sum)| format!("{} in {}: {sum:.3}", market.material, market.period));
    named.collect::<Vec<_>>().join("; ")
}
