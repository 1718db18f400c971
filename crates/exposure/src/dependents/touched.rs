//! What a turn touched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use jiff::civil::Date;
use orewatch_catalog::{Period, Stage};
use orewatch_measures::Status;

use super::same::{Whose, is_same, is_same_output, missing_in, whose_trade};
use crate::accounts::LOOK_BACK;
use crate::book::{Holding, Knowledge, Market, Parameter, Side, Trade, Who};
use crate::evolve::Turn;
use crate::scope::{PURITY, after};

/// What a turn touched: keys of which the book says something else after it.
#[derive(Debug, Default)]
pub(super) struct Touched {
    flows: BTreeMap<Market, Whose>,
    output: BTreeSet<Market>,
    /// Calendar years of which an indicator is judged otherwise.
    years: BTreeSet<i16>,
    parameters: BTreeMap<Box<str>, BTreeMap<Option<&'static str>, Vec<Span>>>,
    /// Times in force of restrictions that came, went or differ, by material and stage.
    restrictions: BTreeMap<(&'static str, Stage), Vec<Days>>,
}

/// First and last day. None: not limited.
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
    /// What differs between the book before and after a turn.
    pub(super) fn by(turn: &Turn) -> Self {
        let mut touched = Self::default();
        touched.add_markets(turn);
        touched.add_governance(turn);
        touched.add_parameters(turn);
        touched.add_restrictions(turn);
        touched.add_baskets(turn);
        touched
    }

    /// Whose flows of a market differ, or how far they are the material. None: nobody's.
    pub(super) fn flows(&self, market: Market) -> Option<&Whose> {
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

    /// Where parameters of this name differ, as far as a market lies there.
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

    fn add_markets(&mut self, turn: &Turn) {
        for market in considered(turn) {
            let [old, new] = [&turn.old, &turn.new].map(|book| book.view(market, Knowledge::NOW));
            let whose = whose_trade(old.flows.as_ref(), new.flows.as_ref());
            if !whose.is_nobody() {
                self.flows.insert(market, whose);
            }
            if !is_same_output(old.output.as_ref(), new.output.as_ref()) {
                self.output.insert(market);
            }
        }
        self.add_later(turn);
    }

    /// Where members of blocs have not reported, their imports of earlier periods bound what they may be.
    fn add_later(&mut self, turn: &Turn) {
        let touched: Vec<_> = self.flows.keys().copied().collect();
        let later = touched.into_iter().flat_map(|market| {
            (1..=LOOK_BACK).filter_map(move |n| Some(Market { period: after(market.period, n)?, ..market }))
        });
        let is_open = |market: &Market| {
            [&turn.old, &turn.new].iter().any(|book| {
                let view = book.view(*market, Knowledge::NOW);
                view.flows.is_some_and(|trade| !trade.is_for_everyone())
            })
        };
        let later: BTreeSet<_> = later.filter(is_open).collect();
        self.flows.extend(later.into_iter().map(|market| (market, Whose::All)));
    }

    fn add_governance(&mut self, turn: &Turn) {
        for (indicator, table) in turn.contents().iter().flat_map(|content| &content.governance) {
            for period in table.keys() {
                let old = turn.old.governance(indicator, *period, Knowledge::NOW);
                if !is_same(old, turn.new.governance(indicator, *period, Knowledge::NOW)) {
                    self.years.insert(period.calendar_year());
                }
            }
        }
    }

    fn add_parameters(&mut self, turn: &Turn) {
        let contents = turn.contents();
        for (name, table) in contents.iter().flat_map(|content| &content.parameters) {
            let kinds: BTreeSet<_> = table.keys().map(|key| (key.material, key.stage)).collect();
            for (material, stage) in kinds {
                let old = turn.old.parameters(name, material, stage, Knowledge::NOW);
                let new = turn.new.parameters(name, material, stage, Knowledge::NOW);
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

    fn add_restrictions(&mut self, turn: &Turn) {
        let contents = turn.contents();
        for key in contents.iter().flat_map(|content| content.restrictions.keys()) {
            let of = (key.material, key.stage);
            let old = turn.old.restrictions(key.material, key.stage, Knowledge::NOW);
            let new = turn.new.restrictions(key.material, key.stage, Knowledge::NOW);
            let days = self.restrictions.entry(of).or_default();
            // Whether anything is known of the material's restrictions matters to every period.
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

    /// A purity touches the markets with flows of its code.
    fn add_baskets(&mut self, turn: &Turn) {
        if !self.parameters.contains_key(PURITY) {
            return;
        }
        for book in [&turn.old, &turn.new] {
            for (market, _) in book.markets(Knowledge::NOW).into_iter().filter(|(_, tables)| tables.flows) {
                let codes: BTreeSet<_> = self.spans(PURITY, market).flat_map(|span| &span.items).collect();
                let flows = book.view(market, Knowledge::NOW).flows.filter(|_| !codes.is_empty());
                if flows.is_some_and(|trade| has_any(&trade, &codes)) {
                    self.flows.insert(market, Whose::All);
                }
            }
        }
    }
}

/// Whether any flow is of one of these codes.
fn has_any(trade: &Trade<'_>, codes: &BTreeSet<&String>) -> bool {
    trade.codes().iter().any(|code| codes.iter().any(|other| *other == code))
}

/// The markets that a turn may touch: those that its release is about; those of which it says what product codes its dataset holds,
/// or whose reports are there; those within a scope that is stated for it; all of them where the source policy is revised.
fn considered(turn: &Turn) -> BTreeSet<Market> {
    let mut all = turn.markets();
    let (stages, contents) = (turn.stages(), turn.contents());
    let scoped = |market: &Market| contents.iter().any(|content| content.covers(market.period));
    for book in [&turn.old, &turn.new] {
        let known = book.markets(Knowledge::NOW).into_keys();
        let reached = |market: &Market| {
            turn.is_policy() || stages.contains(&(market.material, market.stage)) || scoped(market)
        };
        all.extend(known.filter(reached));
    }
    all
}

/// What tells the rows of one parameter, economy and period apart: partner and item.
type Id<'a> = (Option<Who>, &'a str);

/// A parameter of one economy by the period from which it holds.
type Series<'a> = BTreeMap<Period, Side<'a, Parameter>>;

/// Where a parameter differs because its rows of one period do. None: they do not.
fn span(key: &Holding, old: &Series<'_>, new: &Series<'_>) -> Option<Span> {
    let (before, after) = (cells(old.get(&key.period)), cells(new.get(&key.period)));
    let ids = before.keys().chain(after.keys()).filter(|id| before.get(*id) != after.get(*id));
    let ids: BTreeSet<_> = ids.copied().collect();
    // A row that no later one replaces holds for ever.
    let next = |id: &Id<'_>| {
        let (old, new) = (next(old, key.period, id), next(new, key.period, id));
        old.zip(new).map_or(Date::MAX, |(old, new)| old.max(new))
    };
    let until = ids.iter().map(next).max()?;
    let until = (until < Date::MAX).then_some(until);
    let items = ids.iter().map(|(_, item)| (*item).to_owned()).collect();
    Some(Span { stage: key.stage, from: key.period.start(), until, items })
}

/// What the rows of a side say, to the bit. Of rows about the same the first counts, as it does in a look-up.
fn cells<'a>(side: Option<&Side<'a, Parameter>>) -> BTreeMap<Id<'a>, (Status, u64)> {
    let mut cells = BTreeMap::new();
    for row in side.map_or(&[][..], |side| side.rows) {
        let item = side.map_or("", |side| side.content.product(row.item));
        let cell = (row.value.status, row.value.number.to_bits());
        cells.entry((row.partner, item)).or_insert(cell);
    }
    cells
}

/// First day of the next period with a row about the same.
fn next(series: &Series<'_>, after: Period, id: &Id<'_>) -> Option<Date> {
    let later = series.range((Excluded(after), Unbounded));
    let mut later = later.filter(|(_, side)| has(side, id));
    later.next().map(|(period, _)| period.start())
}

fn has(side: &Side<'_, Parameter>, (partner, item): &Id<'_>) -> bool {
    let Some(item) = side.content.index_of(item) else { return false };
    let key = |row: &Parameter| (row.partner, row.item);
    side.rows.binary_search_by_key(&(*partner, item), key).is_ok()
}
