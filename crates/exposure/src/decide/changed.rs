//! What differs in a market, given the book before and after.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use orewatch_contracts::common::v1::{Cause, CauseKind};
use orewatch_contracts::exposure::v1::ExposuresChanged;
use prost::Message;

use super::{Plan, of_turn};
use crate::book::{Book, DatasetId, Knowledge, Market};
use crate::columns;
use crate::dependents::Families;
use crate::evolve::Turn;
use crate::figures::{Change, Figure, Figures, Reach, figures_of};
use crate::scope::{Scope, Shelf};
use crate::wire;
use orewatch_catalog::Consumer;

/// Most figures in one event: with every column filled that is a quarter of a megabyte.
const MOST_FIGURES: usize = 4096;

/// What differs in a market, as the data of events: a quarter of what the figures take.
#[derive(Default)]
pub(super) struct Changed {
    /// Figures that differ.
    pub(super) count: u64,
    pub(super) data: Vec<Bytes>,
}

impl Changed {
    /// What differs, given the releases that the new figures rest on.
    pub(super) fn of(
        book: &Book,
        market: &Market,
        changes: &[Change],
        releases: &[String],
        cause: &Cause,
    ) -> Self {
        let event = |chunk: &[Change]| ExposuresChanged {
            market: Some(wire::market(market)),
            cause: Some(cause.clone()),
            columns: Some(columns::encode(chunk, &|dataset| book.dataset_name(dataset).to_owned())),
            releases: releases.to_vec(),
        };
        let data = changes.chunks(MOST_FIGURES).map(|chunk| event(chunk).encode_to_vec().into());
        Self { count: u64::try_from(changes.len()).unwrap_or(u64::MAX), data: data.collect() }
    }

    fn and(mut self, other: Self) -> Self {
        self.count = self.count.saturating_add(other.count);
        self.data.extend(other.data);
        self
    }
}

/// What differs in each market that is to be computed. Markets of one period are computed one after another, because they
/// share most: the accounts of their stages, and what is solved once for a period. None: it shall not go on.
pub(super) fn markets(
    turn: &Turn,
    plan: &Plan,
    material: &str,
    goes_on: &dyn Fn() -> bool,
) -> Option<BTreeMap<Market, Changed>> {
    let (old, new) = (Shelf::new(&turn.old, Knowledge::NOW), Shelf::new(&turn.new, Knowledge::NOW));
    let cause = of_turn(turn);
    let other_source = Cause { kind: CauseKind::SourceChanged.into(), ..cause.clone() };
    let mut markets: Vec<_> = plan.markets(material).collect();
    markets.sort_by_key(|(market, _)| market.period);
    let changed = |(market, families): &(Market, Families)| {
        let (before, after) = (old.scope(*market), new.scope(*market));
        let found = Found::of(families, &before, &after);
        let changed = |changes: &[Change], cause: &Cause| {
            Changed::of(&turn.new, market, changes, &found.releases, cause)
        };
        (*market, changed(&found.moved, &cause).and(changed(&found.other_source, &other_source)))
    };
    markets.into_iter().map(|market| goes_on().then(|| changed(market))).collect()
}

/// Figures of a market that differ.
struct Found {
    /// By the same datasets as before, or of a consumer of whom there was nothing, or is nothing any more.
    moved: Vec<Change>,
    /// Because other datasets answer: the world has not moved.
    other_source: Vec<Change>,
    /// Releases that the new figures rest on.
    releases: Vec<String>,
}

impl Found {
    fn of(families: &Families, before: &Scope<'_>, after: &Scope<'_>) -> Self {
        let mut found = Self { moved: Vec::new(), other_source: Vec::new(), releases: Vec::new() };
        let mut all = Figures::default();
        for (family, affected) in families {
            let old = figures_of(&[*family], before, affected);
            let new = figures_of(&[*family], after, affected);
            all.releases.extend(new.releases);
            let mut answering = Answering::new(before, after, family.reach());
            for change in changes(old.all, new.all) {
                let list =
                    if answering.differs(&change) { &mut found.other_source } else { &mut found.moved };
                list.push(change);
            }
        }
        found.moved.sort_unstable_by_key(|change| change.key);
        found.other_source.sort_unstable_by_key(|change| change.key);
        found.releases = wire::releases(&all);
        found
    }
}

/// Which datasets answer before and after, by consumer.
struct Answering<'s, 'a, 'b> {
    before: &'s Scope<'a>,
    after: &'s Scope<'b>,
    reach: Reach,
    known: BTreeMap<&'static str, bool>,
}

impl<'s, 'a, 'b> Answering<'s, 'a, 'b> {
    fn new(before: &'s Scope<'a>, after: &'s Scope<'b>, reach: Reach) -> Self {
        Self { before, after, reach, known: BTreeMap::new() }
    }

    /// Whether a figure is by other datasets now. A supplier that one of them does not list has no figure before or after; the
    /// consumer's figures have another source all the same.
    fn differs(&mut self, change: &Change) -> bool {
        let (before, after, reach) = (self.before, self.after, self.reach);
        *self.known.entry(change.key.consumer).or_insert_with(|| {
            let consumer = change.key.consumer.parse().unwrap_or(Consumer::World);
            let (then, now) = (datasets_of(before, consumer, &reach), datasets_of(after, consumer, &reach));
            !then.is_empty() && !now.is_empty() && then != now
        })
    }
}

/// The datasets that a consumer's figures rest on; none where nothing is recorded of the market.
fn datasets_of(scope: &Scope<'_>, consumer: Consumer, reach: &Reach) -> BTreeSet<DatasetId> {
    if scope.has_figures() { answering(scope, consumer, reach) } else { BTreeSet::new() }
}

/// The datasets that a consumer's figures rest on, by how far they look.
pub(crate) fn answering(scope: &Scope<'_>, consumer: Consumer, reach: &Reach) -> BTreeSet<DatasetId> {
    let accounts = scope.accounts();
    let consumer = if reach.network { Consumer::World } else { consumer };
    let mut all = BTreeSet::new();
    if reach.flows {
        all.extend(accounts.answering(consumer));
        if !reach.imports_only {
            all.extend(accounts.answering_for_exports(consumer));
        }
    }
    if reach.output {
        all.extend(accounts.view().output.as_ref().and_then(crate::book::Produced::answering));
    }
    all
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
