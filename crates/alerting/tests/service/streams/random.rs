//! Streams of random logs. What is expected is computed here, from the list of what was appended.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_rules::facts::{alert_event, alert_stream};
use orewatch_runtime::Clock as _;
use proptest::prelude::*;

use super::{
    MORE_THAN_KEPT, Responses, from, line, next, noise, snapshot, subscribe, transitions, up_to_now,
};
use crate::kit::{Desk, Service, Still, describe};

#[derive(Clone, Debug)]
struct Change {
    alert: Alert,
    restates: bool,
}

fn change() -> impl Strategy<Value = Change> {
    let states = prop::sample::select(vec![AlertState::Pending, AlertState::Firing, AlertState::Resolved]);
    let picked =
        (prop::sample::select(vec!["DEU", "JPN", "USA"]), prop::sample::select(vec!["cobalt", "tin"]));
    let severity = prop::sample::select(vec!["warning", "critical"]);
    (picked, states, severity, prop::bool::weighted(0.15)).prop_map(
        |((consumer, material), state, severity, restates)| {
            let text = str::to_owned;
            let [stage, supplier] = ["refined", "CHN"].map(text);
            let id = format!("r/{consumer}/{material}/refined/CHN");
            let subject = Subject {
                consumer: text(consumer),
                material: text(material),
                stage,
                supplier,
                ..Subject::default()
            };
            let alert = Alert {
                id,
                rule: text("r"),
                subject: Some(subject),
                state: state.into(),
                severity: text(severity),
                ..Alert::default()
            };
            Change { alert, restates }
        },
    )
}

impl Change {
    fn event(&self) -> Transition {
        let alert = Some(self.alert.clone());
        match self.alert.state() {
            _ if self.restates => Transition::Restated(AlertRestated { alert, ..AlertRestated::default() }),
            AlertState::Pending => Transition::Pending(AlertPending { alert }),
            AlertState::Firing => Transition::Fired(AlertFired { alert }),
            _ => Transition::Resolved(AlertResolved { alert }),
        }
    }
}

fn filter() -> impl Strategy<Value = AlertFilter> {
    let some = |of: Vec<&'static str>| prop::sample::subsequence(of, 0..=2);
    let states = vec![AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    let states = prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(states, 1..=2)];
    (some(vec!["DEU", "JPN"]), some(vec!["warning", "critical"]), states).prop_map(
        |(consumers, severities, states)| AlertFilter {
            consumers: consumers.into_iter().map(str::to_owned).collect(),
            severities: severities.into_iter().map(str::to_owned).collect(),
            states: states.into_iter().map(i32::from).collect(),
            ..AlertFilter::default()
        },
    )
}

fn matches(filter: &AlertFilter, alert: &Alert) -> bool {
    let any = |list: &[String], value: &String| list.is_empty() || list.contains(value);
    any(&filter.consumers, &alert.subject.as_ref().unwrap().consumer)
        && any(&filter.severities, &alert.severity)
        && (filter.states.is_empty() || filter.states.contains(&alert.state))
}

/// The filter of a snapshot.
fn snapshot_filter(filter: &AlertFilter) -> AlertFilter {
    let mut filter = filter.clone();
    if filter.states.is_empty() {
        filter.states = [AlertState::Pending, AlertState::Firing].map(i32::from).to_vec();
    }
    filter
}

type Copy = BTreeMap<String, Alert>;

/// The alerts that match, after some of the changes.
fn copy_of(changes: &[Change], filter: &AlertFilter) -> Copy {
    let changed = changes.iter().filter(|change| !change.restates);
    let all: Copy = changed.map(|change| (change.alert.id.clone(), change.alert.clone())).collect();
    all.into_iter().filter(|(_, alert)| matches(filter, alert)).collect()
}

/// Keeps a copy up to date as a subscriber does.
fn apply(copy: &mut Copy, response: &SubscribeAlertsResponse) {
    let alert = match response.message.as_ref().unwrap() {
        Message::Alert(alert) => Some(alert),
        Message::Transition(transition) => match transition.event.as_ref().unwrap() {
            Transition::Restated(_) => None,
            event => orewatch_rules::alert::alert_of(event),
        },
        _ => None,
    };
    match alert {
        Some(alert) if response.left => drop(copy.remove(&alert.id)),
        Some(alert) => drop(copy.insert(alert.id.clone(), alert.clone())),
        None => {}
    }
}

async fn append(desk: &Desk, changes: &[Change]) {
    for change in changes {
        let stream = alert_stream(&change.alert.id).unwrap();
        let expected = desk.alerts.last(&stream).await.unwrap();
        let event =
            alert_event(AlertEvent::from(change.event()), &stream, &expected.to_string(), Still.now());
        desk.alerts.append(&stream, expected, vec![event]).await.unwrap();
    }
}

/// A log whose old part is on disk only, and whose new part services have in memory.
async fn random_log(old: &[Change], new: &[Change]) -> (Desk, [Service; 2]) {
    let desk = Desk::new();
    append(&desk, old).await;
    noise(&desk, MORE_THAN_KEPT).await;
    let services = [desk.start().await, desk.start().await];
    append(&desk, new).await;
    (desk, services)
}

async fn check_random_log(old: Vec<Change>, new: Vec<Change>, filter: AlertFilter, cut: prop::sample::Index) {
    let changes: Vec<Change> = old.iter().chain(&new).cloned().collect();
    let (desk, services) = random_log(&old, &new).await;
    let head = desk.alerts.extent().await.unwrap().head;
    let upto_head = async |stream: &mut Responses| {
        let mut all = Vec::new();
        loop {
            all.extend(up_to_now(stream).await);
            if let Some(Message::CaughtUp(end)) = &all.last().unwrap().message
                && end.position >= head
            {
                return all;
            }
        }
    };
    let [one, other] = &services;
    let full = upto_head(&mut subscribe(one, from("beginning", &filter)).await).await;
    let sent: Vec<_> = transitions(&full).into_iter().map(line).collect();
    let wanted = changes.iter().filter(|change| matches(&filter, &change.alert));
    assert_eq!(sent, wanted.map(|change| describe(&change.event())).collect::<Vec<_>>());

    // Resuming after any message gives the rest, on either replica.
    let at = cut.index(full.len());
    for service in &services {
        let rest = upto_head(&mut subscribe(service, from(&full[at].resume_token, &filter)).await).await;
        assert_eq!(transitions(&rest), transitions(&full[at + 1..]));
    }

    // A snapshot, with the transitions after the token of its end, is a copy of the current alerts, on either
    // replica.
    let held = snapshot_filter(&filter);
    let mut stream = subscribe(one, snapshot(&filter)).await;
    let mut copy = Copy::new();
    let end = loop {
        let response = next(&mut stream).await;
        apply(&mut copy, &response);
        if matches!(response.message, Some(Message::SnapshotEnd(_))) {
            break response;
        }
    };
    assert_eq!(copy, copy_of(&changes, &held));
    append(&desk, &old).await;
    let more: Vec<Change> = changes.iter().chain(&old).cloned().collect();
    let after = desk.alerts.extent().await.unwrap().head;
    for stream in [&mut stream, &mut subscribe(other, from(&end.resume_token, &filter)).await] {
        let mut copy = copy.clone();
        loop {
            let response = next(stream).await;
            apply(&mut copy, &response);
            if matches!(response.message, Some(Message::CaughtUp(end)) if end.position >= after) {
                break;
            }
        }
        assert_eq!(copy, copy_of(&more, &held));
    }
    for service in services {
        service.stop().await;
    }
}

/// A copy whose next event is on disk only ends like one that is kept from memory.
async fn check_old_copy(old: Vec<Change>, new: Vec<Change>, filter: AlertFilter) {
    let desk = Desk::new();
    append(&desk, &old).await;
    let service = desk.start().await;
    let mut stream = subscribe(&service, snapshot(&filter)).await;
    let mut copy = Copy::new();
    let end = loop {
        let response = next(&mut stream).await;
        apply(&mut copy, &response);
        if matches!(response.message, Some(Message::SnapshotEnd(_))) {
            break response;
        }
    };
    append(&desk, &new).await;
    noise(&desk, MORE_THAN_KEPT).await;
    let head = desk.alerts.extent().await.unwrap().head;
    let mut resumed = subscribe(&service, from(&end.resume_token, &filter)).await;
    let mut told: [Vec<_>; 2] = [const { Vec::new() }; 2];
    for (stream, told) in [&mut stream, &mut resumed].into_iter().zip(&mut told) {
        loop {
            let response = next(stream).await;
            if matches!(&response.message, Some(Message::CaughtUp(end)) if end.position >= head) {
                break;
            }
            told.extend(transitions(&[response]).into_iter().cloned());
        }
    }
    let [live, resumed] = told;
    assert_eq!(live, resumed, "the log gives the same messages as memory");
    resumed.iter().for_each(|response| apply(&mut copy, response));
    let changes: Vec<Change> = old.into_iter().chain(new).collect();
    assert_eq!(copy, copy_of(&changes, &snapshot_filter(&filter)));
    service.stop().await;
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn d02_resuming_gives_exactly_the_rest_and_a_snapshot_with_its_transitions_is_complete(
        old in prop::collection::vec(change(), 1..24),
        new in prop::collection::vec(change(), 0..24),
        filter in filter(),
        cut: prop::sample::Index,
    ) {
        run(check_random_log(old, new, filter, cut));
    }

    #[test]
    fn d06_a_copy_is_the_same_from_memory_and_from_disk(
        old in prop::collection::vec(change(), 1..12),
        new in prop::collection::vec(change(), 0..24),
        filter in filter(),
    ) {
        run(check_old_copy(old, new, filter));
    }
}
