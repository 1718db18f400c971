//! Tests of a disk that fills up while the services run. A resource limit, which is set and lifted from
//! outside, keeps the files of the services from growing, as a full disk would. So the tests need neither a
//! separate disk nor the rights to create one.
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use orewatch_tests::api::Api;
use orewatch_tests::process::{STOP, Server};
use orewatch_tests::state::State;
use orewatch_tests::system::{client, file, run};
use orewatch_tests::tools::{output, text};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

/// Message in the output when writing begins to wait.
const FULL_MESSAGE: &str = "the log is full";

/// Maximum time to wait for anything, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Trade between many economies, so that figures take more space than rows.
fn trade(vintage: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial-trade\n# vintage: {vintage}\n# publisher: Test\n\
         # licence: CC0-1.0\n# published: 2025\n# hs: HS92\n\
         period,exporter,importer,product,value_kusd,quantity_t\n"
    );
    for year in 2020..=2024 {
        for (at, exporter) in (1_u32..).zip(["CHN", "BRA", "MOZ", "NOR", "AUS"]) {
            for (to, importer) in (1_u32..).zip(["DEU", "JPN", "USA", "KOR", "FRA", "ITA", "GBR", "CAN"]) {
                for product in ["250410", "284690", "810520", "283691"] {
                    let tonnes = at * 10 + to * (year - 2010) + vintage * at * 100;
                    text += &format!("{year},{exporter},{importer},{product},{},{tonnes}\n", tonnes * 3);
                }
            }
        }
    }
    text
}

/// Starts a server whose file sizes can be limited. It ignores the signal that exceeding the limit raises.
fn start(data: &Path) -> Server {
    let data = data.to_str().expect("a UTF-8 path");
    Server::start_under(&["sh", "-c", "trap '' XFSZ && exec \"$0\" \"$@\""], &["up", "--data", data])
}

/// Limits the size of files that a process writes, in bytes. `None` lifts the limit.
fn limit_file_size(server: &Server, bytes: Option<u64>) {
    let pid = i32::try_from(server.process()).ok().and_then(Pid::from_raw).expect("a process");
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None })
        .expect("the limit can be set");
}

fn wait_until(what: &str, server: &Server, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "not in time: {what}\n{}", server.process_output());
        thread::sleep(Duration::from_millis(10));
    }
}

/// Number of times that the server has reported a full log.
fn full_reports(server: &Server) -> usize {
    server.process_output().matches(FULL_MESSAGE).count()
}

/// Runs a command that must be refused because there is no space.
fn check_refusal(mut command: Command, words: &str) {
    let refused = output(&mut command);
    let message = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{message}");
    assert!(message.contains(words) && message.contains("make room"), "{message}");
}

struct Files {
    _folder: TempDir,
    releases: [String; 3],
    rules: String,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let releases =
            [1, 2, 3].map(|vintage| file(&folder, &format!("trade-{vintage}.csv"), &trade(vintage)));
        let rule = "id: half\ntitle: A supplier has half\nmeasure: import-share\nwhen: {above: 0.4}\n";
        let rules = file(&folder, "rules.yaml", rule);
        Self { _folder: folder, releases, rules }
    }
}

/// The final state of a system that always had enough space.
async fn state_with_enough_space(files: &Files) -> State {
    let data = TempDir::new().expect("a temporary folder");
    let server = start(data.path());
    let address = format!("http://{}", server.address());
    run(client(&address, &["ingest", &files.releases[0]]));
    run(client(&address, &["rules", "apply", &files.rules]));
    run(client(&address, &["ingest", &files.releases[1]]));
    State::read(&Api::at(server.address())).await.expect("it answers")
}

/// Checks that queries are answered from both releases, whether figures of the second are published or not.
async fn check_answers(server: &Server, what: &str) {
    let api = Api::at(server.address());
    let releases =
        api.releases().await.unwrap_or_else(|status| panic!("{what}: {status}\n{}", server.process_output()));
    assert_eq!(releases.len(), 2, "{what}");
    let last = releases.iter().filter_map(|release| release.committed_position).max();
    api.answered(last.expect("both are committed")).await.expect(what);
    api.alerts().await.expect(what);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_writes_fail_and_reads_work() {
    let files = Files::new();
    let expected = state_with_enough_space(&files).await;
    let data = TempDir::new().expect("a temporary folder");
    let server = start(data.path());
    let address = format!("http://{}", server.address());
    run(client(&address, &["ingest", &files.releases[0]]));
    run(client(&address, &["rules", "apply", &files.rules]));
    Api::at(server.address()).settled().await.expect("it settles");

    // There is space for the rows of a release, but not for the figures that follow from them.
    let size = |log: &str| fs::metadata(data.path().join(log)).expect("a log").len();
    assert!(size("observations.db-wal") * 2 < size("exposures.db-wal"), "figures take more space than rows");
    limit_file_size(&server, Some(size("exposures.db-wal")));
    run(client(&address, &["ingest", "--no-wait", &files.releases[1]]));
    wait_until("publishing waits for space", &server, || full_reports(&server) > 0);
    check_answers(&server, "while the exposures log is full").await;

    // Nothing can be written any more: writes are refused with a clear error.
    limit_file_size(&server, Some(1));
    check_refusal(client(&address, &["ingest", &files.releases[2]]), "the archive has no room left");
    let silence =
        ["silences", "add", "--material", "cobalt", "--lasts", "1h", "--author", "ann", "--reason", "full"];
    check_refusal(client(&address, &silence), "log alerts is full");
    check_answers(&server, "while everything is full").await;
    server.kill();

    // After a start on a full disk, reads work: SQLite has the 32 KiB that it needs to read, but no space to
    // write.
    let data_dir = data.path().to_str().expect("a UTF-8 path");
    let mut server = Server::start_under(
        &["sh", "-c", "trap '' XFSZ && ulimit -S -f 128 && exec \"$0\" \"$@\""],
        &["up", "--data", data_dir],
    );
    let address = format!("http://{}", server.address());
    wait_until("publishing waits for space again", &server, || full_reports(&server) > 0);
    check_answers(&server, "after a start on a full disk").await;
    check_refusal(client(&address, &silence), "log alerts is full");

    // With space again, the server continues without a restart.
    limit_file_size(&server, None);
    let state = State::read(&Api::at(server.address())).await.expect("it settles");
    if let Some(difference) = expected.difference(&state) {
        panic!("{difference}\n{}", server.process_output());
    }
    wait_until("the server reports that there is space", &server, || {
        server.process_output().contains("the log has room again")
    });
    assert_eq!(
        full_reports(&server),
        1,
        "reported once, however often writing was tried:\n{}",
        server.process_output()
    );
    run(client(&address, &silence));
    server.signal("TERM");
    assert!(server.wait(STOP).success(), "{}", server.process_output());
}

/// A clean stop leaves the space that the next start needs.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_the_server_stops_cleanly() {
    let files = Files::new();
    let data = TempDir::new().expect("a temporary folder");
    let mut server = start(data.path());
    let address = format!("http://{}", server.address());
    run(client(&address, &["ingest", &files.releases[0]]));
    let size = fs::metadata(data.path().join("exposures.db-wal")).expect("a log").len();
    limit_file_size(&server, Some(size));
    run(client(&address, &["ingest", "--no-wait", &files.releases[1]]));
    wait_until("publishing waits for space", &server, || full_reports(&server) > 0);
    server.signal("TERM");
    assert!(server.wait(STOP).success(), "{}", server.process_output());
    let server = start(data.path());
    Api::at(server.address()).settled().await.expect("it continues where it stopped");
}
