//! Groups of importers that are measured as one.

use super::SmallKey;
use crate::Amount;

/// A group of importers that is measured as one consumer: a bloc, or the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    members: Members,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Members {
    Everyone,
    /// One bit for every number, in words of 64.
    Some(Vec<u64>),
}

impl Group {
    /// The world. Every flow counts, since the world has no outside.
    #[must_use]
    pub const fn world() -> Self {
        Self { members: Members::Everyone }
    }

    /// A bloc. Imports of members from outside count, trade between members does not.
    #[must_use]
    pub fn bloc<K: SmallKey>(members: impl IntoIterator<Item = K>) -> Self {
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

    /// Whether an economy is a member.
    #[must_use]
    pub fn contains<K: SmallKey>(&self, economy: K) -> bool {
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
    pub fn counts<K: SmallKey>(&self, importer: K, exporter: K) -> bool {
        match self.members {
            Members::Everyone => true,
            Members::Some(_) => self.contains(importer) && !self.contains(exporter),
        }
    }
}

impl Group {
    /// The part of an importer's imports of unknown origin that counts as imports of the group. `None`: the
    /// importer is not a member.
    ///
    /// An unknown partner may be a member of the bloc. So anything from none to all of the amount comes from
    /// outside, and the best estimate is all. For the world all of it counts.
    #[must_use]
    pub fn unknown_origin<K: SmallKey>(&self, importer: K, amount: Amount) -> Option<Amount> {
        match self.members {
            Members::Everyone => Some(amount),
            Members::Some(_) => self.contains(importer).then(|| amount.with_purity(0.0)),
        }
    }
}

/// Word and bit of an economy.
fn position<K: SmallKey>(economy: K) -> (usize, u64) {
    let number = economy.index();
    (usize::from(number / 64), 1 << (number % 64))
}
