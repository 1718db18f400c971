//! What is not known of a market's trade: amounts of unknown origin or destination, and economies without a
//! report.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::{Consumer, ResidualKind};
use orewatch_measures::{Amount, Residual, Weight};

use super::lines::{Line, RowAmounts};
use crate::book::{EconomyId, Reporters};

/// A kind of unknown origin: why the origin of imports is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownOrigin {
    /// The source gives a partner that is no economy.
    Partner(&'static ResidualKind),
    /// The consumer, or some of its members, have not reported.
    NotReported,
}

impl UnknownOrigin {
    /// Its code among suppliers, such as `OTHER:unspecified`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Partner(kind) => kind.code,
            Self::NotReported => "OTHER:not-reported",
        }
    }

    /// Its name in a consumer's imports, for people.
    #[must_use]
    pub fn name(self, consumer: Consumer) -> &'static str {
        match (self, consumer) {
            (Self::Partner(kind), _) => kind.name,
            (Self::NotReported, Consumer::Economy(_)) => "imports that it has not reported",
            (Self::NotReported, Consumer::Bloc(_)) => "members that have not reported",
            (Self::NotReported, Consumer::World) => "economies that have not reported",
        }
    }

    /// Its kind of residual in a sum.
    pub(super) fn residual(self) -> Residual {
        match self {
            Self::NotReported => Residual::NotReported,
            Self::Partner(kind) => match kind.id {
                "unspecified" | "unlisted" => Residual::Unspecified,
                "confidential" => Residual::Confidential,
                "undistributed" => Residual::Remainder,
                _ => Residual::Special,
            },
        }
    }
}

/// Number of earlier periods whose imports bound those of an economy without a report.
pub(crate) const LOOK_BACK: u16 = 5;

/// An amount by both weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct QuantityAndValue {
    pub(super) quantity: Amount,
    pub(super) value: Amount,
}

impl QuantityAndValue {
    /// The amount by a weight.
    pub(super) fn weighted_by(&self, by: Weight) -> Amount {
        match by {
            Weight::Quantity => self.quantity,
            Weight::Value => self.value,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.quantity = self.quantity + other.quantity;
        self.value = self.value + other.value;
    }
}

/// What is not known of a market's trade.
#[derive(Clone, Debug, Default)]
pub(super) struct UnknownTrade {
    /// Imports of unknown origin, by importer and kind of partner.
    pub(super) imports: BTreeMap<EconomyId, BTreeMap<&'static ResidualKind, QuantityAndValue>>,
    /// Exports of unknown destination, by exporter.
    pub(super) exports: BTreeMap<EconomyId, QuantityAndValue>,
    /// Imports of economies that have not reported, beyond what exporters report: from zero to the largest of
    /// the earlier periods, or without an upper bound.
    pub(super) unreported: BTreeMap<EconomyId, QuantityAndValue>,
    /// Economies whose exports are reported. `None`: everyone's are.
    pub(super) export_reporters: Option<BTreeSet<EconomyId>>,
}

/// Upper bounds of what economies imported in an earlier period, in tonnes and thousands of US dollars;
/// infinite where there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportedImports {
    /// Economies whose imports were reported. `None`: everyone's were.
    pub(crate) reporters: Option<BTreeSet<EconomyId>>,
    pub(crate) imports: BTreeMap<EconomyId, [f64; 2]>,
}

impl ReportedImports {
    /// The imports of an economy. `None`: it had not reported then either.
    fn imports_of(&self, economy: EconomyId) -> Option<[f64; 2]> {
        let known = self.imports.get(&economy).copied();
        let is_known = self.reporters.as_ref().is_none_or(|reporters| reporters.contains(&economy));
        is_known.then(|| known.unwrap_or([0.0; 2]))
    }

    /// The imports of a market, from its lines and its imports of unknown origin.
    pub(super) fn new(
        reporters: Option<BTreeSet<EconomyId>>,
        lines: &[Line],
        unknown: &UnknownTrade,
    ) -> Self {
        let mut imports = sums_by_importer(lines, Amount::high);
        for (importer, kinds) in &unknown.imports {
            let sums = imports.entry(*importer).or_default();
            for amount in kinds.values() {
                add(sums, [amount.quantity.high(), amount.value.high()]);
            }
        }
        Self { reporters, imports }
    }
}

impl UnknownTrade {
    /// The unknown trade that rows record.
    pub(super) fn from_rows(amounts: &RowAmounts<'_, '_>, lines: &[Line]) -> Self {
        let mut unknown = Self::default();
        for row in &amounts.rows.residuals {
            let [quantity, value] = [Weight::Quantity, Weight::Value].map(|by| amounts.residual(row, by));
            let amount = QuantityAndValue { quantity, value };
            if row.is_import {
                let kinds = unknown.imports.entry(row.economy).or_default();
                kinds.entry(row.kind).and_modify(|sum| sum.add(&amount)).or_insert(amount);
            } else {
                unknown.exports.entry(row.economy).and_modify(|sum| sum.add(&amount)).or_insert(amount);
            }
        }
        unknown.remove_mirrored(lines);
        unknown.add_cut_off(amounts);
        unknown
    }

    /// Lowers imports of unknown origin by what only exporters report, which may be a part of them.
    fn remove_mirrored(&mut self, lines: &[Line]) {
        for (importer, kinds) in &mut self.imports {
            let own = lines.iter().filter(|line| line.importer == *importer && line.is_mirrored);
            let nothing = QuantityAndValue { quantity: Amount::NOTHING, value: Amount::NOTHING };
            let mirrored = own.fold(nothing, |mut sum, line| {
                sum.add(&QuantityAndValue { quantity: line.quantity, value: line.value });
                sum
            });
            for amount in kinds.values_mut() {
                amount.quantity = amount.quantity.minus_possible_overlap(mirrored.quantity);
                amount.value = amount.value.minus_possible_overlap(mirrored.value);
            }
        }
    }

    /// Adds economies that have not reported, given those that have, and the imports of earlier periods.
    pub(super) fn add_unreported(
        &mut self,
        economies: &BTreeSet<EconomyId>,
        reporters: &Reporters,
        lines: &[Line],
        earlier: &[Rc<ReportedImports>],
    ) {
        let mirrored = sums_by_importer(lines, Amount::low);
        for economy in economies.difference(&reporters.imports) {
            let [quantity, value] =
                largest(earlier.iter().filter_map(|imports| imports.imports_of(*economy)));
            let [seen_quantity, seen_value] = mirrored.get(economy).copied().unwrap_or_default();
            let unreported = QuantityAndValue {
                quantity: unreported_amount(quantity, seen_quantity),
                value: unreported_amount(value, seen_value),
            };
            self.unreported.insert(*economy, unreported);
        }
        self.export_reporters = Some(reporters.exports.clone());
    }
}

/// What an economy without a report may import beyond what exporters report, given the most that it imported
/// before. Where that leaves nothing there is no upper bound: what is not reported is unknown, never zero.
fn unreported_amount(before: f64, seen: f64) -> Amount {
    let rest = before - seen;
    Amount::between(0.0, if rest > 0.0 { rest } else { f64::INFINITY })
}

/// Sums of one end of the bounds of each economy's imports.
fn sums_by_importer(lines: &[Line], end: fn(&Amount) -> f64) -> BTreeMap<EconomyId, [f64; 2]> {
    let mut imports = BTreeMap::<_, [f64; 2]>::new();
    for line in lines.iter().filter(|line| line.importer != line.exporter) {
        add(imports.entry(line.importer).or_default(), [&line.quantity, &line.value].map(end));
    }
    imports
}

fn add(sums: &mut [f64; 2], amounts: [f64; 2]) {
    sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
}

/// The largest quantity and the largest value; zero where there is none.
fn largest(all: impl Iterator<Item = [f64; 2]>) -> [f64; 2] {
    all.fold([0.0; 2], |[a, b], [c, d]| [a.max(c), b.max(d)])
}
