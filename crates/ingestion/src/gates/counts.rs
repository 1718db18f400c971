//! Gates over the rows that were read, recorded and rejected.
use orewatch_contracts::ingestion::v1::GateMode;

use super::{ALL_TABLES, Finding, Gate, Inspected};
use crate::row_counts::RowCounts;

/// Prefixes of rejection codes that tell of a code unknown to the catalogue.
const UNKNOWN_CODE_PREFIXES: [&str; 7] = [
    "unknown-economy",
    "unknown-material",
    "unknown-stage",
    "unknown-parameter",
    "unknown-restriction",
    "invalid-product",
    "product-mismatch",
];

pub(super) static GATES: [Gate; 6] = [
    Gate {
        name: "lost-rows",
        looks_at: "Whether every row that was read was recorded, is out of scope, or was quarantined.",
        argument: "A row that is in none of these was lost on the way, and nobody would know.",
        default: GateMode::Block,
        is_final: true,
        tables: ALL_TABLES,
        inspect: lost_rows,
    },
    Gate {
        name: "empty",
        looks_at: "Whether any row was recorded.",
        argument: "A release without rows restates nothing, and is never intended.",
        default: GateMode::Block,
        is_final: true,
        tables: ALL_TABLES,
        inspect: empty,
    },
    Gate {
        name: "rejects",
        looks_at: "Whether more rows were quarantined than allowed.",
        argument: "A missing row changes every share of its market; how many may be missing is for people to \
                   decide.",
        default: GateMode::Block,
        is_final: false,
        tables: ALL_TABLES,
        inspect: rejects,
    },
    Gate {
        name: "unknown-codes",
        looks_at: "Rows that were quarantined for a code that the catalogue does not know.",
        argument: "The number of rows is checked by rejects; unknown codes are worth checking, as they show \
                   new economies and typing errors.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL_TABLES,
        inspect: |inspected| rejected_for(inspected, &UNKNOWN_CODE_PREFIXES, "unknown codes"),
    },
    Gate {
        name: "aggregates",
        looks_at: "Rows that were quarantined because the world or a region stands where one economy is \
                   needed.",
        argument: "Sources usually mix totals with partners; quarantined, these do no harm.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL_TABLES,
        inspect: |inspected| {
            rejected_for(inspected, &["aggregate-"], "the world or a region counted as an economy")
        },
    },
    Gate {
        name: "units",
        looks_at: "Rows that were quarantined for a unit or basis that does not fit.",
        argument: "They are not recorded, so no sum is wrong; the name of a unit is for people to correct.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL_TABLES,
        inspect: |inspected| {
            let codes = ["unknown-unit", "unknown-basis", "basis-mismatch"];
            rejected_for(inspected, &codes, "a unit or basis that does not fit")
        },
    },
];

fn lost_rows(inspected: &Inspected<'_>) -> Finding {
    let RowCounts { read, out_of_scope, .. } = inspected.counts;
    let (recorded, rejected) = (inspected.tally.rows, inspected.counts.rejected_rows());
    let found = recorded.saturating_add(*out_of_scope).saturating_add(rejected);
    let sum = format!("{recorded} recorded + {out_of_scope} out of scope + {rejected} quarantined");
    match read {
        _ if inspected.tally.listed > rejected => Finding::Wrong(format!(
            "{} rejections are listed, but {rejected} are \
                                    counted",
            inspected.tally.listed
        )),
        Some(read) if *read != found => Finding::Wrong(format!("{} read, but {sum} = {found}", rows(*read))),
        Some(read) => Finding::Clean(format!("{} read = {sum}", rows(*read))),
        None => Finding::Clean(format!("not checked: {sum}")),
    }
}

fn empty(inspected: &Inspected<'_>) -> Finding {
    match inspected.tally.rows {
        0 if inspected.counts.read == Some(0) => Finding::Wrong("the files hold no rows".to_owned()),
        0 => Finding::Wrong("no row is about a material of the catalogue".to_owned()),
        count => Finding::Clean(rows(count)),
    }
}

fn rejects(inspected: &Inspected<'_>) -> Finding {
    let (rejected, allowed) = (inspected.counts.rejected_rows(), inspected.counts.max_rejects);
    let reasons: Vec<_> =
        inspected.counts.rejected.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let are = if rejected == 1 { "row is" } else { "rows are" };
    let allowed_text =
        if allowed == 0 { "none is allowed".to_owned() } else { format!("{allowed} are allowed") };
    let message = format!("{rejected} {are} invalid ({}) and {allowed_text}", reasons.join(", "));
    match rejected {
        0 => Finding::clean("no row quarantined"),
        rejected if rejected > allowed => Finding::Wrong(message),
        _ => Finding::Doubtful(message),
    }
}

/// A number of rows in words: `1 row`, `2 rows`.
fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// Warns of rows that were rejected with certain codes, however many are allowed.
pub(super) fn rejected_for(inspected: &Inspected<'_>, beginnings: &[&str], what: &str) -> Finding {
    let because =
        |(code, _): &(&String, &u64)| beginnings.iter().any(|beginning| code.starts_with(beginning));
    let counts = inspected.counts.rejected.iter().filter(because);
    match counts.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count)) {
        0 => Finding::Clean(format!("no row quarantined for {what}")),
        count => Finding::Wrong(format!("{} quarantined for {what}", rows(count))),
    }
}
