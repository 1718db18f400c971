//! Queries: exposures computed from the book, in the order that the contract documents, and their pages.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use orewatch_catalog::{Period, Stage};
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::{Exposure, Subject};
use orewatch_measures::{Estimate, Measure, Status, Table, Weight};
use orewatch_runtime::Stop;
use prost::Message;

use crate::absent::name_absent_codes;
use crate::accounts::Size;
use crate::book::{Book, EconomyId, Knowledge, Market, ReleaseContent, Tables};
use crate::figures::{Figure, FigureFilter, Figures, NO_DATA, SupplierNames, figure, figures};
use crate::grounds::Grounds;
use crate::request::{ExposureRequest, Frequency, Periods, Selection};
use crate::revisions::KnownFirmness;
use crate::scope::ScopeCache;
use crate::trend::Past;
use crate::wire;

/// Largest size of the exposures of a page, in bytes: with the rest of the message it stays below the limit
/// of gRPC.
pub(crate) const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// A market that a selection covers, and the tables from which its figures are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SelectedMarket {
    market: Market,
    tables: WantedTables,
}

impl SelectedMarket {
    /// The market.
    pub(crate) fn market(&self) -> Market {
        self.market
    }

    /// Whether figures from tables of a kind are wanted.
    pub(crate) fn wants(&self, table: Table) -> bool {
        self.tables.includes(table)
    }
}

/// The tables from which figures of a market are wanted. `both`: figures that need both tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WantedTables {
    trade: bool,
    production: bool,
    both: bool,
}

impl WantedTables {
    fn includes(self, table: Table) -> bool {
        match table {
            Table::Trade => self.trade,
            Table::Production => self.production,
            Table::Both => self.both,
        }
    }
}

/// A selection within one market.
struct MarketSelection<'a> {
    selection: &'a Selection,
    tables: WantedTables,
    /// Once it is set, nothing is wanted any more, so that a running computation ends soon.
    stop: &'a Stop,
}

impl FigureFilter for MarketSelection<'_> {
    fn consumer(&self, code: &str) -> bool {
        !self.stop.is_set() && self.selection.consumer(code)
    }
    fn measure(&self, measure: Measure) -> bool {
        !self.stop.is_set() && self.tables.includes(measure.method().table) && self.selection.measure(measure)
    }
    fn weight(&self, by: Weight) -> bool {
        self.selection.weight(by)
    }
    fn supplier(&self, supplier: Option<EconomyId>) -> bool {
        self.selection.supplier(supplier)
    }
}

/// The markets that a selection covers, in order.
///
/// The latest period is determined for each material, stage and table: production of 2025 does not hide trade
/// of 2024.
pub(crate) fn selected_markets(book: &Book, at: Knowledge, selection: &Selection) -> Vec<SelectedMarket> {
    let markets = book.markets(at).into_iter();
    let wanted = |market: &Market| selection.material_and_stage(market) && selection.period(market.period);
    let selected: Vec<_> = markets.filter(|(market, _)| wanted(market)).collect();
    let latest = (selection.periods == Periods::Latest).then(|| latest(&selected));
    let select = |(market, tables): (Market, Tables)| {
        let newest = latest.as_ref().and_then(|latest| latest.get(&(market.material, market.stage)));
        let wants = |there: bool, newest: Option<Period>| {
            there && newest.is_none_or(|newest| newest == market.period)
        };
        let tables = WantedTables {
            trade: wants(tables.flows, newest.and_then(|newest| newest.flows)),
            production: wants(tables.output, newest.and_then(|newest| newest.output)),
            both: wants(tables.has_both(), newest.and_then(|newest| newest.both)),
        };
        let any = tables.trade || tables.production || tables.both;
        any.then_some(SelectedMarket { market, tables })
    };
    selected.into_iter().filter_map(select).collect()
}

/// Latest period with data, by table.
#[derive(Default)]
struct Latest {
    flows: Option<Period>,
    output: Option<Period>,
    both: Option<Period>,
}

fn latest(markets: &[(Market, Tables)]) -> BTreeMap<(&'static str, Stage), Latest> {
    let mut all = BTreeMap::<_, Latest>::new();
    for (market, tables) in markets {
        let latest = all.entry((market.material, market.stage)).or_default();
        let newer = |there: bool, period: Option<Period>| period.max(there.then_some(market.period));
        latest.flows = newer(tables.flows, latest.flows);
        latest.output = newer(tables.output, latest.output);
        latest.both = newer(tables.has_both(), latest.both);
    }
    all
}

/// A query for exposures: which, as at when, and from which book.
#[derive(Clone, Copy)]
pub(crate) struct ExposureQuery<'a> {
    pub(crate) book: &'a Book,
    pub(crate) at: Knowledge,
    pub(crate) selection: &'a Selection,
    /// Whether to add how the figures developed over the past periods.
    pub(crate) trend: bool,
    /// Whether to add how firm the published figures behind them are.
    pub(crate) firmness: bool,
    pub(crate) stop: &'a Stop,
}

impl ExposureQuery<'_> {
    /// Calls `visit` with the exposures of one market, without the first `skip`, until it breaks. They are
    /// ordered by measure, weight and consumer, then by value from high to low; figures without a value are
    /// last. Each message is created when it is visited: it takes ten times the memory of its figure.
    ///
    /// # Errors
    /// The request was stopped.
    pub(crate) fn visit<B>(
        &self,
        part: SelectedMarket,
        skip: usize,
        mut visit: impl FnMut(Exposure) -> ControlFlow<B>,
    ) -> Result<Option<B>, Failure> {
        let scope = ScopeCache::new(self.book, self.at).scope(part.market);
        let within = MarketSelection { selection: self.selection, tables: part.tables, stop: self.stop };
        let Figures { mut all, releases } = figures(&scope, &within);
        self.stop.check()?;
        all.sort_by(|a, b| {
            let group = |figure: &Figure| (figure.key.measure, figure.key.by, figure.key.consumer);
            let value = |figure: &Figure| figure.estimate.value.unwrap_or(f64::NEG_INFINITY);
            let order = group(a).cmp(&group(b)).then(value(b).total_cmp(&value(a)));
            order.then(a.key.supplier.cmp(&b.key.supplier))
        });
        let releases = |measure| releases.get(&measure).map_or(&[][..], Vec::as_slice);
        let past = self.trend.then(|| Past::with_figures(&scope, &within));
        let mut grounds = Grounds::new(&scope);
        let topic = (part.market.material, part.market.stage);
        let mut firmness = self.firmness.then(|| KnownFirmness::new(self.book, self.at, topic, self.stop));
        for figure in all.iter().skip(skip) {
            self.stop.check()?;
            let exposure = Exposure {
                trend: past.as_ref().map(|past| past.trend(&scope, figure)),
                ..exposure(&part.market, figure, releases(figure.key.measure))
            };
            let mut exposure = grounds.add_to(exposure, figure);
            if let Some(firmness) = &mut firmness {
                exposure = firmness.add_to(exposure, figure.key.by)?;
            }
            if let ControlFlow::Break(broken) = visit(exposure) {
                return Ok(Some(broken));
            }
        }
        Ok(None)
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Index of the market among the selected ones.
    pub(crate) part: usize,
    /// Index within the market.
    pub(crate) offset: usize,
}

/// A page: up to `max` exposures from a cursor on, and the cursor of the next page. `None`: this is the last
/// page.
///
/// # Errors
/// The request was stopped.
pub(crate) fn page(
    query: &ExposureQuery<'_>,
    cursor: Cursor,
    max: usize,
) -> Result<(Vec<Exposure>, Option<Cursor>), Failure> {
    let (mut page, mut bytes) = (Vec::new(), 0_usize);
    let mut offset = cursor.offset;
    let markets = selected_markets(query.book, query.at, query.selection);
    for (part, market) in markets.into_iter().enumerate().skip(cursor.part) {
        let next = query.visit(market, offset, |exposure| {
            bytes = bytes.saturating_add(exposure.encoded_len());
            if page.len() == max || bytes > MAX_PAGE_BYTES {
                return ControlFlow::Break(Cursor { part, offset });
            }
            page.push(exposure);
            offset += 1;
            ControlFlow::Continue(())
        })?;
        if next.is_some() {
            return Ok((page, next));
        }
        offset = 0;
    }
    Ok((page, None))
}

/// Whether a market has the tables that a measure needs.
pub(crate) fn has_tables(tables: &Tables, needed: Table) -> bool {
    match needed {
        Table::Trade => tables.flows,
        Table::Production => tables.output,
        Table::Both => tables.has_both(),
    }
}

/// The latest year in which the market has the tables that the measure needs. `None`: no year has them.
pub(crate) fn latest_period(book: &Book, at: Knowledge, request: &ExposureRequest) -> Option<Period> {
    let table = request.key.measure.method().table;
    let is_requested = |market: &Market| {
        market.material == request.material
            && market.stage == request.stage
            && Frequency::Annual.is_of(market.period)
    };
    let markets = book.markets(at).into_iter();
    markets
        .filter(|(market, tables)| is_requested(market) && has_tables(tables, table))
        .map(|(market, _)| market.period)
        .max()
}

/// One exposure. Without any data it is UNAVAILABLE, with the reason.
pub(crate) fn exposure_of(book: &Book, at: Knowledge, request: &ExposureRequest, trend: bool) -> Exposure {
    let mut exposure = answer(book, at, request, trend);
    name_absent_codes(&mut exposure, request.key.measure, request.material, request.stage);
    exposure
}

fn answer(book: &Book, at: Knowledge, request: &ExposureRequest, trend: bool) -> Exposure {
    match request.period.or_else(|| latest_period(book, at, request)) {
        Some(period) => {
            let market = request.market(period);
            let scope = ScopeCache::new(book, at).scope(market);
            let figure = figure(&scope, request.figure_request());
            let releases = scope.consulted(request.key.measure.method().table);
            let exposure = Exposure {
                trend: trend.then(|| Past::new(&scope).trend(&scope, &figure)),
                ..exposure(&market, &figure, &releases)
            };
            Grounds::new(&scope).add_to(exposure, &figure)
        }
        None => {
            let estimate = Estimate::missing(Status::Unavailable, NO_DATA);
            let names = [None; 3];
            let mut exposure = described(
                request.material,
                request.stage,
                &Figure { key: request.key, estimate, names, spread: None, size: Size::default() },
            );
            exposure.scenario = book.scenario().map(ToString::to_string).unwrap_or_default();
            exposure
        }
    }
}

/// The message of a figure, with the releases that it is computed from.
pub(crate) fn exposure(market: &Market, figure: &Figure, releases: &[&ReleaseContent]) -> Exposure {
    let mut exposure = described(market.material, market.stage, figure);
    exposure.period = market.period.to_string();
    exposure.releases = releases.iter().map(|content| content.release.id.clone()).collect();
    exposure
}

fn described(material: &str, stage: Stage, figure: &Figure) -> Exposure {
    let key = figure.key;
    Exposure {
        subject: Some(Subject {
            consumer: key.consumer.to_owned(),
            material: material.to_owned(),
            stage: stage.to_string(),
            supplier: key.supplier.map_or("", EconomyId::code).to_owned(),
            measure: key.measure.id().to_owned(),
            by: wire::weight(key.by).into(),
        }),
        estimate: Some(wire::estimate(&figure.estimate)),
        unit: key.measure.method().unit.to_owned(),
        names: names(figure.names),
        lines: wire::lines(key.measure, &figure.estimate),
        size: wire::size(&figure.size),
        ..Exposure::default()
    }
}

fn names(names: SupplierNames) -> Vec<String> {
    names.into_iter().flatten().map(|supplier| supplier.code().to_owned()).collect()
}
