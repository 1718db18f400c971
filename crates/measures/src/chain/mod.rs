//! Measures through several stages: mined, refined, manufactured.
//!
//! What an economy makes at a stage is made of what it uses of the stage before. Where an economy makes more than its use
//! before can have yielded, the difference is of unknown origin. So the origin of a consumer's magnets passes from who made
//! them to what these used, and so on to the mines.

mod routes;

pub use routes::{Route, Stop, What};

use crate::lookthrough::{Lookthrough, index};
use crate::{Estimate, Status};

/// Bounds nearer to each other than this are one figure.
const ROUNDING: f64 = 1e-12;

const NO_EARLIER: &str = "some stage before has no figures: what happened there is not known";
const OPEN: &str = "the origin of a part of what is used, at this stage or before, is not known";
const NO_YIELD: &str = "no conversion yield is given: whether use before covers output is not checked";

/// Stages of a material in one period, from the first to that of the market, as far as there are figures of them.
#[derive(Debug)]
pub struct Chain<'a, K> {
    stages: Vec<Option<Link<'a, K>>>,
}

/// A stage and how it draws on the one before.
struct Link<'a, K> {
    network: &'a Lookthrough<K>,
    /// Tonnes out per tonne in, by who makes.
    yields: &'a dyn Fn(K) -> Option<f64>,
    /// For each economy, what certainly comes from whom; and what may come from anyone.
    sure: Vec<Sure>,
}

impl<K> std::fmt::Debug for Link<'_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("economies", &self.sure.len()).finish_non_exhaustive()
    }
}

/// What an economy certainly has from whom, and the rest.
struct Sure {
    shares: Vec<(u32, f64)>,
    rest: f64,
}

/// What part of something the supplier had a hand in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Touch {
    /// By best estimates: what is of unknown origin counts as not touched.
    hit: f64,
    /// By best estimates, the part of unknown origin.
    open: f64,
    low: f64,
    high: f64,
}

impl Touch {
    const NONE: Self = Self { hit: 0.0, open: 0.0, low: 0.0, high: 0.0 };
    const ALL: Self = Self { hit: 1.0, open: 0.0, low: 1.0, high: 1.0 };
    const UNKNOWN: Self = Self { hit: 0.0, open: 1.0, low: 0.0, high: 1.0 };
}

/// What the supplier had a hand in, by stage: in what each economy has, and in what each makes.
struct Touched {
    had: Vec<Vec<Touch>>,
    made: Vec<Vec<Touch>>,
}

impl<'a, K: Copy + Ord> Chain<'a, K> {
    /// A chain without stages.
    #[must_use]
    pub fn new() -> Self {
        Self { stages: Vec::new() }
    }

    /// The chain with its next stage. `yields` are tonnes made per tonne used of the stage before, by who makes; none where
    /// it is not known, or the two are on different bases: then nothing is checked, and all that an economy makes has the
    /// mix of what it uses.
    #[must_use]
    pub fn with(mut self, network: &'a Lookthrough<K>, yields: &'a dyn Fn(K) -> Option<f64>) -> Self {
        let sure = (0..).zip(network.economies()).map(|(place, _)| sure(network, place)).collect();
        self.stages.push(Some(Link { network, yields, sure }));
        self
    }

    /// The chain with a next stage of which nothing is known.
    #[must_use]
    pub fn with_gap(mut self) -> Self {
        self.stages.push(None);
        self
    }

    /// A supplier's hand in the chain, at the stages of which `counts` is true, from the first: mined there, refined there,
    /// made there, or any of these.
    ///
    /// At several stages the parts are not added: what the same supplier mined and refined counts once. `1 - sum over makers
    /// m that are not S of M[j][m] * sum over refiners i that are not S of R[m][i] * ...`.
    #[must_use]
    pub fn hand(&self, supplier: K, counts: &[bool]) -> Hand<'_, 'a, K> {
        self.hand_of(Some(supplier), counts)
    }

    /// What came in from an unknown origin at the stages of which `counts` is true, as if that were a supplier: the part of
    /// the bounds of every supplier's share that imports of unknown origin account for, and the ways that they took.
    #[must_use]
    pub fn hand_of_unknown(&self, counts: &[bool]) -> Hand<'_, 'a, K> {
        self.hand_of(None, counts)
    }

    fn hand_of(&self, supplier: Option<K>, counts: &[bool]) -> Hand<'_, 'a, K> {
        let before = counts.len().min(self.stages.len()).saturating_sub(1);
        let only_last = !counts.iter().take(before).any(|counts| *counts);
        Hand {
            chain: self,
            supplier,
            counts: counts.to_vec(),
            only_last,
            touched: self.touched(supplier, counts),
        }
    }

    /// Whether every stage has figures and every output that draws on a stage before was checked against it.
    fn is_checked(&self) -> bool {
        self.reason() == OPEN
    }

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

    /// Stage by stage, what the supplier had a hand in.
    fn touched(&self, supplier: Option<K>, counts: &[bool]) -> Touched {
        let mut touched = Touched { had: Vec::new(), made: Vec::new() };
        let mut counted = false;
        for (stage, link) in self.stages.iter().enumerate() {
            let counts = counts.get(stage).copied().unwrap_or(false);
            let (made, had) = match link {
                None => (Vec::new(), Vec::new()),
                Some(link) => {
                    let mut made = self.made(stage, link, counted.then_some(&touched));
                    match supplier {
                        Some(supplier) if counts => {
                            let own = link.network.place(supplier);
                            own.into_iter().for_each(|own| set(&mut made, own, Touch::ALL));
                        }
                        // Kinds of unknown origin are origins behind the economies.
                        None if counts => {
                            made.extend(link.network.kind_places().map(|_| Touch::ALL));
                        }
                        _ => {}
                    }
                    let had = (0..).zip(&link.sure).map(|(place, sure)| match supplier {
                        Some(supplier) if counts && !counted => link.direct(place, supplier, sure),
                        _ => link.had(place, sure, &made),
                    });
                    let had = had.collect();
                    (made, had)
                }
            };
            touched.had.push(had);
            touched.made.push(made);
            counted |= counts;
        }
        touched
    }

    /// What of each economy's output was touched before. None: nothing counts before.
    fn made(&self, stage: usize, link: &Link<'a, K>, before: Option<&Touched>) -> Vec<Touch> {
        let economies = link.network.economies();
        let Some(touched) = before else { return vec![Touch::NONE; economies.len()] };
        let before = stage.checked_sub(1);
        let had = before.and_then(|before| touched.had.get(before)).map_or(&[][..], Vec::as_slice);
        let before = before.and_then(|before| self.stages.get(before)).and_then(Option::as_ref);
        economies
            .iter()
            .map(|key| before.map_or(Touch::UNKNOWN, |before| link.draw(*key, before, had)))
            .collect()
    }
}

/// A supplier's hand in a chain.
pub struct Hand<'c, 'a, K> {
    chain: &'c Chain<'a, K>,
    /// None: what came in from an unknown origin.
    supplier: Option<K>,
    counts: Vec<bool>,
    /// Of the stages only the last counts.
    only_last: bool,
    touched: Touched,
}

impl<K: std::fmt::Debug> std::fmt::Debug for Hand<'_, '_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hand")
            .field("supplier", &self.supplier)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl<K: Copy + Ord> Hand<'_, '_, K> {
    /// Part of what a consumer uses at the last stage in which the supplier had its hand, 0 to 1.
    ///
    /// The best estimate counts what is of unknown origin as not the supplier's, and there is none where nothing is known;
    /// coverage says how much is. UNAVAILABLE or NOT_APPLICABLE where the consumer has no mix at the last stage.
    #[must_use]
    pub fn share(&self, members: &[K]) -> Estimate {
        let Some(Some(last)) = self.chain.stages.last() else {
            return Estimate::missing(Status::Unavailable, NO_EARLIER);
        };
        if let Some((status, reason)) = last.network.gap_of(members) {
            return Estimate::missing(status, reason);
        }
        if let Some(supplier) = self.supplier.filter(|_| self.only_last) {
            return last.network.origins(members.iter().copied()).share(supplier);
        }
        let had = self.touched.had.last().map_or(&[][..], Vec::as_slice);
        let at = |place: u32| get(had, place);
        let [hit, open] = [|touch: Touch| touch.hit, |touch: Touch| touch.open]
            .map(|pick| last.network.mean_of(members, |place| pick(at(place))));
        let low = last.network.least_of(members, |place| at(place).low);
        let high = last.network.greatest_of(members, |place| at(place).high);
        if high - low < ROUNDING && open <= 0.0 && self.chain.is_checked() {
            return Estimate::known(hit.clamp(0.0, 1.0));
        }
        let value = (open < 1.0).then_some(hit);
        let estimate = Estimate::between(value, low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
        let coverage = Some((1.0 - open).clamp(0.0, 1.0));
        estimate.with_coverage(coverage).because(Status::Partial, self.chain.reason())
    }
}

impl<K: Copy + Ord> Default for Chain<'_, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Ord> Link<'_, K> {
    fn lacks_yield(&self) -> bool {
        let makes = |key: &&K| self.network.most_output(**key) > 0.0;
        self.network.economies().iter().filter(makes).any(|key| (self.yields)(*key).is_none())
    }

    /// What of an economy's output at this stage was touched, given what it had at the stage before.
    fn draw(&self, key: K, before: &Self, had: &[Touch]) -> Touch {
        let Some(place) = before.network.place(key) else { return Touch::UNKNOWN };
        let (least, best) = before.network.used_by(place);
        if best <= 0.0 {
            return Touch::UNKNOWN;
        }
        let (touch, cover) = (get(had, place), self.cover(key, least));
        Touch { low: cover * touch.low, high: (cover * touch.high + (1.0 - cover)).min(1.0), ..touch }
    }

    /// The least part of the input of an economy's output that its use before covers, 0 to 1.
    fn cover(&self, key: K, used: f64) -> f64 {
        let usable = |out: &f64| out.is_finite() && *out > 0.0;
        let Some(out) = (self.yields)(key).filter(usable) else { return 1.0 };
        let made = self.network.most_output(key);
        if made > 0.0 { (used * out / made).min(1.0) } else { 1.0 }
    }

    /// What of what an economy has was touched, given what each maker makes.
    fn had(&self, place: u32, sure: &Sure, made: &[Touch]) -> Touch {
        let mut touch = Touch { high: sure.rest, ..Touch::NONE };
        for (origin, share) in self.network.mixes().mix(place) {
            let made = get(made, origin);
            touch.hit += share * made.hit;
            touch.open += share * made.open;
        }
        for (origin, share) in &sure.shares {
            let made = get(made, *origin);
            touch.low += share * made.low;
            touch.high += share * made.high;
        }
        // How much is of unknown origin is certain where all else is.
        if self.network.is_exact() {
            let share = |kind| self.network.mixes().share(place, kind);
            for (_, kind) in self.network.kind_places() {
                touch.low += share(kind) * get(made, kind).low;
            }
        }
        touch
    }

    /// The same where the supplier counts at this stage, and at none before: the share of the supplier itself.
    fn direct(&self, place: u32, supplier: K, sure: &Sure) -> Touch {
        let Some(origin) = self.network.place(supplier) else {
            return Touch { high: sure.rest, ..Touch::NONE };
        };
        let (low, high) = self.network.share_between(place, origin);
        let open = self.network.unknown_in(self.network.mixes(), place);
        Touch { hit: self.network.mixes().share(place, origin), open, low, high }
    }
}

/// What certainly comes from whom.
fn sure<K: Copy + Ord>(network: &Lookthrough<K>, place: u32) -> Sure {
    let count = u32::try_from(network.economies().len()).unwrap_or(u32::MAX);
    let shares = (0..count).map(|origin| (origin, network.share_between(place, origin).0));
    let shares: Vec<_> = shares.filter(|(_, low)| *low > 0.0).collect();
    let rest = (1.0 - shares.iter().map(|(_, low)| low).sum::<f64>()).max(0.0);
    // What rounding leaves is not open.
    Sure { shares, rest: if rest < ROUNDING { 0.0 } else { rest } }
}

fn get(all: &[Touch], place: u32) -> Touch {
    all.get(index(place)).copied().unwrap_or(Touch::UNKNOWN)
}

fn set(all: &mut [Touch], place: u32, touch: Touch) {
    if let Some(entry) = all.get_mut(index(place)) {
        *entry = touch;
    }
}
