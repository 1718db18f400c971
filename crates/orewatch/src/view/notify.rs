//! Who is told: subscriptions, silences, inhibitions, acknowledgements, messages.
use orewatch_contracts::alerting::v1::{
    Acknowledgement, AlertFilter, AlertHold, DeliveryState, InhibitionInfo, MatchOperator, Notification,
    NotificationReason, SilenceInfo, SilenceState, SubscriptionInfo, SubscriptionTelling, Telling, Verdict,
};

use crate::render::{Cell, Row};
use crate::words::{instant, word};

/// A state of a silence as a word.
pub(crate) fn silence_word(state: SilenceState) -> String {
    word(state.as_str_name(), "SILENCE_STATE_")
}

/// A verdict as a word; none is empty.
pub(crate) fn verdict_word(verdict: Verdict) -> String {
    if verdict == Verdict::Unspecified { String::new() } else { word(verdict.as_str_name(), "VERDICT_") }
}

/// What a subscription does with an alert, as a word.
pub(crate) fn telling_word(telling: Telling) -> String {
    word(telling.as_str_name(), "TELLING_")
}

/// Where a message is, as a word.
pub(crate) fn delivery_word(state: DeliveryState) -> String {
    word(state.as_str_name(), "DELIVERY_STATE_")
}

/// Why a message goes out, as a word.
pub(crate) fn notification_reason(reason: NotificationReason) -> String {
    word(reason.as_str_name(), "NOTIFICATION_REASON_")
}

fn time(time: Option<prost_types::Timestamp>) -> Cell {
    Cell::text(time.map(|time| instant(time.seconds)).unwrap_or_default())
}

fn length(length: Option<prost_types::Duration>) -> Cell {
    Cell::Count(length.and_then(|length| u64::try_from(length.seconds).ok()))
}

/// Which alerts, in a few words; everything is `all`.
pub(crate) fn filter_words(filter: Option<&AlertFilter>) -> String {
    let Some(filter) = filter else { return "all".to_owned() };
    let lists = [
        ("rule", &filter.rules),
        ("consumer", &filter.consumers),
        ("material", &filter.materials),
        ("stage", &filter.stages),
        ("supplier", &filter.suppliers),
        ("severity", &filter.severities),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let mut words: Vec<String> = lists.map(|(name, list)| format!("{name}={}", list.join("|"))).collect();
    words.extend(filter.labels.iter().map(|(key, value)| format!("label.{key}={value}")));
    words.extend(filter.matchers.iter().map(|matcher| {
        let sign = match matcher.operator() {
            MatchOperator::Unspecified | MatchOperator::Equal => "=",
            MatchOperator::NotEqual => "!=",
            MatchOperator::Matches => "=~",
            MatchOperator::NotMatches => "!~",
        };
        format!("{}{sign}{}", matcher.field, matcher.value)
    }));
    if words.is_empty() { "all".to_owned() } else { words.join(" ") }
}

/// A subscription as it stands.
#[derive(Debug)]
pub(crate) struct SubscriptionRow<'a>(pub(crate) &'a SubscriptionInfo);

impl Row for SubscriptionRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "subscription",
        "title",
        "receiver",
        "select",
        "group_by",
        "wait_s",
        "interval_s",
        "repeat_s",
        "digest",
        "quiet",
        "without_resolved",
        "escalate_after_s",
        "escalate_to",
        "owner",
        "expires_at",
        "expired",
        "revision",
        "put_at",
        "firing",
        "without_group",
    ];

    fn cells(&self) -> Vec<Cell> {
        let info = self.0;
        let subscription = info.subscription.clone().unwrap_or_default();
        let cadence = subscription.cadence.unwrap_or_default();
        let digest = cadence.digest.map(|digest| {
            let parts = [digest.weekday, digest.at, digest.zone];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        });
        let quiet = subscription.quiet.iter().map(|hours| {
            let days = hours.weekdays.join(" ");
            format!("{days} {}-{} {}", hours.from, hours.until, hours.zone).trim().to_owned()
        });
        let step = subscription.escalation.unwrap_or_default();
        vec![
            Cell::text(&subscription.id),
            Cell::text(&subscription.title),
            Cell::text(&subscription.receiver),
            Cell::text(filter_words(subscription.select.as_ref())),
            Cell::List(subscription.group_by),
            length(cadence.wait),
            length(cadence.interval),
            length(cadence.repeat),
            Cell::text(digest.unwrap_or_default()),
            Cell::List(quiet.collect()),
            Cell::Flag(subscription.without_resolved),
            length(step.after),
            Cell::text(step.receiver),
            Cell::text(&subscription.owner),
            time(subscription.expires_at),
            Cell::Flag(info.expired),
            Cell::Count(Some(info.revision.into())),
            time(info.put_at),
            Cell::Count(Some(info.firing.into())),
            Cell::Count(Some(info.without_group.into())),
        ]
    }
}

/// A silence as it stands.
#[derive(Debug)]
pub(crate) struct SilenceRow<'a>(pub(crate) &'a SilenceInfo);

impl Row for SilenceRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["silence", "state", "alerts", "filter", "starts_at", "ends_at", "author", "reason", "revision"];

    fn cells(&self) -> Vec<Cell> {
        let silence = self.0.silence.clone().unwrap_or_default();
        vec![
            Cell::text(&silence.id),
            Cell::text(silence_word(self.0.state())),
            Cell::Count(Some(self.0.alerts.into())),
            Cell::text(filter_words(silence.filter.as_ref())),
            time(silence.starts_at),
            time(silence.ends_at),
            Cell::text(&silence.author),
            Cell::text(&silence.reason),
            Cell::Count(Some(self.0.revision.into())),
        ]
    }
}

/// An inhibition as it stands.
#[derive(Debug)]
pub(crate) struct InhibitionRow<'a>(pub(crate) &'a InhibitionInfo);

impl Row for InhibitionRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["inhibition", "alerts", "source", "target", "equal", "revision"];

    fn cells(&self) -> Vec<Cell> {
        let inhibition = self.0.inhibition.clone().unwrap_or_default();
        vec![
            Cell::text(&inhibition.id),
            Cell::Count(Some(self.0.alerts.into())),
            Cell::text(filter_words(inhibition.source.as_ref())),
            Cell::text(filter_words(inhibition.target.as_ref())),
            Cell::List(inhibition.equal),
            Cell::Count(Some(self.0.revision.into())),
        ]
    }
}

/// An acknowledgement.
#[derive(Debug)]
pub(crate) struct AcknowledgementRow<'a>(pub(crate) &'a Acknowledgement);

impl Row for AcknowledgementRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["alert", "episode", "verdict", "owner", "note", "severity", "until"];

    fn cells(&self) -> Vec<Cell> {
        let acknowledgement = self.0;
        vec![
            Cell::text(&acknowledgement.alert),
            Cell::text(&acknowledgement.episode),
            Cell::text(verdict_word(acknowledgement.verdict())),
            Cell::text(&acknowledgement.owner),
            Cell::text(&acknowledgement.note),
            Cell::text(&acknowledgement.severity),
            time(acknowledgement.until),
        ]
    }
}

/// What is done about an alert.
#[derive(Debug)]
pub(crate) struct HoldRow<'a>(pub(crate) &'a AlertHold);

impl Row for HoldRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["taken_on", "owner", "verdict", "note", "silence", "silenced_until", "inhibition"];

    fn cells(&self) -> Vec<Cell> {
        let hold = self.0;
        let acknowledgement = hold.acknowledgement.clone().unwrap_or_default();
        vec![
            Cell::Flag(hold.acknowledgement.is_some()),
            Cell::text(&acknowledgement.owner),
            Cell::text(verdict_word(acknowledgement.verdict())),
            Cell::text(&acknowledgement.note),
            Cell::text(&hold.silence),
            time(hold.silenced_until),
            Cell::text(&hold.inhibition),
        ]
    }
}

/// A message as it is planned.
#[derive(Debug)]
pub(crate) struct MessageRow<'a>(pub(crate) &'a Notification);

impl Row for MessageRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "planned_at",
        "subscription",
        "receiver",
        "group",
        "reason",
        "alerts",
        "firing",
        "resolved",
        "omitted",
        "sequence",
        "message",
    ];

    fn cells(&self) -> Vec<Cell> {
        let message = self.0;
        let alerts = message.alerts.iter().filter_map(|told| told.alert.as_ref());
        vec![
            time(message.planned_at),
            Cell::text(&message.subscription),
            Cell::text(&message.receiver),
            Cell::text(&message.group),
            Cell::text(notification_reason(message.reason())),
            Cell::List(alerts.map(|alert| alert.id.clone()).collect()),
            Cell::Count(Some(message.firing.into())),
            Cell::Count(Some(message.resolved.into())),
            Cell::Count(Some(message.omitted.into())),
            Cell::Count(Some(message.sequence.into())),
            Cell::text(&message.id),
        ]
    }
}

/// What a subscription does with an alert, and why.
#[derive(Debug)]
pub(crate) struct TellingRow<'a>(pub(crate) &'a SubscriptionTelling);

impl Row for TellingRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "subscription",
        "receiver",
        "telling",
        "by",
        "inhibited_by",
        "time",
        "text",
        "messages",
        "last_message_state",
    ];

    fn cells(&self) -> Vec<Cell> {
        let telling = self.0;
        let messages = telling.deliveries.iter().filter_map(|delivery| delivery.notification.as_ref());
        let last = telling.deliveries.last().map(|delivery| delivery_word(delivery.state()));
        vec![
            Cell::text(&telling.subscription),
            Cell::text(&telling.receiver),
            Cell::text(telling_word(telling.telling())),
            Cell::text(&telling.by),
            Cell::text(&telling.inhibited_by),
            time(telling.time),
            Cell::text(&telling.text),
            Cell::List(messages.map(|message| message.id.clone()).collect()),
            Cell::text(last.unwrap_or_default()),
        ]
    }
}
