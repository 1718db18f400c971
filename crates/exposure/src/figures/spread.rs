//! The range of a figure's values by different datasets.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_measures::{Estimate, Measure};

use super::{Figure, FigureKey, FigureRequest, Reach, figure_alone};
use crate::book::DatasetId;
use crate::scope::{Scope, ScopeCache};

/// The range of a figure's best estimates by all datasets that have one, including the one that answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Number of datasets with a best estimate, at least 2.
    pub sources: u32,
    /// The lowest best estimate and its dataset; of equal ones the first in the order of datasets.
    pub lowest: (f64, DatasetId),
    /// The highest best estimate and its dataset; of equal ones the first in the order of datasets.
    pub highest: (f64, DatasetId),
}

impl Spread {
    /// Its bits, for comparison.
    pub(super) fn bits(self) -> (u32, (u64, DatasetId), (u64, DatasetId)) {
        let bits = |(value, dataset): (f64, DatasetId)| (value.to_bits(), dataset);
        (self.sources, bits(self.lowest), bits(self.highest))
    }

    /// The spread of values by dataset, in the order of datasets. `None`: there are fewer than two.
    fn from_values(values: &[(DatasetId, f64)]) -> Option<Self> {
        let sources = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let all = || values.iter().map(|(dataset, value)| (*value, *dataset));
        let lowest = all().reduce(|best, next| if next.0 < best.0 { next } else { best })?;
        let highest = all().reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (sources > 1).then_some(Self { sources, lowest, highest })
    }
}

/// The datasets that could answer for a market.
pub(crate) struct Alternatives {
    /// In the order of datasets.
    trade: Vec<DatasetId>,
    /// In the order of datasets.
    output: Vec<DatasetId>,
}

impl Alternatives {
    pub(crate) fn find(scope: &Scope<'_>) -> Self {
        let view = scope.accounts().view();
        let trade = view.flows.iter().flat_map(|trade| trade.datasets()).collect();
        let output = view.output.iter().flat_map(|output| output.datasets.iter().copied()).collect();
        Self { trade: independent(scope, trade), output: independent(scope, output) }
    }

    /// All of them, in their order; empty where nothing can be compared.
    pub(crate) fn datasets(&self) -> Vec<DatasetId> {
        if self.trade.len() < 2 && self.output.len() < 2 {
            return Vec::new();
        }
        let output = self.output.iter().filter(|dataset| !self.trade.contains(dataset));
        self.trade.iter().chain(output).copied().collect()
    }

    /// Whether a dataset can give figures with these dependencies.
    pub(crate) fn can_give(&self, dataset: DatasetId, reach: &Reach) -> bool {
        let among = |datasets: &[DatasetId]| datasets.len() > 1 && datasets.contains(&dataset);
        reach.flows && among(&self.trade) || reach.output && among(&self.output)
    }
}

/// The datasets without copies: those all of whose files an earlier one was read from, too. A file does not
/// confirm itself.
fn independent(scope: &Scope<'_>, datasets: Vec<DatasetId>) -> Vec<DatasetId> {
    let mut kept = Vec::<(DatasetId, BTreeSet<&str>)>::new();
    for dataset in datasets {
        let files = scope.book().file_digests(dataset, scope.market(), scope.knowledge());
        let is_copy = !files.is_empty() && kept.iter().any(|(_, known)| files.is_subset(known));
        if !is_copy {
            kept.push((dataset, files));
        }
    }
    kept.into_iter().map(|(dataset, _)| dataset).collect()
}

/// Whether the answering dataset of a scope has information on a figure. A table of output says nothing about
/// producers that it does not list; trade that is not listed is zero.
pub(crate) fn has_information_on(scope: &Scope<'_>, key: FigureKey, reach: &Reach) -> bool {
    let Some(supplier) = key.supplier.filter(|_| reach.output && !reach.flows) else { return true };
    let output = scope.accounts().view().output.as_ref();
    output.is_none_or(|output| output.rows.iter().any(|row| row.economy == Some(supplier)))
}

/// Adds their spread to the figures of a market. `compute` gives the figures of a scope in which one dataset
/// answers.
pub(super) fn add(
    figures: &mut [Figure],
    scope: &Scope<'_>,
    reach_of: impl Fn(Measure) -> Option<Reach>,
    compute: impl Fn(&Scope<'_>) -> Vec<Figure>,
) {
    let book = scope.book();
    if figures.is_empty()
        || !book.is_by_policy()
        || !book.has_several_datasets(scope.market(), scope.knowledge())
    {
        return;
    }
    let alternatives = Alternatives::find(scope);
    let mut values = BTreeMap::<FigureKey, Vec<(DatasetId, f64)>>::new();
    for dataset in alternatives.datasets() {
        let book = book.preferring(dataset);
        let alone = ScopeCache::new(&book, scope.knowledge()).scope(scope.market());
        let found: BTreeMap<_, _> =
            compute(&alone).into_iter().map(|figure| (figure.key, figure.estimate)).collect();
        for key in figures.iter().map(|figure| figure.key) {
            let reach = reach_of(key.measure);
            let gives = |reach: &Reach| {
                alternatives.can_give(dataset, reach) && has_information_on(&alone, key, reach)
            };
            if !reach.as_ref().is_some_and(gives) {
                continue;
            }
            // A dataset that does not list the supplier still has information: nothing comes from there.
            let estimate = found.get(&key).copied().or_else(|| estimate_alone(&alone, key));
            if let Some(value) = estimate.and_then(|estimate| estimate.value) {
                values.entry(key).or_default().push((dataset, value));
            }
        }
    }
    for figure in figures {
        figure.spread = values.get(&figure.key).and_then(|values| Spread::from_values(values));
    }
}

fn estimate_alone(scope: &Scope<'_>, key: FigureKey) -> Option<Estimate> {
    let consumer = key.consumer.parse().ok()?;
    Some(figure_alone(scope, FigureRequest { consumer, key }).estimate)
}
