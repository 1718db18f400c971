//! One row or column of the trade matrix.

use super::Place;
use crate::Amount;

/// Amounts by key, in the order of the keys: what an importer buys by supplier, or what an exporter sells by customer.
///
/// Nearly every amount is known. Those that are not stand apart, so that a line without any is a plain list of numbers.
#[derive(Clone, Debug)]
pub(super) struct Line<K> {
    entries: Vec<Entry<K>>,
    /// The amounts that are not known, by key.
    open: Vec<(K, Amount)>,
}

/// A number in 16 bytes: a market's numbers are read far more often than they change, and mostly from afar.
#[derive(Clone, Copy, Debug)]
struct Entry<K> {
    /// The known amount, 0 if none is.
    best: f64,
    key: K,
    /// Whether the amount is known.
    known: bool,
}

impl<K> Default for Line<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), open: Vec::new() }
    }
}

impl<K: Place> Line<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The numbers by key, if every amount is known.
    pub(super) fn known(&self) -> Option<impl Iterator<Item = (K, f64)> + Clone> {
        self.open.is_empty().then(|| self.entries.iter().map(|entry| (entry.key, entry.best)))
    }

    /// The amounts by key.
    pub(super) fn amounts(&self) -> impl Iterator<Item = (K, Amount)> {
        self.entries.iter().map(|entry| (entry.key, self.amount(entry)))
    }

    pub(super) fn get(&self, key: K) -> Option<Amount> {
        let at = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        self.entries.get(at).map(|entry| self.amount(entry))
    }

    /// Sum of the amounts whose key is wanted, in their order. None: there is none.
    pub(super) fn sum(&self, wanted: impl Fn(K) -> bool) -> Option<Amount> {
        if !self.open.is_empty() {
            return self
                .amounts()
                .filter(|(key, _)| wanted(*key))
                .map(|(_, amount)| amount)
                .reduce(|a, b| a + b);
        }
        let (mut sum, mut any) = (0.0, false);
        for entry in &self.entries {
            // Nothing is added for those not wanted: that is quicker than to leave them out, and the sum has the same bits.
            let wanted = wanted(entry.key);
            sum += if wanted { entry.best } else { 0.0 };
            any |= wanted;
        }
        any.then(|| Amount::sum_of_known(sum))
    }

    /// Enters an amount, or removes it. Returns whether anything is different now, to the bit.
    pub(super) fn put(&mut self, key: K, amount: Option<Amount>) -> bool {
        // Lines are built from the front: the end is the likeliest place.
        let place = match self.entries.last() {
            Some(last) if last.key >= key => self.entries.binary_search_by_key(&key, |entry| entry.key),
            _ => Err(self.entries.len()),
        };
        let (Ok(at) | Err(at)) = place;
        let before = self.entries.get(at).filter(|_| place.is_ok()).map(|entry| self.amount(entry));
        if same(before, amount) {
            return false;
        }
        if before.is_some_and(|before| !before.is_known()) {
            self.open.retain(|(open, _)| *open != key);
        }
        let Some(amount) = amount else {
            self.entries.remove(at);
            return true;
        };
        if !amount.is_known() {
            let at = self.open.partition_point(|(open, _)| *open < key);
            self.open.insert(at, (key, amount));
        }
        let entry = Entry { best: amount.best().unwrap_or(0.0), key, known: amount.is_known() };
        match self.entries.get_mut(at).filter(|_| place.is_ok()) {
            Some(kept) => *kept = entry,
            None => self.entries.insert(at, entry),
        }
        true
    }

    fn amount(&self, entry: &Entry<K>) -> Amount {
        if entry.known {
            return Amount::sum_of_known(entry.best);
        }
        let at = self.open.binary_search_by_key(&entry.key, |(key, _)| *key).ok();
        at.and_then(|at| self.open.get(at)).map_or(Amount::unavailable(), |(_, amount)| *amount)
    }
}

pub(super) fn same(a: Option<Amount>, b: Option<Amount>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is_same(&b),
        (None, None) => true,
        _ => false,
    }
}
