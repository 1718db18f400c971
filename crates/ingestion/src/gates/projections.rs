//! Gates over projections, and over totals of the world beside their parts.
use std::collections::BTreeSet;

use orewatch_catalog::WORLD;
use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::periods::published;
use super::{Finding, Gate, Inspected, first_few};
use crate::tally::{MarketRows, code_to_number, number_to_code};

/// Relative tolerance for parts exceeding their total by exactly one of them: sources print more digits.
const TOLERANCE: f64 = 1e-6;

pub(super) static GATES: [Gate; 3] = [
    Gate {
        name: "past-projections",
        looks_at: "Projections of periods that were over when the release was published, or ingested if it \
                   does not say when it was published.",
        argument: "What has been is observed: as a projection it would be missing from measures, or be \
                   mistaken for one.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Projections],
        inspect: past_projections,
    },
    Gate {
        name: "rest-of-world-double-count",
        looks_at: "Whether the listed economies and the rest of the world exceed the printed total of the \
                   world by exactly one listed economy: the rest also contains it.",
        argument: "Shares are of the printed total, so nothing is wrong with them; the residual would be.",
        default: GateMode::Warn,
        is_final: false,
        tables: &[Table::Production, Table::Projections],
        inspect: double_count,
    },
    Gate {
        name: "mixed-bases",
        looks_at: "Whether figures of one material and stage are on different bases, such as metals beside \
                   oxides.",
        argument: "Their sum would mean nothing, and neither would any share of it.",
        default: GateMode::Block,
        is_final: true,
        tables: &[Table::Production, Table::Projections],
        inspect: mixed_bases,
    },
];

/// Finds projections of periods before the year of publication.
fn past_projections(inspected: &Inspected<'_>) -> Finding {
    let published = published(inspected);
    let is_past = |period: &str| period.get(..4) < published.get(..4);
    let periods = inspected.tally.markets.keys().map(|market| market.period.as_str());
    let past: BTreeSet<&str> = periods.filter(|period| is_past(period)).collect();
    if past.is_empty() {
        return Finding::Clean(format!("no period ends before {published}"));
    }
    let past = past.into_iter().collect::<Vec<_>>().join(", ");
    Finding::Wrong(format!(
        "published in {published}, but projects an earlier period: {past}; what has been belongs into a \
         table of production or trade"
    ))
}

/// Finds markets whose residual also contains a listed economy.
fn double_count(inspected: &Inspected<'_>) -> Finding {
    let (mut totals, mut found) = (0_usize, Vec::new());
    for (market, market_rows) in &inspected.tally.markets {
        let Some(total) = printed_total(market_rows) else { continue };
        totals = totals.saturating_add(1);
        if let Some(economy) = counted_twice(market_rows, total) {
            found.push(format!("{}: {economy}", market.sentence()));
        }
    }
    match found.len() {
        0 => Finding::Clean(format!("{totals} totals of the world are not exceeded by exactly one part")),
        count => Finding::Wrong(format!(
            "in {count} of {totals} markets the rest of the world also contains a listed economy, and the \
             parts exceed the printed total by exactly that: {}; shares are of the printed total",
            first_few(&found, 15)
        )),
    }
}

fn printed_total(market_rows: &MarketRows) -> Option<f64> {
    let world = code_to_number(WORLD);
    market_rows
        .entries
        .iter()
        .find(|entry| entry.key == world && entry.amount > 0.0)
        .map(|entry| entry.amount)
}

/// The listed economy by which the parts exceed their total.
fn counted_twice(market_rows: &MarketRows, total: f64) -> Option<String> {
    let (world, other) = (code_to_number(WORLD), code_to_number(orewatch_catalog::OTHER));
    let parts = || market_rows.entries.iter().filter(|entry| entry.key != world && !entry.amount.is_nan());
    if !parts().any(|entry| entry.key == other) {
        return None;
    }
    let excess = parts().map(|entry| entry.amount).sum::<f64>() - total;
    let listed = parts().filter(|entry| entry.key != other && entry.amount > total * TOLERANCE);
    let same = listed.into_iter().find(|entry| (entry.amount - excess).abs() <= total * TOLERANCE);
    same.map(|entry| number_to_code(entry.key))
}

fn mixed_bases(inspected: &Inspected<'_>) -> Finding {
    let found: Vec<String> =
        inspected.tally.mixed_bases.iter().map(|(material, stage)| format!("{material} {stage}")).collect();
    match found.len() {
        0 => Finding::clean("each material and stage is on one basis"),
        _ => Finding::Wrong(format!("figures on several bases: {}", first_few(&found, 5))),
    }
}
