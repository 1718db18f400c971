//! What a release restates of its own dataset.
//!
//! A release restates whole units: if it has any row of a unit, all older rows of that unit are replaced;
//! other units stay as they are. What a unit is depends on the kind of the dataset:
//!
//! | kind | unit of trade |
//! | --- | --- |
//! | reconciled, tables, undeclared | material and stage, period |
//! | declarations | reporter, direction, product code, period |
//! | supplement | the cell: reporter, direction, partner, product code, period |
//!
//! A release may state a scope, such as an extract of some partners. The scope takes the place of the
//! dimensions that it lists: everything it lists is restated even without a row, and nothing outside of it.

use std::collections::BTreeSet;

use orewatch_catalog::{DatasetKind, Period, ResidualKind, Stage};
use orewatch_contracts::ingestion::v1;

use super::{EconomyId, Market, Output, ReleaseContent, Reporter, Table, TradeDirection, Unreadable};

/// One side of a flow: an economy, or a partner that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    Economy(EconomyId),
    Residual(&'static ResidualKind),
}

/// A material at a stage.
pub(super) type Topic = (&'static str, Stage);

/// What identifies a row of trade when releases restate each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct TradeKey<'a> {
    pub(super) importer: Party,
    pub(super) exporter: Party,
    pub(super) reporter: Reporter,
    pub(super) code: &'a str,
    pub(super) topic: Topic,
    pub(super) period: Period,
}

impl TradeKey<'_> {
    /// Reporter and partner. A flow with one figure for both sides counts as the importer's.
    fn sides(&self) -> (Party, Party) {
        match self.reporter {
            Reporter::Exporter => (self.exporter, self.importer),
            Reporter::Unspecified | Reporter::Importer => (self.importer, self.exporter),
        }
    }

    fn is_export(&self) -> bool {
        self.reporter == Reporter::Exporter
    }
}

/// What is restated together. `None`: the unit does not have the dimension, or the scope states it.
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
fn unit_of<'a>(kind: DatasetKind, scope: Option<&ReleaseScope>, row: &TradeKey<'a>) -> Unit<'a> {
    let open = |states: fn(&ReleaseScope) -> bool| !scope.is_some_and(states);
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

/// The units that newer releases of a dataset restate in a market. Filled from the newest release to the
/// oldest.
#[derive(Debug)]
pub(super) struct RestatedUnits<'a> {
    kind: DatasetKind,
    /// Units of releases without a scope.
    units: BTreeSet<Unit<'a>>,
    /// Scopes, each with the units that it leaves open and that its release has rows of.
    scopes: Vec<(&'a ReleaseScope, BTreeSet<Unit<'a>>)>,
}

impl<'a> RestatedUnits<'a> {
    /// Nothing is restated yet.
    pub(super) fn new(kind: DatasetKind) -> Self {
        Self { kind, units: BTreeSet::new(), scopes: Vec::new() }
    }

    /// Whether a newer release restates a row.
    pub(super) fn includes(&self, row: &TradeKey<'_>) -> bool {
        let kind = self.kind;
        self.units.contains(&unit_of(kind, None, row))
            || self
                .scopes
                .iter()
                .any(|(scope, units)| scope.admits(row) && units.contains(&unit_of(kind, Some(scope), row)))
    }

    /// Whether the whole market is restated, so that no older row counts.
    pub(super) fn is_whole_market(&self) -> bool {
        let by_row = matches!(self.kind, DatasetKind::Declarations | DatasetKind::Supplement);
        !by_row && !self.units.is_empty()
    }

    /// Adds what a release restates, given its rows in the market; with a stated scope, its rows in all
    /// markets that the scope may tie to this one.
    pub(super) fn add(&mut self, content: &'a ReleaseContent, rows: impl Iterator<Item = TradeKey<'a>>) {
        let kind = self.kind;
        match &content.scope {
            Some(scope) => {
                self.scopes.push((scope, rows.map(|row| unit_of(kind, Some(scope), &row)).collect()));
            }
            None => self.units.extend(rows.map(|row| unit_of(kind, None, &row))),
        }
    }
}

/// The scope that was stated for a release. An empty set covers everything.
#[derive(Clone, Debug, Default)]
pub(super) struct ReleaseScope {
    reporters: BTreeSet<Party>,
    partners: BTreeSet<Party>,
    /// Exports (true) or imports (false) alone. `None`: both.
    exports: Option<bool>,
    products: BTreeSet<Box<str>>,
    periods: BTreeSet<Period>,
}

impl ReleaseScope {
    /// Reads a recorded scope.
    pub(super) fn read(scope: &v1::Scope) -> Result<Self, Unreadable> {
        let exports = match scope.flows.as_slice() {
            [direction] if direction == "exports" => Some(true),
            [direction] if direction == "imports" => Some(false),
            _ => None,
        };
        let period = |text: &String| text.parse().map_err(|_| Unreadable::unknown("period", text));
        Ok(Self {
            reporters: scope.reporters.iter().map(|code| Party::read(code)).collect::<Result<_, _>>()?,
            partners: scope.partners.iter().map(|code| Party::read(code)).collect::<Result<_, _>>()?,
            exports,
            products: scope.products.iter().map(|code| code.as_str().into()).collect(),
            periods: scope.periods.iter().map(period).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a row lies within the scope.
    fn admits(&self, row: &TradeKey<'_>) -> bool {
        let (reporter, partner) = row.sides();
        holds(&self.reporters, &reporter)
            && holds(&self.partners, &partner)
            && self.exports.is_none_or(|exports| exports == row.is_export())
            && (self.products.is_empty() || self.products.contains(row.code))
            && self.includes(row.period)
    }

    /// Whether a period lies within the scope.
    pub(super) fn includes(&self, period: Period) -> bool {
        holds(&self.periods, &period)
    }

    /// Whether rows of another market of the release may be in one unit with rows of this market.
    pub(super) fn ties(&self, market: &Market, other: &Market) -> bool {
        let topic = |market: &Market| (market.material, market.stage);
        (!self.products.is_empty() || topic(market) == topic(other))
            && (!self.periods.is_empty() || market.period == other.period)
    }

    /// Whether a release with this scope and this output restates an economy's row of a market. `by_cell`:
    /// units are single cells, as in a supplement.
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

    /// Economies whose report the scope lists.
    pub(super) fn reporters(&self) -> impl Iterator<Item = EconomyId> {
        self.reporters.iter().filter_map(|party| match party {
            Party::Economy(economy) => Some(*economy),
            Party::Residual(_) => None,
        })
    }

    /// Whether the scope covers all partners in a direction. Only then is a report complete.
    pub(super) fn is_complete(&self, direction: TradeDirection) -> bool {
        let other = direction == TradeDirection::Imports;
        self.partners.is_empty() && self.exports != Some(other)
    }
}

/// Whether a set, of which empty means everything, contains an item.
fn holds<T: Ord>(set: &BTreeSet<T>, item: &T) -> bool {
    set.is_empty() || set.contains(item)
}

impl Party {
    /// The economy or residual of a code.
    pub(super) fn read(code: &str) -> Result<Self, Unreadable> {
        let residual = || orewatch_catalog::residual_kind(code).map(Self::Residual);
        let party = EconomyId::from_code(code).map(Self::Economy).or_else(residual);
        party.ok_or_else(|| Unreadable::unknown("economy", code))
    }
}
