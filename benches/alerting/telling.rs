//! Cost of notifications with many open alerts and 1,000 subscriptions: time to fold the log, time of another
//! transition, and time of a plan.
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orewatch_alerting::notify::{NotifierState, next_due, plan};
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{
    Alert, AlertEvent, AlertFilter, AlertFired, AlertResolved, AlertState, NotificationPlanned, Receiver,
    ReceiverPut, Subscription, SubscriptionPut,
};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::{Event, StreamName};
use orewatch_rules::facts::{
    alert_event, alert_stream, notification_stream, receiver_stream, subscription_stream,
};

use crate::{print_head, print_row};

const SUBSCRIPTIONS: u32 = 1_000;
const MORE: u32 = 1_000;
const BEGIN: i64 = 1_800_000_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn event(position: u64, stream: StreamName, seconds: i64, fact: AlertEvent) -> Outcome<Event> {
    let new = alert_event(fact, &stream, &position.to_string(), Timestamp::from_second(BEGIN + seconds)?);
    let (id, kind, time, data) = (new.id, new.kind, new.time, new.data);
    Ok(Event { position, stream, id, kind, time, data, traceparent: None })
}

fn alert(k: u32, state: AlertState) -> Alert {
    let (rule, consumer) = (format!("rule-{}", k % 1_000), format!("c{}", k / 1_000));
    let id = format!("{rule}/{consumer}/cobalt/refined/CHN");
    let [material, stage, supplier] = ["cobalt", "refined", "CHN"].map(str::to_owned);
    Alert {
        episode: format!("{id}@2024"),
        id,
        rule,
        subject: Some(Subject { consumer, material, stage, supplier, ..Subject::default() }),
        state: state.into(),
        severity: "warning".to_owned(),
        ..Alert::default()
    }
}

fn transition(k: u32, state: AlertState) -> Outcome<(StreamName, AlertEvent)> {
    let alert = alert(k, state);
    let stream = alert_stream(&alert.id)?;
    let alert = Some(alert);
    let transition = if state == AlertState::Firing {
        Transition::Fired(AlertFired { alert })
    } else {
        Transition::Resolved(AlertResolved { alert })
    };
    Ok((stream, AlertEvent::from(transition)))
}

/// A subscription to ten rules, grouped by rule. The last subscription selects everything.
fn subscription(k: u32) -> Subscription {
    let rules = (0..10).map(|j| format!("rule-{}", (k * 7 + j) % 1_000)).collect();
    let select = if k + 1 == SUBSCRIPTIONS {
        AlertFilter::default()
    } else {
        AlertFilter { rules, ..AlertFilter::default() }
    };
    Subscription {
        id: format!("s{k}"),
        receiver: "ops".to_owned(),
        select: Some(select),
        group_by: vec!["rule".to_owned()],
        ..Subscription::default()
    }
}

/// A log with a receiver, its subscriptions, and the alerts.
fn log(alerts: u32) -> Outcome<Vec<Event>> {
    let mut log = Vec::new();
    let receiver = Some(Receiver { id: "ops".to_owned(), ..Receiver::default() });
    let put = ReceiverPut { receiver, ..ReceiverPut::default() };
    log.push(event(1, receiver_stream("ops")?, 0, AlertEvent::ReceiverPut(put))?);
    for k in 0..SUBSCRIPTIONS {
        let subscription = subscription(k);
        let stream = subscription_stream(&subscription.id)?;
        let put = SubscriptionPut { subscription: Some(subscription), revision: 1, actor: String::new() };
        log.push(event(log.len() as u64 + 1, stream, 0, AlertEvent::SubscriptionPut(put))?);
    }
    for k in 0..alerts {
        let (stream, fact) = transition(k, AlertState::Firing)?;
        log.push(event(log.len() as u64 + 1, stream, 0, fact)?);
    }
    Ok(log)
}

/// Plans messages until none is due, and folds them. Returns the number of messages, and of the alerts in
/// them.
fn plan_all(state: &mut NotifierState, after: u64, now: Timestamp) -> Outcome<(u64, usize)> {
    let (mut messages, mut alerts) = (0, 0);
    loop {
        let due = plan(state, now);
        if due.is_empty() {
            return Ok((messages, alerts));
        }
        for notification in due {
            messages += 1;
            alerts += notification.alerts.len() + usize::try_from(notification.omitted)?;
            let stream = notification_stream(&notification.receiver, &notification.id)?;
            let planned =
                NotificationPlanned { notification: Some(notification), ..NotificationPlanned::default() };
            state.evolve(&event(after + messages, stream, 10, AlertEvent::NotificationPlanned(planned))?)?;
        }
    }
}

fn row(what: &str, times: u32, all: Duration) {
    let each = all.as_secs_f64() * 1e6 / f64::from(times.max(1));
    print_row(what, &[format!("{:.3}", all.as_secs_f64()), format!("{each:.1}")]);
}

pub(crate) fn report(open: usize) -> Outcome<()> {
    let open = u32::try_from(open)?;
    let log = log(open)?;
    let mut state = NotifierState::default();
    print_head(&format!("{open} open alerts, {SUBSCRIPTIONS} subscriptions"), &["all, s", "each, us"]);
    let begin = Instant::now();
    for event in &log {
        state.evolve(event)?;
    }
    row(&format!("{} events folded", log.len()), u32::try_from(log.len())?, begin.elapsed());

    let (begin, now) = (Instant::now(), Timestamp::from_second(BEGIN + 10)?);
    let (messages, alerts) = plan_all(&mut state, log.len() as u64, now)?;
    let what = format!("{messages} messages about {alerts} alerts planned and folded");
    row(&what, u32::try_from(messages)?, begin.elapsed());

    let position = log.len() as u64 + messages;
    let mut more = Vec::new();
    for k in 0..MORE {
        let (stream, fact) = transition(k * 97 % open, AlertState::Resolved)?;
        more.push(event(position + u64::from(k) + 1, stream, 11, fact)?);
    }
    let begin = Instant::now();
    for event in &more {
        state.evolve(event)?;
    }
    row("one more transition", MORE, begin.elapsed());
    let begin = Instant::now();
    for _ in 0..MORE {
        assert!(plan(&state, now).is_empty(), "the interval is not over");
        assert!(next_due(&state, now).is_some(), "it will be");
    }
    row("a plan of nothing, and when to wake", MORE, begin.elapsed());
    Ok(())
}
