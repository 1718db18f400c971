//! Economies and consumers as small numbers, which rows store instead of codes.

use std::fmt;
use std::sync::LazyLock;

use orewatch_catalog::{Consumer, Economy, blocs, economies};

/// Index of an economy in the catalogue's table. The table is sorted by code, so identifiers sort like codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EconomyId(u16);

impl EconomyId {
    /// The first economy of the table.
    pub(in crate::book) const FIRST: Self = Self(0);

    /// The economy with an ISO 3166-1 alpha-3 code. `None`: the catalogue does not have it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let index = NUMBERS.binary_search(&number(code)?).ok()?;
        u16::try_from(index).ok().map(Self)
    }

    /// Every economy of the catalogue, in order.
    pub fn iter() -> impl Iterator<Item = Self> {
        (0..economies().len()).filter_map(|index| u16::try_from(index).ok().map(Self))
    }

    /// Its alpha-3 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.economy().map_or("", |economy| economy.iso3)
    }

    /// The economy in the catalogue. It is always there, since identifiers are only made from the table.
    #[must_use]
    pub fn economy(self) -> Option<&'static Economy> {
        economies().get(self.index())
    }

    /// Index in the table.
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

/// Codes as numbers, in the order of the table, for fast lookups.
static NUMBERS: LazyLock<Vec<u32>> =
    LazyLock::new(|| economies().iter().map(|economy| number(economy.iso3).unwrap_or(u32::MAX)).collect());

/// The three letters of a code as one number. Numbers sort like codes.
fn number(code: &str) -> Option<u32> {
    let [a, b, c] = code.as_bytes().try_into().ok()?;
    Some(u32::from_be_bytes([0, a, b, c]))
}

/// An economy, a bloc or the world as a small number: economies as in [`EconomyId`], then blocs, then the
/// world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId(u16);

impl ConsumerId {
    /// The consumer with a code. `None`: the catalogue does not have it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        code.parse::<Consumer>().ok().and_then(Self::from_consumer)
    }

    /// The identifier of a consumer. `None`: it is not in the catalogue's tables.
    #[must_use]
    pub fn from_consumer(consumer: Consumer) -> Option<Self> {
        let index = match consumer {
            Consumer::Economy(economy) => return EconomyId::from_code(economy.iso3).map(Self::from),
            Consumer::Bloc(bloc) => blocs().iter().position(|other| other.code == bloc.code)?,
            Consumer::World => blocs().len(),
        };
        u16::try_from(economies().len().saturating_add(index)).ok().map(Self)
    }

    /// The consumer in the catalogue.
    #[must_use]
    pub fn consumer(self) -> Consumer {
        let index = usize::from(self.0);
        let bloc = || blocs().get(index.saturating_sub(economies().len())).map(Consumer::Bloc);
        economies().get(index).map(Consumer::Economy).or_else(bloc).unwrap_or(Consumer::World)
    }

    /// The economy. `None`: it is a bloc or the world.
    #[must_use]
    pub fn economy(self) -> Option<EconomyId> {
        (usize::from(self.0) < economies().len()).then_some(EconomyId(self.0))
    }

    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.consumer().code()
    }
}

impl From<EconomyId> for ConsumerId {
    fn from(economy: EconomyId) -> Self {
        Self(economy.0)
    }
}

impl PartialEq<EconomyId> for ConsumerId {
    fn eq(&self, other: &EconomyId) -> bool {
        self.0 == other.0
    }
}
