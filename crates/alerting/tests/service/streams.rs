//! Subscriptions as another service builds on them: where they begin, what they say of themselves, and that nothing is lost or
//! told twice. Tests are named by the cases that they hold to.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use orewatch_alerting::Logs;
use orewatch_alerting::facts::{Fact, alert_stream};
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, Items, MOST_EVENTS, NewEvent, Position, StreamName,
};
use orewatch_runtime::{Class, Clock as _, Failure};
use proptest::prelude::*;
use tonic::Streaming;
use uuid::Uuid;

use crate::kit::{Desk, Service, Still, china_rule, describe, shares};

const SERIES: &[(u16, f64)] = &[(2019, 0.7), (2020, 0.5), (2021, 0.7), (2022, 0.5), (2023, 0.7)];

/// More events than a service keeps in memory for its subscribers.
const MORE_THAN_KEPT: usize = 5_000;

type Responses = Streaming<SubscribeAlertsResponse>;

fn from(token: &str, filter: &AlertFilter) -> SubscribeAlertsRequest {
    SubscribeAlertsRequest {
        filter: Some(filter.clone()),
        resume_token: token.to_owned(),
        ..SubscribeAlertsRequest::default()
    }
}

fn snapshot(filter: &AlertFilter) -> SubscribeAlertsRequest {
    SubscribeAlertsRequest { snapshot: true, ..from("", filter) }
}

async fn subscribe(service: &Service, request: SubscribeAlertsRequest) -> Responses {
    service.client.clone().subscribe_alerts(request).await.unwrap().into_inner()
}

async fn refused(service: &Service, request: SubscribeAlertsRequest) -> Failure {
    service.client.clone().subscribe_alerts(request).await.map(drop).unwrap_err().into()
}

async fn next(stream: &mut Responses) -> SubscribeAlertsResponse {
    let response = tokio::time::timeout(Duration::from_secs(60), stream.message()).await.expect("in time");
    response.unwrap().expect("a message")
}

/// What a stream tells up to the present.
async fn up_to_now(stream: &mut Responses) -> Vec<SubscribeAlertsResponse> {
    let mut all = Vec::new();
    loop {
        let response = next(stream).await;
        let is_end = matches!(response.message, Some(Message::CaughtUp(_)));
        all.push(response);
        if is_end {
            return all;
        }
    }
}

fn transitions(responses: &[SubscribeAlertsResponse]) -> Vec<&SubscribeAlertsResponse> {
    responses.iter().filter(|response| matches!(response.message, Some(Message::Transition(_)))).collect()
}

fn line(response: &SubscribeAlertsResponse) -> String {
    match &response.message {
        Some(Message::Transition(transition)) => describe(transition.event.as_ref().unwrap()),
        Some(Message::Alert(alert)) => format!("= {}", alert.id),
        Some(Message::SnapshotEnd(end)) => format!("end of {}", end.alerts),
        Some(Message::CaughtUp(_)) => "caught up".to_owned(),
        Some(Message::FellBehind(behind)) => format!("fell behind, ended {}", behind.ended),
        Some(Message::Checkpoint(_)) | None => "checkpoint".to_owned(),
    }
}

fn lines(responses: &[SubscribeAlertsResponse]) -> Vec<String> {
    responses.iter().map(line).filter(|line| line != "checkpoint").collect()
}

/// Events on the alerts log that say nothing to subscribers.
async fn noise(desk: &Desk, count: usize) {
    let stream = StreamName::new("alerts.noise").unwrap();
    for at in (0..count).step_by(MOST_EVENTS) {
        let expected = desk.alerts.last(&stream).await.unwrap();
        let event = |_| NewEvent {
            id: Uuid::now_v7(),
            kind: "orewatch.alerting.v1.OfALaterVersion".to_owned(),
            time: Still.now(),
            data: Vec::new().into(),
            traceparent: None,
        };
        let events = (at..count.min(at + MOST_EVENTS)).map(event).collect();
        desk.alerts.append(&stream, expected, events).await.unwrap();
    }
}

async fn crossed() -> (Desk, Service) {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", SERIES)).await;
    service.evaluated(position).await;
    (desk, service)
}

#[tokio::test]
async fn d01_a_stream_starts_at_the_beginning_now_or_after_a_position() {
    let (desk, mut service) = crossed().await;
    let all = AlertFilter::default();
    let history = up_to_now(&mut subscribe(&service, from("beginning", &all)).await).await;
    assert_eq!(transitions(&history).len(), 5);

    let mut now = subscribe(&service, from("", &all)).await;
    assert_eq!(lines(&up_to_now(&mut now).await), ["caught up"]);
    let second = &transitions(&history)[1].resume_token;
    let rest = up_to_now(&mut subscribe(&service, from(second, &all)).await).await;
    assert_eq!(transitions(&rest), transitions(&history)[2..]);

    let position = desk.publish("nickel", "b", shares("DEU", "refined", &[(2024, 0.9)])).await;
    service.evaluated(position).await;
    let live = loop {
        let response = next(&mut now).await;
        if matches!(response.message, Some(Message::Transition(_))) {
            break line(&response);
        }
    };
    assert_eq!(live, "Fired r/DEU/nickel/refined/CHN 2024 CROSSED");
    service.stop().await;
}

#[tokio::test]
async fn d03_a_stream_says_when_it_is_caught_up_and_when_it_fell_behind() {
    let (desk, mut service) = crossed().await;
    let all = AlertFilter::default();
    let mut stream = subscribe(&service, from("", &all)).await;
    let Some(Message::CaughtUp(caught_up)) = next(&mut stream).await.message else { panic!("not caught up") };
    assert_eq!(caught_up.position, desk.alerts.extent().await.unwrap().head);
    assert_eq!(caught_up.time.unwrap().seconds, Still.now().as_second());

    // More transitions than wait for a subscriber, then more events than are kept for those who keep up.
    let swinging: Vec<(u16, f64)> = (1910..2050).map(|year| (year, f64::from(year % 2 + 1) * 0.4)).collect();
    for consumer in ["JPN", "USA", "G7"] {
        let position = desk.publish("nickel", consumer, shares(consumer, "refined", &swinging)).await;
        service.evaluated(position).await;
    }
    noise(&desk, MORE_THAN_KEPT).await;
    let head = desk.alerts.extent().await.unwrap().head;
    let mut service_at = Vec::new();
    let told = loop {
        let responses = up_to_now(&mut stream).await;
        let Some(Message::CaughtUp(end)) = &responses.last().unwrap().message else { unreachable!() };
        let is_end = end.position >= head;
        service_at.extend(responses);
        if is_end {
            break service_at;
        }
    };
    let behind = told.iter().find_map(|response| match &response.message {
        Some(Message::FellBehind(behind)) => Some(behind),
        _ => None,
    });
    let behind = behind.expect("it fell behind");
    assert!(!behind.ended && behind.position < behind.head && behind.time.is_some(), "{behind:?}");
    let heard: Vec<_> = transitions(&told).into_iter().map(line).collect();
    assert_eq!(heard, desk.told().await[5..], "and still hears everything once, in order");
    service.stop().await;
}

#[tokio::test]
async fn d04_a_filter_that_matches_nothing_gets_checkpoints_to_resume_from() {
    let (desk, mut service) = crossed().await;
    let quiet = AlertFilter { consumers: vec!["JPN".to_owned()], ..AlertFilter::default() };
    let mut stream = subscribe(&service, from("beginning", &quiet)).await;
    up_to_now(&mut stream).await;
    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2024, 0.1)])).await;
    service.evaluated(position).await;
    let checkpoint = loop {
        let response = next(&mut stream).await;
        if let Some(Message::Checkpoint(checkpoint)) = &response.message {
            assert!(checkpoint.time.is_some());
            break (response.resume_token, checkpoint.position);
        }
    };
    assert_eq!(checkpoint.1, desk.alerts.extent().await.unwrap().head);
    let again = up_to_now(&mut subscribe(&service, from(&checkpoint.0, &quiet)).await).await;
    assert_eq!(lines(&again), ["caught up"]);
    // A long stretch of history is not passed over in silence either.
    noise(&desk, 2_000).await;
    let rest = up_to_now(&mut subscribe(&service, from(&checkpoint.0, &quiet)).await).await;
    assert!(rest.len() >= 3, "{rest:?}");
    service.stop().await;
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_lives() {
    let (_desk, service) = crossed().await;
    let mut request = from("", &AlertFilter::default());
    request.heartbeat = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let mut stream = subscribe(&service, request.clone()).await;
    assert_eq!(line(&next(&mut stream).await), "caught up");
    for _ in 0..2 {
        let response = next(&mut stream).await;
        let Some(Message::Checkpoint(checkpoint)) = response.message else { panic!("{response:?}") };
        assert!(checkpoint.position > 0 && !response.resume_token.is_empty());
    }
    for (seconds, nanos) in [(0, 999_999_999), (301, 0), (-1, 0), (i64::MAX, 5)] {
        request.heartbeat = Some(prost_types::Duration { seconds, nanos });
        assert_eq!(refused(&service, request.clone()).await.code, "heartbeat");
    }
    service.stop().await;
}

#[tokio::test]
async fn d06_a_snapshot_and_what_follows_it_have_no_gap_and_no_overlap() {
    let (desk, mut service) = crossed().await;
    let all = AlertFilter::default();
    let mut stream = subscribe(&service, snapshot(&all)).await;
    let position = desk.publish("nickel", "b", shares("DEU", "refined", &[(2024, 0.9)])).await;
    service.evaluated(position).await;
    let position = desk.publish("cobalt", "c", shares("DEU", "refined", &[(2024, 0.1)])).await;
    service.evaluated(position).await;

    let mut told = vec![next(&mut stream).await, next(&mut stream).await];
    assert_eq!(lines(&told), ["= r/DEU/cobalt/refined/CHN", "end of 1"]);
    assert_eq!(told[0].resume_token, "", "there is nothing to resume within a snapshot");
    let Some(Message::SnapshotEnd(end)) = &told[1].message else { unreachable!() };
    assert!(end.position > 0 && end.time.is_some());
    while transitions(&told).len() < 2 {
        told.push(next(&mut stream).await);
    }
    let after: Vec<_> = transitions(&told).iter().map(|told| (line(told), told.left)).collect();
    let expected = [
        ("Fired r/DEU/nickel/refined/CHN 2024 CROSSED".to_owned(), false),
        ("Resolved r/DEU/cobalt/refined/CHN 2024 CLEARED".to_owned(), true),
    ];
    assert_eq!(after, expected);
    // The same again from the end of the snapshot, by its token alone.
    let again = up_to_now(&mut subscribe(&service, from(&told[1].resume_token, &all)).await).await;
    assert_eq!(transitions(&again), transitions(&told));

    let both = SubscribeAlertsRequest { snapshot: true, ..from(&told[1].resume_token, &all) };
    assert_eq!(refused(&service, both).await.code, "snapshot-and-token");
    service.stop().await;
}

#[tokio::test]
async fn a_token_is_good_for_its_filter_only() {
    let (_desk, mut service) = crossed().await;
    let of = |consumers: &[&str]| AlertFilter {
        consumers: consumers.iter().map(|code| (*code).to_owned()).collect(),
        ..AlertFilter::default()
    };
    let mut stream = subscribe(&service, from("beginning", &of(&["DEU", "JPN"]))).await;
    let token = next(&mut stream).await.resume_token;
    let mut same = subscribe(&service, from(&token, &of(&["JPN", "DEU"]))).await;
    assert_eq!(transitions(&up_to_now(&mut same).await).len(), 4);
    let failure = refused(&service, from(&token, &of(&["JPN"]))).await;
    assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "token-of-another-filter"));
    assert_eq!(failure.field, "resume_token");
    let typo = token.replace('0', "1");
    assert_eq!(refused(&service, from(&typo, &of(&["DEU", "JPN"]))).await.code, "invalid-token");
    assert_eq!(refused(&service, from("a99999", &of(&[]))).await.code, "invalid-token");
    let listed = service.list(AlertFilter::default()).await.resume_token;
    for token in [listed.as_str(), "a1"] {
        let mut stream = subscribe(&service, from(token, &of(&["DEU"]))).await;
        up_to_now(&mut stream).await;
    }
    service.stop().await;
}

/// A log that has lost its first events.
#[derive(Debug)]
struct Trimmed(Arc<dyn EventLog>, Position);

impl EventLog for Trimmed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        self.0.append(stream, expected, events)
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        // What the service itself folds when it starts is in a snapshot of its own, as it were.
        let is_start = after == 0;
        if !is_start && after + 1 < self.1 {
            let gone = Error::Gone { log: "alerts".to_owned(), wanted: after + 1, oldest: self.1 };
            return stream::once(async { Err(gone) }).boxed();
        }
        self.0.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.0.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        let oldest = self.1;
        self.0.extent().map(move |extent| extent.map(|extent| Extent { oldest, ..extent })).boxed()
    }
}

#[tokio::test]
async fn a_token_that_the_log_does_not_reach_back_to_is_gone_and_a_snapshot_is_the_way_out() {
    let (desk, service) = crossed().await;
    service.stop().await;
    noise(&desk, MORE_THAN_KEPT).await;
    let trimmed = Arc::new(Trimmed(Arc::clone(&desk.alerts), 3_000));
    let service = Service::start(Logs { alerts: trimmed, ..desk.logs() }).await;
    let mut stream = subscribe(&service, from("a5", &AlertFilter::default())).await;
    let failure = Failure::from(stream.message().await.unwrap_err());
    assert_eq!((failure.class, failure.code.as_str()), (Class::Refused, "resume-token-gone"));
    assert!(failure.message.contains("3000") && failure.hint.contains("snapshot"), "{failure}");
    let told = up_to_now(&mut subscribe(&service, snapshot(&AlertFilter::default())).await).await;
    assert_eq!(lines(&told), ["= r/DEU/cobalt/refined/CHN", "end of 1", "caught up"]);
    service.stop().await;
}

// --- Random logs. What is expected is worked out here, from the list of what was appended.

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
fn standing(filter: &AlertFilter) -> AlertFilter {
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

/// Keeps a copy as a subscriber does.
fn keep(copy: &mut Copy, response: &SubscribeAlertsResponse) {
    let alert = match response.message.as_ref().unwrap() {
        Message::Alert(alert) => Some(alert),
        Message::Transition(transition) => match transition.event.as_ref().unwrap() {
            Transition::Restated(_) => None,
            event => orewatch_alerting::alert::alert_of(event),
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
        let event = Fact::Alert(change.event()).into_event(&stream, &expected.to_string(), Still.now());
        desk.alerts.append(&stream, expected, vec![event]).await.unwrap();
    }
}

/// Logs with an old part that is on the disk only, and a new one that services hold in memory.
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
    let told: Vec<_> = transitions(&full).into_iter().map(line).collect();
    let wanted = changes.iter().filter(|change| matches(&filter, &change.alert));
    assert_eq!(told, wanted.map(|change| describe(&change.event())).collect::<Vec<_>>());

    // A resume after any message gives the rest, on either replica.
    let at = cut.index(full.len());
    for service in &services {
        let rest = upto_head(&mut subscribe(service, from(&full[at].resume_token, &filter)).await).await;
        assert_eq!(transitions(&rest), transitions(&full[at + 1..]));
    }

    // A snapshot, and what follows by the token of its end on the other replica, is the copy of all that happened.
    let held = standing(&filter);
    let mut stream = subscribe(one, snapshot(&filter)).await;
    let mut copy = Copy::new();
    let end = loop {
        let response = next(&mut stream).await;
        keep(&mut copy, &response);
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
            keep(&mut copy, &response);
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

/// A copy that was begun long ago goes on from the disk to the same end.
async fn check_old_copy(old: Vec<Change>, new: Vec<Change>, filter: AlertFilter) {
    let desk = Desk::new();
    append(&desk, &old).await;
    let service = desk.start().await;
    let mut stream = subscribe(&service, snapshot(&filter)).await;
    let mut copy = Copy::new();
    let end = loop {
        let response = next(&mut stream).await;
        keep(&mut copy, &response);
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
    assert_eq!(live, resumed, "what is read of the log is what was told live");
    resumed.iter().for_each(|response| keep(&mut copy, response));
    let changes: Vec<Change> = old.into_iter().chain(new).collect();
    assert_eq!(copy, copy_of(&changes, &standing(&filter)));
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
    fn d02_a_resume_gives_exactly_the_rest_and_a_snapshot_with_its_tail_is_the_whole(
        old in prop::collection::vec(change(), 1..24),
        new in prop::collection::vec(change(), 0..24),
        filter in filter(),
        cut: prop::sample::Index,
    ) {
        run(check_random_log(old, new, filter, cut));
    }

    #[test]
    fn d06_a_copy_is_kept_alike_from_memory_and_from_the_disk(
        old in prop::collection::vec(change(), 1..12),
        new in prop::collection::vec(change(), 0..24),
        filter in filter(),
    ) {
        run(check_old_copy(old, new, filter));
    }
}
