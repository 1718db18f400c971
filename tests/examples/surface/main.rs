//! Calls every method of a fresh process with random messages, and prints how the calls ended.
//!
//! `cargo run -p orewatch-tests --example surface -- [SECONDS] [SEED]`. Exits with 1 if the process
//! panicked, was silent for too long, or blamed itself for a request.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a tool of the tests: a panic with the reason is how it fails, its report is what it is for"
)]

use std::process::ExitCode;
use std::time::Duration;

use orewatch_tests::random::Random;
use orewatch_tests::surface::{CallPlan, HealthWatch, call_all};
use orewatch_tests::system::{Embedded, System as _, run};
use orewatch_tests::tools::reference_tables;

/// Callers that run at the same time.
const CALLERS: u64 = 8;

/// Every call must be answered within this time. The command line's own client waits as long for a page of
/// exposures.
const CALL_PATIENCE: Duration = Duration::from_secs(20);

/// Every health check must be answered within this time.
const MAX_HEALTH_TIME: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args =
        std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("SECONDS and SEED are numbers"));
    let seconds = args.next().unwrap_or(600);
    let seed = args.next().unwrap_or_else(Random::random_seed);
    eprintln!("{seconds} s from seed {seed}");

    let mut system = Embedded::start();
    for table in reference_tables() {
        run(system.client(&["ingest", &table]));
    }
    system.api().settled().await.expect("the figures are published");

    let [address, ..] = system.addresses();
    let health = HealthWatch::start(address);
    let time = Duration::from_secs(seconds);
    let plan = CallPlan { seed, callers: CALLERS, time, patience: CALL_PATIENCE };
    let report = call_all(address, plan).await;
    let health = health.stop();
    let output = system.process_output();
    let faults = report.faults();
    let (p99, slowest) = (health.quantile(0.99), health.quantile(1.0));
    print!("{report}");
    println!(
        "{} calls, {} of them wrong; health {} times, {} missed, p99 {p99:?}, at most {slowest:?}",
        report.calls(),
        faults.len(),
        health.answered.len(),
        health.missed
    );
    for fault in &faults {
        println!("wrong: {fault}");
    }
    let panics: Vec<_> = output.lines().filter(|line| line.contains("panicked")).collect();
    for line in &panics {
        println!("{line}");
    }
    system.stop();
    let is_healthy = health.missed == 0 && slowest <= MAX_HEALTH_TIME;
    if faults.is_empty() && panics.is_empty() && is_healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
