//! The cache that scopes of one book share, so that nothing costly is computed twice.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use orewatch_catalog::{Period, Stage};

use super::parameters::Series;
use super::restrictions::RestrictionsByEconomy;
use super::{Consulted, ParameterQuery, Scope, TableKind, period_before};
use crate::accounts::{Accounts, ReportedImports};
use crate::book::{Book, GovernanceScore, Knowledge, Market, ReleaseContent, ReleaseRows};

/// Parameter: the least fraction of the goods under a product code that is the material, 0 to 1.
pub(crate) const PURITY: &str = "basket-purity";

/// Upper bound on markets whose accounts are cached. Beyond it all are dropped, and recomputed when they are
/// needed again: the markets of a large material would fill the memory. Several periods with all stages fit.
const MAX_CACHED_MARKETS: usize = 24;

/// A book as it was known at one time, with everything that was looked up and computed so far.
pub struct ScopeCache<'a> {
    book: &'a Book,
    at: Knowledge,
    accounts: RefCell<BTreeMap<Market, AccountsEntry<'a>>>,
    reported: RefCell<BTreeMap<Market, ReportedEntry>>,
    kept: RefCell<BTreeMap<(Market, TypeId), ComputedEntry>>,
    governance: RefCell<NamedLookups<'a, Period, Option<ReleaseRows<'a, GovernanceScore>>>>,
    parameters: RefCell<NamedLookups<'a, Specific, Series<'a>>>,
    restrictions: RefCell<BTreeMap<(&'static str, Stage), RestrictionsByEconomy<'a>>>,
}

/// Material and stage of a parameter. `None`: it names none.
type Specific = (Option<&'static str>, Option<Stage>);

/// Lookups under a name, with the name as stored in some release, which has the lifetime of the book. `None`:
/// no release has the name.
type NamedLookups<'a, K, V> = BTreeMap<Box<str>, Option<(&'a str, BTreeMap<K, V>)>>;

/// Accounts, and the releases that were consulted for them.
type AccountsEntry<'a> = (Rc<Accounts<'a>>, Consulted);

/// Reported imports of a market, if it has flows, and the releases that were consulted for them.
type ReportedEntry = (Option<Rc<ReportedImports>>, Consulted);

/// A computed value, and the releases that were consulted for it.
type ComputedEntry = (Rc<dyn Any>, Consulted);

impl fmt::Debug for ScopeCache<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeCache").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'a> ScopeCache<'a> {
    /// An empty cache for a book.
    #[must_use]
    pub fn new(book: &'a Book, at: Knowledge) -> Rc<Self> {
        Rc::new(Self {
            book,
            at,
            accounts: RefCell::default(),
            reported: RefCell::default(),
            kept: RefCell::default(),
            governance: RefCell::default(),
            parameters: RefCell::default(),
            restrictions: RefCell::default(),
        })
    }

    /// The scope of a market.
    #[must_use]
    pub fn scope(self: &Rc<Self>, market: Market) -> Scope<'a> {
        Scope::new(self, market)
    }

    /// The knowledge time.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge {
        self.at
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> &'a Book {
        self.book
    }

    pub(super) fn has_figures(&self, market: Market) -> bool {
        self.book.has_market(market, self.at)
    }

    /// The accounts of a market, from the cache or computed.
    pub(super) fn accounts(self: &Rc<Self>, market: Market) -> AccountsEntry<'a> {
        if let Some(opened) = self.accounts.borrow().get(&market) {
            return opened.clone();
        }
        let opened = self.compute_accounts(market);
        self.make_room();
        self.accounts.borrow_mut().insert(market, opened.clone());
        opened
    }

    fn compute_accounts(self: &Rc<Self>, market: Market) -> AccountsEntry<'a> {
        let (scope, view) = (self.scope(market), self.book.view(market, self.at));
        let purity = |code: &str| scope.parameters().value(ParameterQuery::named(PURITY).item(code)).value();
        let earlier =
            |n| self.reported_imports(Market { period: period_before(market.period, n)?, ..market }, &scope);
        let accounts = Rc::new(Accounts::new(view, purity, earlier));
        let mut consulted = scope.consulted.take();
        let flows = accounts.rows().into_iter().flat_map(|rows| &rows.sources);
        consulted.extend(flows.map(|source| (TableKind::Flows, source.release)));
        let output = accounts.view().output.iter().flat_map(|output| &output.sources);
        consulted.extend(output.map(|source| (TableKind::Output, source.release)));
        (accounts, consulted)
    }

    /// Reported imports of a market. `None`: no release has flows of it. The releases that it rests on count
    /// as consulted by the asking scope.
    fn reported_imports(self: &Rc<Self>, market: Market, asker: &Scope<'a>) -> Option<Rc<ReportedImports>> {
        let found = self.reported.borrow().get(&market).cloned();
        let (reported, consulted) = found.unwrap_or_else(|| {
            let (scope, view) = (self.scope(market), self.book.view(market, self.at));
            let purity =
                |code: &str| scope.parameters().value(ParameterQuery::named(PURITY).item(code)).value();
            let sources = view.flows.as_ref().map(crate::book::MarketTrade::read);
            let reported = view.flows.is_some().then(|| Rc::new(Accounts::reported_imports(view, purity)));
            let mut consulted = scope.consulted.take();
            let sources = sources.into_iter().flat_map(|rows| rows.sources);
            consulted.extend(sources.map(|source| (TableKind::Flows, source.release)));
            self.reported.borrow_mut().insert(market, (reported.clone(), consulted.clone()));
            (reported, consulted)
        });
        asker.consulted.borrow_mut().extend(consulted);
        reported
    }

    fn make_room(&self) {
        if self.accounts.borrow().len() >= MAX_CACHED_MARKETS {
            self.accounts.borrow_mut().clear();
            self.kept.borrow_mut().clear();
        }
    }

    pub(super) fn kept<T: 'static>(&self, market: Market) -> Option<(Rc<T>, Consulted)> {
        let kept = self.kept.borrow();
        let (kept, consulted) = kept.get(&(market, TypeId::of::<T>()))?;
        Some((Rc::clone(kept).downcast().ok()?, consulted.clone()))
    }

    pub(super) fn keep(&self, market: Market, kept: Rc<dyn Any>, consulted: Consulted) {
        let of = (*kept).type_id();
        self.kept.borrow_mut().insert((market, of), (kept, consulted));
    }

    pub(super) fn governance(
        &self,
        indicator: &str,
        period: Period,
    ) -> Option<(&'a str, ReleaseRows<'a, GovernanceScore>)> {
        let look = || self.book.governance(indicator, period, self.at);
        let name = |content: &'a ReleaseContent| {
            content.governance.get_key_value(indicator).map(|(name, _)| &**name)
        };
        let (name, side) = look_up(&self.governance, self.book, indicator, name, period, look)?;
        Some((name, side?))
    }

    pub(super) fn parameters(
        &self,
        name: &str,
        material: Option<&'static str>,
        stage: Option<Stage>,
    ) -> Option<(&'a str, Series<'a>)> {
        let look = || Rc::new(self.book.parameters(name, material, stage, self.at));
        let spelled =
            |content: &'a ReleaseContent| content.parameters.get_key_value(name).map(|(name, _)| &**name);
        look_up(&self.parameters, self.book, name, spelled, (material, stage), look)
    }

    pub(super) fn restrictions(&self, material: &'static str, stage: Stage) -> RestrictionsByEconomy<'a> {
        let look = || Rc::new(self.book.restrictions(material, stage, self.at));
        Rc::clone(self.restrictions.borrow_mut().entry((material, stage)).or_insert_with(look))
    }

    pub(super) fn content(&self, release: usize) -> Option<&'a ReleaseContent> {
        self.book.releases().get(release).map(|entry| entry.content_at(self.at))
    }
}

/// Looks something up under a name, once for each key. `None`: no release has the name.
fn look_up<'a, K: Ord, V: Clone>(
    named: &RefCell<NamedLookups<'a, K, V>>,
    book: &'a Book,
    name: &str,
    spelled: impl Fn(&'a ReleaseContent) -> Option<&'a str>,
    key: K,
    look: impl FnOnce() -> V,
) -> Option<(&'a str, V)> {
    let mut named = named.borrow_mut();
    if !named.contains_key(name) {
        let spelled = book.releases().iter().find_map(|entry| spelled(entry.newest()));
        named.insert(name.into(), spelled.map(|name| (name, BTreeMap::new())));
    }
    let (spelled, values) = named.get_mut(name)?.as_mut()?;
    Some((spelled, values.entry(key).or_insert_with(look).clone()))
}
