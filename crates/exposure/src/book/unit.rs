//! What a release restates of its own dataset.
//!
//! The unit is a property of the dataset's kind: a release restates the units of which it has a row, and leaves the others of its
//! dataset as they are. A scope that is stated for it takes the place of the dimensions that it names: nothing outside of it is
//! restated, and inside of it there need be no row.

use std::collections::BTreeSet;

use orewatch_catalog::{DatasetKind, Period, ResidualKind, Stage};
use orewatch_contracts::ingestion::v1;

use super::content::Direction;
use super::{Content, EconomyId, Market, Output, Reporter, Table, Unreadable};

/// The side of a flow that is not an economy, or the economy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    Economy(EconomyId),
    Residual(&'static ResidualKind),
}

/// A material at a stage.
pub(super) type Topic = (&'static str, Stage);

/// A row of trade as far as restating it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) importer: Party,
    pub(super) exporter: Party,
    pub(super) reporter: Reporter,
    pub(super) code: &'a str,
    pub(super) topic: Topic,
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

    fn is_export(&self) -> bool {
        self.reporter == Reporter::Exporter
    }
}

/// What is restated together. A dimension that the unit does not have, or that the scope states, is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Unit<'a> {
    topic: Option<Topic>,
    period: Option<Period>,
    reporter: Option<Party>,
    is_export: Option<bool>,
    partner: Option<Party>,
    code: Option<&'a str>,
}

/// The unit of a row, by the kind of its dataset and the dimensions that a scope leaves open.
fn unit<'a>(kind: DatasetKind, scope: Option<&Scope>, row: &Declared<'a>) -> Unit<'a> {
    let open = |states: fn(&Scope) -> bool| !scope.is_some_and(states);
    let product = open(|scope| !scope.products.is_empty());
    let (reporter, partner) = row.sides();
    let mut unit =
        Unit { period: open(|scope| !scope.periods.is_empty()).then_some(row.period), ..Unit::default() };
    if matches!(kind, DatasetKind::Declarations | DatasetKind::Supplement) {
        unit.reporter = open(|scope| !scope.reporters.is_empty()).then_some(reporter);
        unit.is_export = open(|scope| scope.exports.is_some()).then_some(row.is_export());
        unit.code = product.then_some(row.code);
    } else {
        unit.topic = product.then_some(row.topic);
    }
    if kind == DatasetKind::Supplement {
        unit.partner = open(|scope| !scope.partners.is_empty()).then_some(partner);
    }
    unit
}

/// What newer releases of a dataset restate in a market, as it is met from the newest release to the oldest.
#[derive(Debug)]
pub(super) struct Restated<'a> {
    kind: DatasetKind,
    /// Units of releases without a scope.
    units: BTreeSet<Unit<'a>>,
    /// Scopes, with the units that they leave open.
    scopes: Vec<(&'a Scope, BTreeSet<Unit<'a>>)>,
}

impl<'a> Restated<'a> {
    pub(super) fn new(kind: DatasetKind) -> Self {
        Self { kind, units: BTreeSet::new(), scopes: Vec::new() }
    }

    /// Whether a newer release says something else of a row, or that it is no more.
    pub(super) fn includes(&self, row: &Declared<'_>) -> bool {
        let kind = self.kind;
        self.units.contains(&unit(kind, None, row))
            || self
                .scopes
                .iter()
                .any(|(scope, units)| scope.admits(row) && units.contains(&unit(kind, Some(scope), row)))
    }

    /// Whether nothing of an older release is left to stand in the market, whatever its rows are.
    pub(super) fn is_whole(&self) -> bool {
        let by_row = matches!(self.kind, DatasetKind::Declarations | DatasetKind::Supplement);
        !by_row && !self.units.is_empty()
    }

    /// Adds what a release covers, given its rows in the market, or where a scope is stated its rows in all markets that the
    /// scope may tie together.
    pub(super) fn add(&mut self, content: &'a Content, rows: impl Iterator<Item = Declared<'a>>) {
        let kind = self.kind;
        match &content.scope {
            Some(scope) => {
                self.scopes.push((scope, rows.map(|row| unit(kind, Some(scope), &row)).collect()));
            }
            None => self.units.extend(rows.map(|row| unit(kind, None, &row))),
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

    /// Whether a row lies within what is stated.
    fn admits(&self, row: &Declared<'_>) -> bool {
        let (reporter, partner) = row.sides();
        holds(&self.reporters, &reporter)
            && holds(&self.partners, &partner)
            && self.exports.is_none_or(|exports| exports == row.is_export())
            && (self.products.is_empty() || self.products.contains(row.code))
            && self.includes(row.period)
    }

    pub(super) fn includes(&self, period: Period) -> bool {
        holds(&self.periods, &period)
    }

    /// Whether rows of another market of the release may be of one unit with rows of this one.
    pub(super) fn ties(&self, market: &Market, other: &Market) -> bool {
        let topic = |market: &Market| (market.material, market.stage);
        (!self.products.is_empty() || topic(market) == topic(other))
            && (!self.periods.is_empty() || market.period == other.period)
    }

    /// Whether an economy's row of a market's output is restated by a release of this scope, given its output.
    pub(super) fn restates_output(
        &self,
        economy: Option<EconomyId>,
        market: &Market,
        by_cell: bool,
        output: &Table<Output>,
    ) -> bool {
        let topic = format!("{} {}", market.material, market.stage);
        let is_listed = economy
            .map_or(self.reporters.is_empty(), |economy| holds(&self.reporters, &Party::Economy(economy)));
        let is_admitted = is_listed
            && (self.products.is_empty() || self.products.contains(&*topic))
            && self.includes(market.period);
        let same = |row: &Output| !by_cell || !self.reporters.is_empty() || row.economy == economy;
        let has = |other: &Market| output.rows(other).unwrap_or_default().iter().any(same);
        is_admitted && output.keys().any(|other| self.ties(market, other) && has(other))
    }

    /// Economies whose report is covered. Empty: nobody in particular.
    pub(super) fn reporters(&self) -> impl Iterator<Item = EconomyId> {
        self.reporters.iter().filter_map(|party| match party {
            Party::Economy(economy) => Some(*economy),
            Party::Residual(_) => None,
        })
    }

    /// Whether all partners are covered, in both directions or in this one: only then is a report of it complete.
    pub(super) fn is_complete(&self, direction: Direction) -> bool {
        let other = direction == Direction::Imports;
        self.partners.is_empty() && self.exports != Some(other)
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
