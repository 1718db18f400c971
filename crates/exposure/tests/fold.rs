//! What is published adds up: whoever folds the exposures log has what the book says, at every moment.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::ExposuresChanged;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Product, ProductionColumns, Release, ReleaseCommitted, ReleaseOpened,
    ReleaseWithdrawn, Series, TradeColumns,
};
use orewatch_eventlog::{Event, StreamName};
use orewatch_exposure::book::{Book, Knowledge};
use orewatch_exposure::evolve::Knowing;
use orewatch_exposure::figures::{Change, Everything, figures};
use orewatch_exposure::scope::Shelf;
use orewatch_exposure::{columns, decide};
use proptest::prelude::*;
use prost::Message;
use uuid::Uuid;

const PERIODS: [&str; 2] = ["2023", "2024"];
const ECONOMIES: [&str; 5] = ["BEL", "CHN", "DEU", "FRA", "JPN"];

/// Period, exporter, importer, product, value, quantity.
type Flow = (u32, u32, u32, u32, u16, Option<u16>);
/// Period, economy (the last is the residual), product, quantity.
type Output = (u32, u32, u32, Option<u16>);

/// What happens to the log.
#[derive(Clone, Debug)]
enum Step {
    Trade(Vec<Flow>),
    Production(Vec<Output>),
    /// Withdraws one of the releases so far.
    Withdraw(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let number = || prop::option::weighted(0.8, 0_u16..50);
    let flow = (0_u32..2, 0_u32..5, 0_u32..5, 0_u32..2, 0_u16..50, number());
    let output = (0_u32..2, 0_u32..6, 0_u32..2, number());
    prop_oneof![
        3 => prop::collection::vec(flow, 0..12).prop_map(Step::Trade),
        2 => prop::collection::vec(output, 0..6).prop_map(Step::Production),
        2 => any::<prop::sample::Index>().prop_map(Step::Withdraw),
    ]
}

fn trade(flows: &[Flow]) -> Columns {
    let product = |code: &str, stage: &str| Product {
        code: code.to_owned(),
        material: "graphite".to_owned(),
        stage: stage.to_owned(),
        proxy: false,
    };
    let mut columns = TradeColumns {
        periods: PERIODS.map(str::to_owned).to_vec(),
        economies: ECONOMIES.map(str::to_owned).to_vec(),
        products: vec![product("250410", "mined"), product("380110", "refined")],
        ..TradeColumns::default()
    };
    for (line, (period, exporter, importer, product, value, quantity)) in flows.iter().enumerate() {
        if exporter == importer {
            continue;
        }
        columns.period.push(*period);
        columns.exporter.push(*exporter);
        columns.importer.push(*importer);
        columns.product.push(*product);
        columns.value.push(f64::from(*value));
        columns.quantity.push(quantity.map_or(f64::NAN, f64::from));
        columns.quantity_status.push(status(quantity.is_some()));
        columns.line.push(u64::try_from(line).unwrap());
    }
    Columns::Trade(columns)
}

fn production(output: &[Output]) -> Columns {
    let series = |stage: &str| Series {
        material: "graphite".to_owned(),
        stage: stage.to_owned(),
        unit: "t".to_owned(),
        basis: "gross".to_owned(),
    };
    let mut columns = ProductionColumns {
        periods: PERIODS.map(str::to_owned).to_vec(),
        economies: ECONOMIES.iter().chain(&["OTHER"]).map(|code| (*code).to_owned()).collect(),
        series: vec![series("mined"), series("refined")],
        ..ProductionColumns::default()
    };
    for (line, (period, economy, product, quantity)) in output.iter().enumerate() {
        columns.period.push(*period);
        columns.economy.push(*economy);
        columns.product.push(*product);
        columns.quantity.push(quantity.map_or(f64::NAN, f64::from));
        columns.status.push(if quantity.is_some() { Status::Known.into() } else { Status::Withheld.into() });
        columns.line.push(u64::try_from(line).unwrap());
    }
    Columns::Production(columns)
}

fn status(known: bool) -> i32 {
    if known { Status::Known.into() } else { Status::Unavailable.into() }
}

/// Market, measure, by, consumer, supplier.
type Subject = (String, String, i32, String, String);
/// Bits of value and bounds, status, names: what a follower sees.
type Seen = ([Option<u64>; 4], i32, String, String);

fn seen(estimate: &Estimate, names: &str) -> Seen {
    let Estimate { value, low, high, coverage, status, reason } = estimate;
    (
        [*value, *low, *high, *coverage].map(|number| number.map(f64::to_bits)),
        *status,
        reason.clone(),
        names.to_owned(),
    )
}

/// Everything that the book says, in a follower's terms.
fn recomputed(book: &Book, at: Knowledge) -> BTreeMap<Subject, Seen> {
    let mut all = BTreeMap::new();
    for market in book.markets(at).into_keys() {
        let name = format!("{} {} {}", market.material, market.stage, market.period);
        for figure in figures(&Shelf::new(book, at).scope(market), &Everything).all {
            let change = Change { key: figure.key, new: Some(figure), old: None };
            let columns = columns::encode(&[change]);
            let row = columns::rows(&columns).next().unwrap().unwrap();
            all.insert(subject(&name, &row), seen(&row.estimate, row.names));
        }
    }
    all
}

fn subject(market: &str, row: &columns::Row<'_>) -> Subject {
    let by: i32 = By::into(row.by);
    (market.to_owned(), row.measure.to_owned(), by, row.consumer.to_owned(), row.supplier.to_owned())
}

/// A follower of the exposures log.
#[derive(Default)]
struct Follower {
    figures: BTreeMap<Subject, Seen>,
}

impl Follower {
    fn fold(&mut self, data: &[u8]) {
        let event = ExposuresChanged::decode(data).unwrap();
        let market = event.market.unwrap();
        let name = format!("{} {} {}", market.material, market.stage, market.period);
        let columns = event.columns.unwrap();
        for row in columns::rows(&columns) {
            let row = row.unwrap();
            let subject = subject(&name, &row);
            let old = self.figures.get(&subject).map(|(numbers, status, ..)| (numbers[0], *status));
            let said = (row.old_value.map(f64::to_bits), i32::from(row.old_status));
            assert_eq!(
                old.unwrap_or_else(|| (None, Status::Unspecified.into())),
                said,
                "the old figure is the one before"
            );
            if row.gone {
                assert!(self.figures.remove(&subject).is_some());
            } else {
                let new = seen(&row.estimate, row.names);
                assert_ne!(
                    self.figures.insert(subject, new.clone()),
                    Some(new),
                    "only what differs is published"
                );
            }
        }
    }
}

/// The observations log as it grows, with everything that folds it.
#[derive(Default)]
struct World {
    position: u64,
    known: Knowing,
    follower: Follower,
    releases: Vec<String>,
}

impl World {
    fn push(&mut self, release: &str, name: &str, message: &impl Message) {
        self.position += 1;
        let event = Event {
            position: self.position,
            stream: StreamName::new(format!("observations.{}", release.replace('/', "."))).unwrap(),
            id: Uuid::nil(),
            kind: format!("orewatch.ingestion.v1.{name}"),
            time: Timestamp::from_second(i64::try_from(self.position).unwrap()).unwrap(),
            data: message.encode_to_vec().into(),
            traceparent: None,
        };
        let Some(turn) = self.known.evolve(&event).unwrap() else { return };
        for material in decide::materials(&turn) {
            let stream = decide::stream("exposures", material).unwrap();
            let events = decide::publish(&turn, &stream, material);
            assert_eq!(events, decide::publish(&turn, &stream, material));
            for event in events.iter().filter(|event| event.kind.ends_with(".ExposuresChanged")) {
                self.follower.fold(&event.data);
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let release = |dataset: &str| format!("{dataset}/v{}-000000000000", self.releases.len());
        match step {
            Step::Trade(flows) => self.ingest(release("baci-hs92"), trade(flows)),
            Step::Production(output) => self.ingest(release("usgs-mcs"), production(output)),
            Step::Withdraw(_) if self.releases.is_empty() => {}
            Step::Withdraw(index) => {
                let id = index.get(&self.releases).clone();
                self.push(&id, "ReleaseWithdrawn", &ReleaseWithdrawn::default());
            }
        }
    }

    fn ingest(&mut self, id: String, columns: Columns) {
        let dataset = id.split('/').next().unwrap_or_default().to_owned();
        let release = Release { id: id.clone(), dataset, ..Release::default() };
        self.push(&id, "ReleaseOpened", &ReleaseOpened { release: Some(release) });
        self.push(&id, "ObservationsRecorded", &ObservationsRecorded { chunk: 0, columns: Some(columns) });
        self.push(&id, "ReleaseCommitted", &ReleaseCommitted::default());
        self.releases.push(id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_published_adds_up_to_the_book_at_every_step(steps in prop::collection::vec(step(), 1..8)) {
        let mut world = World::default();
        let mut past = Vec::new();
        for step in &steps {
            world.step(step);
            let now = recomputed(world.known.book(), Knowledge::NOW);
            prop_assert_eq!(&world.follower.figures, &now);
            past.push((world.position, now));
        }
        for (position, then) in past {
            prop_assert_eq!(recomputed(world.known.book(), Knowledge::at(position)), then, "as at {}", position);
        }
    }
}
