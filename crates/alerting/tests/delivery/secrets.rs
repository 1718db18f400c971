//! Secrets go where they have to, and nowhere else: not onto the log, not into answers, not into what is logged.
use std::io::Write;
use std::sync::{Arc, Mutex};

use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use prost::Message as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::bench::Bench;
use crate::receiver::{Manner, Server};
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

const SECRETS: [&str; 4] =
    ["c2VjcmV0LXNlY3JldC1zZWNyZXQtMTIz", "T0K3N-of-alertmanager", "R0UT1NG-key", "B0B0B0/hook-path"];

#[tokio::test]
async fn no_secret_is_on_the_log_in_an_answer_or_logged() {
    let said = Said::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(said.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let bench = Bench::new();
    // A receiver that repeats all that it was sent, and refuses it.
    let echo = Arc::new(Mutex::new(String::new()));
    let body = SECRETS.join(" ");
    echo.lock().unwrap().push_str(&body);
    let server = Server::start(move |_| Manner::Answer(403, Vec::new(), body.clone())).await;
    let mut service = bench.start().await;
    let [key, token, routing, path] = SECRETS;
    let hook = bench.secret("hook-key", &format!("whsec_{key}"));
    let token = bench.secret("token", token);
    let routing = bench.secret("routing", routing);
    let chat = bench.secret("chat-url", &server.url(&format!("/{path}")));
    let kinds = [
        (
            "alertmanager",
            Kind::Alertmanager(AlertmanagerReceiver { url: server.url(""), token: Some(token) }),
        ),
        (
            "pagerduty",
            Kind::Pagerduty(PagerDutyReceiver { routing_key: Some(routing), url: server.url("/v2") }),
        ),
        ("chat", Kind::Chat(ChatReceiver { url: Some(chat), format: ChatFormat::Slack.into() })),
        (
            "webhook",
            Kind::Webhook(WebhookReceiver {
                url: server.url("/"),
                keys: vec![SigningKey { secret: Some(hook), signature: Signature::HmacSha256.into() }],
            }),
        ),
    ];
    let mut ids = Vec::new();
    for (id, kind) in kinds {
        service.put(Receiver { id: id.to_owned(), kind: Some(kind), ..Receiver::default() }).await;
        ids.push((id, bench.plan(message(id, "g", 1)).await));
    }
    let arrived = |path: &str| server.arrived().into_iter().find(|one| one.path == path);
    let mut answers = Vec::new();
    for (_, id) in &ids {
        service.reaches(id, DeliveryState::Waiting, 1).await;
        answers.extend(service.get(id).await.encode_to_vec());
    }
    answers.extend(
        service.client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner().encode_to_vec(),
    );
    answers.extend(
        service
            .client
            .list_deliveries(ListDeliveriesRequest::default())
            .await
            .unwrap()
            .into_inner()
            .encode_to_vec(),
    );
    // They arrived where they have to.
    assert_eq!(arrived("/api/v2/alerts").unwrap().headers["authorization"], format!("Bearer {}", SECRETS[1]));
    assert_eq!(arrived("/v2").unwrap().json()["routing_key"], SECRETS[2]);
    assert!(arrived(&format!("/{}", SECRETS[3])).is_some());

    let logged = said.0.lock().unwrap().clone();
    let log: Vec<u8> = bench.recorded().await.iter().flat_map(|event| event.data.to_vec()).collect();
    let holds =
        |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    let own = [(0, "webhook"), (1, "alertmanager"), (2, "pagerduty"), (3, "chat")];
    for (k, receiver) in own {
        let secret = SECRETS[k];
        let id = &ids.iter().find(|(name, _)| *name == receiver).unwrap().1;
        let own: Vec<u8> = {
            let events = bench.recorded().await;
            let events = events.iter().filter(|event| event.stream.as_str().ends_with(id.as_str()));
            events.flat_map(|event| event.data.to_vec()).collect()
        };
        if k > 0 {
            assert!(!holds(&own, secret), "{receiver} repeats its secret in its own story");
        }
        assert!(!holds(&logged, secret), "{secret} is logged");
    }
    assert!(holds(&log, "RECEIVER") || holds(&log, "hook-key"), "the reference is there");
    assert!(holds(&answers, "hook-key"));
    assert!(!logged.is_empty());
    service.stop().await;
}
