//! The look-through of every market of a made world, beside scipy's sparse LU and LAPACK on the same systems.
//!
//! `just bench-lookthrough [--rows N] [--runs N]`. All sides take the same flows and output of 2,610 markets of 200 economies,
//! and give where the supply of every economy truly comes from. They run in turn; medians of CPU time a market are printed, and
//! the sums of all HHIs must agree. `--rows` sets how dense the markets are: 5 million flows fill a twentieth.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

#[path = "../data/tables.rs"]
mod tables;
mod world;

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use orewatch_measures::{Mixes, Solver};
use orewatch_tests::tools::{output, root, text};
use world::World;

/// What one run of one side came to.
#[derive(Clone, Copy, Debug)]
struct Run {
    markets: usize,
    /// CPU seconds of all markets.
    cpu: f64,
    /// Sum of the HHIs of all economies, 0 to 1 each.
    hhi: f64,
}

const PEERS: [(&str, &str); 2] = [("scipy, sparse LU", "splu"), ("LAPACK, producers only", "dense")];

fn main() {
    let (mut rows, mut runs) = (5_000_000, 3_usize);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match flag.as_str() {
            "--rows" => rows = number,
            "--runs" => runs = number,
            _ => panic!("{flag} is none of --rows, --runs"),
        }
    }
    let folder = tables::folder(rows);
    let world = World::read(&folder);
    let mut ours = Vec::new();
    let mut peers = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        let own = run(&world);
        for ((name, method), runs) in PEERS.iter().zip(&mut peers) {
            let peer = job(&folder, method);
            let near = (peer.hhi - own.hhi).abs() <= 1e-9 * own.hhi;
            assert!(near && peer.markets == own.markets, "orewatch came to {own:?}, {name} to {peer:?}");
            runs.push(peer);
        }
        ours.push(own);
    }
    let markets = tables::float(world.markets.len());
    println!("{rows} listed flows, {markets} markets, {:.1} % of all pairs trade", 100.0 * world.fill());
    println!("median of {runs} interleaved runs; all sides agree on the sum of all HHIs to 1e-9");
    println!("{:<26}{:>16}{:>10}", "", "ms a market", "times");
    let own = median(&ours);
    let sides = PEERS.iter().map(|(name, _)| *name).zip(&peers).chain([("orewatch", &ours)]);
    for (name, runs) in sides {
        let cpu = median(runs);
        println!("{name:<26}{:>16.4}{:>10.1}", 1e3 * cpu / markets, cpu / own);
    }
}

fn median(runs: &[Run]) -> f64 {
    let mut numbers: Vec<_> = runs.iter().map(|run| run.cpu).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One thread without waiting: the time that passes is what the CPU took, and what others took from it.
fn run(world: &World) -> Run {
    let (mut solver, mut mixes) = (Solver::default(), Mixes::default());
    let (mut cpu, mut hhi) = (0.0, 0.0);
    for market in &world.markets {
        let begun = Instant::now();
        solver.solve(&market.output, &market.flows, &mut mixes);
        cpu += begun.elapsed().as_secs_f64();
        let economies = (0..).take(market.output.len());
        hhi += economies.map(|at| mixes.mix(at).map(|(_, share)| share * share).sum::<f64>()).sum::<f64>();
    }
    Run { markets: world.markets.len(), cpu, hhi }
}

fn job(folder: &Path, method: &str) -> Run {
    let mut job = Command::new(root().join(".tools/bin/python"));
    let said = output(job.arg(root().join("benches/lookthrough/solve_job.py")).arg(folder).arg(method));
    assert!(said.status.success(), "{}", text(&said.stderr));
    let said = text(&said.stdout);
    let numbers: Vec<&str> = said.split_whitespace().collect();
    let [markets, cpu, hhi] = *numbers.as_slice() else { panic!("three numbers are expected: {said}") };
    Run { markets: tables::number(markets), cpu: tables::number(cpu), hhi: tables::number(hhi) }
}
