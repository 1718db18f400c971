//! Where what a consumer uses truly comes from.

use crate::concentration;
use crate::{Estimate, Interval, Status, Term, Terms};

use super::network::{INCOMPLETE, Lookthrough, Quantity, at};
use super::solve::Mixes;
use super::trade::place;
use super::weigh::{Weighed, greatest_mean, least_mean};

/// Consumption below this part of supply is lost in what the statistics of trade differ by.
const LEAST_CONSUMPTION: f64 = 0.01;

const NO_SUPPLY: &str = "the consumer has no supply: neither output nor imports";
const NOTHING_USED: &str = "the consumer exports all that it has";
const NEXT_TO_NOTHING: &str =
    "the consumer uses less than a hundredth of its supply: the rest is lost in the statistics";
const UNBALANCED: &str =
    "some exports exceed the supply that the figures give: the origin of the difference is not known";

/// Where what a consumer uses truly comes from.
#[derive(Clone, Debug)]
pub struct Origins<K> {
    consumption: Estimate,
    /// Part of what is used that is of unknown origin, between bounds.
    unknown: Estimate,
    /// Origins that have or may have a share, in the order of keys.
    shares: Vec<(K, Estimate)>,
    /// Why there is no mix.
    gap: Option<(Status, &'static str)>,
}

/// One economy of the consumer.
struct Member<K> {
    key: K,
    /// Place among the economies of the market. None: it is not there, and may still be an unlisted producer for itself.
    place: Option<u32>,
    consumption: Quantity,
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
        let mut origins = Self {
            consumption: if exact { Estimate::known(consumption.best) } else { consumption.estimate() },
            unknown,
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
                Estimate::between(Some(0.0), 0.0, high).because(Status::Partial, self.unknown.reason)
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
                coverage: None,
                status: Status::Partial,
                reason: if share.status == Status::Known { used.reason } else { share.reason },
            },
        }
    }

    /// Herfindahl-Hirschman index of the true origins, 0 to 10000. Its lower bound spreads what is of unknown origin thinly.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        let Some(first) = self.first() else { return self.missing() };
        let value = concentration::hhi(self.shares.iter().filter_map(|(_, share)| share.value));
        if self.shares.iter().all(|(_, share)| share.status == Status::Known) {
            return Estimate::known(value);
        }
        let low = concentration::hhi(self.shares.iter().filter_map(|(_, share)| share.low));
        let bounds =
            |share: &Estimate| Interval { low: share.low.unwrap_or(0.0), high: share.high.unwrap_or(1.0) };
        let mut bounds: Vec<_> = self.shares.iter().map(|(_, share)| bounds(share)).collect();
        bounds.push(Interval { low: 0.0, high: self.unknown.high.unwrap_or(1.0) });
        let estimate = Estimate::between(Some(value), low, concentration::high(&bounds));
        estimate.because(Status::Partial, first.reason)
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
        (estimate.because(Status::Partial, first.reason), key)
    }

    /// What the figures rest on, under the symbols of the catalogue; with the origin's share where one is asked for.
    #[must_use]
    pub fn terms(&self, origin: Option<K>) -> Terms {
        let share = origin.map(|origin| Term::new("s_i", self.share(origin), "share"));
        let mut terms: Terms = share.into_iter().collect();
        terms.push(Term::new("c", self.consumption, "t"));
        terms.push(Term::new("u", self.unknown, "share"));
        terms
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

impl<K: Copy + Ord> Lookthrough<K> {
    /// Why a consumer has no mix, if it has none.
    pub(crate) fn gap_of(&self, members: &[K]) -> Option<(Status, &'static str)> {
        let members: Vec<_> = members.iter().filter_map(|key| self.member(*key)).collect();
        self.gap(&members, sum(members.iter().map(|member| member.consumption)))
    }

    /// Bounds of the share of an origin in what an economy has.
    pub(crate) fn share_between(&self, economy: u32, origin: u32) -> (f64, f64) {
        let member = self.keys.get(place(economy)).and_then(|key| self.member(*key));
        member.map_or((0.0, 1.0), |member| {
            let share = self.bounds_of(&member, origin);
            (share.low, share.high)
        })
    }

    /// What an economy uses: the least, and by best estimates.
    pub(crate) fn used_by(&self, economy: u32) -> (f64, f64) {
        let used = self.keys.get(place(economy)).and_then(|key| self.member(*key));
        used.map_or((0.0, 0.0), |member| (member.consumption.bounds.low, member.consumption.best))
    }

    /// The most that an economy may put out; infinite if nothing bounds it.
    pub(crate) fn most_output(&self, economy: K) -> f64 {
        self.place(economy).map_or(self.unlisted.bounds.high, |place| at(&self.output, place).high())
    }

    /// Mean of a figure over the members of a consumer, by what they use.
    pub(crate) fn mean_of(&self, members: &[K], figure: impl Fn(u32) -> f64) -> f64 {
        let members: Vec<_> = members.iter().filter_map(|key| self.member(*key)).collect();
        mean(&members, members.iter().map(|member| member.consumption.best).sum(), figure)
    }

    /// Least mean of a figure over the members of a consumer, by what they may use. Who is not in the market has 0.
    pub(crate) fn least_of(&self, members: &[K], figure: impl Fn(u32) -> f64) -> f64 {
        let members = members.iter().filter_map(|key| self.member(*key));
        least_mean(members.map(|member| member.weighs(member.place.map_or(0.0, &figure))).collect())
            .unwrap_or(0.0)
    }

    /// Greatest mean of a figure, likewise. Who is not in the market has 1.
    pub(crate) fn greatest_of(&self, members: &[K], figure: impl Fn(u32) -> f64) -> f64 {
        let members = members.iter().filter_map(|key| self.member(*key));
        greatest_mean(members.map(|member| member.weighs(member.place.map_or(1.0, &figure)))).unwrap_or(1.0)
    }

    /// A member of the consumer. None: it is not in the market, and can have no output either.
    fn member(&self, key: K) -> Option<Member<K>> {
        let Some(place) = self.place(key) else {
            let consumption = self.unlisted;
            return (consumption.bounds.high > 0.0).then_some(Member { key, place: None, consumption });
        };
        let (output, imports, exports) =
            (at(&self.output, place), at(&self.imports, place), at(&self.exports, place));
        let less = |have: f64, gone: f64| if gone.is_infinite() { 0.0 } else { (have - gone).max(0.0) };
        let bounds = Interval {
            low: less(output.low() + imports.low(), exports.high()),
            high: less(output.high() + imports.high(), exports.low()),
        };
        let consumption = Quantity { best: self.best.supply(place).consumption(), bounds };
        Some(Member { key, place: Some(place), consumption })
    }

    /// Why there is no mix, if there is none. Supply is what is used and what leaves the consumer.
    fn gap(&self, members: &[Member<K>], consumption: Quantity) -> Option<(Status, &'static str)> {
        let places = || members.iter().filter_map(|member| member.place);
        let supply: f64 = places().map(|place| self.best.supply(place).total()).sum();
        let may_have = |place| at(&self.output, place).high() + at(&self.imports, place).high() > 0.0;
        let possible = members.iter().any(|member| member.place.is_none_or(may_have));
        let inside = self.inside(members);
        if supply <= 0.0 {
            let reason = if possible { INCOMPLETE } else { NO_SUPPLY };
            return Some((if possible { Status::Unavailable } else { Status::NotApplicable }, reason));
        }
        if consumption.best <= 0.0 && self.exact && places().all(|place| self.best.supply(place).added <= 0.0)
        {
            return Some((Status::NotApplicable, NOTHING_USED));
        }
        (consumption.best <= LEAST_CONSUMPTION * (supply - inside))
            .then_some((Status::Unavailable, NEXT_TO_NOTHING))
    }

    /// What members have from each other, as far as the figures tell.
    fn inside(&self, members: &[Member<K>]) -> f64 {
        let is_member = |economy: u32| members.iter().any(|member| member.place == Some(economy));
        if members.len() < 2 {
            return 0.0;
        }
        self.flows.iter().filter(|(from, to, _)| is_member(*from) && is_member(*to)).map(|(_, _, t)| t).sum()
    }

    fn unknown(&self, members: &[Member<K>], consumption: f64) -> Estimate {
        if self.is_certain(members) {
            return Estimate::known(0.0);
        }
        let best = mean(members, consumption, |place| self.best.unknown(place));
        let high = greatest_mean(members.iter().map(|member| member.weighs(self.unknown_of(member))));
        partial(best, 0.0, high.unwrap_or(1.0), self.exact)
    }

    /// At most what part of what a member uses is of unknown origin.
    fn unknown_of(&self, member: &Member<K>) -> f64 {
        member.place.and_then(|at| self.unknown.get(place(at))).copied().unwrap_or(0.0)
    }

    /// Whether everything is known that bears on the mix of the members.
    fn is_certain(&self, members: &[Member<K>]) -> bool {
        let certain = |member| self.unknown_of(member) <= 0.0 && member.place.is_some();
        self.exact && members.iter().all(certain)
    }

    /// The share of an origin in what the members use. None: it has none, and cannot have one.
    fn share(&self, members: &[Member<K>], consumption: f64, origin: u32) -> Option<Estimate> {
        let value = mean(members, consumption, |place| self.best.share(place, origin));
        if self.is_certain(members) {
            return (value > 0.0).then(|| Estimate::known(value.min(1.0)));
        }
        let bounds: Vec<_> = members.iter().map(|member| self.bounds_of(member, origin)).collect();
        let weigh = |pick: fn(&Interval) -> f64| {
            members.iter().zip(&bounds).map(move |(member, share)| member.weighs(pick(share)))
        };
        let high = greatest_mean(weigh(|share| share.high)).unwrap_or(1.0);
        let low = least_mean(weigh(|share| share.low).collect()).unwrap_or(0.0);
        (high > 0.0).then(|| partial(value, low, high, self.exact))
    }

    /// The share of a member that is not in the market in what the members use: it may use output of its own.
    fn own_share(&self, members: &[Member<K>], stranger: K) -> Estimate {
        let own = |member: &Member<K>| if member.key == stranger { 1.0 } else { self.unknown_of(member) };
        let high = greatest_mean(members.iter().map(|member| member.weighs(own(member)))).unwrap_or(1.0);
        partial(0.0, 0.0, high, false)
    }

    /// Bounds of the share of an origin in what an economy has.
    ///
    /// A share falls in every other output and rises in its own, so it is least with all others as high and greatest with
    /// all others as low as they can be; what is of unknown origin counts for nobody there, and for the origin here.
    fn bounds_of(&self, member: &Member<K>, origin: u32) -> Interval {
        let Some(economy) = member.place else { return Interval { low: 0.0, high: 0.0 } };
        let output = at(&self.output, origin);
        let (low, high) = self.bounds.as_ref().map_or((&self.best, &self.best), |(low, high)| (low, high));
        let unknown = self.unknown_of(member);
        let (least, most) = if output.is_exact() {
            let own = |mixes: &Mixes| {
                let supply = mixes.supply(origin);
                if supply.output > 0.0 {
                    mixes.share(economy, origin) * (supply.output / supply.own())
                } else {
                    0.0
                }
            };
            (own(high), own(low))
        } else {
            (
                high.reach(economy, origin) * self.least_part(low, origin),
                low.reach(economy, origin) * self.most_part(low, origin),
            )
        };
        // The ends come from two solves: rounding may put the upper one below the lower. `Estimate::between` mends that.
        Interval { low: least.clamp(0.0, 1.0), high: (most + unknown).clamp(0.0, 1.0) }
    }

    /// Of what passes through an origin, at least the part that begins there: output as low as it can be, all else as high.
    fn least_part(&self, low: &Mixes, origin: u32) -> f64 {
        part(at(&self.output, origin).low(), low.supply(origin).added + low.supply(origin).imports)
    }

    /// Of what passes through an origin, how much more than what is of unknown origin anyway can begin there.
    fn most_part(&self, low: &Mixes, origin: u32) -> f64 {
        let (supply, high) = (low.supply(origin), at(&self.output, origin).high());
        let unknown = self.unknown.get(place(origin)).copied().unwrap_or(0.0);
        // What enters from elsewhere, and of that what is of unknown origin; the rest has passed here before.
        let enters = supply.imports * low.fresh(origin);
        let open = (unknown * (supply.own() + enters) - supply.added).clamp(0.0, enters);
        let all = high + supply.added + enters;
        if high.is_infinite() || all <= 0.0 {
            return 1.0 - unknown;
        }
        ((high + supply.added + open) / all - unknown).max(0.0)
    }
}

/// `own / (own + others)`, also where `own` is infinite; 0 where both are nothing.
fn part(own: f64, others: f64) -> f64 {
    if own.is_infinite() {
        1.0
    } else if own > 0.0 {
        own / (own + others)
    } else {
        0.0
    }
}

impl<K> Member<K> {
    /// A figure with the weight of the member.
    fn weighs(&self, figure: f64) -> Weighed {
        Weighed { weight: self.consumption.bounds, figure }
    }
}

/// Mean by best estimates of consumption; the figure itself where there is one member.
fn mean<K>(members: &[Member<K>], consumption: f64, figure: impl Fn(u32) -> f64) -> f64 {
    if let [member] = members {
        return member.place.map_or(0.0, figure);
    }
    let weigh =
        |member: &Member<K>| member.place.map_or(0.0, |place| member.consumption.best * figure(place));
    let sum: f64 = members.iter().map(weigh).sum();
    if consumption > 0.0 { sum / consumption } else { 0.0 }
}

fn sum(all: impl Iterator<Item = Quantity>) -> Quantity {
    all.fold(Quantity::NOTHING, |mut sum, one| {
        sum.add(one);
        sum
    })
}

fn partial(value: f64, low: f64, high: f64, exact: bool) -> Estimate {
    let reason = if exact { UNBALANCED } else { INCOMPLETE };
    Estimate::between(Some(value), low, high).because(Status::Partial, reason)
}

fn times(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? * other?)
}
