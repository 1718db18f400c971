//! What a turn of the book means for the figures: a pure function from the book before and after to events.
//!
//! The events of a turn and their identifiers follow from the observations log alone. Whoever computes them, and however
//! often, comes to the same bytes: that is what lets a crash or a second replica be harmless.

use bytes::Bytes;
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{ExposuresChanged, PACKAGE, ReleaseApplied};
use orewatch_eventlog::{InvalidName, NewEvent, StreamName};
use prost::Message;
use uuid::Uuid;

use crate::book::Knowledge;
use crate::columns;
use crate::evolve::Turn;
use crate::figures::{Change, Everything, Figure, figures};
use crate::scope::Shelf;
use crate::wire;

/// Most figures in one event: with every column filled that is a quarter of a megabyte.
const MOST_FIGURES: usize = 4096;

/// Materials that a turn touches, sorted, each once.
#[must_use]
pub fn materials(turn: &Turn) -> Vec<&'static str> {
    let mut materials: Vec<_> = turn.content.markets().iter().map(|market| market.material).collect();
    materials.dedup();
    materials
}

/// The stream of a material, on the log of that name.
///
/// # Errors
/// [`InvalidName`] if the material cannot be part of a name, which the catalogue's can.
pub fn stream(log: &str, material: &str) -> Result<StreamName, InvalidName> {
    StreamName::new(format!("{log}.{material}"))
}

/// The events of a turn on the stream of one material: what changed, then that it is all.
#[must_use]
pub fn publish(turn: &Turn, stream: &StreamName, material: &str) -> Vec<NewEvent> {
    let markets: Vec<_> =
        turn.content.markets().into_iter().filter(|market| market.material == material).collect();
    let cause = cause(turn);
    let mut events = Events { turn, stream, events: Vec::new() };
    let mut changed = 0_u64;
    let (old, new) = (Shelf::new(&turn.old, Knowledge::NOW), Shelf::new(&turn.new, Knowledge::NOW));
    for market in &markets {
        let before = figures(&old.scope(*market), &Everything);
        let after = figures(&new.scope(*market), &Everything);
        let releases = wire::releases(&after);
        let changes = changes(before.all, after.all);
        changed = changed.saturating_add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
        for chunk in changes.chunks(MOST_FIGURES) {
            let event = ExposuresChanged {
                market: Some(wire::market(market)),
                cause: Some(cause.clone()),
                columns: Some(columns::encode(chunk)),
                releases: releases.clone(),
            };
            events.push("ExposuresChanged", &event);
        }
    }
    let markets = u32::try_from(markets.len()).unwrap_or(u32::MAX);
    events.push(
        "ReleaseApplied",
        &ReleaseApplied { material: material.to_owned(), cause: Some(cause), changed, markets },
    );
    events.events
}

/// What a turn says of itself in the events that it causes.
fn cause(turn: &Turn) -> common::Cause {
    common::Cause {
        kind: turn.kind.into(),
        release: turn.content.release.id.clone(),
        position: turn.moment.position,
        time: Some(wire::timestamp(turn.moment.time)),
    }
}

/// The figures of a market that differ, by key, given all of them before and after.
fn changes(before: Vec<Figure>, after: Vec<Figure>) -> Vec<Change> {
    let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
    let mut changes = Vec::new();
    loop {
        let (old, new) = match (before.peek(), after.peek()) {
            (None, None) => return changes,
            (Some(old), Some(new)) if old.key == new.key => (before.next(), after.next()),
            (Some(old), Some(new)) if old.key > new.key => (None, after.next()),
            (None, Some(_)) => (None, after.next()),
            (Some(_), _) => (before.next(), None),
        };
        changes.extend(change(old, new));
    }
}

fn change(old: Option<Figure>, new: Option<Figure>) -> Option<Change> {
    let same = old.zip(new).is_some_and(|(old, new)| old.is_same(&new));
    let key = new.or(old)?.key;
    (!same).then(|| Change { key, new, old: old.map(|old| old.estimate) })
}

/// Events of one turn on one stream, numbered.
struct Events<'a> {
    turn: &'a Turn,
    stream: &'a StreamName,
    events: Vec<NewEvent>,
}

impl Events<'_> {
    fn push(&mut self, name: &str, message: &impl Message) {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
        let place = format!("{}/{}/{}", self.stream, self.turn.moment.position, self.events.len());
        self.events.push(NewEvent {
            id: Uuid::new_v5(&namespace, place.as_bytes()),
            kind: format!("{PACKAGE}.{name}"),
            // The time of the cause: an event's bytes must not depend on who was first to compute it.
            time: self.turn.moment.time,
            data: Bytes::from(message.encode_to_vec()),
            traceparent: self.turn.traceparent.clone(),
        });
    }
}
