//! What the service reports of its releases: metrics, and a line of the log for each that is ingested.
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::{IngestOutcome, ReleaseInfo, ReleaseState};
use orewatch_runtime::Context;
use orewatch_runtime::metrics::{Metrics, catalogue};

use crate::evolve::{IngestionState, ReleaseRecord};
use crate::work::Repository;

/// Expected interval between two releases of monthly and of annual data, in seconds.
const MONTH_SECONDS: f64 = 31.0 * 86_400.0;
const YEAR_SECONDS: f64 = 366.0 * 86_400.0;

/// States of releases, as labels.
const STATES: [(ReleaseState, &str); 5] = [
    (ReleaseState::Committed, "committed"),
    (ReleaseState::Open, "open"),
    (ReleaseState::Refused, "refused"),
    (ReleaseState::Withdrawn, "withdrawn"),
    (ReleaseState::Erased, "erased"),
];

/// What is known of a dataset: when its newest release was committed, and whether its periods are months.
#[derive(Clone, Copy, Debug, PartialEq)]
struct DatasetAge {
    committed_at: Timestamp,
    is_monthly: bool,
}

/// Reports on the releases of a repository. It does not keep the repository, which keeps its log open.
pub(crate) fn report(context: &Context, repository: &Arc<Repository>) {
    let repository: Weak<Repository> = Arc::downgrade(repository);
    context.metrics.collect_with(move |metrics| {
        if let Some(repository) = repository.upgrade() {
            repository.view(|state| record(metrics, state));
        }
    });
}

fn record(metrics: &Metrics, state: &IngestionState) {
    let ages = dataset_ages(state.iter());
    let times = ages.iter().map(|(dataset, age)| ([dataset.clone()], age.committed_at));
    metrics.replace_times(&catalogue::DATA_AGE, times);
    let cadence = |age: &DatasetAge| if age.is_monthly { MONTH_SECONDS } else { YEAR_SECONDS };
    let cadences = ages.iter().map(|(dataset, age)| ([dataset.clone()], cadence(age)));
    metrics.replace(&catalogue::DATA_CADENCE, cadences);
    for (wanted, label) in STATES {
        let count = state.iter().filter(|record| record.head.state == wanted).count();
        metrics.set_count(&catalogue::RELEASES, [label], count);
    }
}

/// The datasets with visible releases, by name.
fn dataset_ages<'a>(releases: impl Iterator<Item = &'a ReleaseRecord>) -> BTreeMap<String, DatasetAge> {
    let mut ages = BTreeMap::<String, DatasetAge>::new();
    for record in releases.filter(|record| record.head.state == ReleaseState::Committed) {
        let Some(committed_at) = record.closed_at else { continue };
        // Months are written YYYY-MM, years YYYY.
        let last = record.report.as_ref().map_or("", |report| report.last_period.as_str());
        let newer = DatasetAge { committed_at, is_monthly: last.contains('-') };
        let age = ages.entry(record.head.release.dataset.clone()).or_insert(newer);
        if newer.committed_at > age.committed_at {
            *age = newer;
        }
    }
    ages
}

/// Reports that files were ingested as a release, whatever became of it.
pub(crate) fn report_ingest(metrics: &Metrics, outcome: &IngestOutcome, took: Duration) {
    let Some(info) = &outcome.release else { return };
    if !outcome.known {
        metrics.observe(&catalogue::INGEST_SECONDS, [], took);
        count_rows(metrics, info);
    }
    let release = info.release.as_ref().map_or("", |release| release.id.as_str());
    let [recorded, out_of_scope, quarantined] = rows(info);
    let (known, seconds) = (outcome.known, took.as_secs_f64());
    tracing::info!(
        release,
        state = info.state().as_str_name(),
        known,
        recorded,
        out_of_scope,
        quarantined,
        reason = info.reason,
        seconds,
        "ingested a release"
    );
}

fn count_rows(metrics: &Metrics, info: &ReleaseInfo) {
    let dataset = info.release.as_ref().map_or("", |release| release.dataset.as_str());
    for (verdict, rows) in ["recorded", "out_of_scope", "quarantined"].into_iter().zip(rows(info)) {
        metrics.add(&catalogue::RELEASE_ROWS, [dataset, verdict], rows);
    }
}

/// Rows of a release that were recorded, are of no material, and are quarantined.
fn rows(info: &ReleaseInfo) -> [u64; 3] {
    let Some(report) = &info.report else { return [0; 3] };
    let quarantined = report.rejected_by_code.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    [report.rows_recorded, report.rows_out_of_scope, quarantined]
}
