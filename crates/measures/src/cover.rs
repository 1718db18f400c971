//! N-1 cover: demand that can be met without the largest supplier.

use crate::doubt::Doubt;
use crate::{Amount, Estimate, Interval, Sourcing, Status, Term, Terms};

const NO_SUPPLY: &str = "nothing is supplied: there is no largest supplier";
const NO_DEMAND: &str = "nobody but the largest supplier uses any";
const INCOMPLETE: &str = "some of supply and demand is not known";
const OWN_USE: &str = "the source does not say how much the largest supplier uses itself";

/// The N-1 test of the International Energy Agency: could the rest of the world meet its own demand without
/// the largest supplier? Supply and demand are of one material at one stage in one period, in tonnes of one
/// basis.
#[derive(Clone, Copy, Debug)]
pub struct Cover<'a, K> {
    /// Output by economy, `S`.
    pub supply: &'a Sourcing<K>,
    /// Observed or apparent consumption by economy, `D`. An economy whose apparent consumption is negative
    /// has to enter with unknown demand, not with none.
    pub demand: &'a Sourcing<K>,
}

/// Supply and demand of all others, given which supplier is the largest.
#[derive(Clone, Copy)]
struct Others {
    supply: Interval,
    demand: Interval,
}

impl<K: Copy + Ord> Cover<'_, K> {
    /// `(S - S1) / (D - D1)`: supply without the largest supplier over demand without that supplier's own, a
    /// ratio of at least 0. Below 1 the others fall short. Also returns the largest supplier by known output,
    /// the first by key of equal ones.
    ///
    /// The bounds allow for every supplier that may be the largest, for a residual that may be one supplier,
    /// and for amounts of unknown origin that may come from anyone. There is no best estimate if the demand
    /// of the largest supplier is in a residual: it is then anything up to that, and taking none would state
    /// the lower bound as the figure. NOT_APPLICABLE where nothing is supplied, or where no other economy has
    /// demand.
    ///
    /// Source: International Energy Agency, Global Critical Minerals Outlook 2025.
    #[must_use]
    pub fn estimate(&self) -> (Estimate, Option<K>) {
        if Interval::from(self.supply.total()).high <= 0.0 {
            return (Estimate::missing(Status::NotApplicable, NO_SUPPLY), None);
        }
        let largest = self.largest();
        let value = largest.and_then(|largest| self.value(largest));
        let doubt = self.doubt(largest);
        if largest.is_some_and(|largest| self.hides_demand_of(largest)) {
            return (doubt.with_reason(OWN_USE).estimate(None, self.bounds()), largest);
        }
        let estimate = match (doubt.is_none(), value) {
            (true, None) => Estimate::missing(Status::NotApplicable, NO_DEMAND),
            _ => doubt.estimate(value, self.bounds()),
        };
        (estimate, largest)
    }

    /// The terms `S`, `S1`, `D` and `D1` of `n1-cover`, in tonnes.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let own =
            |sourcing: &Sourcing<K>| self.largest().map_or(Amount::NOTHING, |key| amount_of(sourcing, key));
        vec![
            Term::new("S", self.supply.total().estimate(), "t"),
            Term::new("S1", own(self.supply).estimate(), "t"),
            Term::new("D", self.demand.total().estimate(), "t"),
            Term::new("D1", own(self.demand).estimate(), "t"),
        ]
    }

    fn largest(&self) -> Option<K> {
        self.supply.top::<1>().1.first().copied()
    }

    /// Whether the demand of a supplier is part of the residual of demand.
    fn hides_demand_of(&self, supplier: K) -> bool {
        let is_listed = self.demand.suppliers().binary_search_by_key(&supplier, |(key, _)| *key).is_ok();
        !is_listed && self.demand.unlisted().high() > 0.0
    }

    /// The ratio of the known parts. `None`: the others have no known demand.
    fn value(&self, largest: K) -> Option<f64> {
        let rest = |sourcing: &Sourcing<K>| {
            let known = |amount: Amount| amount.best().unwrap_or(0.0);
            let others = sourcing.suppliers().iter().filter(|(key, _)| *key != largest);
            others.map(|(_, amount)| known(*amount)).sum::<f64>() + known(sourcing.residual())
        };
        let demand = rest(self.demand);
        (demand > 0.0).then(|| rest(self.supply) / demand)
    }

    fn doubt(&self, largest: Option<K>) -> Doubt {
        let both = [self.supply.total(), self.demand.total()].map(|sum| Doubt::from_amount(sum, INCOMPLETE));
        let partial = Doubt::new(Status::Partial, INCOMPLETE);
        let known_largest = largest.is_some_and(|key| {
            let listed = amount_of(self.supply, key).low() >= self.supply.residual().high();
            let all_named =
                [self.supply, self.demand].iter().all(|sourcing| sourcing.unknown_origin().is_nothing());
            listed && all_named && amount_of(self.demand, key).is_known()
        });
        let certain = if known_largest { Doubt::NONE } else { partial };
        both.into_iter().fold(certain, Doubt::and).with_reason(INCOMPLETE)
    }

    /// Bounds of the ratio over all suppliers that may be the largest.
    fn bounds(&self) -> Interval {
        let threshold = self.supply.suppliers().iter().map(|(_, amount)| amount.low()).fold(0.0, f64::max);
        let unknown = self.supply.unknown_origin().high();
        let may_be = |amount: Amount| {
            let most = amount.high() + unknown;
            most > 0.0 && most >= threshold
        };
        let listed = self.supply.suppliers().iter().filter(|(_, amount)| may_be(*amount));
        let listed = listed.map(|(key, _)| self.without(*key));
        let unlisted = may_be(self.supply.unlisted()).then(|| self.without_unlisted(threshold));
        let all = listed.chain(unlisted).map(|others| others.supply.over(others.demand));
        all.reduce(Interval::hull).unwrap_or(Interval::POSITIVE)
    }

    fn without(&self, largest: K) -> Others {
        let supply = rest(self.supply, largest).plus(Interval::from(self.supply.unlisted()));
        let listed = self.demand.suppliers().binary_search_by_key(&largest, |(key, _)| *key).is_ok();
        let residual = Interval::from(self.demand.unlisted());
        // The residual of demand may be all that of an economy that is not listed.
        let residual = if listed { residual } else { Interval::new(0.0, residual.high) };
        let demand = rest(self.demand, largest).plus(residual);
        // What is of unknown origin may or may not be the largest supplier's.
        let open = |sourcing: &Sourcing<K>| Interval::new(0.0, sourcing.unknown_origin().high());
        Others { supply: supply.plus(open(self.supply)), demand: demand.plus(open(self.demand)) }
    }

    /// The largest supplier is not listed: one of the residual, at least as large as the largest listed one.
    fn without_unlisted(&self, threshold: f64) -> Others {
        let supply = listed(self.supply);
        let more = (self.supply.residual().high() - threshold).max(0.0);
        let demand = listed(self.demand);
        let own = self.demand.suppliers().iter().map(|(_, amount)| amount.low()).fold(0.0, f64::max);
        let residual = self.demand.residual().high();
        Others {
            supply: Interval::new(supply.low, supply.high + more),
            demand: Interval::new((demand.low - own).max(0.0), demand.high + residual),
        }
    }
}

/// The amount of an economy; of one that is not listed, at most the residual.
fn amount_of<K: Copy + Ord>(sourcing: &Sourcing<K>, key: K) -> Amount {
    let index = sourcing.suppliers().binary_search_by_key(&key, |(key, _)| *key).ok();
    let unlisted = match sourcing.residual() {
        residual if residual.high() > 0.0 => Amount::between(0.0, residual.high()),
        _ => Amount::NOTHING,
    };
    index.and_then(|index| sourcing.suppliers().get(index)).map_or(unlisted, |(_, amount)| *amount)
}

/// Bounds of the sum of all other listed economies.
fn rest<K: Copy + Ord>(sourcing: &Sourcing<K>, without: K) -> Interval {
    let others = sourcing.suppliers().iter().filter(|(key, _)| *key != without);
    others.map(|(_, amount)| Interval::from(*amount)).fold(Interval::ZERO, Interval::plus)
}

/// Bounds of the sum of all listed economies.
fn listed<K: Copy + Ord>(sourcing: &Sourcing<K>) -> Interval {
    let all = sourcing.suppliers().iter().map(|(_, amount)| Interval::from(*amount));
    all.fold(Interval::ZERO, Interval::plus)
}
