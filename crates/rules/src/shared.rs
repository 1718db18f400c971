//! An ordered map and an ordered set whose copies share unchanged chunks (copy on write).
//!
//! An evaluation works on a copy of the state while the log is folded further. A copy of a [`SharedMap`]
//! costs a few bytes per chunk instead of a copy of every entry. A change copies the chunk that it affects,
//! and only if another copy of the map still uses that chunk.
use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

/// Upper bound on the entries of a chunk, and so on what a change copies.
const CHUNK_ENTRIES: usize = 64;

/// An ordered map. Entries are in ascending order of their keys, in chunks none of which is empty.
#[derive(Clone, Debug)]
pub struct SharedMap<K, V> {
    chunks: Vec<Chunk<K, V>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<K, V> {
    /// Key of the first entry, so that a search reads only one chunk.
    first: K,
    entries: Arc<Vec<(K, V)>>,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K, V> SharedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the map is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Index of the chunk that contains a key, if any does.
    fn chunk_of<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.chunks.partition_point(|chunk| chunk.first.borrow() <= key).saturating_sub(1)
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// Whether the map contains a key.
    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Mutable reference to the value of a key.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let place = chunk.entries.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        Arc::make_mut(&mut chunk.entries).get_mut(place).map(|(_, value)| value)
    }

    /// Changes the value of a key. A new key starts with the default value.
    pub fn update<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> R
    where
        V: Default,
    {
        if let Some(value) = self.get_mut(key) {
            return change(value);
        }
        let mut value = V::default();
        let changed = change(&mut value);
        self.insert(key.clone(), value);
        changed
    }

    /// The first entry.
    #[must_use]
    pub fn first(&self) -> Option<(&K, &V)> {
        self.chunks.first()?.entries.first().map(|(key, value)| (key, value))
    }

    /// The entry of a key, with the stored key.
    #[must_use]
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let entries = &self.chunks.get(self.chunk_of(key))?.entries;
        let at = entries.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        entries.get(at).map(|(key, value)| (key, value))
    }

    fn place(&self, at: usize, key: &K) -> Result<usize, usize> {
        let entries = self.chunks.get(at).map(|chunk| chunk.entries.as_slice()).unwrap_or_default();
        entries.binary_search_by(|(other, _)| other.cmp(key))
    }

    /// Inserts an entry into a chunk. A full chunk is split.
    fn insert_at(&mut self, at: usize, place: usize, entry: (K, V)) {
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Chunk { first: entry.0.clone(), entries: Arc::new(vec![entry]) });
            return;
        };
        if place == 0 {
            chunk.first = entry.0.clone();
        }
        let entries = Arc::make_mut(&mut chunk.entries);
        if entries.len() < CHUNK_ENTRIES {
            entries.insert(place, entry);
            return;
        }
        // Keys inserted in ascending order fill their chunks; other keys split them in halves.
        let is_last = place == entries.len();
        let split = if is_last { place } else { entries.len() / 2 };
        let mut upper = entries.split_off(split);
        let into = if place >= split { &mut upper } else { entries };
        into.insert(if place >= split { place - split } else { place }, entry);
        if let Some((first, _)) = upper.first() {
            self.chunks.insert(at + 1, Chunk { first: first.clone(), entries: Arc::new(upper) });
        }
    }

    /// Inserts a value and returns the previous one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at = self.chunk_of(&key);
        match self.place(at, &key) {
            Ok(place) => {
                let entries = &mut self.chunks.get_mut(at)?.entries;
                let (_, old) = Arc::make_mut(entries).get_mut(place)?;
                Some(std::mem::replace(old, value))
            }
            Err(place) => {
                self.len += 1;
                self.insert_at(at, place, (key, value));
                None
            }
        }
    }

    /// Removes a key and returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let place = chunk.entries.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        let (_, value) = Arc::make_mut(&mut chunk.entries).remove(place);
        self.len -= 1;
        match chunk.entries.first() {
            Some((first, _)) if place == 0 => chunk.first = first.clone(),
            Some(_) => {}
            None => drop(self.chunks.remove(at)),
        }
        Some(value)
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.entries.iter()).map(|(key, value)| (key, value))
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The entries from or after a key.
    pub fn range_from<'map, Q: Ord + ?Sized>(
        &'map self,
        from: Bound<&Q>,
    ) -> impl Iterator<Item = (&'map K, &'map V)> + use<'map, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let is_before = |key: &K| match from {
            Bound::Unbounded => false,
            Bound::Included(from) => key.borrow() < from,
            Bound::Excluded(from) => key.borrow() <= from,
        };
        let at = self.chunks.partition_point(|chunk| is_before(&chunk.first)).saturating_sub(1);
        let (first, rest) = match self.chunks.get(at..) {
            Some([first, rest @ ..]) => (first.entries.as_slice(), rest),
            _ => (&[][..], &[][..]),
        };
        let skipped = first.partition_point(|(key, _)| is_before(key));
        let first = first.get(skipped..).unwrap_or_default();
        let rest = rest.iter().flat_map(|chunk| chunk.entries.iter());
        first.iter().chain(rest).map(|(key, value)| (key, value))
    }
}

impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            let end = map.chunks.len().saturating_sub(1);
            let last = map.chunks.last().and_then(|chunk| chunk.entries.last());
            if last.is_some_and(|(last, _)| *last < key) {
                // Entries that come in ascending order need no search.
                let place = map.chunks.last().map_or(0, |chunk| chunk.entries.len());
                map.len += 1;
                map.insert_at(end, place, (key, value));
            } else {
                map.insert(key, value);
            }
        }
        map
    }
}

/// An ordered set whose copies share unchanged chunks.
#[derive(Clone, Debug)]
pub struct SharedSet<K>(SharedMap<K, ()>);

impl<K> Default for SharedSet<K> {
    fn default() -> Self {
        Self(SharedMap::default())
    }
}

impl<K: Ord + Clone> PartialEq for SharedSet<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Ord + Clone> SharedSet<K> {
    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the set contains a key.
    #[must_use]
    pub fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Inserts a key and returns whether it is new.
    pub fn insert(&mut self, key: K) -> bool {
        let is_new = !self.0.contains_key(&key);
        if is_new {
            self.0.insert(key, ());
        }
        is_new
    }

    /// Removes a key and returns whether it was present.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.remove(key).is_some()
    }

    /// The first key.
    #[must_use]
    pub fn first(&self) -> Option<&K> {
        self.0.first().map(|(key, ())| key)
    }

    /// Removes the first key.
    pub fn pop_first(&mut self) -> Option<K> {
        let first = self.first().cloned()?;
        self.0.remove(&first);
        Some(first)
    }

    /// The keys in order.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    /// The keys after a key.
    pub fn after<'set>(&'set self, key: &K) -> impl Iterator<Item = &'set K> + use<'set, K> {
        self.0.range_from(Bound::Excluded(key)).map(|(key, ())| key)
    }
}

impl<K: Ord + Clone> FromIterator<K> for SharedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key, ())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_behaves_as_an_ordered_map_and_copies_do_not_change(
            steps in prop::collection::vec((0..400u32, any::<bool>()), 0..800),
            from in 0..400u32,
        ) {
            let (mut map, mut expected) = (SharedMap::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for (k, (key, is_removed)) in steps.into_iter().enumerate() {
                if is_removed && k % 3 == 0 {
                    prop_assert_eq!(map.remove(&key), expected.remove(&key));
                } else {
                    prop_assert_eq!(map.insert(key, k), expected.insert(key, k));
                }
                if k % 50 == 0 {
                    copies.push((map.clone(), expected.clone()));
                }
            }
            copies.push((map, expected));
            for (map, expected) in copies {
                prop_assert!(map.iter().eq(expected.iter()));
                prop_assert_eq!(map.len(), expected.len());
                prop_assert!(map.range_from(Bound::Included(&from)).eq(expected.range(from..)));
                let after = (Bound::Excluded(from), Bound::Unbounded);
                prop_assert!(map.range_from(Bound::Excluded(&from)).eq(expected.range(after)));
                for key in 0..400 {
                    prop_assert_eq!(map.get(&key), expected.get(&key));
                }
            }
        }
    }
}
