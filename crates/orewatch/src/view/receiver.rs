//! Rows of receivers.
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::{MailSecurity, Receiver, ReceiverInfo};
use orewatch_receivers::registry;
use orewatch_receivers::secret::short_location;

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, fit};

/// Maximum width of an address in a table, in characters.
const MAX_ADDRESS_WIDTH: usize = 60;

/// Kind and destination of a receiver, without secrets.
fn kind_and_target(receiver: &Receiver) -> (&'static str, String) {
    let kind = receiver.kind.as_ref();
    kind.map_or(("unknown", String::new()), |kind| {
        (registry::kind_name(kind), registry::describe_destination(kind, receiver))
    })
}

/// Locations of all secrets of a receiver.
fn secret_locations(receiver: &Receiver) -> Vec<String> {
    let secrets = receiver.kind.as_ref().map(registry::secrets).unwrap_or_default();
    secrets.into_iter().map(short_location).filter(|place| !place.is_empty()).collect()
}

/// State of a receiver, as a word.
fn receiver_state(info: &ReceiverInfo) -> &'static str {
    match (&info.disabled_at, &info.failing_since) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "failing",
        (None, None) => "well",
    }
}

/// How mail is encrypted on its way. Empty for other kinds.
fn mail_security(receiver: &Receiver) -> &'static str {
    match &receiver.kind {
        Some(Kind::Mail(mail)) => match mail.security() {
            MailSecurity::Unspecified => "starttls",
            MailSecurity::Tls => "tls",
            MailSecurity::None => "none",
        },
        _ => "",
    }
}

/// A cell from the receiver itself. Without a receiver, that of an empty one.
fn receiver_cell(info: &ReceiverInfo, cell: fn(&Receiver) -> Cell) -> Cell {
    info.receiver.as_ref().map_or_else(|| cell(&Receiver::default()), cell)
}

/// The destination of a receiver, short enough for a table.
fn short_target(info: &ReceiverInfo) -> String {
    let target = info.receiver.as_ref().map(|receiver| kind_and_target(receiver).1);
    fit(&target.unwrap_or_default(), MAX_ADDRESS_WIDTH)
}

fn seconds(duration: Option<prost_types::Duration>) -> Cell {
    Cell::text(duration.map(|duration| format!("{}s", duration.seconds)).unwrap_or_default())
}

impl Row for ReceiverInfo {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("receiver", |info: &Self| receiver_cell(info, |receiver| Cell::text(&receiver.id)))
                .shown("receiver", Left),
            column("title", |info: &Self| receiver_cell(info, |receiver| Cell::text(&receiver.title))),
            column("kind", |info: &Self| {
                receiver_cell(info, |receiver| Cell::text(kind_and_target(receiver).0))
            })
            .shown("kind", Left),
            column("to", |info: &Self| {
                receiver_cell(info, |receiver| Cell::text(kind_and_target(receiver).1))
            })
            .shown_as("to", Left, short_target),
            column("state", |info: &Self| Cell::text(receiver_state(info))).shown("state", Left),
            column("waiting", |info: &Self| Cell::count(info.waiting)).shown("waiting", Right).if_room(1),
            column("delivered", |info: &Self| Cell::count(info.delivered))
                .shown("delivered", Right)
                .if_room(2),
            column("given_up", |info: &Self| Cell::count(info.given_up)).shown("given up", Right),
            column("failing_since", |info: &Self| Cell::time(info.failing_since)),
            column("disabled_at", |info: &Self| Cell::time(info.disabled_at)),
            column("disabled_reason", |info: &Self| Cell::text(&info.disabled_reason)),
            column("revision", |info: &Self| Cell::count(info.revision)),
            column("put_at", |info: &Self| Cell::time(info.put_at)),
            column("owner", |info: &Self| receiver_cell(info, |receiver| Cell::text(&receiver.owner))),
            column("fallback", |info: &Self| receiver_cell(info, |receiver| Cell::text(&receiver.fallback))),
            column("timeout", |info: &Self| receiver_cell(info, |receiver| seconds(receiver.timeout))),
            column("heartbeat", |info: &Self| receiver_cell(info, |receiver| seconds(receiver.heartbeat))),
            column("security", |info: &Self| {
                receiver_cell(info, |receiver| Cell::text(mail_security(receiver)))
            }),
            column("secrets", |info: &Self| {
                receiver_cell(info, |receiver| Cell::List(secret_locations(receiver)))
            }),
        ]
    }
}
