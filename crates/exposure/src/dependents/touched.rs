//! The keys of tables that a revision of the book touched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use jiff::civil::Date;
use orewatch_catalog::{Period, Stage};
use orewatch_measures::Status;

use super::same::{AffectedEconomies, is_same, is_same_output, missing_in, whose_trade};
use crate::accounts::LOOK_BACK;
use crate::book::{ConsumerId, Knowledge, Market, MarketTrade, Parameter, ParameterKey, ReleaseRows};
use crate::evolve::BookRevision;
use crate::scope::{PURITY, period_after};

/// The keys of tables whose rows differ after a revision.
#[derive(Debug, Default)]
pub(super) struct Touched {
    flows: BTreeMap<Market, AffectedEconomies>,
    output: BTreeSet<Market>,
    /// Calendar years with differing governance indicators.
    years: BTreeSet<i16>,
    parameters: BTreeMap<Box<str>, BTreeMap<Option<&'static str>, Vec<Span>>>,
    /// Times in force of restrictions that came, went or differ, by material and stage.
    restrictions: BTreeMap<(&'static str, Stage), Vec<Days>>,
}

/// First and last day. `None`: not limited.
type Days = (Option<Date>, Option<Date>);

/// Where a parameter differs: at a stage or all, in periods that begin on a day or later, and before another.
#[derive(Debug)]
struct Span {
    stage: Option<Stage>,
    from: Date,
    until: Option<Date>,
    /// Items of the rows that differ.
    items: BTreeSet<String>,
}

impl Span {
    fn includes(&self, market: Market) -> bool {
        let start = market.period.start();
        self.stage.is_none_or(|stage| stage == market.stage)
            && self.from <= start
            && self.until.is_none_or(|until| start < until)
    }
}

impl Touched {
    /// The differences between the books before and after a revision.
    pub(super) fn from_revision(revision: &BookRevision) -> Self {
        let mut touched = Self::default();
        touched.add_markets(revision);
        touched.add_governance(revision);
        touched.add_parameters(revision);
        touched.add_restrictions(revision);
        touched.add_baskets(revision);
        touched
    }

    /// The economies whose flows of a market differ, or the purity of their product codes. `None`: nobody's.
    pub(super) fn flows(&self, market: Market) -> Option<&AffectedEconomies> {
        self.flows.get(&market)
    }

    /// Whether a market's output differs.
    pub(super) fn output(&self, market: Market) -> bool {
        self.output.contains(&market)
    }

    /// Whether governance differs in a period's calendar year or one of the `back` years before.
    pub(super) fn governance(&self, period: Period, back: i16) -> bool {
        let year = period.calendar_year();
        self.years.range(year.saturating_sub(back.max(0))..=year).next().is_some()
    }

    /// Whether a parameter of this name differs for a market.
    pub(super) fn parameter(&self, name: &str, market: Market) -> bool {
        self.spans(name, market).next().is_some()
    }

    /// The spans that include a market in which parameters of this name differ.
    fn spans(&self, name: &str, market: Market) -> impl Iterator<Item = &Span> {
        let by_material = self.parameters.get(name);
        let of = move |material| by_material.and_then(|spans| spans.get(&material)).into_iter().flatten();
        of(Some(market.material)).chain(of(None)).filter(move |span| span.includes(market))
    }

    /// Whether a restriction that is in force in a market's period differs.
    pub(super) fn restrictions(&self, market: Market) -> bool {
        let (first, last) = (market.period.start(), market.period.end());
        let overlaps = |(from, until): &Days| {
            from.is_none_or(|from| from <= last) && until.is_none_or(|until| first <= until)
        };
        let of = self.restrictions.get(&(market.material, market.stage));
        of.is_some_and(|days| days.iter().any(overlaps))
    }

    fn add_markets(&mut self, revision: &BookRevision) {
        for market in candidate_markets(revision) {
            let [old, new] = [&revision.old, &revision.new].map(|book| book.view(market, Knowledge::NOW));
            let whose = whose_trade(old.flows.as_ref(), new.flows.as_ref());
            if !whose.is_nobody() {
                self.flows.insert(market, whose);
            }
            if !is_same_output(old.output.as_ref(), new.output.as_ref()) {
                self.output.insert(market);
            }
        }
        self.add_later(revision);
    }

    /// Adds later periods: where an economy has not reported, its imports of earlier periods bound what it
    /// may import.
    fn add_later(&mut self, revision: &BookRevision) {
        let touched: Vec<_> = self.flows.keys().copied().collect();
        let later = touched.into_iter().flat_map(|market| {
            (1..=LOOK_BACK)
                .filter_map(move |n| Some(Market { period: period_after(market.period, n)?, ..market }))
        });
        let is_open = |market: &Market| {
            [&revision.old, &revision.new].iter().any(|book| {
                let view = book.view(*market, Knowledge::NOW);
                view.flows.is_some_and(|trade| !trade.is_for_everyone())
            })
        };
        let later: BTreeSet<_> = later.filter(is_open).collect();
        self.flows.extend(later.into_iter().map(|market| (market, AffectedEconomies::All)));
    }

    fn add_governance(&mut self, revision: &BookRevision) {
        for (indicator, table) in revision.contents().iter().flat_map(|content| &content.governance) {
            for period in table.keys() {
                let old = revision.old.governance(indicator, *period, Knowledge::NOW);
                if !is_same(old, revision.new.governance(indicator, *period, Knowledge::NOW)) {
                    self.years.insert(period.calendar_year());
                }
            }
        }
    }

    fn add_parameters(&mut self, revision: &BookRevision) {
        let contents = revision.contents();
        for (name, table) in contents.iter().flat_map(|content| &content.parameters) {
            let kinds: BTreeSet<_> = table.keys().map(|key| (key.material, key.stage)).collect();
            for (material, stage) in kinds {
                let old = revision.old.parameters(name, material, stage, Knowledge::NOW);
                let new = revision.new.parameters(name, material, stage, Knowledge::NOW);
                let of = table.keys().filter(|key| (key.material, key.stage) == (material, stage));
                let nothing = Series::new();
                let spans = of.filter_map(|key| {
                    let [old, new] = [&old, &new].map(|all| all.get(&key.economy).unwrap_or(&nothing));
                    span(key, old, new)
                });
                self.parameters.entry(name.clone()).or_default().entry(material).or_default().extend(spans);
            }
        }
    }

    fn add_restrictions(&mut self, revision: &BookRevision) {
        let contents = revision.contents();
        for key in contents.iter().flat_map(|content| content.restrictions.keys()) {
            let of = (key.material, key.stage);
            let old = revision.old.restrictions(key.material, key.stage, Knowledge::NOW);
            let new = revision.new.restrictions(key.material, key.stage, Knowledge::NOW);
            let days = self.restrictions.entry(of).or_default();
            // Whether any restriction of the material is recorded matters to every period.
            if old.is_empty() != new.is_empty() {
                days.push((None, None));
                continue;
            }
            let (old, new) = (old.get(&key.economy).copied(), new.get(&key.economy).copied());
            if !is_same(old, new) {
                let differ = missing_in(old, new).chain(missing_in(new, old));
                days.extend(differ.map(|(_, row)| (row.from, row.until)));
            }
        }
    }

    /// Adds markets with flows of product codes whose purity differs.
    fn add_baskets(&mut self, revision: &BookRevision) {
        if !self.parameters.contains_key(PURITY) {
            return;
        }
        for book in [&revision.old, &revision.new] {
            let traded = book.markets(Knowledge::NOW).into_iter().filter(|(_, tables)| tables.flows);
            for (market, _) in traded.filter(|(market, _)| book.holds(market.material)) {
                let codes: BTreeSet<_> = self.spans(PURITY, market).flat_map(|span| &span.items).collect();
                let flows = book.view(market, Knowledge::NOW).flows.filter(|_| !codes.is_empty());
                if flows.is_some_and(|trade| has_any(&trade, &codes)) {
                    self.flows.insert(market, AffectedEconomies::All);
                }
            }
        }
    }
}

/// Whether any flow is of one of these codes.
fn has_any(trade: &MarketTrade<'_>, codes: &BTreeSet<&String>) -> bool {
    trade.codes().iter().any(|code| codes.iter().any(|other| *other == code))
}

/// The markets whose flows or output a revision may touch: those with rows in its release; those whose
/// product codes or reports the release may complete; those within its stated scope; all of them after a
/// revision of the source policy.
fn candidate_markets(revision: &BookRevision) -> BTreeSet<Market> {
    let mut all = revision.markets();
    let (stages, contents) = (revision.stages(), revision.contents());
    let scoped = |market: &Market| contents.iter().any(|content| content.covers(market.period));
    for book in [&revision.old, &revision.new] {
        let known = book.markets(Knowledge::NOW).into_keys();
        let reached = |market: &Market| {
            revision.is_policy() || stages.contains(&(market.material, market.stage)) || scoped(market)
        };
        all.extend(known.filter(reached));
    }
    all.retain(|market| revision.new.holds(market.material));
    all
}

/// Identifies a row among those of one parameter, economy and period: partner and item.
type Id<'a> = (Option<ConsumerId>, &'a str);

/// The rows of a parameter of one economy, by the period from which they hold.
type Series<'a> = BTreeMap<Period, ReleaseRows<'a, Parameter>>;

/// The span in which a parameter differs because its rows of one period do. `None`: they do not.
fn span(key: &ParameterKey, old: &Series<'_>, new: &Series<'_>) -> Option<Span> {
    let (before, after) = (cells(old.get(&key.period)), cells(new.get(&key.period)));
    let ids = before.keys().chain(after.keys()).filter(|id| before.get(*id) != after.get(*id));
    let ids: BTreeSet<_> = ids.copied().collect();
    // A row holds until a later one about the same replaces it.
    let next = |id: &Id<'_>| {
        let (old, new) = (next(old, key.period, id), next(new, key.period, id));
        old.zip(new).map_or(Date::MAX, |(old, new)| old.max(new))
    };
    let until = ids.iter().map(next).max()?;
    let until = (until < Date::MAX).then_some(until);
    let items = ids.iter().map(|(_, item)| (*item).to_owned()).collect();
    Some(Span { stage: key.stage, from: key.period.start(), until, items })
}

/// The values of rows, to the bit. Of rows about the same the first counts, as it does in a lookup.
fn cells<'a>(side: Option<&ReleaseRows<'a, Parameter>>) -> BTreeMap<Id<'a>, (Status, u64)> {
    let mut cells = BTreeMap::new();
    for row in side.map_or(&[][..], |side| side.rows) {
        let item = side.map_or("", |side| side.content.text(row.item));
        let cell = (row.value.status, row.value.number.to_bits());
        cells.entry((row.partner, item)).or_insert(cell);
    }
    cells
}

/// First day of the next period with a row about the same.
fn next(series: &Series<'_>, after: Period, id: &Id<'_>) -> Option<Date> {
    let later = series.range((Excluded(after), Unbounded));
    let mut later = later.filter(|(_, side)| has_row(side, id));
    later.next().map(|(period, _)| period.start())
}

fn has_row(side: &ReleaseRows<'_, Parameter>, (partner, item): &Id<'_>) -> bool {
    let Some(item) = side.content.index_of(item) else { return false };
    let key = |row: &Parameter| (row.partner, row.item);
    side.rows.binary_search_by_key(&(*partner, item), key).is_ok()
}
