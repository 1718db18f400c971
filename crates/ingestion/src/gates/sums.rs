//! Gates over sums: totals and their parts.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{Discrepancy, GateMode, Table};

use super::{Finding, Gate, Inspected, few};
use crate::tally::{Entry, code_of, flow_of};

/// Other partners that a group must have before one of them can be said to be the sum of all others.
const OTHERS: usize = 3;

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
        looks_at: "Totals that the source declares, such as trade with the world, beside the sums of their parts.",
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
    let message = format!(
        "{} of {} declared totals differ from the sum of their parts: {}",
        totals.differing,
        totals.compared,
        few(&found, 3)
    );
    match totals.differing {
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
    let mut suspects: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for (market, entries) in &inspected.tally.markets {
        let sum: f64 = entries.iter().map(|entry| entry.amount).filter(|amount| !amount.is_nan()).sum();
        if !sum.is_finite() {
            return Finding::Wrong(format!(
                "the sum of {} {} {} is not finite",
                market.material, market.stage, market.period
            ));
        }
        if inspected.release.table() == Table::Trade {
            weigh(entries, &mut suspects, |[exporter, importer, product]| ([importer, product], exporter));
            weigh(entries, &mut suspects, |[exporter, importer, product]| ([exporter, product], importer));
        } else {
            group(entries.iter().map(|entry| (entry.key, entry.amount)), &mut suspects);
        }
    }
    let often = |(equal, groups): &(u32, u32)| *equal > 0 && equal.saturating_mul(2) >= *groups;
    suspects.retain(|_, counts| often(counts));
    let worst = suspects.values().map(|(equal, _)| *equal).max().unwrap_or(0);
    let shown = suspects.iter().take(5).map(|(who, (equal, groups))| {
        format!("{} is the sum of all others in {equal} of {groups} groups", code_of(*who))
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

/// Groups the flows of a market by one side and counts how often each partner on the other is the sum of the others.
fn weigh(
    entries: &[Entry],
    suspects: &mut BTreeMap<u64, (u32, u32)>,
    side: impl Fn([u64; 3]) -> ([u64; 2], u64),
) {
    let mut flows: Vec<_> = entries.iter().map(|entry| (side(flow_of(entry.key)), entry.amount)).collect();
    flows.sort_by_key(|(side, _)| *side);
    for flows in flows.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        group(flows.iter().map(|((_, partner), amount)| (*partner, *amount)), suspects);
    }
}

fn group(partners: impl Iterator<Item = (u64, f64)> + Clone, suspects: &mut BTreeMap<u64, (u32, u32)>) {
    let known = partners.filter(|(_, amount)| *amount > 0.0);
    let (mut count, mut sum, mut largest) = (0, 0.0, (0, 0.0));
    for (who, amount) in known.clone() {
        count += 1;
        sum += amount;
        if amount > largest.1 {
            largest = (who, amount);
        }
    }
    if count <= OTHERS || largest.1 < LEAST_AMOUNT {
        return;
    }
    for (who, _) in known {
        suspects.entry(who).or_default().1 += 1;
    }
    let others: f64 = sum - largest.1;
    if (largest.1 - others).abs() <= TOLERANCE * sum {
        suspects.entry(largest.0).or_default().0 += 1;
    }
}

/// Finds parts of a whole that add up to more than the whole: sectors counted twice, or per cent read as fractions. That each
/// part is a share of 0 to 1 its parameter's range says already.
fn shares(inspected: &Inspected<'_>) -> Finding {
    let parts = inspected.tally.markets.iter().filter(|(market, _)| market.name() == "end-use-share");
    let sums = parts.map(|(market, entries)| {
        let known = entries.iter().map(|entry| entry.amount).filter(|amount| !amount.is_nan());
        (market, known.sum::<f64>())
    });
    let named = |found: Vec<(_, f64)>| -> String {
        let found: Vec<_> = found
            .into_iter()
            .map(|(market, sum): (&crate::tally::Market, f64)| {
                format!("{} in {}: {sum:.3}", market.material, market.period)
            })
            .collect();
        found.join("; ")
    };
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
