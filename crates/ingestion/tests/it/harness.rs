//! A service on a log in a directory of its own, and files for it.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{
    GetReleaseRequest, ListRejectionsRequest, Rejection, ReleaseInfo, ReleaseOpened, ReleaseState,
    RowsRepaired,
};
use orewatch_eventlog::{Event, EventLog, Filter, Item, NewEvent, embedded};
use orewatch_formats::Input;
use orewatch_ingestion::archive::ArchiveLocation;
use orewatch_ingestion::client::{Options, Outcome, ingest};
use orewatch_ingestion::{Config, Logs, SERVICE_NAME};
use orewatch_runtime::{Access, Running, Server, SystemClock, client};
use prost::Message as _;
use tempfile::TempDir;
use tonic::transport::Channel;

pub(crate) const BACI: &str = "BACI_HS92_Y2022_V202401b.csv";

/// A service that runs, with its log.
pub(crate) struct Service {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) channel: Channel,
    running: Running,
    directory: TempDir,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::configured(|config| config).await
    }

    /// A service that is configured otherwise.
    pub(crate) async fn configured(change: impl FnOnce(Config) -> Config) -> Self {
        let directory = TempDir::new().unwrap();
        let log = embedded::open(directory.path(), "observations").unwrap();
        Self::with(log, directory, change).await
    }

    /// A service on a log that somebody else keeps, with an archive of its own.
    pub(crate) async fn on(log: Arc<dyn EventLog>) -> Self {
        Self::with(log, TempDir::new().unwrap(), |config| config).await
    }

    /// A service on a log and a directory for its archive.
    pub(crate) async fn with(
        log: Arc<dyn EventLog>,
        directory: TempDir,
        change: impl FnOnce(Config) -> Config,
    ) -> Self {
        Self::with_access(log, directory, change, Access::open()).await
    }

    /// A service that asks for tokens.
    pub(crate) async fn guarded(access: Access) -> Self {
        let directory = TempDir::new().unwrap();
        let log = embedded::open(directory.path(), "observations").unwrap();
        Self::with_access(log, directory, |config| config, access).await
    }

    async fn with_access(
        log: Arc<dyn EventLog>,
        directory: TempDir,
        change: impl FnOnce(Config) -> Config,
        access: Access,
    ) -> Self {
        let server = Server {
            listen: "127.0.0.1:0".parse().unwrap(),
            services: vec![SERVICE_NAME],
            clock: Arc::new(SystemClock),
            shutdown_budget: Duration::from_secs(10),
            access,
        };
        let logs = Logs { observations: Arc::clone(&log) };
        let config = change(Config::new(ArchiveLocation::Folder(directory.path().join("archive"))));
        let running = server
            .start(async move |context, routes| {
                orewatch_ingestion::start(context, logs, config, routes).await
            })
            .await
            .unwrap();
        let channel = client::connect(&format!("http://{}", running.address())).await.unwrap();
        Self { log, channel, running, directory }
    }

    /// Where its archive is.
    pub(crate) fn archive(&self) -> PathBuf {
        self.directory.path().join("archive")
    }

    pub(crate) async fn stop(self) {
        let Self { running, directory, .. } = self;
        running.stop().await.unwrap();
        drop(directory);
    }

    pub(crate) async fn ingest(&self, inputs: Vec<Input>, options: Options) -> Result<Outcome, Failure> {
        let mut outcomes = ingest(self.channel.clone(), inputs, options, |_| {}).await?;
        assert_eq!(outcomes.len(), 1, "the files hold one table");
        Ok(outcomes.remove(0))
    }

    /// Ingests one file as it is.
    pub(crate) async fn take(&self, name: &str, content: impl AsRef<[u8]>) -> Result<Outcome, Failure> {
        self.ingest(vec![file(name, content)], Options::default()).await
    }

    pub(crate) fn client(&self) -> IngestionServiceClient<Channel> {
        IngestionServiceClient::new(self.channel.clone())
    }

    pub(crate) async fn rejections(&self, release: &str) -> Vec<Rejection> {
        let request =
            ListRejectionsRequest { release: release.to_owned(), page_size: 1000, page_token: String::new() };
        self.client().list_rejections(request).await.unwrap().into_inner().rejections
    }

    /// A release as it is now.
    pub(crate) async fn find(&self, release: &str) -> ReleaseInfo {
        let request = GetReleaseRequest { release: release.to_owned() };
        self.client().get_release(request).await.unwrap().into_inner().release.unwrap()
    }

    /// A release once it is in a state.
    pub(crate) async fn eventually(&self, release: &str, state: ReleaseState) -> ReleaseInfo {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let request = GetReleaseRequest { release: release.to_owned() };
            if let Ok(answer) = self.client().get_release(request).await
                && let Some(found) = answer.into_inner().release
                && found.state() == state
            {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "{release} is not {state:?} in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A new log with some events, beside a copy of the archive.
    pub(crate) async fn copy(&self, events: Vec<Event>) -> (Arc<dyn EventLog>, TempDir) {
        let directory = TempDir::new().unwrap();
        copy_folder(&self.directory.path().join("archive"), &directory.path().join("archive"));
        let log = embedded::open(directory.path(), "observations").unwrap();
        for Event { stream, id, kind, time, data, traceparent, .. } in events {
            let expected = log.last(&stream).await.unwrap();
            log.append(&stream, expected, vec![NewEvent { id, kind, time, data, traceparent }])
                .await
                .unwrap();
        }
        (log, directory)
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        events(&*self.log).await
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All events of a log.
pub(crate) async fn events(log: &dyn EventLog) -> Vec<Event> {
    let mut items = log.read(Filter::All, 0);
    let mut found = Vec::new();
    while let Item::Event(event) = items.next().await.unwrap().unwrap() {
        found.push(event);
    }
    found
}

/// What of an event does not depend on when it was recorded.
pub(crate) fn timeless(events: &[Event]) -> Vec<(u64, String, String, Bytes)> {
    events
        .iter()
        .map(|event| {
            let identity = format!("{} {}", event.id, event.kind);
            (event.position, event.stream.to_string(), identity, without_times(event))
        })
        .collect()
}

/// The data of an event without when files were handed in.
fn without_times(event: &Event) -> Bytes {
    if event.kind.ends_with("RowsRepaired") {
        let mut repaired = RowsRepaired::decode(event.data.clone()).unwrap();
        assert!(repaired.file.as_mut().unwrap().retrieved_at.take().is_some());
        return repaired.encode_to_vec().into();
    }
    if !event.kind.ends_with("ReleaseOpened") {
        return event.data.clone();
    }
    let mut opened = ReleaseOpened::decode(event.data.clone()).unwrap();
    for file in &mut opened.release.as_mut().unwrap().files {
        assert!(file.retrieved_at.take().is_some());
    }
    opened.encode_to_vec().into()
}

pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> Input {
    Input::Memory { name: name.to_owned(), bytes: Bytes::copy_from_slice(content.as_ref()) }
}

pub(crate) fn on_disk(path: &Path) -> Input {
    Input::File(path.to_owned())
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Tidy trade of graphite with these rows.
pub(crate) fn trade(vintage: &str, rows: &[&str]) -> String {
    format!(
        "# dataset: test-trade\n# vintage: {vintage}\n# hs: \
         HS92\nperiod,exporter,importer,product,value_kusd,quantity_t\n{}\n",
        rows.join("\n")
    )
}

/// Tidy output with these rows.
pub(crate) fn output(rows: &[&str]) -> String {
    format!(
        "# dataset: test-output\n# vintage: v1\nperiod,economy,material,stage,quantity,unit,basis\n{}\n",
        rows.join("\n")
    )
}

/// Options that let any number of rows be quarantined.
pub(crate) fn lenient() -> Options {
    Options { max_rejects: u64::MAX, ..Options::default() }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
