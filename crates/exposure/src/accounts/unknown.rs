//! What is not known of a market's trade: amounts of unknown origin or destination, and members of blocs without a report.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Consumer, ResidualKind};
use orewatch_measures::{Amount, Residual, Weight};

use super::lines::{Line, Weighing};
use crate::book::{EconomyId, Reporters};

/// Why the origin of an amount is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownOrigin {
    /// The source names a partner that is no economy.
    Partner(&'static ResidualKind),
    /// Economies have not reported: the consumer, or some of its members.
    NotReported,
}

impl UnknownOrigin {
    /// What stands for it among suppliers: `OTHER:unspecified`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Partner(kind) => kind.code,
            Self::NotReported => "OTHER:not-reported",
        }
    }

    /// What it is of a consumer's imports, for people.
    #[must_use]
    pub fn name(self, consumer: Consumer) -> &'static str {
        match (self, consumer) {
            (Self::Partner(kind), _) => kind.name,
            (Self::NotReported, Consumer::Economy(_)) => "imports that it has not reported",
            (Self::NotReported, Consumer::Bloc(_)) => "members that have not reported",
            (Self::NotReported, Consumer::World) => "economies that have not reported",
        }
    }

    /// The kind of residual that it is in a sum.
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

/// Earlier periods in which the imports of a member without a report are looked for.
pub(crate) const LOOK_BACK: u16 = 5;

/// An amount by quantity and by value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Both {
    pub(super) quantity: Amount,
    pub(super) value: Amount,
}

impl Both {
    pub(super) fn by(&self, by: Weight) -> Amount {
        match by {
            Weight::Quantity => self.quantity,
            Weight::Value => self.value,
        }
    }

    fn add(&mut self, other: &Self) {
        self.quantity = self.quantity + other.quantity;
        self.value = self.value + other.value;
    }
}

/// What is not known of a market's trade.
#[derive(Clone, Debug, Default)]
pub(super) struct Unknown {
    /// Imports of unknown origin, by importer and what the source says of it.
    pub(super) imports: BTreeMap<EconomyId, BTreeMap<&'static ResidualKind, Both>>,
    /// Exports to nowhere known, by exporter.
    pub(super) exports: BTreeMap<EconomyId, Both>,
    /// Imports of economies that have not reported, beside what exporters report: from nothing to the largest of the periods
    /// before, or without a bound.
    pub(super) absent: BTreeMap<EconomyId, Both>,
    /// Economies whose exports are reported. None: everyone's.
    pub(super) exporters: Option<BTreeSet<EconomyId>>,
}

/// What economies imported at most in an earlier period, in tonnes and thousands of US dollars; infinite where nothing bounds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reported {
    /// Whose imports were reported. None: everyone's.
    pub(crate) reporters: Option<BTreeSet<EconomyId>>,
    pub(crate) imports: BTreeMap<EconomyId, [f64; 2]>,
}

impl Reported {
    /// None: it had not reported then either.
    fn of(&self, economy: EconomyId) -> Option<[f64; 2]> {
        let known = self.imports.get(&economy).copied();
        let is_known = self.reporters.as_ref().is_none_or(|reporters| reporters.contains(&economy));
        is_known.then(|| known.unwrap_or([0.0; 2]))
    }

    /// What a market's lines and its imports of unknown origin say.
    pub(super) fn new(reporters: Option<BTreeSet<EconomyId>>, lines: &[Line], unknown: &Unknown) -> Self {
        let mut imports = imported(lines, Amount::high);
        for (importer, kinds) in &unknown.imports {
            let sums = imports.entry(*importer).or_default();
            for both in kinds.values() {
                add(sums, [both.quantity.high(), both.value.high()]);
            }
        }
        Self { reporters, imports }
    }
}

impl Unknown {
    pub(super) fn of(weighing: &Weighing<'_, '_>, lines: &[Line]) -> Self {
        let mut unknown = Self::default();
        for row in &weighing.rows.residuals {
            let [quantity, value] = [Weight::Quantity, Weight::Value].map(|by| weighing.residual(row, by));
            let amount = Both { quantity, value };
            if row.is_import {
                let kinds = unknown.imports.entry(row.economy).or_default();
                kinds.entry(row.kind).and_modify(|sum| sum.add(&amount)).or_insert(amount);
            } else {
                unknown.exports.entry(row.economy).and_modify(|sum| sum.add(&amount)).or_insert(amount);
            }
        }
        unknown.leave_mirrored(lines);
        unknown
    }

    /// What exporters alone report may be part of what the importer does not say the origin of.
    fn leave_mirrored(&mut self, lines: &[Line]) {
        for (importer, kinds) in &mut self.imports {
            let own = lines.iter().filter(|line| line.importer == *importer && line.is_mirrored);
            let none = Both { quantity: Amount::NOTHING, value: Amount::NOTHING };
            let mirrored = own.fold(none, |mut sum, line| {
                sum.add(&Both { quantity: line.quantity, value: line.value });
                sum
            });
            for amount in kinds.values_mut() {
                amount.quantity = amount.quantity.less_at_most(mirrored.quantity);
                amount.value = amount.value.less_at_most(mirrored.value);
            }
        }
    }

    /// Adds economies that have not reported, given whose trade is reported and what the periods before say, the latest first.
    pub(super) fn add_absent(
        &mut self,
        economies: &BTreeSet<EconomyId>,
        reporters: &Reporters,
        lines: &[Line],
        earlier: &[std::rc::Rc<Reported>],
    ) {
        let told = imported(lines, Amount::low);
        for economy in economies.difference(&reporters.imports) {
            let [quantity, value] = largest(earlier.iter().filter_map(|reported| reported.of(*economy)));
            let [seen_quantity, seen_value] = told.get(economy).copied().unwrap_or_default();
            let both = Both { quantity: left(quantity, seen_quantity), value: left(value, seen_value) };
            self.absent.insert(*economy, both);
        }
        self.exporters = Some(reporters.exports.clone());
    }
}

/// What an economy without a report may import beside what exporters report, given the most that it did before. A weight that was
/// nothing, or that exporters' reports have used up, bounds nothing: who has not reported is unknown, and never nothing.
fn left(before: f64, seen: f64) -> Amount {
    let most = before - seen;
    Amount::between(0.0, if most > 0.0 { most } else { f64::INFINITY })
}

/// Ends of what each economy imports by the lines of a market.
fn imported(lines: &[Line], end: fn(&Amount) -> f64) -> BTreeMap<EconomyId, [f64; 2]> {
    let mut imports = BTreeMap::<_, [f64; 2]>::new();
    for line in lines.iter().filter(|line| line.importer != line.exporter) {
        add(imports.entry(line.importer).or_default(), [&line.quantity, &line.value].map(end));
    }
    imports
}

fn add(sums: &mut [f64; 2], amounts: [f64; 2]) {
    sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
}

/// The largest of every place; nothing where there is none.
fn largest(all: impl Iterator<Item = [f64; 2]>) -> [f64; 2] {
    all.fold([0.0; 2], |[a, b], [c, d]| [a.max(c), b.max(d)])
}
