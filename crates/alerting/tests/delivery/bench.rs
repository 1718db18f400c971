//! A service with a log and a clock, to which messages are planned by hand.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use orewatch_alerting::{Config, Logs, start};
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::secret_reference::Source;
use orewatch_contracts::alerting::v1::*;
use orewatch_eventlog::{Event, EventLog, Filter, Item, embedded};
use orewatch_receivers::Config as Settings;
use orewatch_rules::facts::{alert_event, notification_stream};
use orewatch_runtime::{Clock, Context};
use tempfile::TempDir;
use tokio::sync::watch;
use tonic::service::Routes;

/// How long something may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that stands still until it is set.
#[derive(Debug)]
pub(crate) struct Hand(watch::Sender<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, time: Timestamp) -> BoxFuture<'_, ()> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            now.wait_for(|now| *now >= time).await.unwrap();
        })
    }
}

impl Hand {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new("2026-11-27T10:00:00Z".parse().unwrap())))
    }

    /// Sets the clock on, or back.
    pub(crate) fn turn(&self, by: SignedDuration) {
        self.0.send_modify(|now| *now += by);
    }

    pub(crate) fn set(&self, time: Timestamp) {
        self.0.send_replace(time);
    }
}

/// The logs, a clock, and a folder for secrets.
pub(crate) struct Bench {
    pub(crate) logs: Logs,
    pub(crate) clock: Arc<Hand>,
    pub(crate) dir: TempDir,
    planned: AtomicU64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |log| embedded::open(dir.path(), log).unwrap();
        Self::on(Logs { exposures: open("exposures"), alerts: open("alerts") }, dir)
    }

    pub(crate) fn on(logs: Logs, dir: TempDir) -> Self {
        let bench = Self { logs, clock: Hand::new(), dir, planned: AtomicU64::new(0) };
        bench.secret("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        bench
    }

    /// The configuration of a service that may reach this machine.
    pub(crate) fn config(&self) -> Settings {
        Settings {
            allow_private: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            secrets: self.dir.path().to_owned(),
            grace: Duration::from_secs(1),
            ..Settings::default()
        }
    }

    /// Writes a secret, and gives the reference to it.
    pub(crate) fn secret(&self, name: &str, value: &str) -> SecretReference {
        let path = self.dir.path().join(name);
        std::fs::write(&path, value).unwrap();
        SecretReference { source: Some(Source::File(path.display().to_string())) }
    }

    pub(crate) async fn start(&self) -> Service {
        self.start_with(self.config()).await
    }

    pub(crate) async fn start_with(&self, delivery: Settings) -> Service {
        Service::start(self.logs.clone(), Arc::clone(&self.clock), delivery).await
    }

    /// A webhook at an address.
    pub(crate) fn webhook(&self, id: &str, url: &str) -> Receiver {
        let path = self.dir.path().join("key").display().to_string();
        let secret = SecretReference { source: Some(Source::File(path)) };
        let keys = vec![SigningKey { secret: Some(secret), signature: Signature::HmacSha256.into() }];
        let kind = Kind::Webhook(WebhookReceiver { url: url.to_owned(), keys });
        Receiver { id: id.to_owned(), kind: Some(kind), ..Receiver::default() }
    }

    /// Plans a message as the planner does, and gives its identifier.
    pub(crate) async fn plan(&self, message: Notification) -> String {
        let number = self.planned.fetch_add(1, Ordering::SeqCst);
        let id =
            uuid::Uuid::from_u128(0x5a4f_2c1e_7a7f_5a6e_9a51_0000_0000_0000 + u128::from(number)).to_string();
        let now = self.clock.now();
        let planned_at = Some(prost_types::Timestamp { seconds: now.as_second(), nanos: 0 });
        let notification = Some(Notification { id: id.clone(), planned_at, ..message });
        let receiver = notification.as_ref().map(|message| message.receiver.clone()).unwrap();
        let stream = notification_stream(&receiver, &id).unwrap();
        let event = alert_event(
            AlertEvent::NotificationPlanned(NotificationPlanned {
                notification,
                ..NotificationPlanned::default()
            }),
            &stream,
            "planned",
            now,
        );
        self.logs.alerts.append(&stream, 0, vec![event]).await.unwrap();
        id
    }

    /// All of the alerts log.
    pub(crate) async fn recorded(&self) -> Vec<Event> {
        read(&*self.logs.alerts).await
    }

    /// What is on the log about a message, as `KIND attempt detail`.
    pub(crate) async fn story(&self, id: &str) -> Vec<String> {
        let events = self.recorded().await;
        let facts = events.iter().filter(|event| event.stream.as_str().ends_with(id));
        facts.filter_map(|event| AlertEvent::read(event).unwrap()).map(|fact| fact_line(&fact)).collect()
    }
}

fn fact_line(fact: &AlertEvent) -> String {
    match fact {
        AlertEvent::DeliveryAttempted(fact) => {
            format!("attempted {}{}", fact.attempt, if fact.by_hand { " by hand" } else { "" })
        }
        AlertEvent::DeliverySucceeded(fact) => format!("succeeded {}: {}", fact.attempt, fact.answer),
        AlertEvent::DeliveryFailed(fact) => {
            let kind = fact.kind().as_str_name().trim_start_matches("FAILURE_KIND_").to_lowercase();
            let end = if fact.retry_at.is_some() { "" } else { ", for good" };
            format!("failed {}: {kind}{end}", fact.attempt)
        }
        AlertEvent::DeliveryGivenUp(_) => "given up".to_owned(),
        AlertEvent::NotificationPlanned(_) => "planned".to_owned(),
        AlertEvent::DeliveryRequested(_) => "requested".to_owned(),
        other => other.kind().message_name().to_owned(),
    }
}

/// All events of a log.
pub(crate) async fn read(log: &dyn EventLog) -> Vec<Event> {
    let mut items = log.read(Filter::All, 0);
    let mut events = Vec::new();
    loop {
        match items.next().await.unwrap().unwrap() {
            Item::Event(event) => events.push(event),
            Item::CaughtUp(_) => return events,
        }
    }
}

/// Waits until something can be had.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) client: DeliveryServiceClient<Routes>,
    pub(crate) routes: Routes,
    pub(crate) context: Context,
}

impl Service {
    async fn start(logs: Logs, clock: Arc<Hand>, delivery: Settings) -> Self {
        let (health, _server) = tonic_health::server::health_reporter();
        let context = Context::new(clock, health);
        let mut routes = Routes::builder();
        let config = Config { delivery, ..Config::default() };
        start(context.clone(), logs, config, &mut routes).await.unwrap();
        let routes = routes.routes().prepare();
        Self { client: DeliveryServiceClient::new(routes.clone()), routes, context }
    }

    /// Stops in order; nothing may have gone wrong.
    pub(crate) async fn stop(self) {
        self.context.shutdown.cancel();
        self.context.tasks.close();
        tokio::time::timeout(Duration::from_secs(20), self.context.tasks.wait()).await.expect("stops");
        assert_eq!(self.context.failure(), None);
    }

    pub(crate) async fn put(&mut self, receiver: Receiver) -> PutReceiverResponse {
        self.try_put(receiver).await.unwrap()
    }

    pub(crate) async fn try_put(&mut self, receiver: Receiver) -> Result<PutReceiverResponse, tonic::Status> {
        let request =
            PutReceiverRequest { receiver: Some(receiver), actor: "tester".to_owned(), validate_only: false };
        self.client.put_receiver(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn info(&mut self, id: &str) -> ReceiverInfo {
        let all = self.client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner();
        let is = |info: &ReceiverInfo| info.receiver.as_ref().is_some_and(|receiver| receiver.id == id);
        all.receivers.into_iter().find(is).unwrap()
    }

    pub(crate) async fn get(&mut self, id: &str) -> GetDeliveryResponse {
        let request = GetDeliveryRequest { notification: id.to_owned() };
        self.client.get_delivery(request).await.unwrap().into_inner()
    }

    /// Waits until a message is in a state, with so many attempts.
    pub(crate) async fn reaches(&mut self, id: &str, state: DeliveryState, attempts: u32) -> Delivery {
        let client = self.client.clone();
        let context = self.context.clone();
        let mut last = String::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            assert_eq!(context.failure(), None);
            let request = GetDeliveryRequest { notification: id.to_owned() };
            if let Ok(answer) = client.clone().get_delivery(request).await {
                let delivery = answer.into_inner().delivery.unwrap();
                if delivery.state() == state && delivery.attempt_count == attempts {
                    return delivery;
                }
                last = format!(
                    "{:?} after {} attempts: {:?}",
                    delivery.state(),
                    delivery.attempt_count,
                    delivery.attempts
                );
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "not {state:?} after {attempts} attempts, but {last}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn replay(&mut self, ids: &[&str]) -> Vec<String> {
        let notifications = ids.iter().map(|id| (*id).to_owned()).collect();
        let request =
            ReplayDeliveriesRequest { notifications, actor: "tester".to_owned(), ..Default::default() };
        self.client.replay_deliveries(request).await.unwrap().into_inner().notifications
    }
}
