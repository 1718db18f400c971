//! What telling costs: 100,000 open alerts, 1,000 subscriptions; how long the log takes to be folded, how long one more
//! transition takes, and how long a plan. `cargo run --release -p orewatch-alerting --example telling`
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement on a terminal")]
use std::time::Instant;

use jiff::Timestamp;
use orewatch_alerting::facts::{
    Fact, alert_stream, notification_stream, receiver_stream, subscription_stream,
};
use orewatch_alerting::notify::{State, plan, wake};
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertFired, AlertResolved, AlertState, NotificationPlanned, Receiver, ReceiverPut,
    Subscription, SubscriptionPut,
};
use orewatch_contracts::exposure::v1::Subject;
use orewatch_eventlog::{Event, StreamName};

const ALERTS: u32 = 100_000;
const SUBSCRIPTIONS: u32 = 1_000;
const BEGIN: i64 = 1_800_000_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn event(position: u64, stream: StreamName, seconds: i64, fact: Fact) -> Outcome<Event> {
    let new = fact.into_event(&stream, &position.to_string(), Timestamp::from_second(BEGIN + seconds)?);
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

fn transition(k: u32, state: AlertState) -> Outcome<(StreamName, Fact)> {
    let alert = alert(k, state);
    let stream = alert_stream(&alert.id)?;
    let alert = Some(alert);
    let transition = if state == AlertState::Firing {
        Transition::Fired(AlertFired { alert })
    } else {
        Transition::Resolved(AlertResolved { alert })
    };
    Ok((stream, Fact::Alert(transition)))
}

/// Every subscription to ten rules, grouped by rule; the last one to everything.
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

fn main() -> Outcome<()> {
    let mut log = Vec::new();
    let receiver = Some(Receiver { id: "ops".to_owned(), ..Receiver::default() });
    let put = ReceiverPut { receiver, ..ReceiverPut::default() };
    log.push(event(1, receiver_stream("ops")?, 0, Fact::ReceiverPut(put))?);
    for k in 0..SUBSCRIPTIONS {
        let subscription = subscription(k);
        let stream = subscription_stream(&subscription.id)?;
        let put = SubscriptionPut { subscription: Some(subscription), revision: 1, actor: String::new() };
        log.push(event(log.len() as u64 + 1, stream, 0, Fact::SubscriptionPut(put))?);
    }
    for k in 0..ALERTS {
        let (stream, fact) = transition(k, AlertState::Firing)?;
        log.push(event(log.len() as u64 + 1, stream, 0, fact)?);
    }
    let mut state = State::default();
    let begin = Instant::now();
    for event in &log {
        state.evolve(event)?;
    }
    let folded = begin.elapsed();
    println!("fold {} events: {folded:?}, {:?} an event", log.len(), folded / (ALERTS + SUBSCRIPTIONS));

    let now = Timestamp::from_second(BEGIN + 10)?;
    let (begin, mut messages, mut told) = (Instant::now(), 0, 0);
    loop {
        let due = plan(&state, now);
        if due.is_empty() {
            break;
        }
        for notification in due {
            messages += 1;
            told += notification.alerts.len() + notification.omitted as usize;
            let stream = notification_stream(&notification.receiver, &notification.id)?;
            let planned = NotificationPlanned { notification: Some(notification) };
            state.evolve(&event(log.len() as u64 + messages, stream, 10, Fact::Planned(planned))?)?;
        }
    }
    println!("plan and fold {messages} messages about {told} alerts: {:?}", begin.elapsed());

    let position = log.len() as u64 + messages;
    let mut more = Vec::new();
    for k in 0..1_000 {
        let (stream, fact) = transition(k * 97, AlertState::Resolved)?;
        more.push(event(position + u64::from(k) + 1, stream, 11, fact)?);
    }
    let begin = Instant::now();
    for event in &more {
        state.evolve(event)?;
    }
    println!("one more transition: {:?}", begin.elapsed() / 1_000);
    let begin = Instant::now();
    for _ in 0..1_000 {
        assert!(plan(&state, now).is_empty(), "the interval is not over");
        assert!(wake(&state, now).is_some(), "it will be");
    }
    println!("a plan of nothing and when to wake: {:?}", begin.elapsed() / 1_000);
    Ok(())
}
