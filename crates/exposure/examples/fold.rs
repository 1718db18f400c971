//! What a large release costs: time and memory to fold its events, to look at a market, to publish a
//! material.
//!
//! `cargo run --profile dist -p orewatch-exposure --example fold -- [MILLIONS OF ROWS]
//! [compact | plain | mixed]`
//!
//! The rows are made up, as many in each market: 29 years of 30 materials at 3 stages. `compact` chunks hold
//! rows of one market with whole numbers, `plain` ones the same with doubles, `mixed` ones rows of all
//! markets of a year.
#![allow(clippy::print_stdout, reason = "it tells what it measured")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a measurement fails")]

use std::time::Duration;

use jiff::Timestamp;
use orewatch_catalog::{Stage, economies, materials};
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Product, Release, ReleaseCommitted, ReleaseOpened, TradeColumns,
};
use orewatch_eventlog::{Event, StreamName};
use orewatch_exposure::book::{Knowledge, Market};
use orewatch_exposure::decide;
use orewatch_exposure::evolve::{BookRevision, BookState};
use orewatch_exposure::figures::{AllFigures, figures};
use orewatch_exposure::scope::ScopeCache;
use prost::Message;
use uuid::Uuid;

const MATERIALS: usize = 30;
const STAGES: usize = 3;
const YEARS: usize = 29;
const ECONOMIES: u64 = 200;

/// Most rows in a chunk.
const IN_CHUNK: usize = 8192;

/// How often what is quick is done, to be measured.
const TIMES: u32 = 50;

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Compact,
    Plain,
    Mixed,
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

/// The events of a release, some at a time, with the processor time that folding took.
#[derive(Default)]
struct Fold {
    known: BookState,
    events: Vec<Event>,
    position: u64,
    chunks: u32,
    took: Duration,
    bytes: usize,
}

impl Fold {
    fn push(&mut self, name: &str, message: &impl Message) {
        self.position += 1;
        let event = Event {
            position: self.position,
            stream: StreamName::new("observations.baci-hs92.v1").unwrap(),
            id: Uuid::nil(),
            kind: format!("orewatch.ingestion.v1.{name}"),
            time: Timestamp::UNIX_EPOCH,
            data: message.encode_to_vec().into(),
            traceparent: None,
        };
        self.bytes += event.data.len();
        self.events.push(event);
    }

    /// Folds what was pushed.
    fn fold(&mut self) -> Option<BookRevision> {
        let events = std::mem::take(&mut self.events);
        let start = spent();
        let mut revision = None;
        for event in events {
            revision = self.known.evolve(&event).unwrap();
        }
        self.took += spent() - start;
        revision
    }

    fn record(&mut self, columns: TradeColumns) {
        let (chunk, columns) = (self.chunks, Some(Columns::Trade(columns)));
        self.chunks += 1;
        self.push("ObservationsRecorded", &ObservationsRecorded { chunk, columns });
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let millions: usize = arguments.next().map_or(1, |text| text.parse().unwrap());
    let form = match arguments.next().as_deref() {
        Some("plain") => Form::Plain,
        Some("mixed") => Form::Mixed,
        _ => Form::Compact,
    };
    let in_market = millions * 1_000_000 / (MATERIALS * STAGES * YEARS);
    let mut fold = Fold::default();
    let release =
        Release { id: "baci-hs92/v1".to_owned(), dataset: "baci-hs92".to_owned(), ..Release::default() };
    fold.push("ReleaseOpened", &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() });
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for year in 0..YEARS {
        record_year(&mut fold, &mut numbers, year, in_market, form);
        fold.fold();
    }
    let before = fold.took;
    fold.push("ReleaseCommitted", &ReleaseCommitted::default());
    let revision = fold.fold().unwrap();
    println!("rows            {}", in_market * MATERIALS * STAGES * YEARS);
    println!("bytes of events {}", fold.bytes);
    println!("folding         {:?}, of it the commit {:?}", fold.took, fold.took - before);
    println!("resident        {} MiB, peak {} MiB", resident("VmRSS"), resident("VmHWM"));
    look(&revision);
    publish(&revision);
    println!("resident        {} MiB, peak {} MiB", resident("VmRSS"), resident("VmHWM"));
}

fn record_year(fold: &mut Fold, numbers: &mut Numbers, year: usize, in_market: usize, form: Form) {
    let mut mixed = dictionaries(year, &products());
    for product in 0..MATERIALS * STAGES {
        let rows = rows(numbers, in_market);
        if form == Form::Mixed {
            for row in &rows {
                mixed.period.push(0);
                mixed.product.push(u32::try_from(product).unwrap());
                push(&mut mixed, row, Form::Plain);
            }
            continue;
        }
        for rows in rows.chunks(IN_CHUNK) {
            let mut columns = dictionaries(year, &products()[product..=product]);
            if form == Form::Plain {
                (columns.period, columns.product) = (vec![0; rows.len()], vec![0; rows.len()]);
            }
            let mut before = 0;
            for row in rows {
                push(&mut columns, row, form);
                if form == Form::Compact {
                    columns.line_step.push(i64::try_from(row.line).unwrap() - before);
                    before = i64::try_from(row.line).unwrap();
                }
            }
            fold.record(columns);
        }
    }
    record_mixed(fold, &mixed);
}

/// Rows of a year in chunks, each with rows of all its markets.
fn record_mixed(fold: &mut Fold, all: &TradeColumns) {
    let chunks = all.exporter.len().div_ceil(IN_CHUNK);
    for chunk in 0..chunks {
        let mut columns = TradeColumns {
            periods: all.periods.clone(),
            economies: all.economies.clone(),
            products: all.products.clone(),
            ..TradeColumns::default()
        };
        for row in (chunk..all.exporter.len()).step_by(chunks) {
            columns.period.push(all.period[row]);
            columns.product.push(all.product[row]);
            columns.exporter.push(all.exporter[row]);
            columns.importer.push(all.importer[row]);
            columns.value.push(all.value[row]);
            columns.quantity.push(all.quantity[row]);
            columns.line.push(all.line[row]);
        }
        fold.record(columns);
    }
}

struct Row {
    pair: u64,
    value: u64,
    quantity: u64,
    line: u64,
}

fn rows(numbers: &mut Numbers, count: usize) -> Vec<Row> {
    let mut pairs: Vec<_> = (0..count).map(|_| numbers.next(ECONOMIES * (ECONOMIES - 1))).collect();
    pairs.sort_unstable();
    let mut line = 1;
    let mut row = |pair| {
        line += 1 + numbers.next(240);
        let size = 1 << numbers.next(28);
        Row { pair, value: 1 + numbers.next(size), quantity: 1 + numbers.next(size), line }
    };
    pairs.into_iter().map(&mut row).collect()
}

fn push(columns: &mut TradeColumns, row: &Row, form: Form) {
    let exporter = row.pair / (ECONOMIES - 1);
    let importer = row.pair % (ECONOMIES - 1);
    columns.exporter.push(u32::try_from(exporter).unwrap());
    columns.importer.push(u32::try_from(importer + u64::from(importer >= exporter)).unwrap());
    if form == Form::Compact {
        (columns.value_digits, columns.quantity_digits) = (3, 3);
        columns.value_scaled.push(row.value);
        columns.quantity_scaled.push(row.quantity);
    } else {
        columns.value.push(thousandths(row.value));
        columns.quantity.push(thousandths(row.quantity));
        columns.line.push(row.line);
    }
}

fn thousandths(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap()) / 1e3
}

fn products() -> Vec<Product> {
    let of = |(number, material): (usize, &orewatch_catalog::Material)| {
        let product = move |(stage, of): (usize, &Stage)| Product {
            code: format!("26{number:02}{stage:02}"),
            material: material.id.to_owned(),
            stage: of.to_string(),
            ..Product::default()
        };
        Stage::ALL.iter().take(STAGES).enumerate().map(product).collect::<Vec<_>>()
    };
    materials().iter().take(MATERIALS).enumerate().flat_map(of).collect()
}

fn dictionaries(year: usize, products: &[Product]) -> TradeColumns {
    TradeColumns {
        periods: vec![(1995 + year).to_string()],
        economies: economies().iter().take(200).map(|economy| economy.iso3.to_owned()).collect(),
        products: products.to_vec(),
        ..TradeColumns::default()
    }
}

/// The first figures, of the last year of a material.
fn look(revision: &BookRevision) {
    let market =
        Market { material: materials()[0].id, stage: Stage::ALL[1], period: "2023".parse().unwrap() };
    let trade = revision.new.view(market, Knowledge::NOW).flows.unwrap();
    let start = spent();
    let rows: usize = (0..TIMES).map(|_| trade.read().flows.len()).sum();
    let took = (spent() - start) / TIMES;
    println!("a market        {took:?} to read and sort {} rows", rows / usize::try_from(TIMES).unwrap());
    let start = spent();
    let all =
        |_| figures(&ScopeCache::new(&revision.new, Knowledge::NOW).scope(market), &AllFigures).all.len();
    let count: usize = (0..TIMES).map(all).sum();
    let took = (spent() - start) / TIMES;
    println!("its figures     {took:?}, {} of them", count / usize::try_from(TIMES).unwrap());
}

fn publish(revision: &BookRevision) {
    let start = spent();
    let plan = decide::Plan::for_revision(revision);
    println!("a plan          {:?}", spent() - start);
    let start = spent();
    let material = plan.materials().next().unwrap();
    let stream = decide::stream("exposures", material).unwrap();
    let events = decide::publish(revision, &plan, &stream, material);
    let bytes: usize = events.iter().map(|event| event.data.len()).sum();
    println!("a material      {:?}, {} events of {bytes} bytes", spent() - start, events.len());
}

/// Processor time of this thread so far.
fn spent() -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(said.split(' ').next().unwrap().parse().unwrap())
}

/// A line of what the system says of this process, in MiB.
fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) / 1024
}
