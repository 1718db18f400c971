//! Rows of subscriptions, silences, inhibitions, acknowledgements and messages.
use orewatch_contracts::alerting::v1::{
    Acknowledgement, AlertFilter, AlertHold, Cadence, DeliveryState, Inhibition, InhibitionInfo,
    MatchOperator, Notification, NotificationReason, Silence, SilenceInfo, SilenceState, Subscription,
    SubscriptionInfo, SubscriptionTelling, Telling, Verdict,
};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, only_shown};
use crate::words::{enum_word, short_uuid};

/// State of a silence, as a word.
fn silence_word(state: SilenceState) -> String {
    enum_word(state.as_str_name(), "SILENCE_STATE_")
}

/// Verdict as a word; empty if there is none.
fn verdict_word(verdict: Verdict) -> String {
    if verdict == Verdict::Unspecified { String::new() } else { enum_word(verdict.as_str_name(), "VERDICT_") }
}

/// What a subscription does with an alert, as a word.
pub(crate) fn telling_word(telling: Telling) -> String {
    enum_word(telling.as_str_name(), "TELLING_")
}

/// Delivery state of a message, as a word.
pub(crate) fn delivery_word(state: DeliveryState) -> String {
    enum_word(state.as_str_name(), "DELIVERY_STATE_")
}

/// Reason for sending a message, as a word.
pub(crate) fn notification_reason(reason: NotificationReason) -> String {
    enum_word(reason.as_str_name(), "NOTIFICATION_REASON_")
}

fn seconds(length: Option<prost_types::Duration>) -> Cell {
    Cell::Count(length.and_then(|length| u64::try_from(length.seconds).ok()))
}

/// A filter of alerts in a few words; `all` for an empty filter.
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

/// The cadence of a subscription's messages.
fn cadence(info: &SubscriptionInfo) -> Cadence {
    info.subscription.as_ref().and_then(|subscription| subscription.cadence.clone()).unwrap_or_default()
}

/// When a subscription sends digests: weekday, time and zone. Empty without digests.
fn digest_text(info: &SubscriptionInfo) -> String {
    let Some(digest) = cadence(info).digest else { return String::new() };
    let parts = [digest.weekday, digest.at, digest.zone];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The hours in which a subscription is quiet, one text each.
fn quiet_hours(subscription: &Subscription) -> Vec<String> {
    let hours = subscription.quiet.iter().map(|hours| {
        let days = hours.weekdays.join(" ");
        format!("{days} {}-{} {}", hours.from, hours.until, hours.zone).trim().to_owned()
    });
    hours.collect()
}

/// The title of a subscription, and whether it has expired.
fn subscription_title(info: &SubscriptionInfo) -> String {
    let title = info.subscription.as_ref().map_or("", |subscription| subscription.title.as_str());
    let mark = if info.expired { " (expired)" } else { "" };
    format!("{title}{mark}").trim().to_owned()
}

impl Row for SubscriptionInfo {
    fn columns() -> Vec<Column<Self>> {
        let own = |info: &Self, cell: fn(&Subscription) -> Cell| {
            info.subscription.as_ref().map_or_else(|| cell(&Subscription::default()), cell)
        };
        let step = |info: &Self| {
            let subscription = info.subscription.as_ref();
            subscription.and_then(|subscription| subscription.escalation.clone()).unwrap_or_default()
        };
        vec![
            column("subscription", move |info: &Self| own(info, |own| Cell::text(&own.id)))
                .shown("subscription", Left),
            column("title", move |info: &Self| own(info, |own| Cell::text(&own.title))),
            column("receiver", move |info: &Self| own(info, |own| Cell::text(&own.receiver)))
                .shown("receiver", Left),
            column("select", move |info: &Self| {
                own(info, |own| Cell::text(filter_words(own.select.as_ref())))
            }),
            column("group_by", move |info: &Self| own(info, |own| Cell::List(own.group_by.clone()))),
            column("wait_s", |info: &Self| seconds(cadence(info).wait)),
            column("interval_s", |info: &Self| seconds(cadence(info).interval)),
            column("repeat_s", |info: &Self| seconds(cadence(info).repeat)),
            column("digest", |info: &Self| Cell::text(digest_text(info))),
            column("quiet", move |info: &Self| own(info, |own| Cell::List(quiet_hours(own)))),
            column("without_resolved", move |info: &Self| own(info, |own| Cell::Flag(own.without_resolved))),
            column("escalate_after_s", move |info: &Self| seconds(step(info).after)),
            column("escalate_to", move |info: &Self| Cell::text(step(info).receiver)),
            column("owner", move |info: &Self| own(info, |own| Cell::text(&own.owner)))
                .shown("owner", Left)
                .if_room(1),
            column("expires_at", move |info: &Self| own(info, |own| Cell::time(own.expires_at))),
            column("expired", |info: &Self| Cell::Flag(info.expired)),
            column("revision", |info: &Self| Cell::count(info.revision)).shown("revision", Right).if_room(2),
            column("put_at", |info: &Self| Cell::time(info.put_at)),
            column("firing", |info: &Self| Cell::count(info.firing)).shown("firing", Right),
            column("without_group", |info: &Self| Cell::count(info.without_group)),
            only_shown("title", Left, subscription_title),
        ]
    }
}

/// The short identifier of a silence.
fn short_silence(info: &SilenceInfo) -> String {
    info.silence.as_ref().map(|silence| short_uuid(&silence.id)).unwrap_or_default()
}

impl Row for SilenceInfo {
    fn columns() -> Vec<Column<Self>> {
        let own = |info: &Self, cell: fn(&Silence) -> Cell| {
            info.silence.as_ref().map_or_else(|| cell(&Silence::default()), cell)
        };
        vec![
            column("silence", move |info: &Self| own(info, |own| Cell::text(&own.id))).shown_as(
                "silence",
                Left,
                short_silence,
            ),
            column("state", |info: &Self| Cell::text(silence_word(info.state()))).shown("state", Left),
            column("alerts", |info: &Self| Cell::count(info.alerts)).shown("muted alerts", Right),
            column("filter", move |info: &Self| {
                own(info, |own| Cell::text(filter_words(own.filter.as_ref())))
            })
            .shown("matches", Left),
            column("starts_at", move |info: &Self| own(info, |own| Cell::time(own.starts_at)))
                .shown("from", Left)
                .if_room(2),
            column("ends_at", move |info: &Self| own(info, |own| Cell::time(own.ends_at)))
                .shown("until", Left),
            column("author", move |info: &Self| own(info, |own| Cell::text(&own.author)))
                .shown("author", Left)
                .if_room(1),
            column("reason", move |info: &Self| own(info, |own| Cell::text(&own.reason)))
                .shown("reason", Left),
            column("revision", |info: &Self| Cell::count(info.revision)),
        ]
    }
}

impl Row for InhibitionInfo {
    fn columns() -> Vec<Column<Self>> {
        let own = |info: &Self, cell: fn(&Inhibition) -> Cell| {
            info.inhibition.as_ref().map_or_else(|| cell(&Inhibition::default()), cell)
        };
        vec![
            column("inhibition", move |info: &Self| own(info, |own| Cell::text(&own.id)))
                .shown("inhibition", Left),
            column("alerts", |info: &Self| Cell::count(info.alerts)).shown("muted alerts", Right),
            column("source", move |info: &Self| {
                own(info, |own| Cell::text(filter_words(own.source.as_ref())))
            })
            .shown("source (firing)", Left),
            column("target", move |info: &Self| {
                own(info, |own| Cell::text(filter_words(own.target.as_ref())))
            })
            .shown("target (muted)", Left),
            column("equal", move |info: &Self| own(info, |own| Cell::List(own.equal.clone())))
                .shown("equal", Left),
            column("revision", |info: &Self| Cell::count(info.revision)).shown("revision", Right).if_room(1),
        ]
    }
}

/// An acknowledgement in a few words: `acknowledged by ann: confirmed`.
pub(crate) fn acknowledgement_summary(acknowledgement: &Acknowledgement) -> String {
    let owner = match acknowledgement.owner.as_str() {
        "" => String::new(),
        owner => format!(" by {owner}"),
    };
    let verdict = match verdict_word(acknowledgement.verdict()) {
        word if word.is_empty() => String::new(),
        word => format!(": {word}"),
    };
    format!("acknowledged{owner}{verdict}")
}

impl Row for Acknowledgement {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("alert", |acknowledgement: &Self| Cell::text(&acknowledgement.alert)),
            column("episode", |acknowledgement: &Self| Cell::text(&acknowledgement.episode)),
            column("verdict", |acknowledgement: &Self| Cell::text(verdict_word(acknowledgement.verdict()))),
            column("owner", |acknowledgement: &Self| Cell::text(&acknowledgement.owner)),
            column("note", |acknowledgement: &Self| Cell::text(&acknowledgement.note)),
            column("severity", |acknowledgement: &Self| Cell::text(&acknowledgement.severity)),
            column("until", |acknowledgement: &Self| Cell::time(acknowledgement.until)),
        ]
    }
}

/// How an alert is handled: acknowledged, silenced, inhibited.
impl Row for AlertHold {
    fn columns() -> Vec<Column<Self>> {
        let acknowledged = |hold: &Self, text: fn(&Acknowledgement) -> String| {
            Cell::text(hold.acknowledgement.as_ref().map(text).unwrap_or_default())
        };
        vec![
            column("taken_on", |hold: &Self| Cell::Flag(hold.acknowledgement.is_some())),
            column("owner", move |hold: &Self| acknowledged(hold, |own| own.owner.clone())),
            column("verdict", move |hold: &Self| acknowledged(hold, |own| verdict_word(own.verdict()))),
            column("note", move |hold: &Self| acknowledged(hold, |own| own.note.clone())),
            column("silence", |hold: &Self| Cell::text(&hold.silence)),
            column("silenced_until", |hold: &Self| Cell::time(hold.silenced_until)),
            column("inhibition", |hold: &Self| Cell::text(&hold.inhibition)),
        ]
    }
}

/// The alerts that a message names.
pub(super) fn named_alerts(message: &Notification) -> Vec<String> {
    let alerts = message.alerts.iter().filter_map(|listed| listed.alert.as_ref());
    alerts.map(|alert| alert.id.clone()).collect()
}

/// A planned message.
impl Row for Notification {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("planned_at", |message: &Self| Cell::time(message.planned_at)).shown("planned", Left),
            column("subscription", |message: &Self| Cell::text(&message.subscription))
                .shown("subscription", Left),
            column("receiver", |message: &Self| Cell::text(&message.receiver)).shown("receiver", Left),
            column("group", |message: &Self| Cell::text(&message.group)).shown("group", Left),
            column("reason", |message: &Self| Cell::text(notification_reason(message.reason())))
                .shown("reason", Left),
            column("alerts", |message: &Self| Cell::List(named_alerts(message))),
            column("firing", |message: &Self| Cell::count(message.firing)).shown("firing", Right),
            column("resolved", |message: &Self| Cell::count(message.resolved)).shown("resolved", Right),
            column("omitted", |message: &Self| Cell::count(message.omitted)),
            column("sequence", |message: &Self| Cell::count(message.sequence)),
            column("message", |message: &Self| Cell::text(&message.id)),
            only_shown("first alert", Left, |message: &Self| {
                named_alerts(message).into_iter().next().unwrap_or_default()
            }),
        ]
    }
}

/// What a subscription does with an alert, and why.
impl Row for SubscriptionTelling {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("subscription", |telling: &Self| Cell::text(&telling.subscription)),
            column("receiver", |telling: &Self| Cell::text(&telling.receiver)),
            column("telling", |telling: &Self| Cell::text(telling_word(telling.telling()))),
            column("by", |telling: &Self| Cell::text(&telling.by)),
            column("inhibited_by", |telling: &Self| Cell::text(&telling.inhibited_by)),
            column("time", |telling: &Self| Cell::time(telling.time)),
            column("text", |telling: &Self| Cell::text(&telling.text)),
            column("messages", |telling: &Self| {
                let sent = telling.deliveries.iter().filter_map(|delivery| delivery.notification.as_ref());
                Cell::List(sent.map(|message| message.id.clone()).collect())
            }),
            column("last_message_state", |telling: &Self| {
                let last = telling.deliveries.last().map(|delivery| delivery_word(delivery.state()));
                Cell::text(last.unwrap_or_default())
            }),
        ]
    }
}
