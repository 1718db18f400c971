//! Columns of trade in their two forms.

use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Product, TradeColumns};
use orewatch_eventlog::Error;
use proptest::prelude::*;
use prost::Message;

use crate::log::{Log, committed_log, seen};

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

pub(crate) fn compact(rows: &[Row]) -> TradeColumns {
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
    fn both_forms_give_the_same_book_to_the_bit(
        chunks in prop::collection::vec(prop::collection::vec(row(), 0..150), 1..4),
    ) {
        let [plain, compact] = [plain, compact].map(|form| {
            let columns: Vec<_> = chunks.iter().map(|rows| form(rows)).collect();
            committed_log(&columns)
        });
        prop_assert_eq!(seen(plain.book()), seen(compact.book()));
    }
}

/// Periods and products of the rows of a chunk of several markets.
const PERIODS: [&str; 2] = ["2022", "2023-05"];
const STAGES: [&str; 2] = ["mined", "refined"];

/// Rows of a period and a product each, in one chunk.
fn mixed(rows: &[((u32, u32), Row)]) -> TradeColumns {
    let product = |stage: &&str| Product { stage: (*stage).to_owned(), ..dictionaries().products.remove(0) };
    let only: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
    TradeColumns {
        periods: PERIODS.map(str::to_owned).to_vec(),
        products: STAGES.iter().map(product).collect(),
        period: rows.iter().map(|((period, _), _)| *period).collect(),
        product: rows.iter().map(|((_, product), _)| *product).collect(),
        ..compact(&only)
    }
}

/// The same rows in a chunk a market.
fn apart(rows: &[((u32, u32), Row)]) -> Vec<TradeColumns> {
    let markets = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let of_market = |market| rows.iter().filter(move |row| row.0 == market).copied().collect::<Vec<_>>();
    markets.into_iter().map(|market| mixed(&of_market(market))).collect()
}

proptest! {
    #[test]
    fn chunks_of_one_market_and_of_several_give_the_same_book(
        rows in prop::collection::vec(((0..2_u32, 0..2_u32), row()), 0..400),
    ) {
        // A line each: rows that agree in everything else are told apart by it.
        let line =
            |(line, (market, row)): (u32, ((u32, u32), Row))| (market, (row.0, row.1, row.2, row.3, line));
        let rows: Vec<_> = (2..).zip(rows).map(line).collect();
        let [one, several] = [vec![mixed(&rows)], apart(&rows)].map(|chunks| committed_log(&chunks));
        prop_assert_eq!(seen(one.book()), seen(several.book()));
    }
}

proptest! {
    /// Whatever is damaged: what is not refused when it is recorded can be read.
    #[test]
    fn a_damaged_chunk_is_refused_or_can_be_read(
        rows in prop::collection::vec(row(), 60..100),
        in_compact in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let columns = if in_compact { compact(&rows) } else { plain(&rows) };
        let recorded = ObservationsRecorded { chunk: 0, columns: Some(Columns::Trade(columns)) };
        let mut data = recorded.encode_to_vec();
        for (place, byte) in damage {
            *place.get_mut(&mut data) = byte;
        }
        let mut log = Log::default();
        log.open();
        let is_recorded = log.push_data("ObservationsRecorded", data.into()).is_ok();
        log.commit();
        let count: usize = seen(log.book()).iter().map(|(_, rows)| rows.len()).sum();
        prop_assert!(is_recorded || count == 0);
    }
}

#[test]
fn columns_that_are_not_packed_are_read_as_well() {
    let rows = [(1, 3, Some(1_500), Some(20), 7), (1, 0, Some(1), None, 9)];
    let mut columns = compact(&rows);
    let (exporter, importer) = (std::mem::take(&mut columns.exporter), std::mem::take(&mut columns.importer));
    let mut inner = columns.encode_to_vec();
    for number in exporter {
        prost::encoding::uint32::encode(5, &number, &mut inner);
    }
    // And a packed column in two runs.
    for number in importer {
        prost::encoding::uint32::encode_packed(6, &[number], &mut inner);
    }
    let mut data = Vec::new();
    prost::encoding::bytes::encode(2, &inner, &mut data);
    let mut log = Log::default();
    log.open();
    log.push_data("ObservationsRecorded", data.into()).unwrap();
    log.commit();
    assert_eq!(seen(log.book()), seen(committed_log(&[plain(&rows)]).book()));
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
        (corrupt(|columns| columns.importer.truncate(1)), "`importer` is not as long"),
        (corrupt(|columns| columns.period = vec![0]), "`period` is not as long"),
        (corrupt(|columns| columns.line = vec![1, 2]), "`line` is not as long"),
        (corrupt(|columns| columns.value_scaled.clear()), "`value` is not as long"),
        (corrupt(|columns| columns.quantity_status = vec![1]), "`quantity_status` is not as long"),
        (corrupt(|columns| columns.exporter = vec![1, 4]), "`exporter` is too short or points outside"),
        (corrupt(|columns| columns.product = vec![0, 1]), "`product` is too short or points outside"),
        (corrupt(|columns| columns.periods.clear()), "`period` is too short or points outside"),
        (corrupt(|columns| columns.products.clear()), "`product` is too short or points outside"),
        (corrupt(|columns| columns.file = vec![0, 65_536]), "`file` is too short or points outside"),
        (corrupt(|columns| columns.value_digits = 10), "`value_digits` is 10"),
        (corrupt(|columns| columns.value_scaled = vec![0, 1 << 53]), "`value_scaled` has a number of 2^53"),
        (
            corrupt(|columns| columns.economies = vec!["XXX".to_owned(); 4]),
            "does not know its economy \"XXX\"",
        ),
    ];
    for (reason, expected) in told {
        assert!(reason.contains(expected), "{reason}");
    }
}
