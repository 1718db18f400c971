//! A network as the solver takes it: economies by number.

use std::collections::BTreeMap;

use crate::{Interval, Residual};

use super::network::{Lookthrough, Network, Quantity, UNBOUNDED};
use super::solve::{Extra, Mixes, Solver};
use super::trade::{Flow, Supply, place};

/// Output and flows of economies that are numbered in the order of their keys.
#[derive(Debug)]
pub(super) struct Market<K> {
    keys: Vec<K>,
    output: Vec<Quantity>,
    /// Output of an economy that is not in the market.
    unlisted: Quantity,
    flows: Vec<(u32, u32, Quantity)>,
    /// Imports of unknown origin, by kind and importer.
    unknown: BTreeMap<(Residual, u32), Quantity>,
    exact: bool,
}

impl<K: Copy + Ord> Market<K> {
    pub(super) fn of(network: Network<K>) -> Self {
        let Network { output, residual, flows, unknown } = network;
        let mut keys: Vec<K> = output.iter().map(|(key, _)| *key).collect();
        keys.extend(flows.iter().flat_map(|(from, to, _)| [*from, *to]));
        keys.extend(unknown.iter().map(|(_, economy, _)| *economy));
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
        let mut open = BTreeMap::new();
        for (kind, economy, amount) in unknown {
            open.entry((kind, number(economy))).or_insert(Quantity::NOTHING).add(Quantity::of(amount));
        }
        let mut all = output.iter().chain(flows.iter().map(|(_, _, amount)| amount)).chain(open.values());
        let exact = all.all(|quantity| quantity.is_exact());
        Self { keys, output, unlisted, flows, unknown: open, exact }
    }

    pub(super) fn solve(self, solver: &mut Solver) -> Lookthrough<K> {
        let kinds = self.kinds();
        let mut best = Mixes::default();
        let (output, flows) = self.with_kinds(&kinds);
        solver.solve(&output, &flows, &mut best);
        let [mut imports, exports] = self.sums();
        let bounds = (!self.exact).then(|| self.bounds(&imports, &exports, solver));
        let lacking = if kinds.is_empty() { Vec::new() } else { self.lacking(&imports, &exports) };
        let mut open = vec![0.0; self.keys.len()];
        for ((_, economy), amount) in &self.unknown {
            if let (Some(sum), Some(open)) = (imports.get_mut(place(*economy)), open.get_mut(place(*economy)))
            {
                sum.add(*amount);
                *open += amount.best;
            }
        }
        let flows = self.flows.iter().map(|(from, to, amount)| (*from, *to, amount.best));
        let mut solved = Lookthrough {
            flows: flows.filter(|(from, to, _)| from != to).collect(),
            keys: self.keys,
            kinds,
            output: self.output,
            unlisted: self.unlisted,
            imports,
            exports,
            open,
            lacking,
            exact: self.exact,
            unknown: Vec::new(),
            best,
            bounds,
        };
        solved.unknown = solved.most_unknown();
        solved
    }

    fn kinds(&self) -> Vec<Residual> {
        let mut kinds: Vec<_> = self.unknown.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    }

    /// Output and flows by best estimates, with every kind of unknown origin as a producer behind the economies.
    fn with_kinds(&self, kinds: &[Residual]) -> (Vec<f64>, Vec<Flow>) {
        let mut output: Vec<_> = self.output.iter().map(|output| output.best).collect();
        let mut flows = self.flows(|amount| amount.best);
        for (from, kind) in (output.len()..).zip(kinds) {
            let from = u32::try_from(from).unwrap_or(u32::MAX);
            let mut sum = Quantity::NOTHING;
            for ((_, to), amount) in self.unknown.range((*kind, 0)..=(*kind, u32::MAX)) {
                flows.push(Flow { from, to: *to, amount: amount.best });
                sum.add(*amount);
            }
            output.push(sum.best);
        }
        (output, flows)
    }

    fn flows(&self, pick: impl Fn(Quantity) -> f64) -> Vec<Flow> {
        self.flows
            .iter()
            .map(|(from, to, amount)| Flow { from: *from, to: *to, amount: pick(*amount) })
            .collect()
    }

    /// Imports and exports of each economy, without what is of unknown origin.
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

    /// Who has anything from an economy that exports more than it has by the figures, as far as what it imports from an unknown
    /// origin is left out: whose share of unknown origin does not simply add up from imports.
    fn lacking(&self, imports: &[Quantity], exports: &[Quantity]) -> Vec<bool> {
        let lacks = |((output, imports), exports): ((&Quantity, &Quantity), &Quantity)| {
            Supply::new(output.best, imports.best, exports.best).added > 0.0
        };
        let mut lacking: Vec<bool> = self.output.iter().zip(imports).zip(exports).map(lacks).collect();
        let mut open: Vec<u32> =
            (0..).zip(&lacking).filter(|(_, lacks)| **lacks).map(|(economy, _)| economy).collect();
        while let Some(economy) = open.pop() {
            for (_, to, _) in
                self.flows.iter().filter(|(from, _, amount)| *from == economy && amount.best > 0.0)
            {
                if let Some(reached @ false) = lacking.get_mut(place(*to)) {
                    *reached = true;
                    open.push(*to);
                }
            }
        }
        lacking
    }

    /// Solved with all output as low, and with all output as high as it can be; both with flows as low, and with as much of
    /// unknown origin as there can be.
    fn bounds(&self, imports: &[Quantity], exports: &[Quantity], solver: &mut Solver) -> (Mixes, Mixes) {
        let mut open = vec![0.0; self.keys.len()];
        for ((_, economy), amount) in &self.unknown {
            if let Some(sum) = open.get_mut(place(*economy)) {
                *sum = (*sum + amount.capped()).min(UNBOUNDED);
            }
        }
        let sums = imports.iter().zip(exports).zip(&self.output).zip(open);
        let unknown = |(((imports, exports), output), open): (((&Quantity, &Quantity), &Quantity), f64)| {
            let lacking = exports.capped() - (output.low() + imports.low());
            let lacking = if lacking > 1e-12 * exports.capped() { lacking } else { 0.0 };
            lacking.max((imports.capped() - imports.low() + open).min(UNBOUNDED))
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
    /// What part of each economy's supply may be of unknown origin, at most.
    fn most_unknown(&self) -> Vec<f64> {
        let least = self.bounds.as_ref().map(|(low, _)| low);
        let part = |economy| match least {
            Some(least) => least.unknown(economy),
            None => (self.best.unknown(economy) + self.unknown_in(&self.best, economy)).min(1.0),
        };
        (0..).zip(&self.keys).map(|(economy, _)| part(economy)).collect()
    }
}
