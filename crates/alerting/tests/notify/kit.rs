//! A log in memory, a clock that is set, and whoever plans.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orewatch_alerting::notify::{NotifierState, next_due, plan};
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::{Event, StreamName};
use orewatch_rules::facts::{
    acknowledgement_stream, alert_event, alert_stream, evaluations_stream, inhibition_stream,
    notification_stream, receiver_stream, rule_stream, silence_stream, subscription_stream,
};

/// Where time begins: a Monday, at noon UTC.
pub(crate) const BEGIN: i64 = 1_800_273_600;

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + seconds).unwrap()
}

pub(crate) fn proto_time(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: BEGIN + seconds, nanos: 0 }
}

pub(crate) fn length(seconds: u64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration::try_from(Duration::from_secs(seconds)).unwrap())
}

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 86_400;

/// A log, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) state: NotifierState,
    pub(crate) log: Vec<Event>,
    pub(crate) now: Timestamp,
    pub(crate) sent: Vec<Notification>,
    read: usize,
}

impl World {
    /// A world with receivers `ops` and `boss`.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            state: NotifierState::default(),
            log: Vec::new(),
            now: time(0),
            sent: Vec::new(),
            read: 0,
        };
        for receiver in ["ops", "boss"] {
            world.receiver(receiver, "");
        }
        world
    }

    /// A world with a subscription to everything: told at once, and again at once when something changes.
    pub(crate) fn prompt() -> Self {
        let mut world = Self::new();
        world.subscribe(prompt());
        world
    }

    pub(crate) fn append(&mut self, stream: StreamName, fact: AlertEvent) -> u64 {
        let position = self.log.len() as u64 + 1;
        let new = alert_event(fact, &stream, &position.to_string(), self.now);
        let event = Event {
            position,
            stream,
            id: new.id,
            kind: new.kind,
            time: new.time,
            data: new.data,
            traceparent: None,
        };
        self.state.evolve(&event).unwrap();
        self.log.push(event);
        position
    }

    /// Everything folded anew from the log: the world after a restart.
    pub(crate) fn restarted(&self) -> Self {
        let mut state = NotifierState::default();
        state.limits = self.state.limits;
        self.log.iter().for_each(|event| state.evolve(event).unwrap());
        assert_eq!(state, self.state);
        Self { state, log: self.log.clone(), now: self.now, sent: self.sent.clone(), read: self.read }
    }

    /// Plans all that is due now.
    pub(crate) fn flush(&mut self) {
        for round in 0.. {
            let due = plan(&self.state, self.now);
            assert_eq!(due, plan(&self.state, self.now), "the same state gives the same plan");
            if due.is_empty() {
                return;
            }
            assert!(round < 1000, "what is planned stays due: {due:?}");
            for notification in due {
                self.planned(notification);
            }
        }
    }

    pub(crate) fn planned(&mut self, notification: Notification) {
        let stream = notification_stream(&notification.receiver, &notification.id).unwrap();
        assert!(self.log.iter().all(|event| event.stream != stream), "a message is planned once");
        self.sent.push(notification.clone());
        self.append(
            stream,
            AlertEvent::NotificationPlanned(NotificationPlanned {
                notification: Some(notification),
                ..NotificationPlanned::default()
            }),
        );
    }

    /// Lets time pass, up to so many seconds after the beginning, and plans whenever something is due.
    pub(crate) fn advance_to(&mut self, seconds: i64) -> &mut Self {
        let end = time(seconds);
        assert!(end >= self.now, "time goes on");
        loop {
            self.flush();
            match next_due(&self.state, self.now).filter(|next| *next <= end) {
                Some(next) => {
                    assert!(next > self.now, "who sleeps wakes later");
                    self.now = next;
                }
                None => break,
            }
        }
        self.now = end;
        self.flush();
        self
    }

    /// Lets time pass without anybody planning.
    pub(crate) fn asleep_until(&mut self, seconds: i64) -> &mut Self {
        self.now = time(seconds);
        self
    }

    /// The messages since the last call, as `SECONDS REASON RECEIVER +FIRING -OVER`.
    pub(crate) fn new_messages(&mut self) -> Vec<String> {
        let new = self.sent[self.read..].iter().map(line).collect();
        self.read = self.sent.len();
        new
    }

    pub(crate) fn subscribe(&mut self, subscription: Subscription) {
        let listed = self.state.subscriptions().get(subscription.id.as_str());
        let revision = listed.map_or(0, |listed| listed.revision) + 1;
        let stream = subscription_stream(&subscription.id).unwrap();
        let put = SubscriptionPut { subscription: Some(subscription), revision, actor: "tester".to_owned() };
        self.append(stream, AlertEvent::SubscriptionPut(put));
    }

    pub(crate) fn receiver(&mut self, id: &str, fallback: &str) {
        self.put_receiver(Receiver {
            id: id.to_owned(),
            fallback: fallback.to_owned(),
            kind: Some(receiver::Kind::Feed(FeedReceiver::default())),
            ..Receiver::default()
        });
    }

    pub(crate) fn put_receiver(&mut self, receiver: Receiver) {
        let stream = receiver_stream(&receiver.id).unwrap();
        let put = ReceiverPut { receiver: Some(receiver), revision: 1, actor: String::new() };
        self.append(stream, AlertEvent::ReceiverPut(put));
    }

    pub(crate) fn disable(&mut self, receiver: &str, notification: &str) {
        let stream = receiver_stream(receiver).unwrap();
        let disabled = ReceiverDisabled {
            receiver: receiver.to_owned(),
            reason: "410 Gone".to_owned(),
            notification: notification.to_owned(),
        };
        self.append(stream, AlertEvent::ReceiverDisabled(disabled));
    }

    pub(crate) fn enable(&mut self, receiver: &str) {
        let stream = receiver_stream(receiver).unwrap();
        let enabled = ReceiverEnabled { receiver: receiver.to_owned(), actor: String::new() };
        self.append(stream, AlertEvent::ReceiverEnabled(enabled));
    }

    pub(crate) fn deliver(&mut self, notification: &Notification) {
        let stream = notification_stream(&notification.receiver, &notification.id).unwrap();
        let id = notification.id.clone();
        let succeeded = DeliverySucceeded { notification: id, attempt: 1, answer: String::new() };
        self.append(stream, AlertEvent::DeliverySucceeded(succeeded));
    }

    pub(crate) fn give_up(&mut self, notification: &Notification) {
        let stream = notification_stream(&notification.receiver, &notification.id).unwrap();
        let id = notification.id.clone();
        let given_up = DeliveryGivenUp { notification: id, reason: "out of retries".to_owned() };
        self.append(stream, AlertEvent::DeliveryGivenUp(given_up));
    }

    pub(crate) fn alert(&mut self, transition: Transition) {
        let alert = orewatch_rules::alert::alert_of(&transition).unwrap();
        let stream = alert_stream(&alert.id).unwrap();
        self.append(stream, AlertEvent::from(transition));
    }

    pub(crate) fn fire(&mut self, name: &str) -> &mut Self {
        self.alert(Transition::Fired(AlertFired { alert: Some(firing(name)) }));
        self
    }

    pub(crate) fn fire_as(&mut self, name: &str, severity: &str) {
        let alert = Alert { severity: severity.to_owned(), ..firing(name) };
        self.alert(Transition::Fired(AlertFired { alert: Some(alert) }));
    }

    pub(crate) fn change_severity(&mut self, name: &str, from: &str, to: &str) {
        let alert = Some(Alert { severity: to.to_owned(), ..firing(name) });
        self.alert(Transition::SeverityChanged(AlertSeverityChanged { alert, from: from.to_owned() }));
    }

    pub(crate) fn stale(&mut self, name: &str, stale: bool) {
        let alert = Some(Alert { stale, reason: Reason::NoData.into(), ..firing(name) });
        self.alert(Transition::Stale(AlertStale { alert }));
    }

    pub(crate) fn resolve(&mut self, name: &str) -> &mut Self {
        let alert = Alert {
            state: AlertState::Resolved.into(),
            estimate: Some(Estimate { value: Some(0.5), ..Estimate::default() }),
            period: "2025".to_owned(),
            resolved_at: "2025".to_owned(),
            ..firing(name)
        };
        self.alert(Transition::Resolved(AlertResolved { alert: Some(alert) }));
        self
    }

    pub(crate) fn bands(&mut self, rule: &str, severities: &[&str]) {
        let band = |severity: &&str| SeverityBand { severity: (*severity).to_owned(), from: 0.0 };
        let severity = severities.iter().map(band).collect();
        let rule = Rule { id: rule.to_owned(), severity, ..Rule::default() };
        let stream = rule_stream(&rule.id).unwrap();
        self.append(
            stream,
            AlertEvent::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() }),
        );
    }

    pub(crate) fn evaluation(&mut self, is_open: bool) {
        let stream = evaluations_stream().unwrap();
        let fact = if is_open {
            AlertEvent::EvaluationBegun(EvaluationBegun::default())
        } else {
            AlertEvent::ExposuresEvaluated(ExposuresEvaluated::default())
        };
        self.append(stream, fact);
    }

    /// Silences an alert, or several, from and until so many seconds after the beginning.
    pub(crate) fn silence(&mut self, id: &str, names: &[&str], from: i64, until: i64) {
        let silence = Silence {
            id: id.to_owned(),
            filter: Some(alerts_of_rules(names)),
            starts_at: Some(proto_time(from)),
            ends_at: Some(proto_time(until)),
            author: "ann".to_owned(),
            reason: "known".to_owned(),
        };
        let revision = self.state.silences().get(id).map_or(0, |silence| silence.revision) + 1;
        let put = SilencePut { silence: Some(silence), revision, actor: "ann".to_owned() };
        self.append(silence_stream(id).unwrap(), AlertEvent::SilencePut(put));
    }

    pub(crate) fn end_silence(&mut self, id: &str) {
        let ended = SilenceEnded { silence: id.to_owned(), actor: "ann".to_owned() };
        self.append(silence_stream(id).unwrap(), AlertEvent::SilenceEnded(ended));
    }

    pub(crate) fn inhibit(&mut self, inhibition: Inhibition) {
        let stream = inhibition_stream(&inhibition.id).unwrap();
        let put = InhibitionPut { inhibition: Some(inhibition), revision: 1, actor: String::new() };
        self.append(stream, AlertEvent::InhibitionPut(put));
    }

    pub(crate) fn acknowledge(&mut self, name: &str, until: Option<i64>) {
        let alert = firing(name);
        let acknowledgement = Acknowledgement {
            alert: alert.id.clone(),
            episode: alert.episode,
            verdict: Verdict::Confirmed.into(),
            owner: "bob".to_owned(),
            severity: alert.severity,
            until: until.map(proto_time),
            note: String::new(),
        };
        let acknowledged = AlertAcknowledged { acknowledgement: Some(acknowledgement) };
        self.append(acknowledgement_stream(&alert.id).unwrap(), AlertEvent::AlertAcknowledged(acknowledged));
    }

    pub(crate) fn unacknowledge(&mut self, name: &str) {
        let alert = firing(name).id;
        let stream = acknowledgement_stream(&alert).unwrap();
        let taken_back = AlertUnacknowledged { alert, ..AlertUnacknowledged::default() };
        self.append(stream, AlertEvent::AlertUnacknowledged(taken_back));
    }
}

/// A subscription `all` of everything to `ops`: no wait, no interval.
pub(crate) fn prompt() -> Subscription {
    Subscription {
        id: "all".to_owned(),
        receiver: "ops".to_owned(),
        cadence: Some(Cadence { wait: length(0), interval: length(0), ..Cadence::default() }),
        ..Subscription::default()
    }
}

/// The same with a wait, an interval and a repeat.
pub(crate) fn paced(wait: u64, interval: u64, repeat: Option<u64>) -> Subscription {
    let cadence = Cadence {
        wait: length(wait),
        interval: length(interval),
        repeat: repeat.and_then(length),
        digest: None,
    };
    Subscription { cadence: Some(cadence), ..prompt() }
}

/// The alerts of these rules.
pub(crate) fn alerts_of_rules(names: &[&str]) -> AlertFilter {
    AlertFilter { rules: names.iter().map(|name| (*name).to_owned()).collect(), ..AlertFilter::default() }
}

/// Alert of a rule, or of a rule on a consumer if the name is `RULE:CONSUMER`.
pub(crate) fn firing(name: &str) -> Alert {
    let (rule, consumer) = name.split_once(':').unwrap_or((name, "DEU"));
    let id = format!("{rule}/{consumer}/cobalt/refined/CHN");
    Alert {
        episode: format!("{id}@2024"),
        id,
        rule: rule.to_owned(),
        rule_revision: 1,
        title: format!("{rule} is crossed"),
        subject: Some(Subject {
            consumer: consumer.to_owned(),
            supplier: "CHN".to_owned(),
            material: "cobalt".to_owned(),
            stage: "refined".to_owned(),
            measure: "import-share/1".to_owned(),
            by: 1,
        }),
        state: AlertState::Firing.into(),
        severity: "warning".to_owned(),
        period: "2024".to_owned(),
        estimate: Some(Estimate { value: Some(0.7), ..Estimate::default() }),
        line: 0.65,
        above: true,
        pending_since: "2024".to_owned(),
        fired_at: "2024".to_owned(),
        reason: Reason::Crossed.into(),
        ..Alert::default()
    }
}

/// Name by which a test knows an alert.
pub(crate) fn name(alert: &Alert) -> String {
    match alert.subject.as_ref().map(|subject| subject.consumer.as_str()) {
        None | Some("DEU") => alert.rule.clone(),
        Some(consumer) => format!("{}:{consumer}", alert.rule),
    }
}

pub(crate) fn seconds(notification: &Notification) -> i64 {
    notification.planned_at.as_ref().unwrap().seconds - BEGIN
}

fn line(notification: &Notification) -> String {
    let reason = notification.reason().as_str_name().trim_start_matches("NOTIFICATION_REASON_");
    let mut line = format!("{} {reason} {}", seconds(notification), notification.receiver);
    for told in &notification.alerts {
        let alert = told.alert.as_ref().unwrap();
        let sign = if alert.state() == AlertState::Firing { '+' } else { '-' };
        line.push_str(&format!(" {sign}{}", name(alert)));
    }
    line
}

pub(crate) fn plus_seconds(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}
