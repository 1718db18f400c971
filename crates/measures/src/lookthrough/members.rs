//! What the economies of a consumer have and use, and what of it comes from whom.

use crate::{Estimate, Interval, Residual, Status};

use super::network::{INCOMPLETE, Lookthrough, Quantity, at};
use super::solve::Mixes;
use super::trade::place;
use super::weigh::{Weighed, greatest_mean, least_mean};

/// Consumption below this part of supply is lost in what the statistics of trade differ by.
const LEAST_CONSUMPTION: f64 = 0.01;

pub(super) const NO_SUPPLY: &str = "the consumer has no supply: neither output nor imports";
const NOTHING_USED: &str = "the consumer exports all that it has";
const NEXT_TO_NOTHING: &str =
    "the consumer uses less than a hundredth of its supply: the rest is lost in the statistics";
const UNBALANCED: &str =
    "some exports exceed the supply that the figures give: the origin of the difference is not known";
const UNKNOWN_ORIGIN: &str =
    "a part of what is used was imported from an unknown origin, directly or through re-exporters";

/// One economy of the consumer.
pub(super) struct Member<K> {
    pub(super) key: K,
    /// Place among the economies of the market. None: it is not there, and may still be an unlisted producer for itself.
    pub(super) place: Option<u32>,
    pub(super) consumption: Quantity,
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
    pub(super) fn member(&self, key: K) -> Option<Member<K>> {
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
    pub(super) fn gap(&self, members: &[Member<K>], consumption: Quantity) -> Option<(Status, &'static str)> {
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

    pub(super) fn unknown(&self, members: &[Member<K>], consumption: f64) -> Estimate {
        if self.is_certain(members) {
            return Estimate::known(0.0);
        }
        let part = |place| self.best.unknown(place) + self.unknown_in(&self.best, place);
        let best = mean(members, consumption, part);
        if self.only_imported(members) {
            return Estimate::known(best.min(1.0));
        }
        let high = greatest_mean(members.iter().map(|member| member.weighs(self.unknown_of(member))));
        partial(best, 0.0, high.unwrap_or(1.0), self.reason(members))
    }

    /// Shares of what the members use that were imported from an unknown origin, by kind.
    pub(super) fn kinds_in(&self, members: &[Member<K>], consumption: f64) -> Vec<(Residual, Estimate)> {
        let exact = self.exact && members.iter().all(|member| member.place.is_some());
        let high = || greatest_mean(members.iter().map(|member| member.weighs(self.unknown_of(member))));
        let share = |(kind, origin)| {
            let value = mean(members, consumption, |place| self.best.share(place, origin)).min(1.0);
            let share = match exact {
                true => Estimate::known(value),
                false => partial(value, 0.0, high().unwrap_or(1.0), INCOMPLETE),
            };
            (kind, share)
        };
        let some = |(_, share): &(Residual, Estimate)| share.high.is_none_or(|high| high > 0.0);
        self.kind_places().map(share).filter(some).collect()
    }

    /// Whether nothing is in doubt but the origin of what was imported from an unknown one.
    pub(super) fn only_imported(&self, members: &[Member<K>]) -> bool {
        let balanced =
            |member: &Member<K>| member.place.is_some_and(|at| self.lacking.get(place(at)) == Some(&false));
        self.exact && members.iter().all(balanced)
    }

    /// Why shares in what the members use are not known.
    pub(super) fn reason(&self, members: &[Member<K>]) -> &'static str {
        let imported =
            |member: &Member<K>| member.place.is_some_and(|place| self.unknown_in(&self.best, place) > 0.0);
        match self.exact {
            false => INCOMPLETE,
            true if members.iter().any(imported) => UNKNOWN_ORIGIN,
            true => UNBALANCED,
        }
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
    pub(super) fn share(&self, members: &[Member<K>], consumption: f64, origin: u32) -> Option<Estimate> {
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
        (high > 0.0).then(|| partial(value, low, high, self.reason(members)))
    }

    /// The share of a member that is not in the market in what the members use: it may use output of its own.
    pub(super) fn own_share(&self, members: &[Member<K>], stranger: K) -> Estimate {
        let own = |member: &Member<K>| if member.key == stranger { 1.0 } else { self.unknown_of(member) };
        let high = greatest_mean(members.iter().map(|member| member.weighs(own(member)))).unwrap_or(1.0);
        partial(0.0, 0.0, high, INCOMPLETE)
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

pub(super) fn sum(all: impl Iterator<Item = Quantity>) -> Quantity {
    all.fold(Quantity::NOTHING, |mut sum, one| {
        sum.add(one);
        sum
    })
}

fn partial(value: f64, low: f64, high: f64, reason: &'static str) -> Estimate {
    Estimate::between(Some(value), low, high).because(Status::Partial, reason)
}
