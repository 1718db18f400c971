//! The made tables of the benchmarks: where they are, and their rows.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orewatch_tests::tools::{output, root, text};

/// The folder of the tables of so many flows, made if it is not there.
pub(crate) fn folder(rows: usize) -> PathBuf {
    let folder = root().join(format!("target/bench/trade-{rows}"));
    // It is written last.
    if !folder.join("flows.csv").exists() {
        let mut make = Command::new(root().join(".tools/bin/python"));
        let made =
            output(make.arg(root().join("benches/data/generate.py")).arg(rows.to_string()).arg(&folder));
        assert!(made.status.success(), "{}", text(&made.stderr));
    }
    folder
}

/// The rows of a table, each as `row` makes it of its fields.
pub(crate) fn rows<T, const N: usize>(
    folder: &Path,
    table: &str,
    mut row: impl FnMut([&str; N]) -> T,
) -> Vec<T> {
    let text = fs::read_to_string(folder.join(table).with_extension("csv")).expect("the table was made");
    let fields = |line: &str| {
        let mut fields = line.split(',');
        row(std::array::from_fn(|_| match fields.next() {
            Some(field) => field,
            None => panic!("{N} columns are expected: {line}"),
        }))
    };
    text.lines().skip(1).map(fields).collect()
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// A count as a float; none here reaches the 2^53 where that rounds.
pub(crate) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
