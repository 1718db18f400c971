//! All clients of the system: who commits, asks, subscribes and watches.
use std::fs;
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::secret_reference::Source;
use orewatch_contracts::alerting::v1::{
    Cadence, PutReceiverRequest, PutRuleRequest, PutSubscriptionRequest, Receiver, SecretReference,
    SigningKey, Subscription, WebhookReceiver,
};
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;

use super::calls::Replicas;
use super::releases::{Load, rule};
use super::run::Run;
use super::subscriber::Subscriber;
use super::watch::{Answers, LOGS, Watcher, ask_alerting, ask_exposure, follow};
use super::world::World;

/// Time for the services to take what they need before the load.
const PATIENCE: Duration = Duration::from_secs(120);

/// Key with which messages are signed.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The clients while they run.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) load: Load,
    pub(super) subscriber: Subscriber,
    pub(super) watchers: Vec<Watcher>,
    pub(super) answers: Vec<(&'static str, JoinHandle<Answers>)>,
}

impl Clients {
    /// Puts what the services need, and starts a load of this duration.
    ///
    /// # Panics
    /// If the services do not take what they need.
    pub(super) async fn start(world: &World, duration: Duration, rows: u64) -> (Run, Self) {
        let prepared = prepare(world).await;
        prepared.unwrap_or_else(|status| panic!("{status}\n{}", world.last_words()));
        let run = Run::begin(duration);
        let ingestion = Replicas::new(&world.addresses("ingestion"), IngestionServiceClient::new);
        let exposure = Replicas::new(&world.addresses("exposure"), ExposureServiceClient::new);
        let alerting = || Replicas::new(&world.addresses("alerting"), AlertingServiceClient::new);
        let clients = Self {
            load: Load::start(&run, rows, &ingestion),
            subscriber: Subscriber::start(&run, alerting()),
            watchers: LOGS.map(|log| follow(&run, world.cluster.urls(), log)).into(),
            answers: vec![
                ("exposure", ask_exposure(&run, exposure)),
                ("alerting", ask_alerting(&run, alerting())),
            ],
        };
        (run, clients)
    }
}

/// Puts the rule, the receiver and a subscription to everything.
async fn prepare(world: &World) -> Result<(), Status> {
    let key = world.path("key");
    fs::write(&key, KEY).expect("the key can be written");
    let addresses = world.addresses("alerting");
    let rules = Replicas::new(&addresses, AlertingServiceClient::new);
    let put = |mut client: AlertingServiceClient<Channel>| async move {
        let request = PutRuleRequest { rule: Some(rule()), ..PutRuleRequest::default() };
        client.put_rule(request).await
    };
    rules.call(PATIENCE, put).await?;
    let receiver = receiver(format!("http://{}/", world.hook.address()), key);
    let deliveries = Replicas::new(&addresses, DeliveryServiceClient::new);
    let put = |mut client: DeliveryServiceClient<Channel>| {
        let request =
            PutReceiverRequest { receiver: Some(receiver.clone()), ..PutReceiverRequest::default() };
        async move { client.put_receiver(request).await }
    };
    deliveries.call(PATIENCE, put).await?;
    let notifications = Replicas::new(&addresses, NotificationServiceClient::new);
    let put = |mut client: NotificationServiceClient<Channel>| async move {
        let request = PutSubscriptionRequest {
            subscription: Some(subscription()),
            ..PutSubscriptionRequest::default()
        };
        client.put_subscription(request).await
    };
    notifications.call(PATIENCE, put).await.map(drop)
}

fn receiver(url: String, key: String) -> Receiver {
    let secret = Some(SecretReference { source: Some(Source::File(key)) });
    let keys = vec![SigningKey { secret, ..SigningKey::default() }];
    Receiver {
        id: "hook".to_owned(),
        kind: Some(Kind::Webhook(WebhookReceiver { url, keys })),
        timeout: Some(prost_types::Duration { seconds: 2, nanos: 0 }),
        ..Receiver::default()
    }
}

/// One message about a material a second at most, so that messages follow the load.
fn subscription() -> Subscription {
    let second = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    Subscription {
        id: "everything".to_owned(),
        receiver: "hook".to_owned(),
        group_by: vec!["material".to_owned(), "stage".to_owned()],
        cadence: Some(Cadence { wait: second, interval: second, ..Cadence::default() }),
        ..Subscription::default()
    }
}
