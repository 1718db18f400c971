//! The markets of the made tables, each a ledger.
use std::collections::HashMap;

use orewatch_measures::{Amount, Buyer, Group, Ledger};

use crate::made::{Figure, Made};
use crate::ours::{Consumers, Unknown};

/// Markets of one year.
const A_YEAR: usize = 90;
const FIRST: u16 = 1995;
const YEARS: usize = 29;

/// All markets, by year, mineral and stage.
pub(crate) struct Markets {
    all: Vec<Market>,
    /// Place of an economy by its number.
    places: Vec<u16>,
    /// Market of the year and column in it, by product.
    products: HashMap<u32, (usize, usize)>,
    unknown: Unknown,
}

/// Amounts of a market's two products.
type Cells = [Option<Amount>; 2];

/// A market with what it is made of.
pub(crate) struct Market {
    pub(crate) ledger: Ledger<u16>,
    /// Amounts of its two products by importer and exporter. None: it has one product, which the ledger holds.
    cells: Option<HashMap<(u16, u16), Cells>>,
    /// Which lines each consumer is beyond.
    pub(crate) beyond: Vec<[bool; 2]>,
}

impl Market {
    /// Place of a consumer among the lines.
    pub(crate) fn place(buyer: Buyer<u16>, economies: usize) -> usize {
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
        let mut columns = [0; A_YEAR];
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

    /// Enters a figure in its market, and returns that.
    pub(crate) fn enter(&mut self, figure: &Figure) -> &mut Market {
        let amount = match (figure.tonnes, self.unknown) {
            (Some(tonnes), _) => Amount::known(tonnes),
            (None, Unknown::AsNothing) => Amount::NOTHING,
            (None, Unknown::Kept) => Amount::unavailable(),
        };
        let place = |code: u16| self.places.get(usize::from(code)).copied().expect("codes have three digits");
        let (importer, exporter) = (place(figure.importer), place(figure.exporter));
        let (market, column) = self.products.get(&figure.product).copied().expect("the product is listed");
        let market = usize::from(figure.year - FIRST) * A_YEAR + market;
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
