//! Everything that the measures of one market may use, as it was known at one time.
//!
//! A [`Scope`] gives access to a market's accounts, other stages and periods, governance, parameters and
//! restrictions. It notes which releases were consulted, so that every figure can name the releases that it
//! rests on. Scopes of one [`ScopeCache`] share what is costly.

mod cache;
mod cited;
mod evidence;
mod governance;
mod parameters;
mod restrictions;

pub(crate) use cache::PURITY;
pub use cache::ScopeCache;
pub use cited::{Cited, CitedRow, FoundValue};
pub use governance::{Governance, IndicatorMean};
pub use parameters::{ParameterQuery, Parameters};
pub use restrictions::Restrictions;

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use orewatch_catalog::{Period, Stage};
use orewatch_measures::{Sourcing, Table};

use crate::accounts::Accounts;
use crate::book::{Book, EconomyId, Knowledge, Market, ReleaseContent};

/// The table that a release was consulted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TableKind {
    Flows,
    Output,
    Governance,
    Parameters,
    Restrictions,
}

impl TableKind {
    /// Whether a measure that needs these tables uses it.
    fn matters(self, table: Table) -> bool {
        match self {
            Self::Flows => table != Table::Production,
            Self::Output => table != Table::Trade,
            Self::Governance | Self::Parameters | Self::Restrictions => true,
        }
    }
}

/// The releases that were consulted, by table and index in the order of commits.
pub(crate) type Consulted = BTreeSet<(TableKind, usize)>;

/// A market with everything that its measures may use. Nothing is computed before it is needed, and nothing
/// twice.
///
/// A scope notes the releases that are consulted through it and through the scopes of other stages and
/// periods that it returns.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    cache: Rc<ScopeCache<'a>>,
    market: Market,
    accounts: OnceCell<Rc<Accounts<'a>>>,
    consulted: Rc<RefCell<Consulted>>,
}

impl<'a> Scope<'a> {
    /// A market, with the cache that its scopes share.
    #[must_use]
    pub fn new(cache: &Rc<ScopeCache<'a>>, market: Market) -> Self {
        let cache = Rc::clone(cache);
        Self { cache, market, accounts: OnceCell::new(), consulted: Rc::default() }
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> &'a Book {
        self.cache.book()
    }

    /// The knowledge time.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge {
        self.cache.knowledge()
    }

    /// The market.
    #[must_use]
    pub fn market(&self) -> Market {
        self.market
    }

    /// Whether any release has rows of the market. Without any, nothing is published.
    #[must_use]
    pub fn has_figures(&self) -> bool {
        self.cache.has_figures(self.market)
    }

    /// The accounts of the market.
    #[must_use]
    pub fn accounts(&self) -> &Accounts<'a> {
        self.accounts.get_or_init(|| {
            let (accounts, consulted) = self.cache.accounts(self.market);
            self.consulted.borrow_mut().extend(consulted);
            accounts
        })
    }

    /// Projected demand by economy, under a scenario. `None`: none is projected.
    #[must_use]
    pub fn projected_demand(&self) -> Option<Sourcing<EconomyId>> {
        let (release, demand) = self.book().projected_demand(self.market, self.knowledge())?;
        self.consult(TableKind::Output, release);
        Some(demand)
    }

    /// The same material and period at another stage.
    #[must_use]
    pub fn at_stage(&self, stage: Stage) -> Self {
        self.other(Market { stage, ..self.market })
    }

    /// The same material and stage, `n` periods of the same length earlier. `None`: there is no such period.
    #[must_use]
    pub fn earlier(&self, n: u16) -> Option<Self> {
        let period = period_before(self.market.period, n)?;
        Some(self.other(Market { period, ..self.market }))
    }

    /// Governance indicators of economies.
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

    /// Computes something costly about the market, such as the solution of its trade network, once for all
    /// scopes of the market. The result is stored by its type: every caller with the same `T` must compute
    /// the same.
    pub fn compute_once<T: 'static>(&self, compute: impl FnOnce(&Self) -> T) -> Rc<T> {
        if let Some((kept, consulted)) = self.cache.kept::<T>(self.market) {
            self.consulted.borrow_mut().extend(consulted);
            return kept;
        }
        let fresh = self.without_consultations();
        let kept = Rc::new(compute(&fresh));
        let consulted = fresh.consulted.take();
        self.consulted.borrow_mut().extend(consulted.iter().copied());
        self.cache.keep(self.market, Rc::clone(&kept) as Rc<dyn Any>, consulted);
        kept
    }

    /// The releases that were consulted so far for a measure that needs these tables, in the order of
    /// commits, each once.
    #[must_use]
    pub fn consulted(&self, table: Table) -> Vec<&'a ReleaseContent> {
        self.contents(self.consulted.borrow().iter().filter(|(kind, _)| kind.matters(table)))
    }

    fn contents<'s>(
        &self,
        consulted: impl Iterator<Item = &'s (TableKind, usize)>,
    ) -> Vec<&'a ReleaseContent> {
        let releases: BTreeSet<_> = consulted.map(|(_, release)| *release).collect();
        releases.into_iter().filter_map(|release| self.cache.content(release)).collect()
    }

    /// The same market, without any release consulted yet.
    #[must_use]
    pub fn without_consultations(&self) -> Self {
        Self { consulted: Rc::default(), accounts: OnceCell::new(), ..self.clone() }
    }

    /// Another market with the same cache, without any release consulted yet.
    #[must_use]
    pub(crate) fn of_market(&self, market: Market) -> Self {
        Self::new(&self.cache, market)
    }

    /// The market's calendar year and the `back` years before it, the earliest first.
    #[must_use]
    pub fn years(&self, back: i16) -> Vec<Period> {
        let last = self.market.period.calendar_year();
        (last.saturating_sub(back)..=last).filter_map(|year| Period::year(year).ok()).collect()
    }

    fn other(&self, market: Market) -> Self {
        Self { market, accounts: OnceCell::new(), ..self.clone() }
    }

    fn consult(&self, kind: TableKind, release: usize) {
        self.consulted.borrow_mut().insert((kind, release));
    }
}

/// The period `n` periods earlier. `None`: there is no such period.
pub(crate) fn period_before(period: Period, n: u16) -> Option<Period> {
    shifted(period, i32::from(n))
}

/// The period `n` periods later. `None`: there is no such period.
pub(crate) fn period_after(period: Period, n: u16) -> Option<Period> {
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
