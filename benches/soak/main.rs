//! `just soak [--seconds N] [--rows N] [--seed N] [--without KIND]...`: a load with faults on three NATS
//! servers and two processes of each service, for ten minutes.
//!
//! Prints what happens on standard error and the report on standard output: load held, faults with the time
//! until commits reached a subscriber within 100 ms again, what was acknowledged and lost, repeated or out of
//! order, the longest time without an answer, and latencies without a fault. Fails if a promise is broken.
//! The seed is printed; the same seed gives the same faults. `--without` leaves kinds of faults out, such as
//! `fill-disk-of-server` where the system does not let users mount file systems.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use orewatch_tests::random::Random;
use orewatch_tests::soak::plan::Kind;
use orewatch_tests::soak::{Soak, run_soak};

fn main() -> ExitCode {
    let (mut seconds, mut rows, mut seed, mut without) = (600, 2_000, Random::random_seed(), Vec::new());
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let value = args.next().expect("a value after the flag");
        let number = || value.parse::<u64>().expect("a number after the flag");
        match arg.as_str() {
            "--seconds" => seconds = number(),
            "--rows" => rows = number(),
            "--seed" => seed = number(),
            "--without" => without.push(Kind::from_name(&value).unwrap_or_else(|| panic!("{}", kinds()))),
            other => panic!("unknown flag {other}"),
        }
    }
    let soak = Soak { seed, duration: Duration::from_secs(seconds), rows, without, is_timed: true };
    let report = run_soak(&soak, &mut |line| eprintln!("{line}"));
    println!("{report}");
    if report.broken().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn kinds() -> String {
    format!("the kinds of faults are {}", Kind::ALL.map(Kind::name).join(", "))
}
