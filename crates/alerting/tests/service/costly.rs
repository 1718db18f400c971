//! Rules that cost much: nobody is held up by one, and one that costs too much is suspended and told.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::CauseKind;
use orewatch_rules::rules::parse;

use tonic::service::Routes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::kit::{Cell, Desk, Service, china_rule, describe, known_share};

/// The expression that froze the process: every figure with every other, for every period of every subject.
const COSTLY: &str = "series.all(a, series.all(b, a + b >= 0.0))";

pub(crate) fn rule(id: &str, select: &str, when: &str) -> Rule {
    let text = format!("id: {id}\ntitle: T\nmeasure: import-share\nselect: {select}\nwhen: {when}\n");
    parse("rule.yaml", text.as_bytes()).unwrap().remove(0)
}

fn costly(id: &str, select: &str) -> Rule {
    rule(id, select, &format!("{{cel: '{COSTLY}'}}"))
}

/// Codes of so many economies, Germany and China not among them.
fn codes(count: usize) -> Vec<&'static str> {
    let codes = orewatch_catalog::economies().iter().map(|economy| economy.iso3);
    codes.filter(|code| !["DEU", "CHN"].contains(code)).take(count).collect()
}

/// Shares of so many suppliers for so many consumers, and China's for Germany, in each of the years.
pub(crate) fn world(
    consumers: usize,
    suppliers: usize,
    years: std::ops::RangeInclusive<u16>,
    china: f64,
) -> Vec<(String, Vec<Cell>)> {
    let (consumers, suppliers) = (codes(consumers), codes(suppliers));
    let of = |consumer: &'static str| {
        suppliers.iter().map(move |supplier| Cell { supplier, ..known_share(consumer, 0.01) })
    };
    let cells: Vec<Cell> =
        consumers.iter().flat_map(|consumer| of(consumer)).chain([known_share("DEU", china)]).collect();
    years.map(|year| (year.to_string(), cells.clone())).collect()
}

pub(crate) async fn publish(desk: &Desk, release: &str, world: Vec<(String, Vec<Cell>)>) -> u64 {
    let periods: Vec<(&str, Vec<Cell>)> =
        world.iter().map(|(year, cells)| (year.as_str(), cells.clone())).collect();
    desk.publish_for(CauseKind::ReleaseCommitted, "cobalt", release, &periods).await
}

async fn get(service: &mut Service, rule: &str) -> RuleInfo {
    let ask = GetRuleRequest { rule: rule.to_owned() };
    service.client.get_rule(ask).await.unwrap().into_inner().rule.unwrap()
}

/// Waits until a rule is suspended.
async fn suspended(service: &mut Service, rule: &str) -> RuleInfo {
    for _ in 0..1000 {
        let info = get(service, rule).await;
        if info.health() == RuleHealth::Suspended {
            return info;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{rule} is not suspended");
}

/// Asks again and again until it is told to stop; gives how long each answer took.
fn probe(
    service: &Service,
    rule: &'static str,
) -> (tokio::task::JoinHandle<Vec<Duration>>, tokio::sync::oneshot::Sender<()>) {
    let mut client = service.client.clone();
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let probing = tokio::spawn(async move {
        let mut took = Vec::new();
        while stopped.try_recv().is_err() {
            let begin = Instant::now();
            // A rule that was removed meanwhile is an answer too.
            drop(client.get_rule(GetRuleRequest { rule: rule.to_owned() }).await);
            client.list_rules(ListRulesRequest::default()).await.unwrap();
            took.push(begin.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        took
    });
    (probing, stop)
}

/// That answers came all the time. The machine that runs tests may pause some of them, but not many, and none
/// for long.
fn assert_quick(mut took: Vec<Duration>) {
    took.sort_unstable();
    let of = |tenths: usize| took[(took.len() * tenths / 10).min(took.len() - 1)];
    assert!(of(9) < Duration::from_millis(100), "{} answers, 90 % within {:?}", took.len(), of(9));
    assert!(*took.last().unwrap() < Duration::from_secs(2), "one answer took {:?}", took.last());
}

#[tokio::test]
async fn a_rule_that_costs_too_much_is_suspended_and_others_go_on_also_after_a_restart() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("china", "")).await;
    // Nothing is known yet of what it would cost.
    service.put(costly("costly", "{}")).await;
    let (probing, stop) = probe(&service, "costly");
    let position = publish(&desk, "a", world(21, 21, 1965..=2024, 0.9)).await;
    service.evaluated(position).await;
    stop.send(()).unwrap();
    assert_quick(probing.await.unwrap());

    let info = suspended(&mut service, "costly").await;
    let suspension = info.suspension.unwrap();
    assert!(suspension.steps > suspension.limit, "{suspension:?}");
    assert!(
        info.health_reason.contains("steps (442 subjects, up to 60 periods each), the limit is 100,000,000"),
        "{}",
        info.health_reason
    );
    assert!(info.health_reason.contains("select consumers"), "{}", info.health_reason);
    let told = desk.transitions().await;
    assert!(told.iter().any(|line| line == "Fired china/DEU/cobalt/refined/CHN 1965 CROSSED"), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("costly/")), "{told:?}");
    service.stop().await;

    let mut service = desk.start().await;
    let position = publish(&desk, "b", world(0, 0, 2024..=2024, 0.5)).await;
    service.evaluated(position).await;
    suspended(&mut service, "costly").await;
    let told = desk.transitions().await;
    assert!(told.iter().any(|line| line.starts_with("Resolved china/DEU/cobalt/refined/CHN")), "{told:?}");
    assert_eq!(desk.count("RuleSuspended").await, 1, "it is told once");
    let ask = RemoveRuleRequest { rule: "costly".to_owned(), ..RemoveRuleRequest::default() };
    assert!(service.client.remove_rule(ask).await.unwrap().into_inner().removed);
    service.stop().await;
}

#[tokio::test]
async fn a_log_of_an_earlier_version_with_such_a_rule_is_served() {
    let desk = Desk::new();
    desk.record_rule(costly("costly", "{}")).await;
    desk.record_rule(china_rule("china", "")).await;
    let position = publish(&desk, "a", world(21, 21, 1965..=2024, 0.9)).await;
    let mut service = desk.start().await;
    service.evaluated(position).await;
    suspended(&mut service, "costly").await;
    assert!(desk.transitions().await.iter().any(|line| line.starts_with("Fired china/DEU/")));
    service.stop().await;
}

#[tokio::test]
async fn calls_are_answered_and_other_rules_come_first_while_a_costly_rule_is_evaluated() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    // By its name it comes first.
    service.put(costly("a-costly", &format!("{{consumer: {}}}", codes(1)[0]))).await;
    service.put(china_rule("china", "")).await;
    let (probing, stop) = probe(&service, "a-costly");
    let position = publish(&desk, "a", world(2, 21, 1965..=2024, 0.9)).await;
    while !desk.transitions().await.iter().any(|line| line.starts_with("Fired china/DEU/")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let evaluated = service.list(AlertFilter::default()).await.evaluated_position;
    assert!(evaluated < position, "the costly one is still evaluated");
    let ask = RemoveRuleRequest { rule: "a-costly".to_owned(), ..RemoveRuleRequest::default() };
    let begin = Instant::now();
    assert!(service.client.remove_rule(ask).await.unwrap().into_inner().removed);
    assert!(begin.elapsed() < Duration::from_secs(2), "removal took {:?}", begin.elapsed());
    stop.send(()).unwrap();
    assert_quick(probing.await.unwrap());
    // It stops in the midst of it, and goes on after a restart.
    service.stop().await;
    let mut service = desk.start().await;
    service.evaluated(position).await;
    assert_eq!(desk.count("RuleSuspended").await, 0);
    let costly: Vec<RuleSteps> = desk.evaluated().await.into_iter().flat_map(|one| one.costly).collect();
    assert!(costly.iter().all(|one| one.rule == "a-costly" && one.steps > 4_000_000), "{costly:?}");
    assert_eq!(costly.len(), 1, "the log tells what it took");
    service.stop().await;
}

/// Asks for the health again and again, and how long a thread of its own is not let run meanwhile.
pub(crate) struct Watch {
    asking: tokio::task::JoinHandle<Vec<Duration>>,
    pauses: std::thread::JoinHandle<Duration>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn begin(mut health: HealthClient<Routes>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let [here, there] = [0; 2].map(|_| Arc::clone(&is_over));
        let asking = tokio::spawn(async move {
            let mut took = Vec::new();
            while !here.load(Ordering::Relaxed) {
                let begin = Instant::now();
                health.check(HealthCheckRequest::default()).await.unwrap();
                took.push(begin.elapsed());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            took
        });
        let pauses = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !there.load(Ordering::Relaxed) {
                let begin = Instant::now();
                std::thread::sleep(Duration::from_millis(1));
                longest = longest.max(begin.elapsed());
            }
            longest
        });
        Self { asking, pauses, is_over }
    }

    /// Each answer came within 100 ms. What the machine kept from a thread that does nothing is none of the
    /// service's doing.
    pub(crate) async fn assert_quick(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let (took, pause) = (self.asking.await.unwrap(), self.pauses.join().unwrap());
        let longest = took.iter().max().unwrap();
        let bound = Duration::from_millis(100) + pause;
        assert!(*longest < bound, "{} answers, one took {longest:?}, pauses {pause:?}", took.len());
    }
}

#[tokio::test]
async fn health_checks_answer_at_once_while_a_costly_rule_is_evaluated_and_after_a_restart() {
    let desk = Desk::new();
    let (mut service, health) = Service::start_healthy(desk.logs()).await;
    let watch = Watch::begin(health);
    service.put(costly("a-costly", &format!("{{consumer: {}}}", codes(1)[0]))).await;
    service.put(china_rule("china", "")).await;
    let position = publish(&desk, "a", world(2, 21, 1990..=2024, 0.9)).await;
    service.evaluated(position).await;
    watch.assert_quick().await;
    assert!(desk.transitions().await.iter().any(|line| line.starts_with("Fired china/DEU/")));
    service.stop().await;

    let (mut service, health) = Service::start_healthy(desk.logs()).await;
    let watch = Watch::begin(health);
    let position = publish(&desk, "b", world(2, 21, 2024..=2024, 0.5)).await;
    service.evaluated(position).await;
    watch.assert_quick().await;
    assert!(desk.transitions().await.iter().any(|line| line.starts_with("Resolved china/DEU/")));
    assert_eq!(get(&mut service, "a-costly").await.health(), RuleHealth::Ok);
    service.stop().await;
}

#[tokio::test]
async fn a_rule_that_costs_too_much_is_refused_before_it_is_stored() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    // Its figures are kept for no rule yet, and known all the same.
    let position = publish(&desk, "a", world(21, 21, 1965..=2024, 0.9)).await;
    service.evaluated(position).await;
    for is_kept in [false, true] {
        for validate_only in [true, false] {
            let ask = PutRuleRequest {
                rule: Some(costly("costly", "{}")),
                validate_only,
                ..PutRuleRequest::default()
            };
            let refused = service.client.put_rule(ask).await.unwrap_err();
            assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused:?}");
            assert!(refused.message().contains("the limit is 100,000,000"), "{refused:?}");
        }
        if !is_kept {
            let narrow = service
                .put(costly("narrow", &format!("{{consumer: {0}, supplier: {0}}}", codes(1)[0])))
                .await;
            assert!(narrow.changed);
            service.put(china_rule("china", "")).await;
            service.evaluated(position).await;
        }
    }
    let info = get(&mut service, "narrow").await;
    let cost = info.cost.unwrap();
    assert_eq!((cost.subjects, cost.periods, cost.limit), (1, 60, 100_000_000));
    assert!(cost.steps > 200_000, "{cost:?}");
    assert_eq!(
        service.client.list_rules(ListRulesRequest::default()).await.unwrap().into_inner().rules.len(),
        2
    );
    service.stop().await;
}

#[tokio::test]
async fn a_suspended_rule_keeps_its_alerts_as_stale_and_goes_on_once_it_is_revised() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(rule("r", "{}", "{cel: 'value > 0.5 && series.all(a, series.all(b, a + b >= 0.0))'}")).await;
    let position = publish(&desk, "a", world(0, 0, 2023..=2024, 0.9)).await;
    service.evaluated(position).await;
    let position = publish(&desk, "b", world(21, 21, 1965..=2024, 0.9)).await;
    service.evaluated(position).await;
    suspended(&mut service, "r").await;
    let alert = service.all().await.remove(0);
    assert_eq!(
        (alert.state(), alert.stale, alert.reason()),
        (AlertState::Firing, true, Reason::RuleSuspended)
    );
    assert!(
        alert.finding.starts_with("the rule is suspended: its evaluation would take"),
        "{}",
        alert.finding
    );

    service
        .put(rule(
            "r",
            "{supplier: CHN}",
            "{cel: 'value > 0.5 && series.all(a, series.all(b, a + b >= 0.0))'}",
        ))
        .await;
    service.evaluated(position).await;
    assert_eq!(get(&mut service, "r").await.health(), RuleHealth::Ok);
    let history: Vec<String> =
        service.history("r/DEU/cobalt/refined/CHN").await.iter().map(describe).collect();
    let id = "r/DEU/cobalt/refined/CHN";
    assert_eq!(
        history,
        [
            format!("Fired {id} 2023 CROSSED"),
            format!("Stale {id} 2023 RULE_SUSPENDED"),
            format!("Stale {id} 2024 RULE_REVISED"),
        ]
    );
    assert!(!service.all().await[0].stale);
    service.stop().await;
}

/// Rules that are put one after another count before the evaluation that takes them in.
#[tokio::test]
async fn rules_that_are_not_evaluated_yet_count_toward_the_limit() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let position = publish(&desk, "a", world(25, 40, 2001..=2024, 0.9)).await;
    service.evaluated(position).await;
    let mut accepted: u64 = 0;
    let refused = loop {
        let rule = costly(&format!("costly{accepted}"), "{}");
        let ask = PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() };
        match service.client.put_rule(ask).await {
            Ok(_) => accepted += 1,
            Err(refused) => break refused,
        }
        assert!(accepted < 100, "the sum is never held against them");
    };
    assert!(refused.message().contains("all rules of everyone together would take"), "{refused:?}");
    assert!(accepted > 1, "each alone is within the limit");
    for number in 0..accepted {
        let ask = RemoveRuleRequest { rule: format!("costly{number}"), ..RemoveRuleRequest::default() };
        service.client.remove_rule(ask).await.unwrap();
    }
    service.stop().await;
}

#[tokio::test]
async fn many_rules_are_put_together_or_none() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let position = publish(&desk, "a", world(0, 0, 2023..=2024, 0.9)).await;
    service.evaluated(position).await;
    let rules: Vec<Rule> = (0..200).map(|k| china_rule(&format!("r{k}"), "")).collect();
    let mut wrong = rules.clone();
    wrong[150].title.clear();
    let twice: Vec<Rule> = rules.iter().chain(&rules[..1]).cloned().collect();
    for (rules, said) in [(wrong, "r150"), (twice, "put twice")] {
        let ask = PutRulesRequest { rules, ..PutRulesRequest::default() };
        let refused = service.client.put_rules(ask).await.unwrap_err();
        assert!(refused.message().contains(said), "{refused:?}");
    }
    let reason = "r".repeat(4_000);
    let many = (0..800).map(|k| china_rule(&format!("r{k}"), "")).collect();
    let ask = PutRulesRequest { rules: many, reason, ..PutRulesRequest::default() };
    let refused = service.client.put_rules(ask).await.unwrap_err();
    assert!(refused.message().contains("the answer to 800 rules would take"), "{refused:?}");
    assert_eq!(desk.count("RulePut").await, 0);

    let ask = PutRulesRequest { rules, actor: "desk".to_owned(), ..PutRulesRequest::default() };
    let answer = service.client.put_rules(ask.clone()).await.unwrap().into_inner();
    assert!(answer.rules.iter().all(|one| one.changed && one.rule.as_ref().unwrap().actor == "desk"));
    service.evaluated(position).await;
    assert_eq!(service.all().await.len(), 100, "the first page of 200");
    assert!(desk.count("EvaluationBegun").await < 20, "they are evaluated together");
    let again = service.client.put_rules(ask).await.unwrap().into_inner();
    assert!(again.rules.iter().all(|one| !one.changed));
    service.stop().await;
}

#[tokio::test]
async fn rules_are_listed_in_pages_within_the_message_limit() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let text = "x".repeat(3_000);
    let rules: Vec<Rule> =
        (0..1_500).map(|k| Rule { text: text.clone(), ..china_rule(&format!("r{k:04}"), "") }).collect();
    for rules in rules.chunks(500) {
        let ask = PutRulesRequest { rules: rules.to_vec(), ..PutRulesRequest::default() };
        service.client.put_rules(ask).await.unwrap();
    }
    let (mut listed, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let ask = ListRulesRequest { page_token, ..ListRulesRequest::default() };
        let page = service.client.list_rules(ask).await.unwrap().into_inner();
        assert!(!page.rules.is_empty());
        pages += 1;
        listed.extend(page.rules.into_iter().map(|info| info.rule.unwrap().id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(pages > 1, "they exceed one answer");
    assert_eq!(listed, rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>());

    let ask =
        ListRulesRequest { page_size: 2, page_token: "r:r0007".to_owned(), ..ListRulesRequest::default() };
    let page = service.client.list_rules(ask).await.unwrap().into_inner();
    let ids: Vec<&str> = page.rules.iter().map(|info| info.rule.as_ref().unwrap().id.as_str()).collect();
    assert_eq!((ids, page.next_page_token.as_str()), (vec!["r0008", "r0009"], "r:r0009"));
    for (page_size, page_token) in [(1001, ""), (0, "a1:r0007")] {
        let ask =
            ListRulesRequest { page_size, page_token: page_token.to_owned(), ..ListRulesRequest::default() };
        let refused = service.client.list_rules(ask).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused:?}");
    }
    service.stop().await;
}
