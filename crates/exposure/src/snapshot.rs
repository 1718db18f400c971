//! What the worker publishes for requests: the newest book and the positions that it rests on.

use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::exposure::v1 as contract;
use orewatch_contracts::exposure::v1::Reading;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_measures::Mirror;
use orewatch_store::snapshots::Reached;

use crate::book::{Book, Knowledge, ScenarioName};
use crate::erased::erased_dataset;

/// State of the service at one moment, as requests see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// The book.
    pub(crate) book: Arc<Book>,
    /// Position of the observations log up to which the book is read.
    pub(crate) position: Position,
    /// The last event of the observations log that the book has folded.
    pub(crate) reached: Reached,
    /// Number of jobs that were given to the publisher so far.
    pub(crate) jobs: u64,
    /// Position of the exposures log at which everything that follows from the book is published. `None`:
    /// some of it is not published yet.
    pub(crate) published: Option<Position>,
    /// Whether the observations log has been read to its end once.
    pub(crate) ready: bool,
}

/// How far a worker has come with the materials that it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkerProgress {
    /// Position of the observations log up to which the changes of all revisions are published.
    pub(crate) applied: Position,
    /// The same of verdicts on claims, if it judges them for all replicas.
    pub(crate) judged: Position,
    /// Position of the exposures log up to which these are there.
    pub(crate) published: Position,
}

impl Snapshot {
    /// The book as a request wants to read it: for its tenant, with its way to reconcile two reports of a
    /// flow, answered by its dataset, under its scenario.
    ///
    /// # Errors
    /// A way to reconcile reports that this version does not know; a dataset without any release; a scenario
    /// without any projection.
    pub(crate) fn read(&self, reading: Option<&Reading>) -> Result<Arc<Book>, Failure> {
        let Some(reading) = reading else { return Ok(Arc::clone(&self.book)) };
        let mirror = match contract::Mirror::try_from(reading.mirror) {
            Ok(contract::Mirror::Unspecified | contract::Mirror::Importer) => Mirror::Importer,
            Ok(contract::Mirror::Exporter) => Mirror::Exporter,
            Ok(contract::Mirror::Larger) => Mirror::Larger,
            Ok(contract::Mirror::Mean) => Mirror::Mean,
            Err(_) => {
                let message = "unknown way to reconcile two reports of a flow";
                return Err(Failure::new(Class::Invalid, "invalid-request", message)
                    .at("reading.mirror", reading.mirror.to_string()));
            }
        };
        let is_usual = mirror == Mirror::default() && reading.tenant.is_empty();
        if is_usual && reading.dataset.is_empty() && reading.scenario.is_empty() {
            return Ok(Arc::clone(&self.book));
        }
        let book = self.book.for_reader(&reading.tenant, mirror);
        if !reading.scenario.is_empty() {
            return under_scenario(&book, reading).map(Arc::new);
        }
        if reading.dataset.is_empty() {
            return Ok(Arc::new(book));
        }
        let dataset = book
            .dataset(&reading.dataset)
            .ok_or_else(|| no_dataset(&book, &reading.dataset, "reading.dataset"))?;
        Ok(Arc::new(book.answered_by(dataset)))
    }
}

/// The book under the scenario of a reading.
fn under_scenario(book: &Book, reading: &Reading) -> Result<Book, Failure> {
    let Reading { scenario, dataset, .. } = reading;
    if !dataset.is_empty() {
        return Err(Failure::new(
            Class::Invalid,
            "unexpected-dataset",
            "a scenario names its dataset itself",
        )
        .with_hint("leave the dataset out")
        .at("reading.dataset", dataset));
    }
    let name = ScenarioName::parse(scenario);
    let dataset = name.as_ref().map(|name| name.dataset.clone()).unwrap_or_default();
    name.and_then(|name| book.under_scenario(name)).ok_or_else(|| {
        let erased = erased_dataset(book, &dataset, "reading.scenario");
        erased.unwrap_or_else(|| unknown_scenario(book, scenario))
    })
}

/// The failure of a request that names a dataset of which nothing can be read.
fn no_dataset(book: &Book, dataset: &str, field: &str) -> Failure {
    erased_dataset(book, dataset, field).unwrap_or_else(|| unknown_dataset(book, dataset, field))
}

fn unknown_scenario(book: &Book, scenario: &str) -> Failure {
    let known: Vec<_> = book.scenarios(Knowledge::NOW).into_iter().map(|scenario| scenario.name).collect();
    let near = orewatch_catalog::closest(scenario, known.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "no release has projections; ingest one first".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    };
    Failure::new(Class::Invalid, "unknown-scenario", format!("no release has projections of `{scenario}`"))
        .with_hint(hint)
        .at("reading.scenario", scenario)
}

/// The failure of a request that names a dataset without any release.
pub(crate) fn unknown_dataset(book: &Book, dataset: &str, field: &str) -> Failure {
    let known: BTreeSet<_> =
        book.releases().iter().map(|entry| entry.content.release.dataset.as_str()).collect();
    let near = orewatch_catalog::closest(dataset, known.iter().copied());
    let mut scenarios = book.scenarios(Knowledge::NOW).into_iter();
    let own = scenarios.find(|scenario| scenario.name.split(':').next() == Some(dataset));
    let hint = match (own, near) {
        (Some(own), _) => format!("it has projections only: ask under the scenario {}", own.name),
        (None, Some(near)) => format!("did you mean {near}?"),
        (None, None) => format!("there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Failure::new(
        Class::NotFound,
        "unknown-dataset",
        format!("no release of dataset `{dataset}` was committed"),
    )
    .with_hint(hint)
    .at(field, dataset)
}
