//! Sets of sides of trade: economies and kinds of residual, a bit each.
use std::sync::LazyLock;

use orewatch_catalog::{economies, residual_kind, residual_kinds};

/// Words of a set: room for 320 members.
const WORDS: usize = 5;

/// Bits of a word.
const BITS: u16 = 64;

/// A set of economies and kinds of residual, by their [`number`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EconomySet([u64; WORDS]);

/// Codes of the kinds of residual, in the catalogue's order.
static RESIDUALS: LazyLock<Vec<String>> =
    LazyLock::new(|| residual_kinds().iter().map(|kind| kind.code.to_owned()).collect());

/// Every economy that is none of the residuals.
static ECONOMIES: LazyLock<EconomySet> =
    LazyLock::new(|| economies().iter().filter_map(|economy| number(economy.iso3)).collect());

/// The number of an economy (`CHN`) or of a kind of residual (`OTHER:unspecified`) in this process. None: the code is neither.
pub(crate) fn number(code: &str) -> Option<u16> {
    let place = match economies().binary_search_by(|economy| economy.iso3.cmp(code)) {
        Ok(place) => Some(place),
        Err(_) => {
            let kind = residual_kind(code)?;
            let place = residual_kinds().iter().position(|known| known == kind)?;
            Some(economies().len().saturating_add(place))
        }
    };
    place.and_then(|place| u16::try_from(place).ok()).filter(|number| word(*number) < WORDS)
}

/// The code of a number.
pub(crate) fn code(number: u16) -> &'static str {
    let place = usize::from(number);
    match economies().get(place) {
        Some(economy) => economy.iso3,
        None => place
            .checked_sub(economies().len())
            .and_then(|place| RESIDUALS.get(place))
            .map_or("", String::as_str),
    }
}

/// Whether a number is of a kind of residual.
pub(crate) fn is_residual(number: u16) -> bool {
    usize::from(number) >= economies().len()
}

fn word(number: u16) -> usize {
    usize::from(number / BITS)
}

fn bit(number: u16) -> u64 {
    1 << (number % BITS)
}

impl EconomySet {
    /// Everyone.
    pub(crate) const ALL: Self = Self([u64::MAX; WORDS]);

    /// The members that these codes name; codes that name nobody are left out.
    pub(crate) fn of_codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> Self {
        codes.into_iter().filter_map(number).collect()
    }

    /// Its members without kinds of residual.
    pub(crate) fn of_economies(&self) -> Self {
        self.and(&ECONOMIES)
    }

    /// Adds a member; true if it was not there.
    pub(crate) fn insert(&mut self, number: u16) -> bool {
        let bit = bit(number);
        match self.0.get_mut(word(number)) {
            Some(word) => {
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            }
            None => true,
        }
    }

    /// Whether it has a member.
    pub(crate) fn contains(&self, number: u16) -> bool {
        self.0.get(word(number)).is_some_and(|word| word & bit(number) != 0)
    }

    /// Number of members.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or(0)).sum()
    }

    /// Whether it has no member.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether all of its members are in another.
    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.without(other).is_empty()
    }

    /// The members of both.
    pub(crate) fn and(&self, other: &Self) -> Self {
        self.zip(other, |one, other| one & other)
    }

    /// The members of either.
    pub(crate) fn or(&self, other: &Self) -> Self {
        self.zip(other, |one, other| one | other)
    }

    /// Its members without those of another.
    pub(crate) fn without(&self, other: &Self) -> Self {
        self.zip(other, |one, other| one & !other)
    }

    /// The members, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> + use<> {
        let set = *self;
        (0_u16..).take(WORDS * usize::from(BITS)).filter(move |number| set.contains(*number))
    }

    fn zip(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let mut set = *self;
        set.0.iter_mut().zip(other.0).for_each(|(word, other)| *word = combine(*word, other));
        set
    }
}

impl FromIterator<u16> for EconomySet {
    fn from_iter<I: IntoIterator<Item = u16>>(numbers: I) -> Self {
        numbers.into_iter().fold(Self::default(), |mut set, number| {
            set.insert(number);
            set
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_economy_and_residual_has_room() {
        assert!(economies().len() + residual_kinds().len() <= WORDS * usize::from(BITS));
        assert!(economies().iter().all(|economy| number(economy.iso3).map(code) == Some(economy.iso3)));
        for kind in residual_kinds() {
            let known = number(kind.code).unwrap();
            assert!(is_residual(known) && code(known) == kind.code, "{}", kind.code);
        }
        assert_eq!(number("OTHER").map(code), Some("OTHER:unlisted"));
        assert_eq!(number("XYZ"), None);
    }

    #[test]
    fn sets_are_combined_member_by_member() {
        let (one, other) = (EconomySet::from_iter([1, 63, 64, 300]), EconomySet::from_iter([63, 300, 301]));
        assert_eq!(one.and(&other).iter().collect::<Vec<_>>(), [63, 300]);
        assert_eq!(one.or(&other).len(), 5);
        assert_eq!(one.without(&other).iter().collect::<Vec<_>>(), [1, 64]);
        assert!(one.and(&other).is_subset(&one) && !one.is_subset(&other));
        assert!(one.is_subset(&EconomySet::ALL) && EconomySet::default().is_empty());
    }
}
