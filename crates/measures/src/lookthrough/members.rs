//! What the economies of a consumer have and use, and how much of it comes from each origin.
//!
//! A consumer is one economy or several, such as a bloc. Its figure is the mean over its members, weighted by
//! what they use. Where the weights are only known between bounds, so is the mean ([`super::weigh`]).
//!
//! # How the bounds of a share follow from two solves
//!
//! The share of an origin falls in every other economy's output and rises in its own. With all *other* output
//! as high as it can be it is least, with all other output as low as it can be it is greatest. Two solves,
//! all low and all high, serve every origin, because the origin's own output only changes what part of the
//! material passing through it begins there: the reach of an economy (what part of a supply passed through
//! it) does not depend on its own output. So a share is reach times that part, and the part is known from two
//! amounts. Material of unknown origin counts for nobody in the lower end, and for the origin in the upper
//! one.

use crate::{Estimate, Interval, Residual, Status};

use super::quantity::{INCOMPLETE, Quantity, quantity_of, sum};
use super::solution::Lookthrough;
use super::solve::Mixes;
use super::trade::index;
use super::weigh::{Weighed, greatest_mean, least_mean};

/// Below this part of supply, consumption is the difference of large figures and mostly statistical error.
const MIN_CONSUMED_PART: f64 = 0.01;

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
    /// `None`: it is not in the market, and may still be an unlisted producer for itself.
    pub(super) number: Option<u32>,
    /// What it uses: supply less exports.
    pub(super) consumption: Quantity,
}

impl<K: Copy + Ord> Lookthrough<K> {
    /// Status and reason of a consumer that has no mix. `None`: it has one.
    pub(crate) fn mix_gap(&self, members: &[K]) -> Option<(Status, &'static str)> {
        let members: Vec<_> = members.iter().filter_map(|key| self.member(*key)).collect();
        self.members_gap(&members, sum(members.iter().map(|member| member.consumption)))
    }

    /// Lower and upper bound of an origin's share in the supply of an economy, 0 to 1.
    pub(crate) fn share_bounds(&self, economy: u32, origin: u32) -> (f64, f64) {
        let member = self.keys.get(index(economy)).and_then(|key| self.member(*key));
        member.map_or((0.0, 1.0), |member| {
            let share = self.member_share_bounds(&member, origin);
            (share.low, share.high)
        })
    }

    /// Tonnes that an economy uses: lower bound and best estimate.
    pub(crate) fn consumption_of(&self, economy: u32) -> (f64, f64) {
        let used = self.keys.get(index(economy)).and_then(|key| self.member(*key));
        used.map_or((0.0, 0.0), |member| (member.consumption.bounds.low, member.consumption.best))
    }

    /// Upper bound of an economy's output in tonnes; infinite where there is none.
    pub(crate) fn max_output(&self, economy: K) -> f64 {
        let number = self.number(economy);
        number.map_or(self.unlisted.bounds.high, |number| quantity_of(&self.output, number).high())
    }

    /// Mean of a figure over the members of a consumer, weighted by what they use.
    pub(crate) fn mean_by_use(&self, members: &[K], figure: impl Fn(u32) -> f64) -> f64 {
        let members: Vec<_> = members.iter().filter_map(|key| self.member(*key)).collect();
        mean(&members, members.iter().map(|member| member.consumption.best).sum(), figure)
    }

    /// Least such mean over all that the members may use. A member that is not in the market counts with 0.
    pub(crate) fn least_mean_by_use(&self, members: &[K], figure: impl Fn(u32) -> f64) -> f64 {
        let members = members.iter().filter_map(|key| self.member(*key));
        least_mean(members.map(|member| member.weighted(member.number.map_or(0.0, &figure))).collect())
            .unwrap_or(0.0)
    }

    /// Greatest such mean. A member that is not in the market counts with 1.
    pub(crate) fn greatest_mean_by_use(&self, members: &[K], figure: impl Fn(u32) -> f64) -> f64 {
        let members = members.iter().filter_map(|key| self.member(*key));
        greatest_mean(members.map(|member| member.weighted(member.number.map_or(1.0, &figure))))
            .unwrap_or(1.0)
    }

    /// An economy as a member of a consumer. `None`: it is not in the market, and can have no output either.
    pub(super) fn member(&self, key: K) -> Option<Member<K>> {
        let Some(number) = self.number(key) else {
            let consumption = self.unlisted;
            return (consumption.bounds.high > 0.0).then_some(Member { key, number: None, consumption });
        };
        let [output, imports, exports] =
            [&self.output, &self.imports, &self.exports].map(|amounts| quantity_of(amounts, number));
        let less = |have: f64, gone: f64| if gone.is_infinite() { 0.0 } else { (have - gone).max(0.0) };
        let bounds = Interval {
            low: less(output.low() + imports.low(), exports.high()),
            high: less(output.high() + imports.high(), exports.low()),
        };
        let consumption = Quantity { best: self.best.supply(number).consumption(), bounds };
        Some(Member { key, number: Some(number), consumption })
    }

    /// Status and reason where the members have no mix: they have no supply, use nothing, or use so little of
    /// what they have that it is lost in statistical error. Trade between members is no supply here.
    pub(super) fn members_gap(
        &self,
        members: &[Member<K>],
        consumption: Quantity,
    ) -> Option<(Status, &'static str)> {
        let numbers = || members.iter().filter_map(|member| member.number);
        let supply: f64 = numbers().map(|number| self.best.supply(number).total()).sum();
        let may_have = |number| {
            quantity_of(&self.output, number).high() + quantity_of(&self.imports, number).high() > 0.0
        };
        let possible = members.iter().any(|member| member.number.is_none_or(may_have));
        let internal = self.internal_trade(members);
        if supply <= 0.0 {
            let reason = if possible { INCOMPLETE } else { NO_SUPPLY };
            return Some((if possible { Status::Unavailable } else { Status::NotApplicable }, reason));
        }
        let is_balanced = || numbers().all(|number| self.best.supply(number).added <= 0.0);
        if consumption.best <= 0.0 && self.exact && is_balanced() {
            return Some((Status::NotApplicable, NOTHING_USED));
        }
        (consumption.best <= MIN_CONSUMED_PART * (supply - internal))
            .then_some((Status::Unavailable, NEXT_TO_NOTHING))
    }

    /// Trade between the members, by best estimates.
    fn internal_trade(&self, members: &[Member<K>]) -> f64 {
        let is_member = |economy: u32| members.iter().any(|member| member.number == Some(economy));
        if members.len() < 2 {
            return 0.0;
        }
        self.flows.iter().filter(|(from, to, _)| is_member(*from) && is_member(*to)).map(|(_, _, t)| t).sum()
    }

    /// Share of what the members use that is of unknown origin, 0 to 1.
    pub(super) fn unknown_share(&self, members: &[Member<K>], consumption: f64) -> Estimate {
        if self.is_certain(members) {
            return Estimate::known(0.0);
        }
        let part = |number| self.best.unknown(number) + self.unknown_imported_share(&self.best, number);
        let best = mean(members, consumption, part);
        if self.is_only_origin_unknown(members) {
            return Estimate::known(best.min(1.0));
        }
        let high = greatest_mean(members.iter().map(|member| member.weighted(self.max_unknown_of(member))));
        partial(best, 0.0, high.unwrap_or(1.0), self.reason(members))
    }

    /// Shares of what the members use that were imported from an unknown origin, by kind.
    pub(super) fn unknown_shares_by_kind(
        &self,
        members: &[Member<K>],
        consumption: f64,
    ) -> Vec<(Residual, Estimate)> {
        let exact = self.exact && members.iter().all(|member| member.number.is_some());
        let high =
            || greatest_mean(members.iter().map(|member| member.weighted(self.max_unknown_of(member))));
        let share = |(kind, origin)| {
            let value = mean(members, consumption, |number| self.best.share(number, origin)).min(1.0);
            let share = match exact {
                true => Estimate::known(value),
                false => partial(value, 0.0, high().unwrap_or(1.0), INCOMPLETE),
            };
            (kind, share)
        };
        let some = |(_, share): &(Residual, Estimate)| share.high.is_none_or(|high| high > 0.0);
        self.unknown_kinds().map(share).filter(some).collect()
    }

    /// Whether nothing is in doubt but where imports of unknown origin come from.
    pub(super) fn is_only_origin_unknown(&self, members: &[Member<K>]) -> bool {
        let is_covered = |number| self.meets_deficit.get(index(number)) == Some(&false);
        self.exact && members.iter().all(|member| member.number.is_some_and(is_covered))
    }

    /// Why shares in what the members use are not known exactly.
    pub(super) fn reason(&self, members: &[Member<K>]) -> &'static str {
        let imported = |member: &Member<K>| {
            member.number.is_some_and(|number| self.unknown_imported_share(&self.best, number) > 0.0)
        };
        match self.exact {
            false => INCOMPLETE,
            true if members.iter().any(imported) => UNKNOWN_ORIGIN,
            true => UNBALANCED,
        }
    }

    /// Greatest part of what a member uses that may be of unknown origin, 0 to 1.
    fn max_unknown_of(&self, member: &Member<K>) -> f64 {
        member.number.and_then(|number| self.max_unknown.get(index(number))).copied().unwrap_or(0.0)
    }

    /// Whether the mix of the members is known exactly.
    fn is_certain(&self, members: &[Member<K>]) -> bool {
        let certain = |member| self.max_unknown_of(member) <= 0.0 && member.number.is_some();
        self.exact && members.iter().all(certain)
    }

    /// Share of an origin in what the members use, 0 to 1. `None`: it has none, and cannot have one.
    pub(super) fn share(&self, members: &[Member<K>], consumption: f64, origin: u32) -> Option<Estimate> {
        let value = mean(members, consumption, |number| self.best.share(number, origin));
        if self.is_certain(members) {
            return (value > 0.0).then(|| Estimate::known(value.min(1.0)));
        }
        let bounds: Vec<_> = members.iter().map(|member| self.member_share_bounds(member, origin)).collect();
        let weighted = |pick: fn(&Interval) -> f64| {
            members.iter().zip(&bounds).map(move |(member, share)| member.weighted(pick(share)))
        };
        let high = greatest_mean(weighted(|share| share.high)).unwrap_or(1.0);
        let low = least_mean(weighted(|share| share.low).collect()).unwrap_or(0.0);
        (high > 0.0).then(|| partial(value, low, high, self.reason(members)))
    }

    /// Share of a member that is not in the market in what the members use: it may use output of its own.
    pub(super) fn unlisted_member_share(&self, members: &[Member<K>], unlisted: K) -> Estimate {
        let own = |member: &Member<K>| if member.key == unlisted { 1.0 } else { self.max_unknown_of(member) };
        let high = greatest_mean(members.iter().map(|member| member.weighted(own(member)))).unwrap_or(1.0);
        partial(0.0, 0.0, high, INCOMPLETE)
    }

    /// Bounds of the share of an origin in the supply of a member, from the two solves (see the module's
    /// documentation).
    fn member_share_bounds(&self, member: &Member<K>, origin: u32) -> Interval {
        let Some(economy) = member.number else { return Interval { low: 0.0, high: 0.0 } };
        let output = quantity_of(&self.output, origin);
        let (low, high) = self.bounds.as_ref().map_or((&self.best, &self.best), |(low, high)| (low, high));
        let unknown = self.max_unknown_of(member);
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
                high.reach(economy, origin) * self.least_own_part(low, origin),
                low.reach(economy, origin) * self.most_own_part(low, origin),
            )
        };
        // The ends come from two solves: rounding may put the upper one below the lower. `Estimate::between`
        // mends that.
        Interval { low: least.clamp(0.0, 1.0), high: (most + unknown).clamp(0.0, 1.0) }
    }

    /// Least part of what passes through an origin that begins there, 0 to 1: its output as low as it can be,
    /// all else as high.
    fn least_own_part(&self, low: &Mixes, origin: u32) -> f64 {
        part(quantity_of(&self.output, origin).low(), low.supply(origin).added + low.supply(origin).imports)
    }

    /// Greatest part of what passes through an origin that can begin there, beyond what is of unknown origin
    /// anyway, which the caller adds for every origin.
    fn most_own_part(&self, low: &Mixes, origin: u32) -> f64 {
        let (supply, high) = (low.supply(origin), quantity_of(&self.output, origin).high());
        let unknown = self.max_unknown.get(index(origin)).copied().unwrap_or(0.0);
        // Imports that pass here for the first time, and the part of them that is of unknown origin. The rest
        // of the imports left this economy before and came back.
        let enters = supply.imports * low.first_pass_share(origin);
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
    /// A figure, weighted by what the member uses.
    fn weighted(&self, figure: f64) -> Weighed {
        Weighed { weight: self.consumption.bounds, figure }
    }
}

/// Mean of a figure, weighted by best estimates of consumption; the figure itself where there is one member.
fn mean<K>(members: &[Member<K>], consumption: f64, figure: impl Fn(u32) -> f64) -> f64 {
    if let [member] = members {
        return member.number.map_or(0.0, figure);
    }
    let weighted =
        |member: &Member<K>| member.number.map_or(0.0, |number| member.consumption.best * figure(number));
    let sum: f64 = members.iter().map(weighted).sum();
    if consumption > 0.0 { sum / consumption } else { 0.0 }
}

/// A figure that is partial for a reason.
fn partial(value: f64, low: f64, high: f64, reason: &'static str) -> Estimate {
    Estimate::between(Some(value), low, high).with_status(Status::Partial, reason)
}
