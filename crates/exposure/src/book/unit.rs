//! What a release restates of its own dataset.
//!
//! The unit is a property of the dataset's kind: a release restates the units of which it has a row, and leaves the others of its
//! dataset as they are. A scope that is stated for it comes in the place of that: all within it is restated, also what has no
//! row any more, and nothing outside of it.

use std::collections::BTreeSet;

use orewatch_catalog::{DatasetKind, Period, ResidualKind};
use orewatch_contracts::ingestion::v1;

use super::{Content, EconomyId, Reporter, Unreadable};

/// The side of a flow that is not an economy, or the economy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    Economy(EconomyId),
    Residual(&'static ResidualKind),
}

/// A row of trade as far as restating it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) importer: Party,
    pub(super) exporter: Party,
    pub(super) reporter: Reporter,
    pub(super) code: &'a str,
    pub(super) period: Period,
}

impl Declared<'_> {
    /// Who reports, and the other side. A flow with one figure counts as its importer's.
    fn sides(&self) -> (Party, Party) {
        match self.reporter {
            Reporter::Exporter => (self.exporter, self.importer),
            Reporter::One | Reporter::Importer => (self.importer, self.exporter),
        }
    }
}

/// What is restated together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit<'a> {
    Market,
    Declaration(Party, bool, &'a str),
    Cell(Party, Party, &'a str),
}

fn unit<'a>(kind: DatasetKind, row: &Declared<'a>) -> Unit<'a> {
    match kind {
        DatasetKind::Declarations => {
            Unit::Declaration(row.sides().0, row.reporter == Reporter::Exporter, row.code)
        }
        DatasetKind::Supplement => Unit::Cell(row.importer, row.exporter, row.code),
        DatasetKind::Reconciled | DatasetKind::Tables | DatasetKind::Undeclared => Unit::Market,
    }
}

/// What newer releases of a dataset restate in a market, as it is met from the newest release to the oldest.
#[derive(Debug)]
pub(super) struct Restated<'a> {
    kind: DatasetKind,
    units: BTreeSet<Unit<'a>>,
    scopes: Vec<&'a Scope>,
}

impl<'a> Restated<'a> {
    pub(super) fn new(kind: DatasetKind) -> Self {
        Self { kind, units: BTreeSet::new(), scopes: Vec::new() }
    }

    /// Whether a newer release says something else of a row, or that it is no more.
    pub(super) fn includes(&self, row: &Declared<'_>) -> bool {
        self.units.contains(&unit(self.kind, row)) || self.scopes.iter().any(|scope| scope.contains(row))
    }

    /// Whether nothing of an older release is left to stand in a market, whatever its rows are.
    pub(super) fn is_whole(&self) -> bool {
        self.units.contains(&Unit::Market)
    }

    /// Adds what a release covers, given its rows in the market.
    pub(super) fn add(&mut self, content: &'a Content, rows: impl Iterator<Item = Declared<'a>>) {
        match &content.scope {
            Some(scope) => self.scopes.push(scope),
            None => {
                let kind = self.kind;
                self.units.extend(rows.map(|row| unit(kind, &row)));
            }
        }
    }
}

/// What is said of a release's coverage by who handed it in. An empty set covers everything.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    reporters: BTreeSet<Party>,
    partners: BTreeSet<Party>,
    exports: Option<bool>,
    products: BTreeSet<Box<str>>,
    periods: BTreeSet<Period>,
}

impl Scope {
    pub(super) fn read(said: &v1::Scope) -> Result<Self, Unreadable> {
        let exports = match said.flows.as_slice() {
            [one] if one == "exports" => Some(true),
            [one] if one == "imports" => Some(false),
            _ => None,
        };
        let period = |text: &String| text.parse().map_err(|_| Unreadable::unknown("period", text));
        Ok(Self {
            reporters: said.reporters.iter().map(|code| Party::read(code)).collect::<Result<_, _>>()?,
            partners: said.partners.iter().map(|code| Party::read(code)).collect::<Result<_, _>>()?,
            exports,
            products: said.products.iter().map(|code| code.as_str().into()).collect(),
            periods: said.periods.iter().map(period).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn contains(&self, row: &Declared<'_>) -> bool {
        let (reporter, partner) = row.sides();
        holds(&self.reporters, &reporter)
            && holds(&self.partners, &partner)
            && self.exports.is_none_or(|exports| exports == (row.reporter == Reporter::Exporter))
            && (self.products.is_empty() || self.products.contains(row.code))
            && self.includes(row.period)
    }

    pub(super) fn includes(&self, period: Period) -> bool {
        holds(&self.periods, &period)
    }

    /// Whether an economy's row of a market's output is covered.
    pub(super) fn contains_output(&self, economy: Option<EconomyId>, product: &str, period: Period) -> bool {
        let listed = |economy: EconomyId| holds(&self.reporters, &Party::Economy(economy));
        economy.map_or(self.reporters.is_empty(), listed)
            && (self.products.is_empty() || self.products.contains(product))
            && self.includes(period)
    }

    /// Economies whose report is covered. Empty: nobody in particular.
    pub(super) fn reporters(&self) -> impl Iterator<Item = EconomyId> {
        self.reporters.iter().filter_map(|party| match party {
            Party::Economy(economy) => Some(*economy),
            Party::Residual(_) => None,
        })
    }

    /// Whether all partners and both directions, or imports, are covered: only then is a report of imports complete.
    pub(super) fn is_complete(&self) -> bool {
        self.partners.is_empty() && self.exports != Some(true)
    }
}

fn holds<T: Ord>(set: &BTreeSet<T>, item: &T) -> bool {
    set.is_empty() || set.contains(item)
}

impl Party {
    /// The economy or residual of a code.
    pub(super) fn read(code: &str) -> Result<Self, Unreadable> {
        let residual = || orewatch_catalog::residual_kind(code).map(Self::Residual);
        let party = EconomyId::of(code).map(Self::Economy).or_else(residual);
        party.ok_or_else(|| Unreadable::unknown("economy", code))
    }
}
