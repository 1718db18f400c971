//! Benchmark of draws of future supply, compared with numpy on the same projects.
//!
//! `just bench-outlook [--draws N] [--projects N] [--runs N]`. Both sides draw when each of 300 projects is
//! built, when it starts and how late it is, and add up supply by economy over 17 years, 10,000 times, in one
//! thread. They take turns. Prints minimum and median of the CPU time; the mean supply of every fourth year
//! must agree within what draws allow.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at the first thing that is wrong"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use orewatch_catalog::{Basis, Stage};
use orewatch_foresight::{
    Curve, Delay, Hazards, Project, ProjectStatus, Prospects, Stream, SupplyPlan, SupplySetup,
};
use orewatch_tests::tools::{output, root, text};
use rustix::time::{ClockId, clock_gettime};

const FIRST: i16 = 2024;
const YEARS: i16 = 17;
const ECONOMIES: [&str; 12] =
    ["AUS", "BRA", "CAN", "CHL", "CHN", "COD", "IDN", "IND", "JPN", "KOR", "USA", "ZAF"];

/// Yearly hazards of commitment and completion, and delays.
const HAZARDS: [f64; 2] = [0.04, 0.33];
const DELAY: Delay = Delay { share: 0.6, least: 0.5, most: 3.0 };
const RAMP: f64 = 2.0;

/// How far the means of both sides may differ, relative to the mean.
const ROOM: f64 = 0.01;

/// Results of one run of one side.
#[derive(Clone, Debug)]
struct Run {
    cpu: f64,
    /// Mean supply of all economies in every fourth year.
    means: Vec<f64>,
}

fn main() {
    let (mut draws, mut count, mut runs) = (10_000_u32, 300_u32, 5_usize);
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(flag) = args.next() {
        let number: u32 = args.next().and_then(|value| value.parse().ok()).expect("a number after the flag");
        match flag.as_str() {
            "--draws" => draws = number,
            "--projects" => count = number,
            "--runs" => runs = usize::try_from(number).expect("a small number").max(1),
            _ => panic!("{flag} is none of --draws, --projects, --runs"),
        }
    }
    let projects: Vec<Project> = (0..count).map(project).collect();
    let folder = tempfile::tempdir().expect("a folder for the table of projects");
    write(folder.path(), &projects);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        ours.push(run(&projects, draws));
        theirs.push(run_numpy(folder.path(), draws));
    }
    for (own, peer) in ours.iter().zip(&theirs) {
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= ROOM * b;
        assert!(own.means.iter().zip(&peer.means).all(is_near), "orewatch {own:?}, numpy {peer:?}");
    }
    println!("{draws} draws of {count} projects over {YEARS} years, {runs} interleaved runs of CPU time");
    println!("{:<12}{:>14}{:>14}{:>10}", "s", "minimum", "median", "times");
    let [(own_least, own), (least, median)] = [&ours, &theirs].map(|runs| minimum_and_median(runs));
    println!("{:<12}{least:>14.4}{median:>14.4}{:>10.1}", "numpy", median / own);
    println!("{:<12}{own_least:>14.4}{own:>14.4}{:>10.1}", "orewatch", 1.0);
}

/// A made-up project. What it is follows from its number.
fn project(number: u32) -> Project {
    let id = format!("project-{number:04}");
    let [place, size, start, window] =
        Stream::new(1, &id).words(0).map(|word| f64::from(word) / f64::from(u32::MAX));
    let economy =
        ECONOMIES.iter().zip(1_u32..).find(|(_, place_after)| place * 12.0 <= f64::from(*place_after));
    let start_from = 2025.0 + 9.0 * start;
    let committed = number.is_multiple_of(3);
    Project {
        id,
        economy: economy.map_or("ZAF", |(code, _)| *code).to_owned(),
        material: "copper".to_owned(),
        stage: Stage::Refined,
        capacity_kt: 1.0 + 99.0 * size,
        basis: Basis::Content,
        start_from,
        start_to: start_from + 3.0 * window,
        status: if committed { ProjectStatus::Committed } else { ProjectStatus::Announced },
        owners: Vec::new(),
        offtakes: Vec::new(),
        source: "made up".to_owned(),
        announced: None,
    }
}

/// Writes the projects for the other side.
fn write(folder: &Path, projects: &[Project]) {
    let mut table = String::from("economy,capacity,start_from,start_to,committed\n");
    for project in projects {
        let economy =
            ECONOMIES.iter().position(|code| *code == project.economy).expect("one of the economies");
        let committed = u8::from(project.status == ProjectStatus::Committed);
        let Project { capacity_kt, start_from, start_to, .. } = project;
        table.push_str(&format!("{economy},{capacity_kt},{start_from},{start_to},{committed}\n"));
    }
    fs::write(folder.join("projects.csv"), table).expect("the table can be written");
}

fn run(projects: &[Project], draws: u32) -> Run {
    let [commit, complete] = HAZARDS;
    let today = ECONOMIES.map(|code| (code.to_owned(), 100.0));
    let setup = SupplySetup {
        material: "copper",
        stage: Stage::Refined,
        basis: Basis::Content,
        as_of: FIRST,
        years: FIRST..FIRST + YEARS,
        today: &today,
        projects,
        prospects: Prospects::Hazards(Hazards::new(commit, complete).expect("hazards are shares")),
        own: &BTreeMap::new(),
        delay: DELAY,
        ramp_years: RAMP,
        utilisation: 1.0,
        seed: 2026,
    };
    let begun = cpu_time();
    let plan = SupplyPlan::new(&setup, Curve::Expected).expect("the projects are valid");
    let years = plan.years().count();
    let mut sums = vec![0.0; years];
    plan.run(0..draws, |_, table| {
        for curve in table.chunks(years) {
            sums.iter_mut().zip(curve).for_each(|(sum, supply)| *sum += supply);
        }
    });
    let cpu = cpu_time() - begun;
    Run { cpu, means: sums.iter().step_by(4).map(|sum| sum / f64::from(draws)).collect() }
}

fn run_numpy(folder: &Path, draws: u32) -> Run {
    let mut job = Command::new(root().join(".tools/bin/python"));
    let [commit, complete] = HAZARDS;
    let Delay { share, least, most } = DELAY;
    let numbers =
        [f64::from(FIRST), f64::from(YEARS), f64::from(draws), commit, complete, share, least, most, RAMP];
    job.env("OPENBLAS_NUM_THREADS", "1").arg(root().join("benches/outlook/numpy_job.py")).arg(folder);
    let done = output(job.args(numbers.map(|number| number.to_string())));
    assert!(done.status.success(), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    let mut fields = printed.split_whitespace().map(|field| field.parse().expect("numbers are printed"));
    Run { cpu: fields.next().expect("the CPU time is printed"), means: fields.collect() }
}

fn minimum_and_median(runs: &[Run]) -> (f64, f64) {
    let mut numbers: Vec<_> = runs.iter().map(|run| run.cpu).collect();
    numbers.sort_by(f64::total_cmp);
    let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
    (at(0), at(numbers.len() / 2))
}

/// CPU time of this process. The other program measures its own in the same way.
fn cpu_time() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let part = |number: i64| u32::try_from(number).map_or(f64::INFINITY, f64::from);
    part(now.tv_sec) + part(now.tv_nsec) * 1e-9
}
