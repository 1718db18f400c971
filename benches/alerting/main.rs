//! Benchmarks of alerting, compared with other programs where there are any.
//!
//! `just bench-alerting [PART]... [--rules N] [--exposures N] [--moved N] [--periods N] [--open N] [--changes
//! N] [--runs N]`. Parts; all of them if none is named:
//!
//! - `evaluation`: cost of evaluating a commit with many rules over many current exposures;
//! - `latency`: from the commit of a changed exposure to the stream of a subscriber, on both logs;
//! - `telling`: cost of a transition and of planning messages with many open alerts and many subscriptions;
//! - `steps`: time of a step of an expression, on which the limits of rules are based;
//! - `apply`: putting many rules on a running service, a thousand at a time;
//! - `restart`: time from start to SERVING with many open alerts, from a snapshot and from the logs alone;
//! - `peers`: Prometheus with the same rules on the same series, Alertmanager with as many alerts.
//!
//! On a machine with other work, CPU seconds are more reliable than wall-clock seconds.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

mod apply;
mod evaluation;
mod latency;
mod peers;
mod restart;
mod service;
mod steps;
mod telling;
#[path = "../ingest/usage.rs"]
#[expect(dead_code, reason = "ended children are watched by another benchmark")]
mod usage;

use std::env;

/// The allocator that ships: evaluation allocates much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTS: [&str; 7] = ["evaluation", "steps", "apply", "latency", "telling", "restart", "peers"];

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rules: usize,
    pub(crate) exposures: usize,
    /// Number of exposures that a commit changes.
    pub(crate) moved: usize,
    pub(crate) periods: usize,
    /// Number of open alerts.
    pub(crate) open: usize,
    /// Number of changes whose latency is measured.
    pub(crate) changes: usize,
    pub(crate) runs: usize,
}

/// Parses the command line: the requested parts, and their sizes.
fn parse_options(mut args: impl Iterator<Item = String>) -> (Vec<String>, Options) {
    let mut options = Options {
        rules: 10_000,
        exposures: 1_000_000,
        moved: 100_000,
        periods: 5,
        open: 100_000,
        changes: 500,
        runs: 3,
    };
    let mut parts = Vec::new();
    while let Some(arg) = args.next() {
        if PARTS.contains(&arg.as_str()) {
            parts.push(arg);
            continue;
        }
        let option = match arg.as_str() {
            "--rules" => &mut options.rules,
            "--exposures" => &mut options.exposures,
            "--moved" => &mut options.moved,
            "--periods" => &mut options.periods,
            "--open" => &mut options.open,
            "--changes" => &mut options.changes,
            "--runs" => &mut options.runs,
            _ => panic!("{arg} is neither a part ({}) nor a flag", PARTS.join(", ")),
        };
        let number = args.next().and_then(|value| value.parse().ok()).filter(|number| *number > 0);
        *option = number.unwrap_or_else(|| panic!("{arg} takes a number from 1"));
    }
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    (parts, options)
}

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let Some((service::CHILD, of_child)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return service::child_main(of_child);
    }
    let (parts, options) = parse_options(args.into_iter());
    for part in &parts {
        println!("\n{part}");
        match part.as_str() {
            "evaluation" => evaluation::report(&options),
            "steps" => steps::report(options.runs),
            "apply" => apply::report(&options),
            "latency" => block_on(latency::report(options.changes)),
            "telling" => telling::report(options.open).expect("valid events"),
            "restart" => restart::report(&options),
            _ => block_on(peers::report(&options)),
        }
    }
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// The median; of two middle values, the upper.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints a row of a table: its name, and the columns.
pub(crate) fn print_row(what: &str, columns: &[String]) {
    let columns: String = columns.iter().map(|column| format!("{column:>13}")).collect();
    println!("  {what:<56}{columns}");
}

/// Prints the head of a table.
pub(crate) fn print_head(what: &str, columns: &[&str]) {
    print_row(what, &columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
}
