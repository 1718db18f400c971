//! Cover of demand without the largest supplier.

use crate::doubt::Doubt;
use crate::{Amount, Estimate, Interval, Sourcing, Status, Term, Terms};

const NO_SUPPLY: &str = "nothing is supplied: there is no largest supplier";
const NO_DEMAND: &str = "nobody but the largest supplier uses any";
const INCOMPLETE: &str = "some of supply and demand is not known";

/// The N-1 test of the International Energy Agency: could the rest of the world meet its own demand without the largest
/// supplier? Supply and demand are of one material at one stage in one period, in tonnes of one basis.
#[derive(Clone, Copy, Debug)]
pub struct Cover<'a, K> {
    /// Output by economy, `S`.
    pub supply: &'a Sourcing<K>,
    /// Observed or apparent consumption by economy, `D`. An economy whose statistics leave less than nothing for its own use
    /// enters as one of unknown demand, not as one of none.
    pub demand: &'a Sourcing<K>,
}

/// What one candidate for the largest supplier leaves to the others.
#[derive(Clone, Copy)]
struct Others {
    supply: Interval,
    demand: Interval,
}

impl<K: Copy + Ord> Cover<'_, K> {
    /// `(S - S1) / (D - D1)`: supply without the largest supplier over demand without that supplier's own, at least 0; below
    /// 1 the others fall short. With it comes the largest supplier by known output, the first by key among equal ones.
    ///
    /// The bounds allow for each supplier that may be the largest, for a residual that may be one supplier, and for anybody to
    /// be the origin of what is of unknown origin.
    /// NOT_APPLICABLE where nothing is supplied, or where nobody else uses any.
    #[must_use]
    pub fn estimate(&self) -> (Estimate, Option<K>) {
        if Interval::from(self.supply.total()).high <= 0.0 {
            return (Estimate::missing(Status::NotApplicable, NO_SUPPLY), None);
        }
        let largest = self.largest();
        let value = largest.and_then(|largest| self.value(largest));
        let doubt = self.doubt(largest);
        let estimate = match (doubt.is_none(), value) {
            (true, None) => Estimate::missing(Status::NotApplicable, NO_DEMAND),
            _ => doubt.figure(value, self.bounds()),
        };
        (estimate, largest)
    }

    /// The terms of `n1-cover`: total and largest supply, total demand and that of the largest supplier.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let own = |sourcing: &Sourcing<K>| self.largest().map_or(Amount::NOTHING, |key| of(sourcing, key));
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

    /// From the known parts. None: the others have no known demand.
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
        let both = [self.supply.total(), self.demand.total()].map(|sum| Doubt::of_amount(sum, INCOMPLETE));
        let partial = Doubt::because(Status::Partial, INCOMPLETE);
        let known_largest = largest.is_some_and(|key| {
            let listed = of(self.supply, key).low() >= self.supply.residual().high();
            let all_named = [self.supply, self.demand].iter().all(|of| of.unknown_origin().is_nothing());
            listed && all_named && of(self.demand, key).is_known()
        });
        let certain = if known_largest { Doubt::NONE } else { partial };
        both.into_iter().fold(certain, Doubt::and).saying(INCOMPLETE)
    }

    /// Over all that may be the largest.
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
        // What is of unknown origin may be the largest supplier's or not.
        let open = |sourcing: &Sourcing<K>| Interval::new(0.0, sourcing.unknown_origin().high());
        Others { supply: supply.plus(open(self.supply)), demand: demand.plus(open(self.demand)) }
    }

    /// The largest supplier is one of the residual, at least as large as the largest that is listed.
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

/// What a key has: of one that is not listed, at most the residual.
fn of<K: Copy + Ord>(sourcing: &Sourcing<K>, key: K) -> Amount {
    let place = sourcing.suppliers().binary_search_by_key(&key, |(key, _)| *key).ok();
    let unlisted = match sourcing.residual() {
        residual if residual.high() > 0.0 => Amount::between(0.0, residual.high()),
        _ => Amount::NOTHING,
    };
    place.and_then(|place| sourcing.suppliers().get(place)).map_or(unlisted, |(_, amount)| *amount)
}

/// Bounds of what is listed under all other keys.
fn rest<K: Copy + Ord>(sourcing: &Sourcing<K>, without: K) -> Interval {
    let others = sourcing.suppliers().iter().filter(|(key, _)| *key != without);
    others.map(|(_, amount)| Interval::from(*amount)).fold(Interval::ZERO, Interval::plus)
}

fn listed<K: Copy + Ord>(sourcing: &Sourcing<K>) -> Interval {
    let all = sourcing.suppliers().iter().map(|(_, amount)| Interval::from(*amount));
    all.fold(Interval::ZERO, Interval::plus)
}
