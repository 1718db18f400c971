//! Which figures may differ after a revision of the book.
//!
//! A revision touches a key of a table (a market's flows, an indicator's year, a parameter, an economy's
//! restrictions) if its rows differ between the books before and after, to the bit. Figures may differ in the
//! markets whose families depend on something touched ([`Reach`]), and only these are recomputed:
//!
//! - flows: in the market itself the figures of the economies whose trade differs, of their blocs and of the
//!   world, or of everyone for families that use the trade of others; likewise in the other stages of its
//!   material and period, and in later periods, for families that use these, or where an economy has not
//!   reported;
//! - output: the market itself and the same others;
//! - governance: every market whose families use the year;
//! - parameters: the markets of the material (or of all) from the parameter's period until the next one of
//!   the same economy, partner and item;
//! - restrictions: the markets of the material and stage whose period lies in a time in force.

mod same;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::{Bloc, WORLD, blocs};
use orewatch_measures::{Measure, Weight};

use crate::book::{EconomyId, Knowledge, Market};
use crate::evolve::BookRevision;
use crate::figures::{Family, FigureFilter, Reach, families};
use same::AffectedEconomies;
use touched::Touched;

/// Families whose figures may differ, in the order of their list, each with the consumers concerned.
pub type Families = Vec<(&'static dyn Family, Affected)>;

/// The consumers whose figures may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affected {
    /// All consumers.
    Everyone,
    /// These consumers, by code.
    Consumers(Arc<BTreeSet<&'static str>>),
}

impl FigureFilter for Affected {
    fn consumer(&self, code: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Consumers(codes) => codes.contains(code),
        }
    }
    fn measure(&self, _: Measure) -> bool {
        true
    }
    fn weight(&self, _: Weight) -> bool {
        true
    }
    fn supplier(&self, _: Option<EconomyId>) -> bool {
        true
    }
}

/// The markets whose figures may differ after a revision, with the families concerned. A market that the
/// release has rows of is included even if nothing in it differs, without families.
#[must_use]
pub fn dependents(revision: &BookRevision) -> BTreeMap<Market, Families> {
    dependents_of(families(), revision)
}

/// [`dependents`] for some families only.
#[must_use]
pub fn dependents_of(
    families: &[&'static dyn Family],
    revision: &BookRevision,
) -> BTreeMap<Market, Families> {
    let touched = Touched::from_revision(revision);
    let reaches: Vec<_> = families.iter().map(|family| (*family, family.reach())).collect();
    let [old, new] = [&revision.old, &revision.new].map(|book| book.markets(Knowledge::NOW));
    // A replica that shares the work decides about the materials that it holds.
    let is_held = |market: &Market| revision.new.holds(market.material);
    let known: BTreeSet<_> = old.keys().chain(new.keys()).copied().filter(is_held).collect();
    let mut all = BTreeMap::new();
    for market in known {
        // When a market appears or disappears, so do all of its figures.
        let comes_or_goes = old.contains_key(&market) != new.contains_key(&market);
        let affected = |reach: &Reach| {
            if comes_or_goes {
                Some(AffectedEconomies::All)
            } else {
                affected_economies(reach, market, &touched)
            }
        };
        let mut consumers = Consumers::new(market);
        let reached = reaches
            .iter()
            .filter_map(|(family, reach)| Some((*family, consumers.affected_by(affected(reach)?, reach))));
        let reached: Families = reached.collect();
        if !reached.is_empty() {
            all.insert(market, reached);
        }
    }
    // A release is applied even where it changes nothing, so that followers learn how far the log has come.
    for market in revision.markets().into_iter().filter(is_held) {
        all.entry(market).or_default();
    }
    all
}

/// The economies whose figures of a market may differ, given what the figures depend on. `None`: no figures
/// differ.
fn affected_economies(reach: &Reach, market: Market, touched: &Touched) -> Option<AffectedEconomies> {
    let mut whose = AffectedEconomies::NOBODY;
    for looked_at in reach.markets(market) {
        let other = reach.output && touched.output(looked_at)
            || reach.governance.is_some_and(|back| touched.governance(looked_at.period, back))
            || reach.parameters.iter().any(|name| touched.parameter(name, looked_at))
            || reach.restrictions && touched.restrictions(looked_at);
        if other {
            return Some(AffectedEconomies::All);
        }
        if let Some(flows) = touched.flows(looked_at).filter(|_| reach.flows) {
            whose.and(flows);
        }
    }
    (!whose.is_nobody()).then_some(whose)
}

/// From economies whose trade differs to consumers. The last result is kept, since families mostly ask the
/// same.
struct Consumers {
    market: Market,
    last: Option<(BTreeSet<EconomyId>, Affected)>,
}

impl Consumers {
    fn new(market: Market) -> Self {
        Self { market, last: None }
    }

    /// The consumers whose figures may differ. For measures of a consumer's own trade, these are the
    /// economies, the blocs that they belong to, and the world; for measures of the network, all.
    fn affected_by(&mut self, whose: AffectedEconomies, reach: &Reach) -> Affected {
        let AffectedEconomies::Some(economies) = whose else { return Affected::Everyone };
        if reach.network {
            return Affected::Everyone;
        }
        if let Some((_, affected)) = self.last.as_ref().filter(|(last, _)| *last == economies) {
            return affected.clone();
        }
        let known: Vec<_> = economies.iter().filter_map(|economy| economy.economy()).collect();
        let is_touched =
            |bloc: &&Bloc| bloc.members(self.market.period).iter().any(|member| known.contains(member));
        let blocs = blocs().iter().filter(is_touched).map(|bloc| bloc.code);
        let codes = economies.iter().map(|economy| economy.code()).chain(blocs).chain([WORLD]);
        let affected = Affected::Consumers(Arc::new(codes.collect()));
        self.last = Some((economies, affected.clone()));
        affected
    }
}
