//! A network as the solver takes it: economies by number, amounts as [`Quantity`].
//!
//! A market is solved up to three times. By best estimates, with every kind of unknown origin as one more
//! producer. And, where anything is in doubt, with all output as low and with all output as high as it can
//! be: the share of an origin falls in every other output and rises in its own, so these two give the ends of
//! every share ([`super::members`] combines them).

use std::collections::BTreeMap;

use crate::{Amount, Interval, Residual};

use super::quantity::{Quantity, UNBOUNDED};
use super::solution::Lookthrough;
use super::solve::{Extra, Mixes, Solver};
use super::trade::{Flow, Supply, index};

/// Exports above supply by less than this part of them are rounding, not a gap.
const ROUNDING: f64 = 1e-12;

/// Output and flows of economies that are numbered in the order of their keys.
#[derive(Debug)]
pub(super) struct Market<K> {
    keys: Vec<K>,
    output: Vec<Quantity>,
    /// Output of an economy that is not in the market.
    unlisted: Quantity,
    /// Exporter, importer, amount.
    flows: Vec<(u32, u32, Quantity)>,
    /// Imports of unknown origin, by kind and importer.
    unknown: BTreeMap<(Residual, u32), Quantity>,
    /// No amount has bounds that differ.
    exact: bool,
}

impl<K: Copy + Ord> Market<K> {
    /// Numbers the economies and adds up amounts of the same producer, and of the same importer and kind.
    pub(super) fn new(
        output: Vec<(K, Amount)>,
        residual: Amount,
        flows: Vec<(K, K, Amount)>,
        unknown: Vec<(Residual, K, Amount)>,
    ) -> Self {
        let mut keys: Vec<K> = output.iter().map(|(key, _)| *key).collect();
        keys.extend(flows.iter().flat_map(|(from, to, _)| [*from, *to]));
        keys.extend(unknown.iter().map(|(_, economy, _)| *economy));
        keys.sort_unstable();
        keys.dedup();
        let number = |key: K| {
            keys.binary_search(&key).ok().and_then(|found| u32::try_from(found).ok()).unwrap_or(u32::MAX)
        };

        let unlisted = Quantity { best: 0.0, bounds: Interval { low: 0.0, high: residual.high() } };
        let mut listed: Vec<Option<Quantity>> = vec![None; keys.len()];
        for (key, amount) in output {
            if let Some(entry) = listed.get_mut(index(number(key))) {
                entry.get_or_insert(Quantity::NOTHING).add(Quantity::from_amount(amount));
            }
        }
        let output: Vec<_> = listed.into_iter().map(|listed| listed.unwrap_or(unlisted)).collect();
        let flows: Vec<_> = flows
            .into_iter()
            .map(|(from, to, amount)| (number(from), number(to), Quantity::from_amount(amount)))
            .collect();
        let mut by_kind = BTreeMap::new();
        for (kind, economy, amount) in unknown {
            let sum = by_kind.entry((kind, number(economy))).or_insert(Quantity::NOTHING);
            sum.add(Quantity::from_amount(amount));
        }
        let amounts = output.iter().chain(flows.iter().map(|(_, _, amount)| amount));
        let exact = amounts.chain(by_kind.values()).all(|quantity| quantity.is_exact());
        Self { keys, output, unlisted, flows, unknown: by_kind, exact }
    }

    /// Solves the market by best estimates, and for its bounds where anything is in doubt.
    pub(super) fn solve(self, solver: &mut Solver) -> Lookthrough<K> {
        let kinds = self.kinds();
        let mut best = Mixes::default();
        let (output, flows) = self.with_kinds_as_producers(&kinds);
        solver.solve(&output, &flows, &mut best);
        let [mut imports, exports] = self.imports_and_exports();
        let bounds = (!self.exact).then(|| self.solve_bounds(&imports, &exports, solver));
        let meets_deficit =
            if kinds.is_empty() { Vec::new() } else { self.meets_deficit(&imports, &exports) };
        let mut unknown_imports = vec![0.0; self.keys.len()];
        for ((_, economy), amount) in &self.unknown {
            let economy = index(*economy);
            if let (Some(sum), Some(unknown)) = (imports.get_mut(economy), unknown_imports.get_mut(economy)) {
                sum.add(*amount);
                *unknown += amount.best;
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
            unknown_imports,
            meets_deficit,
            exact: self.exact,
            max_unknown: Vec::new(),
            best,
            bounds,
        };
        solved.max_unknown = max_unknown(&solved);
        solved
    }

    /// The kinds of unknown origin that occur, sorted.
    fn kinds(&self) -> Vec<Residual> {
        let mut kinds: Vec<_> = self.unknown.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    }

    /// Output and flows by best estimates, with every kind of unknown origin as a producer behind the
    /// economies.
    fn with_kinds_as_producers(&self, kinds: &[Residual]) -> (Vec<f64>, Vec<Flow>) {
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
    fn imports_and_exports(&self) -> [Vec<Quantity>; 2] {
        let mut imports = vec![Quantity::NOTHING; self.keys.len()];
        let mut exports = imports.clone();
        for (from, to, amount) in self.flows.iter().filter(|(from, to, _)| from != to) {
            for (sums, economy) in [(&mut exports, from), (&mut imports, to)] {
                if let Some(sum) = sums.get_mut(index(*economy)) {
                    sum.add(*amount);
                }
            }
        }
        [imports, exports]
    }

    /// Whether each economy has anything from one in deficit, directly or through others. In deficit is an
    /// economy whose exports exceed its known supply, imports of unknown origin left out. Where one is in
    /// deficit, shares of unknown origin downstream do not simply add up from imports.
    fn meets_deficit(&self, imports: &[Quantity], exports: &[Quantity]) -> Vec<bool> {
        let is_in_deficit = |((output, imports), exports): ((&Quantity, &Quantity), &Quantity)| {
            Supply::new(output.best, imports.best, exports.best).added > 0.0
        };
        let mut meets: Vec<bool> = self.output.iter().zip(imports).zip(exports).map(is_in_deficit).collect();
        let mut open: Vec<u32> =
            (0..).zip(&meets).filter(|(_, meets)| **meets).map(|(economy, _)| economy).collect();
        while let Some(economy) = open.pop() {
            let has_flow = |(from, _, amount): &&(u32, u32, Quantity)| *from == economy && amount.best > 0.0;
            for (_, to, _) in self.flows.iter().filter(has_flow) {
                if let Some(reached @ false) = meets.get_mut(index(*to)) {
                    *reached = true;
                    open.push(*to);
                }
            }
        }
        meets
    }

    /// Solved with all output as low, and with all output as high as it can be; both with flows as low, and
    /// with as much of unknown origin as there can be.
    ///
    /// What is added to an economy is the larger of what its exports may lack at most, and what its imports
    /// may be above their lower bounds plus its imports of unknown origin.
    fn solve_bounds(
        &self,
        imports: &[Quantity],
        exports: &[Quantity],
        solver: &mut Solver,
    ) -> (Mixes, Mixes) {
        let mut unknown_imports = vec![0.0; self.keys.len()];
        for ((_, economy), amount) in &self.unknown {
            if let Some(sum) = unknown_imports.get_mut(index(*economy)) {
                *sum = (*sum + amount.capped_high()).min(UNBOUNDED);
            }
        }
        let sums = imports.iter().zip(exports).zip(&self.output).zip(unknown_imports);
        let most_added =
            |(((imports, exports), output), unknown): (((&Quantity, &Quantity), &Quantity), f64)| {
                let lacking = exports.capped_high() - (output.low() + imports.low());
                let lacking = if lacking > ROUNDING * exports.capped_high() { lacking } else { 0.0 };
                lacking.max((imports.capped_high() - imports.low() + unknown).min(UNBOUNDED))
            };
        let added: Vec<f64> = sums.map(most_added).collect();
        let traced: Vec<bool> = self.output.iter().map(|output| !output.is_exact()).collect();
        let flows = self.flows(|amount| amount.low());
        let mut solve = |pick: fn(&Quantity) -> f64| {
            let output: Vec<_> = self.output.iter().map(pick).collect();
            let mut mixes = Mixes::default();
            solver.solve_with(&Extra { added: &added, traced: &traced }, &output, &flows, &mut mixes);
            mixes
        };
        (solve(|output| output.low()), solve(|output| output.capped_high()))
    }
}

/// Greatest part of each economy's supply that may be of unknown origin, 0 to 1: as solved with output as low
/// as it can be, or, where nothing but origins is in doubt, by best estimates.
fn max_unknown<K: Copy + Ord>(solved: &Lookthrough<K>) -> Vec<f64> {
    let least = solved.bounds.as_ref().map(|(low, _)| low);
    let part = |economy| match least {
        Some(least) => least.unknown(economy),
        None => {
            let best = &solved.best;
            (best.unknown(economy) + solved.unknown_imported_share(best, economy)).min(1.0)
        }
    };
    (0..).zip(&solved.keys).map(|(economy, _)| part(economy)).collect()
}
