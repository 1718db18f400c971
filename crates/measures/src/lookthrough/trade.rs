//! Flows and output of one market, and what the network lacks to be in balance.

/// A flow between two economies, which are given by their places among the economies of the market, from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Exporter.
    pub from: u32,
    /// Importer.
    pub to: u32,
    /// How much, in the unit of output.
    pub amount: f64,
}

/// No amount of ore is less than one atom or more than the Sun: what is, is a broken figure. Between these lines no sum,
/// product or quotient of amounts leaves the range of a double.
const AMOUNTS: std::ops::RangeInclusive<f64> = 1e-30..=1e30;

/// Exports above supply by less than this part of them are rounding, not a gap.
const ROUNDING: f64 = 1e-12;

/// What of the input did not enter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Flows from an economy to itself.
    pub own: usize,
    /// Flows and output that are no amount: NaN, infinite, negative, larger than any amount on Earth, or from or to an
    /// economy outside the market. A flow of zero is no flow, and is not counted.
    pub invalid: usize,
}

/// The amount, if it is one and not zero.
fn amount(given: f64) -> Option<f64> {
    AMOUNTS.contains(&given).then_some(given)
}

/// Whether it is a way to write nothing.
fn is_nothing(given: f64) -> bool {
    (0.0..1e-30).contains(&given)
}

/// Flows by importer, and the sums over them.
#[derive(Clone, Debug, Default)]
pub(super) struct Trade {
    /// Where the imports of each economy start in `sources` and `amounts`; one more than economies.
    starts: Vec<u32>,
    sources: Vec<u32>,
    amounts: Vec<f64>,
    pub(super) imports: Vec<f64>,
    pub(super) exports: Vec<f64>,
    pub(super) dropped: Dropped,
}

impl Trade {
    /// Takes up the flows of a market of so many economies. Flows between the same two keep their order.
    pub(super) fn load(&mut self, economies: usize, flows: &[Flow]) {
        self.clear(economies);
        self.count(flows);
        let total = self.starts.last().copied().unwrap_or(0);
        self.sources.resize(place(total), 0);
        self.amounts.resize(place(total), 0.0);
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

    /// Sums, and in `starts` where the imports of the economy before end.
    fn count(&mut self, flows: &[Flow]) {
        // Flows mostly come by exporter: the sum of the one at hand stays out of memory, where each addition would wait for the
        // one before it.
        let (mut exporter, mut sum) = (u32::MAX, 0.0);
        for flow in flows {
            let Some(amount) = self.check(flow) else { continue };
            if flow.from != exporter {
                put(&mut self.exports, exporter, sum);
                (exporter, sum) = (flow.from, at(&self.exports, flow.from));
            }
            sum += amount;
            add(&mut self.imports, flow.to, amount);
            if let Some(count) = self.starts.get_mut(place(flow.to) + 1) {
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

    fn check(&mut self, flow: &Flow) -> Option<f64> {
        if is_nothing(flow.amount) {
            return None;
        }
        let inside = place(flow.from.max(flow.to)) < self.imports.len();
        let amount = amount(flow.amount).filter(|_| inside);
        if amount.is_none() {
            self.dropped.invalid += 1;
        } else if flow.from == flow.to {
            self.dropped.own += 1;
            return None;
        }
        amount
    }

    /// Puts every flow where the flows of its importer are; leaves `starts` as it found it.
    fn fill(&mut self, flows: &[Flow]) {
        let inside = |flow: &&Flow| {
            flow.from != flow.to
                && place(flow.from.max(flow.to)) < self.imports.len()
                && AMOUNTS.contains(&flow.amount)
        };
        for flow in flows.iter().filter(inside) {
            let Some(next) = self.starts.get_mut(place(flow.to)) else { continue };
            let at = place(*next);
            *next += 1;
            if let (Some(source), Some(amount)) = (self.sources.get_mut(at), self.amounts.get_mut(at)) {
                (*source, *amount) = (flow.from, flow.amount);
            }
        }
        // Every start has moved to its end, which is the start of the next.
        self.starts.rotate_right(1);
        if let Some(first) = self.starts.first_mut() {
            *first = 0;
        }
    }

    /// How many economies there are.
    pub(super) fn economies(&self) -> usize {
        self.imports.len()
    }

    /// Imports of an economy: from whom, and how much.
    pub(super) fn imports_of(&self, economy: u32) -> impl Iterator<Item = (u32, f64)> + '_ {
        let at = place(economy);
        let start = self.starts.get(at).map_or(0, |start| place(*start));
        let end = self.starts.get(at + 1).map_or(start, |end| place(*end));
        let sources = self.sources.get(start..end).unwrap_or_default();
        let amounts = self.amounts.get(start..end).unwrap_or_default();
        sources.iter().copied().zip(amounts.iter().copied())
    }

    pub(super) fn sources_of(&self, economy: u32) -> &[u32] {
        let at = place(economy);
        let bounds = (self.starts.get(at), self.starts.get(at + 1));
        let (Some(start), Some(end)) = bounds else { return &[] };
        self.sources.get(place(*start)..place(*end)).unwrap_or_default()
    }

    pub(super) fn exports_at(&self, economy: u32) -> f64 {
        at(&self.exports, economy)
    }
}

/// What an economy has, and what it lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Supply {
    /// Output as given.
    pub output: f64,
    /// What had to be added so that supply covers exports.
    pub added: f64,
    /// Imports.
    pub imports: f64,
    /// Exports.
    pub exports: f64,
}

impl Supply {
    /// Output as given, with what has to be added to it: `max(0, E - (P + I))`.
    pub(super) fn new(output: f64, imports: f64, exports: f64) -> Self {
        let gap = exports - (output + imports);
        let added = if gap > ROUNDING * exports { gap } else { 0.0 };
        Self { output, added, imports, exports }
    }

    /// What comes from the economy itself: output and what was added.
    #[must_use]
    pub fn own(&self) -> f64 {
        self.output + self.added
    }

    /// All that the economy has: output, imports and what was added.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.own() + self.imports
    }

    /// What stays: supply less exports, at least 0.
    #[must_use]
    pub fn consumption(&self) -> f64 {
        (self.total() - self.exports).max(0.0)
    }
}

/// Output that is an amount; what is none is counted.
pub(super) fn output(given: f64, dropped: &mut Dropped) -> f64 {
    let output = amount(given);
    if output.is_none() && !is_nothing(given) {
        dropped.invalid += 1;
    }
    output.unwrap_or(0.0)
}

fn add(sums: &mut [f64], economy: u32, amount: f64) {
    if let Some(sum) = sums.get_mut(place(economy)) {
        *sum += amount;
    }
}

fn put(sums: &mut [f64], economy: u32, amount: f64) {
    if let Some(sum) = sums.get_mut(place(economy)) {
        *sum = amount;
    }
}

/// The entry of an economy; 0 where there is none.
pub(super) fn at(values: &[f64], economy: u32) -> f64 {
    values.get(place(economy)).copied().unwrap_or(0.0)
}

/// A place as an index.
pub(crate) fn place(economy: u32) -> usize {
    usize::try_from(economy).unwrap_or(usize::MAX)
}
