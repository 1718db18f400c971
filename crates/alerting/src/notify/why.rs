//! Explains what each subscription does about an alert at present, and why.
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertHold, Subscription, SubscriptionTelling, Telling};
use orewatch_contracts::time::{later, timestamp};

use super::Id;
use super::member::{DeliveryOutcome, LastNotification};
use super::route::Route;
use super::routing::SubscriptionRecord;
use super::state::NotifierState;
use super::time::format_time;
use super::view::AlertView;

/// What each subscription does about an alert. Subscriptions that do not select it come last.
#[must_use]
pub fn explain_subscriptions(
    state: &NotifierState,
    alert: &Alert,
    now: Timestamp,
) -> Vec<SubscriptionTelling> {
    let mut tellings: Vec<SubscriptionTelling> = state
        .current_subscriptions()
        .map(|(id, record, subscription)| {
            let explanation = explain_subscription(state, id, record, alert, now);
            let Explanation { telling, by, inhibited_by, time, text } = explanation;
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

/// The acknowledgement of a firing alert, and what mutes it. None: neither.
#[must_use]
pub fn hold_of_alert(state: &NotifierState, alert: &str, now: Timestamp) -> Option<AlertHold> {
    state.alert(alert).filter(|tracked| tracked.is_firing)?;
    let muting = state.muting().alert(alert)?;
    let acknowledgement = state.acknowledgement(alert).and_then(|record| record.current(now));
    let silences = muting.silences.iter().filter_map(|id| state.silences().get(id));
    let silence = silences.filter(|silence| silence.is_active(now)).max_by_key(|silence| silence.until);
    let hold = AlertHold {
        alert: alert.to_owned(),
        acknowledgement: acknowledgement.cloned(),
        silence: silence.map(|silence| silence.silence.id.clone()).unwrap_or_default(),
        silenced_until: silence.map(|silence| timestamp(silence.until)),
        inhibition: muting.inhibited_by.as_ref().map(Id::to_string).unwrap_or_default(),
    };
    let is_held = acknowledgement.is_some() || silence.is_some() || muting.inhibited_by.is_some();
    is_held.then_some(hold)
}

/// What is done about an alert, and why.
struct Explanation {
    telling: Telling,
    by: String,
    inhibited_by: String,
    time: Option<Timestamp>,
    text: String,
}

impl Explanation {
    fn new(telling: Telling, text: impl Into<String>) -> Self {
        let [by, inhibited_by] = [const { String::new() }; 2];
        Self { telling, by, inhibited_by, time: None, text: text.into() }
    }

    fn with_cause(self, by: impl Into<String>) -> Self {
        Self { by: by.into(), ..self }
    }

    fn with_time(self, time: Timestamp) -> Self {
        Self { time: Some(time), ..self }
    }
}

fn explain_subscription(
    state: &NotifierState,
    id: &Id,
    record: &SubscriptionRecord,
    alert: &Alert,
    now: Timestamp,
) -> Explanation {
    let Some(route) = &record.route else {
        return Explanation::new(Telling::NotSelected, "this version does not understand the subscription")
            .with_cause("subscription");
    };
    if let Some(expires) = route.expires_at.filter(|_| route.is_expired(now)) {
        let text = format!("The subscription expired at {}.", format_time(expires));
        return Explanation::new(Telling::Expired, text).with_time(expires);
    }
    let alert_id: Id = alert.id.as_str().into();
    if let Some(view) = state.view(id, &alert_id) {
        return explain_member(state, id, view, &alert_id, now);
    }
    if record.refused.contains(&alert_id) {
        let text = format!(
            "The subscription has {} groups, which is the limit. The alert waits until one of them ends.",
            record.groups.len()
        );
        return Explanation::new(Telling::Limited, text);
    }
    if let Some(unmatched) = route.select.unmatched(alert) {
        let field = unmatched.to_string();
        let text = format!("The subscription does not select it: {field} does not match.");
        return Explanation::new(Telling::NotSelected, text).with_cause(field);
    }
    let text = "The alert does not fire, and every receiver that was notified of it knows that.";
    Explanation::new(Telling::NothingToTell, text)
}

fn explain_member(
    state: &NotifierState,
    id: &Id,
    view: AlertView<'_>,
    alert: &Id,
    now: Timestamp,
) -> Explanation {
    if view.tracked.is_firing
        && let Some(muted) = explain_mute(state, view, alert, now)
    {
        return muted;
    }
    let Some(receiver) = view.receiver else { return explain_unreachable(state, view.route) };
    let due = view.member.due_times;
    if let Some(time) = [due.urgent, due.update].into_iter().flatten().min() {
        return explain_wait(state, id, view, time, now);
    }
    match view.member.last_notification(receiver) {
        Some(last) => explain_message(state, receiver, last),
        None => Explanation::new(
            Telling::NothingToTell,
            "The alert was resolved before any receiver was notified. It is listed in the next message of \
             its group, if there is one.",
        ),
    }
}

/// The inhibition or silence that mutes it.
fn explain_mute(
    state: &NotifierState,
    view: AlertView<'_>,
    alert: &Id,
    now: Timestamp,
) -> Option<Explanation> {
    if let Some(inhibition) = &view.muting.inhibited_by {
        let record = state.inhibitions().get(inhibition);
        let source = record.and_then(|record| record.source_of(alert));
        let source = source.map(Id::to_string).unwrap_or_default();
        let text = format!("Inhibition {inhibition} mutes it while {source} fires.");
        let explanation = Explanation::new(Telling::Inhibited, text).with_cause(inhibition.to_string());
        return Some(Explanation { inhibited_by: source, ..explanation });
    }
    let silence = view.active_silence(now)?;
    let until = view.silenced_until(now);
    let text = format!(
        "Silence {} by {} mutes it until {}: {}",
        silence.silence.id,
        silence.silence.author,
        format_time(until),
        silence.silence.reason
    );
    Some(Explanation::new(Telling::Silenced, text).with_cause(silence.silence.id.clone()).with_time(until))
}

/// Neither the receiver nor its fallback is enabled.
fn explain_unreachable(state: &NotifierState, route: &Route) -> Explanation {
    let receiver = &route.receiver;
    let disabled = state.receivers().get(receiver).and_then(|status| status.disabled.as_ref());
    match disabled {
        Some((since, reason)) => {
            let text = format!("Receiver {receiver} is disabled since {}: {reason}", format_time(*since));
            Explanation::new(Telling::ReceiverDown, text).with_cause(receiver.to_string()).with_time(*since)
        }
        None => Explanation::new(Telling::ReceiverDown, format!("Receiver {receiver} was removed."))
            .with_cause(receiver.to_string()),
    }
}

/// An update waits. `time` is when it would be sent if quiet hours, digest and interval allowed it.
fn explain_wait(
    state: &NotifierState,
    id: &Id,
    view: AlertView<'_>,
    time: Timestamp,
    now: Timestamp,
) -> Explanation {
    let route = view.route;
    let due = state.due_times(id, &view.member.group).update.unwrap_or(time).max(time);
    let severity = &view.tracked.alert.severity;
    let own = match &route.digest {
        Some(times) => times.next(time),
        None => {
            let last =
                view.receiver.and_then(|receiver| state.last_sent(id, &view.member.group, receiver).at);
            last.map_or(time, |last| time.max(later(last, route.interval)))
        }
    };
    let quiet_until = route.quiet_until(severity, own.max(now));
    if quiet_until > own.max(now) {
        let text = format!("Quiet hours hold it back until {}.", format_time(quiet_until));
        return Explanation::new(Telling::Quiet, text).with_time(quiet_until);
    }
    if route.digest.is_some() {
        let text = format!("It waits for the digest of {}.", format_time(own));
        return Explanation::new(Telling::Digest, text).with_time(own);
    }
    let until = own.max(due.min(own));
    let text = format!("It waits for others of its group until {}.", format_time(until));
    Explanation::new(Telling::Grouped, text).with_cause(view.member.group.to_string()).with_time(until)
}

/// The last message to the receiver shows the alert as it is.
fn explain_message(state: &NotifierState, receiver: &Id, last: &LastNotification) -> Explanation {
    let message = last.message.to_string();
    let planned = format_time(last.last_at);
    let status = state.receivers().get(receiver);
    let failing = status.and_then(|status| status.failing_since);
    match (last.outcome, failing) {
        (DeliveryOutcome::Delivered, _) => {
            let text = format!("{receiver} was notified of its current state by the message of {planned}.");
            Explanation::new(Telling::Told, text).with_cause(message).with_time(last.last_at)
        }
        (DeliveryOutcome::Pending, Some(since)) => {
            let text = format!(
                "{receiver} has been failing since {}; the message of {planned} waits.",
                format_time(since)
            );
            Explanation::new(Telling::ReceiverDown, text).with_cause(message).with_time(since)
        }
        (DeliveryOutcome::Pending, None) => {
            let text = format!("A message to {receiver} was planned at {planned} and is on its way.");
            Explanation::new(Telling::UnderWay, text).with_cause(message).with_time(last.last_at)
        }
        (DeliveryOutcome::GivenUp, _) => {
            let text = format!("The message of {planned} to {receiver} was given up.");
            Explanation::new(Telling::GivenUp, text).with_cause(message).with_time(last.last_at)
        }
    }
}
