//! Notifications by the running service: with a clock that tests set, through restarts and deaths, by one
//! replica and by several.
mod contents;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use orewatch_alerting::{Config, Logs, start};
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::EventLog;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_rules::facts::{alert_event, receiver_stream};
use orewatch_runtime::{Clock, Context};
use orewatch_testkit::NatsServer;
use tokio::sync::watch;
use tonic::service::Routes;

use crate::crash::deadly_log;
use crate::kit::{Desk, Service, Still, china_rule, read, shares};

/// A clock that tests set.
#[derive(Debug)]
struct Hand(watch::Sender<Timestamp>);

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Self(watch::channel(Still.now()).0))
    }

    fn advance(&self, seconds: i64) {
        self.0.send_modify(|now| *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap());
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, time: Timestamp) -> BoxFuture<'_, ()> {
        let mut now = self.0.subscribe();
        async move {
            now.wait_for(|now| *now >= time).await.unwrap();
        }
        .boxed()
    }
}

/// A running service with clients of two of its interfaces.
struct ServiceClients {
    alerting: Service,
    notify: NotificationServiceClient<Routes>,
}

impl ServiceClients {
    async fn start(clock: Arc<dyn Clock>, logs: Logs) -> Self {
        Self::start_in(Context::new(clock, tonic_health::server::health_reporter().0), logs).await
    }

    async fn start_in(context: Context, logs: Logs) -> Self {
        let mut routes = Routes::builder();
        // Nothing is sent that a stop would wait for.
        let delivery =
            orewatch_receivers::Config { grace: Duration::ZERO, ..orewatch_receivers::Config::default() };
        start(context.clone(), logs, Config { delivery, ..Config::default() }, &mut routes).await.unwrap();
        let routes = routes.routes().prepare();
        let client = AlertingServiceClient::new(routes.clone());
        Self { alerting: Service { client, context }, notify: NotificationServiceClient::new(routes) }
    }

    async fn subscribe(&mut self, subscription: Subscription) -> PutSubscriptionResponse {
        self.put(subscription, false).await.unwrap()
    }

    /// Waits until the only subscriber of the alert was notified by a message.
    async fn until_notified(&mut self, message: &str) -> SubscriptionTelling {
        let waiting = async {
            loop {
                let explain = ExplainAlertRequest { alert: ALERT.to_owned() };
                let mut why = self.notify.explain_alert(explain).await.unwrap().into_inner();
                let telling = why.tellings.remove(0);
                if (telling.telling(), telling.by.as_str()) == (Telling::Told, message) {
                    return telling;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the message is told")
    }

    async fn put(
        &mut self,
        subscription: Subscription,
        validate_only: bool,
    ) -> Result<PutSubscriptionResponse, Failure> {
        let actor = "tester".to_owned();
        let request =
            PutSubscriptionRequest { subscription: Some(subscription), actor, validate_only, since: None };
        Ok(self.notify.put_subscription(request).await?.into_inner())
    }
}

async fn put_receiver(log: &dyn EventLog, id: &str) {
    let stream = receiver_stream(id).unwrap();
    let receiver = Receiver {
        id: id.to_owned(),
        kind: Some(receiver::Kind::Feed(FeedReceiver::default())),
        ..Receiver::default()
    };
    let put = ReceiverPut { receiver: Some(receiver), revision: 1, actor: String::new() };
    let event = alert_event(AlertEvent::ReceiverPut(put), &stream, "1", Still.now());
    log.append(&stream, 0, vec![event]).await.unwrap();
}

fn subscription(wait: u64, group_by: &[&str]) -> Subscription {
    let length = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    Subscription {
        id: "desk".to_owned(),
        receiver: "ops".to_owned(),
        group_by: group_by.iter().map(|field| (*field).to_owned()).collect(),
        cadence: Some(Cadence { wait: length(wait as i64), interval: length(300), ..Cadence::default() }),
        ..Subscription::default()
    }
}

/// The messages on a log, as they were planned.
async fn planned(log: &dyn EventLog) -> Vec<Notification> {
    let events = read(log).await;
    let decoded = events.iter().filter_map(|event| AlertEvent::read(event).unwrap());
    let planned = decoded.filter_map(|event| match event {
        AlertEvent::NotificationPlanned(planned) => planned.notification,
        _ => None,
    });
    planned.collect()
}

/// Waits until there are so many messages.
async fn until_planned(log: &dyn EventLog, count: usize) -> Vec<Notification> {
    let waiting = async {
        loop {
            let planned = planned(log).await;
            if planned.len() >= count {
                return planned;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the messages are planned")
}

fn planned_alerts(notification: &Notification) -> Vec<(String, AlertState)> {
    let alerts = notification.alerts.iter().filter_map(|told| told.alert.as_ref());
    alerts.map(|alert| (alert.id.clone(), alert.state())).collect()
}

const ALERT: &str = "china/DEU/cobalt/refined/CHN";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_notified_after_the_wait_and_its_resolution_after_the_interval() {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let clock = Hand::new();
    let mut service = ServiceClients::start(clock.clone(), desk.logs()).await;
    assert!(service.subscribe(subscription(10, &[])).await.changed);
    service.alerting.put(china_rule("china", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.alerting.evaluated(position).await;
    let explain = ExplainAlertRequest { alert: ALERT.to_owned() };
    let why = service.notify.explain_alert(explain).await.unwrap().into_inner();
    assert_eq!(why.tellings[0].telling(), Telling::Grouped);
    assert_eq!((why.rule_revision, why.rule_actor.as_str()), (1, "tester"));
    assert_eq!(why.rule.unwrap().id, "china");
    assert!(planned(&*desk.alerts).await.is_empty(), "the wait is not over");
    clock.advance(10);
    let first = until_planned(&*desk.alerts, 1).await.remove(0);
    assert_eq!(planned_alerts(&first), [(ALERT.to_owned(), AlertState::Firing)]);
    assert_eq!(first.reason(), NotificationReason::First);
    let telling = service.until_notified(&first.id).await;
    assert_eq!(telling.deliveries.len(), 1);

    let position = desk.publish("cobalt", "b", shares("DEU", "refined", &[(2025, 0.5)])).await;
    service.alerting.evaluated(position).await;
    clock.advance(300);
    let last = until_planned(&*desk.alerts, 2).await.remove(1);
    assert_eq!(planned_alerts(&last), [(ALERT.to_owned(), AlertState::Resolved)]);
    assert_eq!(last.alerts[0].fired_with.as_ref().unwrap().value, Some(0.7));
    let telling = service.until_notified(&last.id).await;
    assert_eq!(telling.deliveries.len(), 2);
    service.alerting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_a_start_sends_nothing_about_alerts_resolved_by_then() {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
    service.subscribe(subscription(0, &["alert"])).await;
    service.alerting.put(china_rule("china", "")).await;
    service.alerting.stop().await;
    // While the service is away an alert fires and is over, another fires and stays.
    desk.publish("cobalt", "a", shares("DEU", "refined", &[(2023, 0.7)])).await;
    desk.publish("nickel", "b", shares("DEU", "refined", &[(2023, 0.7)])).await;
    let position = desk.publish("cobalt", "c", shares("DEU", "refined", &[(2024, 0.5)])).await;
    let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
    service.alerting.evaluated(position).await;
    until_planned(&*desk.alerts, 1).await;
    // Whatever else there was to tell is on the log before a drill is.
    let drill = RunDrillRequest { receiver: "ops".to_owned(), ..RunDrillRequest::default() };
    service.notify.run_drill(drill).await.unwrap();
    let sent = planned(&*desk.alerts).await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(planned_alerts(&sent[0])[0].0, "china/DEU/nickel/refined/CHN");
    assert!(sent[1].drill);
    service.alerting.stop().await;
}

/// A silence of one day for everything about cobalt.
fn cobalt_silence() -> Silence {
    let day = Still.now().checked_add(SignedDuration::from_hours(24)).unwrap();
    Silence {
        filter: Some(AlertFilter { materials: vec!["cobalt".to_owned()], ..AlertFilter::default() }),
        ends_at: Some(prost_types::Timestamp { seconds: day.as_second(), nanos: 0 }),
        author: "ann".to_owned(),
        reason: "known".to_owned(),
        ..Silence::default()
    }
}

/// Alerts of the rule `china` are muted while one of the rule `world` fires for the same material.
fn world_inhibition() -> Inhibition {
    let rule = |rule: &str| Some(AlertFilter { rules: vec![rule.to_owned()], ..AlertFilter::default() });
    let equal = vec!["material".to_owned()];
    Inhibition { id: "world".to_owned(), source: rule("world"), target: rule("china"), equal }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silences_acknowledgements_and_inhibitions_are_kept_through_a_restart() {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
    service.alerting.put(china_rule("china", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.alerting.evaluated(position).await;

    let silence = cobalt_silence();
    let put = PutSilenceRequest { silence: Some(silence.clone()), ..PutSilenceRequest::default() };
    let silenced = service.notify.put_silence(put).await.unwrap().into_inner().silence.unwrap();
    assert_eq!((silenced.state(), silenced.alerts, silenced.revision), (SilenceState::Active, 1, 1));
    let acknowledge = AcknowledgeAlertRequest {
        alert: ALERT.to_owned(),
        verdict: Verdict::Potential.into(),
        owner: "bob".to_owned(),
        ..AcknowledgeAlertRequest::default()
    };
    service.notify.acknowledge_alert(acknowledge.clone()).await.unwrap();
    let put = PutInhibitionRequest { inhibition: Some(world_inhibition()), actor: String::new() };
    assert!(service.notify.put_inhibition(put.clone()).await.unwrap().into_inner().changed);
    service.subscribe(subscription(0, &[])).await;
    service.alerting.stop().await;

    let clock = Hand::new();
    clock.advance(60);
    let mut service = ServiceClients::start(clock, desk.logs()).await;
    assert!(!service.notify.put_inhibition(put).await.unwrap().into_inner().changed, "it stands");
    service.alerting.evaluated(position).await;
    let explain = ExplainAlertRequest { alert: ALERT.to_owned() };
    let why = service.notify.explain_alert(explain).await.unwrap().into_inner();
    assert_eq!(why.tellings[0].telling(), Telling::Silenced);
    assert_eq!(why.acknowledgement.unwrap().owner, "bob");
    let holds = ListHoldsRequest { alerts: vec![ALERT.to_owned(), "none".to_owned()] };
    let holds = service.notify.list_holds(holds).await.unwrap().into_inner().holds;
    assert_eq!(holds.len(), 1);
    let id = silenced.silence.unwrap().id;
    assert_eq!(holds[0].silence, id);
    let end = EndSilenceRequest { silence: id.clone(), actor: "ann".to_owned() };
    let ended = service.notify.end_silence(end).await.unwrap().into_inner().silence.unwrap();
    assert_eq!(ended.state(), SilenceState::Over);
    let sent = until_planned(&*desk.alerts, 1).await;
    assert_eq!(sent[0].reason(), NotificationReason::SilenceOver);
    assert_eq!(sent[0].alerts[0].acknowledgement.as_ref().unwrap().owner, "bob");
    let over = PutSilenceRequest { silence: Some(Silence { id, ..silence }), ..PutSilenceRequest::default() };
    let refused = Failure::from(service.notify.put_silence(over).await.unwrap_err());
    assert_eq!((refused.class, refused.code.as_str()), (Class::Refused, "silence-over"));
    let back = UnacknowledgeAlertRequest { alert: ALERT.to_owned(), ..UnacknowledgeAlertRequest::default() };
    assert!(service.notify.unacknowledge_alert(back.clone()).await.unwrap().into_inner().changed);
    assert!(!service.notify.unacknowledge_alert(back).await.unwrap().into_inner().changed);
    let unknown = AcknowledgeAlertRequest { alert: "none/x/y/z/-".to_owned(), ..acknowledge };
    let unknown = Failure::from(service.notify.acknowledge_alert(unknown).await.unwrap_err());
    assert_eq!((unknown.class, unknown.code.as_str()), (Class::NotFound, "unknown-alert"));
    service.alerting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_changes_nothing_and_lists_what_would_have_been_sent() {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
    service.alerting.put(china_rule("china", "")).await;
    let position = desk.publish("cobalt", "a", shares("DEU", "refined", &[(2024, 0.7)])).await;
    service.alerting.evaluated(position).await;
    let before = desk.recorded().await.len();
    let dry = service.put(subscription(0, &[]), true).await.unwrap();
    assert_eq!((dry.changed, dry.would_have_sent_count), (false, 1));
    assert_eq!(planned_alerts(&dry.would_have_sent[0]), [(ALERT.to_owned(), AlertState::Firing)]);
    assert_eq!(dry.warnings, ["the selection matches every alert"]);
    assert_eq!(desk.recorded().await.len(), before);
    let unknown = Subscription { receiver: "opps".to_owned(), ..subscription(0, &[]) };
    let failure = service.put(unknown, true).await.unwrap_err();
    assert_eq!((failure.field.as_str(), failure.hint.as_str()), ("receiver", "did you mean ops?"));
    let put = service.subscribe(subscription(0, &[])).await;
    assert_eq!(put.subscription.unwrap().firing, 1);
    assert!(!service.subscribe(subscription(0, &[])).await.changed);
    let removed = RemoveSubscriptionRequest { subscription: "desk".to_owned(), actor: String::new() };
    assert!(service.notify.remove_subscription(removed.clone()).await.unwrap().into_inner().removed);
    assert!(!service.notify.remove_subscription(removed).await.unwrap().into_inner().removed);
    service.alerting.stop().await;
}

/// Ten alerts, each told by itself.
async fn ten_alerts(desk: &Desk) -> u64 {
    let mut changes = Vec::new();
    for consumer in ["DEU", "FRA", "ITA", "JPN", "USA", "GBR", "KOR", "AUS", "IND", "MEX"] {
        changes.extend(shares(consumer, "refined", &[(2024, 0.7)]));
    }
    desk.publish("cobalt", "a", changes).await
}

/// Each of ten alerts is told once.
fn check_each_alert_once(sent: &[Notification]) {
    let ids: BTreeSet<&str> = sent.iter().map(|sent| sent.id.as_str()).collect();
    let alerts: BTreeSet<String> = sent.iter().flat_map(planned_alerts).map(|(alert, _)| alert).collect();
    assert_eq!((sent.len(), ids.len(), alerts.len()), (10, 10, 10));
}

/// What so many replicas on the same logs tell of ten alerts.
async fn told_by(replicas: usize) -> Vec<Notification> {
    let desk = Desk::new();
    put_receiver(&*desk.alerts, "ops").await;
    let starts = (0..replicas).map(|_| ServiceClients::start(Hand::new(), desk.logs()));
    let mut all = futures_util::future::join_all(starts).await;
    all[0].subscribe(subscription(0, &["alert"])).await;
    all[0].alerting.put(china_rule("china", "")).await;
    let position = ten_alerts(&desk).await;
    for replica in &mut all {
        replica.alerting.evaluated(position).await;
    }
    until_planned(&*desk.alerts, 10).await;
    futures_util::future::join_all(all.into_iter().map(|replica| replica.alerting.stop())).await;
    planned(&*desk.alerts).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_two_replicas_send_each_message_once() {
    check_each_alert_once(&told_by(2).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_three_replicas_send_the_same_as_one() {
    let said = async |replicas| {
        let sent = told_by(replicas).await;
        let all = sent.iter().map(|sent| {
            let about = (sent.receiver.clone(), sent.subscription.clone(), sent.group.clone());
            (sent.id.clone(), about, sent.sequence, sent.reason(), planned_alerts(sent))
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    };
    assert_eq!(said(3).await, said(1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_two_replicas_with_different_clocks_send_each_message_once_on_nats() {
    let server = NatsServer::start();
    let open = async || {
        let connected = jetstream::connect(&server.url(), JetStreamOptions::default()).await.unwrap();
        let [exposures, alerts] = [connected.open("exposures").await, connected.open("alerts").await];
        (connected, Logs { exposures: exposures.unwrap(), alerts: alerts.unwrap() })
    };
    let (_first, logs) = open().await;
    let (_second, others) = open().await;
    let desk = Desk::on(logs.clone());
    put_receiver(&*desk.alerts, "ops").await;
    let late = Hand::new();
    late.advance(7);
    let mut one = ServiceClients::start(Hand::new(), logs).await;
    let mut other = ServiceClients::start(late, others).await;
    one.subscribe(subscription(0, &["alert"])).await;
    one.alerting.put(china_rule("china", "")).await;
    let position = ten_alerts(&desk).await;
    tokio::join!(one.alerting.evaluated(position), other.alerting.evaluated(position));
    until_planned(&*desk.alerts, 10).await;
    tokio::join!(one.alerting.stop(), other.alerting.stop());
    check_each_alert_once(&planned(&*desk.alerts).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_append_repeats_and_loses_no_message() {
    let mut deaths = 0;
    // The evaluation takes twelve appends, the messages ten.
    for dies_at in (0..22).step_by(3) {
        for stores in [false, true] {
            let desk = Desk::new();
            put_receiver(&*desk.alerts, "ops").await;
            let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
            service.subscribe(subscription(0, &["alert"])).await;
            service.alerting.put(china_rule("china", "")).await;
            service.alerting.stop().await;
            let position = ten_alerts(&desk).await;

            let context = Context::new(Hand::new(), tonic_health::server::health_reporter().0);
            let alerts = deadly_log(Arc::clone(&desk.alerts), context.shutdown.clone(), dies_at, stores);
            let logs = Logs { exposures: Arc::clone(&desk.exposures), alerts };
            let dying = ServiceClients::start_in(context.clone(), logs).await;
            tokio::select! {
                () = context.shutdown.cancelled() => deaths += 1,
                _ = until_planned(&*desk.alerts, 10) => {}
            }
            dying.alerting.stop().await;

            let mut service = ServiceClients::start(Hand::new(), desk.logs()).await;
            service.alerting.evaluated(position).await;
            until_planned(&*desk.alerts, 10).await;
            service.alerting.stop().await;
            check_each_alert_once(&planned(&*desk.alerts).await);
        }
    }
    assert!(deaths >= 10, "{deaths} deaths");
}
