//! From rows of flows to lines and pairs: how much any two economies trade.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_measures::{Amount, Mirror, Weight};

use crate::book::{Cell, EconomyId, Flow, MarketFlows, Reporter, ResidualFlow};

/// Trade between two economies, all products of the market together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The importing economy.
    pub importer: EconomyId,
    /// The exporting economy.
    pub exporter: EconomyId,
    /// Tonnes.
    pub quantity: Amount,
    /// Thousands of current US dollars.
    pub value: Amount,
}

impl Pair {
    /// The amount by a weight.
    #[must_use]
    pub fn amount(&self, by: Weight) -> Amount {
        match by {
            Weight::Quantity => self.quantity,
            Weight::Value => self.value,
        }
    }
}

/// Trade between two economies in one product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The importing economy.
    pub importer: EconomyId,
    /// The exporting economy.
    pub exporter: EconomyId,
    /// Product number in [`MarketFlows`].
    pub product: u16,
    /// Tonnes.
    pub quantity: Amount,
    /// Thousands of current US dollars.
    pub value: Amount,
    /// Whether only the exporter reports it.
    pub is_mirrored: bool,
}

impl Line {
    /// The amount by a weight.
    #[must_use]
    pub fn amount(&self, by: Weight) -> Amount {
        match by {
            Weight::Quantity => self.quantity,
            Weight::Value => self.value,
        }
    }
}

/// The rules by which rows of a market become amounts.
#[derive(Clone, Debug)]
pub(super) struct RowAmounts<'r, 'a> {
    pub(super) rows: &'r MarketFlows<'a>,
    pub(super) mirror: Mirror,
    /// By product number, the least fraction of the goods that is the material, 0 to 1.
    pub(super) purity: &'r BTreeMap<u16, f64>,
    /// Importers with an own report, each with the product codes that it holds, to six digits.
    pub(super) reports: BTreeMap<EconomyId, BTreeSet<&'a str>>,
}

impl RowAmounts<'_, '_> {
    /// One line for all rows of the same two economies and product. Reports of both sides are combined, never
    /// added up.
    pub(super) fn lines(&self) -> Vec<Line> {
        let key = |flow: &Flow| (flow.importer, flow.exporter, flow.product);
        let line = |group: &[Flow]| {
            let Flow { importer, exporter, product, .. } = *group.first()?;
            let is_mirrored = group.iter().all(|flow| flow.reporter == Reporter::Exporter);
            let is_denied = is_mirrored && self.is_in_report(importer, product);
            let amount = |amount: &dyn Fn(&Flow) -> Amount| {
                self.with_purity(product, combined_reports(group, self.mirror, is_denied, amount))
            };
            let quantity = amount(&|flow| self.quantity_of(flow));
            let value = amount(&|flow| flow.value.amount());
            Some(Line { importer, exporter, product, quantity, value, is_mirrored })
        };
        self.rows.flows.chunk_by(|a, b| key(a) == key(b)).filter_map(line).collect()
    }

    /// Whether an importer's own report holds a product. Then a flow that it does not list was zero by that
    /// report.
    fn is_in_report(&self, importer: EconomyId, product: u16) -> bool {
        let code = self.rows.code(product);
        let code = code.get(..6).unwrap_or(code);
        self.reports.get(&importer).is_some_and(|held| held.contains(code))
    }

    /// The amount of trade with a partner that is no economy.
    pub(super) fn residual(&self, row: &ResidualFlow, by: Weight) -> Amount {
        let amount = match by {
            Weight::Quantity => self.quantity(row.source, row.quantity, row.value),
            Weight::Value => row.value.amount(),
        };
        self.with_purity(row.product, amount)
    }

    /// An amount of a product, with bounds by its purity.
    pub(super) fn with_purity(&self, product: u16, amount: Amount) -> Amount {
        self.purity.get(&product).map_or(amount, |purity| amount.with_purity(*purity))
    }

    fn quantity_of(&self, flow: &Flow) -> Amount {
        self.quantity(flow.source, flow.quantity, flow.value)
    }

    /// A quantity. An unknown one of known value is at most what that value buys at the lowest unit value of
    /// the dataset.
    pub(super) fn quantity(&self, source: u16, quantity: Cell, value: Cell) -> Amount {
        let lowest_unit_value = || self.rows.lowest_unit_values.get(&self.rows.dataset(source)?).copied();
        match (quantity.known(), value.known()) {
            (None, Some(value)) => match lowest_unit_value() {
                Some(lowest) => Amount::between(0.0, value / lowest),
                None => quantity.amount(),
            },
            _ => quantity.amount(),
        }
    }
}

/// The lines of the same two economies added up, in the order of the lines.
pub(super) fn pairs(lines: &[Line]) -> Vec<Pair> {
    let same = |a: &Line, b: &Line| (a.importer, a.exporter) == (b.importer, b.exporter);
    let pair = |group: &[Line]| {
        let first = group.first()?;
        let quantity = group.iter().map(|line| line.quantity).reduce(|a, b| a + b)?;
        let value = group.iter().map(|line| line.value).reduce(|a, b| a + b)?;
        Some(Pair { importer: first.importer, exporter: first.exporter, quantity, value })
    };
    lines.chunk_by(same).filter_map(pair).collect()
}

/// The amount of the rows of one line. Figures that stand for both sides are added to the combined reports of
/// the two sides. A denied flow is not in the importer's report, which thereby reports zero.
fn combined_reports(
    rows: &[Flow],
    mirror: Mirror,
    is_denied: bool,
    amount: impl Fn(&Flow) -> Amount,
) -> Amount {
    let by = |reporter| {
        let rows = rows.iter().filter(move |row| row.reporter == reporter);
        rows.map(&amount).reduce(|a, b| a + b)
    };
    let (importer, exporter) = (by(Reporter::Importer), by(Reporter::Exporter));
    let importer = importer.or_else(|| is_denied.then_some(Amount::NOTHING));
    match (by(Reporter::Unspecified), importer.or(exporter)) {
        (Some(both), None) => both,
        (None, _) => Amount::from_reports(importer, exporter, mirror),
        (Some(both), Some(_)) => both + Amount::from_reports(importer, exporter, mirror),
    }
}
