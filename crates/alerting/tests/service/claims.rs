//! Rules on verdicts: what fires and resolves, why, and after a restart.
use std::path::Path;
use std::sync::Arc;

use orewatch_alerting::Config;
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::{By, Cause, CauseKind};
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged};
use orewatch_eventlog::{NewEvent, StreamName};
use orewatch_rules::rules::parse;
use orewatch_runtime::{Clock as _, Context};
use orewatch_store::snapshots::SnapshotPlace;
use prost::Message as _;
use uuid::Uuid;

use crate::kit::{Desk, Service, Still, shares};

/// A claim about China's share of an economy's imports of two materials.
fn claim(id: &str, before: ClaimVerdict, after: ClaimVerdict) -> ClaimVerdictChanged {
    ClaimVerdictChanged {
        claim: id.to_owned(),
        text: "China supplies half".to_owned(),
        said_by: "a minister".to_owned(),
        consumer: "DEU".to_owned(),
        materials: vec!["cobalt".to_owned(), "lithium".to_owned()],
        stage: "refined".to_owned(),
        supplier: "CHN".to_owned(),
        measure: "import-share/1".to_owned(),
        before: before.into(),
        after: after.into(),
        reason: "The figures differ.".to_owned(),
        figures: "70.0 % to 80.0 %".to_owned(),
        ..ClaimVerdictChanged::default()
    }
}

/// Appends a verdict that a release changed. Returns its position.
async fn publish(desk: &Desk, release: &str, changed: ClaimVerdictChanged) -> u64 {
    let stream = StreamName::new("exposures.claims").unwrap();
    let expected = desk.exposures.last(&stream).await.unwrap();
    let position = desk.exposures.extent().await.unwrap().head + 1;
    let kind = CauseKind::ReleaseCommitted.into();
    let cause = Some(Cause { kind, release: release.to_owned(), position, time: None });
    let event = NewEvent {
        id: Uuid::now_v7(),
        kind: "orewatch.exposure.v1.ClaimVerdictChanged".to_owned(),
        time: Still.now(),
        data: ClaimVerdictChanged { cause, ..changed }.encode_to_vec().into(),
        traceparent: None,
    };
    desk.exposures.append(&stream, expected, vec![event]).await.unwrap()[0]
}

/// Shares of China in two years, in two materials.
async fn figures(desk: &Desk) -> u64 {
    let years = [(2023, 0.7), (2024, 0.8)];
    desk.publish("lithium", "figures/1", shares("DEU", "refined", &years)).await;
    desk.publish("cobalt", "figures/1", shares("DEU", "refined", &years)).await
}

fn rule(id: &str, when: &str, more: &str) -> Rule {
    let text = format!(
        "id: {id}\ntitle: A claim does not hold\nmeasure: import-share\nselect: {{supplier: CHN}}\n\
         when: {when}\n{more}\n"
    );
    parse("rule.yaml", text.as_bytes()).unwrap().remove(0)
}

async fn start(desk: &Desk, dir: &Path) -> Service {
    let (health, _server) = tonic_health::server::health_reporter();
    let config = Config { snapshots: Some(SnapshotPlace::folder(dir)), ..Config::default() };
    Service::start_with(Context::new(Arc::new(Still), health), desk.logs(), config).await
}

#[tokio::test]
async fn a_verdict_fires_for_each_material_names_its_release_and_resolves_with_the_last_claim() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(rule("r", "{claim: contradicted}", "severity: {warning: 0, critical: 0.75}")).await;
    let (none, agrees) = (ClaimVerdict::Unspecified, ClaimVerdict::Agrees);
    figures(&desk).await;
    let first = publish(&desk, "figures/1", claim("half", none, agrees)).await;
    service.evaluated(first).await;
    assert!(service.all().await.is_empty());

    let contradicted = ClaimVerdict::Contradicted;
    publish(&desk, "figures/2", claim("half", agrees, contradicted)).await;
    let both = publish(&desk, "press/1", claim("other", none, contradicted)).await;
    service.evaluated(both).await;
    let alerts = service.all().await;
    let ids: Vec<_> = alerts.iter().map(|alert| alert.id.as_str()).collect();
    assert_eq!(ids, ["r/DEU/cobalt/refined/CHN", "r/DEU/lithium/refined/CHN"]);
    for alert in &alerts {
        assert_eq!((alert.state(), alert.period.as_str()), (AlertState::Firing, "2024"), "{alert:#?}");
        assert_eq!((alert.reason(), alert.severity.as_str()), (Reason::Crossed, "critical"));
        assert_eq!(alert.condition, "a claim about it is contradicted");
        let finding = "claim \"China supplies half\" by a minister: contradicted, figures 70.0 % to 80.0 %";
        assert_eq!(alert.finding, format!("{finding}; and 1 more claim"));
        assert_eq!(alert.certainty(), Certainty::Confirmed);
    }
    // At the transition it was the release of the first of the two; now it is that of the newest.
    let fired = service.history("r/DEU/cobalt/refined/CHN").await;
    let fired = orewatch_rules::alert::alert_of(&fired[0]).unwrap().clone();
    assert_eq!(fired.cause.unwrap().release, "figures/2");
    assert_eq!(alerts[0].cause.as_ref().unwrap().release, "press/1");

    // One of the two is withdrawn; the other is enough. Then it agrees.
    let one = publish(&desk, "press/1", claim("other", contradicted, none)).await;
    service.evaluated(one).await;
    assert!(service.all().await.iter().all(|alert| alert.state() == AlertState::Firing));
    let last = publish(&desk, "figures/3", claim("half", contradicted, agrees)).await;
    service.evaluated(last).await;
    let resolved = service.all().await;
    assert_eq!(resolved.len(), 2);
    for alert in resolved {
        assert_eq!((alert.state(), alert.reason()), (AlertState::Resolved, Reason::Cleared), "{alert:#?}");
        assert_eq!(alert.cause.unwrap().release, "figures/3");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_claim_concerns_its_own_subject_and_basis_only() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(rule("r", "{claim: contradicted}", "")).await;
    figures(&desk).await;
    let claim = claim("half", ClaimVerdict::Unspecified, ClaimVerdict::Contradicted);
    for other in [
        ClaimVerdictChanged { claim: "a".to_owned(), consumer: "JPN".to_owned(), ..claim.clone() },
        ClaimVerdictChanged { claim: "b".to_owned(), stage: "mined".to_owned(), ..claim.clone() },
        ClaimVerdictChanged { claim: "c".to_owned(), supplier: "VNM".to_owned(), ..claim.clone() },
        ClaimVerdictChanged { claim: "d".to_owned(), measure: "import-top1/1".to_owned(), ..claim.clone() },
        ClaimVerdictChanged { claim: "e".to_owned(), by: By::Value.into(), ..claim.clone() },
        ClaimVerdictChanged { claim: "f".to_owned(), materials: vec!["copper".to_owned()], ..claim.clone() },
    ] {
        let position = publish(&desk, "press/1", other).await;
        service.evaluated(position).await;
    }
    assert!(service.all().await.is_empty());
    // A claim that moves to another material takes its alert along.
    let cobalt = ClaimVerdictChanged { materials: vec!["cobalt".to_owned()], ..claim.clone() };
    publish(&desk, "press/2", cobalt).await;
    let lithium = ClaimVerdictChanged {
        materials: vec!["lithium".to_owned()],
        before: claim.after,
        by: By::Quantity.into(),
        ..claim
    };
    let position = publish(&desk, "press/3", lithium).await;
    service.evaluated(position).await;
    let states: Vec<_> = service.all().await.iter().map(|alert| (alert.id.clone(), alert.state())).collect();
    let [cobalt, lithium] = ["cobalt", "lithium"].map(|material| format!("r/DEU/{material}/refined/CHN"));
    assert_eq!(states, [(cobalt, AlertState::Resolved), (lithium, AlertState::Firing)]);
    service.stop().await;
}

#[tokio::test]
async fn a_restart_from_a_snapshot_knows_the_verdicts_and_a_new_rule_reads_them() {
    let desk = Desk::new();
    let dir = tempfile::tempdir().unwrap();
    let mut service = start(&desk, dir.path()).await;
    service.put(rule("r", "{all: [{above: 0.75}, {claim: contradicted}]}", "")).await;
    figures(&desk).await;
    let none = ClaimVerdict::Unspecified;
    let position = publish(&desk, "press/1", claim("half", none, ClaimVerdict::Contradicted)).await;
    service.evaluated(position).await;
    service.stop().await;
    let mut service = start(&desk, dir.path()).await;
    service.evaluated(position).await;
    service.put(rule("later", "{claim: [contradicted, agrees-only-with]}", "")).await;
    service.put(rule("not", "{not: {claim: contradicted}}", "")).await;
    // The figure falls below the line of the first rule: the second does not depend on it.
    let fell = desk.publish("cobalt", "figures/2", shares("DEU", "refined", &[(2025, 0.5)])).await;
    service.evaluated(fell).await;
    let states = service.all().await;
    let state = |id: &str| {
        let id = format!("{id}/DEU/cobalt/refined/CHN");
        states.iter().find(|alert| alert.id == id).map(|alert| (alert.state(), alert.period.as_str()))
    };
    assert_eq!(state("r"), Some((AlertState::Resolved, "2025")));
    assert_eq!(state("later"), Some((AlertState::Firing, "2025")));
    assert_eq!(state("not"), None);
    let agrees = claim("half", ClaimVerdict::Contradicted, ClaimVerdict::Agrees);
    let agreed = publish(&desk, "press/2", agrees).await;
    service.evaluated(agreed).await;
    let told = desk.transitions().await;
    assert!(told.contains(&"Resolved later/DEU/cobalt/refined/CHN 2025 CLEARED".to_owned()), "{told:?}");
    assert!(told.contains(&"Resolved r/DEU/lithium/refined/CHN 2024 CLEARED".to_owned()), "{told:?}");
    assert!(told.contains(&"Fired not/DEU/lithium/refined/CHN 2024 CROSSED".to_owned()), "{told:?}");
    service.stop().await;
}

#[tokio::test]
async fn a_backtest_follows_the_verdicts_and_says_what_it_does_not_know() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    figures(&desk).await;
    let [none, agrees, contradicted] =
        [ClaimVerdict::Unspecified, ClaimVerdict::Agrees, ClaimVerdict::Contradicted];
    publish(&desk, "press/1", claim("half", none, contradicted)).await;
    publish(&desk, "figures/2", claim("half", contradicted, agrees)).await;
    let position = publish(&desk, "figures/3", claim("half", agrees, contradicted)).await;
    service.evaluated(position).await;
    for (when, notes) in [("{claim: contradicted}", 1), ("{above: 0.5}", 0)] {
        let rule = rule_choice::Choice::Rule(rule("r", when, ""));
        let rule = Some(RuleChoice { choice: Some(rule) });
        let request = BacktestRuleRequest { rule, ..BacktestRuleRequest::default() };
        let mut answers = service.client.backtest_rule(request).await.unwrap().into_inner();
        let mut summary = None;
        while let Some(answer) = answers.message().await.unwrap() {
            if let Some(Message::Summary(found)) = answer.message {
                summary = Some(found);
            }
        }
        let summary = summary.unwrap();
        assert_eq!((summary.notes.len(), summary.firing), (notes, 2), "{summary:#?}");
        if notes == 1 {
            let sent = summary.sent.unwrap();
            assert_eq!((sent.fired, sent.resolved), (4, 2), "{summary:#?}");
            assert!(summary.notes[0].starts_with("Verdicts on claims are not known by period."));
        }
    }
    service.stop().await;
}
