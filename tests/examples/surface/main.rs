//! Calls every method of a fresh process with made-up messages for some time, and says what came of it.
//!
//! `cargo run -p orewatch-tests --example surface -- [SECONDS] [SEED]`. Ends with 1 if the process panicked, fell silent, or told a
//! caller that a fault was its own.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a tool of the tests: a panic with the reason is how it fails, its report is what it is for"
)]

use std::process::ExitCode;
use std::time::Duration;

use orewatch_tests::random::Random;
use orewatch_tests::surface::{Health, call_all, quantile};
use orewatch_tests::system::{Embedded, System as _, run};
use orewatch_tests::tools::reference_tables;

/// How many call at once.
const CALLERS: u64 = 8;

/// How long health may take to answer.
const PATIENCE: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args =
        std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("SECONDS and SEED are numbers"));
    let seconds = args.next().unwrap_or(600);
    let seed = args.next().unwrap_or_else(Random::seed);
    eprintln!("{seconds} s from seed {seed}");

    let mut system = Embedded::start();
    for table in reference_tables() {
        run(system.client(&["ingest", &table]));
    }
    system.api().settled().await.expect("the figures are there");

    let [address, ..] = system.addresses();
    let health = Health::watch(address);
    let report = call_all(address, seed, Duration::from_secs(seconds), CALLERS).await;
    let took = health.stop();
    let said = system.said();
    let wrong = report.wrong();
    let (usual, worst) = (quantile(&took, 0.99), quantile(&took, 1.0));
    print!("{report}");
    println!(
        "{} calls, {} of them wrong; health {} times, p99 {usual:?}, at most {worst:?}",
        report.calls(),
        wrong.len(),
        took.len()
    );
    for wrong in &wrong {
        println!("wrong: {wrong}");
    }
    let panicked: Vec<_> = said.lines().filter(|line| line.contains("panicked")).collect();
    for line in &panicked {
        println!("{line}");
    }
    system.stop();
    if wrong.is_empty() && panicked.is_empty() && worst <= PATIENCE {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
