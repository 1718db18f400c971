//! Messages and their attempts.
use orewatch_contracts::alerting::v1::{Delivery, DeliveryAttempt, DeliveryState, FailureKind, Notification};

use crate::render::{Cell, Record, Row};
use crate::words::{instant, word};

/// A message and what became of it.
#[derive(Debug)]
pub(crate) struct DeliveryRow<'a>(pub(crate) &'a Delivery);

/// A time as a cell.
pub(crate) fn time(time: Option<&prost_types::Timestamp>) -> Cell {
    Cell::text(told(time))
}

/// A time as text. Empty: none.
pub(crate) fn told(time: Option<&prost_types::Timestamp>) -> String {
    time.map(|time| instant(time.seconds)).unwrap_or_default()
}

/// The state of a message as a word.
pub(crate) fn delivery_state_word(state: DeliveryState) -> String {
    word(state.as_str_name(), "DELIVERY_STATE_")
}

/// How an attempt ended, in words.
pub(crate) fn ended(attempt: &DeliveryAttempt) -> String {
    match (attempt.succeeded, attempt.kind()) {
        (true, _) => "delivered".to_owned(),
        (false, FailureKind::Unspecified) if attempt.ended_at.is_none() => "under way".to_owned(),
        (false, kind) => word(kind.as_str_name(), "FAILURE_KIND_"),
    }
}

fn attempt(attempt: &DeliveryAttempt) -> Record {
    Record {
        text: format!("{} {}", told(attempt.began_at.as_ref()), ended(attempt)),
        fields: vec![
            ("attempt", Cell::Count(Some(attempt.attempt.into()))),
            ("began_at", time(attempt.began_at.as_ref())),
            ("ended_at", time(attempt.ended_at.as_ref())),
            ("outcome", Cell::text(ended(attempt))),
            ("message", Cell::text(&attempt.message)),
            ("by_hand", Cell::Flag(attempt.by_hand)),
        ],
    }
}

impl Row for DeliveryRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "notification",
        "receiver",
        "state",
        "planned_at",
        "reason",
        "subscription",
        "group",
        "sequence",
        "firing",
        "resolved",
        "drill",
        "alerts",
        "attempt_count",
        "next_at",
        "given_up",
        "attempts",
    ];

    fn cells(&self) -> Vec<Cell> {
        let delivery = self.0;
        let empty = Notification::default();
        let message = delivery.notification.as_ref().unwrap_or(&empty);
        let alerts = message.alerts.iter().filter_map(|told| told.alert.as_ref());
        vec![
            Cell::text(&message.id),
            Cell::text(&message.receiver),
            Cell::text(delivery_state_word(delivery.state())),
            time(message.planned_at.as_ref()),
            Cell::text(word(message.reason().as_str_name(), "NOTIFICATION_REASON_")),
            Cell::text(&message.subscription),
            Cell::text(&message.group),
            Cell::Count(Some(message.sequence.into())),
            Cell::Count(Some(message.firing.into())),
            Cell::Count(Some(message.resolved.into())),
            Cell::Flag(message.drill),
            Cell::List(alerts.map(|alert| alert.id.clone()).collect()),
            Cell::Count(Some(delivery.attempt_count.into())),
            time(delivery.next_at.as_ref()),
            Cell::text(&delivery.given_up),
            Cell::Records(delivery.attempts.iter().map(attempt).collect()),
        ]
    }
}
