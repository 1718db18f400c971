//! Whether two releases have the same rows of a key, to the bit.
//!
//! The origin of rows does not count, and neither does the order of a release's dictionaries as long as the
//! rows keep their order: what is equal here gives equal figures, because sums run in the order of the rows.

use std::collections::BTreeSet;

use crate::book::{
    EconomyId, Flow, GovernanceScore, MarketFlows, MarketOutput, MarketTrade, Output, Parameter,
    ReleaseContent, ReleaseRows, ResidualFlow, Restriction,
};

/// A row that can be compared with one of another release.
pub(super) trait Comparable: Copy {
    /// Whether both rows have the same values.
    fn is_same(&self, own: &ReleaseContent, other: &Self, others: &ReleaseContent) -> bool;
}

impl Comparable for GovernanceScore {
    fn is_same(&self, _: &ReleaseContent, other: &Self, _: &ReleaseContent) -> bool {
        self.economy == other.economy && self.value.is_same(other.value)
    }
}

impl Comparable for Parameter {
    fn is_same(&self, own: &ReleaseContent, other: &Self, others: &ReleaseContent) -> bool {
        self.partner == other.partner
            && self.value.is_same(other.value)
            && own.text(self.item) == others.text(other.item)
    }
}

impl Comparable for Restriction {
    fn is_same(&self, own: &ReleaseContent, other: &Self, others: &ReleaseContent) -> bool {
        (self.from, self.until, self.evaluation) == (other.from, other.until, other.evaluation)
            && own.concerned(self) == others.concerned(other)
            && own.text(self.product) == others.text(other.product)
            && own.text(self.kind) == others.text(other.kind)
    }
}

/// Whether both have the same rows in the same order.
pub(super) fn is_same<R: Comparable>(
    old: Option<ReleaseRows<'_, R>>,
    new: Option<ReleaseRows<'_, R>>,
) -> bool {
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

/// Whether two outputs have the same rows in the same order, wherever they come from.
pub(super) fn is_same_output(old: Option<&MarketOutput<'_>>, new: Option<&MarketOutput<'_>>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) if old.is_same(new) => true,
        // The residual depends on the sources of the rows, which are not compared below.
        (Some(old), Some(new)) if old.residual() != new.residual() => false,
        (Some(old), Some(new)) if old.has_one_dataset() && new.has_one_dataset() => {
            let basis = |row: &Output, output: &MarketOutput<'_>| output.basis(row).to_owned();
            let same = |(a, b): (&Output, &Output)| {
                a.economy == b.economy && a.quantity.is_same(b.quantity) && basis(a, old) == basis(b, new)
            };
            old.rows.len() == new.rows.len() && old.rows.iter().zip(new.rows.iter()).all(same)
        }
        _ => false,
    }
}

/// The economies whose trade differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AffectedEconomies {
    /// These, on either side of a flow, and no others.
    Some(BTreeSet<EconomyId>),
    /// Possibly all.
    All,
}

impl AffectedEconomies {
    /// `None`.
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

/// The economies whose flows differ. Where several datasets can answer, a difference in the others counts
/// too, because their spread is published beside the figure.
pub(super) fn whose_trade(old: Option<&MarketTrade<'_>>, new: Option<&MarketTrade<'_>>) -> AffectedEconomies {
    match (old, new) {
        (None, None) => AffectedEconomies::NOBODY,
        (Some(old), Some(new)) if old.is_same(new) => AffectedEconomies::NOBODY,
        (Some(old), Some(new)) if old.has_one_dataset() && new.has_one_dataset() => differing(old, new),
        _ => AffectedEconomies::All,
    }
}

/// The economies whose flows differ in a market of one dataset.
fn differing(old: &MarketTrade<'_>, new: &MarketTrade<'_>) -> AffectedEconomies {
    let (before, after) = (old.read(), new.read());
    let bits = |rows: &MarketFlows<'_>| {
        rows.lowest_unit_values.iter().map(|(id, lowest)| (*id, lowest.to_bits())).collect::<Vec<_>>()
    };
    let missing =
        |trade: &MarketTrade<'_>, rows: &MarketFlows<'_>| trade.missing_codes(rows.primary).to_vec();
    if bits(&before) != bits(&after) || missing(old, &before) != missing(new, &after) {
        return AffectedEconomies::All;
    }
    let mut whose = BTreeSet::new();
    match (old.reporters(), new.reporters()) {
        (None, None) => {}
        (Some(before), Some(after)) => {
            whose.extend(before.imports.symmetric_difference(&after.imports));
            whose.extend(before.exports.symmetric_difference(&after.exports));
        }
        _ => return AffectedEconomies::All,
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
    AffectedEconomies::Some(whose)
}

/// Economies whose reports hold other product codes.
fn with_other_codes(old: &MarketTrade<'_>, new: &MarketTrade<'_>) -> Vec<EconomyId> {
    let is_same = |economy: &EconomyId| {
        let missing = |trade: &MarketTrade<'_>| {
            let all = trade.datasets().filter_map(|dataset| trade.codes_missing_in_report(dataset, *economy));
            all.map(|(missing, held)| (missing, held.to_bits())).collect::<Vec<_>>()
        };
        let mut held = old.datasets().zip(new.datasets());
        missing(old) == missing(new)
            && held.all(|(a, b)| old.codes_in_report(a, *economy) == new.codes_in_report(b, *economy))
    };
    // Where a dataset has everyone's trade, reports do not matter.
    let may_differ = !old.is_for_everyone() || !new.is_for_everyone();
    EconomyId::iter().filter(|economy| may_differ && !is_same(economy)).collect()
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

/// Visits the groups of two sorted lists in parallel. A group that one of them lacks is empty there.
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

/// The rows that the other release does not have.
pub(super) fn missing_in<'a, R: Comparable>(
    own: Option<ReleaseRows<'a, R>>,
    other: Option<ReleaseRows<'a, R>>,
) -> impl Iterator<Item = (&'a ReleaseContent, &'a R)> {
    let rows = own.into_iter().flat_map(|own| own.rows.iter().map(move |row| (own.content, row)));
    rows.filter(move |(content, row)| {
        let Some(other) = other else { return true };
        !other.rows.iter().any(|theirs| row.is_same(content, theirs, other.content))
    })
}
