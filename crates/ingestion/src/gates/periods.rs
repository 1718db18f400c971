//! Gates over periods.
use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::{GateMode, Table};

use super::counts::rejected_for;
use super::{ALL_TABLES, Finding, Gate, Inspected};

pub(super) static GATES: [Gate; 2] = [
    Gate {
        name: "period-range",
        looks_at: "Rows that were quarantined because their period or day lies outside of 1900 to 2100.",
        argument: "They are not recorded; how many rows may be missing is checked by rejects.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL_TABLES,
        inspect: |inspected| {
            rejected_for(inspected, &["invalid-period", "invalid-day"], "a period outside of 1900 to 2100")
        },
    },
    Gate {
        name: "later-periods",
        looks_at: "Periods that begin after the release was published, or ingested if it does not say when \
                   it was published.",
        argument: "Nobody knows the trade and output of a future year; a parameter may be meant to hold from \
                   then on.",
        default: GateMode::Block,
        is_final: false,
        tables: &[Table::Trade, Table::Production, Table::Governance, Table::Parameters],
        inspect: later_periods,
    },
];

/// When the release was published: a year, month or day; the current year if it does not say.
pub(super) fn published(inspected: &Inspected<'_>) -> String {
    let published = inspected.release.provenance.as_ref().map_or("", |from| from.published.as_str());
    if published.get(..4).is_some() { published.to_owned() } else { inspected.year.to_string() }
}

/// Finds periods that begin after the release was published. That is a typing error: figures that hold from
/// 2061 on hold nowhere today.
fn later_periods(inspected: &Inspected<'_>) -> Finding {
    let published = published(inspected);
    let is_later = |period: &str| {
        let digits = period.len().min(published.len());
        period.get(..digits) > published.get(..digits)
    };
    let periods = inspected.tally.markets.keys().map(|market| market.period.as_str());
    let later: BTreeSet<&str> = periods.filter(|period| is_later(period)).collect();
    if later.is_empty() {
        return Finding::Clean(format!("no period begins after {published}"));
    }
    let later = later.into_iter().collect::<Vec<_>>().join(", ");
    match inspected.release.table() {
        Table::Parameters => {
            Finding::Doubtful(format!("published in {published}, but holds from a later period on: {later}"))
        }
        _ => Finding::Wrong(format!(
            "published in {published}, but has figures of a later period: {later}; figures about the future \
             belong into a table of projections"
        )),
    }
}
