//! Economies as small numbers.

use std::fmt;

use orewatch_catalog::{Economy, economies};

/// Place of an economy in the catalogue's table. Since the table is sorted by code, so are places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EconomyId(u16);

impl EconomyId {
    /// Place of the economy with this alpha-3 code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let index = economies().binary_search_by(|economy| economy.iso3.cmp(code)).ok()?;
        u16::try_from(index).ok().map(Self)
    }

    /// Every place, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..economies().len()).filter_map(|index| u16::try_from(index).ok().map(Self))
    }

    /// Its alpha-3 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.economy().map_or("", |economy| economy.iso3)
    }

    /// The economy. Always there: places are only made from the table.
    #[must_use]
    pub fn economy(self) -> Option<&'static Economy> {
        economies().get(self.index())
    }

    /// Place in the table.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for EconomyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}
