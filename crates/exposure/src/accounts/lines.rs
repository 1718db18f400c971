//! Rows of flows as lines and pairs: what each two economies trade.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_measures::{Amount, Mirror, Weight};

use crate::book::{Cell, EconomyId, Flow, MarketFlows, Reporter, ResidualFlow};

/// Trade between two economies, all products of the market together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Who receives.
    pub importer: EconomyId,
    /// Who ships.
    pub exporter: EconomyId,
    /// Tonnes.
    pub quantity: Amount,
    /// Thousands of current US dollars.
    pub value: Amount,
}

impl Pair {
    /// By quantity or by value.
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
    /// Who receives.
    pub importer: EconomyId,
    /// Who ships.
    pub exporter: EconomyId,
    /// Index into the products of the market's flows.
    pub product: u16,
    /// Tonnes.
    pub quantity: Amount,
    /// Thousands of current US dollars.
    pub value: Amount,
    /// Only the exporter reports it.
    pub is_mirrored: bool,
}

impl Line {
    /// By quantity or by value.
    #[must_use]
    pub fn amount(&self, by: Weight) -> Amount {
        match by {
            Weight::Quantity => self.quantity,
            Weight::Value => self.value,
        }
    }
}

/// How rows of a market become amounts.
#[derive(Clone, Debug)]
pub(super) struct Weighing<'r, 'a> {
    pub(super) rows: &'r MarketFlows<'a>,
    pub(super) mirror: Mirror,
    /// Where a product is only partly the material, at least this fraction of it is, by index of the product.
    pub(super) purity: &'r BTreeMap<u16, f64>,
    /// Importers whose own report is there, each with the product codes that it holds, to six digits.
    pub(super) reports: BTreeMap<EconomyId, BTreeSet<&'a str>>,
}

impl Weighing<'_, '_> {
    /// The rows of the same two economies and product as one line each: reports of both sides are combined, never added up.
    pub(super) fn lines(&self) -> Vec<Line> {
        let key = |flow: &Flow| (flow.importer, flow.exporter, flow.product);
        let line = |group: &[Flow]| {
            let Flow { importer, exporter, product, .. } = *group.first()?;
            let is_mirrored = group.iter().all(|flow| flow.reporter == Reporter::Exporter);
            let is_denied = is_mirrored && self.is_reported(importer, product);
            let amount = |amount: &dyn Fn(&Flow) -> Amount| {
                self.of_basket(product, reported(group, self.mirror, is_denied, amount))
            };
            let quantity = amount(&|flow| self.quantity_of(flow));
            let value = amount(&|flow| flow.value.amount());
            Some(Line { importer, exporter, product, quantity, value, is_mirrored })
        };
        self.rows.flows.chunk_by(|a, b| key(a) == key(b)).filter_map(line).collect()
    }

    /// Whether an importer's own report holds a product: what it does not list is nothing by that report.
    fn is_reported(&self, importer: EconomyId, product: u16) -> bool {
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
        self.of_basket(row.product, amount)
    }

    fn of_basket(&self, product: u16, amount: Amount) -> Amount {
        self.purity.get(&product).map_or(amount, |purity| amount.of_basket(*purity))
    }

    fn quantity_of(&self, flow: &Flow) -> Amount {
        self.quantity(flow.source, flow.quantity, flow.value)
    }

    /// A quantity. Not known, but of known value: at most what that buys at the lowest unit value of the dataset.
    fn quantity(&self, source: u16, quantity: Cell, value: Cell) -> Amount {
        let cheapest = || self.rows.cheapest.get(&self.rows.dataset(source)?).copied();
        match (quantity.known(), value.known()) {
            (None, Some(value)) => match cheapest() {
                Some(cheapest) => Amount::between(0.0, value / cheapest),
                None => quantity.amount(),
            },
            _ => quantity.amount(),
        }
    }
}

/// The lines of the same two economies added up, in the lines' order.
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

/// What the rows of one line say together. What has one figure whoever reported it stands beside what both sides report. A flow
/// that is denied is not in the importer's report, which says by that that there was none.
fn reported(rows: &[Flow], mirror: Mirror, is_denied: bool, amount: impl Fn(&Flow) -> Amount) -> Amount {
    let by = |reporter| {
        let rows = rows.iter().filter(move |row| row.reporter == reporter);
        rows.map(&amount).reduce(|a, b| a + b)
    };
    let (importer, exporter) = (by(Reporter::Importer), by(Reporter::Exporter));
    let importer = importer.or_else(|| is_denied.then_some(Amount::NOTHING));
    match (by(Reporter::One), importer.or(exporter)) {
        (Some(one), None) => one,
        (None, _) => Amount::reported(importer, exporter, mirror),
        (Some(one), Some(_)) => one + Amount::reported(importer, exporter, mirror),
    }
}
