//! Look-through across several stages: mined, refined, manufactured.
//!
//! What an economy makes at a stage is made of what it uses of the stage before. Where it makes more than
//! that use can have yielded, the difference is of unknown origin. So the origin of a consumer's magnets is
//! traced to who made them, from there to what the makers used, and so on to the mines.
//!
//! For a supplier and the stages that count, every economy gets one number a stage: the part of what it has
//! (or makes) in which the supplier was involved, with bounds ([`Involvement`]). The stages are gone through
//! once, from the first to the last.

mod routes;

pub use routes::{Route, Stop, StopKind};

use crate::lookthrough::{Lookthrough, index};
use crate::{Estimate, Status};

/// Bounds that differ by less than this are one figure.
const ROUNDING: f64 = 1e-12;

const NO_EARLIER: &str = "some stage before has no figures: what happened there is not known";
const OPEN: &str = "the origin of a part of what is used, at this stage or before, is not known";
const NO_YIELD: &str = "no conversion yield is given: whether use before covers output is not checked";

/// The stages of a material in one period, from the first to that of the market. A stage without figures is a
/// gap.
#[derive(Debug)]
pub struct Chain<'a, K> {
    stages: Vec<Option<Link<'a, K>>>,
}

/// A stage with figures, and how it depends on the stage before.
struct Link<'a, K> {
    network: &'a Lookthrough<K>,
    /// Tonnes made per tonne used of the stage before, by maker.
    yields: &'a dyn Fn(K) -> Option<f64>,
    /// By economy: what certainly comes from whom.
    certain: Vec<CertainMix>,
}

impl<K> std::fmt::Debug for Link<'_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("economies", &self.certain.len()).finish_non_exhaustive()
    }
}

/// The certain part of an economy's mix, and the rest, which may come from anyone.
struct CertainMix {
    /// Lower bounds above zero, by origin.
    shares: Vec<(u32, f64)>,
    /// What is left of 1.
    rest: f64,
}

/// The part of some material in which the supplier was involved, each number 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Involvement {
    /// Best estimate: what is of unknown origin counts as not involved.
    best: f64,
    /// Best estimate of the part that is of unknown origin.
    unknown: f64,
    low: f64,
    high: f64,
}

impl Involvement {
    const NONE: Self = Self { best: 0.0, unknown: 0.0, low: 0.0, high: 0.0 };
    const ALL: Self = Self { best: 1.0, unknown: 0.0, low: 1.0, high: 1.0 };
    const UNKNOWN: Self = Self { best: 0.0, unknown: 1.0, low: 0.0, high: 1.0 };
}

/// Involvement by stage, then economy: in what each economy has, and in what each makes.
struct StageInvolvements {
    had: Vec<Vec<Involvement>>,
    made: Vec<Vec<Involvement>>,
}

impl<'a, K: Copy + Ord> Chain<'a, K> {
    /// A chain without stages.
    #[must_use]
    pub fn new() -> Self {
        Self { stages: Vec::new() }
    }

    /// Adds the next stage. `yields` gives tonnes made per tonne used of the stage before, by maker. None
    /// where it is not known or the two stages are on different bases: then nothing is checked, and all that
    /// an economy makes has the mix of what it uses.
    #[must_use]
    pub fn with(mut self, network: &'a Lookthrough<K>, yields: &'a dyn Fn(K) -> Option<f64>) -> Self {
        let certain = (0..).zip(network.economies()).map(|(economy, _)| certain_mix(network, economy));
        self.stages.push(Some(Link { network, yields, certain: certain.collect() }));
        self
    }

    /// Adds a next stage of which nothing is known.
    #[must_use]
    pub fn with_gap(mut self) -> Self {
        self.stages.push(None);
        self
    }

    /// The involvement of a supplier in the material, at the stages for which `counts` is true, from the
    /// first: mined there, refined there, made there, or any of these.
    ///
    /// What the same supplier mined and refined counts once: over several stages it is `1 - sum over makers m
    /// that are not S of M[j][m] * sum over refiners i that are not S of R[m][i] * ...`.
    #[must_use]
    pub fn trace_supplier(&self, supplier: K, counts: &[bool]) -> SupplierTrace<'_, 'a, K> {
        self.trace(Some(supplier), counts)
    }

    /// Imports of unknown origin at the stages for which `counts` is true, traced as if they were a supplier:
    /// how much they widen the bounds of every supplier's share, and by which routes they came.
    #[must_use]
    pub fn trace_unknown_origin(&self, counts: &[bool]) -> SupplierTrace<'_, 'a, K> {
        self.trace(None, counts)
    }

    fn trace(&self, supplier: Option<K>, counts: &[bool]) -> SupplierTrace<'_, 'a, K> {
        let before = counts.len().min(self.stages.len()).saturating_sub(1);
        let only_last = !counts.iter().take(before).any(|counts| *counts);
        SupplierTrace {
            chain: self,
            supplier,
            counts: counts.to_vec(),
            only_last,
            involvements: self.involvements(supplier, counts),
        }
    }

    /// Whether every stage has figures and all output was checked against use of the stage before.
    fn is_checked(&self) -> bool {
        self.reason() == OPEN
    }

    /// Why shares through the chain are not known exactly.
    fn reason(&self) -> &'static str {
        let mut reason = OPEN;
        for (before, link) in self.stages.iter().zip(self.stages.iter().skip(1)) {
            match (before, link) {
                (None, _) => return NO_EARLIER,
                (_, Some(link)) if link.lacks_yield() => reason = NO_YIELD,
                _ => {}
            }
        }
        reason
    }

    /// Computes involvement stage by stage.
    fn involvements(&self, supplier: Option<K>, counts: &[bool]) -> StageInvolvements {
        let mut stages = StageInvolvements { had: Vec::new(), made: Vec::new() };
        let mut counted = false;
        for (stage, link) in self.stages.iter().enumerate() {
            let counts = counts.get(stage).copied().unwrap_or(false);
            let (made, had) = match link {
                None => (Vec::new(), Vec::new()),
                Some(link) => {
                    let mut made = self.made(stage, link, counted.then_some(&stages));
                    match supplier {
                        Some(supplier) if counts => {
                            let own = link.network.number(supplier);
                            own.into_iter().for_each(|own| set(&mut made, own, Involvement::ALL));
                        }
                        // Kinds of unknown origin are numbered after the economies.
                        None if counts => {
                            made.extend(link.network.unknown_kinds().map(|_| Involvement::ALL));
                        }
                        _ => {}
                    }
                    let had = (0..).zip(&link.certain).map(|(economy, certain)| match supplier {
                        Some(supplier) if counts && !counted => link.direct(economy, supplier, certain),
                        _ => link.had(economy, certain, &made),
                    });
                    let had = had.collect();
                    (made, had)
                }
            };
            stages.had.push(had);
            stages.made.push(made);
            counted |= counts;
        }
        stages
    }

    /// Involvement, before this stage, in what each economy makes. `before` is None where no earlier stage
    /// counts.
    fn made(&self, stage: usize, link: &Link<'a, K>, before: Option<&StageInvolvements>) -> Vec<Involvement> {
        let economies = link.network.economies();
        let Some(stages) = before else { return vec![Involvement::NONE; economies.len()] };
        let before = stage.checked_sub(1);
        let had = before.and_then(|before| stages.had.get(before)).map_or(&[][..], Vec::as_slice);
        let before = before.and_then(|before| self.stages.get(before)).and_then(Option::as_ref);
        economies
            .iter()
            .map(|key| before.map_or(Involvement::UNKNOWN, |before| link.carried_over(*key, before, had)))
            .collect()
    }
}

/// The involvement of a supplier in a chain. Made by [`Chain::trace_supplier`].
pub struct SupplierTrace<'c, 'a, K> {
    chain: &'c Chain<'a, K>,
    /// `None`: what came in from an unknown origin.
    supplier: Option<K>,
    counts: Vec<bool>,
    /// Only the last stage counts.
    only_last: bool,
    involvements: StageInvolvements,
}

impl<K: std::fmt::Debug> std::fmt::Debug for SupplierTrace<'_, '_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupplierTrace")
            .field("supplier", &self.supplier)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl<K: Copy + Ord> SupplierTrace<'_, '_, K> {
    /// Share of what a consumer uses at the last stage in which the supplier was involved, 0 to 1.
    ///
    /// The best estimate counts what is of unknown origin as not the supplier's; where nothing is known there
    /// is none. Coverage is the part of known origin. UNAVAILABLE or NOT_APPLICABLE where the consumer has no
    /// mix at the last stage.
    #[must_use]
    pub fn share(&self, members: &[K]) -> Estimate {
        let Some(Some(last)) = self.chain.stages.last() else {
            return Estimate::missing(Status::Unavailable, NO_EARLIER);
        };
        if let Some((status, reason)) = last.network.mix_gap(members) {
            return Estimate::missing(status, reason);
        }
        if let Some(supplier) = self.supplier.filter(|_| self.only_last) {
            return last.network.origins(members.iter().copied()).share(supplier);
        }
        let had = self.involvements.had.last().map_or(&[][..], Vec::as_slice);
        let [best, unknown] = [|part: Involvement| part.best, |part: Involvement| part.unknown]
            .map(|pick| last.network.mean_by_use(members, |economy| pick(get(had, economy))));
        let low = last.network.least_mean_by_use(members, |economy| get(had, economy).low);
        let high = last.network.greatest_mean_by_use(members, |economy| get(had, economy).high);
        if high - low < ROUNDING && unknown <= 0.0 && self.chain.is_checked() {
            return Estimate::known(best.clamp(0.0, 1.0));
        }
        let value = (unknown < 1.0).then_some(best);
        let estimate = Estimate::between(value, low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
        let coverage = Some((1.0 - unknown).clamp(0.0, 1.0));
        estimate.with_coverage(coverage).with_status(Status::Partial, self.chain.reason())
    }
}

impl<K: Copy + Ord> Default for Chain<'_, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Ord> Link<'_, K> {
    /// Whether some maker has no yield.
    fn lacks_yield(&self) -> bool {
        let makes = |key: &&K| self.network.max_output(**key) > 0.0;
        self.network.economies().iter().filter(makes).any(|key| (self.yields)(*key).is_none())
    }

    /// Involvement in an economy's output at this stage, given the involvement in what it had at the stage
    /// before.
    fn carried_over(&self, key: K, before: &Self, had: &[Involvement]) -> Involvement {
        let Some(economy) = before.network.number(key) else { return Involvement::UNKNOWN };
        let (least, best) = before.network.consumption_of(economy);
        if best <= 0.0 {
            return Involvement::UNKNOWN;
        }
        let (part, covered) = (get(had, economy), self.covered_input(key, least));
        Involvement {
            low: covered * part.low,
            high: (covered * part.high + (1.0 - covered)).min(1.0),
            ..part
        }
    }

    /// Least part of the input of an economy's output that is covered by its use of the stage before, 0 to 1.
    fn covered_input(&self, key: K, used: f64) -> f64 {
        let usable = |out: &f64| out.is_finite() && *out > 0.0;
        let Some(out) = (self.yields)(key).filter(usable) else { return 1.0 };
        let made = self.network.max_output(key);
        if made > 0.0 { (used * out / made).min(1.0) } else { 1.0 }
    }

    /// Involvement in what an economy has, given the involvement in what each maker makes.
    fn had(&self, economy: u32, certain: &CertainMix, made: &[Involvement]) -> Involvement {
        let mut sum = Involvement { high: certain.rest, ..Involvement::NONE };
        for (origin, share) in self.network.mixes().mix(economy) {
            let made = get(made, origin);
            sum.best += share * made.best;
            sum.unknown += share * made.unknown;
        }
        for (origin, share) in &certain.shares {
            let made = get(made, *origin);
            sum.low += share * made.low;
            sum.high += share * made.high;
        }
        // Where everything else is known, so is how much is of unknown origin.
        if self.network.is_exact() {
            let share = |kind| self.network.mixes().share(economy, kind);
            for (_, kind) in self.network.unknown_kinds() {
                sum.low += share(kind) * get(made, kind).low;
            }
        }
        sum
    }

    /// Involvement where the supplier counts at this stage and at none before: its share in what an economy
    /// has.
    fn direct(&self, economy: u32, supplier: K, certain: &CertainMix) -> Involvement {
        let Some(origin) = self.network.number(supplier) else {
            return Involvement { high: certain.rest, ..Involvement::NONE };
        };
        let (low, high) = self.network.share_bounds(economy, origin);
        let unknown = self.network.unknown_imported_share(self.network.mixes(), economy);
        Involvement { best: self.network.mixes().share(economy, origin), unknown, low, high }
    }
}

/// The certain part of an economy's mix.
fn certain_mix<K: Copy + Ord>(network: &Lookthrough<K>, economy: u32) -> CertainMix {
    let count = u32::try_from(network.economies().len()).unwrap_or(u32::MAX);
    let shares = (0..count).map(|origin| (origin, network.share_bounds(economy, origin).0));
    let shares: Vec<_> = shares.filter(|(_, low)| *low > 0.0).collect();
    let rest = (1.0 - shares.iter().map(|(_, low)| low).sum::<f64>()).max(0.0);
    // A rest that is only rounding is none.
    CertainMix { shares, rest: if rest < ROUNDING { 0.0 } else { rest } }
}

fn get(involvements: &[Involvement], economy: u32) -> Involvement {
    involvements.get(index(economy)).copied().unwrap_or(Involvement::UNKNOWN)
}

fn set(involvements: &mut [Involvement], economy: u32, part: Involvement) {
    if let Some(entry) = involvements.get_mut(index(economy)) {
        *entry = part;
    }
}
