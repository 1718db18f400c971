//! Solves one market of plain numbers: for every economy, how much of its supply truly comes from whom.

use fearless_simd::{Level, dispatch};

use super::block::Block;
use super::kernel::{LANES, Lanes};
use super::order::Order;
use super::plan::{Plan, Sources};
use super::trade::{Dropped, Flow, Supply, Trade, checked_output, index};

/// Solves markets one after the other, in the same memory.
///
/// With output `P`, flows `Z` (exporter, importer) and supply `x = P + sum(Z to it)`, the mix of an economy
/// follows from its suppliers': `C[j] = (P[j] e_j + sum over k of Z[k][j] C[k]) / x[j]`, which is Kastner's
/// `R = (I - A)^-1 diag(P)` row by row, each divided by its supply. Imports and own output are mixed in
/// proportion, and what is exported has the mix of all else.
///
/// The work follows the structure of the network. Economies that export nothing, or import nothing, need no
/// elimination; the others are solved part by part, without subtraction, for producers only. All sums run in
/// an order that follows from the market alone: equal inputs give equal bits.
///
/// ```
/// use orewatch_measures::{Flow, Mixes, Solver};
///
/// // 0 mines 10 and sends 8 to 1, which mines nothing, keeps 2 and sends 6 to 2.
/// let flows = [Flow { from: 0, to: 1, amount: 8.0 }, Flow { from: 1, to: 2, amount: 6.0 }];
/// let mut mixes = Mixes::default();
/// Solver::default().solve(&[10.0, 0.0, 0.0], &flows, &mut mixes);
/// assert_eq!(mixes.share(2, 0), 1.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Solver {
    trade: Trade,
    order: Order,
    plan: Plan,
    /// By row: whether it has anything of the origins at hand. Memory of a block.
    reached: Vec<bool>,
}

/// Additions to the figures of a market, for its bounds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra<'a> {
    /// What to add to the supply of each economy. Empty: what it lacks to cover its exports.
    pub(super) added: &'a [f64],
    /// Economies whose reach is wanted, although they may have no supply of their own.
    pub(super) traced: &'a [bool],
}

/// What every economy of a market has, and where it truly comes from.
///
/// [`Solver::solve`] overwrites it, in the same memory. Economies go by number, from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mixes {
    supply: Vec<Supply>,
    /// Row of each economy.
    rows: Vec<u32>,
    /// Economy of each column: those whose own supply reaches others.
    origins: Vec<u32>,
    /// Column of each economy. `None`: its own supply reaches nobody else.
    columns: Vec<Option<u32>>,
    /// Blocks of columns, one after the other; in each block one entry a row.
    blocks: Vec<Lanes>,
    /// Invalid input, counted.
    dropped: Dropped,
}

impl Solver {
    /// Solves a market: `production` is the output of each economy, `flows` are those between them, all in
    /// one unit.
    ///
    /// Invalid amounts enter as zero and are counted ([`Mixes::dropped`]). An economy that exports more than
    /// it has gets what it lacks ([`Supply::added`]).
    pub fn solve(&mut self, production: &[f64], flows: &[Flow], mixes: &mut Mixes) {
        self.solve_with(&Extra::default(), production, flows, mixes);
    }

    /// [`Self::solve`] with additions to the figures.
    pub(super) fn solve_with(
        &mut self,
        extra: &Extra<'_>,
        production: &[f64],
        flows: &[Flow],
        mixes: &mut Mixes,
    ) {
        self.trade.load(production.len(), flows);
        mixes.dropped = self.trade.dropped;
        mixes.supply.clear();
        let sums = self.trade.imports.iter().zip(&self.trade.exports);
        for (given, (imports, exports)) in production.iter().zip(sums) {
            let output = checked_output(*given, &mut mixes.dropped);
            let supply = match extra.added.get(mixes.supply.len()) {
                Some(added) => Supply { output, added: *added, imports: *imports, exports: *exports },
                None => Supply::new(output, *imports, *exports),
            };
            mixes.supply.push(supply);
        }
        self.order.find(&self.trade);
        let level = Level::new();
        let sources = Sources { trade: &self.trade, order: &self.order, supply: &mixes.supply };
        self.plan.make(level, &sources);
        mixes.lay_out(&self.order, extra.traced);
        self.fill(level, mixes);
    }

    /// Solves all origins, [`LANES`] at a time.
    fn fill(&mut self, level: Level, mixes: &mut Mixes) {
        let rows = self.order.economies.len();
        if rows == 0 {
            return;
        }
        let origins = mixes.origins.chunks(LANES);
        for (lanes, origins) in mixes.blocks.chunks_exact_mut(rows).zip(origins) {
            self.reached.clear();
            self.reached.resize(rows, false);
            let mut block = Block { lanes, reached: &mut self.reached };
            for (lane, origin) in origins.iter().enumerate() {
                let own = mixes.supply.get(index(*origin)).map_or(0.0, entering);
                block.enter(index(self.order.row(*origin)), lane, own);
            }
            dispatch!(level, simd => block.solve(simd, &self.plan, self.order.leaves()));
        }
    }
}

/// The supply that an origin starts with: its own, or all of it where it has none of its own and only its
/// reach is wanted.
fn entering(supply: &Supply) -> f64 {
    if supply.own() > 0.0 { supply.own() } else { supply.total() }
}

impl Mixes {
    /// Assigns columns and makes room for them. Columns follow the order of elimination, so that the first
    /// rows of a block are often empty and can be skipped.
    fn lay_out(&mut self, order: &Order, traced: &[bool]) {
        self.rows.clone_from(&order.rows);
        self.origins.clear();
        self.columns.clear();
        self.columns.resize(self.supply.len(), None);
        for economy in
            order.parts().flat_map(|part| order.economies.get(part).unwrap_or_default().iter().rev())
        {
            let traced = traced.get(index(*economy)).copied().unwrap_or(false);
            if traced || self.supply.get(index(*economy)).is_some_and(|supply| supply.own() > 0.0) {
                if let Some(column) = self.columns.get_mut(index(*economy)) {
                    *column = u32::try_from(self.origins.len()).ok();
                }
                self.origins.push(*economy);
            }
        }
        self.blocks.clear();
        self.blocks.resize(self.origins.len().div_ceil(LANES) * self.supply.len(), Lanes::default());
    }

    /// Input that was left out because it is invalid.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Number of economies in the market.
    #[must_use]
    pub fn economies(&self) -> usize {
        self.supply.len()
    }

    /// Supply and exports of an economy; all zero where it is not in the market.
    #[must_use]
    pub fn supply(&self, economy: u32) -> Supply {
        self.supply.get(index(economy)).copied().unwrap_or_default()
    }

    /// Economies whose own supply reaches others.
    #[must_use]
    pub fn origins(&self) -> &[u32] {
        &self.origins
    }

    /// Share of an economy's supply that truly comes from an origin, 0 to 1. What was added to the origin's
    /// supply counts as its own. 0 where there is no supply.
    #[must_use]
    pub fn share(&self, economy: u32, origin: u32) -> f64 {
        match self.column(origin) {
            _ if self.supply(origin).own() <= 0.0 => 0.0,
            Some(column) => self.entry(economy, column),
            None if economy == origin => self.own_share(economy),
            None => 0.0,
        }
    }

    /// The mix of an economy: every origin with a share above 0, the economy itself last if its own supply
    /// reaches nobody else.
    pub fn mix(&self, economy: u32) -> impl Iterator<Item = (u32, f64)> + '_ {
        let rows = self.supply.len().max(1);
        let row = self.rows.get(index(economy)).map_or(rows, |row| index(*row));
        let lanes = self.blocks.iter().skip(row).step_by(rows).flat_map(|lanes| &lanes.0);
        let reaches = self.column(economy).is_some();
        let own = Some((economy, self.own_share(economy))).filter(|_| !reaches);
        let others = self.origins.iter().copied().zip(lanes.copied());
        others.chain(own).filter(|(origin, share)| *share > 0.0 && self.supply(*origin).own() > 0.0)
    }

    /// Share of an economy's supply that passed through another economy, wherever it comes from, 0 to 1.
    pub(super) fn reach(&self, economy: u32, through: u32) -> f64 {
        let Some(column) = self.column(through) else { return if economy == through { 1.0 } else { 0.0 } };
        let all = self.entry(through, column);
        // Nothing enters a circle of re-exports without a producer: everything in it has passed.
        if all > 0.0 { (self.entry(economy, column) / all).min(1.0) } else { 1.0 }
    }

    /// Share of an economy's imports that never passed through it before, 0 to 1.
    pub(super) fn first_pass_share(&self, economy: u32) -> f64 {
        let (supply, Some(column)) = (self.supply(economy), self.column(economy)) else { return 1.0 };
        let all = self.entry(economy, column);
        if supply.imports <= 0.0 {
            return 1.0;
        }
        if all <= 0.0 {
            return 0.0;
        }
        // What passes is a geometric series: what enters, over one less the part that returns.
        let returning = 1.0 - entering(&supply) / supply.total() / all;
        (1.0 - returning * supply.total() / supply.imports).clamp(0.0, 1.0)
    }

    /// Share of an economy's supply that was added, there or up the chain, so that exports are covered, 0 to
    /// 1.
    pub(super) fn unknown(&self, economy: u32) -> f64 {
        let added = |origin| {
            let supply = self.supply(origin);
            if supply.added > 0.0 { supply.added / supply.own() } else { 0.0 }
        };
        self.mix(economy).map(|(origin, share)| share * added(origin)).sum::<f64>().min(1.0)
    }

    fn column(&self, origin: u32) -> Option<usize> {
        self.columns.get(index(origin)).copied().flatten().map(index)
    }

    fn entry(&self, economy: u32, column: usize) -> f64 {
        let row = self.rows.get(index(economy)).map_or(usize::MAX, |row| index(*row));
        let block = (column / LANES).saturating_mul(self.supply.len());
        let lanes = self.blocks.get(block.saturating_add(row));
        lanes.and_then(|lanes| lanes.0.get(column % LANES)).copied().unwrap_or(0.0)
    }

    /// Share of an economy's supply that is its own, 0 to 1.
    fn own_share(&self, economy: u32) -> f64 {
        let supply = self.supply(economy);
        if supply.own() > 0.0 { supply.own() / supply.total() } else { 0.0 }
    }
}
