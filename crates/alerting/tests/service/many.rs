//! Many readers at once: each takes its turn, and none holds up who asks for the health.
use std::time::Duration;

use futures_util::future::join_all;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::*;

use crate::costly::{Watch, publish, rule, world};
use crate::kit::{Desk, Service};

/// Matchers that look at all of what an alert says, and match nothing.
fn hard_to_meet() -> AlertFilter {
    let fields = ["rule", "consumer", "material", "stage", "supplier", "severity"];
    let matcher = |k: usize| Matcher {
        field: fields[k % fields.len()].to_owned(),
        operator: MatchOperator::NotMatches.into(),
        value: format!("(.*[a-z]){{3,9}}{k}"),
    };
    let none = Matcher {
        field: "rule".to_owned(),
        operator: MatchOperator::Matches.into(),
        value: ".*nothing.*".to_owned(),
    };
    AlertFilter { matchers: (0..31).map(matcher).chain([none]).collect(), ..AlertFilter::default() }
}

/// Reads a stream until it has told all there is; how many alerts and transitions it told.
async fn read(service: &Service, request: SubscribeAlertsRequest) -> usize {
    let mut stream = service.client.clone().subscribe_alerts(request).await.unwrap().into_inner();
    let mut told = 0;
    loop {
        let message = tokio::time::timeout(Duration::from_secs(120), stream.message()).await;
        match message.expect("in time").unwrap().and_then(|response| response.message) {
            Some(Message::Alert(_) | Message::Transition(_)) => told += 1,
            Some(Message::CaughtUp(_) | Message::SnapshotEnd(_)) => return told,
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
}

#[tokio::test]
async fn health_checks_answer_at_once_while_many_subscribers_read_history_or_snapshots() {
    let desk = Desk::new();
    let (mut service, health) = Service::start_healthy(desk.logs()).await;
    service.put(rule("all", "{}", "{above: 0.001}")).await;
    // More events than are kept in memory.
    let position = publish(&desk, "a", world(60, 80, 2023..=2024, 0.9)).await;
    service.evaluated(position).await;

    let watch = Watch::begin(health);
    let from_the_beginning = SubscribeAlertsRequest {
        filter: Some(hard_to_meet()),
        resume_token: "beginning".to_owned(),
        ..SubscribeAlertsRequest::default()
    };
    let everything = AlertFilter::default();
    let with_snapshot =
        SubscribeAlertsRequest { filter: Some(everything), snapshot: true, ..Default::default() };
    let histories = join_all((0..12).map(|_| read(&service, from_the_beginning.clone())));
    let snapshots = join_all((0..6).map(|_| read(&service, with_snapshot.clone())));
    let (histories, snapshots) = tokio::join!(histories, snapshots);
    watch.assert_quick().await;
    assert_eq!(histories, vec![0; 12]);
    assert_eq!(snapshots, vec![60 * 80 + 1; 6]);
    service.stop().await;
}
