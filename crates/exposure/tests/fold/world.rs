//! The observations log as it grows, with everything that folds it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::ExposuresChanged;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Release, ReleaseCommitted, ReleaseOpened, ReleaseWithdrawn, RowsRepaired, Scope,
    SourcePolicyRevised,
};
use orewatch_eventlog::{Event, StreamName};
use orewatch_exposure::book::{Book, Holding, Knowledge};
use orewatch_exposure::evolve::{BookRevision, BookState};
use orewatch_exposure::figures::{AllFigures, Change, figures};
use orewatch_exposure::scope::ScopeCache;
use orewatch_exposure::{columns, decide};
use prost::Message;
use uuid::Uuid;

use crate::rows::Step;

/// Market, measure, by, consumer, supplier.
pub(crate) type Subject = (String, String, i32, String, String);
/// Bits of value and bounds, status, reason, names with what other datasets say: what a follower sees.
pub(crate) type Seen = ([Option<u64>; 4], i32, String, String);

fn seen(row: &columns::ChangeRow<'_>) -> Seen {
    let Estimate { value, low, high, coverage, status, reason } = &row.estimate;
    (
        [*value, *low, *high, *coverage].map(|number| number.map(f64::to_bits)),
        *status,
        reason.clone(),
        format!("{} {:?} {:?}", row.names, row.spread, row.size),
    )
}

/// All figures of the materials that a book holds, in the form in which a follower reads them.
pub(crate) fn recomputed(book: &Book, at: Knowledge) -> BTreeMap<Subject, Seen> {
    let mut all = BTreeMap::new();
    for market in book.markets(at).into_keys().filter(|market| book.holds(market.material)) {
        let name = format!("{} {} {}", market.material, market.stage, market.period);
        // Each market has its own cache: nothing that was computed for another market is reused.
        for figure in figures(&ScopeCache::new(book, at).scope(market), &AllFigures).all {
            let change = Change { key: figure.key, new: Some(figure), old: None };
            let columns = columns::encode(&[change], &|dataset| book.dataset_name(dataset).to_owned());
            let row = columns::rows(&columns).next().unwrap().unwrap();
            all.insert(subject(&name, &row), seen(&row));
        }
    }
    all
}

fn subject(market: &str, row: &columns::ChangeRow<'_>) -> Subject {
    let by: i32 = By::into(row.by);
    (market.to_owned(), row.measure.to_owned(), by, row.consumer.to_owned(), row.supplier.to_owned())
}

/// A follower of the exposures log.
#[derive(Default)]
pub(crate) struct Follower {
    pub(crate) figures: BTreeMap<Subject, Seen>,
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
                let new = seen(&row);
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
pub(crate) struct World {
    pub(crate) position: u64,
    pub(crate) known: BookState,
    pub(crate) follower: Follower,
    /// The log.
    pub(crate) events: Vec<Event>,
    /// With the chunks of each.
    releases: Vec<(String, u32)>,
}

impl World {
    /// A replica that holds some of the materials.
    pub(crate) fn holding(holding: Holding) -> Self {
        Self { known: BookState::holding(holding), ..Self::default() }
    }

    /// Takes a step. Returns the change of the book, if there is one.
    pub(crate) fn step(&mut self, step: &Step) -> Option<BookRevision> {
        match step {
            Step::Release(dataset, columns, scope) => self.ingest(dataset, columns, scope.clone()),
            Step::Policy(policy) => {
                let revised = SourcePolicyRevised { policy: Some(policy.clone()), ..Default::default() };
                self.push("_policy", "SourcePolicyRevised", &revised)
            }
            Step::Withdraw(_) | Step::Repair(..) if self.releases.is_empty() => None,
            Step::Repair(index, columns) => self.repair(index.index(self.releases.len()), columns),
            Step::Withdraw(index) => {
                let (id, _) = index.get(&self.releases).clone();
                self.push(&id, "ReleaseWithdrawn", &ReleaseWithdrawn::default())
            }
        }
    }

    /// Withdraws the release that came last.
    pub(crate) fn withdraw_last(&mut self) {
        if let Some((id, _)) = self.releases.last().cloned() {
            self.push(&id, "ReleaseWithdrawn", &ReleaseWithdrawn::default());
        }
    }

    /// Publishes a revision, and lets the follower read it.
    pub(crate) fn publish(&mut self, revision: &BookRevision) {
        let plan = decide::Plan::for_revision(revision);
        for material in plan.materials() {
            let stream = decide::stream("exposures", material).unwrap();
            let events = decide::publish(revision, &plan, &stream, material);
            assert_eq!(events, decide::publish(revision, &plan, &stream, material));
            for event in events.iter().filter(|event| event.kind.ends_with(".ExposuresChanged")) {
                self.follower.fold(&event.data);
            }
        }
    }

    fn ingest(&mut self, dataset: &str, columns: &Columns, scope: Option<Scope>) -> Option<BookRevision> {
        let id = format!("{dataset}/v{}-000000000000", self.releases.len());
        let release = Release { id: id.clone(), dataset: dataset.to_owned(), scope, ..Release::default() };
        self.push(
            &id,
            "ReleaseOpened",
            &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() },
        );
        self.releases.push((id.clone(), 0));
        self.record(self.releases.len() - 1, columns);
        self.push(&id, "ReleaseCommitted", &ReleaseCommitted::default())
    }

    /// Rows are added to a release, which changes nothing of it until they are said to stand in the place of
    /// others.
    fn repair(&mut self, place: usize, columns: &Columns) -> Option<BookRevision> {
        let before = recomputed(self.known.book(), Knowledge::NOW);
        let id = self.record(place, columns);
        assert_eq!(recomputed(self.known.book(), Knowledge::NOW), before, "added rows wait for the repair");
        self.push(&id, "RowsRepaired", &RowsRepaired::default())
    }

    fn record(&mut self, place: usize, columns: &Columns) -> String {
        let (id, chunks) = &mut self.releases[place];
        let (id, chunk) = (id.clone(), *chunks);
        *chunks += 1;
        let recorded = ObservationsRecorded { chunk, columns: Some(columns.clone()) };
        assert!(self.push(&id, "ObservationsRecorded", &recorded).is_none());
        id
    }

    fn push(&mut self, release: &str, name: &str, message: &impl Message) -> Option<BookRevision> {
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
        self.events.push(event.clone());
        self.known.evolve(&event).unwrap()
    }
}
