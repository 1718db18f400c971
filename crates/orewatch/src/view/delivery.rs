//! Rows of messages and their delivery attempts.
use orewatch_contracts::alerting::v1::{Delivery, DeliveryAttempt, FailureKind, Notification};

use super::notify::{delivery_word, named_alerts, notification_reason};
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Record, Row, column, fit, only_shown};
use crate::words::{enum_word, short_uuid, time_text};

/// Maximum width of the last response in a table, in characters.
const MAX_RESPONSE_WIDTH: usize = 50;

/// Outcome of an attempt, as a word.
pub(crate) fn attempt_outcome(attempt: &DeliveryAttempt) -> String {
    match (attempt.succeeded, attempt.kind()) {
        (true, _) => "delivered".to_owned(),
        (false, FailureKind::Unspecified) if attempt.ended_at.is_none() => "under way".to_owned(),
        (false, kind) => enum_word(kind.as_str_name(), "FAILURE_KIND_"),
    }
}

fn attempt(attempt: &DeliveryAttempt) -> Record {
    Record {
        text: format!("{} {}", time_text(attempt.began_at), attempt_outcome(attempt)),
        fields: vec![
            ("attempt", Cell::Count(Some(attempt.attempt.into()))),
            ("began_at", Cell::time(attempt.began_at)),
            ("ended_at", Cell::time(attempt.ended_at)),
            ("outcome", Cell::text(attempt_outcome(attempt))),
            ("message", Cell::text(&attempt.message)),
            ("by_hand", Cell::Flag(attempt.by_hand)),
        ],
    }
}

/// A cell from the message itself. Without a message, that of an empty one.
fn message_cell(delivery: &Delivery, cell: fn(&Notification) -> Cell) -> Cell {
    delivery.notification.as_ref().map_or_else(|| cell(&Notification::default()), cell)
}

/// What the receiver answered to the last attempt.
fn last_response(delivery: &Delivery) -> String {
    let last = delivery.attempts.last().map(|attempt| attempt.message.as_str());
    fit(last.unwrap_or_default(), MAX_RESPONSE_WIDTH)
}

/// The short identifier of the message.
fn short_message(delivery: &Delivery) -> String {
    delivery.notification.as_ref().map(|message| short_uuid(&message.id)).unwrap_or_default()
}

impl Row for Delivery {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("notification", |delivery: &Self| {
                message_cell(delivery, |message| Cell::text(&message.id))
            })
            .shown_as("message", Left, short_message),
            column("receiver", |delivery: &Self| {
                message_cell(delivery, |message| Cell::text(&message.receiver))
            })
            .shown("receiver", Left),
            column("state", |delivery: &Self| Cell::text(delivery_word(delivery.state())))
                .shown("state", Left),
            column("planned_at", |delivery: &Self| {
                message_cell(delivery, |message| Cell::time(message.planned_at))
            })
            .shown("planned", Left),
            column("reason", |delivery: &Self| {
                message_cell(delivery, |message| Cell::text(notification_reason(message.reason())))
            }),
            column("subscription", |delivery: &Self| {
                message_cell(delivery, |message| Cell::text(&message.subscription))
            }),
            column("group", |delivery: &Self| message_cell(delivery, |message| Cell::text(&message.group))),
            column("sequence", |delivery: &Self| {
                message_cell(delivery, |message| Cell::count(message.sequence))
            }),
            column("firing", |delivery: &Self| message_cell(delivery, |message| Cell::count(message.firing))),
            column("resolved", |delivery: &Self| {
                message_cell(delivery, |message| Cell::count(message.resolved))
            }),
            column("drill", |delivery: &Self| message_cell(delivery, |message| Cell::Flag(message.drill))),
            column("alerts", |delivery: &Self| {
                message_cell(delivery, |message| Cell::List(named_alerts(message)))
            }),
            column("attempt_count", |delivery: &Self| Cell::count(delivery.attempt_count))
                .shown("attempts", Right)
                .if_room(1),
            column("next_at", |delivery: &Self| Cell::time(delivery.next_at))
                .shown("next attempt", Left)
                .unless_empty()
                .if_room(2),
            column("given_up", |delivery: &Self| Cell::text(&delivery.given_up)),
            column("attempts", |delivery: &Self| {
                Cell::Records(delivery.attempts.iter().map(attempt).collect())
            }),
            only_shown("last response", Left, last_response),
        ]
    }
}
