//! Times outside of the calendar: no number of seconds in an event, and no present, causes a panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
use jiff::Timestamp;
use orewatch_alerting::delivery::{DelivererState, schedule};
use orewatch_alerting::notify::{NotifierState, next_due, plan, why};
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::{Event, StreamName};
use orewatch_receivers::message::RenderedMessage;
use orewatch_receivers::{feed, mail, payload};
use orewatch_rules::evolve::RulesState;
use orewatch_rules::facts::alert_event;
use proptest::prelude::*;
use prost_types::Timestamp as Time;

/// Seconds that clocks and calendars stumble over, and any others.
fn seconds() -> impl Strategy<Value = i64> {
    let bounds = [Timestamp::MIN.as_second(), Timestamp::MAX.as_second(), 253_402_300_799, 253_600_000_000];
    prop_oneof![
        any::<i64>(),
        proptest::sample::select(bounds.to_vec()).prop_flat_map(|bound| bound - 90_000..bound + 90_000),
        Just(i64::MIN),
        Just(i64::MAX),
    ]
}

fn times() -> impl Strategy<Value = Vec<Time>> {
    let nanos = prop_oneof![0..1_000_000_000, any::<i32>()];
    let time = (seconds(), nanos).prop_map(|(seconds, nanos)| Time { seconds, nanos });
    proptest::collection::vec(time, 12)
}

/// An instant that a log or a clock can have.
fn instants() -> impl Strategy<Value = Timestamp> {
    seconds().prop_map(|second| {
        let bounds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
        Timestamp::from_second(second.clamp(*bounds.start(), *bounds.end())).unwrap()
    })
}

const ALERT: &str = "r/DEU/cobalt/refined/CHN";

fn alert(time: Time) -> Alert {
    Alert {
        id: ALERT.to_owned(),
        episode: format!("{ALERT}@2024"),
        rule: "r".to_owned(),
        rule_revision: 1,
        title: "title".to_owned(),
        subject: Some(Subject {
            consumer: "DEU".to_owned(),
            material: "cobalt".to_owned(),
            stage: "refined".to_owned(),
            supplier: "CHN".to_owned(),
            measure: "import-share/1".to_owned(),
            ..Subject::default()
        }),
        state: AlertState::Firing.into(),
        severity: "warning".to_owned(),
        period: "2024".to_owned(),
        cause: Some(Cause { release: "a/1-0".to_owned(), position: 1, time: Some(time), ..Cause::default() }),
        ..Alert::default()
    }
}

fn notification(times: &[Time]) -> Notification {
    Notification {
        id: "n".to_owned(),
        receiver: "feed".to_owned(),
        subscription: "s".to_owned(),
        group: "g".to_owned(),
        sequence: 1,
        planned_at: Some(times[0]),
        reason: NotificationReason::First.into(),
        firing: 1,
        alerts: vec![AlertTold {
            alert: Some(alert(times[1])),
            time: Some(times[2]),
            acknowledgement: Some(Acknowledgement { until: Some(times[3]), ..Acknowledgement::default() }),
            ..AlertTold::default()
        }],
        ..Notification::default()
    }
}

fn subscription(expires_at: Time) -> Subscription {
    let quiet = QuietHours {
        from: "22:00".to_owned(),
        until: "06:00".to_owned(),
        zone: "Pacific/Kiritimati".to_owned(),
        ..QuietHours::default()
    };
    let digest = Digest { at: "08:00".to_owned(), zone: "America/New_York".to_owned(), ..Digest::default() };
    Subscription {
        id: "s".to_owned(),
        receiver: "feed".to_owned(),
        expires_at: Some(expires_at),
        quiet: vec![quiet],
        cadence: Some(Cadence { digest: Some(digest), ..Cadence::default() }),
        ..Subscription::default()
    }
}

fn silence(starts_at: Time, ends_at: Time) -> Silence {
    Silence {
        id: "0198c0de-0000-7000-8000-000000000000".to_owned(),
        filter: Some(AlertFilter { rules: vec!["r".to_owned()], ..AlertFilter::default() }),
        starts_at: Some(starts_at),
        ends_at: Some(ends_at),
        author: "ann".to_owned(),
        reason: "why".to_owned(),
    }
}

fn acknowledgement(until: Time) -> Acknowledgement {
    Acknowledgement {
        alert: ALERT.to_owned(),
        episode: format!("{ALERT}@2024"),
        verdict: Verdict::Confirmed.into(),
        until: Some(until),
        ..Acknowledgement::default()
    }
}

fn feed_receiver() -> Receiver {
    let kind = Some(Kind::Feed(FeedReceiver { entries: 5 }));
    Receiver { id: "feed".to_owned(), kind, ..Receiver::default() }
}

/// All events with times, with these in them, and the end of each one's stream.
fn events(times: &[Time]) -> Vec<(&'static str, AlertEvent)> {
    let begun = EvaluationBegun { exposures_position: 1, rules_position: 0, as_at: Some(times[8]) };
    let receiver = Some(feed_receiver());
    let subscription = Some(subscription(times[4]));
    let silence = Some(silence(times[5], times[6]));
    let acknowledgement = Some(acknowledgement(times[7]));
    let notification = Some(notification(times));
    let attempted = DeliveryAttempted {
        notification: "n".to_owned(),
        attempt: 1,
        until: Some(times[10]),
        ..DeliveryAttempted::default()
    };
    let failed = DeliveryFailed {
        notification: "n".to_owned(),
        attempt: 1,
        retry_at: Some(times[11]),
        kind: FailureKind::RateLimited.into(),
        ..DeliveryFailed::default()
    };
    let evaluated = ExposuresEvaluated { position: 1, ..ExposuresEvaluated::default() };
    vec![
        ("evaluations", begun.into()),
        ("receiver.feed", ReceiverPut { receiver, revision: 1, ..ReceiverPut::default() }.into()),
        (
            "subscription.s",
            SubscriptionPut { subscription, revision: 1, ..SubscriptionPut::default() }.into(),
        ),
        ("silence.x", SilencePut { silence, revision: 1, ..SilencePut::default() }.into()),
        ("alert.a", AlertFired { alert: Some(alert(times[9])) }.into()),
        ("acknowledgement.a", AlertAcknowledged { acknowledgement }.into()),
        (
            "notification.feed.n",
            NotificationPlanned { notification, ..NotificationPlanned::default() }.into(),
        ),
        ("notification.feed.n", attempted.into()),
        ("notification.feed.n", failed.into()),
        ("evaluations", evaluated.into()),
    ]
}

fn event((number, (stream, event)): (usize, (&str, AlertEvent)), time: Timestamp) -> Event {
    let stream = StreamName::new(format!("alerts.{stream}")).unwrap();
    let new = alert_event(event, &stream, &number.to_string(), time);
    let position = u64::try_from(number).unwrap() + 1;
    Event { position, stream, id: new.id, kind: new.kind, time, data: new.data, traceparent: None }
}

proptest! {
    #[test]
    fn no_time_panics(
        times in times(),
        recorded in proptest::collection::vec(instants(), 10),
        now in instants(),
    ) {
        let mut rules = RulesState::default();
        let mut notify = NotifierState::default();
        let mut delivery = DelivererState::default();
        for (numbered, time) in events(&times).into_iter().enumerate().zip(recorded) {
            let event = event(numbered, time);
            // An event that cannot follow is an error, and no panic.
            let _any = (rules.evolve(&event), notify.evolve(&event), delivery.evolve(&event));
            for now in [now, time, Timestamp::MIN, Timestamp::MAX] {
                for message in plan(&notify, now) {
                    render_message(&message);
                }
                let _next = next_due(&notify, now);
                let _why = why::explain_subscriptions(&notify, &alert(times[0]), now);
                let _hold = why::hold_of_alert(&notify, ALERT, now);
                let _plan = schedule::plan(&delivery, "feed", now, &Default::default());
            }
        }
        delivery.feed("feed").for_each(render_message);
        let receiver = Receiver { id: "feed".to_owned(), ..Receiver::default() };
        let _atom = feed::render_feed(&receiver, now, delivery.feed("feed"), None);
    }
}

/// A message in the forms in which people and programs get it.
fn render_message(message: &Notification) {
    let rendered = RenderedMessage::new(message, None);
    let _payload = payload::cloud_event(message, &rendered);
    let to = MailReceiver {
        from: "a@example.org".to_owned(),
        to: vec!["b@example.org".to_owned()],
        ..MailReceiver::default()
    };
    mail::build_mail(&to, message, &rendered).unwrap();
}
