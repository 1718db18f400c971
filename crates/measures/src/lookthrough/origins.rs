//! Where what a consumer uses truly comes from.

use crate::concentration;
use crate::{Estimate, Interval, Residual, Status, Term, Terms};

use super::members::{NO_SUPPLY, sum};
use super::network::Lookthrough;

/// Where what a consumer uses truly comes from.
#[derive(Clone, Debug)]
pub struct Origins<K> {
    consumption: Estimate,
    /// Part of what is used that is of unknown origin, between bounds.
    unknown: Estimate,
    /// The same by kind: what was imported as such.
    kinds: Vec<(Residual, Estimate)>,
    /// What is of unknown origin was imported as such, and nothing else is in doubt.
    only_imported: bool,
    /// Why figures are not known.
    reason: &'static str,
    /// Least part of what is used whose origin is known, where a part was imported from an unknown origin.
    coverage: Option<f64>,
    /// Origins that have or may have a share, in the order of keys.
    shares: Vec<(K, Estimate)>,
    /// Why there is no mix.
    gap: Option<(Status, &'static str)>,
}

impl<K: Copy + Ord> Origins<K> {
    pub(super) fn new(network: &Lookthrough<K>, members: &[K]) -> Self {
        let members: Vec<_> = members.iter().filter_map(|key| network.member(*key)).collect();
        let consumption = sum(members.iter().map(|member| member.consumption));
        let exact = network.exact && members.iter().all(|member| member.place.is_some());
        let gap = network.gap(&members, consumption);
        let unknown = match gap {
            Some((status, reason)) => Estimate::missing(status, reason),
            None => network.unknown(&members, consumption.best),
        };
        let kinds = if gap.is_none() { network.kinds_in(&members, consumption.best) } else { Vec::new() };
        let coverage =
            unknown.high.filter(|_| !kinds.is_empty()).map(|unknown| (1.0 - unknown).clamp(0.0, 1.0));
        let mut origins = Self {
            consumption: if exact { Estimate::known(consumption.best) } else { consumption.estimate() },
            unknown,
            only_imported: !kinds.is_empty() && network.only_imported(&members),
            kinds,
            reason: network.reason(&members),
            coverage,
            shares: Vec::new(),
            gap,
        };
        if gap.is_none() {
            let shares = (0..).zip(&network.keys);
            let share =
                |(origin, key): (u32, &K)| Some((*key, network.share(&members, consumption.best, origin)?));
            origins.shares = shares.filter_map(share).collect();
            let strangers = members.iter().filter(|member| member.place.is_none());
            origins
                .shares
                .extend(strangers.map(|stranger| (stranger.key, network.own_share(&members, stranger.key))));
            origins.shares.sort_by_key(|(key, _)| *key);
            let coverage = origins.coverage;
            let partial = origins.shares.iter_mut().filter(|(_, share)| share.status == Status::Partial);
            partial.for_each(|(_, share)| share.coverage = coverage);
        }
        origins
    }

    /// What the consumer uses, in tonnes: output and imports less exports.
    #[must_use]
    pub fn consumption(&self) -> Estimate {
        self.consumption
    }

    /// Origins that have a share, or may have one, in the order of keys. Empty where there is no mix.
    #[must_use]
    pub fn shares(&self) -> &[(K, Estimate)] {
        &self.shares
    }

    /// The share of what is used that truly comes from an origin, 0 to 1.
    ///
    /// NOT_APPLICABLE where there is no supply or nothing is used; UNAVAILABLE where next to nothing is used, since a mix of what
    /// is hardly there would say nothing.
    #[must_use]
    pub fn share(&self, origin: K) -> Estimate {
        if let Some((status, reason)) = self.gap {
            return Estimate::missing(status, reason);
        }
        let found = self.shares.binary_search_by_key(&origin, |(key, _)| *key).ok();
        match (found.and_then(|at| self.shares.get(at)), self.unknown.high) {
            (Some((_, share)), _) => *share,
            // What is of unknown origin may be of any.
            (None, Some(high)) if high > 0.0 => {
                self.partly(Estimate::between(Some(0.0), 0.0, high).because(Status::Partial, self.reason))
            }
            _ => Estimate::known(0.0),
        }
    }

    /// How much of what is used truly comes from an origin, in tonnes: share times consumption.
    #[must_use]
    pub fn quantity(&self, origin: K) -> Estimate {
        let (share, used) = (self.share(origin), self.consumption);
        if self.gap.is_some() {
            return share;
        }
        let value = times(share.value, used.value);
        match (share.status, used.status, value) {
            (Status::Known, Status::Known, Some(value)) => Estimate::known(value),
            _ => Estimate {
                value,
                low: times(share.low, used.low),
                high: times(share.high, used.high),
                coverage: share.coverage.and(self.coverage),
                status: Status::Partial,
                reason: if share.status == Status::Known { used.reason } else { share.reason },
            },
        }
    }

    /// Herfindahl-Hirschman index of the true origins, 0 to 10000. Its lower bound spreads what is of unknown origin thinly, its
    /// upper bound gives all of it to one origin.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        let Some(first) = self.first() else { return self.missing() };
        let value = concentration::hhi(self.shares.iter().filter_map(|(_, share)| share.value));
        if self.shares.iter().all(|(_, share)| share.status == Status::Known) {
            return Estimate::known(value);
        }
        let low = concentration::hhi(self.shares.iter().filter_map(|(_, share)| share.low));
        let high = if self.only_imported { self.hhi_of_one() } else { self.hhi_between() };
        let estimate = Estimate::between(Some(value), low, high);
        self.partly(estimate.because(Status::Partial, first.reason))
    }

    /// The index with everything that is of unknown origin at the largest origin, all else being known.
    fn hhi_of_one(&self) -> f64 {
        let unknown = self.unknown.high.unwrap_or(1.0);
        let shares = || self.shares.iter().filter_map(|(_, share)| share.value);
        let largest = shares().fold(0.0, f64::max);
        let all = concentration::hhi(shares()) + concentration::SCALE * unknown * (2.0 * largest + unknown);
        all.min(concentration::SCALE)
    }

    /// The largest index over shares within their bounds.
    fn hhi_between(&self) -> f64 {
        let bounds =
            |share: &Estimate| Interval { low: share.low.unwrap_or(0.0), high: share.high.unwrap_or(1.0) };
        let mut bounds: Vec<_> = self.shares.iter().map(|(_, share)| bounds(share)).collect();
        bounds.push(Interval { low: 0.0, high: self.unknown.high.unwrap_or(1.0) });
        concentration::high(&bounds)
    }

    /// Share of the largest true origin, and which it is.
    #[must_use]
    pub fn top(&self) -> (Estimate, Option<K>) {
        let Some(first) = self.first() else { return (self.missing(), None) };
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
        let most = |pick: fn(&Estimate) -> Option<f64>| {
            self.shares.iter().filter_map(|(_, share)| pick(share)).fold(0.0, f64::max)
        };
        let high = most(|share| share.high).max(self.unknown.high.unwrap_or(1.0));
        let estimate = Estimate::between(Some(value), most(|share| share.low), high.min(1.0));
        (self.partly(estimate.because(Status::Partial, first.reason)), key)
    }

    /// Share of what is used that is of unknown origin, 0 to 1: imported as such, or added so that supply covers exports, by the
    /// consumer or by those before it.
    #[must_use]
    pub fn unknown(&self) -> Estimate {
        self.unknown
    }

    /// Shares of what is used that were imported from an unknown origin, by kind. Empty where there is none.
    #[must_use]
    pub fn unknown_by_kind(&self) -> &[(Residual, Estimate)] {
        &self.kinds
    }

    /// What the figures rest on, under the symbols of the catalogue; with the origin's share where one is asked for.
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

    /// A figure that is not known, with what part of its basis is.
    fn partly(&self, figure: Estimate) -> Estimate {
        match figure.status {
            Status::Partial => Estimate { coverage: figure.coverage.or(self.coverage), ..figure },
            _ => figure,
        }
    }

    /// The first share that is not known, or the first.
    fn first(&self) -> Option<Estimate> {
        let uncertain = self.shares.iter().find(|(_, share)| share.status != Status::Known);
        uncertain.or_else(|| self.shares.first()).map(|(_, share)| *share)
    }

    fn missing(&self) -> Estimate {
        let (status, reason) = self.gap.unwrap_or((Status::NotApplicable, NO_SUPPLY));
        Estimate::missing(status, reason)
    }
}

fn times(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? * other?)
}
