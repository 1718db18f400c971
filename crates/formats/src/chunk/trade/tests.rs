//! Chunks of trade hold exactly what the rows said.
use std::collections::BTreeMap;

use orewatch_catalog::Scheme;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Reporter};
use proptest::prelude::*;
use prost::Message as _;

use super::super::super::Qualifier;
use super::super::super::figure::Figure;
use super::*;
use crate::codes::Codes;
use crate::flows;

/// The rows that are left, as chunks.
fn flush(markets: &mut Markets, names: &Names, full: &mut Vec<Chunk>) {
    let mut some = Vec::new();
    while markets.flush_some(names, &mut some) {
        full.append(&mut some);
    }
}

/// Everything that a row says, figures by their bits.
type DecodedRow = (String, String, String, [(u64, i32); 2], i32, u32);

/// The rows of chunks, by line.
fn decode(chunks: &[Chunk]) -> BTreeMap<i64, DecodedRow> {
    let mut rows = BTreeMap::new();
    for (chunk, number) in chunks.iter().zip(0..) {
        let event = ObservationsRecorded::decode(chunk.data.clone()).unwrap();
        assert_eq!(event.encode_to_vec(), chunk.data, "it is written as prost writes it");
        assert_eq!((event.chunk, chunk.number), (number, number));
        let Some(Columns::Trade(trade)) = event.columns else { panic!("not trade") };
        let mut line = 0;
        for row in 0..trade.exporter.len() {
            line += trade.line_step[row];
            let at = |column: &[u32]| usize::try_from(column.get(row).copied().unwrap_or(0)).unwrap();
            let number = |plain: &[f64], scaled: &[u64], digits| match plain {
                [] => flows::unscaled(scaled[row], flows::ten_to(digits)),
                plain => plain[row],
            };
            let status = |statuses: &[i32]| statuses.get(row).copied().unwrap_or(1);
            let figure = |number: f64, status: i32| match status == i32::from(Status::Known) {
                true => (number.to_bits(), status),
                false => (0, status),
            };
            let value = number(&trade.value, &trade.value_scaled, trade.value_digits);
            let quantity = number(&trade.quantity, &trade.quantity_scaled, trade.quantity_digits);
            let pair = [&trade.exporter, &trade.importer].map(|column| trade.economies[at(column)].clone());
            let figures = [
                figure(value, status(&trade.value_status)),
                figure(quantity, status(&trade.quantity_status)),
            ];
            let reporter = trade.reporter.get(row).copied().unwrap_or(0);
            let file = trade.file.get(row).copied().unwrap_or(0);
            let product = trade.products[at(&trade.product)].code.clone();
            let what =
                (trade.periods[at(&trade.period)].clone(), pair.join(" "), product, figures, reporter, file);
            assert!(rows.insert(line, what).is_none(), "line {line} comes twice");
        }
    }
    rows
}

fn figure() -> impl Strategy<Value = Figure> {
    prop_oneof![
        6 => (0_u32..2_000_000).prop_map(|number| Figure::known(f64::from(number) / 1e3)),
        1 => (0.0..1e12_f64).prop_map(Figure::known),
        1 => Just(Figure::WITHHELD),
        1 => Just(Figure::UNAVAILABLE),
    ]
}

/// The list that product codes follow.
const HS92: orewatch_catalog::Nomenclature =
    orewatch_catalog::Nomenclature::Hs(orewatch_catalog::HsRevision::Hs92);

const PERIODS: [&str; 3] = ["2020", "2021-03", "1999"];
const ECONOMIES: [&str; 4] = ["CHN", "DEU", "USA", "COD"];
const PRODUCTS: [&str; 3] = ["250410", "280530", "260500"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn chunks_hold_what_the_rows_said(
        rows in prop::collection::vec(
            (0_usize..3, 0_usize..4, 0_usize..4, 0_usize..3, figure(), figure(), 0_usize..9),
            1..300,
        ),
        repeated in 1_usize..30,
    ) {
        let mut names = Names::new(Codes::default());
        let periods = PERIODS.map(|text| names.period("t", text).unwrap());
        let economies = ECONOMIES.map(|text| names.economy(Scheme::Iso3, "i", text).unwrap());
        let topics = PRODUCTS.map(|text| names.product(&HS92, "k", text).unwrap().unwrap());
        let (mut markets, mut full, mut expected) = (Markets::default(), Vec::new(), BTreeMap::new());
        let reporters = [Reporter::Importer, Reporter::Exporter];
        let mut line = 0;
        let rows = rows.iter().cycle().take(rows.len() * repeated);
        for (period, exporter, importer, topic, value, quantity, marks) in rows {
            line += 3;
            let reporter = reporters.get(*marks);
            let qualifier = reporter.map_or(Qualifier::None, |reporter| Qualifier::Reported(*reporter));
            let row = Observation {
                period: periods[*period],
                economy: economies[*exporter],
                partner: economies[*importer],
                topic: topics[*topic],
                figures: [*value, *quantity],
                qualifier,
            };
            let file = u32::from(*marks == 8);
            markets.push(&row, file, SourceLocation::row(line), &names, &mut full);
            let bits = |figure: &Figure| match figure.status {
                Status::Known => (figure.number.to_bits(), Status::Known.into()),
                status => (0, status.into()),
            };
            let decoded = (
                PERIODS[*period].to_owned(),
                [*exporter, *importer].map(|place| ECONOMIES[place]).join(" "),
                PRODUCTS[*topic].to_owned(),
                [bits(value), bits(quantity)],
                row.reporter().into(),
                file,
            );
            expected.insert(i64::try_from(line).unwrap(), decoded);
        }
        flush(&mut markets, &names, &mut full);
        prop_assert_eq!(decode(&full), expected);
    }
}

#[test]
fn the_oldest_markets_leave_when_too_many_rows_wait() {
    let mut names = Names::new(Codes::default());
    let topic = names.product(&HS92, "k", "250410").unwrap().unwrap();
    let [chn, deu] = ["CHN", "DEU"].map(|text| names.economy(Scheme::Iso3, "i", text).unwrap());
    let years: Vec<_> = (1990..2060).map(|year| names.period("t", &year.to_string()).unwrap()).collect();
    let (mut markets, mut full) = (Markets::default(), Vec::new());
    let mut emitted_bytes = 0;
    for line in 1..=u64::try_from(MAX_WAITING_ROWS).unwrap() {
        let period = years[usize::try_from(line).unwrap() % years.len()];
        let figures = [Figure::known(1.5), Figure::known(2.0)];
        let row =
            Observation { period, economy: chn, partner: deu, topic, figures, qualifier: Qualifier::None };
        markets.push(&row, 0, SourceLocation::row(line), &names, &mut full);
        emitted_bytes += full.drain(..).map(|chunk| chunk.data.len()).sum::<usize>();
    }
    assert!(markets.waiting <= MAX_WAITING_ROWS / 2 && emitted_bytes > 0, "{} wait", markets.waiting);
    flush(&mut markets, &names, &mut full);
    assert_eq!(markets.waiting, 0);
    let event = ObservationsRecorded::decode(full[0].data.clone()).unwrap();
    let Some(Columns::Trade(trade)) = event.columns else { panic!("not trade") };
    assert_eq!((trade.periods.len(), trade.period.len(), trade.product.len()), (1, 0, 0));
    assert_eq!((trade.value_digits, trade.value_scaled[0]), (1, 15));
}

/// The chunks of rows in three markets a year, and how many of them leave before the end.
fn chunks_of(years: &[i32], rows: usize) -> (usize, Vec<Chunk>) {
    let mut names = Names::new(Codes::default());
    let topics = PRODUCTS.map(|code| names.product(&HS92, "k", code).unwrap().unwrap());
    let [chn, deu] = ["CHN", "DEU"].map(|text| names.economy(Scheme::Iso3, "i", text).unwrap());
    let (mut markets, mut full, mut line) = (Markets::default(), Vec::new(), 0);
    for year in years {
        let period = names.period("t", &year.to_string()).unwrap();
        for topic in topics.iter().cycle().take(rows) {
            line += 1;
            let figures = [Figure::known(1.5), Figure::known(2.0)];
            let (topic, qualifier) = (*topic, Qualifier::None);
            let row = Observation { period, economy: chn, partner: deu, topic, figures, qualifier };
            markets.push(&row, 0, SourceLocation::row(line), &names, &mut full);
        }
    }
    let early = full.len();
    flush(&mut markets, &names, &mut full);
    (early, full)
}

#[test]
fn markets_leave_when_their_period_has_ended() {
    let sorted: Vec<i32> = (1995..2025).collect();
    // Rows that are sorted otherwise, such as by economy, wait as long as they can.
    let mixed: Vec<i32> = [1995, 1996].into_iter().cycle().take(30).collect();
    for (years, rows, early, all) in [
        (&sorted, 300, 0, 2),
        (&sorted, 3_000, 8, 10),
        (&sorted, 12_000, 84, 90),
        (&mixed, 3_000, 0, 6),
        (&mixed, 12_000, 12, 18),
    ] {
        let (left, chunks) = chunks_of(years, rows);
        assert_eq!((left, chunks.len()), (early, all), "{rows} rows of {} years", years.len());
        assert_eq!(decode(&chunks).len(), years.len() * rows);
    }
}
