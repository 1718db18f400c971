//! What a turn of the book touched, and whose figures may differ for it.
//!
//! A turn touches a key of a table (a market's flows, an indicator's year, a parameter, an economy's restrictions) if what the
//! newest visible release says of it differs between the book before and after, to the bit. Figures may differ in the
//! markets whose families look at something touched ([`Reach`]), and only these are computed anew:
//!
//! - flows and output: the market itself; the other stages of its material and period, and later periods, for families that
//!   look there;
//! - governance: every market whose families look at the year;
//! - parameters: the markets of the material (or of all) from the parameter's period until the next one of the same economy,
//!   partner and item;
//! - restrictions: the markets of the material and stage whose period lies in a time in force.

mod same;
mod touched;

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Stage;

use crate::book::{Knowledge, Market};
use crate::evolve::Turn;
use crate::figures::{Family, Reach, families};
use crate::scope::before;
use touched::Touched;

/// Families, in the order of their list.
pub type Families = Vec<&'static dyn Family>;

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
        let reached =
            reaches.iter().filter(|(_, reach)| comes_or_goes || is_reached(reach, market, &touched));
        let reached: Families = reached.map(|(family, _)| *family).collect();
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

/// Whether something that was touched is within reach of a market's figures.
fn is_reached(reach: &Reach, market: Market, touched: &Touched) -> bool {
    looked_at(reach, market).any(|market| {
        reach.flows && touched.flows(market)
            || reach.output && touched.output(market)
            || reach.governance.is_some_and(|back| touched.governance(market.period, back))
            || reach.parameters.iter().any(|name| touched.parameter(name, market))
            || reach.restrictions && touched.restrictions(market)
    })
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
