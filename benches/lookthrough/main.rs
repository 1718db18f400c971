//! Benchmark of the look-through of every market of a generated world, compared with the sparse LU of scipy
//! and with LAPACK on the same systems.
//!
//! `just bench-lookthrough [--rows N]... [--runs N]`. All sides read the same flows and output of 2,610
//! markets with 200 economies, and compute where the supply of every economy really comes from. The sides
//! take turns, each in one thread. Prints minimum and median of the CPU time per market; the sums of all HHIs
//! must agree. `--rows` sets the density of the markets: 5 million flows fill 4.6 % of all pairs, 20 million
//! 18 %. The default is to measure both.
//!
//! The other programs choose the kernel of their BLAS themselves, and it is printed. Environment variables
//! that would choose an older one (`OPENBLAS_CORETYPE`, `OPENBLAS_L2_SIZE`) are not passed on.
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

use orewatch_measures::{Mixes, Solver};
use orewatch_tests::tools::{output, root, text};
use rustix::time::{ClockId, clock_gettime};
use world::World;

/// Results of one run of one side.
#[derive(Clone, Copy, Debug)]
struct Run {
    markets: usize,
    /// CPU seconds of all markets.
    cpu: f64,
    /// Sum of the HHIs of all economies, 0 to 1 each.
    hhi: f64,
}

const PEERS: [(&str, &str); 2] = [("scipy, sparse LU", "splu"), ("LAPACK, producers only", "dense")];

/// Results of all sides for one world.
struct Measured {
    ours: Vec<Run>,
    peers: [Vec<Run>; 2],
    /// BLAS kernel of each other program.
    kernels: [String; 2],
}

fn main() {
    let (mut sets, mut runs) = (Vec::new(), 3_usize);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match flag.as_str() {
            "--rows" => sets.push(number),
            "--runs" => runs = number,
            _ => panic!("{flag} is none of --rows, --runs"),
        }
    }
    if sets.is_empty() {
        sets = vec![5_000_000, 20_000_000];
    }
    for rows in sets {
        let folder = tables::folder(rows);
        let world = World::read(&folder);
        print(rows, &world, &measure(&folder, &world, runs));
    }
}

fn measure(folder: &Path, world: &World, runs: usize) -> Measured {
    let mut measured = Measured { ours: Vec::new(), peers: Default::default(), kernels: Default::default() };
    for _ in 0..runs {
        let own = run(world);
        let peers = PEERS.iter().zip(&mut measured.peers).zip(&mut measured.kernels);
        for (((name, method), runs), kernel) in peers {
            let (peer, which) = run_peer(folder, method);
            let near = (peer.hhi - own.hhi).abs() <= 1e-9 * own.hhi;
            assert!(near && peer.markets == own.markets, "orewatch came to {own:?}, {name} to {peer:?}");
            runs.push(peer);
            *kernel = which;
        }
        measured.ours.push(own);
    }
    measured
}

fn print(rows: usize, world: &World, measured: &Measured) {
    let markets = tables::float(world.markets.len());
    let (runs, fill) = (measured.ours.len(), 100.0 * world.fill());
    println!("{rows} listed flows, {markets} markets, {fill:.1} % of all pairs trade");
    println!("{runs} interleaved runs of CPU time; all sides agree on the sum of all HHIs to 1e-9");
    println!("{:<26}{:>14}{:>14}{:>10}  BLAS", "ms a market", "minimum", "median", "times");
    let (least, median) = minimum_and_median(&measured.ours);
    let ours = ("orewatch", (least, median), 1.0, "");
    let peers =
        PEERS.iter().zip(&measured.peers).zip(&measured.kernels).map(|(((name, _), runs), kernel)| {
            let cpu = minimum_and_median(runs);
            (*name, cpu, cpu.1 / median, kernel.as_str())
        });
    for (name, (least, median), times, kernel) in peers.chain([ours]) {
        let [least, median] = [least, median].map(|cpu| 1e3 * cpu / markets);
        println!("{name:<26}{least:>14.4}{median:>14.4}{times:>10.1}  {kernel}");
    }
    println!();
}

fn minimum_and_median(runs: &[Run]) -> (f64, f64) {
    let mut numbers: Vec<_> = runs.iter().map(|run| run.cpu).collect();
    numbers.sort_by(f64::total_cmp);
    let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
    (at(0), at(numbers.len() / 2))
}

/// CPU time of this process. The other programs measure theirs in the same way; time of other processes does
/// not count.
fn cpu_time() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let part = |number: i64| u32::try_from(number).map_or(f64::INFINITY, f64::from);
    part(now.tv_sec) + part(now.tv_nsec) * 1e-9
}

fn run(world: &World) -> Run {
    let (mut solver, mut mixes) = (Solver::default(), Mixes::default());
    let (mut cpu, mut hhi) = (0.0, 0.0);
    for market in &world.markets {
        let begun = cpu_time();
        solver.solve(&market.output, &market.flows, &mut mixes);
        cpu += cpu_time() - begun;
        let economies = (0..).take(market.output.len());
        hhi += economies.map(|at| mixes.mix(at).map(|(_, share)| share * share).sum::<f64>()).sum::<f64>();
    }
    Run { markets: world.markets.len(), cpu, hhi }
}

/// Runs another program. Returns its results, and its BLAS kernel.
fn run_peer(folder: &Path, method: &str) -> (Run, String) {
    let mut job = Command::new(root().join(".tools/bin/python"));
    job.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
    let done = output(job.arg(root().join("benches/lookthrough/solve_job.py")).arg(folder).arg(method));
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    let fields: Vec<&str> = printed.split_whitespace().collect();
    let [markets, cpu, hhi, ref kernel @ ..] = *fields.as_slice() else {
        panic!("three numbers and a kernel are expected: {printed}")
    };
    let run = Run { markets: tables::number(markets), cpu: tables::number(cpu), hhi: tables::number(hhi) };
    (run, kernel.join(" "))
}
