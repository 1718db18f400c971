//! Benchmark of starts: how long a service takes to fold a log of observations, from the log itself and from
//! a snapshot.
//!
//! `just bench-restart [--rows N]`: makes an embedded log with N rows of trade (10,000,000 by default) in
//! releases of the size of BACI's raw materials, one chunk a market. Then it measures, each in turn on the
//! same log:
//!
//! - the book of the exposure service: folding the log, writing a snapshot, folding the snapshot. The service
//!   is ready when this is done; what it publishes is not part of it.
//! - the ingestion service as a whole: from its start until it is serving, without and with a snapshot.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

mod made;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::ingestion_service_server::SERVICE_NAME;
use orewatch_eventlog::{Event, EventLog, Filter, embedded, history};
use orewatch_exposure::evolve::{BookState, folded_kinds};
use orewatch_ingestion::archive::ArchiveLocation;
use orewatch_ingestion::{Config, Logs};
use orewatch_runtime::{Access, Server, SystemClock, client};
use orewatch_store::snapshots::{EventSnapshots, Reached, Room, Settled, SnapshotPlace};
use orewatch_tests::tools::root;
use tempfile::TempDir;
use tokio::sync::watch;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let rows = rows();
    let folder = TempDir::new_in(root().join("target")).expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let log = embedded::open(folder.path(), "observations").expect("a log");
        let began = Instant::now();
        let bytes = made::fill(&*log, rows).await;
        print("made the log", began, rows);
        println!("{:<40}{:>10.1} MiB", "events", mebibytes(bytes));
        exposure(folder.path(), &log, rows).await;
        ingestion(folder.path(), &log, rows).await;
    });
}

fn rows() -> usize {
    let mut args = env::args().skip_while(|arg| arg != "--rows").skip(1);
    args.next().map_or(10_000_000, |rows| rows.parse().expect("a number of rows"))
}

fn print(what: &str, began: Instant, rows: usize) {
    let seconds = began.elapsed().as_secs_f64();
    let millions = u32::try_from(rows).map_or(f64::INFINITY, f64::from) / 1e6;
    println!("{what:<40}{seconds:>10.2} s {:>10.2} million rows/s", millions / seconds);
}

fn mebibytes(bytes: u64) -> f64 {
    u32::try_from(bytes >> 10).map_or(f64::INFINITY, f64::from) / 1024.0
}

/// The book of the exposure service.
async fn exposure(folder: &Path, log: &Arc<dyn EventLog>, rows: usize) {
    let began = Instant::now();
    let (mut reached, mut events) = (Reached::default(), history(&**log, Filter::All, 0));
    let mut book = BookState::default();
    while let Some(event) = events.try_next().await.expect("the log can be read") {
        book.evolve(&event).expect("it can be folded");
        reached.count(&event);
    }
    print("exposure: fold the log", began, rows);

    let place = SnapshotPlace::folder(&folder.join("snapshots"));
    let snapshots = || {
        let room = Room::open(&place, "exposure").expect("a folder");
        EventSnapshots::new(room, Arc::clone(log), Vec::new(), folded_kinds())
    };
    let began = Instant::now();
    let (sender, known) = watch::channel(Settled::default());
    sender.send_replace(Settled { reached, others: Vec::new() });
    drop(sender);
    let settled = |settled: &Settled| Some(settled.clone());
    snapshots().keep(std::future::pending(), || Timestamp::UNIX_EPOCH, known, settled).await;
    print("exposure: write a snapshot", began, rows);
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.and_then(|entry| entry.metadata()).map_or(0, |about| about.len())
    };
    let size = std::fs::read_dir(folder.join("snapshots/exposure")).expect("it is there").map(size).sum();
    println!("{:<40}{:>10.1} MiB", "snapshot", mebibytes(size));

    let began = Instant::now();
    let evolve = |state: &mut BookState, event: &Event| state.evolve(event).map(|_| ());
    let restored = snapshots().restore(evolve).await.expect("the snapshot is used");
    print("exposure: fold the snapshot", began, rows);
    assert_eq!(restored.reached, reached);
    assert_eq!(restored.state.book().releases().len(), book.book().releases().len());
}

/// The ingestion service from its start until it serves: without a snapshot, which it leaves, and with it.
async fn ingestion(folder: &Path, log: &Arc<dyn EventLog>, rows: usize) {
    for what in ["ingestion: start from the log", "ingestion: start from the snapshot"] {
        let began = Instant::now();
        let config = Config {
            snapshots: Some(SnapshotPlace::folder(&folder.join("snapshots"))),
            spool: folder.join("spool"),
            ..Config::new(ArchiveLocation::Folder(folder.join("archive")))
        };
        let logs = Logs { observations: Arc::clone(log) };
        let server = Server {
            listen: ([127, 0, 0, 1], 0).into(),
            services: vec![SERVICE_NAME],
            clock: Arc::new(SystemClock),
            shutdown_budget: Duration::from_secs(60),
            access: Access::open(),
        };
        let start =
            async |context, routes: &mut _| orewatch_ingestion::start(context, logs, config, routes).await;
        let running = server.start(start).await.expect("the service starts");
        let channel = client::connect(&format!("http://{}", running.address())).await.expect("a server");
        let mut health = HealthClient::new(channel);
        loop {
            let check = HealthCheckRequest { service: SERVICE_NAME.to_owned() };
            if health.check(check).await.is_ok_and(|response| response.get_ref().status == 1) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        print(what, began, rows);
        running.stop().await.expect("an orderly stop");
    }
}
