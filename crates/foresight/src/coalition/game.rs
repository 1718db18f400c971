//! What each member of a coalition is worth to it.

use super::market::{CoalitionMarket, NoAllocation};
use crate::number::float;

/// Most members whose values are computed: there are 4,096 coalitions of twelve.
pub const MAX_MEMBERS: usize = 12;

/// What one member can reach and adds.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberValue {
    /// Place among the buyers.
    pub buyer: usize,
    /// Its least dependence if it acts alone, 0 to 1.
    pub alone: f64,
    /// Its dependence if it keeps what it buys today, 0 to 1.
    pub today: f64,
    /// How much lower the dependence of all the others' worst member would be with it than without it. Below
    /// 0: it brings more demand than supply.
    pub marginal: f64,
    /// Its part of the dependence that all reach together, by its mean effect over all orders in which they
    /// may join (Shapley). The parts add up to that dependence.
    pub part: f64,
    /// Its dependence if all others act and it keeps what it buys today, less that of all together. Below 0:
    /// it is better off outside, and rides free.
    pub outside: f64,
}

/// What a project does for the coalition.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectEffect {
    /// Place among the projects given.
    pub project: usize,
    /// By how much it lowers the dependence of all together, 0 to 1.
    pub lowers: f64,
    /// The same for each tonne of its output.
    pub per_tonne: f64,
}

impl CoalitionMarket {
    /// The reach of every set of members. The set is the binary digits of its place: the last digit is the
    /// first member.
    ///
    /// # Errors
    /// [`NoAllocation`] if there are more than [`MAX_MEMBERS`] members, or the solver fails.
    pub fn reach_of_all_sets(&self) -> Result<Vec<f64>, NoAllocation> {
        let members = self.members();
        if members.len() > MAX_MEMBERS {
            return Err(NoAllocation::Members { members: members.len(), most: MAX_MEMBERS });
        }
        let sets = 0..1_usize << members.len();
        let acting = |set: usize| -> Vec<usize> {
            let chosen = members.iter().enumerate().filter(|(digit, _)| set >> digit & 1 == 1);
            chosen.map(|(_, member)| *member).collect()
        };
        sets.map(|set| self.reach(&acting(set))).collect()
    }

    /// What each member can reach and adds, in the order of the buyers.
    ///
    /// # Errors
    /// As [`Self::reach_of_all_sets`].
    pub fn member_values(&self) -> Result<Vec<MemberValue>, NoAllocation> {
        let reach = self.reach_of_all_sets()?;
        let members = self.members();
        let all = (1_usize << members.len()) - 1;
        let of_set = |set: usize| reach.get(set).copied().unwrap_or_default();
        let parts = shapley(&reach, members.len());
        let value = |(digit, (buyer, part)): (usize, (&usize, f64))| {
            let today = self.dependence_today(*buyer);
            MemberValue {
                buyer: *buyer,
                alone: of_set(1 << digit),
                today,
                marginal: of_set(all & !(1 << digit)) - of_set(all),
                part,
                outside: today - of_set(all),
            }
        };
        Ok(members.iter().zip(parts).enumerate().map(value).collect())
    }

    /// What projects would do for all members together, the one that lowers the dependence most for each
    /// tonne first. Projects are given as places of suppliers and tonnes a year above 0.
    ///
    /// # Errors
    /// [`NoAllocation`] if the solver fails.
    pub fn rank_projects(&self, projects: &[(usize, f64)]) -> Result<Vec<ProjectEffect>, NoAllocation> {
        let members = self.members();
        let before = self.reach(&members)?;
        let effect = |(project, (supplier, tonnes)): (usize, &(usize, f64))| {
            let after = self.with_more(*supplier, *tonnes).reach(&members)?;
            let lowers = before - after;
            let per_tonne = if *tonnes > 0.0 { lowers / tonnes } else { 0.0 };
            Ok(ProjectEffect { project, lowers, per_tonne })
        };
        let mut effects =
            projects.iter().enumerate().map(effect).collect::<Result<Vec<_>, NoAllocation>>()?;
        effects.sort_by(|a, b| b.per_tonne.total_cmp(&a.per_tonne).then(a.project.cmp(&b.project)));
        Ok(effects)
    }

    /// The part of a buyer's demand that is not met by others than the dominant supplier if it keeps what it
    /// buys today, 0 to 1. Without demand it is 0.
    fn dependence_today(&self, buyer: usize) -> f64 {
        let kept: f64 = self.others().map(|supplier| self.kept(supplier, buyer)).sum();
        let demand = self.buyers.get(buyer).map_or(0.0, |buyer| buyer.demand);
        if demand > 0.0 { (1.0 - kept / demand).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// The Shapley values of a game of some players, given the value of every set of them. The set is the binary
/// digits of its place. The values of all players add up to that of the whole set less that of the empty one.
///
/// ```
/// use orewatch_foresight::shapley;
///
/// // Two gloves make a pair: the owner of the only left one has two thirds of it.
/// let pair = |set: usize| if set & 1 == 1 && set > 1 { 1.0 } else { 0.0 };
/// let values = shapley(&(0..8).map(pair).collect::<Vec<_>>(), 3);
/// assert!((values[0] - 2.0 / 3.0).abs() < 1e-12 && (values[1] - 1.0 / 6.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn shapley(values: &[f64], players: usize) -> Vec<f64> {
    let weights = weights(players);
    let value = |digit: usize| {
        let bit = 1_usize << digit;
        let without = values.iter().enumerate().filter(|(set, _)| set & bit == 0);
        let gain = |(set, before): (usize, &f64)| {
            let size = usize::try_from(set.count_ones()).unwrap_or_default();
            let weight = weights.get(size).copied().unwrap_or_default();
            values.get(set | bit).map_or(0.0, |after| weight * (after - before))
        };
        without.map(gain).sum()
    };
    (0..players).map(value).collect()
}

/// Share of all orders in which a given set of each size precedes a given player: `s! (n - s - 1)! / n!`.
fn weights(players: usize) -> Vec<f64> {
    let mut weight = 1.0 / float(players.max(1));
    let mut weights = vec![weight];
    for size in 1..players {
        weight *= float(size) / float(players - size);
        weights.push(weight);
    }
    weights
}
