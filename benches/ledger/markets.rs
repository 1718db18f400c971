//! The markets of the generated tables, each with a ledger.
use std::collections::HashMap;

use orewatch_measures::{Amount, Buyer, Group, Ledger};

use crate::made::{Figure, Made};
use crate::ours::{Consumers, Unknown};

/// Number of markets per year.
const MARKETS_PER_YEAR: usize = 90;
const FIRST_YEAR: u16 = 1995;
const YEARS: usize = 29;

/// All markets, by year, mineral and stage.
pub(crate) struct Markets {
    all: Vec<Market>,
    /// Index of an economy by its number.
    places: Vec<u16>,
    /// Market within a year and column in it, by product.
    products: HashMap<u32, (usize, usize)>,
    unknown: Unknown,
}

/// Amounts of the two products of a market.
type Cells = [Option<Amount>; 2];

/// A market and its amounts.
pub(crate) struct Market {
    pub(crate) ledger: Ledger<u16>,
    /// Amounts of its two products by importer and exporter. `None` if it has one product, whose amounts are
    /// in the ledger.
    cells: Option<HashMap<(u16, u16), Cells>>,
    /// The lines that each consumer is beyond.
    pub(crate) beyond: Vec<[bool; 2]>,
}

impl Market {
    /// Index of a consumer in `lines`.
    pub(crate) fn line_index(buyer: Buyer<u16>, economies: usize) -> usize {
        match buyer {
            Buyer::Economy(place) => usize::from(place),
            Buyer::Group(index) => economies + index,
        }
    }
}

impl Markets {
    pub(crate) fn new(made: &Made, consumers: Consumers, unknown: Unknown) -> Self {
        let mut places = vec![0; 1000];
        for (code, place) in made.economies.iter().zip(0..) {
            *places.get_mut(usize::from(*code)).expect("codes have three digits") = place;
        }
        let mut products = HashMap::new();
        let mut columns = [0; MARKETS_PER_YEAR];
        for (product, market) in &made.products {
            let column = columns.get_mut(*market).expect("ninety markets a year");
            products.insert(*product, (*market, *column));
            *column += 1;
        }
        let place = |code: &u16| places.get(usize::from(*code)).copied().expect("codes have three digits");
        let mut groups: Vec<_> = made.blocs.iter().map(|bloc| Group::bloc(bloc.iter().map(place))).collect();
        groups.extend((consumers == Consumers::BlocsAndWorld).then(Group::world));
        let market = |columns: usize| Market {
            ledger: Ledger::new(groups.iter().cloned()),
            cells: (columns > 1).then(HashMap::new),
            beyond: vec![[false; 2]; made.economies.len() + groups.len()],
        };
        let all = (0..YEARS).flat_map(|_| columns.map(market)).collect();
        Self { all, places, products, unknown }
    }

    /// Enters a figure in its market, and returns the market.
    pub(crate) fn enter(&mut self, figure: &Figure) -> &mut Market {
        let amount = match (figure.tonnes, self.unknown) {
            (Some(tonnes), _) => Amount::known(tonnes),
            (None, Unknown::AsNothing) => Amount::NOTHING,
            (None, Unknown::Kept) => Amount::unavailable(),
        };
        let place = |code: u16| self.places.get(usize::from(code)).copied().expect("codes have three digits");
        let (importer, exporter) = (place(figure.importer), place(figure.exporter));
        let (market, column) = self.products.get(&figure.product).copied().expect("the product is listed");
        let market = usize::from(figure.year - FIRST_YEAR) * MARKETS_PER_YEAR + market;
        let market = self.all.get_mut(market).expect("the year is one of those made");
        let amount = match &mut market.cells {
            None => Some(amount),
            Some(cells) => {
                let cells = cells.entry((importer, exporter)).or_default();
                *cells.get_mut(column).expect("at most two products") = Some(amount);
                cells.iter().flatten().copied().reduce(|a, b| a + b)
            }
        };
        market.ledger.set(importer, exporter, amount);
        market
    }

    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Market> {
        self.all.iter_mut()
    }
}
