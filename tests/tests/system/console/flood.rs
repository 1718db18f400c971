//! Files of many rows: they are sent while they are made, at the pace of who reads them, and a file that is
//! cut off never looks whole.
use std::time::{Duration, Instant};

use orewatch_tests::flood::{DIFFERENT, Flood, value};
use orewatch_tests::http::{get, send};
use orewatch_tests::process::Server;
use serde_json::Value;

/// Rows of a file that is larger than the memory that it may take.
const ROWS: u64 = 250_000;

/// Memory that a file of any length may take in the console, in KiB.
const MAX_MEMORY: u64 = 64 << 10;

/// Time without movement after which a stream stands still.
const STANDSTILL: Duration = Duration::from_millis(700);

/// Maximum time until a stream stands still.
const MAX_FLOW: Duration = Duration::from_secs(60);

const CSV: &str = "/api/v1/exposures.csv";

async fn before(rows: u64, has_end: bool) -> (Flood, Server) {
    let flood = Flood::start(rows, has_end).await;
    let console = Server::start(&["console", "--server", flood.address()]);
    (flood, console)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_whole_in_order_and_takes_little_memory() {
    let (_flood, console) = before(ROWS, true).await;
    let some = get(console.address(), "/api/v1/exposures.csv?fields=value&consumer=DEU");
    assert!(some.is_whole, "{}", console.process_output());
    let [before, _] = console.memory();
    let all = get(console.address(), CSV);
    let [_, peak] = console.memory();
    assert!(all.is_whole && all.header("transfer-encoding") == "chunked", "{:?}", all.headers);
    let size = u64::try_from(all.body.len()).expect("a length") >> 10;
    println!("{ROWS} rows, {size} KiB; memory before {before} KiB, at most {peak} KiB");
    assert!(size > MAX_MEMORY, "a file of {size} KiB shows nothing");
    assert!(peak.saturating_sub(before) < MAX_MEMORY, "{before} KiB before, {peak} KiB at most");

    let text = some.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("value"));
    for number in 0..ROWS {
        let read: f64 = lines.next().and_then(|line| line.parse().ok()).expect("a value");
        assert!(read.to_bits() == value(number).to_bits(), "row {number}, {DIFFERENT} are different: {read}");
    }
    assert_eq!(lines.next(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_slowly_is_waited_for_and_holds_up_nobody() {
    let (flood, console) = before(ROWS, true).await;
    let mut slow = send(console.address(), "GET", CSV, &[], &[]);
    slow.read_beginning(64 << 10);
    let (deadline, mut taken, mut since) = (Instant::now() + MAX_FLOW, 0, Instant::now());
    while since.elapsed() < STANDSTILL {
        assert!(Instant::now() < deadline, "{taken} rows were taken, and it goes on");
        if flood.sent() != taken {
            (taken, since) = (flood.sent(), Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{taken} of {ROWS} rows were taken for who does not read");
    assert!(taken < ROWS / 2, "{taken} of {ROWS} rows were taken");
    assert_eq!(get(console.address(), "/api/v1/exposures").status, 200, "others are answered");
    let answer = slow.answer();
    assert!(answer.is_whole, "it goes on where it stopped");
    let lines = answer.body.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(u64::try_from(lines).ok(), Some(ROWS + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_off_does_not_look_whole() {
    let (_flood, console) = before(20_000, false).await;
    for ending in ["csv", "json", "xlsx", "parquet", "arrow"] {
        let cut = get(console.address(), &format!("/api/v1/exposures.{ending}"));
        assert!(cut.status == 200 && !cut.body.is_empty(), "{ending}: {}", cut.status);
        assert!(!cut.is_whole && cut.header("content-length").is_empty(), "{ending}: {:?}", cut.headers);
        if ending == "csv" {
            let text = cut.text();
            let last = text.lines().next_back().unwrap_or_default();
            assert!(last.starts_with("# incomplete: "), "{last}");
        }
        if ending == "json" {
            assert!(serde_json::from_slice::<Value>(&cut.body).is_err(), "half of a list is no JSON");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_at_once_is_a_problem_and_no_file() {
    let (_flood, console) = before(500, false).await;
    let failed = get(console.address(), CSV);
    assert!(failed.status == 503 && failed.is_whole, "{}", failed.text());
    assert_eq!(failed.header("content-type"), "application/problem+json");
    assert!(failed.header("content-disposition").is_empty(), "{:?}", failed.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_dies_leaves_no_whole_file() {
    let (_flood, console) = before(ROWS, true).await;
    let mut reader = send(console.address(), "GET", CSV, &[], &[]);
    reader.read_beginning(64 << 10);
    console.kill();
    assert!(!reader.answer().is_whole);
}
