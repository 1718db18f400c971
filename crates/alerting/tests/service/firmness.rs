//! Rules that require firm published figures: alerts fire all the same, and say that they are not confirmed.
use orewatch_alerting::Config;
use orewatch_contracts::alerting::v1::{Alert, AlertState, Certainty};
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{DatasetRevision, ExposureColumns, ExposuresChanged, RevisionSize};
use orewatch_eventlog::StreamName;
use orewatch_runtime::Context;
use orewatch_store::snapshots::SnapshotPlace;
use std::path::Path;
use std::sync::Arc;

use crate::kit::{Desk, Service, Still, china_rule};

/// Appends shares of China in cobalt, by consumer, of one year and edition of a dataset whose figures were
/// revised so much so far.
async fn publish(desk: &Desk, year: u16, median: Option<f64>, shares: &[(&str, f64)]) -> u64 {
    let stream = StreamName::new("exposures.cobalt").unwrap();
    let expected = desk.exposures.last(&stream).await.unwrap();
    let kind = CauseKind::ReleaseCommitted.into();
    let cause = Cause { kind, release: "baci/1".to_owned(), position: expected + 1, time: None };
    let mut columns = ExposureColumns {
        suppliers: vec![String::new(), "CHN".to_owned()],
        measures: vec!["import-share/1".to_owned()],
        ..ExposureColumns::default()
    };
    for (k, (consumer, share)) in (0..).zip(shares) {
        columns.consumers.push((*consumer).to_owned());
        columns.consumer.push(k);
        columns.supplier.push(1);
        columns.measure.push(0);
        columns.value.push(*share);
    }
    let by_quantity = median.map(|median| RevisionSize { median, p90: median * 2.0 });
    let dataset = "baci".to_owned();
    let revised =
        DatasetRevision { dataset, trade: true, editions: 2, by_quantity, ..DatasetRevision::default() };
    let [material, stage, period] = ["cobalt".to_owned(), "refined".to_owned(), year.to_string()];
    let change = ExposuresChanged {
        market: Some(Market { material, stage, period }),
        cause: Some(cause.clone()),
        columns: Some(columns),
        revisions: if median.is_some() { vec![revised] } else { Vec::new() },
        ..ExposuresChanged::default()
    };
    desk.append(&stream, expected, vec![change], cause).await
}

async fn start(desk: &Desk, dir: &Path) -> Service {
    let (health, _server) = tonic_health::server::health_reporter();
    let config = Config { snapshots: Some(SnapshotPlace::folder(dir)), ..Config::default() };
    Service::start_with(Context::new(Arc::new(Still), health), desk.logs(), config).await
}

async fn only(service: &mut Service) -> Alert {
    service.all().await.into_iter().find(|alert| alert.id.contains("DEU")).expect("Germany's alert")
}

#[tokio::test]
async fn an_alert_on_weak_figures_fires_and_is_confirmed_once_they_are_soft() {
    let desk = Desk::new();
    let dir = tempfile::tempdir().unwrap();
    let mut service = start(&desk, dir.path()).await;
    service.put(china_rule("r", "confirm: {revision: soft}")).await;
    let position = publish(&desk, 2024, None, &[("DEU", 0.8)]).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await, ["Fired r/DEU/cobalt/refined/CHN 2024 CROSSED"], "it is not held");
    let alert = only(&mut service).await;
    assert_eq!((alert.state(), alert.certainty()), (AlertState::Firing, Certainty::NotConfirmed));
    assert_eq!(alert.finding, "no revision is known yet");
    assert!(alert.text.ends_with("Not confirmed: no revision is known yet."), "{}", alert.text);

    // A second edition: the figures of another consumer are told, and with them what holds for all.
    let position = publish(&desk, 2024, Some(0.06), &[("JPN", 0.1)]).await;
    service.evaluated(position).await;
    let weak = only(&mut service).await;
    assert_eq!(weak.certainty(), Certainty::NotConfirmed);
    assert!(
        weak.finding.starts_with("figures of baci are weak: half were revised by 6.0 %"),
        "{}",
        weak.finding
    );
    service.stop().await;
    assert!(dir.path().join("alerting/newest").exists());
    let mut service = start(&desk, dir.path()).await;
    service.evaluated(position).await;
    assert_eq!(only(&mut service).await, weak, "a restart from the snapshot says the same");

    let position = publish(&desk, 2024, Some(0.04), &[("JPN", 0.2)]).await;
    service.evaluated(position).await;
    let alert = only(&mut service).await;
    assert_eq!((alert.certainty(), alert.finding.as_str()), (Certainty::Confirmed, ""));
    assert_eq!(desk.transitions().await.len(), 1, "no transition follows");
    service.stop().await;
}
