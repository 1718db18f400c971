//! Webhooks by the Standard Webhooks specification, and the course of a delivery that they show.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use orewatch_runtime::Clock as _;

use crate::bench::{Bench, eventually};
use crate::certificate::Certificate;
use crate::receiver::{Manner, Server, status};
use crate::samples::{message, resolved};

#[tokio::test]
async fn d08_every_retry_has_the_same_id_and_bytes_a_new_timestamp_and_its_own_signature() {
    let bench = Bench::new();
    let server = Server::start(|n| status(if n < 2 { 500 } else { 200 })).await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/in?a=b"))).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    service.reaches(&id, DeliveryState::Waiting, 1).await;
    bench.clock.turn(SignedDuration::from_secs(6));
    service.reaches(&id, DeliveryState::Waiting, 2).await;
    bench.clock.turn(SignedDuration::from_secs(331));
    service.reaches(&id, DeliveryState::Delivered, 3).await;

    let arrived = server.arrived();
    assert_eq!(arrived.len(), 3);
    let mut signatures = Vec::new();
    let mut timestamps = Vec::new();
    for one in &arrived {
        assert_eq!((one.path.as_str(), one.id(), &one.body), ("/in?a=b", id.as_str(), &arrived[0].body));
        assert_eq!(one.headers["content-type"], "application/json");
        timestamps.push(one.headers["webhook-timestamp"].parse::<i64>().unwrap());
        signatures.push(one.headers["webhook-signature"].clone());
        assert_eq!(one.headers["host"], format!("127.0.0.1:{}", server.port));
    }
    assert_eq!(timestamps[1] - timestamps[0], 6);
    assert_eq!(timestamps[2] - timestamps[1], 331);
    signatures.dedup();
    assert_eq!(signatures.len(), 3, "each signs its own timestamp");

    let event = arrived[0].json();
    assert_eq!(event["id"], id.as_str());
    assert_eq!(
        (&event["specversion"], &event["type"]),
        (&"1.0".into(), &"orewatch.alerting.v1.Notification".into())
    );
    let alert = &event["data"]["alerts"][0];
    assert_eq!((&alert["figure"]["value"], &alert["figure"]["low"]), (&0.876.into(), &0.71.into()));
    let schema = serde_json::to_value(orewatch_receivers::payload::schema()).unwrap();
    jsonschema::validator_for(&schema).unwrap().validate(&event).unwrap();
    assert_eq!(
        bench.story(&id).await,
        [
            "planned",
            "attempted 1",
            "failed 1: server",
            "attempted 2",
            "failed 2: server",
            "attempted 3",
            "succeeded 3: 200",
        ]
    );
    service.stop().await;
}

/// What an independent implementation, OpenSSL and the specification's own example say of the same content.
#[tokio::test]
async fn d09_during_a_key_rotation_either_signature_verifies() {
    use orewatch_receivers::secret::Secrets;
    use orewatch_receivers::signature::{Key, sign};
    let bench = Bench::new();
    let secrets = Secrets::new(bench.dir.path().to_owned());
    let key = |name: &str, value: &str, signature| {
        Key::from_secret(&secrets.read(&bench.secret(name, value)).unwrap(), signature)
    };
    let keys = [
        key("a", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Signature::HmacSha256).unwrap(),
        key("b", "a plain secret of 24 bytes and more\n", Signature::Unspecified).unwrap(),
        key("c", "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Signature::Ed25519).unwrap(),
    ];
    let signed = sign(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
    let wanted = [
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,uJCwtaq+kHfDmGiTiXWrlwbWAq+4g3DHVgeXlXzRy58=",
        "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==",
    ];
    assert_eq!(signed.split(' ').collect::<Vec<_>>(), wanted);
    for wrong in ["whsec_short", "whsec_!!!", "too short"] {
        assert!(key("x", wrong, Signature::HmacSha256).is_err(), "{wrong}");
    }
    for wrong in ["whsk_AAEC", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let error = key("x", wrong, Signature::Ed25519).unwrap_err();
        assert!(!error.contains(wrong), "{error}");
    }

    // The same at a receiver, and a key that is exchanged in its file is used without a restart.
    let server = Server::healthy().await;
    let mut service = bench.start().await;
    let new = SigningKey {
        secret: Some(bench.secret("new", "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")),
        signature: Signature::Ed25519.into(),
    };
    let mut receiver = bench.webhook("hook", &server.url("/"));
    if let Some(Kind::Webhook(webhook)) = &mut receiver.kind {
        webhook.keys.insert(0, new);
    }
    service.put(receiver).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    service.reaches(&id, DeliveryState::Delivered, 1).await;
    let first = server.arrived()[0].headers["webhook-signature"].clone();
    let kinds: Vec<&str> = first.split(' ').filter_map(|one| one.split(',').next()).collect();
    assert_eq!(kinds, ["v1a", "v1"]);
    bench.secret("key", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    service.replay(&[&id]).await;
    service.reaches(&id, DeliveryState::Delivered, 2).await;
    let second = server.arrived()[1].headers["webhook-signature"].clone();
    assert_eq!(
        first.split(' ').next(),
        second.split(' ').next(),
        "the clock stands: the same by the same key"
    );
    assert_ne!(first, second);
    service.stop().await;
}

#[tokio::test]
async fn d10_each_status_code_has_its_outcome() {
    let cases: [(u16, &str, DeliveryState); 9] = [
        (204, "succeeded 1: 204", DeliveryState::Delivered),
        (301, "failed 1: client, for good", DeliveryState::GivenUp),
        (400, "failed 1: client, for good", DeliveryState::GivenUp),
        (401, "failed 1: authorization", DeliveryState::Waiting),
        (410, "failed 1: gone, for good", DeliveryState::GivenUp),
        (429, "failed 1: rate_limited", DeliveryState::Waiting),
        (500, "failed 1: server", DeliveryState::Waiting),
        (502, "failed 1: rate_limited", DeliveryState::Waiting),
        (504, "failed 1: rate_limited", DeliveryState::Waiting),
    ];
    let bench = Bench::new();
    let mut service = bench.start().await;
    let elsewhere = Server::healthy().await;
    for (code, told, state) in cases {
        let to = elsewhere.url("/elsewhere");
        let server =
            Server::start(move |_| Manner::Answer(code, vec![("location", to.clone())], String::new())).await;
        let name = format!("hook-{code}");
        service.put(bench.webhook(&name, &server.url("/"))).await;
        let id = bench.plan(message(&name, "g", 1)).await;
        service.reaches(&id, state, 1).await;
        let story = bench.story(&id).await;
        assert_eq!(story[2], told, "{code}: {story:?}");
        assert_eq!(story.len(), if state == DeliveryState::GivenUp { 4 } else { 3 }, "{code}: {story:?}");
        if code == 410 {
            let mut client = service.client.clone();
            let name = name.clone();
            eventually("the receiver is disabled", async || {
                let all =
                    client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner().receivers;
                all.into_iter()
                    .find(|info| info.receiver.as_ref().unwrap().id == name && info.disabled_at.is_some())
            })
            .await;
            // What is planned for it from now on waits, and goes out when it is enabled.
            let waits = bench.plan(message(&name, "g", 2)).await;
            let healthy = Server::healthy().await;
            service.put(bench.webhook("beside", &healthy.url("/"))).await;
            let beside = bench.plan(message("beside", "g", 1)).await;
            service.reaches(&beside, DeliveryState::Delivered, 1).await;
            assert_eq!(bench.story(&waits).await, ["planned"]);
            let enable = EnableReceiverRequest { receiver: name.clone(), actor: String::new() };
            assert!(service.client.enable_receiver(enable).await.unwrap().into_inner().changed);
            service.reaches(&waits, DeliveryState::GivenUp, 1).await;
        } else {
            assert!(service.info(&name).await.disabled_at.is_none(), "{code}");
        }
    }
    assert!(elsewhere.arrived().is_empty(), "no redirect is followed");
    service.stop().await;
}

#[tokio::test]
async fn d10_a_rate_limited_receiver_is_sent_nothing_until_the_time_it_names() {
    let bench = Bench::new();
    let server = Server::start(|n| match n {
        0 => Manner::Answer(429, vec![("retry-after", "600".to_owned())], String::new()),
        _ => status(200),
    })
    .await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let id = bench.plan(message("hook", "a", 1)).await;
    let first = service.reaches(&id, DeliveryState::Waiting, 1).await;
    let due = first.next_at.unwrap().seconds - bench.clock.now().as_second();
    assert_eq!(due, 600);
    // Another group's message waits with it: the receiver as a whole wants less.
    let other = bench.plan(message("hook", "b", 1)).await;
    bench.clock.turn(SignedDuration::from_secs(599));
    let beside = Server::healthy().await;
    service.put(bench.webhook("beside", &beside.url("/"))).await;
    let witness = bench.plan(message("beside", "g", 1)).await;
    service.reaches(&witness, DeliveryState::Delivered, 1).await;
    assert_eq!(server.arrived().len(), 1);
    bench.clock.turn(SignedDuration::from_secs(1));
    service.reaches(&id, DeliveryState::Delivered, 2).await;
    service.reaches(&other, DeliveryState::Delivered, 1).await;
    service.stop().await;
}

#[tokio::test]
async fn d11_after_the_last_retry_the_receiver_is_disabled_by_an_event() {
    let bench = Bench::new();
    let server = Server::start(|_| status(500)).await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    let behind = bench.plan(message("hook", "g", 2)).await;
    let mut waited = Vec::new();
    for attempt in 1..10 {
        let delivery = service.reaches(&id, DeliveryState::Waiting, attempt).await;
        let due = Timestamp::from_second(delivery.next_at.unwrap().seconds + 1).unwrap();
        waited.push(due.as_second() - bench.clock.now().as_second() - 1);
        bench.clock.set(due);
    }
    let delivery = service.reaches(&id, DeliveryState::GivenUp, 10).await;
    assert!(delivery.given_up.starts_with("10 attempts failed"), "{}", delivery.given_up);
    let schedule = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
    for (waited, step) in waited.iter().zip(schedule) {
        assert!((step..=step + step / 10).contains(waited), "{waited} for {step}");
    }
    let mut client = service.client.clone();
    let info = eventually("the receiver is disabled", async || {
        let all = client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner().receivers;
        all.into_iter().find(|info| info.disabled_at.is_some())
    })
    .await;
    assert_eq!((info.given_up, info.waiting, server.arrived().len()), (1, 1, 10));
    assert!(info.failing_since.is_some() && info.disabled_reason.contains("500"));
    assert_eq!(bench.story(&behind).await, ["planned"], "it waits for its turn, and then for the receiver");
    let events = bench.recorded().await;
    let disabled = events.iter().filter(|event| event.kind.ends_with("ReceiverDisabled")).count();
    assert_eq!(disabled, 1);
    service.stop().await;
}

#[tokio::test]
async fn f08_an_attempt_that_times_out_is_retried() {
    let bench = Bench::new();
    let server = Server::start(|n| match n {
        0 => Manner::Silent,
        1 => Manner::Drip,
        2 => Manner::Cut,
        _ => status(200),
    })
    .await;
    let mut service = bench.start().await;
    let timeout = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    service.put(Receiver { timeout, ..bench.webhook("hook", &server.url("/")) }).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    for (attempt, wait) in [(1, 6), (2, 331), (3, 1981)] {
        service.reaches(&id, DeliveryState::Waiting, attempt).await;
        bench.clock.turn(SignedDuration::from_secs(wait));
    }
    service.reaches(&id, DeliveryState::Delivered, 4).await;
    let story = bench.story(&id).await;
    let failed: Vec<_> = story.iter().filter(|line| line.starts_with("failed")).collect();
    assert_eq!(failed, ["failed 1: connection", "failed 2: connection", "failed 3: connection"]);
    service.stop().await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let bench = Bench::new();
    let server = Server::start(|n| match n {
        0 => Manner::Huge(200),
        1 => Manner::DripBody,
        _ => Manner::Huge(500),
    })
    .await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    for (sequence, state) in
        [(1, DeliveryState::Delivered), (2, DeliveryState::Delivered), (3, DeliveryState::Waiting)]
    {
        let id = bench.plan(message("hook", "g", sequence)).await;
        let delivery = service.reaches(&id, state, 1).await;
        assert!(delivery.attempts[0].message.len() <= 500, "what is recorded is short");
    }
    service.stop().await;
}

#[tokio::test]
async fn tls_is_checked() {
    let bench = Bench::new();
    let (right, wrong) =
        (Certificate::of(&["127.0.0.1", "localhost"]), Certificate::of(&["elsewhere.example"]));
    let (good, bad) =
        (Server::secured(right.acceptor.clone()).await, Server::secured(wrong.acceptor.clone()).await);
    let both = bench.dir.path().join("both.pem");
    let text = [&right.file, &wrong.file].map(|file| std::fs::read_to_string(file).unwrap()).concat();
    std::fs::write(&both, text).unwrap();
    let config = orewatch_receivers::Config { ca_file: Some(both), ..bench.config() };
    let mut service = bench.start_with(config).await;
    service.put(bench.webhook("good", &good.url("/"))).await;
    service.put(bench.webhook("bad", &bad.url("/"))).await;
    let (one, other) = (bench.plan(message("good", "g", 1)).await, bench.plan(message("bad", "g", 1)).await);
    service.reaches(&one, DeliveryState::Delivered, 1).await;
    let failed = service.reaches(&other, DeliveryState::Waiting, 1).await;
    assert_eq!(failed.attempts[0].kind(), FailureKind::Connection);
    assert!(failed.attempts[0].message.contains("TLS"), "{}", failed.attempts[0].message);
    assert!(bad.arrived().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn f02_a_dead_and_a_slow_receiver_delay_no_other() {
    let bench = Bench::new();
    let (healthy, slow) = (Server::healthy().await, Server::start(|_| Manner::Silent).await);
    let mut service = bench.start().await;
    service
        .put(bench.webhook("dead", &format!("http://127.0.0.1:{}/", crate::receiver::closed_port().await)))
        .await;
    service.put(bench.webhook("slow", &slow.url("/"))).await;
    service.put(bench.webhook("healthy", &healthy.url("/"))).await;
    let mut ids = Vec::new();
    for sequence in 1..=40 {
        for receiver in ["dead", "slow"] {
            bench.plan(message(receiver, &format!("g{sequence}"), 1)).await;
        }
        ids.push(bench.plan(message("healthy", "g", sequence)).await);
    }
    let began = tokio::time::Instant::now();
    for id in &ids {
        service.reaches(id, DeliveryState::Delivered, 1).await;
    }
    // The slow one answers nothing for its timeout of 15 s; nothing of the healthy one has waited for that.
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    let order: Vec<String> = healthy.arrived().iter().map(|arrived| arrived.id().to_owned()).collect();
    assert_eq!(order, ids, "once each, in the order of the group");
    assert!(slow.arrived().len() <= 4, "no more at a time than one receiver may have");
    service.stop().await;
}

#[tokio::test]
async fn f09_permanent_failures_are_given_up_and_others_are_retried_until_they_succeed() {
    let bench = Bench::new();
    let refusing =
        Server::start(|_| Manner::Answer(422, Vec::new(), "alerts[0].line is missing".to_owned())).await;
    let recovering = Server::start(|n| status(if n == 0 { 503 } else { 202 })).await;
    let mut service = bench.start().await;
    service.put(bench.webhook("refusing", &refusing.url("/"))).await;
    service.put(bench.webhook("recovering", &recovering.url("/"))).await;
    let (one, next) =
        (bench.plan(message("refusing", "g", 1)).await, bench.plan(message("refusing", "g", 2)).await);
    let given_up = service.reaches(&one, DeliveryState::GivenUp, 1).await;
    assert_eq!(given_up.given_up, "the receiver rejects the message: 422: alerts[0].line is missing");
    service.reaches(&next, DeliveryState::GivenUp, 1).await;
    assert!(
        service.info("refusing").await.disabled_at.is_none(),
        "a message that is refused is not the receiver's end"
    );
    let other = bench.plan(message("recovering", "g", 1)).await;
    service.reaches(&other, DeliveryState::Waiting, 1).await;
    bench.clock.turn(SignedDuration::from_secs(6));
    service.reaches(&other, DeliveryState::Delivered, 2).await;
    let info = service.info("recovering").await;
    assert_eq!((info.delivered, info.failing_since, info.waiting), (1, None, 0));
    service.stop().await;
}

/// F10 and S06: that an alert is over waits, like anything else, until the receiver has taken it.
#[tokio::test]
async fn f10_s06_a_resolution_is_retried_until_the_receiver_accepts_it() {
    let bench = Bench::new();
    let server = Server::start(|n| status(if n < 4 { 500 } else { 200 })).await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let alerts = vec![resolved("g7-china", "EU27")];
    let end = Notification { alerts, firing: 0, resolved: 1, ..message("hook", "g", 2) };
    let end = Notification { reason: NotificationReason::AllResolved.into(), ..end };
    let id = bench.plan(end).await;
    // Longer than the quarter of an hour for which others repeat a resolution.
    for attempt in 1..=4 {
        let delivery = service.reaches(&id, DeliveryState::Waiting, attempt).await;
        bench.clock.set(Timestamp::from_second(delivery.next_at.unwrap().seconds + 1).unwrap());
    }
    service.reaches(&id, DeliveryState::Delivered, 5).await;
    service.stop().await;
}

/// Who builds on webhooks reads this file; the AsyncAPI document is made from it.
#[test]
fn the_committed_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/schemas/orewatch.webhook.schema.json");
    let schema = serde_json::to_value(orewatch_receivers::payload::schema()).unwrap();
    let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("OREWATCH_BLESS").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(current == committed, "{path} is not current: run with OREWATCH_BLESS=1");
}
