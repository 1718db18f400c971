//! One row or column of the trade matrix.

use super::SmallKey;
use crate::Amount;

/// Amounts in the order of their keys: an importer's by supplier, or an exporter's by customer.
///
/// Nearly every amount is known. Those that are not are kept apart, so that most lines are plain lists of
/// numbers.
#[derive(Clone, Debug)]
pub(super) struct MatrixLine<K> {
    entries: Vec<Entry<K>>,
    /// The amounts that are not known, by key.
    unknown: Vec<(K, Amount)>,
}

/// An amount in 16 bytes, to keep lines small: they are read far more often than they change, and mostly not
/// from the cache.
#[derive(Clone, Copy, Debug)]
struct Entry<K> {
    /// The known part, 0 if there is none.
    best: f64,
    key: K,
    /// Whether the amount is known.
    known: bool,
}

impl<K> Default for MatrixLine<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), unknown: Vec::new() }
    }
}

impl<K: SmallKey> MatrixLine<K> {
    /// Whether nothing is listed.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The numbers by key. `None`: some amount is not known.
    pub(super) fn known(&self) -> Option<impl Iterator<Item = (K, f64)> + Clone> {
        self.unknown.is_empty().then(|| self.entries.iter().map(|entry| (entry.key, entry.best)))
    }

    /// The amounts by key.
    pub(super) fn amounts(&self) -> impl Iterator<Item = (K, Amount)> {
        self.entries.iter().map(|entry| (entry.key, self.amount(entry)))
    }

    /// The amount of a key. `None`: it is not listed.
    pub(super) fn get(&self, key: K) -> Option<Amount> {
        let found = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        self.entries.get(found).map(|entry| self.amount(entry))
    }

    /// Sum of the amounts whose key is wanted, in their order. `None`: there are none.
    pub(super) fn sum(&self, wanted: impl Fn(K) -> bool) -> Option<Amount> {
        if !self.unknown.is_empty() {
            return self
                .amounts()
                .filter(|(key, _)| wanted(*key))
                .map(|(_, amount)| amount)
                .reduce(|a, b| a + b);
        }
        let (mut sum, mut any) = (0.0, false);
        for entry in &self.entries {
            // Adding 0 for keys that are not wanted avoids a branch, and gives the same bits.
            let wanted = wanted(entry.key);
            sum += if wanted { entry.best } else { 0.0 };
            any |= wanted;
        }
        any.then(|| Amount::sum_of_known(sum))
    }

    /// Enters an amount; None removes it. Returns whether anything changed, to the bit.
    pub(super) fn put(&mut self, key: K, amount: Option<Amount>) -> bool {
        // Lines are mostly built in order, so the end is tried first.
        let found = match self.entries.last() {
            Some(last) if last.key >= key => self.entries.binary_search_by_key(&key, |entry| entry.key),
            _ => Err(self.entries.len()),
        };
        let (Ok(index) | Err(index)) = found;
        let before = self.entries.get(index).filter(|_| found.is_ok()).map(|entry| self.amount(entry));
        if same(before, amount) {
            return false;
        }
        if before.is_some_and(|before| !before.is_known()) {
            self.unknown.retain(|(unknown, _)| *unknown != key);
        }
        let Some(amount) = amount else {
            self.entries.remove(index);
            return true;
        };
        if !amount.is_known() {
            let index = self.unknown.partition_point(|(unknown, _)| *unknown < key);
            self.unknown.insert(index, (key, amount));
        }
        let entry = Entry { best: amount.best().unwrap_or(0.0), key, known: amount.is_known() };
        match self.entries.get_mut(index).filter(|_| found.is_ok()) {
            Some(kept) => *kept = entry,
            None => self.entries.insert(index, entry),
        }
        true
    }

    fn amount(&self, entry: &Entry<K>) -> Amount {
        if entry.known {
            return Amount::sum_of_known(entry.best);
        }
        let index = self.unknown.binary_search_by_key(&entry.key, |(key, _)| *key).ok();
        index.and_then(|index| self.unknown.get(index)).map_or(Amount::unavailable(), |(_, amount)| *amount)
    }
}

/// Whether both are the same, to the bit.
pub(super) fn same(a: Option<Amount>, b: Option<Amount>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is_same(&b),
        (None, None) => true,
        _ => false,
    }
}
