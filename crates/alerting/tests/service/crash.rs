//! A process that dies at any append, and two replicas: the log is the same as without.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orewatch_alerting::Logs;
use orewatch_contracts::alerting::v1::{AlertState, PutRuleRequest};
use orewatch_eventlog::{Event, EventLog};
use orewatch_runtime::Context;
use orewatch_testkit::{Fault, FaultyLog};
use tokio_util::sync::CancellationToken;

use crate::kit::{Change, Desk, Service, Still, china_rule, pack_rule, shares, top1};

/// A log whose user dies at one of its appends, before or after the events are stored.
pub(crate) fn deadly_log(
    log: Arc<dyn EventLog>,
    death: CancellationToken,
    dies_at: usize,
    stores: bool,
) -> Arc<dyn EventLog> {
    let appends = AtomicUsize::new(0);
    let on_append = move |_: &_, _: &[_]| {
        let number = appends.fetch_add(1, Ordering::SeqCst);
        let death = death.clone();
        if number < dies_at {
            return Fault::None;
        }
        Fault::Death { stored: number == dies_at && stores, at_death: Box::new(move || death.cancel()) }
    };
    FaultyLog::new(log).on_append(on_append).shared()
}

fn context() -> Context {
    Context::new(Arc::new(Still), tonic_health::server::health_reporter().0)
}

/// Rules are put, then figures come in, are corrected, vanish and come back. Returns the last position of the
/// exposures log.
async fn history(desk: &Desk) -> u64 {
    let mut service = desk.start().await;
    let mut evaluations = 0;
    for rule in [
        pack_rule("g7-china", "g7-china-rare-earths"),
        pack_rule("crma-2030", "world-production-concentration"),
        china_rule("held", "hold: {periods: 1}\nseverity: {warning: 0.65, critical: 0.8}"),
        china_rule("held", "hold: {periods: 1}\nseverity: {warning: 0.65, critical: 0.85}"),
    ] {
        service.put(rule).await;
        evaluations += 1;
        // What follows begins at the same place in every run.
        while desk.count("ExposuresEvaluated").await < evaluations {
            tokio::task::yield_now().await;
        }
    }
    service.stop().await;

    let gone = Change {
        stage: "refined",
        period: "2024".to_owned(),
        measure: "import-share/1",
        rows: vec![("JPN", "CHN", None), ("JPN", "VNM", None)],
    };
    let mut rare_earths =
        shares("G7", "refined", &[(2018, 0.61), (2019, 0.709), (2020, 0.603), (2023, 0.512), (2024, 0.677)]);
    rare_earths.extend(shares("JPN", "refined", &[(2018, 0.9), (2019, 0.7), (2024, 0.9)]));
    desk.publish("rare-earths", "a", rare_earths).await;
    desk.publish("antimony", "b", vec![top1(2024, 0.577)]).await;
    desk.publish("antimony", "c", vec![top1(2024, 0.336)]).await;
    desk.publish("rare-earths", "d", shares("G7", "refined", &[(2019, 0.5), (2024, 0.9)])).await;
    desk.publish("rare-earths", "e", vec![gone]).await
}

async fn undisturbed() -> (Vec<Event>, usize) {
    let desk = Desk::new();
    let last = history(&desk).await;
    let before = desk.recorded().await.len();
    let mut service = desk.start().await;
    service.evaluated(last).await;
    service.stop().await;
    let events = desk.recorded().await;
    let new = events.len() - before;
    (events, new)
}

fn same(found: &[Event], expected: &[Event], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_append_leaves_the_same_log() {
    let (expected, new) = undisturbed().await;
    assert!(new > 20, "the history is rich: {new}");
    let mut deaths = 0;
    for dies_at in 0..new {
        for stores in [false, true] {
            let desk = Desk::new();
            let last = history(&desk).await;
            let context = context();
            let death = context.shutdown.clone();
            let log = Arc::clone(&desk.alerts);
            let alerts = deadly_log(log, death, dies_at, stores);
            let logs = Logs { exposures: Arc::clone(&desk.exposures), alerts };
            let mut dying = Service::start_in(context.clone(), logs).await;
            tokio::select! {
                () = context.shutdown.cancelled() => deaths += 1,
                () = dying.evaluated(last) => {}
            }
            dying.stop().await;

            let mut service = desk.start().await;
            service.evaluated(last).await;
            service.stop().await;
            same(&desk.recorded().await, &expected, &format!("died at append {dies_at}, stored: {stores}"));
        }
    }
    assert!(deaths > 20, "{deaths} deaths");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_append_each_event_once() {
    let (expected, _) = undisturbed().await;
    for _ in 0..10 {
        let desk = Desk::new();
        let last = history(&desk).await;
        let (mut one, mut other) = tokio::join!(desk.start(), desk.start());
        tokio::join!(one.evaluated(last), other.evaluated(last));
        assert_eq!(one.all().await, other.all().await);
        tokio::join!(one.stop(), other.stop());
        same(&desk.recorded().await, &expected, "two replicas");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_accept_rules_while_figures_arrive() {
    let desk = Desk::new();
    let (mut one, mut other) = tokio::join!(desk.start(), desk.start());
    let materials = ["cobalt", "copper", "graphite", "lithium", "nickel"];
    let mut last = 0;
    for (k, material) in materials.into_iter().enumerate() {
        let rule = |id: &str| PutRuleRequest { rule: Some(china_rule(id, "")), ..Default::default() };
        let (a, b) = (format!("a{k}"), format!("b{k}"));
        let (published, first, second) = tokio::join!(
            desk.publish(material, "r", shares("DEU", "refined", &[(2023, 0.7), (2024, 0.5)])),
            one.client.put_rule(rule(&a)),
            other.client.put_rule(rule(&b)),
        );
        assert!(first.unwrap().into_inner().changed && second.unwrap().into_inner().changed);
        last = published;
    }
    tokio::join!(one.evaluated(last), other.evaluated(last));
    let mut told = desk.transitions().await;
    let count = told.len();
    told.sort();
    told.dedup();
    assert_eq!((told.len(), count), (100, 100), "ten rules, five materials, two transitions each, all once");
    assert_eq!(one.all().await, other.all().await);
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test]
async fn a_restart_keeps_alerts_in_every_state() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "hold: {periods: 1}")).await;
    let mut changes = shares("DEU", "refined", &[(2022, 0.7), (2023, 0.7), (2024, 0.7)]);
    changes.extend(shares("JPN", "refined", &[(2022, 0.1), (2023, 0.1), (2024, 0.7)]));
    changes.extend(shares("FRA", "refined", &[(2022, 0.7), (2023, 0.7), (2024, 0.1)]));
    changes.extend(shares("ITA", "refined", &[(2022, 0.7), (2023, 0.7)]));
    changes.extend(shares("USA", "refined", &[(2022, 0.1), (2023, 0.1), (2024, 0.1)]));
    let position = desk.publish("cobalt", "a", changes).await;
    service.evaluated(position).await;
    let before = service.all().await;
    let rules = service.client.list_rules(orewatch_contracts::alerting::v1::ListRulesRequest::default());
    let rules = rules.await.unwrap().into_inner();
    service.stop().await;
    let states: Vec<_> = before.iter().map(|alert| (alert.state(), alert.stale)).collect();
    let expected = [
        (AlertState::Firing, false),
        (AlertState::Resolved, false),
        (AlertState::Firing, true),
        (AlertState::Pending, false),
    ];
    assert_eq!(states, expected);

    let mut service = desk.start().await;
    service.evaluated(position).await;
    assert_eq!(service.all().await, before);
    let again = service.client.list_rules(orewatch_contracts::alerting::v1::ListRulesRequest::default());
    assert_eq!(again.await.unwrap().into_inner(), rules);

    let position = desk.publish("cobalt", "b", shares("JPN", "refined", &[(2025, 0.7)])).await;
    service.evaluated(position).await;
    let told = desk.transitions().await;
    assert!(told.contains(&"Fired r/JPN/cobalt/refined/CHN 2025 HELD".to_owned()), "{told:?}");
    service.stop().await;
}
