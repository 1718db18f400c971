//! Whether two releases say the same of a key, to the bit.
//!
//! Where a row was read is left aside, and so is the order of a release's own dictionaries as far as rows stay in order: what
//! is equal here gives equal figures, because sums run in the order of the rows.

use crate::book::{Content, Flow, Governed, Output, Parameter, Restriction, Side, Trade};

/// A row that can be compared with one of another release.
pub(super) trait Comparable: Copy {
    /// Whether both say the same.
    fn is_same(&self, own: &Content, other: &Self, others: &Content) -> bool;
}

impl Comparable for Flow {
    fn is_same(&self, own: &Content, other: &Self, others: &Content) -> bool {
        (self.importer, self.exporter, self.reporter) == (other.importer, other.exporter, other.reporter)
            && self.quantity.is_same(other.quantity)
            && self.value.is_same(other.value)
            && own.product(self.product) == others.product(other.product)
            && own.purity(self.product).map(f64::to_bits) == others.purity(other.product).map(f64::to_bits)
    }
}

impl Comparable for Output {
    fn is_same(&self, own: &Content, other: &Self, others: &Content) -> bool {
        self.economy == other.economy
            && self.quantity.is_same(other.quantity)
            && own.product(self.product) == others.product(other.product)
    }
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

/// The same for flows, which are read where they are not those of one release anyway.
pub(super) fn is_same_trade(old: Option<Trade<'_>>, new: Option<Trade<'_>>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) if std::ptr::eq(old.lot, new.lot) => true,
        (Some(old), Some(new)) => {
            let [before, after] = [old, new].map(|trade| trade.lot.rows());
            let old = Side { place: old.place, content: old.content, rows: &before };
            is_same(Some(old), Some(Side { place: new.place, content: new.content, rows: &after }))
        }
        _ => false,
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
