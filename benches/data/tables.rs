//! The generated tables of the benchmarks: their folder, and their rows.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orewatch_tests::tools::{output, root, text};

/// Folder of the tables with this many flows. Generates them if they do not exist.
pub(crate) fn folder(rows: usize) -> PathBuf {
    let folder = root().join(format!("target/bench/trade-{rows}"));
    // This file is written last.
    if !folder.join("flows.csv").exists() {
        let mut make = Command::new(root().join(".tools/bin/python"));
        let made =
            output(make.arg(root().join("benches/data/generate.py")).arg(rows.to_string()).arg(&folder));
        assert!(made.status.success(), "{}", text(&made.stderr));
    }
    folder
}

/// Reads the rows of a table. `row` converts the fields of each.
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

/// Converts a count to a float. No count here reaches 2^53, from which that rounds.
pub(crate) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
