//! Subscriptions: every transition once, in order, whatever is interrupted.
use std::time::Duration;

use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    AlertFilter, AlertState, SubscribeAlertsRequest, SubscribeAlertsResponse,
};
use orewatch_contracts::{Class, Failure};
use tonic::Streaming;

use crate::kit::{Desk, Service, china_rule, describe, shares};

const SERIES: &[(u16, f64)] = &[(2019, 0.7), (2020, 0.5), (2021, 0.7), (2022, 0.5), (2023, 0.7)];

async fn subscribe(
    service: &mut Service,
    token: &str,
    filter: AlertFilter,
) -> Streaming<SubscribeAlertsResponse> {
    let request = SubscribeAlertsRequest {
        filter: Some(filter),
        resume_token: token.to_owned(),
        ..SubscribeAlertsRequest::default()
    };
    service.client.subscribe_alerts(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<SubscribeAlertsResponse>) -> (String, Message) {
    let response = tokio::time::timeout(Duration::from_secs(20), stream.message()).await.expect("in time");
    let response = response.unwrap().expect("a message");
    (response.resume_token, response.message.unwrap())
}

/// Transitions up to the present, each with the token after it.
async fn up_to_now(stream: &mut Streaming<SubscribeAlertsResponse>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    loop {
        match next(stream).await {
            (token, Message::Transition(transition)) => {
                all.push((token, describe(&transition.event.unwrap())))
            }
            (_, Message::CaughtUp(_)) => return all,
            _ => {}
        }
    }
}

fn alerts_for(consumer: &str) -> AlertFilter {
    AlertFilter { consumers: vec![consumer.to_owned()], ..AlertFilter::default() }
}

#[tokio::test]
async fn resuming_after_any_message_gives_exactly_the_rest() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", SERIES)).await;
    service.evaluated(position).await;

    let all = up_to_now(&mut subscribe(&mut service, "beginning", AlertFilter::default()).await).await;
    assert_eq!(all.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>(), desk.transitions().await);
    assert_eq!(all.len(), 5);
    for k in 0..all.len() {
        let rest = up_to_now(&mut subscribe(&mut service, &all[k].0, AlertFilter::default()).await).await;
        assert_eq!(rest, all[k + 1..]);
    }
    let firing = AlertFilter { states: vec![AlertState::Firing.into()], ..AlertFilter::default() };
    assert_eq!(up_to_now(&mut subscribe(&mut service, "beginning", firing).await).await.len(), 3);
    service.stop().await;
}

#[tokio::test]
async fn a_list_and_the_subscription_after_it_have_no_gap_and_no_overlap() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", SERIES)).await;
    service.evaluated(position).await;
    let listed = service.list(AlertFilter::default()).await;
    assert_eq!(listed.alerts.len(), 1);

    let position = desk.publish("lithium", "b", shares("DEU", "refined", &[(2024, 0.9)])).await;
    service.evaluated(position).await;
    let mut stream = subscribe(&mut service, &listed.resume_token, AlertFilter::default()).await;
    let missed = up_to_now(&mut stream).await;
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].1, "Fired r/DEU/lithium/refined/CHN 2024 CROSSED");

    desk.publish("nickel", "c", shares("DEU", "refined", &[(2024, 0.9)])).await;
    let live = loop {
        if let (_, Message::Transition(transition)) = next(&mut stream).await {
            break describe(&transition.event.unwrap());
        }
    };
    assert_eq!(live, "Fired r/DEU/nickel/refined/CHN 2024 CROSSED");
    service.stop().await;
}

#[tokio::test]
async fn a_subscription_without_matches_still_gets_new_tokens() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    service.put(china_rule("r", "")).await;
    let mut stream = subscribe(&mut service, "", alerts_for("JPN")).await;
    let (first, message) = next(&mut stream).await;
    assert!(matches!(message, Message::CaughtUp(_)));
    desk.publish("cobalt", "a", shares("DEU", "refined", SERIES)).await;
    let (last, message) = loop {
        let message = next(&mut stream).await;
        if matches!(message.1, Message::Checkpoint(_)) {
            break message;
        }
    };
    assert!(matches!(message, Message::Checkpoint(_)));
    assert_ne!(first, last);
    assert!(up_to_now(&mut subscribe(&mut service, &last, alerts_for("JPN")).await).await.is_empty());
    service.stop().await;
}

#[tokio::test]
async fn a_subscription_ends_when_the_service_stops() {
    let desk = Desk::new();
    let mut service = desk.start().await;
    let mut stream = subscribe(&mut service, "", AlertFilter::default()).await;
    assert!(matches!(next(&mut stream).await.1, Message::CaughtUp(_)));
    service.stop().await;
    let end = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ends with a reason"),
            Err(status) => break Failure::from(status),
        }
    };
    assert_eq!((end.class, end.code.as_str()), (Class::Unavailable, "stopping"));
}
