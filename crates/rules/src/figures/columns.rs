//! Reads the columns of an exposures event.
use std::sync::Arc;

use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, MarketSize};

use crate::spread::Spread;

/// One row of the columns.
pub(super) struct Row {
    pub(super) consumer: Arc<str>,
    pub(super) supplier: Arc<str>,
    pub(super) names: Arc<str>,
    /// `None`: the figure no longer exists.
    pub(super) estimate: Option<Estimate>,
    /// `None`: only one dataset provides the figure.
    pub(super) spread: Option<Arc<Spread>>,
    /// `None`: nothing is known of the size of the market.
    pub(super) size: Option<Arc<MarketSize>>,
}

/// Size of a run of rows of one measure and weight.
#[derive(Clone, Copy)]
pub(super) struct RunCounts {
    /// Number of rows.
    pub(super) figures: u32,
    /// Number of consumers that the event names.
    pub(super) consumers: u32,
    /// Number of suppliers that the event names.
    pub(super) suppliers: u32,
}

/// Reads rows of columns with their dictionaries.
pub(super) struct ColumnReader<'a> {
    columns: &'a ExposureColumns,
    consumers: Vec<Arc<str>>,
    suppliers: Vec<Arc<str>>,
    pub(super) measures: Vec<Arc<str>>,
    names: Vec<Arc<str>>,
    datasets: Vec<Arc<str>>,
    sizes: Vec<Arc<MarketSize>>,
}

impl<'a> ColumnReader<'a> {
    pub(super) fn new(columns: &'a ExposureColumns) -> Self {
        let shared = |words: &[String]| words.iter().map(|word| Arc::from(word.as_str())).collect();
        Self {
            columns,
            consumers: shared(&columns.consumers),
            suppliers: shared(&columns.suppliers),
            measures: shared(&columns.measures),
            names: shared(&columns.names),
            datasets: shared(&columns.datasets),
            sizes: sizes(columns),
        }
    }

    /// Index of the measure of row `k`, and its weight. `None`: a column is too short, or the weight is
    /// invalid.
    pub(super) fn measured(&self, k: usize) -> Option<(u32, By)> {
        let by = By::try_from(cell(&self.columns.by, k, By::Quantity.into())?).ok()?;
        let by = if by == By::Unspecified { By::Quantity } else { by };
        Some((*self.columns.measure.get(k)?, by))
    }

    /// Size of the run of rows from `k` on that have this measure and weight.
    pub(super) fn run(&self, k: usize, measured: Option<(u32, By)>) -> RunCounts {
        let rest = k..self.columns.consumer.len();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        RunCounts {
            figures: number(rest.take_while(|k| self.measured(*k) == measured).count()),
            consumers: number(self.consumers.len()),
            suppliers: number(self.suppliers.iter().filter(|code| !code.is_empty()).count()),
        }
    }

    /// Row `k`. `None`: a column is too short, or an index is outside its dictionary.
    pub(super) fn row(&self, k: usize) -> Option<Row> {
        let columns = self.columns;
        Some(Row {
            consumer: word(&self.consumers, *columns.consumer.get(k)?)?,
            supplier: word_or_empty(&self.suppliers, cell(&columns.supplier, k, 0)?)?,
            names: word_or_empty(&self.names, cell(&columns.name, k, 0)?)?,
            estimate: if cell(&columns.gone, k, false)? { None } else { Some(self.estimate(k)?) },
            spread: self.spread(k)?,
            size: self.size(k)?,
        })
    }

    /// Size of the market of row `k`.
    fn size(&self, k: usize) -> Option<Option<Arc<MarketSize>>> {
        match cell(&self.columns.size, k, 0)? {
            0 => Some(None),
            index => self.sizes.get(usize::try_from(index).ok()?).cloned().map(Some),
        }
    }

    /// What the datasets that provide the figure of row `k` say.
    fn spread(&self, k: usize) -> Option<Option<Arc<Spread>>> {
        let columns = self.columns;
        let sources = cell(&columns.sources, k, 0)?;
        if sources < 2 {
            return Some(None);
        }
        let number = |column: &[f64]| {
            let value = cell(column, k, f64::NAN)?;
            Some((!value.is_nan()).then_some(value))
        };
        let dataset = |column: &[u32]| word_or_empty(&self.datasets, cell(column, k, 0)?);
        let spread = Spread {
            sources,
            lowest: number(&columns.lowest)?,
            lowest_dataset: dataset(&columns.lowest_dataset)?,
            highest: number(&columns.highest)?,
            highest_dataset: dataset(&columns.highest_dataset)?,
        };
        Some(Some(Arc::new(spread)))
    }

    fn estimate(&self, k: usize) -> Option<Estimate> {
        let columns = self.columns;
        let value = *columns.value.get(k)?;
        let known = |value: f64| (!value.is_nan()).then_some(value);
        let reason = usize::try_from(cell(&columns.reason, k, 0)?).ok()?;
        Some(Estimate {
            value: known(value),
            low: known(cell(&columns.low, k, value)?),
            high: known(cell(&columns.high, k, value)?),
            coverage: known(cell(&columns.coverage, k, 1.0)?),
            status: cell(&columns.status, k, Status::Known.into())?,
            reason: if reason == 0 { String::new() } else { columns.reasons.get(reason)?.clone() },
        })
    }
}

/// The dictionary of sizes.
fn sizes(columns: &ExposureColumns) -> Vec<Arc<MarketSize>> {
    let known = |number: &f64| (!number.is_nan()).then_some(*number);
    let pairs = columns.size_quantity.iter().zip(&columns.size_value);
    let size = |(quantity, value)| MarketSize { quantity_t: known(quantity), value_kusd: known(value) };
    pairs.map(|pair| Arc::new(size(pair))).collect()
}

/// A cell of a column. An empty column has `default` in all cells.
fn cell<T: Copy>(column: &[T], k: usize, default: T) -> Option<T> {
    if column.is_empty() { Some(default) } else { column.get(k).copied() }
}

/// A word of a dictionary by its index.
pub(super) fn word(words: &[Arc<str>], index: u32) -> Option<Arc<str>> {
    words.get(usize::try_from(index).ok()?).cloned()
}

/// A word of a dictionary. Word 0 is empty even if the dictionary was left out.
fn word_or_empty(words: &[Arc<str>], index: u32) -> Option<Arc<str>> {
    if index == 0 { Some(Arc::default()) } else { word(words, index) }
}
