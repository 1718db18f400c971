//! What receivers may be, and where they may lead.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::secret_reference::Source;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::Problem;
use prost::Message as _;

use crate::bench::{Bench, Service};
use crate::receiver::Server;
use crate::samples::message;

fn problem(status: &tonic::Status) -> Problem {
    Problem::decode(status.details()).unwrap()
}

async fn refused(service: &mut Service, receiver: Receiver) -> Failure {
    let status = service.try_put(receiver).await.unwrap_err();
    assert!(!problem(&status).hint.is_empty(), "every refusal says what to do: {status:?}");
    Failure::from(status)
}

#[tokio::test]
async fn d13_a_private_address_is_refused_when_it_is_put_and_when_it_is_sent_to() {
    let bench = Bench::new();
    let server = Server::healthy().await;
    let closed = orewatch_receivers::Config { allow_private: Vec::new(), ..bench.config() };
    let mut service = bench.start_with(closed.clone()).await;
    for url in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://100.64.0.1/",
        "http://8.8.8.8/",
    ] {
        let failure = refused(&mut service, bench.webhook("hook", url)).await;
        assert_eq!(failure.code, "address-refused", "{url}: {failure}");
    }
    assert!(bench.recorded().await.is_empty());
    service.stop().await;

    // It was put when it was allowed, or led elsewhere then.
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    service.stop().await;
    let mut service = bench.start_with(closed).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    let delivery = service.reaches(&id, DeliveryState::Waiting, 1).await;
    assert_eq!(delivery.attempts[0].kind(), FailureKind::Configuration);
    assert!(
        delivery.attempts[0].message.contains("not a public address"),
        "{}",
        delivery.attempts[0].message
    );
    assert!(server.arrived().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn errors_of_receivers_name_the_field() {
    let bench = Bench::new();
    let mut service = bench.start().await;
    let good = bench.webhook("hook", "http://127.0.0.1:9000/");
    for (receiver, field) in invalid_receivers(&bench, &good) {
        let failure = refused(&mut service, receiver).await;
        assert_eq!(failure.field, field, "{failure}");
        assert!(!failure.to_string().contains("pw") && !failure.to_string().contains("root:"), "{failure}");
    }
    assert!(bench.recorded().await.is_empty(), "nothing of it is on the log");

    let check =
        PutReceiverRequest { receiver: Some(good.clone()), validate_only: true, ..Default::default() };
    assert!(!service.client.put_receiver(check).await.unwrap().into_inner().changed);
    assert!(bench.recorded().await.is_empty());
    assert!(service.put(good.clone()).await.changed);
    assert!(!service.put(good.clone()).await.changed, "an equal one changes nothing");
    let revised = service.put(Receiver { owner: "desk".to_owned(), ..good }).await;
    assert!(revised.changed && revised.receiver.unwrap().revision == 2);
    service.stop().await;
}

/// Invalid receivers, each with the field of its error.
fn invalid_receivers(bench: &Bench, good: &Receiver) -> Vec<(Receiver, &'static str)> {
    let secret = bench.secret("token", "t0ken");
    let kind = |kind| Receiver { kind: Some(kind), ..good.clone() };
    let mail = |server: &str, from: &str, to: Vec<&str>| {
        let to = to.into_iter().map(str::to_owned).collect();
        let (server, from) = (server.to_owned(), from.to_owned());
        kind(Kind::Mail(MailReceiver { server, from, to, ..MailReceiver::default() }))
    };
    let nats = |server: &str, subject: &str| {
        let (server, subject) = (server.to_owned(), subject.to_owned());
        kind(Kind::Nats(NatsReceiver { server, subject, credentials: None }))
    };
    let webhook = |url: &str, keys| kind(Kind::Webhook(WebhookReceiver { url: url.to_owned(), keys }));
    let key = |source| SigningKey { secret: Some(SecretReference { source: Some(source) }), signature: 0 };
    let one = || match &good.kind {
        Some(Kind::Webhook(webhook)) => webhook.keys.clone(),
        _ => Vec::new(),
    };
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let pagerduty = Kind::Pagerduty(PagerDutyReceiver {
        routing_key: Some(secret),
        url: "http://127.0.0.1:9000/".to_owned(),
    });
    vec![
        (Receiver { id: "No Id".to_owned(), ..good.clone() }, "id"),
        (Receiver { title: "x".repeat(300), ..good.clone() }, "title"),
        (Receiver { fallback: "hook".to_owned(), ..good.clone() }, "fallback"),
        (Receiver { fallback: "nobody".to_owned(), ..good.clone() }, "fallback"),
        (Receiver { timeout: seconds(61), ..good.clone() }, "timeout"),
        (Receiver { timeout: seconds(i64::MIN), ..good.clone() }, "timeout"),
        (Receiver { heartbeat: seconds(5), ..good.clone() }, "heartbeat"),
        (Receiver { heartbeat: seconds(i64::MIN), ..good.clone() }, "heartbeat"),
        (Receiver { heartbeat: seconds(600), ..kind(pagerduty) }, "heartbeat"),
        (Receiver { kind: None, ..good.clone() }, "kind"),
        (webhook("http://user:pw@127.0.0.1/", one()), "webhook.url"),
        (webhook("http://127.0.0.1:25/", one()), "webhook.url"),
        (webhook("http://127.0.0.1/", Vec::new()), "webhook.keys"),
        (webhook("http://127.0.0.1/", vec![key(Source::Environment("PATH".to_owned()))]), "webhook.keys[0]"),
        (webhook("http://127.0.0.1/", vec![key(Source::File("/etc/passwd".to_owned()))]), "webhook.keys[0]"),
        (
            webhook("http://127.0.0.1/", vec![key(Source::Environment("RECEIVER_UNSET".to_owned()))]),
            "webhook.keys",
        ),
        (mail("mail", "a@example.org", vec!["b@example.org"]), "mail.server"),
        (mail("127.0.0.1:25", "nobody", vec!["b@example.org"]), "mail.from"),
        (mail("127.0.0.1:25", "a@example.org", Vec::new()), "mail.to"),
        (mail("127.0.0.1:25", "a@example.org", vec!["b@example.org", "<x"]), "mail.to[1]"),
        (nats("nats://127.0.0.1:4222", "orewatch.alerts.rule.x"), "nats.subject"),
        (nats("nats://127.0.0.1:4222", "$JS.API.STREAM.DELETE.ALERTS"), "nats.subject"),
        (nats("nats://127.0.0.1:4222", "a.>"), "nats.subject"),
        (nats("nats://user:pw@127.0.0.1:4222", "a"), "nats.server"),
        (nats("", "a"), "nats.server"),
        (kind(Kind::Feed(FeedReceiver { entries: 501 })), "feed.entries"),
    ]
}

#[tokio::test]
async fn messages_to_a_removed_receiver_are_given_up() {
    let bench = Bench::new();
    let mut service = bench.start().await;
    let down = format!("http://127.0.0.1:{}/", crate::receiver::closed_port().await);
    service.put(bench.webhook("hook", &down)).await;
    let id = bench.plan(message("hook", "g", 1)).await;
    service.reaches(&id, DeliveryState::Waiting, 1).await;
    let remove = RemoveReceiverRequest { receiver: "hook".to_owned(), actor: "tester".to_owned() };
    assert!(service.client.remove_receiver(remove.clone()).await.unwrap().into_inner().removed);
    let delivery = service.reaches(&id, DeliveryState::GivenUp, 1).await;
    assert_eq!(delivery.given_up, "the receiver was removed");
    assert!(!service.client.remove_receiver(remove).await.unwrap().into_inner().removed);
    // The same for one that was planned while it went.
    let late = bench.plan(message("hook", "g", 2)).await;
    service.reaches(&late, DeliveryState::GivenUp, 0).await;
    service.stop().await;
}

#[test]
fn errors_in_a_file_of_receivers_name_the_line() {
    use orewatch_receivers::parse;
    let text = "receivers:
  - id: hook
    webhook:
      url: https://hooks.example.org/in
      keys:
        - {environment: RECEIVER_KEY}
        - {file: /run/secrets/old, signature: ed25519}
    fallback: mail
    timeout: 10s
  - id: mail
    mail: {server: 'mail.example.org:587', from: a@example.org, to: [b@example.org]}
    heartbeat: 5m
  - {id: chat, chat: {url: {environment: RECEIVER_URL}, format: teams}}
  - {id: pager, pagerduty: {routing_key: {file: /run/secrets/pager}}}
  - {id: am, alertmanager: {url: 'http://alertmanager:9093', token: {file: /run/secrets/am}}}
  - {id: bus, nats: {subject: desk.alerts}}
  - {id: feed, feed: {}}
";
    let sheet = parse("receivers.yaml", text.as_bytes()).unwrap();
    let ids: Vec<&str> = sheet.entries().iter().map(|receiver| receiver.id.as_str()).collect();
    assert_eq!(ids, ["hook", "mail", "chat", "pager", "am", "bus", "feed"]);
    assert_eq!(sheet.entries()[0].timeout, Some(prost_types::Duration { seconds: 10, nanos: 0 }));
    assert_eq!(parse("one.yaml", b"id: feed\nfeed: {}\n").unwrap().entries().len(), 1);
    // What the service says later has its place too.
    let later =
        Failure::new(orewatch_contracts::Class::Invalid, "x", "the key is wrong").at("webhook.keys[1]", "");
    let placed = sheet.locate(0, later);
    assert_eq!(placed.message, "receivers.yaml:7:11: the key is wrong");

    for (from, to, place, hint) in [
        ("webhook:\n", "webhok:\n", "receivers.yaml:3:", "did you mean webhook?"),
        ("format: teams", "format: irc", "receivers.yaml:13:", "slack or teams"),
        ("timeout: 10s", "timeout: soon", "receivers.yaml:9:14", "15s"),
        ("{file: /run/secrets/pager}", "{}", "receivers.yaml:14:", "RECEIVER_NAME"),
        ("feed: {}", "feed: {}, chat: {url: {file: a}}", "receivers.yaml:17:", "exactly one"),
        ("id: bus", "id: am", "receivers.yaml:16:", "keep one"),
        ("subject: desk.alerts", "subject: [", "receivers.yaml:", ""),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text);
        let failure = parse("receivers.yaml", broken.as_bytes()).unwrap_err();
        assert!(failure.message.starts_with(place), "{to}: {failure}");
        assert!(failure.hint.contains(hint), "{to}: {failure}");
    }
    for empty in ["", "receivers: []\n"] {
        assert_eq!(parse("receivers.yaml", empty.as_bytes()).unwrap_err().code, "empty-file");
    }
    let schema = serde_json::to_value(orewatch_receivers::document_schema()).unwrap();
    assert!(jsonschema::validator_for(&schema).is_ok());
}
