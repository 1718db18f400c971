//! What each subscription does with an alert at present, and why.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertHold, Subscription, SubscriptionTelling, Telling};

use super::Id;
use super::evolve::State;
use super::lists::Listed;
use super::member::{Outcome, Told};
use super::subscription::Terms;
use super::time::{later, shown, timestamp};
use super::view::View;

/// What each subscription does with an alert; those that do not select it last.
#[must_use]
pub fn tellings(state: &State, alert: &Alert, now: Timestamp) -> Vec<SubscriptionTelling> {
    let standing = state.standing();
    let mut tellings: Vec<SubscriptionTelling> = standing
        .map(|(id, listed, subscription)| {
            let Answer { telling, by, inhibited_by, time, text } = answer(state, id, listed, alert, now);
            SubscriptionTelling {
                subscription: id.to_string(),
                receiver: Subscription::clone(subscription).receiver,
                telling: telling.into(),
                by,
                inhibited_by,
                time: time.map(timestamp),
                text,
                deliveries: Vec::new(),
            }
        })
        .collect();
    tellings.sort_by_key(|telling| telling.telling() == Telling::NotSelected);
    tellings
}

/// What is done about an alert that fires, and what holds messages about it back. None: nothing.
#[must_use]
pub fn hold(state: &State, alert: &str, now: Timestamp) -> Option<AlertHold> {
    let standing = state.alert(alert).filter(|standing| standing.is_firing)?;
    let acknowledged = state.acknowledged(alert).and_then(|record| record.standing(now));
    let silences = standing.silences.iter().filter_map(|id| state.silences().get(id));
    let silence = silences.filter(|silence| silence.holds(now)).max_by_key(|silence| silence.until);
    let hold = AlertHold {
        alert: alert.to_owned(),
        acknowledgement: acknowledged.cloned(),
        silence: silence.map(|silence| silence.silence.id.clone()).unwrap_or_default(),
        silenced_until: silence.map(|silence| timestamp(silence.until)),
        inhibition: standing.inhibited.as_ref().map(Id::to_string).unwrap_or_default(),
    };
    let says = hold.acknowledgement.is_some() || silence.is_some() || standing.inhibited.is_some();
    says.then_some(hold)
}

/// What is done, and why.
struct Answer {
    telling: Telling,
    by: String,
    inhibited_by: String,
    time: Option<Timestamp>,
    text: String,
}

impl Answer {
    fn new(telling: Telling, text: impl Into<String>) -> Self {
        let [by, inhibited_by] = [const { String::new() }; 2];
        Self { telling, by, inhibited_by, time: None, text: text.into() }
    }

    fn by(self, by: impl Into<String>) -> Self {
        Self { by: by.into(), ..self }
    }

    fn at(self, time: Timestamp) -> Self {
        Self { time: Some(time), ..self }
    }
}

fn answer(state: &State, id: &Id, listed: &Listed, alert: &Alert, now: Timestamp) -> Answer {
    let Some(terms) = &listed.terms else {
        return Answer::new(Telling::NotSelected, "this version does not understand the subscription")
            .by("subscription");
    };
    if let Some(expires) = terms.expires_at.filter(|_| terms.is_over(now)) {
        let text = format!("The subscription has expired at {}.", shown(expires));
        return Answer::new(Telling::Expired, text).at(expires);
    }
    let alert_id: Id = alert.id.as_str().into();
    if let Some(view) = state.view(id, &alert_id) {
        return of_member(state, id, view, &alert_id, now);
    }
    if listed.refused.contains(&alert_id) {
        let text = format!(
            "The subscription has {} groups, as many as it may; the alert waits for one of them to end.",
            listed.groups.len()
        );
        return Answer::new(Telling::Limited, text);
    }
    if let Some(unmatched) = terms.select.unmatched(alert) {
        let field = unmatched.to_string();
        let text = format!("The subscription does not select it: {field} does not match.");
        return Answer::new(Telling::NotSelected, text).by(field);
    }
    let text = "It does not fire, and whoever was told that it did knows that it is over.";
    Answer::new(Telling::NothingToTell, text)
}

fn of_member(state: &State, id: &Id, view: View<'_>, alert: &Id, now: Timestamp) -> Answer {
    let told = view.first.and_then(|first| view.member.told(first));
    if view.standing.is_firing
        && let Some(held) = held(state, view, alert, now)
    {
        return held;
    }
    let Some(first) = view.first else { return down(state, view.terms) };
    let slots = view.member.slots;
    if let Some(time) = [slots.urgent, slots.news].into_iter().flatten().min() {
        return waits(state, id, view, time, now);
    }
    match told {
        Some(told) => of_message(state, first, told),
        None => Answer::new(
            Telling::NothingToTell,
            "It was over before anybody was told; it is told beside others of its group, if at all.",
        ),
    }
}

/// What holds it back.
fn held(state: &State, view: View<'_>, alert: &Id, now: Timestamp) -> Option<Answer> {
    if let Some(inhibition) = &view.standing.inhibited {
        let inhibiting = state.inhibitions().get(inhibition);
        let source = inhibiting.and_then(|inhibiting| inhibiting.source_of(alert));
        let source = source.map(Id::to_string).unwrap_or_default();
        let text = format!("Inhibition {inhibition} holds it back while {source} fires.");
        let answer = Answer::new(Telling::Inhibited, text).by(inhibition.to_string());
        return Some(Answer { inhibited_by: source, ..answer });
    }
    let silence = view.silenced(now)?;
    let until = view.unsilenced(now);
    let text = format!(
        "Silence {} of {} holds it back until {}: {}",
        silence.silence.id,
        silence.silence.author,
        shown(until),
        silence.silence.reason
    );
    Some(Answer::new(Telling::Silenced, text).by(silence.silence.id.clone()).at(until))
}

/// Nobody can be told.
fn down(state: &State, terms: &Terms) -> Answer {
    let receiver = &terms.receiver;
    let disabled = state.receivers().get(receiver).and_then(|reach| reach.disabled.as_ref());
    match disabled {
        Some((since, reason)) => {
            let text = format!("Receiver {receiver} is not sent to since {}: {reason}", shown(*since));
            Answer::new(Telling::ReceiverDown, text).by(receiver.to_string()).at(*since)
        }
        None => Answer::new(Telling::ReceiverDown, format!("There is no receiver {receiver} any more."))
            .by(receiver.to_string()),
    }
}

/// There is something to tell, and it has to wait; `time` is when it could be told by itself.
fn waits(state: &State, id: &Id, view: View<'_>, time: Timestamp, now: Timestamp) -> Answer {
    let terms = view.terms;
    let due = state.dues(id, &view.member.group).news.unwrap_or(time).max(time);
    let severity = &view.standing.alert.severity;
    let own = match &terms.digest {
        Some(times) => times.next(time),
        None => {
            let last = view.first.and_then(|first| state.track(id, &view.member.group, first).last);
            last.map_or(time, |last| time.max(later(last, terms.interval)))
        }
    };
    let unquiet = terms.unquiet(severity, own.max(now));
    if unquiet > own.max(now) {
        let text = format!("Quiet hours hold it back until {}.", shown(unquiet));
        return Answer::new(Telling::Quiet, text).at(unquiet);
    }
    if terms.digest.is_some() {
        let text = format!("It waits for the digest of {}.", shown(own));
        return Answer::new(Telling::Digest, text).at(own);
    }
    let until = own.max(due.min(own));
    let text = format!("It waits for others of its group until {}.", shown(until));
    Answer::new(Telling::Grouped, text).by(view.member.group.to_string()).at(until)
}

/// The receiver was sent a message of it as it stands.
fn of_message(state: &State, receiver: &Id, told: &Told) -> Answer {
    let message = told.message.to_string();
    let planned = shown(told.last_at);
    let reach = state.receivers().get(receiver);
    let failing = reach.and_then(|reach| reach.failing_since);
    match (told.outcome, failing) {
        (Outcome::Delivered, _) => {
            let text = format!("{receiver} was told of it as it stands, by the message of {planned}.");
            Answer::new(Telling::Told, text).by(message).at(told.last_at)
        }
        (Outcome::Waiting, Some(since)) => {
            let text = format!("{receiver} fails since {}; the message of {planned} waits.", shown(since));
            Answer::new(Telling::ReceiverDown, text).by(message).at(since)
        }
        (Outcome::Waiting, None) => {
            let text = format!("A message to {receiver} is planned since {planned}, and under way.");
            Answer::new(Telling::UnderWay, text).by(message).at(told.last_at)
        }
        (Outcome::GivenUp, _) => {
            let text = format!("The message of {planned} to {receiver} was given up.");
            Answer::new(Telling::GivenUp, text).by(message).at(told.last_at)
        }
    }
}
