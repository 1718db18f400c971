//! `just load [--seconds N] [--connections N] [--watchers N]`: puts one process under load, and prints
//! response times, errors and memory.
//!
//! The process has generated trade of 60 economies in every product of the catalogue. 64 connections send a
//! mix of queries, half of 500 watchers do not read, and another vintage is committed every ten seconds.
//! Fails if the process uses more memory than a pod has, or does not release it.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

use std::env;
use std::time::Duration;

use orewatch_tests::load::{Load, run_load};

/// Memory of a pod in bytes, as in `deploy/base`.
const POD_MEMORY: u64 = 1 << 30;

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
    let outcome = runtime.block_on(run_load(Load { duration, connections, watchers, rest })).expect("a load");
    println!("{outcome}");
    let [before, peak, after, restarted] = outcome.memory;
    assert!(peak < POD_MEMORY, "more than a pod has: {} MiB", peak >> 20);
    assert!(after <= before.max(restarted) * 3 / 2, "not released: {} MiB", after >> 20);
}
