//! The routes by which a supplier's material reaches a consumer.
//!
//! A best-first search back from the consumer: of all partial routes, the one that can still bring most is
//! followed first, so routes are found from the largest to the smallest.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::{Involvement, Link, SupplierTrace, get};
use crate::lookthrough::index;

/// Routes that bring less than this part of the figure are not looked for.
const MIN_PART: f64 = 1e-4;

/// Upper bound on the steps of a search.
const MAX_STEPS: usize = 20_000;

/// A route by which material reaches a consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Route<K> {
    /// Economies on the route, from the origin to the consumer.
    pub stops: Vec<Stop<K>>,
    /// Share of the consumer's use that comes by this route, 0 to 1.
    pub share: f64,
}

/// An economy on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop<K> {
    /// The economy.
    pub economy: K,
    /// What happens to the material there.
    pub kind: StopKind,
}

/// What happens to the material at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// It is made at a stage, given by its index in the chain.
    Made(usize),
    /// It is imported from an unknown origin: the route cannot be followed further back.
    Unknown,
    /// It is imported and exported again.
    Traded,
    /// It is used.
    Used,
}

/// One step of a route that is followed back from the consumer.
#[derive(Clone, Copy, Debug)]
struct Step {
    stage: usize,
    economy: u32,
    at: StepKind,
    /// Share of the consumer's use that comes by this route as far as it is followed.
    weight: f64,
    /// Index of the step that it was reached from. `None`: the consumer.
    from: Option<usize>,
}

/// Which material of an economy a step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepKind {
    /// All that it has.
    Had,
    /// What it makes.
    Made,
    /// What it imports from an unknown origin.
    Unknown,
}

/// A step to go on from, ordered by how much it can still bring.
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

impl<K: Copy + Ord> SupplierTrace<'_, '_, K> {
    /// The largest routes by which the supplier's material reaches a consumer, largest first, at most
    /// `limit`, and the share that all others bring. Together they are the best estimate of
    /// [`SupplierTrace::share`]. `None`: there is no such figure.
    ///
    /// A route begins at the last counting stage at which the supplier was involved. No route passes an
    /// economy twice at one stage: material that circles is among the others, and so are routes that bring
    /// next to nothing.
    #[must_use]
    pub fn routes(&self, members: &[K], limit: usize) -> Option<(Vec<Route<K>>, f64)> {
        let share = self.share(members).value?;
        let mut search =
            Search { trace: self, steps: Vec::new(), open: BinaryHeap::new(), least: share * MIN_PART };
        search.begin(members);
        let mut routes = Vec::new();
        for _ in 0..MAX_STEPS {
            let Some(Open { step, .. }) = search.open.pop().filter(|_| routes.len() < limit) else { break };
            match search.is_complete(step) {
                true => routes.extend(search.route(step)),
                false => search.follow(step),
            }
        }
        let found: f64 = routes.iter().map(|route| route.share).sum();
        Some((routes, (share - found).max(0.0)))
    }
}

struct Search<'s, 'a, K> {
    trace: &'s SupplierTrace<'s, 'a, K>,
    steps: Vec<Step>,
    open: BinaryHeap<Open>,
    /// Routes that bring no more than this are not followed.
    least: f64,
}

impl<'s, 'a, K: Copy + Ord> Search<'s, 'a, K> {
    /// Starts with what each member uses at the last stage.
    fn begin(&mut self, members: &[K]) {
        let Some(stage) = self.trace.chain.stages.len().checked_sub(1) else { return };
        let Some(network) = self.link(stage).map(|link| link.network) else { return };
        let numbers = members.iter().filter_map(|key| network.number(*key));
        let used: Vec<_> = numbers.map(|economy| (economy, network.consumption_of(economy).1)).collect();
        let all: f64 = used.iter().map(|(_, used)| used).sum();
        for (economy, used) in used {
            let weight = if members.len() == 1 { 1.0 } else { used / all };
            self.push(Step { stage, economy, at: StepKind::Had, weight, from: None });
        }
    }

    fn link(&self, stage: usize) -> Option<&'s Link<'a, K>> {
        self.trace.chain.stages.get(stage)?.as_ref()
    }

    /// Adds a step if it brings enough and the route has not been there before.
    fn push(&mut self, step: Step) {
        let best = |stages: &[Vec<Involvement>]| {
            stages.get(step.stage).map_or(0.0, |economies| get(economies, step.economy).best)
        };
        let brings = step.weight
            * match step.at {
                StepKind::Had => best(&self.trace.involvements.had),
                StepKind::Made => best(&self.trace.involvements.made),
                StepKind::Unknown => 1.0,
            };
        if brings > self.least && !self.has_passed(step) {
            self.open.push(Open { brings, step: self.steps.len() });
            self.steps.push(step);
        }
    }

    /// Whether the route has passed the same economy and stage before.
    fn has_passed(&self, step: Step) -> bool {
        let same =
            |other: Step| (other.stage, other.economy, other.at) == (step.stage, step.economy, step.at);
        self.steps_to_consumer(step.from).any(same)
    }

    /// The steps from one to the consumer.
    fn steps_to_consumer(&self, from: Option<usize>) -> impl Iterator<Item = Step> + '_ {
        let step = move |number: Option<usize>| self.steps.get(number?).copied();
        std::iter::successors(step(from), move |last| step(last.from))
    }

    fn key(&self, step: Step) -> Option<K> {
        self.link(step.stage)?.network.economies().get(index(step.economy)).copied()
    }

    /// Whether the route has reached the supplier at a stage that counts.
    fn is_complete(&self, number: usize) -> bool {
        let Some(step) = self.steps.get(number).copied() else { return false };
        match step.at {
            StepKind::Had => false,
            StepKind::Made => {
                self.counts(step.stage)
                    && self.trace.supplier.is_some_and(|supplier| self.key(step) == Some(supplier))
            }
            StepKind::Unknown => true,
        }
    }

    fn counts(&self, stage: usize) -> bool {
        self.trace.counts.get(stage).copied().unwrap_or(false)
    }

    /// Follows a route one step back: from what is made to what its maker used, or from what is had to own
    /// supply and imports.
    fn follow(&mut self, number: usize) {
        let Some(step) = self.steps.get(number).copied() else { return };
        let from = Some(number);
        if step.at == StepKind::Made {
            let before =
                step.stage.checked_sub(1).and_then(|before| Some((before, self.link(before)?.network)));
            let Some((stage, network)) = before else { return };
            if let Some(economy) = self.key(step).and_then(|key| network.number(key)) {
                self.push(Step { stage, economy, at: StepKind::Had, from, ..step });
            }
            return;
        }
        let Some(network) = self.link(step.stage).map(|link| link.network) else { return };
        let supply = network.mixes().supply(step.economy);
        let part = |amount: f64| step.weight * (amount / supply.total());
        if supply.own() > 0.0 {
            self.push(Step { at: StepKind::Made, weight: part(supply.own()), from, ..step });
        }
        if self.trace.supplier.is_none() && self.counts(step.stage) {
            let unknown = network.unknown_imports(step.economy);
            self.push(Step { at: StepKind::Unknown, weight: part(unknown), from, ..step });
        }
        for (source, amount) in network.flows_to(step.economy) {
            self.push(Step { economy: source, weight: part(amount), from, ..step });
        }
    }

    /// A complete route.
    fn route(&self, number: usize) -> Option<Route<K>> {
        let share = self.steps.get(number)?.weight;
        let steps: Vec<Step> = self.steps_to_consumer(Some(number)).collect();
        let mut stops = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| steps.get(before));
            let after = steps.get(index + 1);
            let passes = |other: &&Step| other.at == StepKind::Had;
            let kind = match (step.at, after) {
                (StepKind::Made, _) => StopKind::Made(step.stage),
                (StepKind::Unknown, _) => StopKind::Unknown,
                (StepKind::Had, None) => StopKind::Used,
                // Not traded on: it is made here, enters here, or goes into what is made here.
                (StepKind::Had, Some(after)) if !passes(&after) || !before.as_ref().is_none_or(passes) => {
                    continue;
                }
                _ => StopKind::Traded,
            };
            stops.push(Stop { economy: self.key(*step)?, kind });
        }
        Some(Route { stops, share })
    }
}
