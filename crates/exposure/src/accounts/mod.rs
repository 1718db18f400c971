//! A market's rows as accounts: who imports how much from whom, who produces how much, and what is not known.
//!
//! Rows become [`Line`]s (one for each importer, exporter and product) and these [`Pair`]s (all products
//! together). Reports of both sides of a flow are combined on the way, never added up. What the rows do not
//! say is kept beside them, as `UnknownTrade`.
//!
//! A file for each kind of question: `imports`, `exports` and `output` of a consumer, `size` of the market,
//! and `sources`, the datasets behind them. Consumers are economies, blocs with their members in the market's
//! period (`membership`), and the world.

mod cut;
mod exports;
mod imports;
mod lines;
mod membership;
mod output;
mod size;
mod sources;
mod unknown;

pub use lines::{Line, Pair};
pub use size::{Product, Size};
pub use unknown::UnknownOrigin;
pub(crate) use unknown::{LOOK_BACK, ReportedImports};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::{Consumer, Economy, blocs};

use crate::book::{EconomyId, Flow, MarketFlows, MarketTrade, MarketView, Reporter};
use lines::{RowAmounts, pairs};
use membership::{BlocMembers, Membership};
use unknown::UnknownTrade;

/// Reasons of figures that cannot be given.
pub(crate) const NO_OUTPUT: &str = "no release has figures of output of this market";
pub(crate) const NO_TRADE: &str = "no release has trade figures of this market";
pub(crate) const NOT_REPORTED: &str =
    "it has not reported its imports here: they are unknown, and not nothing";

/// A market, ready for its measures.
#[derive(Clone, Debug)]
pub struct Accounts<'a> {
    view: MarketView<'a>,
    /// The market's flows, read. `None`: no release has any.
    rows: Option<MarketFlows<'a>>,
    /// Sorted by importer, then exporter.
    pairs: Vec<Pair>,
    /// By product number, the least fraction of the goods that is the material, 0 to 1. A product without an
    /// entry is the material wholly.
    purity: BTreeMap<u16, f64>,
    members: Vec<BlocMembers>,
    unknown: UnknownTrade,
}

impl<'a> Accounts<'a> {
    /// The accounts of a market as it was known.
    ///
    /// `purity_of` gives the least fraction of the goods under a product code that is the material, for codes
    /// whose release recorded none. A code without any counts as the material wholly, also where the
    /// concordance calls it a proxy, because nothing says to what extent it is. `earlier` gives what
    /// economies imported so many periods before.
    #[must_use]
    pub(crate) fn new(
        view: MarketView<'a>,
        purity_of: impl Fn(&str) -> Option<f64>,
        earlier: impl Fn(u16) -> Option<Rc<ReportedImports>>,
    ) -> Self {
        let rows = view.flows.as_ref().map(MarketTrade::read);
        let purity = rows.as_ref().map(|rows| purities(rows, purity_of)).unwrap_or_default();
        let members = blocs().iter().map(|bloc| BlocMembers::new(bloc, view.market.period)).collect();
        let (pairs, unknown) = (Vec::new(), UnknownTrade::default());
        let mut accounts = Self { view, rows, pairs, purity, members, unknown };
        accounts.fill(earlier);
        accounts
    }

    /// Adds up lines, and notes what is not known.
    fn fill(&mut self, earlier: impl Fn(u16) -> Option<Rc<ReportedImports>>) {
        let Some(amounts) = self.row_amounts() else { return };
        let lines = amounts.lines();
        let mut unknown = UnknownTrade::from_rows(&amounts, &lines);
        if let Some(reporters) = self.view.flows.as_ref().and_then(MarketTrade::reporters) {
            let earlier: Vec<_> = (1..=LOOK_BACK).filter_map(earlier).collect();
            let exists = |economy: &EconomyId| economy.economy().is_some_and(|economy| self.exists(economy));
            let trading = lines.iter().map(|line| line.importer);
            let economies = EconomyId::iter().filter(exists).chain(trading).collect();
            unknown.add_unreported(&economies, &reporters, &lines, &earlier);
        }
        (self.pairs, self.unknown) = (pairs(&lines), unknown);
    }

    fn row_amounts(&self) -> Option<RowAmounts<'_, 'a>> {
        let rows = self.rows.as_ref()?;
        let trade = self.view.flows.as_ref()?;
        let reports = import_reports(trade, rows);
        Some(RowAmounts { rows, mirror: self.view.mirror, purity: &self.purity, reports })
    }

    /// What economies imported in a market, for later periods in which one of them has not reported.
    pub(crate) fn reported_imports(
        view: MarketView<'a>,
        purity_of: impl Fn(&str) -> Option<f64>,
    ) -> ReportedImports {
        let rows = view.flows.as_ref().map(MarketTrade::read);
        let Some(rows) = rows else {
            return ReportedImports { reporters: Some(BTreeSet::new()), ..ReportedImports::default() };
        };
        let purity = purities(&rows, purity_of);
        let reports = view.flows.as_ref().map(|trade| import_reports(trade, &rows)).unwrap_or_default();
        let amounts = RowAmounts { rows: &rows, mirror: view.mirror, purity: &purity, reports };
        let lines = amounts.lines();
        let reporters = view.flows.as_ref().and_then(MarketTrade::reporters);
        let unknown = UnknownTrade::from_rows(&amounts, &lines);
        ReportedImports::new(reporters.map(|reporters| reporters.imports), &lines, &unknown)
    }

    /// Trade by product, sorted by importer, exporter and product number.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.row_amounts().map(|amounts| amounts.lines()).unwrap_or_default()
    }

    /// The market's flows with their releases. `None`: no release has any.
    #[must_use]
    pub fn rows(&self) -> Option<&MarketFlows<'a>> {
        self.rows.as_ref()
    }

    /// The source rows of flows, sorted.
    #[must_use]
    pub fn flows(&self) -> &[Flow] {
        self.rows.as_ref().map_or(&[], |rows| &rows.flows)
    }

    /// Trade between any two economies, sorted by importer, then exporter.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The market as it was known.
    #[must_use]
    pub fn view(&self) -> &MarketView<'a> {
        &self.view
    }

    /// Consumers that measures of imports exist for, sorted by code: economies and blocs that import, and the
    /// world.
    #[must_use]
    pub fn importers(&self) -> Vec<Consumer> {
        let blocs = self.members.iter().filter(|members| self.imports_any(members));
        let mut importers: Vec<_> = blocs.map(BlocMembers::consumer).collect();
        let importer = |pairs: &[Pair]| pairs.first()?.importer.economy().map(Consumer::Economy);
        importers.extend(self.pairs.chunk_by(|a, b| a.importer == b.importer).filter_map(importer));
        let unknown = self.unknown.imports.keys().filter_map(|importer| importer.economy());
        importers.extend(unknown.map(Consumer::Economy));
        if !self.pairs.is_empty() || !self.unknown.imports.is_empty() {
            importers.push(Consumer::World);
        }
        importers.sort_unstable_by_key(Consumer::code);
        importers.dedup();
        importers
    }

    /// Consumers that net import reliance exists for, sorted by code: economies that import or are listed as
    /// producers, and blocs that import.
    #[must_use]
    pub fn reliant(&self) -> Vec<Consumer> {
        if self.reliance_gap().is_some() {
            return Vec::new();
        }
        let mut consumers = self.importers();
        let producers = self.output_rows().iter().filter_map(|row| row.economy?.economy());
        consumers.extend(producers.map(Consumer::Economy));
        consumers.sort_unstable_by_key(Consumer::code);
        consumers.dedup();
        consumers.retain(|consumer| !matches!(consumer, Consumer::World));
        consumers
    }

    /// Whether an economy is part of a consumer in the market's period.
    #[must_use]
    pub fn is_inside(&self, consumer: Consumer, economy: EconomyId) -> bool {
        self.membership(consumer).contains(economy)
    }

    /// [`Self::is_inside`] for many economies: the consumer is looked up once.
    pub(crate) fn inside(&self, consumer: Consumer) -> impl Fn(EconomyId) -> bool + use<'_, 'a> {
        let membership = self.membership(consumer);
        move |economy| membership.contains(economy)
    }

    fn membership(&self, consumer: Consumer) -> Membership<'_> {
        match consumer {
            Consumer::World => Membership::World,
            Consumer::Economy(economy) => {
                EconomyId::from_code(economy.iso3).map_or(Membership::Nobody, Membership::Economy)
            }
            Consumer::Bloc(bloc) => self
                .members
                .iter()
                .find(|members| members.is_of(bloc))
                .map_or(Membership::Nobody, Membership::Bloc),
        }
    }

    /// Economies of a consumer that exist in the market's period.
    fn economies_of(&self, consumer: Consumer) -> impl Iterator<Item = EconomyId> {
        let membership = self.membership(consumer);
        EconomyId::iter()
            .filter(move |economy| membership.contains(*economy))
            .filter(|economy| economy.economy().is_some_and(|economy| self.exists(economy)))
    }

    fn exists(&self, economy: &Economy) -> bool {
        economy.until.is_none_or(|until| self.view.market.period.calendar_year() <= until)
    }

    /// Whether a flow enters a consumer from outside; for the world every flow does.
    fn crosses_into(&self, consumer: Consumer, into: EconomyId, from: EconomyId) -> bool {
        self.membership(consumer).is_entered_by(into, from)
    }

    fn imports_any(&self, members: &BlocMembers) -> bool {
        let bloc = Membership::Bloc(members);
        self.pairs.iter().any(|pair| bloc.is_entered_by(pair.importer, pair.exporter))
            || self.unknown.imports.keys().any(|importer| members.contain(*importer))
    }
}

/// Importers with an own report of this market, where some flow is as its exporter reports it; each with the
/// product codes that its report holds, to six digits.
fn import_reports<'a>(
    trade: &MarketTrade<'a>,
    rows: &MarketFlows<'a>,
) -> BTreeMap<EconomyId, BTreeSet<&'a str>> {
    let mirrored = rows.flows.iter().filter(|row| row.reporter == Reporter::Exporter);
    let mirrored: BTreeSet<_> = mirrored.map(|row| row.importer).collect();
    let datasets = trade.datasets().filter(|_| !mirrored.is_empty());
    let reporters: BTreeMap<_, _> =
        datasets.filter_map(|dataset| Some((dataset, trade.importers_reported_in(dataset)?))).collect();
    let report = |importer: EconomyId| {
        let dataset = rows.answering(importer)?;
        reporters.get(&dataset).filter(|reporters| reporters.contains(&importer))?;
        Some((importer, trade.codes_in_report(dataset, importer)))
    };
    mirrored.into_iter().filter_map(report).collect()
}

/// The purities of the market's products that have one.
fn purities(rows: &MarketFlows<'_>, of_code: impl Fn(&str) -> Option<f64>) -> BTreeMap<u16, f64> {
    // What was recorded with the data comes before a parameter.
    let purity = |product| rows.purity(product).or_else(|| of_code(rows.code(product)));
    rows.products().into_iter().filter_map(|product| Some((product, purity(product)?))).collect()
}
