//! The whole road, measured: csv to durable log to published exposures, beside DuckDB on the same file.
//!
//! `scripts/bench [FILE] [--rows N] [--runs N]`. Both sides run in turn, as processes of their own with an empty
//! directory each; medians are printed, and the figures of both are compared.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

mod agree;
mod generate;
mod tables;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use orewatch_tests::api::Api;
use orewatch_tests::process::Server;
use orewatch_tests::system::client;
use orewatch_tests::tools::{output, root, text};
use tempfile::TempDir;

/// Seconds from the start of a run to durable rows and to durable figures.
struct Run {
    durable: f64,
    figures: f64,
}

struct Options {
    file: PathBuf,
    runs: usize,
}

fn main() {
    let options = options();
    let work = TempDir::new_in(root().join("target")).expect("a folder for the runs");
    tables::write(work.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");

    let (mut ours, mut theirs, mut rows) = (Vec::new(), Vec::new(), 0);
    for run in 0..options.runs {
        let (measured, read, figures) = runtime.block_on(run_orewatch(&options.file, work.path(), run == 0));
        rows = read;
        ours.push(measured);
        let compare = work.path().join("figures.csv");
        theirs.push(run_duckdb(&options.file, work.path(), (run == 0).then_some(&compare)));
        if run == 0 {
            println!("{}", agree::check(&figures, &compare));
        }
        println!("run {}: orewatch {}, DuckDB {}", run + 1, show(ours.last()), show(theirs.last()));
    }
    report(rows, &ours, &theirs);
}

fn options() -> Options {
    let (mut file, mut rows, mut runs) = (None, 1_000_000, 5);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let mut number =
            || args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match arg.as_str() {
            "--rows" => rows = number(),
            "--runs" => runs = number().max(1),
            _ => file = Some(PathBuf::from(arg)),
        }
    }
    Options { file: file.unwrap_or_else(|| made(rows)), runs }
}

/// A made file of so many rows; the name carries what the parser reads from names.
fn made(rows: usize) -> PathBuf {
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder).expect("target/bench can be made");
    let path = folder.join(format!("BACI_HS92_Y1995_2024_V{rows}.csv"));
    if !path.exists() {
        generate::write(&path, rows);
    }
    path
}

async fn run_orewatch(
    file: &Path,
    work: &Path,
    read_back: bool,
) -> (Run, u64, Vec<orewatch_contracts::exposure::v1::Exposure>) {
    let data = work.join("orewatch");
    let server = Server::start(&["up", "--data", data.to_str().expect("UTF-8")]);
    let api = Api::at(server.address());
    let started = Instant::now();
    let mut ingest =
        client(&format!("http://{}", server.address()), &["ingest", "--no-wait", "--max-rejects", "1000000"]);
    let ingest = output(ingest.arg(file));
    let durable = started.elapsed().as_secs_f64();
    assert!(ingest.status.success(), "{}{}", text(&ingest.stdout), text(&ingest.stderr));
    let release = api.releases().await.expect("releases").pop().expect("a release");
    api.published(release.committed_position.expect("it is committed")).await.expect("exposures");
    let figures = started.elapsed().as_secs_f64();
    let read = if read_back { agree::figures(&api).await } else { Vec::new() };
    assert!(server.stop().success());
    fs::remove_dir_all(&data).expect("the run's data go away");
    (Run { durable, figures }, release.report.expect("a report").rows_read, read)
}

fn run_duckdb(file: &Path, work: &Path, figures: Option<&PathBuf>) -> Run {
    let database = work.join("peer.duckdb");
    let mut job = Command::new(root().join(".tools/bin/python"));
    job.arg(root().join("benches/road/duckdb_job.py")).args([file, work, &database]).args(figures);
    let run = output(&mut job);
    assert!(run.status.success(), "{}", text(&run.stderr));
    fs::remove_file(&database).expect("the run's data go away");
    let said = text(&run.stdout);
    let mut seconds = said.split_whitespace().map(|word| word.parse().expect("seconds"));
    let mut next = || seconds.next().expect("two numbers");
    Run { durable: next(), figures: next() }
}

fn show(run: Option<&Run>) -> String {
    run.map_or_else(String::new, |run| format!("{:.2} s durable, {:.2} s figures", run.durable, run.figures))
}

fn report(rows: u64, ours: &[Run], theirs: &[Run]) {
    println!("\n{rows} rows, median of {} interleaved runs      orewatch        DuckDB   ratio", ours.len());
    for (name, pick) in [
        ("csv to durable rows, rows/s", (|run| run.durable) as fn(&Run) -> f64),
        ("csv to durable figures, rows/s", |run| run.figures),
    ] {
        let per_second = |runs: &[Run]| as_float(rows) / median(runs.iter().map(pick).collect());
        let (our, their) = (per_second(ours), per_second(theirs));
        println!("{name:<40}{our:>14.0}{their:>14.0}{:>8.2}", our / their);
    }
}

/// A count as a float; no file of this benchmark reaches the 2^53 rows where that rounds.
fn as_float(rows: u64) -> f64 {
    u32::try_from(rows).map_or(f64::INFINITY, f64::from)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
