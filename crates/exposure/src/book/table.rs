//! Rows of a release, sorted by what they are about.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Market;

/// A row that has a fixed place among those of its key, so that sums run in one order however rows arrived.
pub trait Row: Copy {
    /// What rows of one key are sorted by.
    type Key: Ord;
    /// The row's place.
    fn key(&self) -> Self::Key;
}

/// Rows by key: for flows and output the market, for other tables what one release restates as a whole.
#[derive(Clone, Debug)]
pub struct Table<R, K = Market> {
    rows: Vec<R>,
    keys: BTreeMap<K, Range<usize>>,
}

/// Tables by name: an indicator or a parameter each.
pub type Named<R, K> = BTreeMap<Box<str>, Table<R, K>>;

impl<R, K> Default for Table<R, K> {
    fn default() -> Self {
        Self { rows: Vec::new(), keys: BTreeMap::new() }
    }
}

impl<R: Row, K: Copy + Ord> Table<R, K> {
    /// Sorts rows by key. Each row comes with the index of its key.
    #[must_use]
    pub fn new(keys: &[K], mut rows: Vec<(u32, R)>) -> Self {
        rows.sort_by_key(|(key, row)| (*key, row.key()));
        let mut ranges = BTreeMap::new();
        let mut start = 0;
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let end = start + group.len();
            let key = group.first().and_then(|(index, _)| keys.get(usize::try_from(*index).ok()?));
            if let Some(key) = key {
                ranges.insert(*key, start..end);
            }
            start = end;
        }
        Self { rows: rows.into_iter().map(|(_, row)| row).collect(), keys: ranges }
    }

    /// Rows of a key. None: it has none.
    #[must_use]
    pub fn rows(&self, key: &K) -> Option<&[R]> {
        self.rows.get(self.keys.get(key)?.clone())
    }

    /// The same with the rows of another, which belong to the same keys or to others.
    #[must_use]
    pub(super) fn with(&self, added: &Self) -> Self {
        let mut all = Builder::default();
        for table in [self, added] {
            for (key, range) in &table.keys {
                let key = all.key(*key);
                let rows = table.rows.get(range.clone()).unwrap_or_default();
                rows.iter().for_each(|row| all.push(key, *row));
            }
        }
        all.close()
    }

    /// Every key with rows, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.keys()
    }
}

/// A table that grows row by row.
#[derive(Debug)]
pub(super) struct Builder<R, K = Market> {
    keys: Vec<K>,
    index: BTreeMap<K, u32>,
    rows: Vec<(u32, R)>,
}

impl<R, K> Default for Builder<R, K> {
    fn default() -> Self {
        Self { keys: Vec::new(), index: BTreeMap::new(), rows: Vec::new() }
    }
}

impl<R: Row, K: Copy + Ord> Builder<R, K> {
    /// Index of a key. Keys beyond what a number of 32 bits counts share the last: no release has so many.
    pub(super) fn key(&mut self, key: K) -> u32 {
        if let Some(index) = self.index.get(&key) {
            return *index;
        }
        let index = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(key);
        self.index.insert(key, index);
        index
    }

    pub(super) fn push(&mut self, key: u32, row: R) {
        self.rows.push((key, row));
    }

    pub(super) fn close(self) -> Table<R, K> {
        Table::new(&self.keys, self.rows)
    }
}

/// Texts by index, in the order of their first use.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    texts: Vec<String>,
    index: BTreeMap<String, u16>,
}

impl Texts {
    /// Index of a text. A release with more of them than fit has the last one for the rest.
    pub(super) fn index(&mut self, text: &str) -> u16 {
        if let Some(index) = self.index.get(text) {
            return *index;
        }
        let Ok(index) = u16::try_from(self.texts.len()) else { return u16::MAX };
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), index);
        index
    }

    pub(super) fn find(&self, text: &str) -> Option<u16> {
        self.index.get(text).copied()
    }

    pub(super) fn has(&self, index: u16) -> bool {
        usize::from(index) < self.texts.len()
    }

    pub(super) fn get(&self, index: u16) -> &str {
        self.texts.get(usize::from(index)).map_or("", String::as_str)
    }
}
