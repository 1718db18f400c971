//! What other datasets say of a figure.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_measures::{Estimate, Measure};

use super::{Figure, Key, Question, Reach, figure_alone};
use crate::book::DatasetId;
use crate::scope::{Scope, Shelf};

/// What the datasets that can give a figure say: those that have a best estimate of it, the one that answers among them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// How many datasets can give the figure, at least 2.
    pub sources: u32,
    /// The lowest best estimate, and who says so; of equals the first in the order of datasets.
    pub lowest: (f64, DatasetId),
    /// The highest best estimate, and who says so; of equals the first in the order of datasets.
    pub highest: (f64, DatasetId),
}

impl Spread {
    /// All of it, to be compared to the bit.
    pub(super) fn bits(self) -> (u32, (u64, DatasetId), (u64, DatasetId)) {
        let bits = |(value, dataset): (f64, DatasetId)| (value.to_bits(), dataset);
        (self.sources, bits(self.lowest), bits(self.highest))
    }

    /// Of what datasets say, in their order.
    fn of(values: &[(DatasetId, f64)]) -> Option<Self> {
        let sources = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let all = || values.iter().map(|(dataset, value)| (*value, *dataset));
        let lowest = all().reduce(|best, next| if next.0 < best.0 { next } else { best })?;
        let highest = all().reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (sources > 1).then_some(Self { sources, lowest, highest })
    }
}

/// Datasets that can answer for a market, where more than one can.
pub(crate) struct Alternatives {
    /// In the order of datasets.
    trade: Vec<DatasetId>,
    /// In the order of datasets.
    output: Vec<DatasetId>,
}

impl Alternatives {
    pub(crate) fn of(scope: &Scope<'_>) -> Self {
        let view = scope.accounts().view();
        let trade = view.flows.iter().flat_map(|trade| trade.datasets()).collect();
        let output = view.output.iter().flat_map(|output| output.datasets.iter().copied()).collect();
        Self { trade: independent(scope, trade), output: independent(scope, output) }
    }

    /// Every dataset, in their order; none where nothing can be compared.
    pub(crate) fn all(&self) -> Vec<DatasetId> {
        if self.trade.len() < 2 && self.output.len() < 2 {
            return Vec::new();
        }
        let output = self.output.iter().filter(|dataset| !self.trade.contains(dataset));
        self.trade.iter().chain(output).copied().collect()
    }

    /// Whether a dataset can give figures that look so far.
    pub(crate) fn can_give(&self, dataset: DatasetId, reach: &Reach) -> bool {
        let among = |datasets: &[DatasetId]| datasets.len() > 1 && datasets.contains(&dataset);
        reach.flows && among(&self.trade) || reach.output && among(&self.output)
    }
}

/// The datasets without those all of whose files another one before them was read from: a file does not confirm itself.
fn independent(scope: &Scope<'_>, datasets: Vec<DatasetId>) -> Vec<DatasetId> {
    let mut kept = Vec::<(DatasetId, BTreeSet<&str>)>::new();
    for dataset in datasets {
        let files = scope.book().files(dataset, scope.market(), scope.at());
        let is_copy = !files.is_empty() && kept.iter().any(|(_, known)| files.is_subset(known));
        if !is_copy {
            kept.push((dataset, files));
        }
    }
    kept.into_iter().map(|(dataset, _)| dataset).collect()
}

/// Whether the answering dataset of a scope says anything of a figure. A table of output lists whom it has figures of, and nothing
/// follows of others; of trade what is not listed is nothing.
pub(crate) fn says(scope: &Scope<'_>, key: Key, reach: &Reach) -> bool {
    let Some(supplier) = key.supplier.filter(|_| reach.output && !reach.flows) else { return true };
    let output = scope.accounts().view().output.as_ref();
    output.is_none_or(|output| output.rows.iter().any(|row| row.economy == Some(supplier)))
}

/// Adds to figures of a market what other datasets say of them, given how far measures look and the figures of a scope in which one
/// dataset answers.
pub(super) fn add(
    figures: &mut [Figure],
    scope: &Scope<'_>,
    reach_of: impl Fn(Measure) -> Option<Reach>,
    compute: impl Fn(&Scope<'_>) -> Vec<Figure>,
) {
    let book = scope.book();
    if figures.is_empty() || !book.is_by_policy() || !book.has_several(scope.market(), scope.at()) {
        return;
    }
    let alternatives = Alternatives::of(scope);
    let mut values = BTreeMap::<Key, Vec<(DatasetId, f64)>>::new();
    for dataset in alternatives.all() {
        let book = book.preferring(dataset);
        let alone = Shelf::new(&book, scope.at()).scope(scope.market());
        let found: BTreeMap<_, _> =
            compute(&alone).into_iter().map(|figure| (figure.key, figure.estimate)).collect();
        for key in figures.iter().map(|figure| figure.key) {
            let reach = reach_of(key.measure);
            let gives = |reach: &Reach| alternatives.can_give(dataset, reach) && says(&alone, key, reach);
            if !reach.as_ref().is_some_and(gives) {
                continue;
            }
            // A dataset that lists no such supplier says something all the same: that there is nothing from there.
            let estimate = found.get(&key).copied().or_else(|| one(&alone, key));
            if let Some(value) = estimate.and_then(|estimate| estimate.value) {
                values.entry(key).or_default().push((dataset, value));
            }
        }
    }
    for figure in figures {
        figure.spread = values.get(&figure.key).and_then(|values| Spread::of(values));
    }
}

fn one(scope: &Scope<'_>, key: Key) -> Option<Estimate> {
    let consumer = key.consumer.parse().ok()?;
    Some(figure_alone(scope, Question { consumer, key }).estimate)
}
