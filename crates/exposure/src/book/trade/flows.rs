//! The flows of a market, read: rows of the datasets that answer, with the releases that they come from.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::codes::hs_revision_of;
use crate::book::source::RowSource;
use crate::book::{Cell, DatasetId, EconomyId, Flow, ReleaseContent, ResidualFlow};

/// The flows of a market, read.
///
/// Rows refer to their release and their product by number. Where one release has everything, products are
/// numbered as in that release; otherwise over all releases.
#[derive(Clone, Debug)]
pub struct MarketFlows<'a> {
    /// Flows between economies, sorted.
    pub flows: Vec<Flow>,
    /// Trade with partners that are no economy, sorted.
    pub residuals: Vec<ResidualFlow>,
    /// The releases that rows may come from, by source number.
    pub sources: Vec<RowSource<'a>>,
    /// By product number: a source, and the index of the code in its release. Empty: products are numbered as
    /// in the first source.
    pub(super) codes: Vec<(u16, u16)>,
    /// The dataset that answers for each importer. Empty: the first one answers for all.
    pub(super) answering: BTreeMap<EconomyId, DatasetId>,
    /// The first in the order of datasets.
    pub primary: DatasetId,
    /// By dataset, the lowest unit value among its flows of which value and quantity are known, in thousands
    /// of US dollars a tonne. It bounds quantities of which only the value is known.
    pub lowest_unit_values: BTreeMap<DatasetId, f64>,
}

impl<'a> MarketFlows<'a> {
    /// The release of a source number.
    #[must_use]
    pub fn source(&self, source: u16) -> Option<&RowSource<'a>> {
        self.sources.get(usize::from(source))
    }

    /// The dataset of a source number.
    #[must_use]
    pub fn dataset(&self, source: u16) -> Option<DatasetId> {
        self.source(source).map(|source| source.dataset)
    }

    /// A release with the product, and the index of its code there.
    fn in_release(&self, product: u16) -> Option<(&'a ReleaseContent, u16)> {
        if self.codes.is_empty() {
            return self.sources.first().map(|source| (source.content, product));
        }
        let (source, index) = self.codes.get(usize::from(product))?;
        Some((self.source(*source)?.content, *index))
    }

    /// The code of a product; empty where there is no such product.
    #[must_use]
    pub fn code(&self, product: u16) -> &'a str {
        self.in_release(product).map_or("", |(content, index)| content.text(index))
    }

    /// The least fraction of the goods under a product code that is the material, 0 to 1, as its release
    /// recorded it. `None`: it recorded none.
    #[must_use]
    pub fn purity(&self, product: u16) -> Option<f64> {
        self.in_release(product).and_then(|(content, index)| content.purity(index))
    }

    /// Whether the code of a product is a proxy. `None`: its release did not call it one, and follows the
    /// Harmonized System, so that the catalogue may know better.
    #[must_use]
    pub fn is_proxy(&self, product: u16) -> Option<bool> {
        let (content, index) = self.in_release(product)?;
        if content.is_proxy(index) {
            return Some(true);
        }
        if hs_revision_of(&content.release).is_some() { None } else { Some(false) }
    }

    /// Numbers of the products with any row.
    #[must_use]
    pub fn products(&self) -> BTreeSet<u16> {
        let flows = self.flows.iter().map(|row| row.product);
        flows.chain(self.residuals.iter().map(|row| row.product)).collect()
    }

    /// A flow with the numbers that it has in its release.
    #[must_use]
    pub fn cite(&self, row: &Flow) -> Option<(&'a ReleaseContent, Flow)> {
        let source = self.source(row.source)?;
        let product = source.content.index_of(self.code(row.product))?;
        Some((source.content, Flow { product, source: 0, ..*row }))
    }

    /// Trade with a partner that is no economy, with the numbers that it has in its release.
    #[must_use]
    pub fn cite_residual(&self, row: &ResidualFlow) -> Option<(&'a ReleaseContent, ResidualFlow)> {
        let source = self.source(row.source)?;
        let product = source.content.index_of(self.code(row.product))?;
        Some((source.content, ResidualFlow { product, source: 0, ..*row }))
    }

    /// The dataset that answers for an importer. `None`: no dataset has a flow into it.
    #[must_use]
    pub fn answering(&self, importer: EconomyId) -> Option<DatasetId> {
        if self.codes.is_empty() { Some(self.primary) } else { self.answering.get(&importer).copied() }
    }

    /// Datasets that answer for any importer, in the order of their age.
    #[must_use]
    pub fn answering_datasets(&self) -> BTreeSet<DatasetId> {
        let datasets: BTreeSet<_> = self.answering.values().copied().collect();
        if datasets.is_empty() { BTreeSet::from([self.primary]) } else { datasets }
    }
}

/// Lowest unit value among the flows of which value and quantity are known and above zero, in thousands of US
/// dollars a tonne.
pub(super) fn lowest_unit_value(flows: &[Flow]) -> Option<f64> {
    let positive = |cell: Cell| cell.known().filter(|number| *number > 0.0);
    let unit_values = flows.iter().filter_map(|flow| Some(positive(flow.value)? / positive(flow.quantity)?));
    unit_values.filter(|value| value.is_normal()).reduce(f64::min)
}
