//! The ways by which a supplier's material reaches a consumer.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::{Hand, Link, Touch, get};
use crate::lookthrough::index;

/// Ways that bring less than this part of the figure are not looked for.
const LEAST: f64 = 1e-4;

/// Steps of the search at most.
const MOST_STEPS: usize = 20_000;

/// A way by which material reaches a consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Route<K> {
    /// Where it passes, from its origin to the consumer.
    pub stops: Vec<Stop<K>>,
    /// Share of the consumer's use that comes this way, 0 to 1.
    pub share: f64,
}

/// An economy on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop<K> {
    /// The economy.
    pub economy: K,
    /// What happens there.
    pub what: What,
}

/// What happens at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The material is made into what it is at a stage, given by its place in the chain.
    Made(usize),
    /// It is imported from an unknown origin: the way cannot be followed further back.
    Unknown,
    /// It passes on as it came.
    Traded,
    /// It is used.
    Used,
}

/// A way that is being followed back from the consumer.
#[derive(Clone, Copy, Debug)]
struct Step {
    stage: usize,
    economy: u32,
    at: At,
    /// Part of the consumer's use that comes along this way as far as it is followed.
    weight: f64,
    /// The step that it was reached from.
    from: Option<usize>,
}

/// What is looked at in an economy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// What it has.
    Had,
    /// What it makes.
    Made,
    /// What it imports from an unknown origin.
    Unknown,
}

/// A step to go on from, by how much it can still bring.
struct Open {
    brings: f64,
    step: usize,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.brings.total_cmp(&other.brings).then(other.step.cmp(&self.step))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl<K: Copy + Ord> Hand<'_, '_, K> {
    /// The largest ways by which the supplier's material reaches a consumer, largest first, at most so many; and what all
    /// others bring. Together they are the best estimate of [`Hand::share`]. None: there is no such figure.
    ///
    /// A way begins at the last of the counting stages at which the supplier had its hand in it. No way passes an economy
    /// twice at one stage: material that circles is among the others, and so are ways that bring next to nothing.
    #[must_use]
    pub fn routes(&self, members: &[K], most: usize) -> Option<(Vec<Route<K>>, f64)> {
        let share = self.share(members).value?;
        let mut search =
            Search { hand: self, steps: Vec::new(), open: BinaryHeap::new(), least: share * LEAST };
        search.begin(members);
        let mut routes = Vec::new();
        for _ in 0..MOST_STEPS {
            let Some(Open { step, .. }) = search.open.pop().filter(|_| routes.len() < most) else { break };
            match search.complete(step) {
                true => routes.extend(search.route(step)),
                false => search.follow(step),
            }
        }
        let found: f64 = routes.iter().map(|route| route.share).sum();
        Some((routes, (share - found).max(0.0)))
    }
}

struct Search<'s, 'a, K> {
    hand: &'s Hand<'s, 'a, K>,
    steps: Vec<Step>,
    open: BinaryHeap<Open>,
    /// Ways that bring no more are not followed.
    least: f64,
}

impl<'s, 'a, K: Copy + Ord> Search<'s, 'a, K> {
    fn begin(&mut self, members: &[K]) {
        let Some(stage) = self.hand.chain.stages.len().checked_sub(1) else { return };
        let Some(network) = self.link(stage).map(|link| link.network) else { return };
        let places = members.iter().filter_map(|key| network.place(*key));
        let used: Vec<_> = places.map(|place| (place, network.used_by(place).1)).collect();
        let all: f64 = used.iter().map(|(_, used)| used).sum();
        for (economy, used) in used {
            let weight = if members.len() == 1 { 1.0 } else { used / all };
            self.push(Step { stage, economy, at: At::Had, weight, from: None });
        }
    }

    fn link(&self, stage: usize) -> Option<&'s Link<'a, K>> {
        self.hand.chain.stages.get(stage)?.as_ref()
    }

    fn push(&mut self, step: Step) {
        let hit = |all: &[Vec<Touch>]| all.get(step.stage).map_or(0.0, |table| get(table, step.economy).hit);
        let brings = step.weight
            * match step.at {
                At::Had => hit(&self.hand.touched.had),
                At::Made => hit(&self.hand.touched.made),
                At::Unknown => 1.0,
            };
        if brings > self.least && !self.was_at(step) {
            self.open.push(Open { brings, step: self.steps.len() });
            self.steps.push(step);
        }
    }

    /// Whether the way came by here before.
    fn was_at(&self, step: Step) -> bool {
        let mut back = self.back(step.from);
        back.any(|one| (one.stage, one.economy, one.at) == (step.stage, step.economy, step.at))
    }

    /// The way from a step to the consumer.
    fn back(&self, from: Option<usize>) -> impl Iterator<Item = Step> + '_ {
        let step = move |at: Option<usize>| self.steps.get(at?).copied();
        std::iter::successors(step(from), move |one| step(one.from))
    }

    fn key(&self, step: Step) -> Option<K> {
        self.link(step.stage)?.network.economies().get(index(step.economy)).copied()
    }

    /// Whether the way has reached the supplier at a stage that counts.
    fn complete(&self, at: usize) -> bool {
        let Some(step) = self.steps.get(at).copied() else { return false };
        match step.at {
            At::Had => false,
            At::Made => {
                self.counts(step.stage)
                    && self.hand.supplier.is_some_and(|supplier| self.key(step) == Some(supplier))
            }
            At::Unknown => true,
        }
    }

    fn counts(&self, stage: usize) -> bool {
        self.hand.counts.get(stage).copied().unwrap_or(false)
    }

    fn follow(&mut self, at: usize) {
        let Some(step) = self.steps.get(at).copied() else { return };
        let from = Some(at);
        if step.at == At::Made {
            let before =
                step.stage.checked_sub(1).and_then(|before| Some((before, self.link(before)?.network)));
            let Some((stage, network)) = before else { return };
            if let Some(economy) = self.key(step).and_then(|key| network.place(key)) {
                self.push(Step { stage, economy, at: At::Had, from, ..step });
            }
            return;
        }
        let Some(network) = self.link(step.stage).map(|link| link.network) else { return };
        let supply = network.mixes().supply(step.economy);
        let part = |amount: f64| step.weight * (amount / supply.total());
        if supply.own() > 0.0 {
            self.push(Step { at: At::Made, weight: part(supply.own()), from, ..step });
        }
        if self.hand.supplier.is_none() && self.counts(step.stage) {
            let unknown = network.unknown_imports(step.economy);
            self.push(Step { at: At::Unknown, weight: part(unknown), from, ..step });
        }
        for (source, amount) in network.flows_to(step.economy) {
            self.push(Step { economy: source, weight: part(amount), from, ..step });
        }
    }

    /// The stops of a complete way.
    fn route(&self, at: usize) -> Option<Route<K>> {
        let share = self.steps.get(at)?.weight;
        let way: Vec<Step> = self.back(Some(at)).collect();
        let mut stops = Vec::new();
        for (place, step) in way.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|before| way.get(before));
            let after = way.get(place + 1);
            let passes = |one: &&Step| one.at == At::Had;
            let what = match (step.at, after) {
                (At::Made, _) => What::Made(step.stage),
                (At::Unknown, _) => What::Unknown,
                (At::Had, None) => What::Used,
                // What is made or comes in here, or goes into what is made here, does not pass on as it came.
                (At::Had, Some(after)) if !passes(&after) || !before.as_ref().is_none_or(passes) => continue,
                _ => What::Traded,
            };
            stops.push(Stop { economy: self.key(*step)?, what });
        }
        Some(Route { stops, share })
    }
}
