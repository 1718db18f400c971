//! Benchmark of ingestion, from a CSV file to a durable log and to exposures that can be queried, compared
//! with DuckDB, which only adds up the same file.
//!
//! `just bench-ingest [FILE] [--rows N]... [--runs N] [--log nats]`. The sides take turns, each run in
//! separate processes and ours with an empty directory: in one process (`ingest --data`, until the release is
//! durable and committed), and with a client and a service (`up`, until queries include it). The codes of
//! generated files are in no catalogue, so that a concordance is ingested with them. Prints medians of wall
//! time, CPU time and peak memory, and compares the figures of both. With `--log nats` the service also runs
//! on JetStream; afterwards the events of its log are appended alone, and their bytes published alone by a
//! plain client, to show what the server can take. Reading the file is a part of the first, and of neither of
//! the others. `--rows 1000000 --rows 5000000 --log nats` shows what a larger file changes about that.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

mod agree;
mod generate;
mod in_order;
mod raw;
mod tables;
mod usage;
mod ways;

use std::path::PathBuf;
use std::{env, fs};

use orewatch_tests::tools::root;
use tempfile::TempDir;
use ways::{Job, Run};

struct Options {
    files: Vec<PathBuf>,
    runs: usize,
    nats: bool,
}

/// Runs of each side.
#[derive(Default)]
struct Sides {
    in_process: Vec<Run>,
    served: Vec<Run>,
    jetstream: Vec<Run>,
    duckdb: Vec<Run>,
}

fn main() {
    let options = options();
    let work = TempDir::new_in(root().join("target")).expect("a folder for the runs");
    tables::write(work.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for file in &options.files {
        let job = Job { file, work: work.path() };
        let compare = work.path().join("figures.csv");
        let (mut sides, mut rows) = (Sides::default(), 0);
        for run in 0..options.runs {
            sides.duckdb.push(job.duckdb(&compare));
            sides.in_process.push(job.in_process());
            job.clear();
            let (served, read, figures) = runtime.block_on(job.served(run == 0));
            rows = read;
            sides.served.push(served);
            if run == 0 {
                println!("{}", agree::check(&figures, &compare));
            }
            job.clear();
            if options.nats {
                sides.jetstream.push(runtime.block_on(job.on_jetstream()));
                job.clear();
            }
        }
        report(rows, &sides);
    }
}

fn options() -> Options {
    let (mut files, mut runs, mut nats) = (Vec::new(), 5, false);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let number = |text: Option<String>| {
            text.and_then(|value| value.parse().ok()).expect("a number after the flag")
        };
        match arg.as_str() {
            "--rows" => files.push(generated_file(number(args.next()))),
            "--runs" => runs = number(args.next()).max(1),
            "--log" => nats = args.next().as_deref() == Some("nats"),
            _ => files.push(PathBuf::from(arg)),
        }
    }
    if files.is_empty() {
        files.push(generated_file(1_000_000));
    }
    Options { files, runs, nats }
}

/// Path of a generated file with this many rows. The parser reads the vintage from its name.
fn generated_file(rows: usize) -> PathBuf {
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder).expect("target/bench can be made");
    let path = folder.join(format!("BACI_HS92_Y1995_2024_V{rows}own.csv"));
    if !path.exists() {
        generate::write(&path, rows);
    }
    path
}

/// A row of the report: its name, its value in a run, and whether it is a rate.
type Line = (&'static str, fn(&Run) -> f64, bool);

fn report(rows: u64, sides: &Sides) {
    println!("{rows} rows, medians of {} interleaved runs", sides.duckdb.len());
    println!(
        "{:<28}{:>14}{:>14}{:>8}{:>14}{:>8}",
        "", "DuckDB", "in process", "ratio", "by a client", "ratio"
    );
    let lines: [Line; 4] = [
        ("wall time, s", |run| run.wall, false),
        ("processor time, s", |run| run.processor, false),
        ("peak memory, MiB", |run| run.peak, false),
        ("rows/s", |run| 1.0 / run.wall, true),
    ];
    for (name, pick, is_rate) in lines {
        let scale = if is_rate { as_float(rows) } else { 1.0 };
        let of = |runs: &[Run]| scale * median(runs.iter().map(pick).collect());
        let [theirs, here, served] = [&sides.duckdb, &sides.in_process, &sides.served].map(|runs| of(runs));
        println!(
            "{name:<28}{theirs:>14.2}{here:>14.2}{:>8.2}{served:>14.2}{:>8.2}",
            here / theirs,
            served / theirs
        );
    }
    if sides.jetstream.is_empty() {
        return;
    }
    let of = |pick: fn(&Run) -> f64| median(sides.jetstream.iter().map(pick).collect());
    let (durable, appended, raw) = (of(|run| run.durable), of(|run| run.appended), of(|run| run.raw));
    println!("on JetStream, beside the same bytes published alone ({raw:.3} s):");
    println!("the log alone {appended:.3} s, ratio {:.2}", raw / appended);
    println!("with all that comes before, from the file on, {durable:.2} s, ratio {:.2}", raw / durable);
    println!(
        "figures after {:.2} s, processor time {:.2} s without the server's, peak {:.0} MiB",
        of(|run| run.wall),
        of(|run| run.processor),
        of(|run| run.peak)
    );
}

/// Converts a number of rows to a float. No file has the 2^53 rows from which that rounds.
fn as_float(rows: u64) -> f64 {
    u32::try_from(rows).map_or(f64::INFINITY, f64::from)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
