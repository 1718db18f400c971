//! Who supplies a market, and what follows from it.
//!
//! # What has no supplier
//!
//! Residuals ([`Residual`]) stay in every sum. There are two sorts, which bound different things:
//!
//! | | suppliers that are not listed, `R` | of unknown origin, `U` |
//! | --- | --- | --- |
//! | whose it may be | nobody's who is listed | anybody's |
//! | share of a listed supplier | `a / T` | `a / T` to `(a + U) / T` |
//! | share of one that is not listed | 0 to `R / T` | 0 to `U / T`, best 0 |
//! | HHI | `R` adds 0, or is one supplier | `U` adds 0, or is all of the one supplier with the most |
//! | largest shares | as listed, or with `R` as one supplier | as listed, or with `U` at one of the largest |
//! | coverage | part of `T` whose supplier is known | the same |
//!
//! `T` is the sum of everything. A residual of which only bounds are known, from 0 to `h` or without an upper bound, enters
//! every bound with the end that makes it widest. The best value leaves it out where it has no known part.

use std::ops::Add as _;

use crate::concentration::{self, NOTHING, effective};
use crate::{Amount, Concentration, Estimate, Interval, Residual, Status};

const WITHHELD: &str = "the publisher withholds the figure of this supplier";
const UNAVAILABLE: &str = "no source gives the figure of this supplier";
const BOUNDED: &str = "only bounds are known of the amount of this supplier";
const INCOMPLETE: &str = "the amounts of some suppliers are not known";
const UNLISTED: &str = "the source does not list this supplier: at most it is all of the residual";
const RESIDUAL: &str = "the residual is not broken down by supplier";
const UNKNOWN_ORIGIN: &str = "a part of the total is of unknown origin: it may be of any supplier";

/// Who supplies how much of a market, and the residuals: what the source gives without a supplier.
///
/// Suppliers are kept in the order of their keys, residuals in that of their kinds, and every sum runs in that order.
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
    /// By kind, none of them nothing for certain.
    residuals: Vec<(Residual, Amount)>,
    /// Sum of the suppliers that are not listed.
    unlisted: Amount,
    /// Sum of what is of unknown origin.
    unknown: Amount,
    totals: Totals,
}

/// Sums over suppliers, listed or not: all but what is of unknown origin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Totals {
    /// Known parts of those that are listed.
    named: f64,
    /// Known parts of all.
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
    fn over<K>(suppliers: &[(K, Amount)], unlisted: Amount) -> Self {
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
    /// A market. Amounts of the same supplier add up, in the order given. The residual is that of suppliers which the source
    /// does not list; a market without one has [`Amount::NOTHING`].
    pub fn new(suppliers: impl IntoIterator<Item = (K, Amount)>, residual: Amount) -> Self {
        Self::with_residuals(suppliers, [(Residual::Unlisted, residual)])
    }

    /// A market with residuals of several kinds. Amounts of the same supplier and of the same kind add up, in the order given.
    pub fn with_residuals(
        suppliers: impl IntoIterator<Item = (K, Amount)>,
        residuals: impl IntoIterator<Item = (Residual, Amount)>,
    ) -> Self {
        let suppliers = added_up(suppliers);
        let residuals: Vec<_> =
            added_up(residuals).into_iter().filter(|(_, amount)| *amount != Amount::NOTHING).collect();
        let all = |unknown: bool| {
            let kinds = residuals.iter().filter(move |(kind, _)| kind.is_unknown_origin() == unknown);
            sum(kinds.map(|(_, amount)| *amount))
        };
        let (unlisted, unknown) = (all(false), all(true));
        let totals = Totals::over(&suppliers, unlisted);
        Self { suppliers, residuals, unlisted, unknown, totals }
    }

    /// The suppliers, by key.
    #[must_use]
    pub fn suppliers(&self) -> &[(K, Amount)] {
        &self.suppliers
    }

    /// Sum of all residuals: what the source gives without a supplier.
    #[must_use]
    pub fn residual(&self) -> Amount {
        sum([self.unlisted, self.unknown])
    }

    /// The residuals by kind; a kind that is nothing for certain is left out.
    #[must_use]
    pub fn residuals(&self) -> &[(Residual, Amount)] {
        &self.residuals
    }

    /// What the source gives for suppliers that it does not list.
    #[must_use]
    pub fn unlisted(&self) -> Amount {
        self.unlisted
    }

    /// Sum of what may be of any supplier, listed or not: all residuals but [`Residual::Unlisted`].
    #[must_use]
    pub fn unknown_origin(&self) -> Amount {
        self.unknown
    }

    /// All suppliers and residuals together.
    #[must_use]
    pub fn total(&self) -> Amount {
        let listed = self.suppliers.iter().map(|(_, amount)| *amount).chain([self.unlisted]);
        let unknown = Some(self.unknown).filter(|unknown| *unknown != Amount::NOTHING);
        listed.chain(unknown).reduce(Amount::add).unwrap_or(self.unlisted)
    }

    /// Share of a supplier, `a_i / T`, 0 to 1, where `T` is the sum of everything.
    ///
    /// With amounts between bounds: low `l_i / (l_i + sum of the others' h)`, high `h_i / (h_i + sum of the others' l)`, where
    /// what is of unknown origin counts for others in the lower bound and for the supplier in the upper one. A supplier
    /// that is not listed has nothing, except where there is a residual, which may be all its own.
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

    /// Shares of all suppliers, by key.
    pub fn shares(&self) -> impl Iterator<Item = (K, Estimate)> {
        self.suppliers.iter().map(|(key, amount)| (*key, self.share_of(*amount)))
    }

    /// Share of all residuals together, as far as they are not broken down.
    #[must_use]
    pub fn residual_share(&self) -> Estimate {
        let own = Interval::from(self.unlisted).plus(Interval::from(self.unknown));
        self.part(self.residual(), concentration::share(own, self.others(self.unlisted)))
    }

    /// Shares of the residuals by kind.
    pub fn residual_shares(&self) -> impl Iterator<Item = (Residual, Estimate)> {
        self.residuals.iter().map(|(kind, amount)| {
            let residuals = self.residuals.iter().filter(|(other, _)| other != kind).map(|(_, of)| *of);
            let listed = self.suppliers.iter().map(|(_, amount)| *amount);
            let others = listed.chain(residuals).map(Interval::from).fold(Interval::ZERO, Interval::plus);
            (*kind, self.part(*amount, concentration::share(Interval::from(*amount), others)))
        })
    }

    /// Herfindahl-Hirschman index, `10000 * sum(s_i^2)` over the suppliers' shares, 0 to 10000.
    ///
    /// The best value and the lower bound spread residuals over so many suppliers that they add nothing; the upper bound
    /// gives what is not listed to one supplier, and what is of unknown origin to the one, listed or not, with which the
    /// index is largest. Amounts between bounds enter so that the bounds hold for every completion.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let best = self.best_total().map(|total| concentration::hhi(self.bests().map(|best| best / total)));
        match best {
            Some(value) if self.is_exact() => Estimate::known(value),
            _ => {
                let low = concentration::low(&self.suppliers, self.residual());
                let high = self.most(concentration::high);
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
    /// A residual is no supplier; the upper bound allows that what is not listed is one, and that what is of unknown origin
    /// is of one of the largest.
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
            Some(value) if self.residual_below(&ranked, N) => {
                Estimate::known(value).with_coverage(self.coverage())
            }
            _ => {
                let low = sum_of_largest::<N>(self.least());
                let largest = |all: &[Interval]| sum_of_largest::<N>(all.iter().map(|share| share.high));
                let high = self.most(largest).min(1.0);
                self.uncertain(Estimate::between(value, low, high))
            }
        };
        (estimate, names)
    }

    /// HHI, effective suppliers, top-1 and top-3 share with their names: the same as one by one, in less time.
    #[must_use]
    pub fn concentration(&self) -> Concentration<K> {
        if self.is_exact() {
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

    /// Whether a residual, were it one supplier, would not be among those ranked.
    fn residual_below(&self, ranked: &[(K, f64)], n: usize) -> bool {
        let last = ranked.last().filter(|_| ranked.len() == n).map_or(0.0, |(_, best)| *best);
        self.unknown.is_nothing() && self.unlisted.high() <= last
    }

    /// The share of a listed supplier.
    fn share_of(&self, amount: Amount) -> Estimate {
        let (own, others, open) = (Interval::from(amount), self.others(amount), self.open());
        if self.unknown.is_nothing() {
            return self.part(amount, concentration::share(own, others));
        }
        let low = concentration::share(own, and(others, open)).low;
        let high = concentration::share(and(own, open), others).high;
        let share = self.part(amount, Interval { low, high });
        let coverage = self.covered(self.totals.best);
        match share.status {
            Status::NotApplicable => share,
            Status::Known => Estimate::between(share.value, low, high)
                .with_coverage(coverage)
                .because(Status::Partial, UNKNOWN_ORIGIN),
            _ => share.with_coverage(coverage),
        }
    }

    /// The share of a part of the total, given its bounds, whoever it belongs to.
    fn part(&self, amount: Amount, Interval { low, high }: Interval) -> Estimate {
        if self.is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let value = self.best_total().and_then(|total| amount.best().map(|best| best / total));
        match value {
            Some(value) if self.totals.exact && self.unknown.is_known() => Estimate::known(value),
            _ => {
                let (status, reason) = share_reason(amount);
                let known = self.totals.best + self.unknown.best().unwrap_or(0.0);
                Estimate::between(value, low, high).with_coverage(self.covered(known)).because(status, reason)
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
        let own = Interval::from(self.unlisted).plus(self.open());
        let high = concentration::share(own, self.others(self.unlisted)).high;
        // A source that lists partners would list this one: only what has no partner may be its own.
        let listed_nothing = self.unlisted.is_nothing() && self.best_total().is_some();
        let (value, reason) = if listed_nothing { (Some(0.0), UNKNOWN_ORIGIN) } else { (None, UNLISTED) };
        let coverage = self.covered(self.totals.named);
        Estimate::between(value, 0.0, high).with_coverage(coverage).because(Status::Partial, reason)
    }

    fn is_nothing(&self) -> bool {
        self.totals.unbounded == 0 && self.totals.high <= 0.0 && self.unknown.is_nothing()
    }

    /// Whether every amount is known and has a supplier.
    fn is_exact(&self) -> bool {
        self.totals.exact && self.residual().is_nothing() && self.unknown.is_known()
    }

    /// The sum of what is known, if it is something.
    fn best_total(&self) -> Option<f64> {
        let best = self.totals.best + self.unknown.best().unwrap_or(0.0);
        Some(best).filter(|best| *best > 0.0)
    }

    fn bests(&self) -> impl Iterator<Item = f64> + Clone {
        self.suppliers.iter().map(|(_, amount)| amount.best().unwrap_or(0.0))
    }

    /// How much of unknown origin may be of one supplier.
    fn open(&self) -> Interval {
        Interval { low: 0.0, high: self.unknown.high() }
    }

    /// Bounds of what all suppliers, listed or not, have without one of them.
    fn others(&self, amount: Amount) -> Interval {
        let unbounded = self.totals.unbounded - usize::from(amount.high().is_infinite());
        let own_high = if amount.high().is_finite() { amount.high() } else { 0.0 };
        let low = (self.totals.low - amount.low()).max(0.0);
        let high = if unbounded > 0 { f64::INFINITY } else { (self.totals.high - own_high).max(0.0) };
        Interval { low, high }
    }

    /// Least share of every supplier.
    fn least(&self) -> impl Iterator<Item = f64> {
        let least =
            |amount| concentration::share(Interval::from(amount), and(self.others(amount), self.open()));
        self.suppliers.iter().map(move |(_, amount)| least(*amount).low)
    }

    /// The largest that a figure can be that grows with concentration, given bounds of every supplier's share and of that of
    /// the unlisted ones as if they were one: what is of unknown origin is all of one of them.
    fn most(&self, figure: impl Fn(&[Interval]) -> f64) -> f64 {
        let receivers = self.receivers().into_iter();
        receivers.map(|receiver| figure(&self.all_bounds(receiver))).fold(0.0, f64::max)
    }

    /// Bounds of every supplier's share, by key, and of that of the unlisted ones, last; one of them, by its place, has what
    /// is of unknown origin besides.
    ///
    /// Where all amounts are known, the market is the more concentrated the more the receiver has: then it has all that
    /// it can. Otherwise it has anything up to that, so that bounds never get narrower where there is more of it.
    pub(crate) fn all_bounds(&self, receiver: usize) -> Vec<Interval> {
        let open = if self.totals.exact { Interval::exact(self.unknown.high()) } else { self.open() };
        let bounds = |(place, amount)| {
            let (own, others) = (Interval::from(amount), self.others(amount));
            match receiver == place {
                true => concentration::share(and(own, open), others),
                false => concentration::share(own, and(others, open)),
            }
        };
        self.amounts().enumerate().map(bounds).collect()
    }

    /// Of whom all that is of unknown origin may be so that the market is as concentrated as it can be: whoever may have the
    /// largest amount, by place. Anybody else is always smaller than one of them.
    fn receivers(&self) -> Vec<usize> {
        let largest = self.amounts().map(|amount| amount.low()).enumerate();
        let (first, floor) =
            largest.fold((0, 0.0), |best, (place, low)| if low > best.1 { (place, low) } else { best });
        if self.unknown.is_nothing() {
            return vec![first];
        }
        let may_be = |(place, amount): &(usize, Amount)| *place == first || amount.high() > floor;
        self.amounts().enumerate().filter(may_be).map(|(place, _)| place).collect()
    }

    /// What each supplier has, by key, and all unlisted ones together, last.
    fn amounts(&self) -> impl Iterator<Item = Amount> {
        self.suppliers.iter().map(|(_, amount)| *amount).chain([self.unlisted])
    }

    fn uncertain(&self, estimate: Estimate) -> Estimate {
        let reason = match self.totals.exact {
            true if !self.unknown.is_nothing() => UNKNOWN_ORIGIN,
            true => RESIDUAL,
            false => INCOMPLETE,
        };
        estimate.with_coverage(self.coverage()).because(Status::Partial, reason)
    }

    /// Least share of the total that suppliers with a known amount make up.
    fn coverage(&self) -> Option<f64> {
        self.covered(self.totals.named)
    }

    /// Least share of the total that a known part of it makes up: 0 where nothing bounds what is of unknown origin, since that
    /// may outweigh everything. None where nothing bounds another amount.
    fn covered(&self, known: f64) -> Option<f64> {
        let unknown = self.unknown.high();
        if unknown.is_infinite() {
            return Some(0.0);
        }
        let total = self.totals.high + unknown;
        (self.totals.unbounded == 0 && total > 0.0).then(|| (known / total).clamp(0.0, 1.0))
    }
}

/// Entries in the order of their keys, amounts of the same key added up in the order given.
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

/// The sum end by end. Rounding may have put the upper end of `others` below the lower one: it stays there, since either end is
/// used for itself.
fn and(one: Interval, other: Interval) -> Interval {
    Interval { low: one.low + other.low, high: one.high + other.high }
}

/// The sum of amounts; those that are known to be nothing change neither it nor its status.
fn sum(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    let some = amounts.into_iter().filter(|amount| *amount != Amount::NOTHING);
    some.reduce(Amount::add).unwrap_or(Amount::NOTHING)
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
