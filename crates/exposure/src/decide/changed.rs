//! The figures of a market that differ between two books.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use orewatch_contracts::common::v1::{Cause, CauseKind};
use orewatch_contracts::exposure::v1::ExposuresChanged;
use prost::Message;

use super::revisions::KnownRevisions;
use super::{Plan, cause_of};
use crate::book::{DatasetId, Knowledge, Market};
use crate::columns;
use crate::dependents::Families;
use crate::evolve::BookRevision;
use crate::figures::{Change, Figure, Figures, Reach, figures_of};
use crate::scope::{Scope, ScopeCache};
use crate::wire;
use orewatch_catalog::{Consumer, WORLD};

/// Upper bound on figures in one event. With every column filled that is a quarter of a megabyte.
const MAX_FIGURES_PER_EVENT: usize = 4096;

/// The figures of a market that differ, encoded as events: a quarter of the memory of figures.
#[derive(Default)]
pub(super) struct ChangedFigures {
    /// Number of figures that differ.
    pub(super) count: u64,
    pub(super) data: Vec<Bytes>,
}

impl ChangedFigures {
    /// Encodes changes, in the scope of the market after them. `releases` are those that the new figures rest
    /// on, `known` has the revisions of their datasets.
    pub(super) fn encode(
        scope: &Scope<'_>,
        changes: &[Change],
        (releases, known): (&[String], &KnownRevisions<'_>),
        cause: &Cause,
    ) -> Self {
        if changes.is_empty() {
            return Self::default();
        }
        let (book, market) = (scope.book(), scope.market());
        let products = if scope.has_figures() { wire::products(scope.accounts()) } else { Vec::new() };
        let revisions = known.of_market(scope);
        let event = |chunk: &[Change]| ExposuresChanged {
            market: Some(wire::market(&market)),
            cause: Some(cause.clone()),
            columns: Some(columns::encode(chunk, &|dataset| book.dataset_name(dataset).to_owned())),
            releases: releases.to_vec(),
            products: products.clone(),
            revisions: revisions.clone(),
        };
        let data = changes.chunks(MAX_FIGURES_PER_EVENT).map(|chunk| event(chunk).encode_to_vec().into());
        Self { count: u64::try_from(changes.len()).unwrap_or(u64::MAX), data: data.collect() }
    }

    fn and(mut self, other: Self) -> Self {
        self.count = self.count.saturating_add(other.count);
        self.data.extend(other.data);
        self
    }
}

/// The figures that differ in each market of a plan. Markets of one period are computed one after another,
/// because they share most: the accounts of their stages, and what is solved once for a period. `None`:
/// `goes_on` became false.
pub(super) fn markets(
    revision: &BookRevision,
    plan: &Plan,
    material: &str,
    goes_on: &dyn Fn() -> bool,
) -> Option<BTreeMap<Market, ChangedFigures>> {
    let (old, new) =
        (ScopeCache::new(&revision.old, Knowledge::NOW), ScopeCache::new(&revision.new, Knowledge::NOW));
    let known = KnownRevisions::new(&revision.new);
    let cause = cause_of(revision);
    let other_source = Cause { kind: CauseKind::SourceChanged.into(), ..cause.clone() };
    let mut markets: Vec<_> = plan.markets(material).collect();
    markets.sort_by_key(|(market, _)| market.period);
    let changed = |(market, families): &(Market, Families)| {
        let (before, after) = (old.scope(*market), new.scope(*market));
        let found = MarketChanges::compute(families, &before, &after);
        let changed = |changes: &[Change], cause: &Cause| {
            ChangedFigures::encode(&after, changes, (&found.releases, &known), cause)
        };
        (*market, changed(&found.moved, &cause).and(changed(&found.other_source, &other_source)))
    };
    markets.into_iter().map(|market| goes_on().then(|| changed(market))).collect()
}

/// The figures of a market that differ, by cause.
struct MarketChanges {
    /// From the same datasets as before, or of a consumer without figures before or after.
    moved: Vec<Change>,
    /// From other datasets than before: the world has not changed.
    other_source: Vec<Change>,
    /// Identifiers of the releases that the new figures rest on.
    releases: Vec<String>,
}

impl MarketChanges {
    fn compute(families: &Families, before: &Scope<'_>, after: &Scope<'_>) -> Self {
        let mut found = Self { moved: Vec::new(), other_source: Vec::new(), releases: Vec::new() };
        let mut all = Figures::default();
        for (family, affected) in families {
            let old = figures_of(&[*family], before, affected);
            let new = figures_of(&[*family], after, affected);
            all.releases.extend(new.releases);
            let mut answering = AnsweringDatasets::new(before, after, family.reach());
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

/// Whether other datasets answer than before, by consumer.
struct AnsweringDatasets<'s, 'a, 'b> {
    before: &'s Scope<'a>,
    after: &'s Scope<'b>,
    reach: Reach,
    known: BTreeMap<&'static str, bool>,
}

impl<'s, 'a, 'b> AnsweringDatasets<'s, 'a, 'b> {
    fn new(before: &'s Scope<'a>, after: &'s Scope<'b>, reach: Reach) -> Self {
        Self { before, after, reach, known: BTreeMap::new() }
    }

    /// Whether a figure comes from other datasets now, in any market that it depends on. That is decided for
    /// the consumer: a supplier that one of the datasets does not list has no figure before or after.
    fn differs(&mut self, change: &Change) -> bool {
        let (before, after, reach) = (self.before, self.after, self.reach);
        let request = if reach.network { WORLD } else { change.key.consumer };
        *self.known.entry(request).or_insert_with(|| {
            let consumer = request.parse().unwrap_or(Consumer::World);
            reach.markets(after.market()).any(|market| {
                // For a new market nothing answered before. Its flows need not be read for that.
                let then = answering(&before.of_market(market), consumer, &reach);
                !then.is_empty() && {
                    let now = answering(&after.of_market(market), consumer, &reach);
                    !now.is_empty() && then != now
                }
            })
        })
    }
}

/// The datasets that answer for a consumer in one market, given what its figures depend on there. Empty where
/// the market has no rows.
pub(crate) fn answering(scope: &Scope<'_>, consumer: Consumer, reach: &Reach) -> BTreeSet<DatasetId> {
    let mut all = BTreeSet::new();
    if !scope.has_figures() {
        return all;
    }
    let accounts = scope.accounts();
    let consumer = if reach.network { Consumer::World } else { consumer };
    if reach.flows {
        all.extend(accounts.answering(consumer));
        if !reach.imports_only {
            all.extend(accounts.answering_for_exports(consumer));
        }
    }
    if reach.output {
        all.extend(accounts.view().output.as_ref().and_then(crate::book::MarketOutput::answering));
    }
    all
}

/// The differences between two lists of figures, both sorted by key.
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
