//! The mix of a consumer by true origin: shares, tonnes, concentration.

use crate::concentration;
use crate::{Estimate, Interval, Residual, Status, Term, Terms};

use super::members::{Member, NO_SUPPLY};
use super::quantity::sum;
use super::solution::Lookthrough;

/// Where the material that a consumer uses truly comes from. Made by [`Lookthrough::origins`].
#[derive(Clone, Debug)]
pub struct Origins<K> {
    consumption: Estimate,
    /// Share of what is used that is of unknown origin.
    unknown: Estimate,
    /// The part of it that was imported as such, by kind.
    kinds: Vec<(Residual, Estimate)>,
    /// Nothing is in doubt but where imports of unknown origin come from.
    is_only_origin_unknown: bool,
    /// Why figures are not known exactly.
    reason: &'static str,
    /// Least share of what is used whose origin is known. `None`: nothing was imported from an unknown
    /// origin.
    coverage: Option<f64>,
    /// Origins that have or may have a share, sorted.
    shares: Vec<(K, Estimate)>,
    /// Status and reason where there is no mix.
    gap: Option<(Status, &'static str)>,
}

impl<K: Copy + Ord> Lookthrough<K> {
    /// Where the material that a consumer uses truly comes from. The consumer is one economy, or several that
    /// are taken together.
    #[must_use]
    pub fn origins(&self, members: impl IntoIterator<Item = K>) -> Origins<K> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Origins::new(self, &members)
    }
}

impl<K: Copy + Ord> Origins<K> {
    fn new(solved: &Lookthrough<K>, members: &[K]) -> Self {
        let members: Vec<_> = members.iter().filter_map(|key| solved.member(*key)).collect();
        let consumption = sum(members.iter().map(|member| member.consumption));
        let exact = solved.exact && members.iter().all(|member| member.number.is_some());
        let gap = solved.members_gap(&members, consumption);
        let (unknown, kinds) = match gap {
            Some((status, reason)) => (Estimate::missing(status, reason), Vec::new()),
            None => (
                solved.unknown_share(&members, consumption.best),
                solved.unknown_shares_by_kind(&members, consumption.best),
            ),
        };
        let known_part = |unknown: f64| (1.0 - unknown).clamp(0.0, 1.0);
        let coverage = unknown.high.filter(|_| !kinds.is_empty()).map(known_part);
        let shares =
            if gap.is_none() { shares(solved, &members, consumption.best, coverage) } else { Vec::new() };
        Self {
            consumption: if exact { Estimate::known(consumption.best) } else { consumption.estimate() },
            unknown,
            is_only_origin_unknown: !kinds.is_empty() && solved.is_only_origin_unknown(&members),
            kinds,
            reason: solved.reason(&members),
            coverage,
            shares,
            gap,
        }
    }

    /// Tonnes that the consumer uses: output and imports less exports.
    #[must_use]
    pub fn consumption(&self) -> Estimate {
        self.consumption
    }

    /// Shares of all origins that have one, or may have one, sorted by origin. Empty where there is no mix.
    #[must_use]
    pub fn shares(&self) -> &[(K, Estimate)] {
        &self.shares
    }

    /// Share of what is used that truly comes from an origin, 0 to 1.
    ///
    /// NOT_APPLICABLE where there is no supply or nothing is used. UNAVAILABLE where so little is used that
    /// it is lost in statistical error.
    #[must_use]
    pub fn share(&self, origin: K) -> Estimate {
        if let Some((status, reason)) = self.gap {
            return Estimate::missing(status, reason);
        }
        let found = self.shares.binary_search_by_key(&origin, |(key, _)| *key).ok();
        match (found.and_then(|index| self.shares.get(index)), self.unknown.high) {
            (Some((_, share)), _) => *share,
            // What is of unknown origin may come from any economy.
            (None, Some(high)) if high > 0.0 => self.with_coverage(
                Estimate::between(Some(0.0), 0.0, high).with_status(Status::Partial, self.reason),
            ),
            _ => Estimate::known(0.0),
        }
    }

    /// Tonnes of what is used that truly come from an origin: share times consumption.
    #[must_use]
    pub fn quantity(&self, origin: K) -> Estimate {
        let (share, used) = (self.share(origin), self.consumption);
        if self.gap.is_some() {
            return share;
        }
        let value = product(share.value, used.value);
        match (share.status, used.status, value) {
            (Status::Known, Status::Known, Some(value)) => Estimate::known(value),
            _ => Estimate {
                value,
                low: product(share.low, used.low),
                high: product(share.high, used.high),
                coverage: share.coverage.and(self.coverage),
                status: Status::Partial,
                reason: if share.status == Status::Known { used.reason } else { share.reason },
            },
        }
    }

    /// Herfindahl-Hirschman index of the true origins, 0 to 10000.
    ///
    /// The lower bound spreads what is of unknown origin over so many origins that it adds nothing; the upper
    /// bound gives all of it to one origin.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        let Some(first) = self.sample_share() else { return self.missing() };
        let value = concentration::hhi(self.shares.iter().filter_map(|(_, share)| share.value));
        if self.shares.iter().all(|(_, share)| share.status == Status::Known) {
            return Estimate::known(value);
        }
        let low = concentration::hhi(self.shares.iter().filter_map(|(_, share)| share.low));
        let high =
            if self.is_only_origin_unknown { self.hhi_with_unknown_at_largest() } else { self.max_hhi() };
        let estimate = Estimate::between(Some(value), low, high);
        self.with_coverage(estimate.with_status(Status::Partial, first.reason))
    }

    /// The index with everything of unknown origin at the largest origin, all else being known.
    fn hhi_with_unknown_at_largest(&self) -> f64 {
        let unknown = self.unknown.high.unwrap_or(1.0);
        let shares = || self.shares.iter().filter_map(|(_, share)| share.value);
        let largest = shares().fold(0.0, f64::max);
        let all = concentration::hhi(shares()) + concentration::SCALE * unknown * (2.0 * largest + unknown);
        all.min(concentration::SCALE)
    }

    /// The largest index over all shares within their bounds.
    fn max_hhi(&self) -> f64 {
        let bounds =
            |share: &Estimate| Interval { low: share.low.unwrap_or(0.0), high: share.high.unwrap_or(1.0) };
        let mut bounds: Vec<_> = self.shares.iter().map(|(_, share)| bounds(share)).collect();
        bounds.push(Interval { low: 0.0, high: self.unknown.high.unwrap_or(1.0) });
        concentration::max_hhi(&bounds)
    }

    /// Share of the largest true origin, 0 to 1, and which it is.
    #[must_use]
    pub fn top(&self) -> (Estimate, Option<K>) {
        let Some(first) = self.sample_share() else { return (self.missing(), None) };
        let mut top: Option<(K, f64)> = None;
        for (key, share) in &self.shares {
            let value = share.value.unwrap_or(0.0);
            if top.is_none_or(|(_, best)| value > best) {
                top = Some((*key, value));
            }
        }
        let (key, value) = top.map_or((None, 0.0), |(key, value)| (Some(key), value));
        if self.shares.iter().all(|(_, share)| share.status == Status::Known) {
            return (Estimate::known(value), key);
        }
        let largest = |pick: fn(&Estimate) -> Option<f64>| {
            self.shares.iter().filter_map(|(_, share)| pick(share)).fold(0.0, f64::max)
        };
        let high = largest(|share| share.high).max(self.unknown.high.unwrap_or(1.0));
        let estimate = Estimate::between(Some(value), largest(|share| share.low), high.min(1.0));
        (self.with_coverage(estimate.with_status(Status::Partial, first.reason)), key)
    }

    /// Share of what is used that is of unknown origin, 0 to 1: imported as such, or added so that supply
    /// covers exports, by the consumer or by its suppliers up the chain.
    #[must_use]
    pub fn unknown(&self) -> Estimate {
        self.unknown
    }

    /// Shares of what is used that were imported from an unknown origin, by kind, 0 to 1 each.
    #[must_use]
    pub fn unknown_by_kind(&self) -> &[(Residual, Estimate)] {
        &self.kinds
    }

    /// The terms of the look-through measures, under the symbols of the catalogue: consumption and what is of
    /// unknown origin, after the share of an origin where one is asked for.
    #[must_use]
    pub fn terms(&self, origin: Option<K>) -> Terms {
        let share = origin.map(|origin| Term::new("s_i", self.share(origin), "share"));
        let mut terms: Terms = share.into_iter().collect();
        terms.push(Term::new("c", self.consumption, "t"));
        terms.push(Term::new("u", self.unknown, "share"));
        let symbol = |kind| match kind {
            Residual::Unlisted => "u_unlisted",
            Residual::Unspecified => "u_unspecified",
            Residual::Confidential => "u_confidential",
            Residual::Special => "u_special",
            Residual::Remainder => "u_remainder",
            Residual::NotReported => "u_not_reported",
        };
        terms.extend(self.kinds.iter().map(|(kind, share)| Term::new(symbol(*kind), *share, "share")));
        terms
    }

    /// A partial figure with the coverage of the mix.
    fn with_coverage(&self, figure: Estimate) -> Estimate {
        match figure.status {
            Status::Partial => Estimate { coverage: figure.coverage.or(self.coverage), ..figure },
            _ => figure,
        }
    }

    /// The first share that is not known, whose reason stands for all, or else the first. `None`: there is
    /// none.
    fn sample_share(&self) -> Option<Estimate> {
        let uncertain = self.shares.iter().find(|(_, share)| share.status != Status::Known);
        uncertain.or_else(|| self.shares.first()).map(|(_, share)| *share)
    }

    /// Status and reason of figures that need a mix.
    fn missing(&self) -> Estimate {
        let (status, reason) = self.gap.unwrap_or((Status::NotApplicable, NO_SUPPLY));
        Estimate::missing(status, reason)
    }
}

/// Shares of all origins that have or may have one, sorted by origin; those that are partial with a coverage.
fn shares<K: Copy + Ord>(
    solved: &Lookthrough<K>,
    members: &[Member<K>],
    consumption: f64,
    coverage: Option<f64>,
) -> Vec<(K, Estimate)> {
    let share = |(origin, key): (u32, &K)| Some((*key, solved.share(members, consumption, origin)?));
    let mut shares: Vec<_> = (0..).zip(&solved.keys).filter_map(share).collect();
    let unlisted = members.iter().filter(|member| member.number.is_none());
    shares.extend(unlisted.map(|member| (member.key, solved.unlisted_member_share(members, member.key))));
    shares.sort_by_key(|(key, _)| *key);
    let partial = shares.iter_mut().filter(|(_, share)| share.status == Status::Partial);
    partial.for_each(|(_, share)| share.coverage = coverage);
    shares
}

fn product(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? * b?)
}
