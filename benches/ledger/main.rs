//! Benchmark of single changed figures: updates the measures of a market after each, compared with a Python
//! dict, Bytewax and DuckDB.
//!
//! `just bench-ledger [--rows N] [--updates N] [--runs N]`. All sides read the same flows and then the same
//! stream of revisions. For each revision they compute the figures of every affected consumer: the importer
//! and the blocs G7, EU27 and QUAD. The sides take turns. Prints medians; numbers of records, crossings of
//! lines and the sum of all HHIs must agree.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

mod made;
mod markets;
mod ours;
mod peers;
#[path = "../data/tables.rs"]
mod tables;

use std::env;

use made::Made;
use ours::{Consumers, Unknown};

/// Results of one run of one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) updates: usize,
    /// Seconds.
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    /// Microseconds per update. NaN if a side cannot measure it.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    pub(crate) tally: Tally,
}

/// Results that must be the same on all sides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    pub(crate) crossings: u64,
    /// Sum of the HHIs, 0 to 1 each.
    pub(crate) hhi: f64,
}

impl Tally {
    /// Panics if another side has other results. Sums may differ by rounding, because their order differs.
    fn check(&self, name: &str, other: &Self) {
        let near = (self.hhi - other.hhi).abs() <= 1e-9 * self.hhi;
        let same = (self.records, self.crossings) == (other.records, other.crossings);
        assert!(near && same, "orewatch came to {self:?}, {name} to {other:?}");
    }
}

struct Options {
    rows: usize,
    updates: usize,
    runs: usize,
}

fn options() -> Options {
    let mut options = Options { rows: 1_000_000, updates: 1_000_000, runs: 3 };
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match flag.as_str() {
            "--rows" => options.rows = number,
            "--updates" => options.updates = number,
            "--runs" => options.runs = number,
            _ => panic!("{flag} is none of --rows, --updates, --runs"),
        }
    }
    options
}

fn main() {
    let Options { rows, updates, runs } = options();
    let folder = tables::folder(rows);
    let made = Made::read(&folder, updates);
    let mut sides: Vec<Side> = peers::PEERS.iter().map(|peer| Side::new(peer.name)).collect();
    let (mut blocs, mut world, mut unknown) =
        (Side::new("orewatch"), Side::new("orewatch, and the world"), Side::new("orewatch, NA unknown"));
    for _ in 0..runs {
        for (peer, side) in peers::PEERS.iter().zip(&mut sides) {
            side.runs.push(peer.run(&folder, updates));
        }
        let counts: Vec<_> =
            sides.iter().filter_map(|side| side.runs.last()).map(|run| run.updates).collect();
        let (run, tallies) = ours::run(&made, Consumers::Blocs, Unknown::AsNothing, &counts);
        for (side, tally) in sides.iter().zip(&tallies) {
            tally.check(side.name, &side.runs.last().expect("it ran").tally);
        }
        blocs.runs.push(run);
        world.runs.push(ours::run(&made, Consumers::BlocsAndWorld, Unknown::AsNothing, &[]).0);
        unknown.runs.push(ours::run(&made, Consumers::Blocs, Unknown::Kept, &[]).0);
    }
    println!(
        "{rows} listed flows, median of {runs} interleaved runs; all sides agree on records, crossings, sums"
    );
    println!(
        "{:<26}{:>12}{:>14}{:>10}{:>10}{:>10}{:>10}",
        "", "updates/s", "per CPU s", "p50 us", "p99 us", "max us", "times"
    );
    let all = sides.iter().chain([&blocs, &world, &unknown]);
    all.for_each(|side| side.print(&blocs));
    println!("{}", ours::explanations(&made));
}

/// Runs of one side.
struct Side {
    name: &'static str,
    runs: Vec<Run>,
}

impl Side {
    fn new(name: &'static str) -> Self {
        Self { name, runs: Vec::new() }
    }

    fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        let mut numbers: Vec<_> = self.runs.iter().map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn per_cpu_second(&self) -> f64 {
        self.median(|run| tables::float(run.updates) / run.cpu)
    }

    fn print(&self, ours: &Self) {
        let wall = self.median(|run| tables::float(run.updates) / run.wall);
        let [p50, p99, max] =
            [|run: &Run| run.p50, |run: &Run| run.p99, |run: &Run| run.max].map(|of| self.median(of));
        let (name, cpu, times) =
            (self.name, self.per_cpu_second(), ours.per_cpu_second() / self.per_cpu_second());
        println!("{name:<26}{wall:>12.0}{cpu:>14.0}{p50:>10.2}{p99:>10.2}{max:>10.0}{times:>10.1}");
    }
}
