//! Columns of trade in their two forms.

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::{Product, TradeColumns};
use orewatch_eventlog::Error;
use proptest::prelude::*;

use crate::log::{Log, of, seen};

const DIGITS: u32 = 3;

/// Exporter, importer, value, quantity (None: not known), line.
type Row = (u32, u32, Option<u64>, Option<u64>, u32);

fn row() -> impl Strategy<Value = Row> {
    let amount = || prop::option::weighted(0.9, prop_oneof![0..10_u64, 0..1_u64 << 40, 0..1_u64 << 53]);
    (0..4_u32, 0..4_u32, amount(), amount(), 1..1_000_000_u32)
}

fn dictionaries() -> TradeColumns {
    let text = |text: &&str| (*text).to_owned();
    TradeColumns {
        periods: vec!["2023".to_owned()],
        economies: ["BEL", "CHN", "COD", "DEU"].iter().map(text).collect(),
        products: vec![Product {
            code: "260500".to_owned(),
            material: "cobalt".to_owned(),
            stage: "mined".to_owned(),
            ..Product::default()
        }],
        ..TradeColumns::default()
    }
}

/// The nearest double to a decimal, as the standard library reads it.
fn number(scaled: Option<u64>) -> f64 {
    scaled.map_or(f64::NAN, |scaled| format!("{scaled}e-{DIGITS}").parse().unwrap())
}

fn status(amount: Option<u64>) -> i32 {
    amount.map_or(Status::Withheld, |_| Status::Known).into()
}

fn plain(rows: &[Row]) -> TradeColumns {
    TradeColumns {
        period: vec![0; rows.len()],
        product: vec![0; rows.len()],
        value: rows.iter().map(|row| number(row.2)).collect(),
        quantity: rows.iter().map(|row| number(row.3)).collect(),
        line: rows.iter().map(|row| row.4.into()).collect(),
        ..shared(rows)
    }
}

fn compact(rows: &[Row]) -> TradeColumns {
    let lines = rows.iter().map(|row| i64::from(row.4));
    let before = [0].into_iter().chain(lines.clone());
    TradeColumns {
        value_scaled: rows.iter().map(|row| row.2.unwrap_or(0)).collect(),
        value_digits: DIGITS,
        quantity_scaled: rows.iter().map(|row| row.3.unwrap_or(0)).collect(),
        quantity_digits: DIGITS,
        line_step: lines.zip(before).map(|(line, before)| line - before).collect(),
        ..shared(rows)
    }
}

/// What both forms write alike.
fn shared(rows: &[Row]) -> TradeColumns {
    TradeColumns {
        exporter: rows.iter().map(|row| row.0).collect(),
        importer: rows.iter().map(|row| row.1).collect(),
        value_status: rows.iter().map(|row| status(row.2)).collect(),
        quantity_status: rows.iter().map(|row| status(row.3)).collect(),
        ..dictionaries()
    }
}

proptest! {
    #[test]
    fn both_forms_give_the_same_book_to_the_bit(chunks in prop::collection::vec(prop::collection::vec(row(), 0..60), 1..4)) {
        let [plain, compact] = [plain, compact].map(|form| of(&chunks.iter().map(|rows| form(rows)).collect::<Vec<_>>()));
        prop_assert_eq!(seen(plain.book()), seen(compact.book()));
    }
}

/// A row that both forms can say, then what is changed in the columns.
fn corrupt(change: impl FnOnce(&mut TradeColumns)) -> String {
    let mut columns = compact(&[(1, 3, Some(1_500), Some(20), 7), (1, 0, Some(1), None, 9)]);
    change(&mut columns);
    let mut log = Log::default();
    log.open();
    match log.record(0, &columns) {
        Err(Error::Corrupt { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn columns_that_do_not_fit_together_are_refused() {
    let told = [
        (corrupt(|columns| columns.importer.truncate(1)), "`importer` has another length"),
        (corrupt(|columns| columns.period = vec![0]), "`period` has another length"),
        (corrupt(|columns| columns.line = vec![1, 2]), "`line` has another length"),
        (corrupt(|columns| columns.value_scaled.clear()), "`value` has another length"),
        (corrupt(|columns| columns.quantity_status = vec![1]), "`quantity_status` has another length"),
        (corrupt(|columns| columns.exporter = vec![1, 4]), "`exporter` is too short or points outside"),
        (corrupt(|columns| columns.product = vec![0, 1]), "`product` is too short or points outside"),
        (corrupt(|columns| columns.periods.clear()), "`period` is too short or points outside"),
        (corrupt(|columns| columns.products.clear()), "`product` is too short or points outside"),
        (corrupt(|columns| columns.file = vec![0, 65_536]), "`file` is too short or points outside"),
        (corrupt(|columns| columns.value_digits = 10), "`value_digits` is 10"),
        (corrupt(|columns| columns.value_scaled = vec![0, 1 << 53]), "`value_scaled` has a number of 2^53"),
        (corrupt(|columns| columns.line_step = vec![1, -2]), "`line_step` leads to a line that cannot be"),
        (
            corrupt(|columns| columns.economies = vec!["XXX".to_owned(); 4]),
            "its economy \"XXX\" is not known",
        ),
    ];
    for (reason, expected) in told {
        assert!(reason.contains(expected), "{reason}");
    }
}
