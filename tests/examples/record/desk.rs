//! A desk that uses the binary as an analyst does: a data directory, a running `orewatch up`, and commands against it.
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use orewatch_catalog::reference;
use orewatch_contracts::alerting::v1::{DeliveryState, ListDeliveriesRequest};
use orewatch_contracts::exposure::v1::QueryExposuresRequest;
use orewatch_tests::process::Server;
use orewatch_tests::recorded::ask::Clients;
use orewatch_tests::system::{client, run};
use orewatch_tests::tools::{output, root, text};
use tempfile::TempDir;
use tokio::time::sleep;

/// How long nothing may have happened before a desk counts as calm: more than the longest wait of a subscription and the
/// pause before a second attempt.
const CALM: Duration = Duration::from_secs(7);

/// How long a desk may take to become calm.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where receivers may be.
const PRIVATE: [&str; 2] = ["--allow-private", "127.0.0.0/8"];

/// A data directory with the services on it, and a folder for files.
#[derive(Debug)]
pub(crate) struct Desk {
    data: TempDir,
    files: TempDir,
    server: Option<Server>,
}

impl Desk {
    /// Starts on an empty directory; everything is open.
    pub(crate) fn open() -> Self {
        let folder = || TempDir::new().expect("a temporary folder");
        let mut desk = Self { data: folder(), files: folder(), server: None };
        desk.start(&[]);
        desk
    }

    /// Stops, and starts again so that only those with a token may call.
    pub(crate) fn restart_with_tokens(&mut self) {
        self.stop();
        let tokens = input("tokens.toml");
        self.start(&["--tokens-file", &tokens]);
    }

    /// Stops, and starts again so that everything is open.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start(&[]);
    }

    fn start(&mut self, args: &[&str]) {
        let data = self.data.path().to_str().expect("a UTF-8 path").to_owned();
        self.server = Some(Server::start(&[&["up", "--data", &data], &PRIVATE[..], args].concat()));
    }

    /// Stops in order.
    pub(crate) fn stop(&mut self) {
        let server = self.server.take().expect("it runs");
        assert!(server.stop().success(), "the services stop in order");
    }

    /// The directory with the logs.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Clients of the services.
    pub(crate) fn clients(&self) -> Clients {
        Clients::at(self.server.as_ref().expect("it runs").address())
    }

    /// Runs a command that succeeds. Returns what it prints.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        text(&run(client(&self.address(), args)).stdout)
    }

    /// Runs a command that is refused in the present state.
    pub(crate) fn refused(&self, args: &[&str]) {
        let done = output(&mut client(&self.address(), args));
        assert_eq!(done.status.code(), Some(3), "{args:?}: {}", text(&done.stderr));
    }

    /// Hands a file of the inputs in, and waits until alerts have followed.
    pub(crate) async fn ingest(&self, name: &str, options: &[&str]) {
        self.ingest_file(&input(name), options).await;
    }

    /// Hands a table of the reference figures in, as far as its rows are wanted.
    pub(crate) async fn ingest_reference(&self, name: &str, is_wanted: impl Fn(&[&str]) -> bool) {
        let table = reference::tables().iter().find(|table| table.name.starts_with(name));
        let table = table.unwrap_or_else(|| panic!("{name} is no reference table"));
        let mut whole = String::new();
        GzDecoder::new(table.bytes).read_to_string(&mut whole).expect("reference tables are gzip");
        let (head, rows): (Vec<_>, Vec<_>) =
            whole.lines().partition(|line| line.starts_with('#') || line.starts_with("period,"));
        let rows = rows.into_iter().filter(|line| is_wanted(&line.split(',').collect::<Vec<_>>()));
        let kept: Vec<_> = head.iter().copied().chain(rows).collect();
        let path = self.write(table.name.trim_end_matches(".gz"), &(kept.join("\n") + "\n"));
        self.ingest_file(&path, &[]).await;
    }

    async fn ingest_file(&self, path: &str, options: &[&str]) {
        self.ok(&[&["ingest", path], options].concat());
        // Who has to show a token is not asked.
        if !options.contains(&"--token-file") {
            self.settled().await;
        }
    }

    /// Waits until alerts have followed all that is committed.
    pub(crate) async fn settled(&self) {
        self.clients().api.settled().await.expect("the pipeline follows");
    }

    /// Writes a file for a command. Returns its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path = self.files.path().join(name);
        fs::write(&path, content).expect("a temporary file");
        as_text(path)
    }

    /// Position of the observations log up to which answers know it.
    pub(crate) async fn position(&self) -> u64 {
        let request = QueryExposuresRequest { page_size: 1, ..QueryExposuresRequest::default() };
        let answer = self.clients().api.exposure.query_exposures(request).await.expect("it answers");
        answer.into_inner().as_at_position
    }

    /// Waits until every message has ended and nothing has been planned for a while.
    pub(crate) async fn calm(&self) {
        self.settled().await;
        let (start, mut since, mut before) = (Instant::now(), Instant::now(), Vec::new());
        while since.elapsed() < CALM {
            assert!(start.elapsed() < PATIENCE, "messages do not end");
            sleep(Duration::from_millis(100)).await;
            let (ids, ended) = self.messages().await;
            if ids != before || !ended {
                since = Instant::now();
                before = ids;
            }
        }
    }

    /// Identifiers of messages, and whether all have ended.
    async fn messages(&self) -> (Vec<String>, bool) {
        let request = ListDeliveriesRequest { page_size: 500, ..ListDeliveriesRequest::default() };
        let answer = self.clients().deliveries(request).await.expect("it answers");
        let ended = |state| matches!(state, DeliveryState::Delivered | DeliveryState::GivenUp);
        let all_ended = answer.iter().all(|delivery| ended(delivery.state()));
        let ids = answer.into_iter().filter_map(|delivery| delivery.notification).map(|message| message.id);
        (ids.collect(), all_ended)
    }

    fn address(&self) -> String {
        format!("http://{}", self.server.as_ref().expect("it runs").address())
    }
}

/// A file of the inputs.
pub(crate) fn input(name: &str) -> String {
    as_text(root().join("tests/examples/record/inputs").join(name))
}

fn as_text(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("a UTF-8 path")
}
