//! The other sides: Python processes, each of which prints one line of numbers.
use std::path::Path;
use std::process::Command;

use orewatch_tests::tools::{output, root, text};

use crate::{Run, Tally};

/// A side, and the number of updates that it gets: as many as take some seconds.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    job: &'static str,
    most: usize,
}

pub(crate) const PEERS: [Peer; 3] = [
    Peer { name: "Python dict", job: "dict_job.py", most: 200_000 },
    Peer { name: "Bytewax", job: "bytewax_job.py", most: 100_000 },
    Peer { name: "DuckDB", job: "duckdb_job.py", most: 1_000 },
];

impl Peer {
    pub(crate) fn run(&self, folder: &Path, updates: usize) -> Run {
        let mut job = Command::new(root().join(".tools/bin/python"));
        job.arg(root().join("benches/ledger").join(self.job))
            .arg(folder)
            .arg(updates.min(self.most).to_string());
        let run = output(&mut job);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let printed = text(&run.stdout);
        let numbers: Vec<&str> = printed.split_whitespace().collect();
        let [updates, wall, cpu, p50, p99, max, records, crossings, hhi] = *numbers.as_slice() else {
            panic!("nine numbers are expected: {printed}");
        };
        let float = |text: &str| text.parse::<f64>().expect("a number");
        let count = |text: &str| text.parse().expect("a count");
        let tally = Tally { records: count(records), crossings: count(crossings), hhi: float(hhi) };
        let updates = updates.parse().expect("a count");
        Run {
            updates,
            wall: float(wall),
            cpu: float(cpu),
            p50: float(p50),
            p99: float(p99),
            max: float(max),
            tally,
        }
    }
}
