//! What a turn of the book touched, and whose figures may differ for it.
//!
//! A turn touches a key of a table (a market's flows, an indicator's year, a parameter, an economy's restrictions) if what the
//! newest visible release says of it differs between the book before and after, to the bit. Figures may differ in the
//! markets whose families look at something touched ([`Reach`]), and only these are computed anew:
//!
//! - flows: in the market itself the figures of those whose trade differs, of the blocs that they belong to and of the world, or of
//!   everyone for families that look at the trade of others; and likewise in the other stages of its material and period, and in
//!   later periods, for families that look there, or where a member of a bloc has not reported;
//! - output: the market itself and the same others;
//! - governance: every market whose families look at the year;
//! - parameters: the markets of the material (or of all) from the parameter's period until the next one of the same economy,
//!   partner and item;
//! - restrictions: the markets of the material and stage whose period lies in a time in force.

mod same;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::{Bloc, Stage, WORLD, blocs};
use orewatch_measures::{Measure, Weight};

use crate::book::{EconomyId, Knowledge, Market};
use crate::evolve::Turn;
use crate::figures::{Family, Reach, Wanted, families};
use crate::scope::before;
use same::Whose;
use touched::Touched;

/// Families that may give other figures, in the order of their list, each with whose.
pub type Families = Vec<(&'static dyn Family, Affected)>;

/// Whose figures may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affected {
    /// Those of everyone.
    Everyone,
    /// Those of these consumers, by code.
    Consumers(Arc<BTreeSet<&'static str>>),
}

impl Wanted for Affected {
    fn consumer(&self, code: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Consumers(codes) => codes.contains(code),
        }
    }
    fn measure(&self, _: Measure) -> bool {
        true
    }
    fn by(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// The markets whose figures may differ after a turn, with the families that may give other figures. A market that the release
/// is about is there with no family if nothing of it differs.
#[must_use]
pub fn dependents(turn: &Turn) -> BTreeMap<Market, Families> {
    dependents_of(families(), turn)
}

/// The same for some families only.
#[must_use]
pub fn dependents_of(families: &[&'static dyn Family], turn: &Turn) -> BTreeMap<Market, Families> {
    let touched = Touched::by(turn);
    let reaches: Vec<_> = families.iter().map(|family| (*family, family.reach())).collect();
    let [old, new] = [&turn.old, &turn.new].map(|book| book.markets(Knowledge::NOW));
    let known: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    let mut all = BTreeMap::new();
    for market in known {
        // A market that comes or goes brings or takes every figure along, whatever it is computed from.
        let comes_or_goes = old.contains_key(&market) != new.contains_key(&market);
        let affected = |reach: &Reach| {
            if comes_or_goes { Some(Whose::All) } else { whose(reach, market, &touched) }
        };
        let mut consumers = Consumers::new(market);
        let reached = reaches
            .iter()
            .filter_map(|(family, reach)| Some((*family, consumers.of(affected(reach)?, reach))));
        let reached: Families = reached.collect();
        if !reached.is_empty() {
            all.insert(market, reached);
        }
    }
    // A release is applied also where it changes nothing: followers of the material learn how far the log has followed.
    for market in turn.markets() {
        all.entry(market).or_default();
    }
    all
}

/// Whose figures of a market may differ, as far as something that was touched is within reach of them. None: nobody's.
fn whose(reach: &Reach, market: Market, touched: &Touched) -> Option<Whose> {
    let mut whose = Whose::NOBODY;
    for looked_at in looked_at(reach, market) {
        let other = reach.output && touched.output(looked_at)
            || reach.governance.is_some_and(|back| touched.governance(looked_at.period, back))
            || reach.parameters.iter().any(|name| touched.parameter(name, looked_at))
            || reach.restrictions && touched.restrictions(looked_at);
        if other {
            return Some(Whose::All);
        }
        if let Some(flows) = touched.flows(looked_at).filter(|_| reach.flows) {
            whose.and(flows);
        }
    }
    (!whose.is_nobody()).then_some(whose)
}

/// Consumers of a market by whose trade differs; those of the last question are kept, as families mostly ask the same.
struct Consumers {
    market: Market,
    last: Option<(BTreeSet<EconomyId>, Affected)>,
}

impl Consumers {
    fn new(market: Market) -> Self {
        Self { market, last: None }
    }

    /// A measure of a consumer's own trade differs for the economies, the blocs that they belong to, and the world.
    fn of(&mut self, whose: Whose, reach: &Reach) -> Affected {
        let Whose::Some(economies) = whose else { return Affected::Everyone };
        if reach.network {
            return Affected::Everyone;
        }
        if let Some((_, affected)) = self.last.as_ref().filter(|(last, _)| *last == economies) {
            return affected.clone();
        }
        let known: Vec<_> = economies.iter().filter_map(|place| place.economy()).collect();
        let is_touched =
            |bloc: &&Bloc| bloc.members(self.market.period).iter().any(|member| known.contains(member));
        let blocs = blocs().iter().filter(is_touched).map(|bloc| bloc.code);
        let codes = economies.iter().map(|place| place.code()).chain(blocs).chain([WORLD]);
        let affected = Affected::Consumers(Arc::new(codes.collect()));
        self.last = Some((economies, affected.clone()));
        affected
    }
}

/// The markets that the figures of a market look at.
fn looked_at(reach: &Reach, market: Market) -> impl Iterator<Item = Market> {
    let (stages, earlier) = (reach.stages, reach.earlier);
    let periods = (0..=earlier).filter_map(move |n| before(market.period, n));
    periods.flat_map(move |period| {
        let here = move |stage: &Stage| stages || *stage == market.stage;
        Stage::ALL.into_iter().filter(here).map(move |stage| Market { stage, period, ..market })
    })
}
