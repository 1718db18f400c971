//! What is recorded as figures come in, are corrected, go missing, and as rules change.
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertState, Certainty, ListRulesRequest, Reason, RemoveRuleRequest, Rule,
};
use orewatch_contracts::common::v1::Status;
use orewatch_rules::alert::alert_of;

use crate::kit::{Change, Desk, china_rule, pack_rule, shares, top1};

const G7: &[(u16, f64)] = &[
    (2018, 0.6107),
    (2019, 0.709),
    (2020, 0.6026),
    (2021, 0.616),
    (2022, 0.617),
    (2023, 0.512),
    (2024, 0.6773),
];

#[tokio::test]
async fn rare_earths_of_the_g7_fire_resolve_and_fire_again() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(pack_rule("g7-china", "g7-china-rare-earths")).await;
    let position = desk.publish("rare-earths", "baci/202601-a", shares("G7", "refined", G7)).await;
    service.evaluated(position).await;

    let id = "g7-china-rare-earths/G7/rare-earths/refined/CHN";
    let expected =
        [("Fired", "2019", "CROSSED"), ("Resolved", "2023", "CLEARED"), ("Fired", "2024", "CROSSED")];
    let expected = expected.map(|(kind, period, reason)| format!("{kind} {id} {period} {reason}"));
    assert_eq!(desk.transitions().await, expected);

    let alerts = service.list(AlertFilter::default()).await.alerts;
    let alert = &alerts[0];
    assert_eq!((alerts.len(), alert.id.as_str(), alert.state()), (1, id, AlertState::Firing));
    assert_eq!(alert.episode, format!("{id}@2024"));
    assert_eq!((alert.pending_since.as_str(), alert.fired_at.as_str()), ("2024", "2024"));
    assert!((alert.margin.unwrap() - 0.0273).abs() < 1e-9);
    assert_eq!((alert.line, alert.clear, alert.above), (0.65, Some(0.6), true));
    assert_eq!(alert.certainty(), Certainty::Confirmed);
    assert_eq!((alert.severity.as_str(), alert.previous), ("warning", Some(0.512)));
    assert_eq!(alert.releases, ["baci/202601-a"]);
    assert_eq!(alert.cause.as_ref().unwrap().release, "baci/202601-a");
    assert_eq!(alert.labels["theme"], "g7-china");
    assert!(!alert.text.is_empty() && !alert.owner.is_empty());
    assert_eq!(alert.estimate.as_ref().unwrap().value, Some(0.6773));

    let history = service.history(id).await;
    assert_eq!(history.len(), 3);
    assert!(matches!(&history[1], Transition::Resolved(resolved)
        if resolved.alert.as_ref().unwrap().resolved_at == "2023"));
    service.stop().await;
}

#[tokio::test]
async fn a_restatement_is_reported_and_resolves_with_its_reason() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(pack_rule("crma-2030", "world-production-concentration")).await;
    desk.publish("antimony", "mcs/2025", vec![top1(2023, 0.48), top1(2024, 0.577)]).await;
    let position = desk.publish("antimony", "mcs/2026", vec![top1(2024, 0.336)]).await;
    service.evaluated(position).await;

    let id = "world-production-concentration/WLD/antimony/mined/-";
    let lines = ["Fired ID 2024 CROSSED", "Restated ID 2024 RESTATED", "Resolved ID 2024 RESTATED"];
    assert_eq!(desk.transitions().await, lines.map(|line| line.replace("ID", id)));
    let history = service.history(id).await;
    let Transition::Restated(restated) = &history[1] else { panic!("{history:?}") };
    assert_eq!(
        (restated.period.as_str(), restated.was(), restated.is()),
        ("2024", AlertState::Firing, AlertState::Inactive)
    );
    // The event says what has changed of the past; the alert stays what it is until it changes itself.
    let alert = restated.alert.as_ref().unwrap();
    assert_eq!((alert.state(), alert.episode.clone()), (AlertState::Firing, format!("{id}@2024")));
    assert_eq!((alert.previous, &alert.names[..]), (Some(0.577), &["CHN".to_owned(), "RUS".to_owned()][..]));
    let past = restated.restatement.as_ref().unwrap();
    assert_eq!((past.previous, past.figure.as_ref().unwrap().value), (Some(0.577), Some(0.336)));
    assert_eq!(
        (past.was(), past.is(), past.reason()),
        (AlertState::Firing, AlertState::Inactive, Reason::Restated)
    );
    assert_eq!(past.cause.as_ref().unwrap().release, "mcs/2026");
    let Transition::Resolved(resolved) = &history[2] else { panic!("{history:?}") };
    let alert = resolved.alert.as_ref().unwrap();
    assert_eq!(alert.episode, format!("{id}@2024"));
    assert_eq!((alert.previous, alert.resolved_at.as_str()), (Some(0.577), "2024"));
    assert_eq!(alert.estimate.as_ref().unwrap().value, Some(0.336));
    assert_eq!(alert.cause.as_ref().unwrap().release, "mcs/2026");
    assert_eq!(alert.certainty(), Certainty::Unspecified);
    service.stop().await;
}

#[tokio::test]
async fn a_correction_of_the_past_leaves_the_present_alert_unchanged() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    desk.publish("cobalt", "a", shares("DEU", "refined", &[(2022, 0.7), (2023, 0.5), (2024, 0.8)])).await;
    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2022, 0.4)])).await;
    service.evaluated(position).await;
    let told = desk.transitions().await;
    assert_eq!(told[3..], ["Restated r/DEU/cobalt/refined/CHN 2022 RESTATED"]);
    assert_eq!(service.all().await[0].episode, "r/DEU/cobalt/refined/CHN@2024");
    service.stop().await;
}

#[tokio::test]
async fn a_supplier_without_a_flow_is_zero_if_the_consumer_has_other_suppliers() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let only_vietnam = Change {
        stage: "refined",
        period: "2023".to_owned(),
        measure: "import-share/1",
        rows: vec![("DEU", "VNM", Some(1.0))],
    };
    let mut changes = shares("DEU", "refined", &[(2022, 0.7)]);
    changes.push(only_vietnam);
    let position = desk.publish("cobalt", "a", changes).await;
    service.evaluated(position).await;
    let alert = &service.all().await[0];
    assert_eq!((alert.state(), alert.resolved_at.as_str()), (AlertState::Resolved, "2023"));
    let estimate = alert.estimate.as_ref().unwrap();
    assert_eq!((estimate.value, estimate.status()), (Some(0.0), Status::Known));
    service.stop().await;
}

#[tokio::test]
async fn an_unlisted_origin_may_be_part_of_the_unknown_origins() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let mut rule = china_rule("r", "");
    rule.measure = "lookthrough-share".to_owned();
    service.put(rule).await;
    let origins = |year: u16, rows| Change {
        stage: "refined",
        period: year.to_string(),
        measure: "lookthrough-share/1",
        rows,
    };
    let both = vec![("DEU", "CHN", Some(0.7)), ("DEU", "VNM", Some(0.3))];
    desk.publish("cobalt", "a", vec![origins(2021, both)]).await;
    let position = desk.publish_partial("cobalt", origins(2022, vec![("DEU", "VNM", Some(0.9))])).await;
    service.evaluated(position).await;
    let alert = &service.all().await[0];
    let estimate = alert.estimate.as_ref().unwrap();
    assert_eq!((alert.period.as_str(), alert.state()), ("2022", AlertState::Resolved));
    assert_eq!((estimate.value, estimate.high, estimate.status()), (Some(0.0), None, Status::Partial));

    // Where the measure has no figure of anybody, a supplier's is no zero.
    let nobody = desk.publish("cobalt", "c", vec![origins(2023, vec![("DEU", "VNM", Some(f64::NAN))])]).await;
    service.evaluated(nobody).await;
    let alert = &service.all().await[0];
    assert_eq!(alert.state(), AlertState::Resolved, "no data is no new alert");
    service.stop().await;
}

#[tokio::test]
async fn a_rule_on_an_earlier_version_of_a_measure_still_works() {
    let desk = Desk::new();
    let old = Rule { measure: "import-share/0".to_owned(), ..china_rule("r", "") };
    desk.record_rule(old).await;
    let mut service = desk.start().await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2022, 0.7)])).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await, ["Fired r/DEU/cobalt/refined/CHN 2022 CROSSED"]);
    service.stop().await;
}

/// DEU has figures in 2022 and 2025 only; JPN in all years.
fn gap() -> Vec<Change> {
    let mut changes = shares("DEU", "refined", &[(2022, 0.7), (2025, 0.7)]);
    changes.extend(shares("JPN", "refined", &[(2022, 0.1), (2023, 0.1), (2024, 0.1), (2025, 0.1)]));
    changes
}

#[tokio::test]
async fn missing_figures_make_an_alert_stale_and_do_not_resolve_it() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", gap()).await;
    service.evaluated(position).await;
    let id = "r/DEU/cobalt/refined/CHN";
    let lines = ["Fired ID 2022 CROSSED", "Stale ID 2023 NO_DATA", "Stale ID 2025 DATA_BACK"];
    assert_eq!(desk.transitions().await, lines.map(|line| line.replace("ID", id)));
    let history = service.history(id).await;
    let Transition::Stale(stale) = &history[1] else { panic!("{history:?}") };
    let alert = stale.alert.as_ref().unwrap();
    assert_eq!((alert.stale, alert.state(), alert.previous), (true, AlertState::Firing, Some(0.7)));
    assert_eq!(alert.estimate.as_ref().unwrap().value, None);
    assert_eq!(alert.estimate.as_ref().unwrap().status(), Status::Unavailable);
    assert!(!service.all().await[0].stale);
    service.stop().await;
}

#[tokio::test]
async fn missing_figures_resolve_an_alert_if_the_rule_says_so() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "no_data: {resolve_after: 2}")).await;
    let position = desk.publish("cobalt", "a", gap()).await;
    service.evaluated(position).await;
    let lines = [
        "Fired ID 2022 CROSSED",
        "Stale ID 2023 NO_DATA",
        "Resolved ID 2024 NO_DATA",
        "Fired ID 2025 CROSSED",
    ];
    assert_eq!(desk.transitions().await, lines.map(|line| line.replace("ID", "r/DEU/cobalt/refined/CHN")));
    service.stop().await;
}

#[tokio::test]
async fn a_hold_in_periods_goes_through_pending() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "hold: {periods: 1}\nkeep_firing: {periods: 1}")).await;
    let series = [(2020, 0.7), (2021, 0.7), (2022, 0.5), (2023, 0.5), (2024, 0.7)];
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &series)).await;
    service.evaluated(position).await;
    let lines = [
        "Pending ID 2020 CROSSED",
        "Fired ID 2021 HELD",
        "Resolved ID 2023 CLEARED",
        "Pending ID 2024 CROSSED",
    ];
    assert_eq!(desk.transitions().await, lines.map(|line| line.replace("ID", "r/DEU/cobalt/refined/CHN")));
    service.stop().await;
}

#[tokio::test]
async fn severity_changes_within_an_episode() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "severity: {warning: 0.65, critical: 0.8}")).await;
    let position = desk
        .publish("cobalt", "a", shares("DEU", "refined", &[(2022, 0.7), (2023, 0.85), (2024, 0.9)]))
        .await;
    service.evaluated(position).await;
    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    let lines =
        ["Fired ID 2022 CROSSED", "SeverityChanged ID 2023 SEVERITY", "SeverityChanged ID 2024 RESTATED"];
    assert_eq!(desk.transitions().await, lines.map(|line| line.replace("ID", "r/DEU/cobalt/refined/CHN")));
    service.stop().await;
}

#[tokio::test]
async fn the_removal_of_a_rule_ends_its_alerts() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    service.put(china_rule("other", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    let request =
        RemoveRuleRequest { rule: "r".to_owned(), actor: "tester".to_owned(), ..Default::default() };
    assert!(service.client.remove_rule(request.clone()).await.unwrap().into_inner().removed);
    assert!(!service.client.remove_rule(request).await.unwrap().into_inner().removed);
    service.evaluated(position).await;
    let alerts = service.all().await;
    let states: Vec<_> = alerts.iter().map(|alert| (alert.rule.as_str(), alert.state())).collect();
    assert_eq!(states, [("other", AlertState::Firing), ("r", AlertState::Resolved)]);
    assert_eq!(
        desk.transitions().await.last().unwrap(),
        "Resolved r/DEU/cobalt/refined/CHN 2024 RULE_REMOVED"
    );
    assert_eq!((alerts[1].rule_revision, alerts[1].cause.clone()), (1, None));
    service.stop().await;
}

#[tokio::test]
async fn a_rule_that_is_put_late_replays_the_history_once() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    desk.publish("cobalt", "a", shares("DEU", "refined", &[(2022, 0.7), (2023, 0.5)])).await;
    let position = desk.publish("lithium", "b", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    service.put(china_rule("r", "")).await;
    service.evaluated(position).await;
    let lines = [
        "Fired r/DEU/cobalt/refined/CHN 2022 CROSSED",
        "Resolved r/DEU/cobalt/refined/CHN 2023 CLEARED",
        "Fired r/DEU/lithium/refined/CHN 2024 CROSSED",
    ];
    assert_eq!(desk.transitions().await, lines);
    assert!(!service.put(china_rule("r", "")).await.changed, "an equal rule changes nothing");
    service.stop().await;
}

#[tokio::test]
async fn a_revision_keeps_the_episode_or_ends_it_with_a_reason() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2023, 0.7), (2024, 0.72)])).await;
    service.evaluated(position).await;

    let longer = service.put(china_rule("r", "hold: {periods: 5}")).await;
    assert_eq!((longer.changed, longer.rule.unwrap().revision), (true, 2));
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await.len(), 1, "a longer hold does not take a firing alert back");
    assert_eq!(service.all().await[0].episode, "r/DEU/cobalt/refined/CHN@2023");

    let higher = {
        let mut rule = china_rule("r", "");
        rule.when.as_mut().unwrap().line =
            Some(orewatch_contracts::alerting::v1::condition::Line::Above(0.9));
        rule.when.as_mut().unwrap().clear = None;
        rule
    };
    service.put(higher).await;
    service.evaluated(position).await;
    service.put(china_rule("r", "")).await;
    service.evaluated(position).await;
    let id = "r/DEU/cobalt/refined/CHN";
    let lines = ["Fired ID 2023 CROSSED", "Resolved ID 2024 RULE_REVISED", "Fired ID 2024 RULE_REVISED"];
    assert_eq!(desk.transitions().await, lines.map(|line| line.replace("ID", id)));
    let alert = &service.all().await[0];
    assert_eq!((alert.rule_revision, alert.episode.as_str()), (4, "r/DEU/cobalt/refined/CHN@2024"));
    service.stop().await;
}

#[tokio::test]
async fn a_rule_that_watches_more_reads_the_exposures_again() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let narrow = {
        let mut rule = china_rule("narrow", "");
        rule.select.as_mut().unwrap().consumers = vec!["JPN".to_owned()];
        rule
    };
    service.put(narrow).await;
    let mut changes = shares("DEU", "refined", &[(2023, 0.7), (2024, 0.7)]);
    changes.extend(shares("JPN", "refined", &[(2023, 0.7)]));
    let position = desk.publish("cobalt", "a", changes).await;
    service.evaluated(position).await;
    service.put(china_rule("wide", "")).await;
    service.evaluated(position).await;
    let lines = [
        "Fired narrow/JPN/cobalt/refined/CHN 2023 CROSSED",
        "Stale narrow/JPN/cobalt/refined/CHN 2024 NO_DATA",
        "Fired wide/DEU/cobalt/refined/CHN 2023 CROSSED",
        "Fired wide/JPN/cobalt/refined/CHN 2023 CROSSED",
        "Stale wide/JPN/cobalt/refined/CHN 2024 NO_DATA",
    ];
    assert_eq!(desk.transitions().await, lines);
    service.stop().await;
}

#[tokio::test]
async fn a_rule_that_changes_its_pack_or_watches_less_keeps_its_other_alerts() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let mut changes = shares("DEU", "refined", &[(2024, 0.7)]);
    changes.extend(shares("JPN", "refined", &[(2024, 0.7)]));
    let position = desk.publish("cobalt", "a", changes).await;
    service.evaluated(position).await;
    let mut moved = china_rule("r", "");
    moved.pack = "other".to_owned();
    assert!(service.put(moved.clone()).await.changed);
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await.len(), 2, "nothing ends, nothing fires again");

    moved.select.as_mut().unwrap().consumers = vec!["JPN".to_owned()];
    service.put(moved).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await[2..], ["Resolved r/DEU/cobalt/refined/CHN 2024 RULE_REVISED"]);
    service.stop().await;
}

#[tokio::test]
async fn a_threshold_inside_the_band_is_crossed_without_certainty() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "text: Look twice.")).await;
    let position = desk.publish("cobalt", "a", vec![]).await;
    service.evaluated(position).await;
    let position = desk.publish_banded("cobalt", "DEU", 2024, [0.7, 0.6, 0.8]).await;
    service.evaluated(position).await;
    let alert = &service.all().await[0];
    assert_eq!((alert.state(), alert.certainty()), (AlertState::Firing, Certainty::NotConfirmed));
    assert!(alert.text.starts_with("Look twice.") && alert.text.contains("Not confirmed"), "{}", alert.text);
    assert_eq!(alert.estimate.as_ref().unwrap().status(), Status::Partial);
    service.stop().await;
}

#[tokio::test]
async fn a_rule_at_its_limit_keeps_open_alerts_and_opens_no_more() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "limit: 1")).await;
    let mut changes = shares("DEU", "refined", &[(2024, 0.7)]);
    changes.extend(shares("JPN", "refined", &[(2023, 0.7), (2024, 0.7)]));
    let position = desk.publish("cobalt", "a", changes).await;
    service.evaluated(position).await;
    let position = desk.publish("copper", "b", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await, ["Fired r/DEU/cobalt/refined/CHN 2024 CROSSED"]);
    let rules = service.client.list_rules(ListRulesRequest::default()).await.unwrap().into_inner().rules;
    assert_eq!((rules[0].limited, rules[0].firing, rules[0].subjects), (true, 1, 3));

    let position = desk.publish("cobalt", "c", shares("DEU", "refined", &[(2025, 0.1)])).await;
    service.evaluated(position).await;
    let position = desk.publish("copper", "d", shares("JPN", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    let told = desk.transitions().await;
    let more = [
        "Resolved r/DEU/cobalt/refined/CHN 2025 CLEARED",
        "Fired r/DEU/copper/refined/CHN 2024 LIMIT_LIFTED",
    ];
    assert_eq!(told[1..], more, "room is made by what resolves, and taken by what was held back");
    service.stop().await;
}

#[tokio::test]
async fn an_open_alert_shows_its_newest_figure() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position =
        desk.publish("graphite", "a", shares("JPN", "mined", &[(2018, 0.951), (2024, 0.8903)])).await;
    service.evaluated(position).await;
    let id = "r/JPN/graphite/mined/CHN";
    let value = |alert: &Alert| (alert.period.clone(), alert.estimate.as_ref().unwrap().value);
    let newest = ("2024".to_owned(), Some(0.8903));
    let alert = service.all().await.remove(0);
    assert_eq!((value(&alert), alert.fired_at.as_str()), (newest.clone(), "2018"));
    assert!((alert.margin.unwrap() - 0.2403).abs() < 1e-9);
    let recorded = service.history(id).await;
    assert_eq!(value(alert_of(&recorded[0]).unwrap()), ("2018".to_owned(), Some(0.951)));

    let position = desk.publish("graphite", "b", shares("JPN", "mined", &[(2024, 0.8)])).await;
    service.evaluated(position).await;
    assert_eq!(service.all().await[0].releases, ["b"]);
    service.stop().await;
    let mut service = desk.start().await;
    assert_eq!(value(&service.all().await[0]), ("2024".to_owned(), Some(0.8)), "also after a restart");
    service.stop().await;
}
