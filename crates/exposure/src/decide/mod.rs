//! What a turn of the book means for the figures: a pure function from the book before and after to events.
//!
//! The events of a turn and their identifiers follow from the observations log alone. Whoever computes them, and however
//! often, comes to the same bytes: that is what lets a crash or a second replica be harmless.

use std::collections::BTreeMap;

mod changed;
mod separate;

pub(crate) use changed::answering;
pub(crate) use separate::{Published, separate};

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_contracts::common::v1::{Cause, CauseKind};
use orewatch_contracts::exposure::v1::{PACKAGE, ReleaseApplied};
use orewatch_eventlog::{InvalidName, NewEvent, Position, StreamName};
use orewatch_measures::{Measure, Weight, methods};
use prost::Message;
use uuid::Uuid;

use crate::book::{Book, EconomyId, Knowledge, Market};
use crate::dependents::{Families, dependents};
use crate::evolve::Turn;
use crate::figures::{Change, Figure, Wanted, figures};
use crate::scope::Shelf;
use crate::tail::Gap;
use crate::wire;
use changed::Changed;

/// Edition of the rules by which datasets, unknown origins and members without a report become figures.
///
/// 1: releases restate their own dataset only, a policy says which dataset answers, amounts of unknown origin stay in the sum, and
/// members of blocs that have not reported are in the bounds.
///
/// 2: who has not reported is unknown also where no bloc is asked for, exports are reported or not as imports are, product codes are
/// held report by report, what only an exporter says is a second report where the importer has one, and cells of a supplement
/// alone are no world.
///
/// Streams of an earlier edition are brought in line once.
pub(crate) const EDITION: u32 = 2;

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
    publish_while(&|| true, turn, plan, stream, material).unwrap_or_default()
}

/// The same as long as it shall go on, which is asked before every market. None: it shall not.
pub(crate) fn publish_while(
    goes_on: &dyn Fn() -> bool,
    turn: &Turn,
    plan: &Plan,
    stream: &StreamName,
    material: &str,
) -> Option<Vec<NewEvent>> {
    let moment = turn.moment;
    let mut events = Events {
        place: format!("{stream}/{}", moment.position),
        cause: of_turn(turn),
        time: moment.time,
        traceparent: turn.traceparent.as_deref(),
        events: Vec::new(),
    };
    let changed = changed::markets(turn, plan, material, goes_on)?;
    events.all(material, changed);
    Some(events.events)
}

fn of_turn(turn: &Turn) -> Cause {
    cause(turn.kind, &turn.content.release.id, turn.moment.position, turn.moment.time)
}

/// The events that bring a stream the figures of measures that it lacks, of the book as the stream has followed it: of each
/// market of the material every figure, without an old one beside it, then that it is all.
#[must_use]
pub(crate) fn add_measures(book: &Book, gap: &Gap, stream: &StreamName, material: &str) -> Vec<NewEvent> {
    let shelf = Shelf::new(book, Knowledge::NOW);
    let markets = book.markets(Knowledge::NOW).into_keys().filter(|market| market.material == material);
    let cause = cause(CauseKind::MeasuresAdded, "", gap.position, gap.time);
    let added = |market: Market| {
        let figures = figures(&shelf.scope(market), &Only(&gap.measures));
        let releases = wire::releases(&figures);
        let new = |figure: Figure| Change { key: figure.key, new: Some(figure), old: None };
        let changes: Vec<_> = figures.all.into_iter().map(new).collect();
        (market, Changed::of(book, &market, &changes, &releases, &cause))
    };
    let markets = markets.map(added).filter(|(_, changed)| changed.count > 0).collect();
    let names: Vec<_> = gap.measures.iter().map(|measure| measure.id()).collect();
    let mut events = Events {
        place: format!("{stream}/{}/{}", gap.position, names.join(",")),
        cause: cause.clone(),
        time: gap.time,
        traceparent: None,
        events: Vec::new(),
    };
    events.all(material, markets);
    events.events
}

/// Figures of these measures are wanted.
struct Only<'a>(&'a [Measure]);

impl Wanted for Only<'_> {
    fn consumer(&self, _: &str) -> bool {
        true
    }
    fn measure(&self, measure: Measure) -> bool {
        self.0.contains(&measure)
    }
    fn by(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// What events say of what they are published for.
fn cause(kind: CauseKind, release: &str, position: Position, time: Timestamp) -> Cause {
    let time = Some(wire::timestamp(time));
    Cause { kind: kind.into(), release: release.to_owned(), position, time }
}

/// Events of one step on one stream, numbered.
struct Events<'a> {
    /// What tells them from the events of other steps.
    place: String,
    cause: Cause,
    /// The time of the cause: an event's bytes must not depend on who was first to compute it.
    time: Timestamp,
    traceparent: Option<&'a str>,
    events: Vec<NewEvent>,
}

impl Events<'_> {
    /// What changed, market by market, then that it is all.
    fn all(&mut self, material: &str, all: BTreeMap<Market, Changed>) {
        let changed = all.values().map(|changed| changed.count).sum();
        let markets = u32::try_from(all.len()).unwrap_or(u32::MAX);
        for data in all.into_values().flat_map(|changed| changed.data) {
            self.push("ExposuresChanged", data);
        }
        let (material, cause) = (material.to_owned(), Some(self.cause.clone()));
        let measures = methods().map(|method| method.id.to_owned()).collect();
        let applied = ReleaseApplied { material, cause, changed, markets, measures, edition: EDITION };
        self.push("ReleaseApplied", applied.encode_to_vec().into());
    }

    fn push(&mut self, name: &str, data: Bytes) {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:event");
        let place = format!("{}/{}", self.place, self.events.len());
        self.events.push(NewEvent {
            id: Uuid::new_v5(&namespace, place.as_bytes()),
            kind: format!("{PACKAGE}.{name}"),
            time: self.time,
            data,
            traceparent: self.traceparent.map(str::to_owned),
        });
    }
}
