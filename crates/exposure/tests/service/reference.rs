//! Figures of the reference tables that ship with the catalogue.
use std::io::Read as _;

use orewatch_catalog::reference;
use orewatch_contracts::common::v1::{Status, as_at::At};
use orewatch_contracts::ingestion::v1::Table;

use crate::kit::{Api, House, Output, Trade, production, subject, trade};

/// Rows of a chunk.
const CHUNK: usize = 4096;

/// The rows of a reference table.
pub(crate) fn rows(name: &str) -> Vec<csv::StringRecord> {
    let table = reference::tables().iter().find(|table| table.name.contains(name)).expect("the table");
    let mut text = String::new();
    flate2::read::GzDecoder::new(table.bytes).read_to_string(&mut text).expect("a gzip of text");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.records().map(|record| record.expect("a row")).collect()
}

pub(crate) fn flow(row: &csv::StringRecord) -> Trade<'_> {
    (&row[0], &row[1], &row[2], &row[3], row[4].parse().unwrap_or(f64::NAN), row[5].parse().ok())
}

fn output(row: &csv::StringRecord) -> Output<'_> {
    (&row[0], &row[1], &row[2], &row[3], row[4].parse().ok(), &row[6])
}

pub(crate) async fn load_trade(house: &House, id: &str) {
    let records = rows("trade-baci-hs92");
    house.open(id, Table::Trade).await;
    for (chunk, records) in records.chunks(CHUNK).enumerate() {
        let rows: Vec<_> = records.iter().map(flow).collect();
        house.record(id, u32::try_from(chunk).unwrap(), trade(&rows, 1)).await;
    }
    house.commit(id).await;
}

pub(crate) async fn load_production(house: &House, id: &str, name: &str) -> u64 {
    let records = rows(name);
    let rows: Vec<_> = records.iter().map(output).collect();
    house.open(id, Table::Production).await;
    house.record(id, 0, production(&rows)).await;
    house.commit(id).await
}

async fn share(api: &mut Api, path: [&str; 4], as_of: &str) -> f64 {
    let [consumer, material, stage, supplier] = path;
    let subject = subject([consumer, material, stage, "import-share", supplier]);
    api.estimate(subject, as_of).await.value.expect("a value")
}

fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 0.000_51, "{actual} is not {expected}");
}

#[tokio::test]
async fn the_reference_figures_say_what_they_are_known_to_say() {
    let house = House::new();
    load_trade(&house, "baci-hs92/202601-aaaaaaaaaaaa").await;
    load_production(&house, "usgs-mcs/MCS2025-aaaaaaaaaaaa", "MCS2025").await;
    let last = load_production(&house, "usgs-mcs/MCS2026-bbbbbbbbbbbb", "MCS2026").await;
    let mut api = house.serve().await;
    api.published(last).await;

    let g7 = [0.6107, 0.709, 0.6026, 0.616, 0.617, 0.512, 0.6773];
    for (year, expected) in (2018..).zip(g7) {
        assert_near(
            share(&mut api, ["G7", "rare-earths", "refined", "CHN"], &format!("{year}")).await,
            expected,
        );
    }
    assert_near(share(&mut api, ["EU27", "rare-earths", "refined", "CHN"], "2018").await, 0.2917);
    assert_near(share(&mut api, ["EU27", "rare-earths", "refined", "CHN"], "").await, 0.4416);
    assert_near(share(&mut api, ["JPN", "graphite", "mined", "CHN"], "2018").await, 0.951);
    assert_near(share(&mut api, ["JPN", "graphite", "mined", "CHN"], "2024").await, 0.8903);

    let top = subject(["DEU", "manganese", "mined", "import-top3", ""]);
    assert_eq!(api.get(top, "2022", None).await.unwrap().names, ["NLD", "BEL", "MAR"]);
    for (supplier, expected) in [("NLD", 0.302), ("BEL", 0.207), ("MAR", 0.128), ("ZAF", 0.018)] {
        let actual = share(&mut api, ["DEU", "manganese", "mined", supplier], "2022").await;
        assert!((actual - expected).abs() < 0.0006, "{supplier}: {actual}");
    }

    let antimony = subject(["WLD", "antimony", "mined", "production-top1", ""]);
    let before = api.get(antimony.clone(), "2024", Some(At::Release("MCS2025".to_owned()))).await.unwrap();
    assert_near(before.estimate.unwrap().value.unwrap(), 60_000.0 / 103_960.0);
    let after = api.get(antimony, "2024", None).await.unwrap();
    let estimate = after.estimate.unwrap();
    assert_eq!((after.names, estimate.status()), (vec!["CHN".to_owned()], Status::Known));
    assert!((estimate.value.unwrap() - 0.336).abs() < 0.0005);
    api.stop().await;
}
