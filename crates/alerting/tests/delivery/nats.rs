//! Messages on subjects of a real NATS server.
use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt as _;
use jiff::SignedDuration;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use orewatch_eventlog::attribute::decode;
use orewatch_receivers::Config;
use orewatch_testkit::NatsServer;

use crate::bench::Bench;
use crate::samples::message;

fn receiver(server: &str) -> Receiver {
    let nats =
        NatsReceiver { server: server.to_owned(), subject: "desk.alerts".to_owned(), credentials: None };
    Receiver { id: "nats".to_owned(), kind: Some(Kind::Nats(nats)), ..Receiver::default() }
}

#[tokio::test]
async fn d14_a_message_is_a_cloudevent_in_binary_mode_with_its_attributes_encoded() {
    let bench = Bench::new();
    let server = NatsServer::start();
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut messages = client.subscribe("desk.alerts").await.unwrap();
    client.flush().await.unwrap();
    let mut service = bench.start().await;
    service.put(receiver(&server.url())).await;
    let group = "label.team=\"Erz & Metall\" 100 % für 鉱物";
    let id = bench.plan(message("nats", group, 1)).await;
    service.reaches(&id, DeliveryState::Delivered, 1).await;
    let arrived = tokio::time::timeout(Duration::from_secs(10), messages.next()).await.unwrap().unwrap();
    let headers = arrived.headers.unwrap();
    let value = |name: &str| headers.get(name).unwrap().as_str().to_owned();
    for (name, wanted) in [
        ("Nats-Msg-Id", &*id),
        ("ce-id", &id),
        ("ce-specversion", "1.0"),
        ("ce-source", "/orewatch/alerts"),
        ("ce-type", "orewatch.alerting.v1.Notification"),
        ("ce-subject", "all/label.team=%22Erz%20&%20Metall%22%20100%20%25%20f%C3%BCr%20%E9%89%B1%E7%89%A9"),
        ("ce-time", "2026-11-27T10:00:00Z"),
        ("ce-datacontenttype", "application/json"),
    ] {
        assert_eq!(value(name), wanted, "{name}");
    }
    assert_eq!(decode(&value("ce-subject")), Ok(format!("all/{group}")));
    for overlong in ["%C0%A0", "%E0%80%AF", "%F0%80%80%AF"] {
        assert!(decode(overlong).is_err(), "{overlong}");
    }
    let data: serde_json::Value = serde_json::from_slice(&arrived.payload).unwrap();
    assert_eq!((&data["group"], &data["alerts"][0]["consumer"]), (&group.into(), &"EU27".into()));
    assert_eq!(
        bench.story(&id).await[2],
        "succeeded 1: the server has received it; no stream stores the subject"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_stream_has_each_message_once_also_after_retries_and_a_restart_of_the_server() {
    let bench = Bench::new();
    let mut server = NatsServer::start();
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = jetstream::new(client);
    let config = jetstream::stream::Config {
        name: "DESK".to_owned(),
        subjects: vec!["desk.>".to_owned()],
        duplicate_window: Duration::from_secs(3600),
        ..Default::default()
    };
    jetstream.create_stream(config).await.unwrap();
    // The log's own server, for receivers that name none.
    let config = Config { nats: Some(server.url()), ..bench.config() };
    let mut service = bench.start_with(config).await;
    let timeout = Some(prost_types::Duration { seconds: 2, nanos: 0 });
    service.put(Receiver { timeout, ..receiver("") }).await;
    let first = bench.plan(message("nats", "a", 1)).await;
    service.reaches(&first, DeliveryState::Delivered, 1).await;
    server.kill();
    let mut ids = vec![first.clone()];
    for group in ["a", "b", "c"] {
        ids.push(bench.plan(message("nats", group, 2)).await);
    }
    service.reaches(&ids[1], DeliveryState::Waiting, 1).await;
    server.restart();
    bench.clock.turn(SignedDuration::from_secs(6));
    for id in &ids[1..] {
        let mut client = service.client.clone();
        crate::bench::eventually("all are delivered", async || {
            bench.clock.turn(SignedDuration::from_secs(1));
            let answer =
                client.get_delivery(GetDeliveryRequest { notification: id.clone() }).await.ok()?.into_inner();
            (answer.delivery?.state() == DeliveryState::Delivered).then_some(())
        })
        .await;
    }
    service.replay(&[&first]).await;
    service.reaches(&first, DeliveryState::Delivered, 2).await;
    assert!(bench.story(&first).await.last().unwrap().contains("has already stored it"));
    let mut stream = jetstream.get_stream("DESK").await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 4, "planned 4, kept 4: none twice, none lost");
    service.stop().await;
}
