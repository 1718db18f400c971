//! Streams of alerts as another service uses them: where they begin, what they say about themselves, and that
//! no message is lost or repeated. Tests whose names begin with a number check that case of the
//! specification.
mod random;
mod trimmed;

use std::time::Duration;

use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{MAX_APPEND_EVENTS, NewEvent, StreamName};
use orewatch_runtime::Clock as _;
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

/// The messages of a stream up to the present.
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

/// Appends events to the alerts log that are of no concern to subscribers.
async fn noise(desk: &Desk, count: usize) {
    let stream = StreamName::new("alerts.noise").unwrap();
    for at in (0..count).step_by(MAX_APPEND_EVENTS) {
        let expected = desk.alerts.last(&stream).await.unwrap();
        let event = |_| NewEvent {
            id: Uuid::now_v7(),
            kind: "orewatch.alerting.v1.OfALaterVersion".to_owned(),
            time: Still.now(),
            data: Vec::new().into(),
            traceparent: None,
        };
        let events = (at..count.min(at + MAX_APPEND_EVENTS)).map(event).collect();
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
async fn d01_a_stream_starts_at_the_beginning_now_or_after_a_token() {
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
async fn d03_a_stream_says_when_it_has_caught_up_and_when_it_fell_behind() {
    let (desk, mut service) = crossed().await;
    let all = AlertFilter::default();
    let mut stream = subscribe(&service, from("", &all)).await;
    let Some(Message::CaughtUp(caught_up)) = next(&mut stream).await.message else { panic!("not caught up") };
    assert_eq!(caught_up.position, desk.alerts.extent().await.unwrap().head);
    assert_eq!(caught_up.time.unwrap().seconds, Still.now().as_second());

    // More transitions than may wait for a subscriber, then more events than are kept in memory.
    let swinging: Vec<(u16, f64)> = (1910..2050).map(|year| (year, f64::from(year % 2 + 1) * 0.4)).collect();
    for consumer in ["JPN", "USA", "G7"] {
        let position = desk.publish("nickel", consumer, shares(consumer, "refined", &swinging)).await;
        service.evaluated(position).await;
    }
    noise(&desk, MORE_THAN_KEPT).await;
    let head = desk.alerts.extent().await.unwrap().head;
    let mut received = Vec::new();
    let told = loop {
        let responses = up_to_now(&mut stream).await;
        let Some(Message::CaughtUp(end)) = &responses.last().unwrap().message else { unreachable!() };
        let is_end = end.position >= head;
        received.extend(responses);
        if is_end {
            break received;
        }
    };
    let behind = told.iter().find_map(|response| match &response.message {
        Some(Message::FellBehind(behind)) => Some(behind),
        _ => None,
    });
    let behind = behind.expect("it fell behind");
    assert!(!behind.ended && behind.position < behind.head && behind.time.is_some(), "{behind:?}");
    let heard: Vec<_> = transitions(&told).into_iter().map(line).collect();
    assert_eq!(heard, desk.transitions().await[5..], "and still gets every transition once, in order");
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
    // A long stretch of history without matches has checkpoints, too.
    noise(&desk, 2_000).await;
    let rest = up_to_now(&mut subscribe(&service, from(&checkpoint.0, &quiet)).await).await;
    assert!(rest.len() >= 3, "{rest:?}");
    service.stop().await;
}

#[tokio::test]
async fn an_idle_stream_sends_heartbeats() {
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
    for (seconds, nanos) in [(0, 999_999_999), (301, 0), (-1, 0), (i64::MAX, 5), (i64::MIN, i32::MIN)] {
        request.heartbeat = Some(prost_types::Duration { seconds, nanos });
        assert_eq!(refused(&service, request.clone()).await.code, "invalid-heartbeat");
    }
    service.stop().await;
}

#[tokio::test]
async fn d06_a_snapshot_and_the_transitions_after_it_have_no_gap_and_no_overlap() {
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
async fn a_token_is_valid_only_for_its_filter() {
    let (_desk, mut service) = crossed().await;
    let consumers = |consumers: &[&str]| AlertFilter {
        consumers: consumers.iter().map(|code| (*code).to_owned()).collect(),
        ..AlertFilter::default()
    };
    let mut stream = subscribe(&service, from("beginning", &consumers(&["DEU", "JPN"]))).await;
    let token = next(&mut stream).await.resume_token;
    let mut same = subscribe(&service, from(&token, &consumers(&["JPN", "DEU"]))).await;
    assert_eq!(transitions(&up_to_now(&mut same).await).len(), 4);
    let failure = refused(&service, from(&token, &consumers(&["JPN"]))).await;
    assert_eq!((failure.class, failure.code.as_str()), (Class::Invalid, "token-of-another-filter"));
    assert_eq!(failure.field, "resume_token");
    let typo = token.replace('0', "1");
    assert_eq!(refused(&service, from(&typo, &consumers(&["DEU", "JPN"]))).await.code, "invalid-token");
    assert_eq!(refused(&service, from("a99999", &consumers(&[]))).await.code, "invalid-token");
    let listed = service.list(AlertFilter::default()).await.resume_token;
    for token in [listed.as_str(), "a1"] {
        let mut stream = subscribe(&service, from(token, &consumers(&["DEU"]))).await;
        up_to_now(&mut stream).await;
    }
    service.stop().await;
}
