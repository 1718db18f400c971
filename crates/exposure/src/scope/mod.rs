//! All that the measures of one market rest on, as it was known at one time.

mod cited;
mod evidence;
mod governance;
mod parameters;
mod restrictions;
mod shelf;

pub use cited::{Cited, CitedRow, Found};
pub use governance::{Governance, Mean};
pub use parameters::{Parameters, Wants};
pub use restrictions::Restrictions;
pub(crate) use shelf::PURITY;
pub use shelf::Shelf;

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use orewatch_catalog::{Period, Stage};
use orewatch_measures::Table;

use crate::accounts::Accounts;
use crate::book::{Book, Content, Knowledge, Market};

/// What a release was consulted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Flows,
    Output,
    Governance,
    Parameters,
    Restrictions,
}

impl Kind {
    /// Whether a measure that needs this table looks at it.
    fn matters(self, table: Table) -> bool {
        match self {
            Self::Flows => table != Table::Production,
            Self::Output => table != Table::Trade,
            Self::Governance | Self::Parameters | Self::Restrictions => true,
        }
    }
}

/// The releases that were consulted, by their place in the order of commits.
pub(crate) type Consulted = BTreeSet<(Kind, usize)>;

/// A market with everything that its measures may look at: its accounts, those of other stages and earlier periods, how
/// economies are governed, parameters, restrictions. Nothing is computed before it is asked for, and nothing twice: scopes
/// of one [`Shelf`] share what is costly.
///
/// A scope notes the releases that are consulted through it and through the scopes that it gives.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    shelf: Rc<Shelf<'a>>,
    market: Market,
    accounts: OnceCell<Rc<Accounts<'a>>>,
    consulted: Rc<RefCell<Consulted>>,
}

impl<'a> Scope<'a> {
    /// A market on a shelf.
    #[must_use]
    pub fn new(shelf: &Rc<Shelf<'a>>, market: Market) -> Self {
        let shelf = Rc::clone(shelf);
        Self { shelf, market, accounts: OnceCell::new(), consulted: Rc::default() }
    }

    /// The book that it looks into.
    #[must_use]
    pub fn book(&self) -> &'a Book {
        self.shelf.book()
    }

    /// The knowledge time.
    #[must_use]
    pub fn at(&self) -> Knowledge {
        self.shelf.at()
    }

    /// The market.
    #[must_use]
    pub fn market(&self) -> Market {
        self.market
    }

    /// Whether any release has figures of the market. Of a market without any nothing is published.
    #[must_use]
    pub fn has_figures(&self) -> bool {
        self.shelf.has_figures(self.market)
    }

    /// The accounts of the market.
    #[must_use]
    pub fn accounts(&self) -> &Accounts<'a> {
        self.accounts.get_or_init(|| {
            let (accounts, consulted) = self.shelf.accounts(self.market);
            self.consulted.borrow_mut().extend(consulted);
            accounts
        })
    }

    /// The same material and period at a stage.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Self {
        self.other(Market { stage, ..self.market })
    }

    /// The same material and stage `n` periods before, of the same length. None: before the first period that can be named.
    #[must_use]
    pub fn earlier(&self, n: u16) -> Option<Self> {
        let period = before(self.market.period, n)?;
        Some(self.other(Market { period, ..self.market }))
    }

    /// How economies are governed.
    #[must_use]
    pub fn governance(&self) -> Governance<'_, 'a> {
        Governance { scope: self }
    }

    /// Parameters that hold in the market's period.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_, 'a> {
        Parameters { scope: self }
    }

    /// Restrictions in force in the market's period.
    #[must_use]
    pub fn restrictions(&self) -> Restrictions<'_, 'a> {
        Restrictions { scope: self }
    }

    /// Computes something costly about the market once, such as the solution of its trade network; also for scopes of the
    /// same market elsewhere. One type is one thing: every caller with the same `T` must compute the same.
    pub fn once<T: 'static>(&self, compute: impl FnOnce(&Self) -> T) -> Rc<T> {
        if let Some((kept, consulted)) = self.shelf.kept::<T>(self.market) {
            self.consulted.borrow_mut().extend(consulted);
            return kept;
        }
        let fresh = self.afresh();
        let kept = Rc::new(compute(&fresh));
        let consulted = fresh.consulted.take();
        self.consulted.borrow_mut().extend(consulted.iter().copied());
        self.shelf.keep(self.market, Rc::clone(&kept) as Rc<dyn Any>, consulted);
        kept
    }

    /// The releases that were consulted so far for a measure that needs this table, in the order of commits, each once.
    #[must_use]
    pub fn consulted(&self, table: Table) -> Vec<&'a Content> {
        self.contents(self.consulted.borrow().iter().filter(|(kind, _)| kind.matters(table)))
    }

    fn contents<'s>(&self, consulted: impl Iterator<Item = &'s (Kind, usize)>) -> Vec<&'a Content> {
        let places: BTreeSet<_> = consulted.map(|(_, place)| *place).collect();
        places.into_iter().filter_map(|place| self.shelf.content(place)).collect()
    }

    /// The same market, with no release consulted yet.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self { consulted: Rc::default(), accounts: OnceCell::new(), ..self.clone() }
    }

    /// The market's calendar year and the `back` years before, the earliest first.
    #[must_use]
    pub fn years(&self, back: i16) -> Vec<Period> {
        let last = self.market.period.calendar_year();
        (last.saturating_sub(back)..=last).filter_map(|year| Period::year(year).ok()).collect()
    }

    fn other(&self, market: Market) -> Self {
        Self { market, accounts: OnceCell::new(), ..self.clone() }
    }

    fn consult(&self, kind: Kind, place: usize) {
        self.consulted.borrow_mut().insert((kind, place));
    }
}

/// The period `n` periods before.
pub(crate) fn before(period: Period, n: u16) -> Option<Period> {
    shifted(period, i32::from(n))
}

/// The period `n` periods after.
pub(crate) fn after(period: Period, n: u16) -> Option<Period> {
    shifted(period, -i32::from(n))
}

fn shifted(period: Period, n: i32) -> Option<Period> {
    let start = period.start();
    if !period.is_month() {
        return Period::year(i16::try_from(i32::from(start.year()) - n).ok()?).ok();
    }
    let months = i32::from(start.year()) * 12 + i32::from(start.month()) - 1 - n;
    let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
    Period::month(i16::try_from(months.div_euclid(12)).ok()?, month).ok()
}
