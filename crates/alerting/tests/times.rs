//! Times that no calendar has: whatever number of seconds an event holds, and whenever it is looked at, nothing panics.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
use jiff::Timestamp;
use orewatch_alerting::delivery::message::Telling;
use orewatch_alerting::delivery::{course, feed, mail, payload};
use orewatch_alerting::facts::Fact;
use orewatch_alerting::notify::{plan, wake, why};
use orewatch_alerting::{delivery, evolve, notify};
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::{Event, StreamName};
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

/// All events that hold times, with these in them.
fn facts(times: &[Time]) -> Vec<(&'static str, Fact)> {
    let notification = Notification {
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
    };
    let quiet = QuietHours {
        from: "22:00".to_owned(),
        until: "06:00".to_owned(),
        zone: "Pacific/Kiritimati".to_owned(),
        ..QuietHours::default()
    };
    let digest = Digest { at: "08:00".to_owned(), zone: "America/New_York".to_owned(), ..Digest::default() };
    let subscription = Subscription {
        id: "s".to_owned(),
        receiver: "feed".to_owned(),
        expires_at: Some(times[4]),
        quiet: vec![quiet],
        cadence: Some(Cadence { digest: Some(digest), ..Cadence::default() }),
        ..Subscription::default()
    };
    let silence = Silence {
        id: "0198c0de-0000-7000-8000-000000000000".to_owned(),
        filter: Some(AlertFilter { rules: vec!["r".to_owned()], ..AlertFilter::default() }),
        starts_at: Some(times[5]),
        ends_at: Some(times[6]),
        author: "ann".to_owned(),
        reason: "why".to_owned(),
    };
    let acknowledgement = Acknowledgement {
        alert: ALERT.to_owned(),
        episode: format!("{ALERT}@2024"),
        verdict: Verdict::Confirmed.into(),
        until: Some(times[7]),
        ..Acknowledgement::default()
    };
    let receiver = Receiver {
        id: "feed".to_owned(),
        kind: Some(Kind::Feed(FeedReceiver { entries: 5 })),
        ..Receiver::default()
    };
    let begun = EvaluationBegun { exposures_position: 1, rules_position: 0, as_at: Some(times[8]) };
    vec![
        ("evaluations", Fact::Begun(begun)),
        (
            "receiver.feed",
            Fact::ReceiverPut(ReceiverPut {
                receiver: Some(receiver),
                revision: 1,
                ..ReceiverPut::default()
            }),
        ),
        (
            "subscription.s",
            Fact::SubscriptionPut(SubscriptionPut {
                subscription: Some(subscription),
                revision: 1,
                ..SubscriptionPut::default()
            }),
        ),
        (
            "silence.x",
            Fact::SilencePut(SilencePut { silence: Some(silence), revision: 1, ..SilencePut::default() }),
        ),
        ("alert.a", Fact::Alert(Transition::Fired(AlertFired { alert: Some(alert(times[9])) }))),
        (
            "acknowledgement.a",
            Fact::Acknowledged(AlertAcknowledged { acknowledgement: Some(acknowledgement) }),
        ),
        ("notification.feed.n", Fact::Planned(NotificationPlanned { notification: Some(notification) })),
        (
            "notification.feed.n",
            Fact::Attempted(DeliveryAttempted {
                notification: "n".to_owned(),
                attempt: 1,
                until: Some(times[10]),
                ..DeliveryAttempted::default()
            }),
        ),
        (
            "notification.feed.n",
            Fact::Failed(DeliveryFailed {
                notification: "n".to_owned(),
                attempt: 1,
                retry_at: Some(times[11]),
                kind: FailureKind::RateLimited.into(),
                ..DeliveryFailed::default()
            }),
        ),
        ("evaluations", Fact::Evaluated(ExposuresEvaluated { position: 1, ..ExposuresEvaluated::default() })),
    ]
}

fn event((number, (stream, fact)): (usize, (&str, Fact)), time: Timestamp) -> Event {
    let stream = StreamName::new(format!("alerts.{stream}")).unwrap();
    let new = fact.into_event(&stream, &number.to_string(), time);
    let position = u64::try_from(number).unwrap() + 1;
    Event { position, stream, id: new.id, kind: new.kind, time, data: new.data, traceparent: None }
}

proptest! {
    #[test]
    fn no_time_panics(times in times(), recorded in proptest::collection::vec(instants(), 10), now in instants()) {
        let mut states = (evolve::State::default(), notify::State::default(), delivery::State::default());
        for (numbered, time) in facts(&times).into_iter().enumerate().zip(recorded) {
            let event = event(numbered, time);
            // An event that cannot follow is said to be damaged; that is no panic.
            let _damaged = (states.0.evolve(&event).is_ok(), states.1.evolve(&event).is_ok(), states.2.evolve(&event).is_ok());
            for now in [now, time, Timestamp::MIN, Timestamp::MAX] {
                for message in plan(&states.1, now) {
                    told(&message);
                }
                let _next = wake(&states.1, now);
                let _why = why::tellings(&states.1, &alert(times[0]), now);
                let _hold = why::hold(&states.1, ALERT, now);
                let _plan = course::plan(&states.2, "feed", now, &Default::default());
            }
        }
        states.2.feed("feed").for_each(told);
        let receiver = Receiver { id: "feed".to_owned(), ..Receiver::default() };
        let _atom = feed::atom(&receiver, now, states.2.feed("feed"), None);
    }
}

/// A message in the forms in which people and programs get it.
fn told(message: &Notification) {
    let telling = Telling::of(message, None);
    let _payload = payload::payload(message, &telling);
    let to = MailReceiver {
        from: "a@example.org".to_owned(),
        to: vec!["b@example.org".to_owned()],
        ..MailReceiver::default()
    };
    mail::mail(&to, message, &telling).unwrap();
}
