//! The load: small releases of many datasets, each of which restates one market and moves its alerts.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream;
use orewatch_catalog::{HsRevision, hs_codes};
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::{Condition, Rule, Selector};
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{
    CommitReleaseRequest, DatasetKind, ObservationsRecorded, OpenReleaseRequest, Product, Provenance,
    RecordObservationsRequest, Release, ReleaseInfo, ReleaseState, SourceFile, Table, TradeColumns,
};
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;

use super::calls::Replicas;
use super::run::Run;

/// Importers of every market: each has an alert.
const IMPORTERS: [&str; 20] = [
    "DEU", "FRA", "ITA", "ESP", "NLD", "POL", "SWE", "FIN", "AUT", "CZE", "USA", "CAN", "GBR", "JPN", "KOR",
    "IND", "MEX", "TUR", "NOR", "CHE",
];

/// Exporters of every market. The first has the share that the rule is about.
const EXPORTERS: [&str; 20] = [
    "CHN", "AUS", "BRA", "ZAF", "CHL", "PER", "IDN", "PHL", "RUS", "KAZ", "UKR", "VNM", "THA", "MYS", "MAR",
    "MOZ", "ZMB", "COD", "NAM", "ARG",
];

/// Rows of a release.
pub(super) const ROWS: u64 = 400;

/// Time for which a commit is tried again.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tonnes of the first exporter to each importer, in turn: about three quarters of the market, and a fifth.
const LARGE: u64 = 9_000;
const SMALL: u64 = 900;

/// A release that the service has acknowledged as committed.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    /// Identifier of the release.
    pub(super) release: String,
    /// When the answer came.
    pub(super) at: Duration,
}

/// What came of the load.
#[derive(Debug, Default)]
pub(super) struct Committed {
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Calls that failed for a client that retries.
    pub(super) failed: Vec<String>,
}

/// Markets with one product code each, so that a release is complete. Each is the market of one dataset.
fn products() -> Vec<Product> {
    let mut markets = BTreeMap::<_, Vec<Product>>::new();
    for code in hs_codes().iter().filter(|code| (code.first..=code.last).contains(&HsRevision::Hs92)) {
        let product = Product {
            code: code.code.to_owned(),
            material: code.material.to_owned(),
            stage: code.stage.to_string(),
            ..Product::default()
        };
        markets.entry((code.material, code.stage.to_string())).or_default().push(product);
    }
    markets.into_values().filter(|products| products.len() == 1).flatten().collect()
}

/// The rule that every release moves for every importer.
pub(super) fn rule() -> Rule {
    let select = Selector {
        consumers: IMPORTERS.map(str::to_owned).to_vec(),
        suppliers: vec![EXPORTERS[0].to_owned()],
        ..Selector::default()
    };
    Rule {
        id: "soak".to_owned(),
        title: "Half of the imports come from one supplier".to_owned(),
        measure: "import-share".to_owned(),
        select: Some(select),
        when: Some(Condition { line: Some(Line::Above(0.5)), ..Condition::default() }),
        ..Rule::default()
    }
}

/// The release of a dataset with a number, and its rows.
fn release(dataset: usize, product: &Product, number: u64) -> (Release, TradeColumns) {
    let release = Release {
        dataset: format!("soak-{dataset}"),
        vintage: format!("{number:06}"),
        table: Table::Trade.into(),
        provenance: Some(Provenance {
            publisher: "Test".to_owned(),
            published: "2025".to_owned(),
            ..Provenance::default()
        }),
        files: vec![SourceFile {
            name: "made.csv".to_owned(),
            bytes: 1,
            sha256: format!("{dataset:032x}{number:032x}"),
            ..SourceFile::default()
        }],
        parser: "test/1".to_owned(),
        hs_revision: "HS92".to_owned(),
        kind: DatasetKind::Reconciled.into(),
        ..Release::default()
    };
    let first = if number.is_multiple_of(2) { LARGE } else { SMALL };
    let exporters = u32::try_from(EXPORTERS.len()).unwrap_or_default();
    let importers = u32::try_from(IMPORTERS.len()).unwrap_or_default();
    let pairs = (0..exporters).flat_map(|from| (0..importers).map(move |to| (from, exporters + to)));
    let pairs: Vec<(u32, u32)> = pairs.collect();
    let tonnes = |(from, to): &(u32, u32)| match from {
        0 => first + u64::from(*to),
        // A few differ from release to release.
        _ => 100 + 7 * u64::from(*from) + 3 * u64::from(*to) + (number % 5) * u64::from(from % 3),
    };
    let columns = TradeColumns {
        periods: vec!["2024".to_owned()],
        economies: EXPORTERS.iter().chain(&IMPORTERS).map(|code| (*code).to_owned()).collect(),
        products: vec![product.clone()],
        exporter: pairs.iter().map(|(from, _)| *from).collect(),
        importer: pairs.iter().map(|(_, to)| *to).collect(),
        value_scaled: pairs.iter().map(|pair| 3 * tonnes(pair)).collect(),
        quantity_scaled: pairs.iter().map(tonnes).collect(),
        line: (2..).take(pairs.len()).collect(),
        ..TradeColumns::default()
    };
    (release, columns)
}

/// Commits a release. Repeating it changes nothing: whatever is recorded already is recognised.
async fn commit(
    mut client: IngestionServiceClient<Channel>,
    release: Release,
    columns: TradeColumns,
) -> Result<ReleaseInfo, Status> {
    let missing = || Status::internal("the answer has no release");
    let request = OpenReleaseRequest { release: Some(release) };
    let opened = client.open_release(request).await?.into_inner().release.and_then(|info| info.release);
    let id = opened.ok_or_else(missing)?.id;
    let chunk = ObservationsRecorded { chunk: 0, columns: Some(Columns::Trade(columns)) };
    let message = RecordObservationsRequest { release: id.clone(), rows: Some(Rows::Observations(chunk)) };
    client.record_observations(stream::iter([message])).await?;
    let request =
        CommitReleaseRequest { release: id, rows_read: Some(ROWS), ..CommitReleaseRequest::default() };
    client.commit_release(request).await?.into_inner().release.ok_or_else(missing)
}

/// What an acknowledged release is called. The error says why it is not committed.
fn identifier(info: ReleaseInfo) -> Result<String, String> {
    let (state, recorded) = (info.state(), info.report.as_ref().map_or(0, |report| report.rows_recorded));
    let id = info.release.unwrap_or_default().id;
    match (state, recorded) {
        (ReleaseState::Committed, ROWS) => Ok(id),
        _ => Err(format!("{id} is {}, with {recorded} rows: {}", state.as_str_name(), info.reason)),
    }
}

/// The load while it runs.
#[derive(Debug)]
pub(super) struct Load {
    tasks: JoinSet<()>,
    committed: Arc<Mutex<Committed>>,
}

impl Load {
    /// Starts to commit so many rows a second, until the run is over. Each dataset commits one release after
    /// the other, at set times: what could not be committed in time is made up for.
    pub(super) fn start(run: &Run, rows: u64, clients: &Replicas<IngestionServiceClient<Channel>>) -> Self {
        let products = products();
        let count = u64::try_from(products.len()).unwrap_or(u64::MAX);
        let pause = Duration::from_secs(count * ROWS) / u32::try_from(rows.max(1)).unwrap_or(u32::MAX);
        let (mut tasks, committed) = (JoinSet::new(), Arc::default());
        for (dataset, product) in products.into_iter().enumerate() {
            let part = pause.mul_f64(dataset as f64 / count as f64);
            let source = Source { dataset, product, first: part, pause };
            tasks.spawn(source.run(run.clone(), clients.clone(), Arc::clone(&committed)));
        }
        Self { tasks, committed }
    }

    /// Waits until what was due is committed.
    pub(super) async fn finish(self) -> Committed {
        self.tasks.join_all().await;
        std::mem::take(&mut *self.committed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A dataset, and when it commits.
struct Source {
    dataset: usize,
    product: Product,
    first: Duration,
    pause: Duration,
}

impl Source {
    async fn run(
        self,
        run: Run,
        clients: Replicas<IngestionServiceClient<Channel>>,
        committed: Arc<Mutex<Committed>>,
    ) {
        let (mut due, mut number) = (self.first, 0);
        while !run.is_over_at(due) {
            run.wait_until(due).await;
            let (release, columns) = release(self.dataset, &self.product, number);
            let commit = |client| commit(client, release.clone(), columns.clone());
            let info = clients.call(PATIENCE, commit).await;
            let at = run.now();
            let acknowledged = info.map_err(|status| status.to_string()).and_then(identifier);
            let mut committed = committed.lock().unwrap_or_else(PoisonError::into_inner);
            match acknowledged {
                Ok(release) => committed.acknowledged.push(Acknowledged { release, at }),
                Err(reason) => committed.failed.push(format!("{:?}: {reason}", run.now())),
            }
            (due, number) = (due + self.pause, number + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_their_rows_and_move_the_share() {
        let products = products();
        assert!(products.len() > 20, "{}", products.len());
        for number in 0..4 {
            let (release, columns) = release(3, &products[3], number);
            assert_eq!(release.files[0].sha256.len(), 64);
            let rows = usize::try_from(ROWS).expect("few rows");
            assert_eq!((columns.exporter.len(), columns.line.len()), (rows, rows));
            let to_first: Vec<_> = (0..rows).filter(|row| columns.importer[*row] == 20).collect();
            let sum: u64 = to_first.iter().map(|row| columns.quantity_scaled[*row]).sum();
            let is_large = columns.quantity_scaled[to_first[0]] * 2 > sum;
            assert_eq!(is_large, number % 2 == 0, "release {number}");
        }
    }
}
