//! Runs the binary as an analyst does: a data directory, a running `orewatch up`, and client commands.
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
use orewatch_tests::system::{self, client};
use orewatch_tests::tools::{output, root, text};
use tempfile::TempDir;
use tokio::time::sleep;

/// Time without a new message after which all messages count as sent: longer than any wait of a subscription,
/// and than the pause before a second attempt.
const QUIET_TIME: Duration = Duration::from_secs(7);

/// Maximum time until all messages are sent.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// Options that allow receivers on this machine.
const ALLOW_LOOPBACK: [&str; 2] = ["--allow-private", "127.0.0.0/8"];

/// A data directory, the services that run on it, and a folder for files.
#[derive(Debug)]
pub(crate) struct Desk {
    data: TempDir,
    files: TempDir,
    server: Option<Server>,
}

impl Desk {
    /// Starts with an empty directory, without access control.
    pub(crate) fn start_empty() -> Self {
        let folder = || TempDir::new().expect("a temporary folder");
        let mut desk = Self { data: folder(), files: folder(), server: None };
        desk.start(&[]);
        desk
    }

    /// Restarts with access control.
    pub(crate) fn restart_with_tokens(&mut self) {
        self.stop();
        let tokens = input("tokens.toml");
        self.start(&["--tokens-file", &tokens]);
    }

    /// Restarts without access control.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start(&[]);
    }

    fn start(&mut self, args: &[&str]) {
        let data = self.data.path().to_str().expect("a UTF-8 path").to_owned();
        self.server = Some(Server::start(&[&["up", "--data", &data], &ALLOW_LOOPBACK[..], args].concat()));
    }

    /// Stops the services cleanly.
    pub(crate) fn stop(&mut self) {
        let server = self.server.take().expect("the server runs");
        assert!(server.stop().success(), "the services stop cleanly");
    }

    /// The directory with the logs.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Clients of the services.
    pub(crate) fn clients(&self) -> Clients {
        Clients::at(self.server.as_ref().expect("the server runs").address())
    }

    /// Runs a command that must succeed. Returns its output.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        text(&system::run(client(&self.address(), args)).stdout)
    }

    /// Runs a command that must be refused (exit code 3).
    pub(crate) fn run_refused(&self, args: &[&str]) {
        let done = output(&mut client(&self.address(), args));
        assert_eq!(done.status.code(), Some(3), "{args:?}: {}", text(&done.stderr));
    }

    /// Ingests a file of the inputs, and waits until alerts have followed.
    pub(crate) async fn ingest(&self, name: &str, options: &[&str]) {
        self.ingest_file(&input(name), options).await;
    }

    /// Ingests the wanted rows of a table of the reference figures.
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
        self.run(&[&["ingest", path], options].concat());
        // With access control, queries without a token are refused.
        if !options.contains(&"--token-file") {
            self.settled().await;
        }
    }

    /// Waits until alerts have followed everything that is committed.
    pub(crate) async fn settled(&self) {
        self.clients().api.settled().await.expect("the pipeline follows");
    }

    /// Writes a file for a command. Returns its path.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        let path = self.files.path().join(name);
        fs::write(&path, content).expect("a temporary file");
        as_text(path)
    }

    /// Position of the observations log that responses are based on.
    pub(crate) async fn position(&self) -> u64 {
        let request = QueryExposuresRequest { page_size: 1, ..QueryExposuresRequest::default() };
        let answer =
            self.clients().api.exposure.query_exposures(request).await.expect("the service responds");
        answer.into_inner().as_at_position
    }

    /// Waits until every message is delivered or given up, and no new message is planned for a while.
    pub(crate) async fn wait_for_messages(&self) {
        self.settled().await;
        let (start, mut since, mut before) = (Instant::now(), Instant::now(), Vec::new());
        while since.elapsed() < QUIET_TIME {
            assert!(start.elapsed() < MAX_WAIT, "messages do not end");
            sleep(Duration::from_millis(100)).await;
            let (ids, ended) = self.messages().await;
            if ids != before || !ended {
                since = Instant::now();
                before = ids;
            }
        }
    }

    /// Identifiers of all messages, and whether all are delivered or given up.
    async fn messages(&self) -> (Vec<String>, bool) {
        let request = ListDeliveriesRequest { page_size: 500, ..ListDeliveriesRequest::default() };
        let answer = self.clients().deliveries(request).await.expect("the service responds");
        let ended = |state| matches!(state, DeliveryState::Delivered | DeliveryState::GivenUp);
        let all_ended = answer.iter().all(|delivery| ended(delivery.state()));
        let ids = answer.into_iter().filter_map(|delivery| delivery.notification).map(|message| message.id);
        (ids.collect(), all_ended)
    }

    fn address(&self) -> String {
        format!("http://{}", self.server.as_ref().expect("the server runs").address())
    }
}

/// Path of a file of the inputs.
pub(crate) fn input(name: &str) -> String {
    as_text(root().join("tests/examples/record/inputs").join(name))
}

fn as_text(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("a UTF-8 path")
}
