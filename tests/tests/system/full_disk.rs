//! A disk that fills up while the services run. The system refuses to let their files grow, by a limit that is set and lifted from
//! outside while they run, as it refuses on a disk that is full; so no test needs a disk of its own, or the rights to make one.
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

/// What is logged when writing begins to wait.
const FULL: &str = "the log is full";

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Flows of many economies, so that figures take more room than rows.
fn trade(vintage: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial-trade\n# vintage: {vintage}\n# publisher: Test\n# licence: CC0-1.0\n\
         # published: 2025\n# hs: HS92\nperiod,exporter,importer,product,value_kusd,quantity_t\n"
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

/// A server whose files may be kept from growing; the signal that comes with that is ignored.
fn start(data: &Path) -> Server {
    let data = data.to_str().expect("a UTF-8 path");
    Server::start_under(&["sh", "-c", "trap '' XFSZ && exec \"$0\" \"$@\""], &["up", "--data", data])
}

/// Lets files of a process grow to so many bytes. None: to any number.
fn limit(server: &Server, bytes: Option<u64>) {
    let pid = i32::try_from(server.process()).ok().and_then(Pid::from_raw).expect("a process");
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("it may be limited");
}

fn wait(what: &str, server: &Server, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "not in time: {what}\n{}", server.said());
        thread::sleep(Duration::from_millis(10));
    }
}

fn times_said(server: &Server) -> usize {
    server.said().matches(FULL).count()
}

/// Runs a command that has to be refused for want of room.
fn refused(mut command: Command, words: &str) {
    let refused = output(&mut command);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains(words) && said.contains("make room"), "{said}");
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

/// What a system knows that never met the end of a disk.
async fn undisturbed(files: &Files) -> State {
    let data = TempDir::new().expect("a temporary folder");
    let server = start(data.path());
    let address = format!("http://{}", server.address());
    run(client(&address, &["ingest", &files.releases[0]]));
    run(client(&address, &["rules", "apply", &files.rules]));
    run(client(&address, &["ingest", &files.releases[1]]));
    State::of(&Api::at(server.address())).await.expect("it answers")
}

/// Answers that rest on both releases, whatever is published of the second.
async fn answers(server: &Server, what: &str) {
    let api = Api::at(server.address());
    let releases =
        api.releases().await.unwrap_or_else(|status| panic!("{what}: {status}\n{}", server.said()));
    assert_eq!(releases.len(), 2, "{what}");
    let last = releases.iter().filter_map(|release| release.committed_position).max();
    api.answered(last.expect("both are committed")).await.expect(what);
    api.alerts().await.expect(what);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_takes_writing_away_and_not_reading() {
    let files = Files::new();
    let expected = undisturbed(&files).await;
    let data = TempDir::new().expect("a temporary folder");
    let server = start(data.path());
    let address = format!("http://{}", server.address());
    run(client(&address, &["ingest", &files.releases[0]]));
    run(client(&address, &["rules", "apply", &files.rules]));
    Api::at(server.address()).settled().await.expect("it settles");

    // Rows of a release still fit; the figures that follow from them do not.
    let size = |log: &str| fs::metadata(data.path().join(log)).expect("a log").len();
    assert!(size("observations.db-wal") * 2 < size("exposures.db-wal"), "figures take more room than rows");
    limit(&server, Some(size("exposures.db-wal")));
    run(client(&address, &["ingest", "--no-wait", &files.releases[1]]));
    wait("publishing waits for room", &server, || times_said(&server) > 0);
    answers(&server, "while the exposures log is full").await;

    // Nothing can be written any more: who asks for it is told.
    limit(&server, Some(1));
    refused(client(&address, &["ingest", &files.releases[2]]), "the archive has no room left");
    let silence =
        ["silences", "add", "--material", "cobalt", "--lasts", "1h", "--author", "ann", "--reason", "full"];
    refused(client(&address, &silence), "log alerts is full");
    answers(&server, "while everything is full").await;
    server.kill();

    // A start on a full disk serves what there is: SQLite has the room that it needs to read, 32 KiB, and none to write.
    let data_dir = data.path().to_str().expect("a UTF-8 path");
    let mut server = Server::start_under(
        &["sh", "-c", "trap '' XFSZ && ulimit -S -f 128 && exec \"$0\" \"$@\""],
        &["up", "--data", data_dir],
    );
    let address = format!("http://{}", server.address());
    wait("publishing waits for room again", &server, || times_said(&server) > 0);
    answers(&server, "after a start on a full disk").await;
    refused(client(&address, &silence), "log alerts is full");

    // It goes on by itself.
    limit(&server, None);
    let state = State::of(&Api::at(server.address())).await.expect("it settles");
    if let Some(difference) = expected.difference(&state) {
        panic!("{difference}\n{}", server.said());
    }
    wait("it is said that there is room", &server, || server.said().contains("the log has room again"));
    assert_eq!(times_said(&server), 1, "once, however often it was tried:\n{}", server.said());
    run(client(&address, &silence));
    server.signal("TERM");
    assert!(server.wait(STOP).success(), "{}", server.said());
}

/// A stop in order leaves room for the start that follows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_on_a_full_disk_is_in_order() {
    let files = Files::new();
    let data = TempDir::new().expect("a temporary folder");
    let mut server = start(data.path());
    let address = format!("http://{}", server.address());
    run(client(&address, &["ingest", &files.releases[0]]));
    let size = fs::metadata(data.path().join("exposures.db-wal")).expect("a log").len();
    limit(&server, Some(size));
    run(client(&address, &["ingest", "--no-wait", &files.releases[1]]));
    wait("publishing waits for room", &server, || times_said(&server) > 0);
    server.signal("TERM");
    assert!(server.wait(STOP).success(), "{}", server.said());
    let server = start(data.path());
    Api::at(server.address()).settled().await.expect("it goes on where it stopped");
}
