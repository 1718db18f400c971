//! Groups of importers that are measured as one.

use super::Place;
use crate::Amount;

/// A group of importers that is measured as one consumer: a bloc, or the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    members: Members,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Members {
    Everyone,
    /// A bit for every place, in words of 64.
    Some(Vec<u64>),
}

impl Group {
    /// Everyone. Every flow counts, since there is no outside for it to come from.
    #[must_use]
    pub const fn world() -> Self {
        Self { members: Members::Everyone }
    }

    /// A bloc: what its members import from outside counts, trade between members does not.
    #[must_use]
    pub fn bloc<K: Place>(members: impl IntoIterator<Item = K>) -> Self {
        let mut words = Vec::new();
        for member in members {
            let (word, bit) = position(member);
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            if let Some(word) = words.get_mut(word) {
                *word |= bit;
            }
        }
        Self { members: Members::Some(words) }
    }

    /// Whether it is a member.
    #[must_use]
    pub fn contains<K: Place>(&self, economy: K) -> bool {
        match &self.members {
            Members::Everyone => true,
            Members::Some(words) => {
                let (word, bit) = position(economy);
                words.get(word).is_some_and(|word| word & bit != 0)
            }
        }
    }

    /// Whether a flow is an import of the group.
    #[must_use]
    pub fn counts<K: Place>(&self, importer: K, exporter: K) -> bool {
        match self.members {
            Members::Everyone => true,
            Members::Some(_) => self.contains(importer) && !self.contains(exporter),
        }
    }
}

impl Group {
    /// What of an importer's imports of unknown origin counts as imports of the group. None: the importer is no member.
    ///
    /// A partner that is not known may be a member too: of a bloc's, anything from none to all of it comes from outside, and
    /// the best estimate is all of it. Of the world's it is all, wherever it comes from.
    #[must_use]
    pub fn unknown_origin<K: Place>(&self, importer: K, amount: Amount) -> Option<Amount> {
        match self.members {
            Members::Everyone => Some(amount),
            Members::Some(_) => self.contains(importer).then(|| amount.of_basket(0.0)),
        }
    }
}

fn position<K: Place>(economy: K) -> (usize, u64) {
    let place = economy.place();
    (usize::from(place / 64), 1 << (place % 64))
}
