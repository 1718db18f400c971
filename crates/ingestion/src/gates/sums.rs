//! Gates over sums: totals and their parts.
use orewatch_catalog::WORLD;
use orewatch_contracts::ingestion::v1::{Discrepancy, GateMode, Table};

use super::{Finding, Gate, Inspected, first_few};
use crate::tally::{Group, Market, Markets, Suspects, code_to_number, known_amounts, number_to_code};

/// Least number of other partners in a group for one partner to be the sum of all others.
const MIN_OTHER_PARTNERS: u32 = 3;

/// Least number of groups in which an economy must be the sum of all others to be a total in disguise: one
/// equality may be chance.
const MIN_EQUAL_GROUPS: u32 = 3;

/// Relative tolerance for a total being the sum of its parts: sources round to three decimals.
const SUM_TOLERANCE: f64 = 1e-6;

/// Least amount (thousand US dollars, tonnes) that is compared: smaller amounts equal each other by rounding.
const MIN_AMOUNT: f64 = 1.0;

/// Tolerance for shares adding up to more than 1: sources round each to two decimals.
const SHARE_ROUNDING: f64 = 0.05;

/// At most one declared total in this many may differ from its parts. Sources have slips of their own, but a
/// file that is cut off or counts flows twice has many.
const SLIPS_ONE_IN: u64 = 100;

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "declared-totals",
        looks_at: "Totals that the source declares, such as trade with the world, beside the sums of their \
                   parts; what totals of flows have above their parts is recorded as OTHER:undistributed, \
                   and a warning.",
        argument: "Sources that declare totals keep them exact, so that a cut-off file or flows counted \
                   twice show at once.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade, Table::Production],
        inspect: declared_totals,
    },
    Gate {
        name: "partner-sums",
        looks_at: "Whether an economy repeatedly equals the sum of all others: a world total in disguise.",
        argument: "A total booked as an economy halves every share of its market; equality in three groups \
                   is no coincidence.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade, Table::Production],
        inspect: partner_sums,
    },
    Gate {
        name: "shares",
        looks_at: "Parameters that are parts of a whole: whether they add up to more than it.",
        argument: "Sectors counted twice, or percentages read as fractions, are always wrong; rounding is \
                   allowed for.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Parameters],
        inspect: shares,
    },
];

/// Compares totals that the source declares with the sums that its reader made.
fn declared_totals(inspected: &Inspected<'_>) -> Finding {
    let Some(totals) = &inspected.counts.totals else {
        return Finding::clean("the source declares no totals");
    };
    let found: Vec<_> = totals.worst.iter().map(describe_discrepancy).collect();
    let above = format!(
        "{} of {} declared totals are above the sum of their parts: what they hold beyond them is recorded \
         as \
         OTHER:undistributed",
        totals.above, totals.compared
    );
    let mut message = format!(
        "{} of {} declared totals differ from the sum of their parts: {}",
        totals.differing,
        totals.compared,
        first_few(&found, 3)
    );
    if totals.above > 0 {
        message.push_str("; ");
        message.push_str(&above);
    }
    match totals.differing {
        0 if totals.above > 0 => Finding::Doubtful(above),
        0 => Finding::Clean(format!("{} declared totals are the sums of their parts", totals.compared)),
        differing if differing.saturating_mul(SLIPS_ONE_IN) > totals.compared => Finding::Wrong(message),
        _ => Finding::Doubtful(message),
    }
}

fn describe_discrepancy(found: &Discrepancy) -> String {
    format!("{}: {} declared, {} parts add up to {}", found.what, found.declared, found.parts, found.summed)
}

/// Finds totals that are booked as if they were partners: the world under the code of an economy.
///
/// In each group (imports of one product by one economy in one period, exports likewise, world output of one
/// material) the largest amount is compared with the sum of the others. With at least three others, equality
/// is rarely chance. An economy for which it holds in three groups or more, and in at least half of all its
/// groups, is a total in disguise.
fn partner_sums(inspected: &Inspected<'_>) -> Finding {
    for (market, market_rows) in &inspected.tally.markets {
        if !market_rows.sum().is_finite() {
            return Finding::Wrong(format!(
                "the sum of {} {} {} is not finite",
                market.material, market.stage, market.period
            ));
        }
    }
    let trade = inspected.release.table() == Table::Trade;
    let markets = &inspected.tally.markets;
    let mut suspects = if trade { suspects_in_flows(markets) } else { suspects_in_output(markets) };
    suspects.retain(|_, found| found.equal > 0 && found.equal.saturating_mul(2) >= found.groups);
    let worst = suspects.values().map(|found| found.equal).max().unwrap_or(0);
    let shown = suspects.iter().take(5).map(|(who, found)| {
        format!("{who} is the sum of all others in {} of {} groups", found.equal, found.groups)
    });
    let message = shown.collect::<Vec<_>>().join("; ");
    match worst {
        0 => Finding::clean("no partner is the sum of the others"),
        worst if worst >= MIN_EQUAL_GROUPS => {
            Finding::Wrong(format!("{message}: a world total counted as an economy?"))
        }
        _ => Finding::Doubtful(format!("{message}; a coincidence, or a world total counted as an economy")),
    }
}

/// Whether a group is large enough for its largest amount to be the sum of the others by more than chance.
fn is_large_enough(group: &Group) -> bool {
    group.count > MIN_OTHER_PARTNERS && group.largest >= MIN_AMOUNT
}

/// Whether the largest amount of a group is the sum of the others.
fn largest_is_sum(group: &Group) -> bool {
    let others = group.sum - group.largest;
    (group.largest - others).abs() <= SUM_TOLERANCE * group.sum
}

fn suspects_in_flows(markets: &Markets) -> Suspects {
    let mut suspects = Suspects::new();
    markets.values().for_each(|market_rows| {
        market_rows.flows.count_sum_groups(is_large_enough, largest_is_sum, &mut suspects)
    });
    markets.values().for_each(|market_rows| market_rows.flows.count_groups(is_large_enough, &mut suspects));
    suspects
}

fn suspects_in_output(markets: &Markets) -> Suspects {
    let mut suspects = Suspects::new();
    for market_rows in markets.values() {
        // A total that is called one is none in disguise.
        let world = code_to_number(WORLD);
        let known = || market_rows.entries.iter().filter(|entry| entry.amount > 0.0 && entry.key != world);
        let largest = known().max_by(|one, other| one.amount.total_cmp(&other.amount));
        let Some(largest) = largest else { continue };
        let group = Group::from_amounts(known().map(|entry| entry.amount));
        if !is_large_enough(&group) {
            continue;
        }
        for entry in known() {
            suspects.entry(number_to_code(entry.key)).or_default().groups += 1;
        }
        if largest_is_sum(&group) {
            suspects.entry(number_to_code(largest.key)).or_default().equal += 1;
        }
    }
    suspects
}

/// Finds parts of a whole that add up to more than the whole: sectors counted twice, or percentages read as
/// fractions. That each part is a share from 0 to 1 is checked by the range of its parameter.
fn shares(inspected: &Inspected<'_>) -> Finding {
    let parts = inspected.tally.markets.iter().filter(|(market, _)| market.name() == "end-use-share");
    let sums = parts.map(|(market, market_rows)| (market, known_amounts(&market_rows.entries).sum::<f64>()));
    let (beyond, within): (Vec<_>, Vec<_>) =
        sums.filter(|(_, sum)| *sum > 1.0 + SUM_TOLERANCE).partition(|(_, sum)| *sum > 1.0 + SHARE_ROUNDING);
    match (beyond.len(), within.len()) {
        (0, 0) => Finding::clean("no parts add up to more than their whole"),
        (0, _) => Finding::Doubtful(format!(
            "end-use shares add up to more than 1 by rounding: {}",
            describe_sums(within)
        )),
        _ => Finding::Wrong(format!("end-use shares add up to more than 1: {}", describe_sums(beyond))),
    }
}

fn describe_sums(sums: Vec<(&Market, f64)>) -> String {
    let describe_sums =
        sums.iter().map(|(market, sum)| format!("{} in {}: {sum:.3}", market.material, market.period));
    describe_sums.collect::<Vec<_>>().join("; ")
}
