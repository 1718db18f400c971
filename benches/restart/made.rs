//! A log of made-up trade: releases of the size of BACI's raw materials, one chunk a market.
use jiff::Timestamp;
use orewatch_catalog::{HsRevision, economies, hs_codes};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Product, Release, ReleaseCommitted, ReleaseOpened, Table, TradeColumns,
};
use orewatch_eventlog::{EventLog, NewEvent, StreamName};
use orewatch_tests::random::Random;
use prost::{Message, Name};
use uuid::Uuid;

/// Rows of a release.
const RELEASE_ROWS: usize = 1_250_000;
/// Events of an append.
const APPEND_EVENTS: usize = 200;
/// Years of a release.
const YEARS: std::ops::RangeInclusive<u16> = 1995..=2024;

/// Appends releases with so many rows. Returns the bytes of all events.
pub(crate) async fn fill(log: &dyn EventLog, rows: usize) -> u64 {
    let (mut random, mut bytes, mut left) = (Random::new(20_260_101), 0, rows);
    for number in 0.. {
        let rows = left.min(RELEASE_ROWS);
        if rows == 0 {
            break;
        }
        bytes += append(log, number, rows, &mut random).await;
        left -= rows;
    }
    bytes
}

async fn append(log: &dyn EventLog, number: usize, rows: usize, random: &mut Random) -> u64 {
    let id = format!("made-{number}/1-{number:012x}");
    let stream = StreamName::new(format!("observations.{}", id.replace('/', "."))).expect("a name");
    let release = Release {
        id,
        dataset: format!("made-{number}"),
        vintage: "1".to_owned(),
        table: Table::Trade.into(),
        hs_revision: "HS92".to_owned(),
        ..Release::default()
    };
    let markets = markets();
    let each = rows / markets.len();
    let mut events =
        vec![event(&stream, 0, &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() })];
    let mut line = 1;
    for (at, (year, product)) in markets.iter().enumerate() {
        let rows = if at == 0 { rows - each * (markets.len() - 1) } else { each };
        let columns = Some(Columns::Trade(trade(*year, product, rows, &mut line, random)));
        let chunk = u32::try_from(at).expect("few chunks");
        events.push(event(&stream, at + 1, &ObservationsRecorded { chunk, columns }));
    }
    events.push(event(&stream, markets.len() + 1, &ReleaseCommitted::default()));
    let bytes = events.iter().map(|event| u64::try_from(event.data.len()).expect("a size")).sum();
    let mut expected = 0;
    for batch in events.chunks(APPEND_EVENTS) {
        let appended = log.append(&stream, expected, batch.to_vec()).await.expect("an append");
        expected = appended.last().copied().expect("a position");
    }
    bytes
}

fn event<M: Message + Name>(stream: &StreamName, number: usize, message: &M) -> NewEvent {
    NewEvent {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{stream} {number}").as_bytes()),
        kind: M::full_name(),
        time: Timestamp::UNIX_EPOCH,
        data: message.encode_to_vec().into(),
        traceparent: None,
    }
}

/// Every year and product code of HS 1992 in the catalogue.
fn markets() -> Vec<(u16, Product)> {
    let codes = hs_codes().iter().filter(|code| (code.first..=code.last).contains(&HsRevision::Hs92));
    let product = |code: &orewatch_catalog::HsCode| Product {
        code: code.code.to_owned(),
        material: code.material.to_owned(),
        stage: code.stage.to_string(),
        ..Product::default()
    };
    let products: Vec<_> = codes.map(product).collect();
    YEARS.flat_map(|year| products.iter().map(move |product| (year, product.clone()))).collect()
}

/// Rows of a market, sorted as BACI is. A value is a number with three decimals, as BACI has it.
fn trade(year: u16, product: &Product, rows: usize, line: &mut i64, random: &mut Random) -> TradeColumns {
    let codes: Vec<_> = economies().iter().map(|economy| economy.iso3.to_owned()).collect();
    let count = codes.len();
    let mut pairs: Vec<_> = (0..rows).map(|_| (skewed(random, count), skewed(random, count))).collect();
    pairs.sort_unstable();
    let amount = |random: &mut Random| random.number() >> (30 + random.number() % 30);
    let start = *line;
    *line += i64::try_from(rows).expect("few rows");
    TradeColumns {
        periods: vec![year.to_string()],
        economies: codes,
        products: vec![product.clone()],
        exporter: pairs.iter().map(|(exporter, _)| *exporter).collect(),
        importer: pairs.iter().map(|(_, importer)| *importer).collect(),
        value_scaled: pairs.iter().map(|_| amount(random)).collect(),
        value_digits: 3,
        quantity_scaled: pairs.iter().map(|_| amount(random)).collect(),
        quantity_digits: 3,
        line_step: (0..rows).map(|at| if at == 0 { start } else { 1 }).collect(),
        ..TradeColumns::default()
    }
}

/// An index below `len`. Small ones are much more frequent, because few economies do most of the trade.
fn skewed(random: &mut Random, len: usize) -> u32 {
    let part = u128::from(random.number() >> 32);
    let place = u128::try_from(len).map_or(0, |len| (part * part * part * len) >> 96);
    u32::try_from(place).unwrap_or_default()
}
