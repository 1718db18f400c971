//! What scopes of one book share, so that nothing costly is computed twice.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use orewatch_catalog::{Period, Stage};

use super::parameters::Series;
use super::restrictions::Restricted;
use super::{Consulted, Kind, Scope, Wants, before};
use crate::accounts::{Accounts, Reported};
use crate::book::{Book, Content, Governed, Knowledge, Market, Side};

/// Fraction of a product code that at least is the material.
pub(crate) const PURITY: &str = "basket-purity";

/// Markets of which accounts and what was computed from them are kept at most. Beyond that all are dropped, and computed anew
/// where they are asked for again: the markets of a large material would fill the memory otherwise. Some periods with all of
/// their stages fit.
const MOST_MARKETS: usize = 24;

/// A book as it was known at one time, with what was looked up and computed so far.
pub struct Shelf<'a> {
    book: &'a Book,
    at: Knowledge,
    accounts: RefCell<BTreeMap<Market, Opened<'a>>>,
    reported: RefCell<BTreeMap<Market, Told>>,
    kept: RefCell<BTreeMap<(Market, TypeId), Kept>>,
    governance: RefCell<Named<'a, Period, Option<Side<'a, Governed>>>>,
    parameters: RefCell<Named<'a, Specific, Series<'a>>>,
    restrictions: RefCell<BTreeMap<(&'static str, Stage), Restricted<'a>>>,
}

/// Material and stage that a parameter names, if it does.
type Specific = (Option<&'static str>, Option<Stage>);

/// What was looked up under a name, with the name as some release spells it. None: no release has the name.
type Named<'a, K, V> = BTreeMap<Box<str>, Option<(&'a str, BTreeMap<K, V>)>>;

/// Accounts, and the releases that they rest on.
type Opened<'a> = (Rc<Accounts<'a>>, Consulted);

/// What economies imported in a market, if it has flows, and the releases that say so.
type Told = (Option<Rc<Reported>>, Consulted);

/// What was computed once, and the releases that were consulted for it.
type Kept = (Rc<dyn Any>, Consulted);

impl fmt::Debug for Shelf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'a> Shelf<'a> {
    /// An empty shelf beside a book.
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

    /// Everything about a market.
    #[must_use]
    pub fn scope(self: &Rc<Self>, market: Market) -> Scope<'a> {
        Scope::new(self, market)
    }

    /// The knowledge time.
    #[must_use]
    pub fn at(&self) -> Knowledge {
        self.at
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> &'a Book {
        self.book
    }

    pub(super) fn has_figures(&self, market: Market) -> bool {
        self.book.has(market, self.at)
    }

    /// The accounts of a market, and the releases that they rest on.
    pub(super) fn accounts(self: &Rc<Self>, market: Market) -> Opened<'a> {
        if let Some(opened) = self.accounts.borrow().get(&market) {
            return opened.clone();
        }
        let opened = self.opened(market);
        self.make_room();
        self.accounts.borrow_mut().insert(market, opened.clone());
        opened
    }

    fn opened(self: &Rc<Self>, market: Market) -> Opened<'a> {
        let (scope, view) = (self.scope(market), self.book.view(market, self.at));
        let purity = |code: &str| scope.parameters().value(Wants::named(PURITY).item(code)).value();
        let earlier = |n| self.reported(Market { period: before(market.period, n)?, ..market }, &scope);
        let accounts = Rc::new(Accounts::new(view, purity, earlier));
        let mut consulted = scope.consulted.take();
        let flows = accounts.rows().into_iter().flat_map(|rows| &rows.sources);
        consulted.extend(flows.map(|source| (Kind::Flows, source.place)));
        let output = accounts.view().output.iter().flat_map(|output| &output.sources);
        consulted.extend(output.map(|source| (Kind::Output, source.place)));
        (accounts, consulted)
    }

    /// What economies imported in a market. None: no release has flows of it. The releases that say so count as consulted.
    fn reported(self: &Rc<Self>, market: Market, asker: &Scope<'a>) -> Option<Rc<Reported>> {
        let found = self.reported.borrow().get(&market).cloned();
        let (reported, consulted) = found.unwrap_or_else(|| {
            let (scope, view) = (self.scope(market), self.book.view(market, self.at));
            let purity = |code: &str| scope.parameters().value(Wants::named(PURITY).item(code)).value();
            let sources = view.flows.as_ref().map(crate::book::Trade::read);
            let reported = view.flows.is_some().then(|| Rc::new(Accounts::reported(view, purity)));
            let mut consulted = scope.consulted.take();
            let sources = sources.into_iter().flat_map(|rows| rows.sources);
            consulted.extend(sources.map(|source| (Kind::Flows, source.place)));
            self.reported.borrow_mut().insert(market, (reported.clone(), consulted.clone()));
            (reported, consulted)
        });
        asker.consulted.borrow_mut().extend(consulted);
        reported
    }

    fn make_room(&self) {
        if self.accounts.borrow().len() >= MOST_MARKETS {
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
    ) -> Option<(&'a str, Side<'a, Governed>)> {
        let look = || self.book.governance(indicator, period, self.at);
        let name =
            |content: &'a Content| content.governance.get_key_value(indicator).map(|(name, _)| &**name);
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
        let spelled = |content: &'a Content| content.parameters.get_key_value(name).map(|(name, _)| &**name);
        look_up(&self.parameters, self.book, name, spelled, (material, stage), look)
    }

    pub(super) fn restrictions(&self, material: &'static str, stage: Stage) -> Restricted<'a> {
        let look = || Rc::new(self.book.restrictions(material, stage, self.at));
        Rc::clone(self.restrictions.borrow_mut().entry((material, stage)).or_insert_with(look))
    }

    pub(super) fn content(&self, place: usize) -> Option<&'a Content> {
        self.book.entries().get(place).map(|entry| entry.content_at(self.at))
    }
}

/// Looks something up under a name, or finds what was looked up before. None: no release has the name.
fn look_up<'a, K: Ord, V: Clone>(
    named: &RefCell<Named<'a, K, V>>,
    book: &'a Book,
    name: &str,
    spelled: impl Fn(&'a Content) -> Option<&'a str>,
    key: K,
    look: impl FnOnce() -> V,
) -> Option<(&'a str, V)> {
    let mut named = named.borrow_mut();
    if !named.contains_key(name) {
        let spelled = book.entries().iter().find_map(|entry| spelled(entry.newest()));
        named.insert(name.into(), spelled.map(|name| (name, BTreeMap::new())));
    }
    let (spelled, values) = named.get_mut(name)?.as_mut()?;
    Some((spelled, values.entry(key).or_insert_with(look).clone()))
}
