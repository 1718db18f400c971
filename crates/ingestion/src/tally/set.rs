//! Sets of economies and kinds of residual, one bit each.
use std::sync::LazyLock;

use orewatch_catalog::{economies, residual_kind, residual_kinds};

/// Number of words in a set: room for 320 members.
const WORDS: usize = 5;

/// Bits in a word.
const BITS: u16 = 64;

/// A set of economies and kinds of residual, by [`economy_number`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EconomySet([u64; WORDS]);

/// Codes of the kinds of residual, in the catalogue's order.
static RESIDUALS: LazyLock<Vec<String>> =
    LazyLock::new(|| residual_kinds().iter().map(|kind| kind.code.to_owned()).collect());

/// All economies, without residuals.
static ECONOMIES: LazyLock<EconomySet> =
    LazyLock::new(|| economies().iter().filter_map(|economy| economy_number(economy.iso3)).collect());

/// The number of an economy (`CHN`) or of a kind of residual (`OTHER:unspecified`). `None`: the code is
/// neither. Numbers are valid in this process only: they follow from the catalogue.
pub(crate) fn economy_number(code: &str) -> Option<u16> {
    let place = match economies().binary_search_by(|economy| economy.iso3.cmp(code)) {
        Ok(place) => Some(place),
        Err(_) => {
            let kind = residual_kind(code)?;
            let place = residual_kinds().iter().position(|known| known == kind)?;
            Some(economies().len().saturating_add(place))
        }
    };
    place.and_then(|place| u16::try_from(place).ok()).filter(|number| word_index(*number) < WORDS)
}

/// The code with this number.
pub(crate) fn economy_code(number: u16) -> &'static str {
    let place = usize::from(number);
    match economies().get(place) {
        Some(economy) => economy.iso3,
        None => place
            .checked_sub(economies().len())
            .and_then(|place| RESIDUALS.get(place))
            .map_or("", String::as_str),
    }
}

/// Whether a number is that of a residual.
pub(crate) fn is_residual(number: u16) -> bool {
    usize::from(number) >= economies().len()
}

fn word_index(number: u16) -> usize {
    usize::from(number / BITS)
}

fn bit_mask(number: u16) -> u64 {
    1 << (number % BITS)
}

impl EconomySet {
    /// All economies and residuals.
    pub(crate) const ALL: Self = Self([u64::MAX; WORDS]);

    /// The members with these codes. Unknown codes are left out.
    pub(crate) fn from_codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> Self {
        codes.into_iter().filter_map(economy_number).collect()
    }

    /// The members that are economies.
    pub(crate) fn economies_only(&self) -> Self {
        self.intersection(&ECONOMIES)
    }

    /// Adds a member. Returns whether it is new.
    pub(crate) fn insert(&mut self, number: u16) -> bool {
        let mask = bit_mask(number);
        match self.0.get_mut(word_index(number)) {
            Some(word) => {
                let is_new = *word & mask == 0;
                *word |= mask;
                is_new
            }
            None => true,
        }
    }

    /// Whether a number is a member.
    pub(crate) fn contains(&self, number: u16) -> bool {
        self.0.get(word_index(number)).is_some_and(|word| word & bit_mask(number) != 0)
    }

    /// Number of members.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or(0)).sum()
    }

    /// Whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether all members are in another set.
    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Members of both sets.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |one, other| one & other)
    }

    /// Members of either set.
    pub(crate) fn union(&self, other: &Self) -> Self {
        self.zip(other, |one, other| one | other)
    }

    /// Members that are not in another set.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.zip(other, |one, other| one & !other)
    }

    /// Members in ascending order.
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
        assert!(
            economies()
                .iter()
                .all(|economy| economy_number(economy.iso3).map(economy_code) == Some(economy.iso3))
        );
        for kind in residual_kinds() {
            let known = economy_number(kind.code).unwrap();
            assert!(is_residual(known) && economy_code(known) == kind.code, "{}", kind.code);
        }
        assert_eq!(economy_number("OTHER").map(economy_code), Some("OTHER:unlisted"));
        assert_eq!(economy_number("XYZ"), None);
    }

    #[test]
    fn sets_are_combined_by_members() {
        let (one, other) = (EconomySet::from_iter([1, 63, 64, 300]), EconomySet::from_iter([63, 300, 301]));
        assert_eq!(one.intersection(&other).iter().collect::<Vec<_>>(), [63, 300]);
        assert_eq!(one.union(&other).len(), 5);
        assert_eq!(one.difference(&other).iter().collect::<Vec<_>>(), [1, 64]);
        assert!(one.intersection(&other).is_subset(&one) && !one.is_subset(&other));
        assert!(one.is_subset(&EconomySet::ALL) && EconomySet::default().is_empty());
    }
}
