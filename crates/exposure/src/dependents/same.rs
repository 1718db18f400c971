//! Whether two releases say the same of a key, to the bit.
//!
//! Where a row was read is left aside, and so is the order of a release's own dictionaries as far as rows stay in order: what
//! is equal here gives equal figures, because sums run in the order of the rows.

use std::collections::BTreeSet;

use crate::book::{
    Content, EconomyId, Flow, Governed, MarketFlows, Output, Parameter, Produced, ResidualFlow, Restriction,
    Side, Trade,
};

/// A row that can be compared with one of another release.
pub(super) trait Comparable: Copy {
    /// Whether both say the same.
    fn is_same(&self, own: &Content, other: &Self, others: &Content) -> bool;
}

impl Comparable for Governed {
    fn is_same(&self, _: &Content, other: &Self, _: &Content) -> bool {
        self.economy == other.economy && self.value.is_same(other.value)
    }
}

impl Comparable for Parameter {
    fn is_same(&self, own: &Content, other: &Self, others: &Content) -> bool {
        self.partner == other.partner
            && self.value.is_same(other.value)
            && own.product(self.item) == others.product(other.item)
    }
}

impl Comparable for Restriction {
    fn is_same(&self, own: &Content, other: &Self, others: &Content) -> bool {
        (self.from, self.until, self.evaluation) == (other.from, other.until, other.evaluation)
            && own.concerned(self) == others.concerned(other)
            && own.product(self.product) == others.product(other.product)
            && own.product(self.kind) == others.product(other.kind)
    }
}

/// Whether two sides of one key have the same rows in the same order.
pub(super) fn is_same<R: Comparable>(old: Option<Side<'_, R>>, new: Option<Side<'_, R>>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) if std::ptr::eq(old.rows, new.rows) => true,
        (Some(old), Some(new)) => {
            let same = |(a, b): (&R, &R)| a.is_same(old.content, b, new.content);
            old.rows.len() == new.rows.len() && old.rows.iter().zip(new.rows).all(same)
        }
        _ => false,
    }
}

/// The same for output, wherever its rows are from.
pub(super) fn is_same_output(old: Option<&Produced<'_>>, new: Option<&Produced<'_>>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) if old.is_same(new) => true,
        // Whose the residual is, and whether rows are but cells, follows from the sources of the rows.
        (Some(old), Some(new)) if old.residual() != new.residual() => false,
        (Some(old), Some(new)) if old.is_alone() && new.is_alone() => {
            let contents = |row: &Output, of: &Produced<'_>| of.basis(row).to_owned();
            let same = |(a, b): (&Output, &Output)| {
                a.economy == b.economy
                    && a.quantity.is_same(b.quantity)
                    && contents(a, old) == contents(b, new)
            };
            old.rows.len() == new.rows.len() && old.rows.iter().zip(new.rows.iter()).all(same)
        }
        _ => false,
    }
}

/// Whose trade differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// That of these economies, on either side, and of nobody else.
    Some(BTreeSet<EconomyId>),
    /// Everyone's, for all that can be said.
    All,
}

impl Whose {
    /// Nobody's.
    pub(super) const NOBODY: Self = Self::Some(BTreeSet::new());

    pub(super) fn is_nobody(&self) -> bool {
        *self == Self::NOBODY
    }

    pub(super) fn and(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Some(own), Self::Some(others)) => own.extend(others),
            _ => *self = Self::All,
        }
    }
}

/// Whose flows differ. Where several datasets can answer, what the others say counts as well: it is published beside the figure.
pub(super) fn whose_trade(old: Option<&Trade<'_>>, new: Option<&Trade<'_>>) -> Whose {
    match (old, new) {
        (None, None) => Whose::NOBODY,
        (Some(old), Some(new)) if old.is_same(new) => Whose::NOBODY,
        (Some(old), Some(new)) if old.is_alone() && new.is_alone() => differing(old, new),
        _ => Whose::All,
    }
}

/// Whose flows differ in a market of one dataset.
fn differing(old: &Trade<'_>, new: &Trade<'_>) -> Whose {
    let (before, after) = (old.read(), new.read());
    let bits = |rows: &MarketFlows<'_>| {
        rows.cheapest.iter().map(|(id, lowest)| (*id, lowest.to_bits())).collect::<Vec<_>>()
    };
    let missing = |trade: &Trade<'_>, rows: &MarketFlows<'_>| trade.missing_codes(rows.primary).to_vec();
    if bits(&before) != bits(&after) || missing(old, &before) != missing(new, &after) {
        return Whose::All;
    }
    let mut whose = BTreeSet::new();
    match (old.reporters(), new.reporters()) {
        (None, None) => {}
        (Some(before), Some(after)) => {
            whose.extend(before.imports.symmetric_difference(&after.imports));
            whose.extend(before.exports.symmetric_difference(&after.exports));
        }
        _ => return Whose::All,
    }
    whose.extend(with_other_codes(old, new));
    let flow = |row: &Flow| (row.importer, row.exporter);
    groups(&before.flows, &after.flows, flow, |(importer, exporter), old, new| {
        if !is_same_flows(old, &before, new, &after) {
            whose.extend([importer, exporter]);
        }
    });
    let economy = |row: &ResidualFlow| row.economy;
    groups(&before.residuals, &after.residuals, economy, |economy, old, new| {
        if !is_same_residuals(old, &before, new, &after) {
            whose.insert(economy);
        }
    });
    Whose::Some(whose)
}

/// Economies whose reports hold other product codes.
fn with_other_codes(old: &Trade<'_>, new: &Trade<'_>) -> Vec<EconomyId> {
    let is_same = |economy: &EconomyId| {
        let missing = |trade: &Trade<'_>| {
            let all = trade.datasets().filter_map(|dataset| trade.codes_of_report(dataset, *economy));
            all.map(|(missing, held)| (missing, held.to_bits())).collect::<Vec<_>>()
        };
        let mut held = old.datasets().zip(new.datasets());
        missing(old) == missing(new)
            && held.all(|(a, b)| old.codes_held(a, *economy) == new.codes_held(b, *economy))
    };
    // Of everyone's trade no report is asked what it holds.
    let may_differ = !old.is_for_everyone() || !new.is_for_everyone();
    EconomyId::all().filter(|economy| may_differ && !is_same(economy)).collect()
}

fn is_same_flows(old: &[Flow], before: &MarketFlows<'_>, new: &[Flow], after: &MarketFlows<'_>) -> bool {
    let same = |(a, b): (&Flow, &Flow)| {
        a.reporter == b.reporter
            && a.quantity.is_same(b.quantity)
            && a.value.is_same(b.value)
            && is_same_product(a.product, before, b.product, after)
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

fn is_same_residuals(
    old: &[ResidualFlow],
    before: &MarketFlows<'_>,
    new: &[ResidualFlow],
    after: &MarketFlows<'_>,
) -> bool {
    let same = |(a, b): (&ResidualFlow, &ResidualFlow)| {
        (a.is_import, a.kind, a.reporter) == (b.is_import, b.kind, b.reporter)
            && a.quantity.is_same(b.quantity)
            && a.value.is_same(b.value)
            && is_same_product(a.product, before, b.product, after)
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}

fn is_same_product(a: u16, before: &MarketFlows<'_>, b: u16, after: &MarketFlows<'_>) -> bool {
    before.code(a) == after.code(b) && before.purity(a).map(f64::to_bits) == after.purity(b).map(f64::to_bits)
}

/// Walks through the groups of two sorted lists, side by side; a group that one of them lacks is empty there.
fn groups<R, K: Ord + Copy>(
    old: &[R],
    new: &[R],
    key: impl Fn(&R) -> K,
    mut visit: impl FnMut(K, &[R], &[R]),
) {
    let same = |a: &R, b: &R| key(a) == key(b);
    let (mut old, mut new) = (old.chunk_by(same).peekable(), new.chunk_by(same).peekable());
    let first = |group: Option<&&[R]>| group.and_then(|group| group.first()).map(&key);
    loop {
        let (a, b) = (first(old.peek()), first(new.peek()));
        let Some(least) = a.into_iter().chain(b).min() else { return };
        let before = if a == Some(least) { old.next() } else { None };
        let after = if b == Some(least) { new.next() } else { None };
        visit(least, before.unwrap_or_default(), after.unwrap_or_default());
    }
}

/// The rows of a side that the other does not have.
pub(super) fn missing_in<'a, R: Comparable>(
    side: Option<Side<'a, R>>,
    other: Option<Side<'a, R>>,
) -> impl Iterator<Item = (&'a Content, &'a R)> {
    let rows = side.into_iter().flat_map(|side| side.rows.iter().map(move |row| (side.content, row)));
    rows.filter(move |(content, row)| {
        let Some(other) = other else { return true };
        !other.rows.iter().any(|theirs| row.is_same(content, theirs, other.content))
    })
}
