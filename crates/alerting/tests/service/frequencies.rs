//! Years and months never meet: a rule watches the figures of its own frequency, and no others fire, hold,
//! stale or end its alerts.
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::{By, CauseKind, Estimate, Frequency, Status};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::NewEvent;
use orewatch_rules::facts::{alert_stream, evaluations_stream};
use orewatch_rules::rules::parse;
use orewatch_runtime::Clock as _;
use prost::Message as _;
use uuid::Uuid;

use crate::kit::{Cell, Desk, Service, Still, china_rule, known_share};

async fn publish(desk: &Desk, service: &mut Service, periods: &[(&str, Vec<Cell>)]) -> u64 {
    let position = desk.publish_for(CauseKind::ReleaseCommitted, "magnesium", "a", periods).await;
    service.evaluated(position).await;
    position
}

/// What a rule's alerts were told of.
async fn transitions(desk: &Desk, rule: &str) -> Vec<String> {
    let prefix = format!("{rule}/GBR/magnesium/refined/CHN ");
    let told = desk.transitions().await;
    told.iter().filter(|line| line.contains(&prefix)).map(|line| line.replace(&prefix, "")).collect()
}

fn both_rules() -> [Rule; 2] {
    [china_rule("annual", ""), china_rule("monthly", "frequency: monthly")]
}

#[tokio::test]
async fn each_rule_uses_periods_of_its_frequency() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    for rule in both_rules() {
        service.put(rule).await;
    }
    let years = [("2023", vec![known_share("GBR", 0.7)]), ("2024", vec![known_share("GBR", 0.75)])];
    publish(&desk, &mut service, &years).await;
    let months = [
        ("2024-11", vec![known_share("GBR", 0.1)]),
        ("2025-01", vec![known_share("GBR", 0.99)]),
        ("2025-02", vec![known_share("GBR", 0.2)]),
    ];
    publish(&desk, &mut service, &months).await;
    assert_eq!(transitions(&desk, "annual").await, ["Fired 2023 CROSSED"], "months neither fire nor end it");
    assert_eq!(transitions(&desk, "monthly").await, ["Fired 2025-01 CROSSED", "Resolved 2025-02 CLEARED"]);
    let annual = service.all().await.remove(0);
    assert_eq!((annual.period.as_str(), annual.stale), ("2024", false), "the newest is of the newest year");
    assert_eq!(annual.series.iter().map(|point| &*point.period).collect::<Vec<_>>(), ["2023", "2024"]);

    // A month of others makes no year missing, and a year no month.
    publish(&desk, &mut service, &[("2025-03", vec![known_share("DEU", 0.1)])]).await;
    publish(&desk, &mut service, &[("2025", vec![known_share("DEU", 0.1)])]).await;
    assert_eq!(transitions(&desk, "annual").await[1..], ["Stale 2025 NO_DATA"]);
    assert_eq!(transitions(&desk, "monthly").await.len(), 2, "what is over is not stale");
    service.stop().await;
}

#[tokio::test]
async fn a_hold_and_a_change_count_the_periods_of_the_rule() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("annual", "hold: {periods: 1}")).await;
    service.put(china_rule("monthly", "hold: {periods: 1}\nfrequency: monthly")).await;
    let text = "id: rise\ntitle: R\nmeasure: import-share\nselect: {supplier: CHN}\n\
                when: {change: absolute, above: 0.1}\n";
    service.put(parse("r.yaml", text.as_bytes()).unwrap().remove(0)).await;
    let periods = [
        ("2024", vec![known_share("GBR", 0.7)]),
        ("2024-01", vec![known_share("GBR", 0.9)]),
        ("2024-12", vec![known_share("GBR", 0.1)]),
        ("2025", vec![known_share("GBR", 0.85)]),
    ];
    publish(&desk, &mut service, &periods).await;
    assert_eq!(transitions(&desk, "annual").await, ["Pending 2024 CROSSED", "Fired 2025 HELD"]);
    assert_eq!(transitions(&desk, "monthly").await, ["Pending 2024-01 CROSSED", "Resolved 2024-12 CLEARED"]);
    assert_eq!(transitions(&desk, "rise").await, ["Fired 2025 CROSSED"], "0.85 in 2025 is held against 2024");
    service.stop().await;
}

#[tokio::test]
async fn a_backtest_and_a_preview_use_the_frequency_of_the_rule() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let periods = [
        ("2024", vec![known_share("GBR", 0.7)]),
        ("2024-06", vec![known_share("GBR", 0.1)]),
        ("2024-07", vec![known_share("GBR", 0.9)]),
        ("2025-01", vec![known_share("GBR", 0.2)]),
    ];
    publish(&desk, &mut service, &periods).await;
    for (rule, firing, periods) in
        both_rules().into_iter().zip([(1, 1), (0, 3)]).map(|(rule, (a, b))| (rule, a, b))
    {
        let choice = Some(RuleChoice { choice: Some(rule_choice::Choice::Rule(rule.clone())) });
        let request = BacktestRuleRequest { rule: choice, ..BacktestRuleRequest::default() };
        let mut answers = service.client.backtest_rule(request.clone()).await.unwrap().into_inner();
        let mut summary = None;
        while let Some(answer) = answers.message().await.unwrap() {
            match answer.message {
                Some(Message::Subject(subject)) => assert_eq!(subject.periods, periods, "{}", rule.id),
                Some(Message::Summary(found)) => summary = Some(found),
                _ => {}
            }
        }
        let summary = summary.unwrap();
        assert_eq!((summary.subjects, summary.episodes, summary.firing), (1, 1, firing), "{}", rule.id);
        // A year stands for its months.
        let window = BacktestRuleRequest { to: "2024".to_owned(), ..request };
        let mut answers = service.client.backtest_rule(window).await.unwrap().into_inner();
        while let Some(answer) = answers.message().await.unwrap() {
            if let Some(Message::Summary(summary)) = answer.message {
                assert_eq!(summary.firing, 1, "{}", rule.id);
            }
        }
        let check =
            PutRuleRequest { rule: Some(rule.clone()), validate_only: true, ..PutRuleRequest::default() };
        let preview = service.client.put_rule(check).await.unwrap().into_inner().preview.unwrap();
        assert_eq!((preview.subjects, preview.firing), (1, firing), "{}", rule.id);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_rule_that_changes_to_monthly_ends_its_annual_episodes() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let periods = [("2024", vec![known_share("GBR", 0.7)]), ("2024-06", vec![known_share("GBR", 0.9)])];
    let position = publish(&desk, &mut service, &periods).await;
    service.put(china_rule("r", "frequency: monthly")).await;
    service.evaluated(position).await;
    let lines = ["Fired 2024 CROSSED", "Resolved 2024 RULE_REVISED", "Fired 2024-06 RULE_REVISED"];
    assert_eq!(transitions(&desk, "r").await, lines);
    let alert = service.all().await.remove(0);
    assert_eq!(alert.episode, "r/GBR/magnesium/refined/CHN@2024-06");
    service.stop().await;
}

#[tokio::test]
async fn annual_is_the_default_frequency() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let again = service.put(china_rule("r", "frequency: annual")).await;
    assert!(!again.changed);
    assert_eq!(
        again.rule.unwrap().rule.unwrap().frequency(),
        Frequency::Unspecified,
        "stored as it always was"
    );
    assert!(service.put(china_rule("r", "frequency: monthly")).await.changed);
    service.stop().await;
}

/// An alert as a version wrote it that let years and months meet.
fn recorded(rule: &str, period: &str, state: AlertState) -> Alert {
    let subject = Subject {
        consumer: "GBR".to_owned(),
        material: "magnesium".to_owned(),
        stage: "refined".to_owned(),
        supplier: "CHN".to_owned(),
        measure: "import-share/1".to_owned(),
        by: By::Quantity.into(),
    };
    let id = format!("{rule}/GBR/magnesium/refined/CHN");
    Alert {
        episode: format!("{id}@{period}"),
        id,
        rule: rule.to_owned(),
        rule_revision: 1,
        subject: Some(subject),
        state: state.into(),
        severity: "warning".to_owned(),
        period: period.to_owned(),
        pending_since: period.to_owned(),
        fired_at: period.to_owned(),
        resolved_at: if state == AlertState::Resolved { period.to_owned() } else { String::new() },
        estimate: Some(Estimate { value: Some(1.0), status: Status::Known.into(), ..Estimate::default() }),
        ..Alert::default()
    }
}

fn event(kind: &str, data: Vec<u8>) -> NewEvent {
    let kind = format!("orewatch.alerting.v1.{kind}");
    NewEvent { id: Uuid::now_v7(), kind, time: Still.now(), data: data.into(), traceparent: None }
}

/// Appends an evaluation as the version before recorded it.
async fn evaluation(desk: &Desk, expected: u64, exposures: u64, alerts: Vec<Alert>) {
    let stream = evaluations_stream().unwrap();
    let begun = EvaluationBegun { exposures_position: exposures, rules_position: 3, as_at: None };
    let begun = event("EvaluationBegun", begun.encode_to_vec());
    let position = desk.alerts.append(&stream, expected, vec![begun]).await.unwrap()[0];
    for alert in alerts {
        let stream = alert_stream(&alert.id).unwrap();
        let state = alert.state();
        let fired = event("AlertFired", AlertFired { alert: Some(alert.clone()) }.encode_to_vec());
        let over = event("AlertResolved", AlertResolved { alert: Some(alert) }.encode_to_vec());
        let events = if state == AlertState::Resolved { vec![fired, over] } else { vec![fired] };
        desk.alerts.append(&stream, 0, events).await.unwrap();
    }
    let done = ExposuresEvaluated { position: exposures, ..ExposuresEvaluated::default() };
    let done = event("ExposuresEvaluated", done.encode_to_vec());
    desk.alerts.append(&stream, position, vec![done]).await.unwrap();
}

#[tokio::test]
async fn alerts_of_a_version_that_mixed_frequencies_are_corrected_with_a_reason_of_their_own() {
    let desk = Desk::new();
    for id in ["fires", "is-low", "was-over"] {
        let mut rule = china_rule(id, "");
        if id == "is-low" {
            rule.when.as_mut().unwrap().line = Some(condition::Line::Above(0.9));
        }
        desk.record_rule(rule).await;
    }
    let periods = [("2024", vec![known_share("GBR", 0.7)]), ("2026-06", vec![known_share("GBR", 1.0)])];
    let kind = CauseKind::ReleaseCommitted;
    let position = desk.publish_for(kind, "magnesium", "a", &periods).await;
    let alerts = vec![
        recorded("fires", "2026-06", AlertState::Firing),
        recorded("is-low", "2026-06", AlertState::Firing),
        recorded("was-over", "2026-06", AlertState::Resolved),
    ];
    evaluation(&desk, 0, position, alerts).await;

    let mut service = desk.start().await;
    let position = desk.publish_for(kind, "cobalt", "b", &[("2024", vec![known_share("GBR", 0.1)])]).await;
    service.evaluated(position).await;
    let anew = ["Resolved 2026-06 FREQUENCIES_SEPARATED", "Fired 2024 FREQUENCIES_SEPARATED"];
    assert_eq!(transitions(&desk, "fires").await[1..], anew);
    assert_eq!(transitions(&desk, "is-low").await[1..], anew[..1]);
    assert_eq!(transitions(&desk, "was-over").await[2..], anew[1..]);
    let before = desk.transitions().await.len();
    let position = desk.publish_for(kind, "cobalt", "c", &[("2025", vec![known_share("GBR", 0.1)])]).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await.len(), before, "it is told once");
    service.stop().await;
}
