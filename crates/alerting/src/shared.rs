//! An ordered map whose copies share what neither changes.
//!
//! An evaluation works on the state as it was when it began, while the log is folded on. A copy of a [`SharedMap`] costs a few
//! bytes per chunk of entries instead of a copy of every entry; a change copies the chunk that it falls into, and only if another
//! copy of the map still holds that chunk.
use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

/// Most entries in a chunk: what a change copies at most.
const CHUNK_ENTRIES: usize = 64;

/// Entries in ascending order of their keys, in chunks none of which is empty.
#[derive(Clone, Debug)]
pub struct SharedMap<K, V> {
    chunks: Vec<Chunk<K, V>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Chunk<K, V> {
    /// Key of the first entry: a search looks into one chunk only.
    first: K,
    entries: Arc<Vec<(K, V)>>,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Index of the chunk that holds a key, if any does.
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
        let entries = &self.chunks.get(self.chunk_of(key))?.entries;
        let at = entries.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        entries.get(at).map(|(_, value)| value)
    }

    /// Whether there is a key.
    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at)?;
        let place = chunk.entries.binary_search_by(|(other, _)| other.borrow().cmp(key)).ok()?;
        Arc::make_mut(&mut chunk.entries).get_mut(place).map(|(_, value)| value)
    }

    fn place(&self, at: usize, key: &K) -> Result<usize, usize> {
        let entries = self.chunks.get(at).map(|chunk| chunk.entries.as_slice()).unwrap_or_default();
        entries.binary_search_by(|(other, _)| other.cmp(key))
    }

    /// Puts an entry into a chunk, which is split if it is full.
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
        // Keys that come in order fill their chunks; others halve them.
        let is_last = place == entries.len();
        let split = if is_last { place } else { entries.len() / 2 };
        let mut upper = entries.split_off(split);
        let into = if place >= split { &mut upper } else { entries };
        into.insert(if place >= split { place - split } else { place }, entry);
        if let Some((first, _)) = upper.first() {
            self.chunks.insert(at + 1, Chunk { first: first.clone(), entries: Arc::new(upper) });
        }
    }

    /// Puts a value. Returns the one that was there.
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

    /// Removes a key. Returns its value.
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

    /// The entries by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.chunks.iter().flat_map(|chunk| chunk.entries.iter()).map(|(key, value)| (key, value))
    }

    /// The values by key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The entries from a key on, or after it.
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
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_an_ordered_map_and_copies_keep_what_they_were(
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
