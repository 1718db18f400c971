//! `just load [--seconds N] [--connections N] [--watchers N]`: one process under load, with figures of times, errors and memory.
//!
//! The process has the made trade of 60 economies in every product of the catalogue; 64 connections ask a mix of questions, and of
//! 500 watchers half do not read, while another vintage is committed every ten seconds. It fails where the process takes more
//! than the memory of a pod, or does not give it back.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

use std::env;
use std::time::Duration;

use orewatch_tests::load::{Load, put};

/// Memory of a pod in bytes, as in `deploy/base`.
const POD: u64 = 1 << 30;

fn main() {
    let (mut seconds, mut connections, mut watchers) = (600, 64, 500);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let number = args.next().and_then(|text| text.parse().ok()).expect("a number after the flag");
        match arg.as_str() {
            "--seconds" => seconds = number,
            "--connections" => connections = number,
            "--watchers" => watchers = number,
            other => panic!("unknown flag {other}"),
        }
    }
    let (duration, rest) =
        (Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)), Duration::from_secs(60));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let outcome = runtime.block_on(put(Load { duration, connections, watchers, rest })).expect("a load");
    println!("{outcome}");
    let [before, peak, after] = outcome.memory;
    assert!(peak < POD, "more than a pod has: {} MiB", peak >> 20);
    assert!(after <= before * 3 / 2, "not given back: {} MiB", after >> 20);
}
