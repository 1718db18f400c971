//! Messages that somebody has sent again, and what callers are told of deliveries.
use jiff::SignedDuration;
use orewatch_contracts::alerting::v1::*;
use tonic::Code;

use crate::bench::{Bench, Service, eventually};
use crate::receiver::{Server, status};
use crate::samples::message;

#[tokio::test]
async fn d12_a_requested_attempt_has_the_same_id_and_does_not_affect_the_receivers_health() {
    let bench = Bench::new();
    let server = Server::start(|n| match n {
        0 => status(410),
        1 => status(500),
        _ => status(200),
    })
    .await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    service.reaches(&id, DeliveryState::GivenUp, 1).await;
    let mut client = service.client.clone();
    let before = eventually("the receiver is disabled", async || {
        let all = client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner().receivers;
        all.into_iter().find(|info| info.disabled_at.is_some())
    })
    .await;

    assert_eq!(service.replay(&[&id]).await, std::slice::from_ref(&id));
    let failed = service.reaches(&id, DeliveryState::GivenUp, 2).await;
    assert!(failed.attempts[1].by_hand && !failed.given_up.is_empty());
    let after = service.info("hook").await;
    assert_eq!(
        (after.disabled_at, after.failing_since, after.given_up),
        (before.disabled_at, before.failing_since, 1)
    );

    bench.clock.turn(SignedDuration::from_hours(48));
    assert_eq!(service.replay(&[&id]).await, std::slice::from_ref(&id));
    service.reaches(&id, DeliveryState::Delivered, 3).await;
    let after = service.info("hook").await;
    assert_eq!(
        (after.disabled_at, after.failing_since),
        (before.disabled_at, before.failing_since),
        "nor its success"
    );
    assert_eq!((after.delivered, after.given_up), (1, 0));
    assert_eq!(server.by_id(), [(id.clone(), 3)].into());
    assert_eq!(
        bench.story(&id).await,
        [
            "planned",
            "attempted 1",
            "failed 1: gone, for good",
            "given up",
            "requested",
            "attempted 2 by hand",
            "failed 2: server, for good",
            "requested",
            "attempted 3 by hand",
            "succeeded 3: 200",
        ]
    );
    service.stop().await;
}

/// Identifiers of the messages to a receiver, listed in pages of three.
async fn list_in_pages(service: &mut Service, receiver: &str) -> Vec<String> {
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDeliveriesRequest {
            receiver: receiver.to_owned(),
            page_size: 3,
            page_token,
            ..Default::default()
        };
        let page = service.client.list_deliveries(request).await.unwrap().into_inner();
        listed.extend(page.deliveries.iter().map(|delivery| delivery.notification.clone().unwrap().id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return listed;
        }
    }
}

#[tokio::test]
async fn a_time_range_of_messages_is_sent_again_and_deliveries_are_listed_in_pages() {
    let bench = Bench::new();
    let server = Server::healthy().await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    service.put(bench.webhook("other", &server.url("/"))).await;
    let mut ids = Vec::new();
    for sequence in 1..=7 {
        ids.push(bench.plan(message("hook", "g", sequence)).await);
        bench.plan(message("other", "g", sequence)).await;
        bench.clock.turn(SignedDuration::from_secs(60));
    }
    for id in &ids {
        service.reaches(id, DeliveryState::Delivered, 1).await;
    }
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(list_in_pages(&mut service, "hook").await, newest_first);
    let at = |k: usize| Some(prost_types::Timestamp { seconds: 1_795_773_600 + 60 * k as i64, nanos: 0 });
    let none = ListDeliveriesRequest { states: vec![DeliveryState::GivenUp.into()], ..Default::default() };
    assert!(service.client.list_deliveries(none).await.unwrap().into_inner().deliveries.is_empty());
    let range = ReplayDeliveriesRequest {
        receiver: "hook".to_owned(),
        from: at(2),
        until: at(5),
        ..Default::default()
    };
    let undelivered = service.client.replay_deliveries(range.clone()).await.unwrap().into_inner();
    assert!(undelivered.notifications.is_empty(), "all were delivered");
    let all = ReplayDeliveriesRequest { also_delivered: true, ..range };
    let again = service.client.replay_deliveries(all).await.unwrap().into_inner().notifications;
    assert_eq!(again, ids[2..5]);
    for id in &again {
        service.reaches(id, DeliveryState::Delivered, 2).await;
    }
    let shown = service.get(&ids[0]).await;
    // Messages of different groups may arrive in any order.
    let sent = server.arrived().into_iter().find(|sent| sent.body.contains(&ids[0])).unwrap();
    assert_eq!(shown.body, sent.body, "the body as it was sent");
    for (wrong, code) in [
        (ReplayDeliveriesRequest::default(), Code::InvalidArgument),
        (
            ReplayDeliveriesRequest { receiver: "hook".to_owned(), ..Default::default() },
            Code::InvalidArgument,
        ),
        (
            ReplayDeliveriesRequest { notifications: vec!["nobody".to_owned()], ..Default::default() },
            Code::NotFound,
        ),
    ] {
        assert_eq!(service.client.replay_deliveries(wrong).await.unwrap_err().code(), code);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_forgotten_message_is_shown_and_sent_again_from_the_log() {
    let bench = Bench::new();
    let server = Server::healthy().await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let first = bench.plan(message("hook", "first", 1)).await;
    service.reaches(&first, DeliveryState::Delivered, 1).await;
    let mut last = String::new();
    for sequence in 1..=1001 {
        last = bench.plan(message("hook", &format!("g{}", sequence % 4), sequence)).await;
    }
    service.reaches(&last, DeliveryState::Delivered, 1).await;
    let mut client = service.client.clone();
    eventually("all are delivered", async || {
        let all = client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner().receivers;
        (all[0].delivered == 1002).then_some(())
    })
    .await;
    assert_eq!(service.get(&first).await.delivery.unwrap().state(), DeliveryState::Delivered);
    assert_eq!(service.replay(&[&first]).await, std::slice::from_ref(&first));
    service.reaches(&first, DeliveryState::Delivered, 2).await;
    assert_eq!(server.by_id()[&first], 2);
    assert_eq!(server.by_id().values().filter(|count| **count != 1).count(), 1, "all others once");
    service.stop().await;
}
