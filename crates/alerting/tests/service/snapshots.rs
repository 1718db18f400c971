//! Restarts from a snapshot, and snapshots that are not used.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orewatch_alerting::Config;
use orewatch_contracts::alerting::v1::AlertFilter;
use orewatch_runtime::Context;
use orewatch_store::snapshots::SnapshotPlace;

use crate::kit::{Desk, Service, Still, china_rule, shares};

async fn start(desk: &Desk, dir: &Path) -> Service {
    let (health, _server) = tonic_health::server::health_reporter();
    let config = Config { snapshots: Some(SnapshotPlace::folder(dir)), ..Config::default() };
    Service::start_with(Context::new(Arc::new(Still), health), desk.logs(), config).await
}

/// What a service says of everything.
async fn all_answers(service: &mut Service) -> String {
    let list = service.list(AlertFilter::default()).await;
    let rules = service.client.list_rules(orewatch_contracts::alerting::v1::ListRulesRequest::default());
    format!("{:?} {:?} {:?}", list.alerts, list.evaluated_position, rules.await.unwrap().into_inner())
}

#[tokio::test]
async fn a_restart_from_a_snapshot_gives_the_same_answers_as_one_without() {
    let desk = Desk::new();
    let dir = tempfile::tempdir().unwrap();
    let mut service = start(&desk, dir.path()).await;
    service.put(china_rule("r", "hold: {periods: 1}\nlimit: 1")).await;
    let steps: &[(&'static str, &[(u16, f64)])] = &[
        ("DEU", &[(2021, 0.7), (2022, 0.8)]),
        ("JPN", &[(2021, 0.9), (2022, 0.9)]),
        ("DEU", &[(2022, 0.1)]),
        ("DEU", &[(2023, 0.9), (2024, 0.95)]),
    ];
    for (k, (consumer, years)) in steps.iter().enumerate() {
        let position = desk.publish("cobalt", &format!("a/{k}"), shares(consumer, "refined", years)).await;
        service.evaluated(position).await;
        service.stop().await;
        assert!(dir.path().join("alerting/newest").exists());
        let mut from_logs = desk.start().await;
        from_logs.evaluated(position).await;
        let expected = all_answers(&mut from_logs).await;
        from_logs.stop().await;
        service = start(&desk, dir.path()).await;
        service.evaluated(position).await;
        assert_eq!(all_answers(&mut service).await, expected, "after step {k}");
    }
    service.put(china_rule("other", "")).await;
    let position = desk.publish("cobalt", "b", shares("KOR", "refined", &[(2024, 0.99)])).await;
    service.evaluated(position).await;
    let told = desk.transitions().await;
    assert!(told.iter().any(|line| line.starts_with("Fired other/KOR/")), "{told:?}");
    service.stop().await;
}

/// The newest snapshot in a folder.
fn newest(dir: &Path) -> PathBuf {
    let list = std::fs::read_to_string(dir.join("alerting/newest")).unwrap();
    let digest = list.split("\"digest\": \"").nth(1).unwrap().split('"').next().unwrap();
    dir.join("alerting").join(digest)
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_cut_off_or_of_another_log_is_not_used() {
    let desk = Desk::new();
    let dir = tempfile::tempdir().unwrap();
    let mut service = start(&desk, dir.path()).await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2023, 0.7), (2024, 0.8)])).await;
    service.evaluated(position).await;
    let expected = all_answers(&mut service).await;
    service.stop().await;

    let file = newest(dir.path());
    let good = std::fs::read(&file).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut newer = good.clone();
    newer[8] = 200;
    for bad in [flipped, newer, good[..good.len() / 2].to_vec(), good[..10].to_vec(), Vec::new()] {
        std::fs::write(&file, bad).unwrap();
        let mut service = start(&desk, dir.path()).await;
        service.evaluated(position).await;
        assert_eq!(all_answers(&mut service).await, expected);
        service.stop().await;
    }

    // The same positions, other logs.
    let other = Desk::new();
    std::fs::write(&file, &good).unwrap();
    let mut service = start(&other, dir.path()).await;
    service.put(china_rule("s", "")).await;
    let position = other.publish("cobalt", "a", shares("JPN", "refined", &[(2024, 0.8)])).await;
    service.evaluated(position).await;
    assert_eq!(service.all().await[0].id, "s/JPN/cobalt/refined/CHN");
    service.stop().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_replaced_and_an_old_file_is_removed() {
    let desk = Desk::new();
    let dir = tempfile::tempdir().unwrap();
    let (list, old) = (dir.path().join("alerting/newest"), dir.path().join("alerting.snapshot"));
    std::fs::create_dir_all(dir.path().join("alerting")).unwrap();
    std::fs::write(&list, "not a list").unwrap();
    std::fs::write(&old, "OREWSNAP of an earlier version").unwrap();
    let mut service = start(&desk, dir.path()).await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.8)])).await;
    service.evaluated(position).await;
    service.stop().await;
    assert!(newest(dir.path()).exists());
    assert!(!old.exists());
}
