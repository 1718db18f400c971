//! What a turn of the book means for the figures: a pure function from the book before and after to events.
//!
//! The events of a turn and their identifiers follow from the observations log alone. Whoever computes them, and however
//! often, comes to the same bytes: that is what lets a crash or a second replica be harmless.

use std::collections::BTreeMap;

use bytes::Bytes;
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{ExposuresChanged, PACKAGE, ReleaseApplied};
use orewatch_eventlog::{InvalidName, NewEvent, StreamName};
use prost::Message;
use uuid::Uuid;

use crate::book::{Knowledge, Market};
use crate::columns;
use crate::dependents::{Families, dependents};
use crate::evolve::Turn;
use crate::figures::{Change, Everything, Figure, figures_of};
use crate::scope::Shelf;
use crate::wire;

/// Most figures in one event: with every column filled that is a quarter of a megabyte.
const MOST_FIGURES: usize = 4096;

/// What is to be computed for a turn: markets with the families that may give other figures, by material.
///
/// A material is there if the release has flows or output of it, also where nothing differs, or if figures of it may differ:
/// a release of governance, parameters or restrictions alone touches the materials whose measures look at what it changes.
/// On the stream of each of these, and on no other, the turn ends with `ReleaseApplied`.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    materials: BTreeMap<&'static str, Vec<(Market, Families)>>,
}

impl Plan {
    /// What is to be computed for a turn.
    #[must_use]
    pub fn of(turn: &Turn) -> Self {
        let mut plan = Self::default();
        for (market, families) in dependents(turn) {
            plan.materials.entry(market.material).or_default().push((market, families));
        }
        plan
    }

    /// The materials, sorted.
    pub fn materials(&self) -> impl Iterator<Item = &'static str> {
        self.materials.keys().copied()
    }

    /// The markets of a material that are to be computed, sorted, with the families that may give other figures.
    fn markets(&self, material: &str) -> impl Iterator<Item = &(Market, Families)> {
        let markets = self.materials.get(material).into_iter().flatten();
        markets.filter(|(_, families)| !families.is_empty())
    }
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
pub fn publish(turn: &Turn, plan: &Plan, stream: &StreamName, material: &str) -> Vec<NewEvent> {
    let cause = cause(turn);
    let mut events = Events { turn, stream, events: Vec::new() };
    let (mut changed, mut markets) = (0_u64, 0_u32);
    for (market, Changed { changes, releases }) in changed_markets(turn, plan, material) {
        markets = markets.saturating_add(1);
        changed = changed.saturating_add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
        for chunk in changes.chunks(MOST_FIGURES) {
            let event = ExposuresChanged {
                market: Some(wire::market(&market)),
                cause: Some(cause.clone()),
                columns: Some(columns::encode(chunk)),
                releases: releases.clone(),
            };
            events.push("ExposuresChanged", &event);
        }
    }
    events.push(
        "ReleaseApplied",
        &ReleaseApplied { material: material.to_owned(), cause: Some(cause), changed, markets },
    );
    events.events
}

/// What differs in a market, and the releases that its new figures rest on.
struct Changed {
    changes: Vec<Change>,
    releases: Vec<String>,
}

/// What differs in each market that is to be computed. Markets of one period are computed one after another, because they
/// share most: the accounts of their stages, and what is solved once for a period.
fn changed_markets(turn: &Turn, plan: &Plan, material: &str) -> BTreeMap<Market, Changed> {
    let (old, new) = (Shelf::new(&turn.old, Knowledge::NOW), Shelf::new(&turn.new, Knowledge::NOW));
    let mut markets: Vec<_> = plan.markets(material).collect();
    markets.sort_by_key(|(market, _)| market.period);
    let changed = |(market, families): &(Market, Families)| {
        let before = figures_of(families, &old.scope(*market), &Everything);
        let after = figures_of(families, &new.scope(*market), &Everything);
        let releases = wire::releases(&after);
        (*market, Changed { changes: changes(before.all, after.all), releases })
    };
    markets.into_iter().map(changed).collect()
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
