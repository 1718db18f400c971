//! Ingestion, measured: csv to durable log to exposures that can be asked for, beside DuckDB that only adds the same file up.
//!
//! `just bench-ingest [FILE] [--rows N]... [--runs N]`. Both sides run in turn, as processes of their own, ours with an empty
//! directory each; medians of wall time, processor time and peak memory are printed, and the figures of both are compared.
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
mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use orewatch_tests::api::Api;
use orewatch_tests::process::Server;
use orewatch_tests::system::client;
use orewatch_tests::tools::{output, root, text};
use tempfile::TempDir;

/// What one run took.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Seconds until the figures can be asked for.
    wall: f64,
    /// Seconds until the rows are durable; as `wall` where nothing is kept.
    durable: f64,
    /// Seconds of processor time, of all processes.
    processor: f64,
    /// Most memory of the process that does the work, in MiB.
    peak: f64,
}

struct Options {
    files: Vec<PathBuf>,
    runs: usize,
}

fn main() {
    let options = options();
    let work = TempDir::new_in(root().join("target")).expect("a folder for the runs");
    tables::write(work.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for file in &options.files {
        let (mut ours, mut theirs, mut rows) = (Vec::new(), Vec::new(), 0);
        for run in 0..options.runs {
            let (measured, read, figures) = runtime.block_on(run_orewatch(file, work.path(), run == 0));
            rows = read;
            ours.push(measured);
            let compare = work.path().join("figures.csv");
            theirs.push(run_duckdb(file, work.path(), &compare));
            if run == 0 {
                println!("{}", agree::check(&figures, &compare));
            }
        }
        report(rows, &ours, &theirs);
    }
}

fn options() -> Options {
    let (mut files, mut runs) = (Vec::new(), 5);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let mut number =
            || args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match arg.as_str() {
            "--rows" => files.push(made(number())),
            "--runs" => runs = number().max(1),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    if files.is_empty() {
        files.push(made(1_000_000));
    }
    Options { files, runs }
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
    let (data, before) = (work.join("orewatch"), usage::ended_children());
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
    let wall = started.elapsed().as_secs_f64();
    let peak = usage::peak(server.process());
    // The comparison is not part of what is measured.
    let read = if read_back { agree::figures(&api).await } else { Vec::new() };
    assert!(server.stop().success());
    let processor = usage::ended_children() - before;
    fs::remove_dir_all(&data).expect("the run's data go away");
    let run = Run { wall, durable, processor, peak };
    (run, release.report.expect("a report").rows_read, read)
}

fn run_duckdb(file: &Path, work: &Path, figures: &Path) -> Run {
    let before = usage::ended_children();
    let mut job = Command::new(root().join(".tools/bin/python"));
    job.arg(root().join("benches/ingest/duckdb_job.py")).args([file, work, figures]);
    let run = output(&mut job);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let said = text(&run.stdout);
    let mut numbers = said.split_whitespace().map(|word| word.parse().expect("a number"));
    let mut next = || numbers.next().expect("two numbers");
    let (wall, peak) = (next(), next());
    Run { wall, durable: wall, processor: usage::ended_children() - before, peak }
}

fn report(rows: u64, ours: &[Run], theirs: &[Run]) {
    // The first of our runs also reads all figures back: its processor time says nothing where there are others.
    let timed = if ours.len() > 1 { ours.get(1..).unwrap_or(ours) } else { ours };
    println!("{rows} rows, medians of {} interleaved runs     orewatch        DuckDB   ratio", ours.len());
    for (name, pick) in [
        ("durable, s", (|run| run.durable) as fn(&Run) -> f64),
        ("figures can be asked for, s", |run| run.wall),
        ("processor time, s", |run| run.processor),
        ("peak memory, MiB", |run| run.peak),
        ("rows/s to figures", |run| 1.0 / run.wall),
    ] {
        let scale = if name.starts_with("rows") { as_float(rows) } else { 1.0 };
        let of = |runs: &[Run]| scale * median(runs.iter().map(pick).collect());
        let (our, their) = (of(timed), of(theirs));
        println!("{name:<40}{our:>14.2}{their:>14.2}{:>8.2}", our / their);
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
