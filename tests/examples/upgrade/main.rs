//! `scripts/upgrade-test [REVISION]`: the processes of another version, on three NATS servers and under load,
//! are replaced by this version one after the other, and some of them by the other version again.
//!
//! `cargo run -p orewatch-tests --example upgrade -- PROGRAM [SECONDS] [ROWS]`, with the program of the other
//! version. Exits with 1 if a call failed for a client that retries, a stream did not go on with its resume
//! token, something was lost or repeated, or the versions answer differently.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a tool of the tests: a panic with the reason is how it fails, its report is what it is for"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use orewatch_tests::soak::upgrade::{Upgrade, run_upgrade};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let previous = args.next().map(PathBuf::from).filter(|path| path.is_file());
    let previous = previous.expect("the program of the other version, PROGRAM [SECONDS] [ROWS]");
    let previous = previous.canonicalize().expect("it has a path");
    let mut number = |usual| args.next().map_or(usual, |arg| arg.parse().expect("a number"));
    let (duration, rows) = (Duration::from_secs(number(90)), number(400));
    let report = run_upgrade(&Upgrade { previous, duration, rows }, &mut |line| eprintln!("{line}"));
    println!("{report}");
    let has_ended = report.ended_streams() > 0;
    if !has_ended {
        println!("BROKEN: no stream was ended by its service");
    }
    if has_ended && report.broken().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
