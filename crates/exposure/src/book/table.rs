//! Tables of rows, sorted by key.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Market;

/// A row with a fixed position among those of its table key, so that sums run in one order however rows
/// arrived.
pub trait SortedRow: Copy {
    /// What rows of one table key are sorted by.
    type Key: Ord;
    /// The row's sort key.
    fn key(&self) -> Self::Key;
}

/// Rows by table key: the market for output, what one release restates as a whole for other tables.
#[derive(Clone, Debug)]
pub struct Table<R, K = Market> {
    rows: Vec<R>,
    keys: BTreeMap<K, Range<usize>>,
}

/// Tables by name: one for each indicator or parameter.
pub type NamedTables<R, K> = BTreeMap<Box<str>, Table<R, K>>;

impl<R, K> Default for Table<R, K> {
    fn default() -> Self {
        Self { rows: Vec::new(), keys: BTreeMap::new() }
    }
}

impl<R: SortedRow, K: Copy + Ord> Table<R, K> {
    /// A table of rows, each given with the index of its key in `keys`.
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

    /// The rows of a key, sorted. `None`: it has none.
    #[must_use]
    pub fn rows(&self, key: &K) -> Option<&[R]> {
        self.rows.get(self.keys.get(key)?.clone())
    }

    /// The table with the rows of another added.
    #[must_use]
    pub(super) fn with_rows(&self, added: &Self) -> Self {
        let mut builder = TableBuilder::default();
        for table in [self, added] {
            for (key, range) in &table.keys {
                let key = builder.key(*key);
                let rows = table.rows.get(range.clone()).unwrap_or_default();
                rows.iter().for_each(|row| builder.push(key, *row));
            }
        }
        builder.close()
    }

    /// The table with other rows under the same keys. Keys without a row are left out.
    #[must_use]
    pub(super) fn transformed<S: SortedRow>(&self, rows_of: impl Fn(&[R]) -> Vec<S>) -> Table<S, K> {
        let mut builder = TableBuilder::default();
        for (key, range) in &self.keys {
            let rows = rows_of(self.rows.get(range.clone()).unwrap_or_default());
            let key = builder.key(*key);
            rows.into_iter().for_each(|row| builder.push(key, row));
        }
        builder.close()
    }

    /// Every key with rows, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.keys()
    }
}

/// Builds a table row by row.
#[derive(Debug)]
pub(super) struct TableBuilder<R, K = Market> {
    keys: Vec<K>,
    index: BTreeMap<K, u32>,
    rows: Vec<(u32, R)>,
}

impl<R, K> Default for TableBuilder<R, K> {
    fn default() -> Self {
        Self { keys: Vec::new(), index: BTreeMap::new(), rows: Vec::new() }
    }
}

impl<R: SortedRow, K: Copy + Ord> TableBuilder<R, K> {
    /// Index of a key, assigned if it has none yet. Beyond 32 bits, all further keys share the last: no
    /// release has so many.
    pub(super) fn key(&mut self, key: K) -> u32 {
        if let Some(index) = self.index.get(&key) {
            return *index;
        }
        let index = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push(key);
        self.index.insert(key, index);
        index
    }

    /// Adds a row under the index of its key.
    pub(super) fn push(&mut self, key: u32, row: R) {
        self.rows.push((key, row));
    }

    /// The table, sorted.
    pub(super) fn close(self) -> Table<R, K> {
        Table::new(&self.keys, self.rows)
    }
}

/// Texts by index, in the order of their first use. Rows store the index.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    texts: Vec<String>,
    index: BTreeMap<String, u16>,
}

impl Texts {
    /// Index of a text, assigned if it has none yet. Beyond 65,535 texts, all further ones share the last
    /// index.
    pub(super) fn index(&mut self, text: &str) -> u16 {
        if let Some(index) = self.index.get(text) {
            return *index;
        }
        let Ok(index) = u16::try_from(self.texts.len()) else { return u16::MAX };
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), index);
        index
    }

    /// Index of a text. `None`: it has none.
    pub(super) fn find(&self, text: &str) -> Option<u16> {
        self.index.get(text).copied()
    }

    /// Whether an index is assigned.
    pub(super) fn has(&self, index: u16) -> bool {
        usize::from(index) < self.texts.len()
    }

    /// The text at an index; empty where there is none.
    pub(super) fn get(&self, index: u16) -> &str {
        self.texts.get(usize::from(index)).map_or("", String::as_str)
    }
}
