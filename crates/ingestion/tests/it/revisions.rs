//! Gates that compare figures with those that they restate, and parts with totals.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{GateMode, Verdict};
use orewatch_ingestion::client::Options;

use crate::comtrade::{csv, row};
use crate::harness::{Service, file, lenient, trade};
use crate::policy::gate;

/// Graphite from China to ten economies, each with a value.
pub(crate) fn flows(vintage: &str, value: impl Fn(u32) -> f64) -> String {
    let importers = ["DEU", "FRA", "ITA", "ESP", "POL", "NLD", "BEL", "AUT", "CZE", "SWE"];
    let rows: Vec<_> = (0_u32..)
        .zip(importers)
        .map(|(place, importer)| format!("2020,CHN,{importer},250410,{},1", value(place)))
        .collect();
    trade(vintage, &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn gates_of_revisions_and_bases_pass_warn_block_and_are_off() {
    let service = Service::start().await;
    assert!(service.take("a.csv", flows("1", |_| 10.0)).await.unwrap().is_committed());
    let judged = async |gated: &str, vintage: &str, content: String, mode: GateMode| {
        let gates = BTreeMap::from([(gated.to_owned(), mode)]);
        let options = Options { gates, ..Options::default() };
        let outcome = service.ingest(vec![file("a.csv", content)], options).await.unwrap();
        assert_eq!(outcome.is_committed(), mode != GateMode::Block, "{gated} {vintage}");
        gate(&outcome, gated).clone()
    };
    let much = |place: u32| if place < 5 { 10.0 + f64::from(place) * 10.0 } else { 12.0 };
    for (gated, vintage, content, mode, verdict) in [
        ("revisions", "2", flows("2", much), GateMode::Block, Verdict::Block),
        ("revisions", "3", flows("3", much), GateMode::Off, Verdict::Off),
        ("bases", "4", flows("4", |place| 1.4 * much(place)), GateMode::Block, Verdict::Block),
        ("bases", "5", flows("5", |place| 1.4 * much(place)), GateMode::Unspecified, Verdict::Warn),
        ("bases", "6", flows("6", |place| 3.0 * much(place)), GateMode::Off, Verdict::Off),
        ("revisions", "7", flows("7", |place| 9.0 * much(place)), GateMode::Unspecified, Verdict::Warn),
        ("revisions", "8", flows("8", |place| 9.1 * much(place)), GateMode::Unspecified, Verdict::Pass),
        ("bases", "9", flows("9", |place| 9.1 * much(place) + 1.0), GateMode::Unspecified, Verdict::Pass),
    ] {
        let found = judged(gated, vintage, content, mode).await;
        assert_eq!(found.verdict(), verdict, "{gated} {vintage}: {found:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn procedures_without_a_total_are_warned_of() {
    let service = Service::start().await;
    let part = |weight, customs| row(["2021", "360", "M", "156", "750210", customs, "0", weight, "100"]);
    let whole = || row(["2021", "360", "M", "36", "750210", "C00", "0", "4", "100"]);
    for (weight, mode, verdict) in [
        ("5", GateMode::Unspecified, Verdict::Warn),
        ("6", GateMode::Off, Verdict::Off),
        ("7", GateMode::Block, Verdict::Block),
    ] {
        let options = Options { gates: BTreeMap::from([("procedures".to_owned(), mode)]), ..lenient() };
        let content = csv(&[part(weight, "C04"), whole()]);
        let outcome = service.ingest(vec![file("c.csv", content)], options).await.unwrap();
        let found = gate(&outcome, "procedures");
        assert_eq!(found.verdict(), verdict, "{found:?}");
    }
    let outcome = service.ingest(vec![file("c.csv", csv(&[whole()]))], lenient()).await.unwrap();
    assert_eq!(gate(&outcome, "procedures").verdict(), Verdict::Pass);
    service.stop().await;
}

#[tokio::test]
async fn sums_twice_their_total_are_warned_of() {
    let service = Service::start().await;
    let from = |partner| row(["2021", "360", "M", partner, "750210", "C00", "0", "4", "100"]);
    let content = csv(&[from("156"), from("36"), from("0")]);
    let outcome = service.ingest(vec![file("c.csv", content)], lenient()).await.unwrap();
    let found = gate(&outcome, "procedures");
    assert_eq!(found.verdict(), Verdict::Warn);
    assert!(found.message.starts_with("1 sums are exactly twice their declared total"), "{found:?}");
    service.stop().await;
}
