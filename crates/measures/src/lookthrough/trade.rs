//! Flows of one market by importer, supplies, and what they lack to cover exports.
//!
//! Input is checked here: invalid amounts are counted and left out, so that nothing behind has to expect NaN
//! or overflow.

/// A flow between two economies, which go by number from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Exporter.
    pub from: u32,
    /// Importer.
    pub to: u32,
    /// Amount, in the unit of output.
    pub amount: f64,
}

/// Valid amounts. Ore weighs more than an atom and less than the Sun, so everything else is a broken figure.
/// Between these ends no sum, product or quotient of amounts leaves the range of a double.
const VALID_AMOUNTS: std::ops::RangeInclusive<f64> = 1e-30..=1e30;

/// Exports above supply by less than this part of them are rounding, not a gap.
const ROUNDING: f64 = 1e-12;

/// Counts of input that was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Flows from an economy to itself.
    pub own: usize,
    /// Flows and output that are invalid: NaN, infinite, negative, larger than any amount on Earth, or of an
    /// economy outside the market. A flow of zero is no flow, and is not counted.
    pub invalid: usize,
}

/// The amount, if it is valid and not zero.
fn valid_amount(given: f64) -> Option<f64> {
    VALID_AMOUNTS.contains(&given).then_some(given)
}

/// Whether an amount is zero, or too small to count.
fn is_zero(given: f64) -> bool {
    (0.0..1e-30).contains(&given)
}

/// Flows by importer, and the sums over them.
#[derive(Clone, Debug, Default)]
pub(super) struct Trade {
    /// Start of each economy's imports in `sources` and `amounts`; one more entry than economies.
    starts: Vec<u32>,
    /// Exporters.
    sources: Vec<u32>,
    amounts: Vec<f64>,
    pub(super) imports: Vec<f64>,
    pub(super) exports: Vec<f64>,
    pub(super) dropped: Dropped,
}

impl Trade {
    /// Loads the flows of a market, in the memory of the last one. Flows between the same two keep their
    /// order.
    pub(super) fn load(&mut self, economies: usize, flows: &[Flow]) {
        self.clear(economies);
        self.count(flows);
        let total = self.starts.last().copied().unwrap_or(0);
        self.sources.resize(index(total), 0);
        self.amounts.resize(index(total), 0.0);
        self.fill(flows);
    }

    fn clear(&mut self, economies: usize) {
        self.dropped = Dropped::default();
        for sums in [&mut self.imports, &mut self.exports] {
            sums.clear();
            sums.resize(economies, 0.0);
        }
        self.starts.clear();
        self.starts.resize(economies + 1, 0);
        self.sources.clear();
        self.amounts.clear();
    }

    /// Adds up imports and exports, and sets `starts[i]` to the end of the imports of economy `i - 1`.
    fn count(&mut self, flows: &[Flow]) {
        // Flows mostly come sorted by exporter: the sum of the current one stays in a register. In memory
        // each addition would wait for the one before it.
        let (mut exporter, mut sum) = (u32::MAX, 0.0);
        for flow in flows {
            let Some(amount) = self.check(flow) else { continue };
            if flow.from != exporter {
                put(&mut self.exports, exporter, sum);
                (exporter, sum) = (flow.from, entry(&self.exports, flow.from));
            }
            sum += amount;
            add(&mut self.imports, flow.to, amount);
            if let Some(count) = self.starts.get_mut(index(flow.to) + 1) {
                *count += 1;
            }
        }
        put(&mut self.exports, exporter, sum);
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
    }

    /// The amount of a flow that enters. `None`: it is zero, invalid, or from an economy to itself.
    fn check(&mut self, flow: &Flow) -> Option<f64> {
        if is_zero(flow.amount) {
            return None;
        }
        let inside = index(flow.from.max(flow.to)) < self.imports.len();
        let amount = valid_amount(flow.amount).filter(|_| inside);
        if amount.is_none() {
            self.dropped.invalid += 1;
        } else if flow.from == flow.to {
            self.dropped.own += 1;
            return None;
        }
        amount
    }

    /// Puts every flow among those of its importer, a counting sort; leaves `starts` as it found it.
    fn fill(&mut self, flows: &[Flow]) {
        let inside = |flow: &&Flow| {
            flow.from != flow.to
                && index(flow.from.max(flow.to)) < self.imports.len()
                && VALID_AMOUNTS.contains(&flow.amount)
        };
        for flow in flows.iter().filter(inside) {
            let Some(next) = self.starts.get_mut(index(flow.to)) else { continue };
            let free = index(*next);
            *next += 1;
            if let (Some(source), Some(amount)) = (self.sources.get_mut(free), self.amounts.get_mut(free)) {
                (*source, *amount) = (flow.from, flow.amount);
            }
        }
        // Every start has moved to its end, which is the start of the next.
        self.starts.rotate_right(1);
        if let Some(first) = self.starts.first_mut() {
            *first = 0;
        }
    }

    /// Number of economies.
    pub(super) fn economies(&self) -> usize {
        self.imports.len()
    }

    /// Imports of an economy: exporter and amount.
    pub(super) fn imports_of(&self, economy: u32) -> impl Iterator<Item = (u32, f64)> + '_ {
        let importer = index(economy);
        let start = self.starts.get(importer).map_or(0, |start| index(*start));
        let end = self.starts.get(importer + 1).map_or(start, |end| index(*end));
        let sources = self.sources.get(start..end).unwrap_or_default();
        let amounts = self.amounts.get(start..end).unwrap_or_default();
        sources.iter().copied().zip(amounts.iter().copied())
    }

    /// Exporters to an economy.
    pub(super) fn sources_of(&self, economy: u32) -> &[u32] {
        let importer = index(economy);
        let bounds = (self.starts.get(importer), self.starts.get(importer + 1));
        let (Some(start), Some(end)) = bounds else { return &[] };
        self.sources.get(index(*start)..index(*end)).unwrap_or_default()
    }

    /// Exports of an economy.
    pub(super) fn exports_of(&self, economy: u32) -> f64 {
        entry(&self.exports, economy)
    }
}

/// Supply and exports of an economy, all in one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Supply {
    /// Output as given.
    pub output: f64,
    /// What was added so that supply covers exports.
    pub added: f64,
    /// Imports.
    pub imports: f64,
    /// Exports.
    pub exports: f64,
}

impl Supply {
    /// Supply with what has to be added: `max(0, E - (P + I))`.
    pub(super) fn new(output: f64, imports: f64, exports: f64) -> Self {
        let gap = exports - (output + imports);
        let added = if gap > ROUNDING * exports { gap } else { 0.0 };
        Self { output, added, imports, exports }
    }

    /// The economy's own supply: output and what was added.
    #[must_use]
    pub fn own(&self) -> f64 {
        self.output + self.added
    }

    /// Total supply: output, imports and what was added.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.own() + self.imports
    }

    /// Consumption: total supply less exports, at least 0.
    #[must_use]
    pub fn consumption(&self) -> f64 {
        (self.total() - self.exports).max(0.0)
    }
}

/// Output as given if it is valid, otherwise 0 and counted.
pub(super) fn checked_output(given: f64, dropped: &mut Dropped) -> f64 {
    let output = valid_amount(given);
    if output.is_none() && !is_zero(given) {
        dropped.invalid += 1;
    }
    output.unwrap_or(0.0)
}

fn add(sums: &mut [f64], economy: u32, amount: f64) {
    if let Some(sum) = sums.get_mut(index(economy)) {
        *sum += amount;
    }
}

fn put(sums: &mut [f64], economy: u32, amount: f64) {
    if let Some(sum) = sums.get_mut(index(economy)) {
        *sum = amount;
    }
}

/// The entry of an economy; 0 where there is none.
fn entry(values: &[f64], economy: u32) -> f64 {
    values.get(index(economy)).copied().unwrap_or(0.0)
}

/// The number of an economy as an index.
pub(crate) fn index(economy: u32) -> usize {
    usize::try_from(economy).unwrap_or(usize::MAX)
}
