//! The measured ways from a file to figures: our processes, and DuckDB.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use orewatch_contracts::exposure::v1::Exposure;
use orewatch_testkit::NatsServer;
use orewatch_tests::api::Api;
use orewatch_tests::process::Server;
use orewatch_tests::system::client;
use orewatch_tests::tools::{orewatch, output, root, text};

use crate::{agree, in_order, raw, tables, usage};

/// Cost of one run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// Seconds until the figures can be queried.
    pub(crate) wall: f64,
    /// Seconds until the rows are durable. 0 if not measured, as the next two.
    pub(crate) durable: f64,
    /// Seconds to append the same events alone, and to publish the same bytes alone.
    pub(crate) appended: f64,
    pub(crate) raw: f64,
    /// CPU seconds of all processes except a NATS server.
    pub(crate) processor: f64,
    /// Peak memory of the process that does the work, in MiB.
    pub(crate) peak: f64,
}

/// A file to ingest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) file: &'a Path,
    /// Folder for the tables and for temporary files.
    pub(crate) work: &'a Path,
}

impl Job<'_> {
    /// Arguments that ingest the file with its concordance.
    fn arguments(&self) -> Vec<String> {
        let concordance = self.work.join(tables::CONCORDANCE);
        let [concordance, file] =
            [&concordance, self.file].map(|path| path.to_str().expect("UTF-8").to_owned());
        let flags = ["ingest", "--max-rejects", "1000000", "--concordance"].map(str::to_owned);
        flags.into_iter().chain([concordance, file]).collect()
    }

    /// Ingests in one process with all services, which ends when the release is committed.
    pub(crate) fn in_process(&self) -> Run {
        let (data, before) = (self.data(), usage::cpu_of_ended_children());
        let mut command = Command::new(orewatch());
        command.args(self.arguments()).arg("--no-wait").arg("--data").arg(&data);
        let started = Instant::now();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the binary starts");
        let (status, peak) = usage::wait_and_watch(process);
        let wall = started.elapsed().as_secs_f64();
        assert!(status.success(), "{command:?}");
        Run { wall, processor: usage::cpu_of_ended_children() - before, peak, ..Run::default() }
    }

    /// Ingests with a client and a service. If `read_back`, also reads the figures, which is not measured.
    pub(crate) async fn served(&self, read_back: bool) -> (Run, u64, Vec<Exposure>) {
        let server = Server::start(&["up", "--data", self.data().to_str().expect("UTF-8")]);
        let (run, rows) = self.ingest(&server).await;
        let figures = if read_back { agree::figures(&Api::at(server.address())).await } else { Vec::new() };
        assert!(server.stop().success());
        (run, rows, figures)
    }

    /// The same on JetStream; then appends the events of its log alone, and publishes their bytes alone.
    pub(crate) async fn on_jetstream(&self) -> Run {
        let data = self.data();
        fs::create_dir_all(&data).expect("a folder for the archive");
        let nats = NatsServer::start();
        let archive = data.join("archive");
        let archive = archive.to_str().expect("UTF-8");
        let server = Server::start(&["up", "--log", &nats.url(), "--archive", archive]);
        let (run, _) = self.ingest(&server).await;
        assert!(server.stop().success());
        let messages = raw::stored_messages(&nats.url()).await;
        let events = in_order::stored_events(&nats.url()).await;
        drop(nats);
        let (ours, alone) = (NatsServer::start(), NatsServer::start());
        let appended = in_order::append(&ours.url(), &events).await;
        Run { appended, raw: raw::publish(&alone.url(), messages).await, ..run }
    }

    /// Ingests until the release is durable and committed, and until queries include it.
    async fn ingest(&self, server: &Server) -> (Run, u64) {
        let api = Api::at(server.address());
        let (started, before) = (Instant::now(), usage::cpu_of_ended_children());
        let begun = usage::cpu_of(server.process());
        let arguments = self.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).chain(["--no-wait"]).collect();
        let ingest = output(&mut client(&format!("http://{}", server.address()), &arguments));
        let durable = started.elapsed().as_secs_f64();
        assert!(ingest.status.success(), "{}{}", text(&ingest.stdout), text(&ingest.stderr));
        let release = api.releases().await.expect("releases").pop().expect("a release");
        api.answered(release.committed_position.expect("it is committed")).await.expect("answers");
        let wall = started.elapsed().as_secs_f64();
        let processor = usage::cpu_of_ended_children() - before + usage::cpu_of(server.process()) - begun;
        let run =
            Run { wall, durable, processor, peak: usage::peak_memory(server.process()), ..Run::default() };
        (run, release.report.expect("a report").rows_read)
    }

    /// Adds the file up with DuckDB.
    pub(crate) fn duckdb(&self, figures: &Path) -> Run {
        let before = usage::cpu_of_ended_children();
        let mut job = Command::new(root().join(".tools/bin/python"));
        job.arg(root().join("benches/ingest/duckdb_job.py")).args([self.file, self.work, figures]);
        let run = output(&mut job);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let printed = text(&run.stdout);
        let mut numbers = printed.split_whitespace().map(|word| word.parse().expect("a number"));
        let mut next = || numbers.next().expect("two numbers");
        let (wall, peak) = (next(), next());
        Run { wall, processor: usage::cpu_of_ended_children() - before, peak, ..Run::default() }
    }

    /// Creates an empty folder for the data of a run.
    fn data(&self) -> PathBuf {
        self.work.join("orewatch")
    }

    /// Removes the data of a run.
    pub(crate) fn clear(&self) {
        if let Err(error) = fs::remove_dir_all(self.data()) {
            panic!("the run's data do not go away: {error}");
        }
    }
}
