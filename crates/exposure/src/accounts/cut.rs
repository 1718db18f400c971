//! Flows that a publisher cut off.
//!
//! A table that is cut to N partners lists, for each product, the flows among the N largest of their
//! exporter or the N largest of their importer, by value. So a flow that it does not list is at most the
//! N-th largest of its exporter, and at most the N-th largest of its importer. A side that lists fewer than
//! N flows has no others.
//!
//! What an importer may have bought from all suppliers that it does not list together is an amount of unknown
//! origin, from zero to the sum of these bounds. The best estimate leaves it out.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{OTHER, residual_kind};
use orewatch_measures::{Amount, Status};

use super::lines::RowAmounts;
use super::unknown::{QuantityAndValue, UnknownTrade};
use crate::book::{Cell, EconomyId, Flow, MarketFlows, ReleaseContent};

/// What is cut off of each importer's imports and each exporter's exports of a product at most, in thousands
/// of US dollars.
#[derive(Debug, Default)]
struct CutOff {
    imports: BTreeMap<EconomyId, f64>,
    exports: BTreeMap<EconomyId, f64>,
}

impl UnknownTrade {
    /// Adds what releases cut off that say so.
    pub(super) fn add_cut_off(&mut self, amounts: &RowAmounts<'_, '_>) {
        let Some(kind) = residual_kind(OTHER) else { return };
        for (source, partners) in cut_sources(amounts.rows) {
            for (product, flows) in flows_by_product(amounts.rows, source) {
                let amount = |bound: f64| QuantityAndValue {
                    quantity: amounts.with_purity(product, amounts.quantity_at_most(source, bound)),
                    value: amounts.with_purity(product, Amount::between(0.0, bound)),
                };
                let cut_off = CutOff::new(&flows, &listed(amounts.rows, product), partners);
                for (importer, bound) in cut_off.imports {
                    let kinds = self.imports.entry(importer).or_default();
                    kinds
                        .entry(kind)
                        .and_modify(|sum| sum.add(&amount(bound)))
                        .or_insert_with(|| amount(bound));
                }
                for (exporter, bound) in cut_off.exports {
                    let sum = self.exports.entry(exporter);
                    sum.and_modify(|sum| sum.add(&amount(bound))).or_insert_with(|| amount(bound));
                }
            }
        }
    }
}

impl CutOff {
    fn new(flows: &[&Flow], listed: &BTreeSet<(EconomyId, EconomyId)>, partners: usize) -> Self {
        let exporters = least_of_largest(flows, |flow| flow.exporter, partners);
        let importers = least_of_largest(flows, |flow| flow.importer, partners);
        let mut cut_off = Self::default();
        for (importer, most) in &importers {
            let absent = exporters
                .iter()
                .filter(|(exporter, _)| *exporter != importer && !listed.contains(&(*importer, **exporter)));
            for (exporter, of_exporter) in absent {
                let bound = most.min(*of_exporter);
                *cut_off.imports.entry(*importer).or_default() += bound;
                *cut_off.exports.entry(*exporter).or_default() += bound;
            }
        }
        cut_off
    }
}

/// Releases that are cut, by source number, with their number of partners.
fn cut_sources(rows: &MarketFlows<'_>) -> Vec<(u16, usize)> {
    let cut = |(source, content): (u16, &ReleaseContent)| {
        let partners = usize::try_from(content.release.cut_partners).ok()?;
        (partners > 0).then_some((source, partners))
    };
    (0..).zip(rows.sources.iter().map(|source| source.content)).filter_map(cut).collect()
}

/// The flows of a source by product.
fn flows_by_product<'r>(rows: &'r MarketFlows<'_>, source: u16) -> BTreeMap<u16, Vec<&'r Flow>> {
    let mut products = BTreeMap::<_, Vec<_>>::new();
    for flow in rows.flows.iter().filter(|flow| flow.source == source) {
        products.entry(flow.product).or_default().push(flow);
    }
    products
}

/// Importer and exporter of every flow of a product that any source lists.
fn listed(rows: &MarketFlows<'_>, product: u16) -> BTreeSet<(EconomyId, EconomyId)> {
    let flows = rows.flows.iter().filter(|flow| flow.product == product);
    flows.map(|flow| (flow.importer, flow.exporter)).collect()
}

/// By economy, the value of the flow with the last of so many ranks. Economies with fewer flows, and those
/// for which it is zero, are left out. An unknown value may be of any rank, and counts as the largest.
fn least_of_largest(
    flows: &[&Flow],
    side: impl Fn(&Flow) -> EconomyId,
    ranks: usize,
) -> BTreeMap<EconomyId, f64> {
    let mut values = BTreeMap::<EconomyId, Vec<f64>>::new();
    for flow in flows {
        values.entry(side(flow)).or_default().push(flow.value.known().unwrap_or(f64::INFINITY));
    }
    let last = |(economy, mut values): (EconomyId, Vec<f64>)| {
        values.sort_by(|one, other| other.total_cmp(one));
        let last = *values.get(ranks.checked_sub(1)?)?;
        (last > 0.0).then_some((economy, last))
    };
    values.into_iter().filter_map(last).collect()
}

impl RowAmounts<'_, '_> {
    /// The quantity of flows that are worth at most this much together.
    fn quantity_at_most(&self, source: u16, value: f64) -> Amount {
        self.quantity(source, Cell::UNAVAILABLE, Cell { number: value, status: Status::Known })
    }
}
