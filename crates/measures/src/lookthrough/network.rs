//! The network of a market, with what of it is not known.

use crate::{Amount, Estimate, Interval, Status, Term, Terms};

use super::origins::Origins;
use super::solve::{Extra, Mixes, Solver};
use super::trade::{Flow, place};

/// More than any amount: stands for what nothing bounds.
const UNBOUNDED: f64 = 1e30;

pub(super) const INCOMPLETE: &str = "some output or flows are not known";

/// Output and flows of one material at one stage in one period, in tonnes of one basis.
///
/// What is not known of them widens the bounds of what follows, and never enters as zero:
///
/// - Output between bounds is what it is: a withheld producer may have had any output, one that the source does not list at
///   most the residual. The best estimate leaves it out.
/// - A flow between bounds is sure up to the lower one. The rest of it, as large as it can be, reaches the importer from an
///   unknown origin.
/// - What has to be added because an economy exports more than it has is of unknown origin as well. The best estimate, after
///   Kastner, counts it as the economy's own output.
#[derive(Clone, Debug)]
pub struct Network<K> {
    keys: Vec<K>,
    output: Vec<Quantity>,
    /// Output of an economy that is not in the market.
    unlisted: Quantity,
    flows: Vec<(u32, u32, Quantity)>,
    exact: bool,
}

/// Tonnes: the best estimate, and bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) best: f64,
    /// The upper end is infinite where nothing bounds it.
    pub(super) bounds: Interval,
}

impl Quantity {
    pub(super) const NOTHING: Self = Self { best: 0.0, bounds: Interval::ZERO };

    fn of(amount: Amount) -> Self {
        let possible = |amount: f64| amount.min(UNBOUNDED);
        Self {
            best: possible(amount.best().unwrap_or(0.0)),
            bounds: Interval { low: possible(amount.low()), high: amount.high() },
        }
    }

    pub(super) fn is_exact(self) -> bool {
        self.bounds.is_exact()
    }

    pub(super) fn low(self) -> f64 {
        self.bounds.low
    }

    pub(super) fn high(self) -> f64 {
        self.bounds.high
    }

    pub(super) fn add(&mut self, other: Self) {
        self.best = (self.best + other.best).min(UNBOUNDED);
        self.bounds.low = (self.bounds.low + other.bounds.low).min(UNBOUNDED);
        self.bounds.high += other.bounds.high;
    }

    fn capped(self) -> f64 {
        self.bounds.high.min(UNBOUNDED)
    }

    pub(super) fn estimate(self) -> Estimate {
        if self.is_exact() {
            return Estimate::known(self.best);
        }
        let Interval { low, high } = self.bounds;
        let high = high.is_finite().then_some(high.max(self.best));
        let (value, low) = (Some(self.best), Some(low.min(self.best)));
        Estimate { value, low, high, ..Estimate::missing(Status::Partial, INCOMPLETE) }
    }
}

/// What follows from a network: what every economy has, and where it truly comes from.
#[derive(Clone, Debug)]
pub struct Lookthrough<K> {
    pub(super) keys: Vec<K>,
    pub(super) output: Vec<Quantity>,
    /// Output of an economy that is not in the market.
    pub(super) unlisted: Quantity,
    /// Imports and exports of each economy.
    pub(super) imports: Vec<Quantity>,
    pub(super) exports: Vec<Quantity>,
    /// Flows, by best estimates.
    pub(super) flows: Vec<(u32, u32, f64)>,
    /// Every output and every flow is known.
    pub(super) exact: bool,
    /// With best estimates.
    pub(super) best: Mixes,
    /// With output as low, and with output as high as it can be. None: as `best`.
    pub(super) bounds: Option<(Mixes, Mixes)>,
    /// What part of each economy's supply may be of unknown origin, at most.
    pub(super) unknown: Vec<f64>,
}

impl<K: Copy + Ord> Network<K> {
    /// A network. Output of the same producer adds up, and so do flows between the same two; a producer that is not listed has
    /// at most the residual.
    pub fn new(
        output: impl IntoIterator<Item = (K, Amount)>,
        residual: Amount,
        flows: impl IntoIterator<Item = (K, K, Amount)>,
    ) -> Self {
        let output: Vec<_> = output.into_iter().collect();
        let flows: Vec<_> = flows.into_iter().collect();
        let mut keys: Vec<K> = output.iter().map(|(key, _)| *key).collect();
        keys.extend(flows.iter().flat_map(|(from, to, _)| [*from, *to]));
        keys.sort_unstable();
        keys.dedup();
        let number =
            |key: K| keys.binary_search(&key).ok().and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);

        let unlisted = Quantity { best: 0.0, bounds: Interval { low: 0.0, high: residual.high() } };
        let mut listed: Vec<Option<Quantity>> = vec![None; keys.len()];
        for (key, amount) in output {
            if let Some(entry) = listed.get_mut(place(number(key))) {
                entry.get_or_insert(Quantity::NOTHING).add(Quantity::of(amount));
            }
        }
        let output: Vec<_> = listed.into_iter().map(|listed| listed.unwrap_or(unlisted)).collect();
        let flows: Vec<_> = flows
            .into_iter()
            .map(|(from, to, amount)| (number(from), number(to), Quantity::of(amount)))
            .collect();
        let mut bounds = output.iter().chain(flows.iter().map(|(_, _, amount)| amount));
        let exact = bounds.all(|bounds| bounds.is_exact());
        Self { keys, output, unlisted, flows, exact }
    }

    /// Solves it.
    #[must_use]
    pub fn solve(self, solver: &mut Solver) -> Lookthrough<K> {
        let mut best = Mixes::default();
        let output: Vec<_> = self.output.iter().map(|output| output.best).collect();
        solver.solve(&output, &self.flows(|amount| amount.best), &mut best);
        let [imports, exports] = self.sums();
        let bounds = (!self.exact).then(|| self.bounds(&imports, &exports, solver));
        let low = bounds.as_ref().map_or(&best, |(low, _)| low);
        let unknown = (0..).zip(&self.keys).map(|(economy, _)| low.unknown(economy)).collect();
        let flows = self.flows.iter().map(|(from, to, amount)| (*from, *to, amount.best));
        Lookthrough {
            flows: flows.filter(|(from, to, _)| from != to).collect(),
            keys: self.keys,
            output: self.output,
            unlisted: self.unlisted,
            imports,
            exports,
            exact: self.exact,
            unknown,
            best,
            bounds,
        }
    }

    fn flows(&self, pick: impl Fn(Quantity) -> f64) -> Vec<Flow> {
        self.flows
            .iter()
            .map(|(from, to, amount)| Flow { from: *from, to: *to, amount: pick(*amount) })
            .collect()
    }

    /// Imports and exports of each economy.
    fn sums(&self) -> [Vec<Quantity>; 2] {
        let mut imports = vec![Quantity::NOTHING; self.keys.len()];
        let mut exports = imports.clone();
        for (from, to, amount) in self.flows.iter().filter(|(from, to, _)| from != to) {
            for (sums, economy) in [(&mut exports, from), (&mut imports, to)] {
                if let Some(sum) = sums.get_mut(place(*economy)) {
                    sum.add(*amount);
                }
            }
        }
        [imports, exports]
    }

    /// Solved with all output as low, and with all output as high as it can be; both with flows as low, and with as much of
    /// unknown origin as there can be.
    fn bounds(&self, imports: &[Quantity], exports: &[Quantity], solver: &mut Solver) -> (Mixes, Mixes) {
        let sums = imports.iter().zip(exports).zip(&self.output);
        let unknown = |((imports, exports), output): ((&Quantity, &Quantity), &Quantity)| {
            let lacking = exports.capped() - (output.low() + imports.low());
            let lacking = if lacking > 1e-12 * exports.capped() { lacking } else { 0.0 };
            lacking.max(imports.capped() - imports.low())
        };
        let added: Vec<f64> = sums.map(unknown).collect();
        let traced: Vec<bool> = self.output.iter().map(|output| !output.is_exact()).collect();
        let flows = self.flows(|amount| amount.low());
        let mut solve = |pick: fn(&Quantity) -> f64| {
            let output: Vec<_> = self.output.iter().map(pick).collect();
            let mut mixes = Mixes::default();
            solver.solve_with(&Extra { added: &added, traced: &traced }, &output, &flows, &mut mixes);
            mixes
        };
        (solve(|output| output.low()), solve(|output| output.capped()))
    }
}

impl<K: Copy + Ord> Lookthrough<K> {
    /// Economies of the market, in order.
    #[must_use]
    pub fn economies(&self) -> &[K] {
        &self.keys
    }

    /// Economies with anything of their own by best estimates, in order: who may be an origin.
    pub fn producers(&self) -> impl Iterator<Item = K> + '_ {
        let own = |place: u32| self.best.supply(place).own() > 0.0;
        (0..).zip(&self.keys).filter(move |(place, _)| own(*place)).map(|(_, key)| *key)
    }

    /// The mixes of best estimates; economies by their place in [`Self::economies`].
    #[must_use]
    pub fn mixes(&self) -> &Mixes {
        &self.best
    }

    /// What had to be added to the supply of an economy by best estimates so that it covers its exports, with the supply that
    /// the figures give. None: nothing, or the economy is not in the market.
    #[must_use]
    pub fn balance(&self, economy: K) -> Option<(f64, f64)> {
        let supply = self.best.supply(self.place(economy)?);
        (supply.added > 0.0).then_some((supply.added, supply.output + supply.imports))
    }

    /// The same as a figure: `max(0, E - (P + I))`, between bounds where one of the three is.
    #[must_use]
    pub fn balanced(&self, economy: K) -> Estimate {
        let Some(place) = self.place(economy) else { return Estimate::known(0.0) };
        let [output, imports, exports] =
            [&self.output, &self.imports, &self.exports].map(|all| at(all, place));
        let value = self.best.supply(place).added;
        if [output, imports, exports].iter().all(|bounds| bounds.is_exact()) {
            return Estimate::known(value);
        }
        let lacks =
            |exports: f64, supply: f64| if supply.is_infinite() { 0.0 } else { (exports - supply).max(0.0) };
        let low = lacks(exports.low(), output.high() + imports.high()).min(value);
        let high = lacks(exports.high(), output.low() + imports.low()).max(value);
        let high = high.is_finite().then_some(high);
        Estimate {
            value: Some(value),
            low: Some(low),
            high,
            ..Estimate::missing(Status::Partial, INCOMPLETE)
        }
    }

    /// Output, imports and exports of an economy, as terms of its balance.
    #[must_use]
    pub fn balance_terms(&self, economy: K) -> Terms {
        let place = self.place(economy);
        let figure = |all: &[Quantity]| place.map_or(Quantity::NOTHING, |place| at(all, place)).estimate();
        [("E", &self.exports), ("P", &self.output), ("I", &self.imports)]
            .map(|(symbol, all)| Term::new(symbol, figure(all), "t"))
            .into()
    }

    /// Where what a consumer uses truly comes from. The consumer is one economy or several that are taken together.
    #[must_use]
    pub fn origins(&self, members: impl IntoIterator<Item = K>) -> Origins<K> {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Origins::new(self, &members)
    }

    /// Flows to an economy by best estimates, flows from the same one added up.
    pub(crate) fn flows_to(&self, economy: u32) -> Vec<(u32, f64)> {
        let mut flows: Vec<(u32, f64)> = Vec::new();
        for (from, _, amount) in self.flows.iter().filter(|(_, to, amount)| *to == economy && *amount > 0.0) {
            match flows.iter_mut().find(|(known, _)| known == from) {
                Some((_, sum)) => *sum += amount,
                None => flows.push((*from, *amount)),
            }
        }
        flows
    }

    pub(crate) fn place(&self, economy: K) -> Option<u32> {
        self.keys.binary_search(&economy).ok().and_then(|at| u32::try_from(at).ok())
    }
}

/// The entry of an economy; nothing where there is none.
pub(super) fn at(values: &[Quantity], economy: u32) -> Quantity {
    values.get(place(economy)).copied().unwrap_or(Quantity::NOTHING)
}
