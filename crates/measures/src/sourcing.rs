//! Who supplies a market, and what follows from it.

use std::ops::Add as _;

use crate::concentration::{self, NOTHING, effective};
use crate::{Amount, Concentration, Estimate, Interval, Status};

const WITHHELD: &str = "the publisher withholds the figure of this supplier";
const UNAVAILABLE: &str = "no source gives the figure of this supplier";
const BOUNDED: &str = "only bounds are known of the amount of this supplier";
const INCOMPLETE: &str = "the amounts of some suppliers are not known";
const UNLISTED: &str = "the source does not list this supplier: at most it is all of the residual";
const RESIDUAL: &str = "the residual is not broken down by supplier";

/// Who supplies how much of a market, and the residual: what the source gives for suppliers it does not list.
///
/// Suppliers are kept in the order of their keys, and every sum runs in that order.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourcing<K> {
    suppliers: Vec<(K, Amount)>,
    residual: Amount,
    totals: Totals,
}

/// Sums over suppliers and residual.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Totals {
    /// Known parts of the suppliers.
    named: f64,
    /// Known parts of suppliers and residual.
    best: f64,
    low: f64,
    /// Sum of the finite upper bounds.
    high: f64,
    /// How many amounts have no upper bound.
    unbounded: usize,
    /// Every amount is known.
    exact: bool,
}

impl Totals {
    fn over<K>(suppliers: &[(K, Amount)], residual: Amount) -> Self {
        let mut totals = Self { named: 0.0, best: 0.0, low: 0.0, high: 0.0, unbounded: 0, exact: true };
        for (_, amount) in suppliers {
            totals.named += amount.best().unwrap_or(0.0);
            totals.add(*amount);
        }
        totals.add(residual);
        totals
    }

    fn add(&mut self, amount: Amount) {
        self.best += amount.best().unwrap_or(0.0);
        self.low += amount.low();
        if amount.high().is_finite() {
            self.high += amount.high();
        } else {
            self.unbounded += 1;
        }
        self.exact &= amount.is_known();
    }
}

impl<K: Copy + Ord> Sourcing<K> {
    /// A market. Amounts of the same supplier add up, in the order given; a market without residual has
    /// [`Amount::NOTHING`].
    pub fn new(suppliers: impl IntoIterator<Item = (K, Amount)>, residual: Amount) -> Self {
        let mut suppliers: Vec<_> = suppliers.into_iter().collect();
        suppliers.sort_by_key(|(key, _)| *key);
        suppliers.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1 + next.1;
            }
            same
        });
        let totals = Totals::over(&suppliers, residual);
        Self { suppliers, residual, totals }
    }

    /// The suppliers, by key.
    #[must_use]
    pub fn suppliers(&self) -> &[(K, Amount)] {
        &self.suppliers
    }

    /// What the source gives for suppliers it does not list.
    #[must_use]
    pub fn residual(&self) -> Amount {
        self.residual
    }

    /// All suppliers and the residual together.
    #[must_use]
    pub fn total(&self) -> Amount {
        self.suppliers
            .iter()
            .map(|(_, amount)| *amount)
            .chain([self.residual])
            .reduce(Amount::add)
            .unwrap_or(self.residual)
    }

    /// Share of a supplier, `a_i / sum(a)`, 0 to 1.
    ///
    /// With amounts between bounds: low `l_i / (l_i + sum of the others' h)`, high `h_i / (h_i + sum of the others' l)`.
    /// A supplier that is not listed has nothing, except where there is a residual, which may be all its own.
    #[must_use]
    pub fn share(&self, supplier: K) -> Estimate {
        match self.suppliers.binary_search_by_key(&supplier, |(key, _)| *key) {
            Ok(index) => self
                .suppliers
                .get(index)
                .map_or_else(|| self.unlisted(), |(_, amount)| self.share_of(*amount)),
            Err(_) => self.unlisted(),
        }
    }

    /// Shares of all suppliers, by key.
    pub fn shares(&self) -> impl Iterator<Item = (K, Estimate)> {
        self.suppliers.iter().map(|(key, amount)| (*key, self.share_of(*amount)))
    }

    /// Share of the residual, as far as it is not broken down.
    #[must_use]
    pub fn residual_share(&self) -> Estimate {
        self.share_of(self.residual)
    }

    /// Herfindahl-Hirschman index, `10000 * sum(s_i^2)` over the suppliers' shares, 0 to 10000.
    ///
    /// The best value and the lower bound spread the residual over so many suppliers that it adds nothing; the upper bound
    /// gives it to one supplier. Amounts between bounds enter so that the bounds hold for every completion.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let best = self.best_total().map(|total| concentration::hhi(self.bests().map(|best| best / total)));
        match best {
            Some(value) if self.totals.exact && self.residual.is_nothing() => Estimate::known(value),
            _ => {
                let low = concentration::low(&self.suppliers, self.residual);
                let high = concentration::high(&self.all_bounds());
                self.uncertain(Estimate::between(best, low, high))
            }
        }
    }

    /// Effective number of suppliers, `10000 / HHI`: so many equal suppliers would be as concentrated. At least 1.
    #[must_use]
    pub fn effective_suppliers(&self) -> Estimate {
        effective(self.hhi())
    }

    /// Sum of the `N` largest shares, 0 to 1, with the suppliers it names: largest first, equal ones by key. Suppliers without
    /// a known amount above zero are not named.
    ///
    /// The residual is no supplier; the upper bound allows that it is one.
    #[must_use]
    pub fn top<const N: usize>(&self) -> (Estimate, Vec<K>) {
        if self.is_nothing() {
            return (Estimate::missing(Status::NotApplicable, NOTHING), Vec::new());
        }
        let ranked = self.ranked(N);
        let value =
            self.best_total().map(|total| ranked.iter().fold(0.0, |sum, (_, best)| sum + best / total));
        let names = ranked.iter().map(|(key, _)| *key).collect();
        let exact = self.totals.exact.then_some(value).flatten();
        let estimate = match exact {
            Some(value) if self.residual_below(&ranked, N) => {
                Estimate::known(value).with_coverage(self.coverage())
            }
            _ => {
                let low = sum_of_largest::<N>(self.bounds().map(|share| share.low));
                let high =
                    sum_of_largest::<N>(self.all_bounds().into_iter().map(|share| share.high)).min(1.0);
                self.uncertain(Estimate::between(value, low, high))
            }
        };
        (estimate, names)
    }

    /// HHI, effective suppliers, top-1 and top-3 share with their names: the same as one by one, in less time.
    #[must_use]
    pub fn concentration(&self) -> Concentration<K> {
        if self.totals.exact && self.residual.is_nothing() {
            let bests = self.bests();
            return Concentration::of_known(self.suppliers.iter().map(|(key, _)| *key).zip(bests));
        }
        if self.is_nothing() {
            return Concentration::of_nothing(self.total());
        }
        let hhi = self.hhi();
        let (top3, names) = self.top::<3>();
        let mut names = names.into_iter();
        Concentration {
            total: self.total(),
            hhi,
            suppliers: effective(hhi),
            top1: self.top::<1>().0,
            top3,
            names: std::array::from_fn(|_| names.next()),
        }
    }

    /// The `n` largest suppliers by known amount, equal ones by key.
    fn ranked(&self, n: usize) -> Vec<(K, f64)> {
        let known = self.suppliers.iter().filter_map(|(key, amount)| Some((*key, amount.best()?)));
        let mut ranked: Vec<_> = known.filter(|(_, best)| *best > 0.0).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(n);
        ranked
    }

    /// Whether the residual, were it one supplier, would not be among those ranked.
    fn residual_below(&self, ranked: &[(K, f64)], n: usize) -> bool {
        let last = ranked.last().filter(|_| ranked.len() == n).map_or(0.0, |(_, best)| *best);
        self.residual.high() <= last
    }

    fn share_of(&self, amount: Amount) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let value = self.best_total().and_then(|total| amount.best().map(|best| best / total));
        match value {
            Some(value) if self.totals.exact => Estimate::known(value),
            _ => {
                let Interval { low, high } = self.bounds_of(amount);
                let (status, reason) = share_reason(amount);
                Estimate::between(value, low, high)
                    .with_coverage(self.known_part(self.totals.best))
                    .because(status, reason)
            }
        }
    }

    fn unlisted(&self) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        if self.residual.is_nothing() {
            return Estimate::known(0.0);
        }
        let high = self.bounds_of(self.residual).high;
        let coverage = self.known_part(self.totals.named);
        Estimate::between(None, 0.0, high).with_coverage(coverage).because(Status::Partial, UNLISTED)
    }

    fn is_nothing(&self) -> bool {
        self.totals.unbounded == 0 && self.totals.high <= 0.0
    }

    /// The sum of what is known, if it is something.
    fn best_total(&self) -> Option<f64> {
        Some(self.totals.best).filter(|best| *best > 0.0)
    }

    fn bests(&self) -> impl Iterator<Item = f64> + Clone {
        self.suppliers.iter().map(|(_, amount)| amount.best().unwrap_or(0.0))
    }

    fn bounds_of(&self, amount: Amount) -> Interval {
        let unbounded = self.totals.unbounded - usize::from(amount.high().is_infinite());
        let own_high = if amount.high().is_finite() { amount.high() } else { 0.0 };
        let others_low = (self.totals.low - amount.low()).max(0.0);
        let others_high = if unbounded > 0 { f64::INFINITY } else { (self.totals.high - own_high).max(0.0) };
        concentration::share(Interval::from(amount), Interval { low: others_low, high: others_high })
    }

    fn bounds(&self) -> impl Iterator<Item = Interval> {
        self.suppliers.iter().map(|(_, amount)| self.bounds_of(*amount))
    }

    /// Bounds of every supplier's share, and of the residual's as if it were one.
    fn all_bounds(&self) -> Vec<Interval> {
        self.bounds().chain([self.bounds_of(self.residual)]).collect()
    }

    fn uncertain(&self, estimate: Estimate) -> Estimate {
        let reason = if self.totals.exact { RESIDUAL } else { INCOMPLETE };
        estimate.with_coverage(self.coverage()).because(Status::Partial, reason)
    }

    /// Least share of the total that suppliers with a known amount make up.
    fn coverage(&self) -> Option<f64> {
        self.known_part(self.totals.named)
    }

    fn known_part(&self, known: f64) -> Option<f64> {
        let bounded = self.totals.unbounded == 0 && self.totals.high > 0.0;
        bounded.then(|| (known / self.totals.high).clamp(0.0, 1.0))
    }
}

/// Status and reason of a share in a market that is not wholly known.
fn share_reason(amount: Amount) -> (Status, &'static str) {
    match amount.status() {
        Status::Withheld => (Status::Withheld, WITHHELD),
        Status::Unavailable => (Status::Unavailable, UNAVAILABLE),
        Status::Partial if amount.best().is_none() => (Status::Partial, BOUNDED),
        _ => (Status::Partial, INCOMPLETE),
    }
}

fn sum_of_largest<const N: usize>(shares: impl Iterator<Item = f64>) -> f64 {
    let mut shares: Vec<_> = shares.collect();
    shares.sort_by(|a, b| b.total_cmp(a));
    shares.iter().take(N).sum()
}
