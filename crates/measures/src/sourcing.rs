//! Who supplies a market: shares, concentration, largest suppliers.
//!
//! # Amounts without a supplier
//!
//! Residuals ([`Residual`]) stay in every sum. There are two sorts, which have different effects on bounds:
//!
//! | | suppliers that are not listed, `R` | of unknown origin, `U` |
//! | --- | --- | --- |
//! | may come from | any supplier that is not listed | any supplier |
//! | share of a listed supplier | `a / T` | `a / T` to `(a + U) / T` |
//! | share of one that is not listed | 0 to `R / T` | 0 to `U / T`, best 0 |
//! | HHI | `R` adds 0, or is one supplier | `U` adds 0, or all comes from the largest supplier |
//! | largest shares | as listed, or with `R` as one supplier | as listed, or `U` from one of the largest |
//! | coverage | part of `T` whose supplier is known | the same |
//!
//! `T` is the sum of everything. A residual of which only bounds are known enters each bound with the end
//! that makes it widest. The best value leaves a residual out where it has no known part.

use std::ops::Add as _;

use crate::concentration::{self, NOTHING, effective, sum_of_largest};
use crate::{Amount, Concentration, Estimate, Interval, Residual, Status};

const WITHHELD: &str = "the publisher withholds the figure of this supplier";
const UNAVAILABLE: &str = "no source gives the figure of this supplier";
const BOUNDED: &str = "only bounds are known of the amount of this supplier";
const INCOMPLETE: &str = "the amounts of some suppliers are not known";
const UNLISTED: &str = "the source does not list this supplier: at most it is all of the residual";
const RESIDUAL: &str = "the residual is not broken down by supplier";
const UNKNOWN_ORIGIN: &str = "a part of the total is of unknown origin: it may be of any supplier";

/// The suppliers of a market with their amounts, and the residuals: amounts that the source gives without a
/// supplier.
///
/// Suppliers are kept in the order of their keys, residuals in that of their kinds, and every sum runs in
/// that order.
///
/// ```
/// use orewatch_measures::{Amount, Residual, Sourcing, Status};
///
/// let partners = [("CHN", 40.0), ("VNM", 10.0)].map(|(key, t)| (key, Amount::known(t)));
/// let imports = Sourcing::with_residuals(partners, [(Residual::Unspecified, Amount::known(50.0))]);
/// let china = imports.share("CHN");
/// assert_eq!((china.value, china.low, china.high), (Some(0.4), Some(0.4), Some(0.9)));
/// assert_eq!((china.status, china.coverage), (Status::Partial, Some(0.5)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sourcing<K> {
    suppliers: Vec<(K, Amount)>,
    /// By kind. None of them is zero for certain.
    residuals: Vec<(Residual, Amount)>,
    /// Sum of the suppliers that are not listed.
    unlisted: Amount,
    /// Sum of the residuals of unknown origin.
    unknown: Amount,
    totals: Totals,
}

/// Sums over suppliers, listed or not, without what is of unknown origin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Totals {
    /// Known parts of the listed suppliers.
    named: f64,
    /// Known parts of all.
    best: f64,
    low: f64,
    /// Sum of the finite upper bounds.
    high: f64,
    /// Number of amounts without an upper bound.
    unbounded: usize,
    /// Every amount is known.
    exact: bool,
}

impl Totals {
    fn from_amounts<K>(suppliers: &[(K, Amount)], unlisted: Amount) -> Self {
        let mut totals = Self { named: 0.0, best: 0.0, low: 0.0, high: 0.0, unbounded: 0, exact: true };
        for (_, amount) in suppliers {
            totals.named += amount.best().unwrap_or(0.0);
            totals.add(*amount);
        }
        totals.add(unlisted);
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
    /// A market with one residual, that of suppliers which the source does not list ([`Amount::NOTHING`] for
    /// none). Amounts of the same supplier add up, in the given order.
    pub fn new(suppliers: impl IntoIterator<Item = (K, Amount)>, residual: Amount) -> Self {
        Self::with_residuals(suppliers, [(Residual::Unlisted, residual)])
    }

    /// A market with residuals of several kinds. Amounts of the same supplier and of the same kind add up, in
    /// the given order.
    pub fn with_residuals(
        suppliers: impl IntoIterator<Item = (K, Amount)>,
        residuals: impl IntoIterator<Item = (Residual, Amount)>,
    ) -> Self {
        let suppliers = added_up(suppliers);
        let residuals: Vec<_> =
            added_up(residuals).into_iter().filter(|(_, amount)| *amount != Amount::NOTHING).collect();
        let residual_sum = |unknown: bool| {
            let kinds = residuals.iter().filter(move |(kind, _)| kind.is_unknown_origin() == unknown);
            sum(kinds.map(|(_, amount)| *amount))
        };
        let (unlisted, unknown) = (residual_sum(false), residual_sum(true));
        let totals = Totals::from_amounts(&suppliers, unlisted);
        Self { suppliers, residuals, unlisted, unknown, totals }
    }

    /// The listed suppliers with their amounts, by key.
    #[must_use]
    pub fn suppliers(&self) -> &[(K, Amount)] {
        &self.suppliers
    }

    /// Sum of all residuals.
    #[must_use]
    pub fn residual(&self) -> Amount {
        sum([self.unlisted, self.unknown])
    }

    /// The residuals by kind. Kinds that are zero for certain are left out.
    #[must_use]
    pub fn residuals(&self) -> &[(Residual, Amount)] {
        &self.residuals
    }

    /// The residual of suppliers that the source does not list.
    #[must_use]
    pub fn unlisted(&self) -> Amount {
        self.unlisted
    }

    /// Sum of the residuals that may come from any supplier, listed or not: all but [`Residual::Unlisted`].
    #[must_use]
    pub fn unknown_origin(&self) -> Amount {
        self.unknown
    }

    /// Sum of all suppliers and residuals, `T`.
    #[must_use]
    pub fn total(&self) -> Amount {
        let listed = self.suppliers.iter().map(|(_, amount)| *amount).chain([self.unlisted]);
        let unknown = Some(self.unknown).filter(|unknown| *unknown != Amount::NOTHING);
        listed.chain(unknown).reduce(Amount::add).unwrap_or(self.unlisted)
    }

    /// Share of a supplier, `a_i / T`, 0 to 1, where `T` is the sum of everything.
    ///
    /// With amounts between bounds the lower bound is `l_i / (l_i + sum of the others' h)` and the upper
    /// bound `h_i / (h_i + sum of the others' l)`. What is of unknown origin counts for others in the lower
    /// bound and for the supplier in the upper one. A supplier that is not listed has 0, or, where there is a
    /// residual, up to all of it.
    #[must_use]
    pub fn share(&self, supplier: K) -> Estimate {
        match self.suppliers.binary_search_by_key(&supplier, |(key, _)| *key) {
            Ok(index) => self
                .suppliers
                .get(index)
                .map_or_else(|| self.unlisted_share(), |(_, amount)| self.share_of(*amount)),
            Err(_) => self.unlisted_share(),
        }
    }

    /// Shares of all listed suppliers, by key, 0 to 1.
    pub fn shares(&self) -> impl Iterator<Item = (K, Estimate)> {
        self.suppliers.iter().map(|(key, amount)| (*key, self.share_of(*amount)))
    }

    /// Share of all residuals together, 0 to 1.
    #[must_use]
    pub fn residual_share(&self) -> Estimate {
        let own = Interval::from(self.unlisted).plus(Interval::from(self.unknown));
        self.share_estimate(self.residual(), concentration::share(own, self.others(self.unlisted)))
    }

    /// Shares of the residuals by kind, 0 to 1.
    pub fn residual_shares(&self) -> impl Iterator<Item = (Residual, Estimate)> {
        self.residuals.iter().map(|(kind, amount)| {
            let residuals =
                self.residuals.iter().filter(|(other, _)| other != kind).map(|(_, amount)| *amount);
            let listed = self.suppliers.iter().map(|(_, amount)| *amount);
            let others = listed.chain(residuals).map(Interval::from).fold(Interval::ZERO, Interval::plus);
            (*kind, self.share_estimate(*amount, concentration::share(Interval::from(*amount), others)))
        })
    }

    /// Herfindahl-Hirschman index, `10000 * sum(s_i^2)` over the suppliers' shares, 0 to 10000.
    ///
    /// The best value and the lower bound spread residuals over so many suppliers that they add nothing. The
    /// upper bound gives what is not listed to one supplier, and what is of unknown origin to the supplier,
    /// listed or not, that makes the index largest. The bounds hold for every completion of amounts between
    /// bounds.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let best =
            self.best_total().map(|total| concentration::hhi(self.best_amounts().map(|best| best / total)));
        match best {
            Some(value) if self.is_exact() => Estimate::known(value),
            _ => {
                let low = concentration::min_hhi(&self.suppliers, self.residual());
                let high = self.max_over_receivers(concentration::max_hhi);
                self.uncertain(Estimate::between(best, low, high))
            }
        }
    }

    /// Effective number of suppliers, `10000 / HHI`: that many equal suppliers would be as concentrated. At
    /// least 1.
    #[must_use]
    pub fn effective_suppliers(&self) -> Estimate {
        effective(self.hhi())
    }

    /// Sum of the `N` largest shares, 0 to 1, with the names of these suppliers: largest first, equal ones by
    /// key. Suppliers without a known amount above zero are not named.
    ///
    /// A residual does not count as a supplier. The upper bound allows for one supplier that has all that is
    /// not listed, and for one of the largest having all that is of unknown origin.
    #[must_use]
    pub fn top<const N: usize>(&self) -> (Estimate, Vec<K>) {
        if self.is_nothing() {
            return (Estimate::missing(Status::NotApplicable, NOTHING), Vec::new());
        }
        let ranked = self.ranked(N);
        let value =
            self.best_total().map(|total| ranked.iter().fold(0.0, |sum, (_, best)| sum + best / total));
        let names = ranked.iter().map(|(key, _)| *key).collect();
        let exact = value.filter(|_| self.totals.exact && self.unknown.is_known());
        let estimate = match exact {
            Some(value) if self.is_residual_below(&ranked, N) => {
                Estimate::known(value).with_coverage(self.coverage())
            }
            _ => {
                let low = sum_of_largest::<N>(self.least_shares());
                let largest = |all: &[Interval]| sum_of_largest::<N>(all.iter().map(|share| share.high));
                let high = self.max_over_receivers(largest).min(1.0);
                self.uncertain(Estimate::between(value, low, high))
            }
        };
        (estimate, names)
    }

    /// HHI, effective suppliers, top-1 and top-3 shares together: the same bits as one by one, in less time.
    #[must_use]
    pub fn concentration(&self) -> Concentration<K> {
        if self.is_exact() {
            let keys = self.suppliers.iter().map(|(key, _)| *key);
            return Concentration::from_known(keys.zip(self.best_amounts()));
        }
        if self.is_nothing() {
            return Concentration::empty(self.total());
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

    /// Whether the residual, if it were one supplier, would not be among the ranked ones.
    fn is_residual_below(&self, ranked: &[(K, f64)], n: usize) -> bool {
        let last = ranked.last().filter(|_| ranked.len() == n).map_or(0.0, |(_, best)| *best);
        self.unknown.is_nothing() && self.unlisted.high() <= last
    }

    /// The share of a listed supplier with this amount.
    fn share_of(&self, amount: Amount) -> Estimate {
        let (own, others, unknown) = (Interval::from(amount), self.others(amount), self.unknown_range());
        if self.unknown.is_nothing() {
            return self.share_estimate(amount, concentration::share(own, others));
        }
        let low = concentration::share(own, add_ends(others, unknown)).low;
        let high = concentration::share(add_ends(own, unknown), others).high;
        let share = self.share_estimate(amount, Interval { low, high });
        let coverage = self.covered(self.totals.best);
        match share.status {
            Status::NotApplicable => share,
            Status::Known => Estimate::between(share.value, low, high)
                .with_coverage(coverage)
                .with_status(Status::Partial, UNKNOWN_ORIGIN),
            _ => share.with_coverage(coverage),
        }
    }

    /// The share of any part of the total as a figure, given its bounds.
    fn share_estimate(&self, amount: Amount, Interval { low, high }: Interval) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let value = self.best_total().and_then(|total| amount.best().map(|best| best / total));
        match value {
            Some(value) if self.totals.exact && self.unknown.is_known() => Estimate::known(value),
            _ => {
                let (status, reason) = share_reason(amount);
                let known = self.totals.best + self.unknown.best().unwrap_or(0.0);
                Estimate::between(value, low, high)
                    .with_coverage(self.covered(known))
                    .with_status(status, reason)
            }
        }
    }

    /// The share of a supplier that is not listed.
    fn unlisted_share(&self) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        if self.unlisted.is_nothing() && self.unknown.is_nothing() {
            return Estimate::known(0.0);
        }
        let own = Interval::from(self.unlisted).plus(self.unknown_range());
        let high = concentration::share(own, self.others(self.unlisted)).high;
        // A source that lists partners would list this one, so only what has no partner may come from it.
        let listed_nothing = self.unlisted.is_nothing() && self.best_total().is_some();
        let (value, reason) = if listed_nothing { (Some(0.0), UNKNOWN_ORIGIN) } else { (None, UNLISTED) };
        let coverage = self.covered(self.totals.named);
        Estimate::between(value, 0.0, high).with_coverage(coverage).with_status(Status::Partial, reason)
    }

    /// Whether the total is zero for certain.
    fn is_nothing(&self) -> bool {
        self.totals.unbounded == 0 && self.totals.high <= 0.0 && self.unknown.is_nothing()
    }

    /// Whether every amount is known and has a supplier.
    fn is_exact(&self) -> bool {
        self.totals.exact && self.residual().is_nothing() && self.unknown.is_known()
    }

    /// Sum of the known parts. `None`: it is zero.
    fn best_total(&self) -> Option<f64> {
        let best = self.totals.best + self.unknown.best().unwrap_or(0.0);
        Some(best).filter(|best| *best > 0.0)
    }

    fn best_amounts(&self) -> impl Iterator<Item = f64> + Clone {
        self.suppliers.iter().map(|(_, amount)| amount.best().unwrap_or(0.0))
    }

    /// How much of unknown origin may come from one supplier: between zero and all of it.
    fn unknown_range(&self) -> Interval {
        Interval { low: 0.0, high: self.unknown.high() }
    }

    /// Bounds of the sum over all suppliers, listed or not, but one.
    fn others(&self, amount: Amount) -> Interval {
        let unbounded = self.totals.unbounded - usize::from(amount.high().is_infinite());
        let own_high = if amount.high().is_finite() { amount.high() } else { 0.0 };
        let low = (self.totals.low - amount.low()).max(0.0);
        let high = if unbounded > 0 { f64::INFINITY } else { (self.totals.high - own_high).max(0.0) };
        Interval { low, high }
    }

    /// Lower bound of each listed supplier's share.
    fn least_shares(&self) -> impl Iterator<Item = f64> {
        let least = |amount| {
            concentration::share(Interval::from(amount), add_ends(self.others(amount), self.unknown_range()))
        };
        self.suppliers.iter().map(move |(_, amount)| least(*amount).low)
    }

    /// Upper bound of a figure that grows with concentration. `figure` computes it from bounds of every
    /// share, the unlisted suppliers counting as one; it is taken for each supplier that may receive all that
    /// is of unknown origin.
    fn max_over_receivers(&self, figure: impl Fn(&[Interval]) -> f64) -> f64 {
        let receivers = self.receivers().into_iter();
        receivers.map(|receiver| figure(&self.all_bounds(receiver))).fold(0.0, f64::max)
    }

    /// Bounds of every supplier's share, by key, the unlisted ones together last, if the supplier at index
    /// `receiver` also has what is of unknown origin.
    ///
    /// Where all amounts are known, concentration grows with what the receiver has, so it has all. Otherwise
    /// it has anything up to that, so that bounds never get narrower where more is unknown.
    pub(crate) fn all_bounds(&self, receiver: usize) -> Vec<Interval> {
        let unknown =
            if self.totals.exact { Interval::exact(self.unknown.high()) } else { self.unknown_range() };
        let bounds = |(index, amount)| {
            let (own, others) = (Interval::from(amount), self.others(amount));
            match receiver == index {
                true => concentration::share(add_ends(own, unknown), others),
                false => concentration::share(own, add_ends(others, unknown)),
            }
        };
        self.amounts().enumerate().map(bounds).collect()
    }

    /// Indices of the suppliers that may receive what is of unknown origin so that concentration is greatest:
    /// those that may have the largest amount. Any other supplier is always smaller than one of these.
    fn receivers(&self) -> Vec<usize> {
        let largest = self.amounts().map(|amount| amount.low()).enumerate();
        let (first, floor) =
            largest.fold((0, 0.0), |best, (index, low)| if low > best.1 { (index, low) } else { best });
        if self.unknown.is_nothing() {
            return vec![first];
        }
        let may_be = |(index, amount): &(usize, Amount)| *index == first || amount.high() > floor;
        self.amounts().enumerate().filter(may_be).map(|(index, _)| index).collect()
    }

    /// Amounts of the listed suppliers, by key, then of all unlisted ones together.
    fn amounts(&self) -> impl Iterator<Item = Amount> {
        self.suppliers.iter().map(|(_, amount)| *amount).chain([self.unlisted])
    }

    /// A partial figure with coverage and reason.
    fn uncertain(&self, estimate: Estimate) -> Estimate {
        let reason = match self.totals.exact {
            true if !self.unknown.is_nothing() => UNKNOWN_ORIGIN,
            true => RESIDUAL,
            false => INCOMPLETE,
        };
        estimate.with_coverage(self.coverage()).with_status(Status::Partial, reason)
    }

    /// Least share of the total that listed suppliers with known amounts make up, 0 to 1.
    fn coverage(&self) -> Option<f64> {
        self.covered(self.totals.named)
    }

    /// Least share of the total that a known part of it makes up, 0 to 1. 0 where what is of unknown origin
    /// has no upper bound, since it may outweigh everything. None where another amount has no upper bound.
    fn covered(&self, known: f64) -> Option<f64> {
        let unknown = self.unknown.high();
        if unknown.is_infinite() {
            return Some(0.0);
        }
        let total = self.totals.high + unknown;
        (self.totals.unbounded == 0 && total > 0.0).then(|| (known / total).clamp(0.0, 1.0))
    }
}

/// Entries in the order of their keys; amounts of the same key are added in the given order.
fn added_up<K: Copy + Ord>(entries: impl IntoIterator<Item = (K, Amount)>) -> Vec<(K, Amount)> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1 + next.1;
        }
        same
    });
    entries
}

/// The sum, end by end. Unlike [`Interval::plus`] it does not swap ends that rounding put in the wrong order,
/// since each end is used by itself.
fn add_ends(a: Interval, b: Interval) -> Interval {
    Interval { low: a.low + b.low, high: a.high + b.high }
}

/// The sum of amounts. Those that are known to be zero change neither the sum nor its status.
fn sum(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    let some = amounts.into_iter().filter(|amount| *amount != Amount::NOTHING);
    some.reduce(Amount::add).unwrap_or(Amount::NOTHING)
}

/// Status and reason of a share in a market that is not fully known.
fn share_reason(amount: Amount) -> (Status, &'static str) {
    match amount.status() {
        Status::Withheld => (Status::Withheld, WITHHELD),
        Status::Unavailable => (Status::Unavailable, UNAVAILABLE),
        Status::Partial if amount.best().is_none() => (Status::Partial, BOUNDED),
        _ => (Status::Partial, INCOMPLETE),
    }
}
