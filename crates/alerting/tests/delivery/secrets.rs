//! Secrets go where they have to, and nowhere else: not onto the log, not into answers, not into what is
//! logged.
use std::io::Write;
use std::sync::{Arc, Mutex};

use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use prost::Message as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::bench::Bench;
use crate::receiver::{Manner, Server, status};
use crate::samples::message;

/// What would have been written to standard error.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Said {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A receiver that repeats what it should keep to itself, and refuses the message.
async fn gossip(secret: &'static str) -> Server {
    Server::start(move |_| Manner::Answer(403, Vec::new(), format!("not {secret}"))).await
}

#[tokio::test]
async fn no_secret_is_on_the_log_in_an_answer_or_in_logs() {
    let said = Said::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(said.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let bench = Bench::new();
    let [key, token, routing, path] =
        ["c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIz", "T0K3N-of-alertmanager", "R0UT1NG-key", "B0B0B0B0/hook-path"];
    let (alertmanager, pagerduty, chat) = (gossip(token).await, gossip(routing).await, gossip(path).await);
    let webhook = Server::start(|_| status(403)).await;
    let mut service = bench.start().await;
    let hook = Some(bench.secret("hook-key", &format!("whsec_{key}")));
    let bearer = Some(bench.secret("token", token));
    let routing_key = Some(bench.secret("routing", routing));
    let address = Some(bench.secret("chat-url", &chat.url(&format!("/{path}"))));
    let keys = vec![SigningKey { secret: hook, signature: Signature::HmacSha256.into() }];
    let kinds = [
        Kind::Alertmanager(AlertmanagerReceiver { url: alertmanager.url(""), token: bearer }),
        Kind::Pagerduty(PagerDutyReceiver { routing_key, url: pagerduty.url("/v2") }),
        Kind::Chat(ChatReceiver { url: address, format: ChatFormat::Slack.into() }),
        Kind::Webhook(WebhookReceiver { url: webhook.url("/"), keys }),
    ];
    let mut answers = Vec::new();
    for (k, kind) in kinds.into_iter().enumerate() {
        let id = format!("receiver-{k}");
        service.put(Receiver { id: id.clone(), kind: Some(kind), ..Receiver::default() }).await;
        let id = bench.plan(message(&id, "g", 1)).await;
        service.reaches(&id, DeliveryState::Waiting, 1).await;
        answers.extend(service.get(&id).await.encode_to_vec());
    }
    let receivers = service.client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner();
    answers.extend(receivers.encode_to_vec());
    let all = service.client.list_deliveries(ListDeliveriesRequest::default()).await.unwrap().into_inner();
    answers.extend(all.encode_to_vec());

    // They arrived where they have to.
    assert_eq!(alertmanager.arrived()[0].headers["authorization"], format!("Bearer {token}"));
    assert_eq!(pagerduty.arrived()[0].json()["routing_key"], routing);
    assert_eq!(chat.arrived()[0].path, format!("/{path}"));
    // And nowhere else.
    let logged = said.0.lock().unwrap().clone();
    let log: Vec<u8> = bench.recorded().await.iter().flat_map(|event| event.data.to_vec()).collect();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for secret in [key, token, routing, path] {
        for (place, bytes) in [("the log", &log), ("an answer", &answers), ("what is logged", &logged)] {
            assert!(!holds(bytes, secret), "{secret} is in {place}");
        }
    }
    for (place, bytes) in [("the log", &log), ("an answer", &answers)] {
        assert!(holds(bytes, "hook-key"), "the reference is in {place}");
        assert!(holds(bytes, "not (secret)"), "what they said is in {place}, without it");
    }
    assert!(holds(&logged, "not (secret)"), "{}", String::from_utf8_lossy(&logged));
    service.stop().await;
}

/// What comes along with a secret that is copied, and what a receiver would never verify.
#[tokio::test]
async fn an_implausible_secret_is_refused_when_its_receiver_is_put() {
    let bench = Bench::new();
    let mut service = bench.start().await;
    let good = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let cases = [
        (format!("v1,whsec_{good}"), "remove `v1,`"),
        (format!("v1a,whsk_{good}"), "remove `v1a,`"),
        (format!(" whsec_{good}"), "white space"),
        (format!("whsec_{good} "), "white space"),
        (format!("\"whsec_{good}\""), "remove the \""),
        (format!("'whsec_{good}'"), "remove the '"),
        (format!("Bearer whsec_{good}"), "remove it"),
        ("whsec_".to_owned(), "there is no key"),
        ("   ".to_owned(), "blank"),
        ("whsec_not base64 at all, whatever it is".to_owned(), "not base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2Laa-_w".to_owned(), "write `+` and `/`"),
        (format!("WHSEC_{good}"), "in this spelling"),
        (format!("whsec-{good}"), "in this spelling"),
        (format!("whsk_{good}"), "add `signature: ed25519`"),
    ];
    for (value, said) in cases {
        bench.secret("key", &value);
        let status = service.try_put(bench.webhook("hook", "http://127.0.0.1:9000/")).await.unwrap_err();
        let failure = orewatch_contracts::Failure::from(status);
        assert_eq!(failure.field, "webhook.keys[0]", "{value}: {failure}");
        assert!(failure.message.contains(said), "{value}: {failure}");
        assert!(!failure.message.contains(good) && failure.message.contains("/key"), "{failure}");
    }
    bench.secret("key", &format!("whsec_{good}\n"));
    service.put(bench.webhook("hook", "http://127.0.0.1:9000/")).await;

    let token = |value: &str| {
        let token = Some(bench.secret("token", value));
        let kind =
            Kind::Alertmanager(AlertmanagerReceiver { url: "http://127.0.0.1:9000".to_owned(), token });
        Receiver { id: "prometheus".to_owned(), kind: Some(kind), ..Receiver::default() }
    };
    for (value, said) in [("Bearer t0ken", "remove it"), ("bearer t0ken", "remove it"), ("'t0ken'", "quotes")]
    {
        let status = service.try_put(token(value)).await.unwrap_err();
        let failure = orewatch_contracts::Failure::from(status);
        assert!(failure.field == "alertmanager.token" && failure.message.contains(said), "{failure}");
        assert!(!failure.message.contains("t0ken"), "{failure}");
    }
    service.put(token("t0ken")).await;
    service.stop().await;
}
