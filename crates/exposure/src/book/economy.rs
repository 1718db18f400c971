//! Economies and consumers as small numbers.

use std::fmt;
use std::sync::LazyLock;

use orewatch_catalog::{Consumer, Economy, blocs, economies};

/// Place of an economy in the catalogue's table. Since the table is sorted by code, so are places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EconomyId(u16);

impl EconomyId {
    /// The first place.
    pub(in crate::book) const FIRST: Self = Self(0);

    /// Place of the economy with this alpha-3 code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let index = NUMBERS.binary_search(&number(code)?).ok()?;
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

/// Codes as numbers, in the order of the table: every figure and every chunk looks some up.
static NUMBERS: LazyLock<Vec<u32>> =
    LazyLock::new(|| economies().iter().map(|economy| number(economy.iso3).unwrap_or(u32::MAX)).collect());

/// The letters of a code as one number, in the order of codes.
fn number(code: &str) -> Option<u32> {
    let [a, b, c] = code.as_bytes().try_into().ok()?;
    Some(u32::from_be_bytes([0, a, b, c]))
}

/// An economy, a bloc or the world as a small number: economies in their order, then blocs in theirs, then the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(u16);

impl Who {
    /// The one with this code. None: there is none, or the catalogue does not have it.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        code.parse::<Consumer>().ok().and_then(Self::from_consumer)
    }

    /// The number of a consumer. None: it is not of the catalogue's tables.
    #[must_use]
    pub fn from_consumer(consumer: Consumer) -> Option<Self> {
        let place = match consumer {
            Consumer::Economy(economy) => return EconomyId::of(economy.iso3).map(Self::from),
            Consumer::Bloc(bloc) => blocs().iter().position(|other| other.code == bloc.code)?,
            Consumer::World => blocs().len(),
        };
        u16::try_from(economies().len().saturating_add(place)).ok().map(Self)
    }

    /// Whom the number stands for.
    #[must_use]
    pub fn consumer(self) -> Consumer {
        let index = usize::from(self.0);
        let bloc = || blocs().get(index.saturating_sub(economies().len())).map(Consumer::Bloc);
        economies().get(index).map(Consumer::Economy).or_else(bloc).unwrap_or(Consumer::World)
    }

    /// The economy. None: it is a bloc or the world.
    #[must_use]
    pub fn economy(self) -> Option<EconomyId> {
        (usize::from(self.0) < economies().len()).then_some(EconomyId(self.0))
    }

    /// The code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.consumer().code()
    }
}

impl From<EconomyId> for Who {
    fn from(economy: EconomyId) -> Self {
        Self(economy.0)
    }
}

impl PartialEq<EconomyId> for Who {
    fn eq(&self, other: &EconomyId) -> bool {
        self.0 == other.0
    }
}
