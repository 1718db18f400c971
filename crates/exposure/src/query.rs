//! Exposures out of the book, in the order that the contract documents.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use orewatch_catalog::{Period, Stage};
use orewatch_contracts::exposure::v1::{Exposure, Subject};
use orewatch_measures::{Estimate, Measure, Status, Table, Weight};
use orewatch_runtime::{Failure, Stop};
use prost::Message;

use crate::book::{Book, Content, EconomyId, Knowledge, Market, Tables};
use crate::figures::{Figure, Figures, Names, Wanted, figure, figures};
use crate::grounds::Grounds;
use crate::request::{Asked, Frequency, Periods, Selection};
use crate::scope::Shelf;
use crate::trend::Past;
use crate::wire;

const NO_DATA: &str = "no release has figures of this material, stage and period";

/// Most data of a page in bytes: with the rest of the message it stays within what gRPC takes.
const LARGEST_PAGE: usize = 3 * 1024 * 1024;

/// A market that a selection covers, and the tables of which its figures are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    market: Market,
    tables: Wants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wants {
    trade: bool,
    production: bool,
    both: bool,
}

impl Wants {
    fn includes(self, table: Table) -> bool {
        match table {
            Table::Trade => self.trade,
            Table::Production => self.production,
            Table::Both => self.both,
        }
    }
}

/// A selection within one market.
struct Within<'a> {
    selection: &'a Selection,
    tables: Wants,
    /// Once it is set nothing is wanted any more, so that what computes has little left to do.
    stop: &'a Stop,
}

impl Wanted for Within<'_> {
    fn consumer(&self, code: &str) -> bool {
        !self.stop.is_set() && self.selection.consumer(code)
    }
    fn measure(&self, measure: Measure) -> bool {
        !self.stop.is_set() && self.tables.includes(measure.method().table) && self.selection.measure(measure)
    }
    fn by(&self, by: Weight) -> bool {
        self.selection.by(by)
    }
    fn supplier(&self, supplier: Option<EconomyId>) -> bool {
        self.selection.supplier(supplier)
    }
}

/// The markets that a selection covers, in order.
///
/// The latest period is that of each material, stage and table: production of 2025 does not hide trade of 2024.
pub(crate) fn parts(book: &Book, at: Knowledge, selection: &Selection) -> Vec<Part> {
    let markets = book.markets(at).into_iter();
    let wanted = |market: &Market| selection.material_and_stage(market) && selection.period(market.period);
    let selected: Vec<_> = markets.filter(|(market, _)| wanted(market)).collect();
    let latest = (selection.periods == Periods::Latest).then(|| latest(&selected));
    let part = |(market, tables): (Market, Tables)| {
        let newest = latest.as_ref().and_then(|latest| latest.get(&(market.material, market.stage)));
        let wants = |there: bool, newest: Option<Period>| {
            there && newest.is_none_or(|newest| newest == market.period)
        };
        let tables = Wants {
            trade: wants(tables.flows, newest.and_then(|newest| newest.flows)),
            production: wants(tables.output, newest.and_then(|newest| newest.output)),
            both: wants(tables.flows && tables.output, newest.and_then(|newest| newest.both)),
        };
        let any = tables.trade || tables.production || tables.both;
        any.then_some(Part { market, tables })
    };
    selected.into_iter().filter_map(part).collect()
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
        latest.both = newer(tables.flows && tables.output, latest.both);
    }
    all
}

/// What exposures are computed from.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) book: &'a Book,
    pub(crate) at: Knowledge,
    pub(crate) selection: &'a Selection,
    /// Whether to say how figures moved.
    pub(crate) trend: bool,
    pub(crate) stop: &'a Stop,
}

impl Asking<'_> {
    /// Visits the exposures of one market but the first so many: by measure, by, consumer, then value from high to low, figures
    /// without a value last. Each is made when it is visited: as a message it takes ten times the memory of its figure.
    ///
    /// # Errors
    /// Where the computation was told to stop.
    pub(crate) fn visit<B>(
        &self,
        part: Part,
        from: usize,
        mut visit: impl FnMut(Exposure) -> ControlFlow<B>,
    ) -> Result<Option<B>, Failure> {
        let scope = Shelf::new(self.book, self.at).scope(part.market);
        let within = Within { selection: self.selection, tables: part.tables, stop: self.stop };
        let Figures { mut all, releases } = figures(&scope, &within);
        self.stop.check()?;
        all.sort_by(|a, b| {
            let group = |figure: &Figure| (figure.key.measure, figure.key.by, figure.key.consumer);
            let value = |figure: &Figure| figure.estimate.value.unwrap_or(f64::NEG_INFINITY);
            let order = group(a).cmp(&group(b)).then(value(b).total_cmp(&value(a)));
            order.then(a.key.supplier.cmp(&b.key.supplier))
        });
        let releases = |measure| releases.get(&measure).map_or(&[][..], Vec::as_slice);
        let past = self.trend.then(|| Past::with(&scope, &within));
        let mut grounds = Grounds::new(&scope);
        for figure in all.iter().skip(from) {
            self.stop.check()?;
            let exposure = Exposure {
                trend: past.as_ref().map(|past| past.trend(&scope, figure)),
                ..exposure(&part.market, figure, releases(figure.key.measure))
            };
            if let ControlFlow::Break(broken) = visit(grounds.told(exposure, figure)) {
                return Ok(Some(broken));
            }
        }
        Ok(None)
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Index of the market among those selected.
    pub(crate) part: usize,
    /// Index within the market.
    pub(crate) offset: usize,
}

/// Up to `most` exposures from a cursor on, and where the next page begins. None: this is the last.
///
/// # Errors
/// Where the computation was told to stop.
pub(crate) fn page(
    asking: &Asking<'_>,
    cursor: Cursor,
    most: usize,
) -> Result<(Vec<Exposure>, Option<Cursor>), Failure> {
    let (mut page, mut bytes) = (Vec::new(), 0_usize);
    let mut offset = cursor.offset;
    let parts = parts(asking.book, asking.at, asking.selection);
    for (part, market) in parts.into_iter().enumerate().skip(cursor.part) {
        let next = asking.visit(market, offset, |exposure| {
            bytes = bytes.saturating_add(exposure.encoded_len());
            if page.len() == most || bytes > LARGEST_PAGE {
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

/// The latest year of the market that has what a measure needs. None: no year has.
pub(crate) fn latest_period(book: &Book, at: Knowledge, asked: &Asked) -> Option<Period> {
    let has = |tables: &Tables| match asked.key.measure.method().table {
        Table::Trade => tables.flows,
        Table::Production => tables.output,
        Table::Both => tables.flows && tables.output,
    };
    let of_asked = |market: &Market| {
        market.material == asked.material
            && market.stage == asked.stage
            && Frequency::Annual.is_of(market.period)
    };
    let markets = book.markets(at).into_iter();
    markets.filter(|(market, tables)| of_asked(market) && has(tables)).map(|(market, _)| market.period).max()
}

/// The one exposure that is asked for. Without any data it is unavailable and says why.
pub(crate) fn exposure_of(book: &Book, at: Knowledge, asked: &Asked, trend: bool) -> Exposure {
    match asked.period.or_else(|| latest_period(book, at, asked)) {
        Some(period) => {
            let market = asked.market(period);
            let scope = Shelf::new(book, at).scope(market);
            let figure = figure(&scope, asked.question());
            let releases = scope.consulted(asked.key.measure.method().table);
            let exposure = Exposure {
                trend: trend.then(|| Past::of(&scope).trend(&scope, &figure)),
                ..exposure(&market, &figure, &releases)
            };
            Grounds::new(&scope).told(exposure, &figure)
        }
        None => {
            let estimate = Estimate::missing(Status::Unavailable, NO_DATA);
            let names = [None; 3];
            let mut exposure = described(
                asked.material,
                asked.stage,
                &Figure { key: asked.key, estimate, names, spread: None },
            );
            exposure.period = String::new();
            exposure
        }
    }
}

/// A figure as the contract has it, with the releases that it rests on.
pub(crate) fn exposure(market: &Market, figure: &Figure, releases: &[&Content]) -> Exposure {
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
            by: wire::by(key.by).into(),
        }),
        estimate: Some(wire::estimate(&figure.estimate)),
        unit: key.measure.method().unit.to_owned(),
        names: names(figure.names),
        lines: wire::lines(key.measure, &figure.estimate),
        ..Exposure::default()
    }
}

fn names(names: Names) -> Vec<String> {
    names.into_iter().flatten().map(|supplier| supplier.code().to_owned()).collect()
}
