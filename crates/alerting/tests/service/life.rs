//! The life of a rule: limits, failures, revisions, removal, time; and what an alert brings along.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertState, GetRuleRequest, PutRuleRequest, Reason, RemoveRuleRequest, Rule, RuleHealth, RuleInfo,
};
use orewatch_rules::rules::parse;
use orewatch_runtime::{Clock, Context};

use crate::kit::{Desk, Service, china_rule, shares, top1};

fn rule(text: &str) -> Rule {
    parse("rule.yaml", text.as_bytes()).unwrap().remove(0)
}

async fn info(service: &mut Service, rule: &str) -> RuleInfo {
    let request = GetRuleRequest { rule: rule.to_owned() };
    service.client.get_rule(request).await.unwrap().into_inner().rule.unwrap()
}

async fn alert(service: &mut Service, id: &str) -> Alert {
    service.all().await.into_iter().find(|alert| alert.id == id).unwrap()
}

#[tokio::test]
async fn a_limit_drops_no_open_alert_and_held_back_subjects_fire_once_there_is_room() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "limit: 1")).await;
    let mut position = 0;
    for material in ["cobalt", "lithium", "nickel"] {
        position = desk.publish(material, "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    }
    service.evaluated(position).await;
    let told = info(&mut service, "r").await;
    assert_eq!((told.health(), told.firing, told.held_back), (RuleHealth::Limited, 1, 2), "{told:?}");
    assert_eq!(told.health_reason, "1 alerts are open, which is the limit; 2 more are held back");

    let put = service.put(china_rule("r", "limit: 1")).await;
    assert_eq!(put.warnings.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["limit-reached"]);

    desk.publish("cobalt", "b", shares("DEU", "refined", &[(2025, 0.1)])).await;
    let position = desk.publish("lithium", "b", shares("DEU", "refined", &[(2025, 0.72)])).await;
    service.evaluated(position).await;
    let lines = [
        "Fired r/DEU/cobalt/refined/CHN 2024 CROSSED",
        "Resolved r/DEU/cobalt/refined/CHN 2025 CLEARED",
        "Fired r/DEU/lithium/refined/CHN 2025 LIMIT_LIFTED",
    ];
    assert_eq!(desk.transitions().await, lines);
    let lithium = alert(&mut service, "r/DEU/lithium/refined/CHN").await;
    assert_eq!(lithium.pending_since, "2024", "the line was crossed when there was no room");
    service.stop().await;
}

#[tokio::test]
async fn a_failed_evaluation_changes_no_alert_and_shows_in_the_rules_health() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let text = "id: r\ntitle: T\nmeasure: import-share\nselect: {supplier: CHN}\n\
                when: {cel: '1 / int(value * 2.0) >= 1'}\n";
    service.put(rule(text)).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2023, 0.7), (2024, 0.3)])).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await, ["Fired r/DEU/cobalt/refined/CHN 2023 CROSSED"]);
    let told = info(&mut service, "r").await;
    assert_eq!((told.health(), told.failed, told.firing), (RuleHealth::Failed, 1, 1));
    assert!(told.health_reason.starts_with("the evaluation fails on 1 subjects: "), "{told:?}");

    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2025, 0.9)])).await;
    service.evaluated(position).await;
    assert_eq!(info(&mut service, "r").await.health(), RuleHealth::Ok);
    assert_eq!(desk.transitions().await.len(), 1, "the episode went through the failure");
    service.stop().await;
}

#[tokio::test]
async fn a_removal_names_revision_actor_and_reason() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    service.put(china_rule("r", "owner: desk")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    let [rule, actor, reason] = ["r", "ada", "replaced by the new benchmark"].map(str::to_owned);
    service.client.remove_rule(RemoveRuleRequest { rule, actor, reason }).await.unwrap();
    service.evaluated(position).await;
    let ended = alert(&mut service, "r/DEU/cobalt/refined/CHN").await;
    let change = ended.rule_change.clone().unwrap();
    assert_eq!((ended.state(), ended.reason()), (AlertState::Resolved, Reason::RuleRemoved));
    assert_eq!(
        (change.revision, change.actor.as_str(), change.reason.as_str()),
        (2, "ada", "replaced by the new benchmark")
    );
    service.stop().await;
}

#[tokio::test]
async fn a_revision_with_re_evaluation_ends_the_episode_with_actor_and_reason() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2023, 0.7), (2024, 0.7)])).await;
    service.evaluated(position).await;

    let request = PutRuleRequest {
        rule: Some(china_rule("r", "")),
        actor: "ada".to_owned(),
        reason: "a new start".to_owned(),
        re_evaluate: true,
        validate_only: false,
        ..PutRuleRequest::default()
    };
    let put = service.client.put_rule(request).await.unwrap().into_inner();
    assert!(put.changed, "an equal rule is judged anew if that is asked for");
    let told = put.rule.unwrap();
    assert_eq!((told.revision, told.actor.as_str(), told.reason.as_str()), (2, "ada", "a new start"));
    service.evaluated(position).await;
    let id = "r/DEU/cobalt/refined/CHN";
    let history = service.history(id).await;
    let tell = |event: &Event| {
        let alert = orewatch_rules::alert::alert_of(event).unwrap();
        (alert.state(), alert.episode.clone(), alert.rule_change.as_ref().map(|change| change.actor.clone()))
    };
    let ada = Some("ada".to_owned());
    assert_eq!(
        history.iter().map(tell).collect::<Vec<_>>(),
        [
            (AlertState::Firing, format!("{id}@2023"), None),
            (AlertState::Resolved, format!("{id}@2023"), ada.clone()),
            (AlertState::Firing, format!("{id}@2024"), ada),
        ]
    );
    service.stop().await;
}

#[tokio::test]
async fn rules_show_their_health() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    assert_eq!(info(&mut service, "r").await.health(), RuleHealth::Unknown);
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2023, 0.7)])).await;
    service.evaluated(position).await;
    assert_eq!(info(&mut service, "r").await.health(), RuleHealth::Ok);
    let position = desk.publish("cobalt", "b", shares("JPN", "refined", &[(2024, 0.1)])).await;
    service.evaluated(position).await;
    let told = info(&mut service, "r").await;
    assert_eq!((told.health(), told.stale, told.firing), (RuleHealth::Stale, 1, 1));
    service.stop().await;
}

#[tokio::test]
async fn a_selector_without_matches_causes_a_warning() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    let text = |select: &str| {
        format!("id: r\ntitle: T\nmeasure: import-share\nselect: {select}\nwhen: {{above: 0.5}}\n")
    };
    let codes = |put: &orewatch_contracts::alerting::v1::PutRuleResponse| {
        put.warnings.iter().map(|one| (one.code.clone(), one.field.clone())).collect::<Vec<_>>()
    };
    let nothing = |field: &str| vec![("matches-nothing".to_owned(), field.to_owned())];
    service.put(rule(&text("{consumer: JPN}"))).await;
    service.evaluated(position).await;
    // Put again, so that the rule has been evaluated whatever the load.
    assert_eq!(codes(&service.put(rule(&text("{consumer: JPN}"))).await), nothing("select"));
    service.put(rule(&text("{consumer: DEU}"))).await;
    service.evaluated(position).await;
    assert_eq!(codes(&service.put(rule(&text("{consumer: DEU}"))).await), []);
    // Of lithium there are no figures yet: that none is found says nothing of the rule.
    service.put(rule(&text("{consumer: JPN, material: lithium}"))).await;
    service.evaluated(position).await;
    assert_eq!(codes(&service.put(rule(&text("{consumer: JPN, material: lithium}"))).await), []);

    // What can never match is known without figures.
    let check = |rule: Rule| PutRuleRequest { rule: Some(rule), validate_only: true, ..Default::default() };
    let left_out = check(rule(&text("{supplier: [FRA], except_supplier: EU27}")));
    let put = service.client.put_rule(left_out).await.unwrap().into_inner();
    assert_eq!(codes(&put), nothing("select.except_suppliers"));
    let output = "id: r\ntitle: T\nmeasure: production-hhi\nselect: {consumer: DEU}\nwhen: {above: 5000}\n";
    let put = service.client.put_rule(check(rule(output))).await.unwrap().into_inner();
    assert_eq!(codes(&put), nothing("select.consumers"));
    service.stop().await;
}

#[tokio::test]
async fn an_alert_has_its_series_suppliers_and_pack() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let world = "pack: p\nrules:\n- {id: w, title: T, measure: production-top1, select: {consumer: WLD}, \
                 when: {above: 0.5}}\n";
    service.put(rule(world)).await;
    let years: Vec<(u16, f64)> = (2010..=2024).map(|year| (year, 0.7)).collect();
    desk.publish("cobalt", "a", shares("DEU", "refined", &years)).await;
    let position = desk.publish("cobalt", "b", vec![top1(2024, 0.6)]).await;
    service.evaluated(position).await;

    let china = alert(&mut service, "r/DEU/cobalt/refined/CHN").await;
    let periods: Vec<&str> = china.series.iter().map(|point| point.period.as_str()).collect();
    assert_eq!((periods.len(), periods.first(), periods.last()), (12, Some(&"2013"), Some(&"2024")));
    assert_eq!(china.series[11].value, Some(0.7));
    let suppliers: Vec<(&str, String)> =
        china.contributors.iter().map(|one| (one.supplier.as_str(), format!("{:.2}", one.share))).collect();
    assert_eq!(suppliers, [("CHN", "0.70".to_owned()), ("VNM", "0.30".to_owned())]);

    let output = alert(&mut service, "w/WLD/cobalt/mined/-").await;
    assert_eq!((output.pack.as_str(), output.contributors.len()), ("p", 0), "no shares of output are known");
    service.stop().await;
}

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

#[tokio::test]
async fn the_passing_of_time_alone_makes_figures_old() {
    let desk = Desk::new();
    let at = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().unwrap().as_second();
    let clock = Arc::new(Hand(AtomicI64::new(at("2025-06-01"))));
    let (health, _server) = tonic_health::server::health_reporter();
    let context = Context::new(Arc::clone(&clock) as Arc<dyn Clock>, health);
    let mut service = Service::start_in(context, desk.logs()).await;
    let old = "id: old\ntitle: T\nmeasure: import-share\nselect: {supplier: CHN}\n\
               when: {age: {older_than: 365d}}\n";
    service.put(rule(old)).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.evaluated(position).await;
    assert_eq!(desk.transitions().await, [] as [&str; 0], "half a year is not too old");

    // The clock goes on; the worker looks at it when it is woken, here by figures of another material.
    clock.0.store(at("2026-02-01"), Ordering::SeqCst);
    let position = desk.publish("lithium", "a", shares("DEU", "refined", &[(2025, 0.7)])).await;
    service.evaluated(position).await;
    let id = "old/DEU/cobalt/refined/CHN";
    for _ in 0..2000 {
        if !desk.transitions().await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(desk.transitions().await, [format!("Fired {id} 2024 CROSSED")]);
    let fired = alert(&mut service, id).await;
    assert_eq!(
        (fired.condition.as_str(), fired.finding.as_str()),
        ("the newest figure is older than 365 days", "the newest figure is of 2024")
    );
    assert!(fired.judged.is_some_and(|days| days > 365.0 && days < 400.0), "{:?}", fired.judged);

    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2025, 0.7)])).await;
    service.evaluated(position).await;
    assert_eq!(
        desk.transitions().await,
        [format!("Fired {id} 2024 CROSSED"), format!("Resolved {id} 2025 CLEARED")],
        "newer figures clear it; nothing is restated"
    );
    service.stop().await;
}
