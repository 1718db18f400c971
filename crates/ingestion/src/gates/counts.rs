//! Gates over what was read, recorded and set aside.
use orewatch_contracts::ingestion::v1::GateMode;

use super::{ALL, Counts, Finding, Gate, Inspected};

/// Reasons for which rows are set aside, by their beginnings.
const UNKNOWN: [&str; 7] = [
    "unknown-economy",
    "unknown-material",
    "unknown-stage",
    "unknown-parameter",
    "unknown-restriction",
    "bad-product",
    "product-mismatch",
];

pub(super) static GATES: [Gate; 6] = [
    Gate {
        name: "lost-rows",
        looks_at: "Whether every row that was read was recorded, is out of scope, or was set aside.",
        argument: "A row that is nowhere was lost on the way, and nobody would know.",
        default: GateMode::Block,
        is_final: true,
        tables: ALL,
        look: lost_rows,
    },
    Gate {
        name: "empty",
        looks_at: "Whether any row was recorded.",
        argument: "A release without rows restates nothing and is never what was meant.",
        default: GateMode::Block,
        is_final: true,
        tables: ALL,
        look: empty,
    },
    Gate {
        name: "rejects",
        looks_at: "How many rows were set aside, beside how many may be.",
        argument: "A row that is missing changes every share of its market; how many may be missing is for people to say.",
        default: GateMode::Block,
        is_final: false,
        tables: ALL,
        look: rejects,
    },
    Gate {
        name: "unknown-codes",
        looks_at: "Rows that were set aside for a code that the catalogue does not know.",
        argument: "The number of rows is judged already; codes are worth a look, as they tell of new economies and typing errors.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL,
        look: |inspected| aside(inspected, &UNKNOWN, "unknown codes"),
    },
    Gate {
        name: "aggregates",
        looks_at: "Rows that were set aside because the world or a region stands where one economy is needed.",
        argument: "Sources mix totals with partners as a matter of course; set aside, they do no harm.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL,
        look: |inspected| aside(inspected, &["aggregate-"], "the world or a region counted as an economy"),
    },
    Gate {
        name: "units",
        looks_at: "Rows that were set aside for a unit or basis that does not fit.",
        argument: "They are not recorded, so that no sum is wrong; what a unit is called is for people to mend.",
        default: GateMode::Warn,
        is_final: false,
        tables: ALL,
        look: |inspected| {
            let codes = ["unknown-unit", "unknown-basis", "basis-mismatch"];
            aside(inspected, &codes, "a unit or basis that does not fit")
        },
    },
];

fn lost_rows(inspected: &Inspected<'_>) -> Finding {
    let Counts { read, out_of_scope, .. } = inspected.counts;
    let (recorded, rejected) = (inspected.tally.rows, inspected.counts.rejected_rows());
    let found = recorded.saturating_add(*out_of_scope).saturating_add(rejected);
    let sum = format!("{recorded} recorded + {out_of_scope} out of scope + {rejected} set aside");
    match read {
        _ if inspected.tally.listed > rejected => {
            Finding::Wrong(format!("{} rejections are listed, {rejected} counted", inspected.tally.listed))
        }
        Some(read) if *read != found => Finding::Wrong(format!("{read} rows read, but {sum} = {found}")),
        Some(read) => Finding::Clean(format!("{read} rows read = {sum}")),
        None => Finding::Clean(format!("not checked: {sum}")),
    }
}

fn empty(inspected: &Inspected<'_>) -> Finding {
    match inspected.tally.rows {
        0 if inspected.counts.read == Some(0) => Finding::Wrong("the files hold no rows".to_owned()),
        0 => Finding::Wrong("no row is about what the catalogue knows".to_owned()),
        rows => Finding::Clean(format!("{rows} rows")),
    }
}

fn rejects(inspected: &Inspected<'_>) -> Finding {
    let (rejected, allowed) = (inspected.counts.rejected_rows(), inspected.counts.max_rejects);
    let reasons: Vec<_> =
        inspected.counts.rejected.iter().map(|(code, count)| format!("{code} {count}")).collect();
    let message = format!("{rejected} rows set aside, {allowed} allowed: {}", reasons.join(", "));
    match rejected {
        0 => Finding::clean("no row set aside"),
        rejected if rejected > allowed => Finding::Wrong(message),
        _ => Finding::Doubtful(message),
    }
}

/// Rows that were set aside for a reason are worth a look, however many may be.
pub(super) fn aside(inspected: &Inspected<'_>, beginnings: &[&str], what: &str) -> Finding {
    let because =
        |(code, _): &(&String, &u64)| beginnings.iter().any(|beginning| code.starts_with(beginning));
    let counts = inspected.counts.rejected.iter().filter(because);
    match counts.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count)) {
        0 => Finding::Clean(format!("no row set aside for {what}")),
        count => Finding::Wrong(format!("{count} rows set aside for {what}")),
    }
}
