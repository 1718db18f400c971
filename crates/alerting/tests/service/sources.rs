//! Several sources: a figure that is another source's is told as such and never as the world's, a rule may
//! ask for agreement, and an alert says where the sources disagree.
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::CauseKind;

use crate::kit::{Cell, Desk, Service, china_rule, from_sources, known_share};

const ID: &str = "r/DEU/cobalt/refined/CHN";

async fn publish(desk: &Desk, service: &mut Service, kind: CauseKind, periods: &[(&str, Vec<Cell>)]) {
    let position = desk.publish_for(kind, "cobalt", "a", periods).await;
    service.evaluated(position).await;
}

async fn transitions(desk: &Desk) -> Vec<String> {
    desk.transitions().await.iter().map(|line| line.replace(&format!("{ID} "), "")).collect()
}

/// A service with a rule, and Germany's figures of two years.
async fn begun(more: &str, years: &[(&str, Vec<Cell>)]) -> (Desk, Service) {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", more)).await;
    publish(&desk, &mut service, CauseKind::ReleaseCommitted, years).await;
    (desk, service)
}

#[tokio::test]
async fn a_figure_of_another_source_fires_resolves_and_restates_as_such() {
    for (kind, word) in
        [(CauseKind::SourceChanged, "SOURCE_CHANGED"), (CauseKind::SourcesSeparated, "SOURCES_SEPARATED")]
    {
        let years = [("2023", vec![known_share("DEU", 0.7)]), ("2024", vec![known_share("DEU", 0.9)])];
        let (desk, mut service) = begun("severity: {warning: 0.65, critical: 0.85}", &years).await;
        publish(&desk, &mut service, kind, &[("2024", vec![known_share("DEU", 0.8)])]).await;
        assert_eq!(transitions(&desk).await[2..], [format!("SeverityChanged 2024 {word}")]);
        publish(&desk, &mut service, kind, &[("2024", vec![known_share("DEU", 0.4)])]).await;
        let over = [format!("Restated 2024 {word}"), format!("Resolved 2024 {word}")];
        assert_eq!(transitions(&desk).await[3..], over);
        let Transition::Restated(restated) = &service.history(ID).await[3] else { panic!("it is restated") };
        let past = restated.restatement.as_ref().unwrap();
        assert_eq!(past.cause.as_ref().unwrap().kind(), kind);
        assert_eq!(restated.alert.as_ref().unwrap().state(), AlertState::Firing, "as it stands");
        publish(&desk, &mut service, kind, &[("2025", vec![known_share("DEU", 0.9)])]).await;
        assert_eq!(
            transitions(&desk).await[5..],
            [format!("Fired 2025 {word}")],
            "a new year by another source too"
        );
        publish(&desk, &mut service, CauseKind::ReleaseCommitted, &[("2026", vec![known_share("DEU", 0.1)])])
            .await;
        assert_eq!(transitions(&desk).await[6..], ["Resolved 2026 CLEARED"], "the world again");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_restatement_of_the_past_leaves_the_alert_unchanged_and_is_reported() {
    let years = [
        ("2022", vec![known_share("DEU", 0.7)]),
        ("2023", vec![known_share("DEU", 0.5)]),
        ("2024", vec![known_share("DEU", 0.3)]),
    ];
    let (desk, mut service) = begun("", &years).await;
    publish(&desk, &mut service, CauseKind::ReleaseRestated, &[("2023", vec![known_share("DEU", 0.9)])])
        .await;
    assert_eq!(transitions(&desk).await[2..], ["Restated 2023 RESTATED"]);
    let history = service.history(ID).await;
    let Transition::Restated(restated) = &history[2] else { panic!("{history:?}") };
    let alert = restated.alert.as_ref().unwrap();
    assert_eq!(
        (alert.state(), alert.resolved_at.as_str()),
        (AlertState::Resolved, "2023"),
        "it stays resolved"
    );
    let past = restated.restatement.as_ref().unwrap();
    assert_eq!((past.was(), past.is()), (AlertState::Resolved, AlertState::Firing));
    assert_eq!((past.previous, past.figure.as_ref().unwrap().value), (Some(0.5), Some(0.9)));
    service.stop().await;
}

#[tokio::test]
async fn a_rule_that_requires_agreement_of_sources_fires_once_they_agree() {
    let lone = [("2024", vec![known_share("DEU", 0.8)])];
    let (desk, mut service) = begun("confirmed_by: 2", &lone).await;
    assert_eq!(transitions(&desk).await, ["Pending 2024 CROSSED"], "one source is not two");
    let alert = service.all().await.remove(0);
    assert_eq!((alert.certainty(), alert.sources), (Certainty::NotConfirmed, 0));
    assert!(alert.text.contains("fewer datasets are beyond the line"), "{}", alert.text);

    let restated = CauseKind::ReleaseRestated;
    let differ = from_sources("DEU", 0.8, (2, 0.4, 0.8));
    publish(&desk, &mut service, restated, &[("2024", vec![differ])]).await;
    assert_eq!(transitions(&desk).await.len(), 1, "they disagree");
    let alert = service.all().await.remove(0);
    assert!(alert.sources_disagree);
    assert_eq!((alert.sources, alert.lowest, alert.highest), (2, Some(0.4), Some(0.8)));
    assert_eq!((alert.lowest_dataset.as_str(), alert.highest_dataset.as_str()), ("comtrade", "baci"));

    let agree = from_sources("DEU", 0.8, (2, 0.7, 0.8));
    publish(&desk, &mut service, restated, &[("2024", vec![agree])]).await;
    assert_eq!(
        transitions(&desk).await[1..],
        ["Fired 2024 CONFIRMED"],
        "nothing is restated: the figure is the same"
    );
    let alert = service.all().await.remove(0);
    assert_eq!((alert.certainty(), alert.sources_disagree), (Certainty::Confirmed, false));

    let differ = from_sources("DEU", 0.8, (2, 0.4, 0.8));
    publish(&desk, &mut service, restated, &[("2024", vec![differ])]).await;
    assert_eq!(transitions(&desk).await.len(), 2, "what fires goes on");
    let alert = service.all().await.remove(0);
    assert_eq!((alert.state(), alert.certainty()), (AlertState::Firing, Certainty::NotConfirmed));
    publish(&desk, &mut service, CauseKind::ReleaseCommitted, &[("2025", vec![known_share("DEU", 0.2)])])
        .await;
    assert_eq!(transitions(&desk).await[2..], ["Resolved 2025 CLEARED"]);
    service.stop().await;
}

#[tokio::test]
async fn a_new_period_confirms_too_and_a_hold_runs_beside_it() {
    let years = [
        ("2022", vec![known_share("DEU", 0.8)]),
        ("2023", vec![known_share("DEU", 0.8)]),
        ("2024", vec![from_sources("DEU", 0.8, (3, 0.7, 0.9))]),
    ];
    let (desk, service) = begun("confirmed_by: 3 sources\nhold: {periods: 1}", &years).await;
    assert_eq!(transitions(&desk).await, ["Pending 2022 CROSSED", "Fired 2024 CONFIRMED"]);
    service.stop().await;
    let years =
        [("2023", vec![known_share("DEU", 0.8)]), ("2024", vec![from_sources("DEU", 0.8, (3, 0.7, 0.9))])];
    let (desk, service) = begun("confirmed_by: 3 sources\nhold: {periods: 1}", &years).await;
    assert_eq!(transitions(&desk).await, ["Pending 2023 CROSSED", "Fired 2024 HELD"]);
    service.stop().await;
}

#[tokio::test]
async fn an_alert_reports_disagreement_of_sources_even_if_its_rule_does_not_require_agreement() {
    let years = [("2024", vec![from_sources("DEU", 0.8, (2, 0.4, 0.8))])];
    let (desk, mut service) = begun("", &years).await;
    assert_eq!(transitions(&desk).await, ["Fired 2024 CROSSED"]);
    let alert = service.all().await.remove(0);
    assert!(alert.sources_disagree && alert.certainty() == Certainty::Confirmed, "{alert:?}");
    service.stop().await;
}
