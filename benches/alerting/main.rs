//! How fast alerting is, beside a peer where there is one.
//!
//! `just bench-alerting [PART]... [--rules N] [--exposures N] [--moved N] [--periods N] [--open N] [--changes N] [--runs N]`.
//! Parts, all of them if none is named:
//!
//! - `evaluation`: what a commit costs to evaluate by many rules over many live exposures;
//! - `latency`: from the commit of a changed exposure to the stream of a subscriber, on both logs;
//! - `telling`: what one more transition and one more plan cost where many alerts are open and many subscribe;
//! - `restart`: from the start to SERVING with many open alerts, from a snapshot and from the logs alone;
//! - `peers`: Prometheus with the same rules on the same series, Alertmanager with as many alerts.
//!
//! Seconds of processor time count more than those of the wall where other work runs on the machine.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

mod evaluation;
mod latency;
mod peers;
mod restart;
mod service;
mod telling;
#[path = "../ingest/usage.rs"]
#[expect(dead_code, reason = "ended children are watched by another benchmark")]
mod usage;

use std::env;

/// The one that ships: evaluation is largely allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTS: [&str; 5] = ["evaluation", "latency", "telling", "restart", "peers"];

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rules: usize,
    pub(crate) exposures: usize,
    /// Exposures that a commit gives new figures to.
    pub(crate) moved: usize,
    pub(crate) periods: usize,
    /// Open alerts.
    pub(crate) open: usize,
    /// Changes whose latency is taken.
    pub(crate) changes: usize,
    pub(crate) runs: usize,
}

/// The parts that are asked for, and how large they are.
fn options(mut args: impl Iterator<Item = String>) -> (Vec<String>, Options) {
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
        let place = match arg.as_str() {
            "--rules" => &mut options.rules,
            "--exposures" => &mut options.exposures,
            "--moved" => &mut options.moved,
            "--periods" => &mut options.periods,
            "--open" => &mut options.open,
            "--changes" => &mut options.changes,
            "--runs" => &mut options.runs,
            _ => panic!("{arg} is no part ({}) and no flag", PARTS.join(", ")),
        };
        let number = args.next().and_then(|value| value.parse().ok()).filter(|number| *number > 0);
        *place = number.unwrap_or_else(|| panic!("{arg} takes a number from 1"));
    }
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    (parts, options)
}

fn main() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let Some((service::CHILD, of_child)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return service::child(of_child);
    }
    let (parts, options) = options(args.into_iter());
    for part in &parts {
        println!("\n{part}");
        match part.as_str() {
            "evaluation" => evaluation::tell(&options),
            "latency" => wait(latency::tell(options.changes)),
            "telling" => telling::tell(options.open).expect("what is folded is sound"),
            "restart" => restart::tell(&options),
            _ => wait(peers::tell(&options)),
        }
    }
}

/// Runs what waits for something.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// The middle one, of an even number the upper.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A line of a table: what it is about, and the columns.
pub(crate) fn line(what: &str, columns: &[String]) {
    let columns: String = columns.iter().map(|column| format!("{column:>13}")).collect();
    println!("  {what:<56}{columns}");
}

/// The line above a table.
pub(crate) fn head(what: &str, columns: &[&str]) {
    line(what, &columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
}
