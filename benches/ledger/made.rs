//! The made tables, read.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orewatch_tests::tools::{output, root, text};

/// A listed flow or a revision: year, exporter, importer, product, tonnes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) year: u16,
    pub(crate) exporter: u16,
    pub(crate) importer: u16,
    pub(crate) product: u32,
    /// None: not known.
    pub(crate) tonnes: Option<f64>,
}

/// Everything that the sides are given.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) flows: Vec<Figure>,
    pub(crate) updates: Vec<Figure>,
    /// Product, and the market that it belongs to; sorted.
    pub(crate) products: Vec<(u32, usize)>,
    /// Numbers of the economies, sorted.
    pub(crate) economies: Vec<u16>,
    /// Members of the blocs.
    pub(crate) blocs: [Vec<u16>; 3],
}

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

impl Made {
    pub(crate) fn read(folder: &Path, updates: usize) -> Self {
        let flows = rows(folder, "flows", |[t, i, j, k, _, q]| figure([t, i, j, k, q]));
        let mut updates_: Vec<_> = rows(folder, "updates", figure);
        updates_.truncate(updates);
        let market = |mineral: &str, stage: &str| number::<usize>(mineral) * 3 + number::<usize>(stage);
        let products = rows(folder, "codes", |[k, mineral, stage]| (number(k), market(mineral, stage)));
        let members = rows(folder, "economies", |[code, g7, eu27, quad]| {
            (number(code), [g7, eu27, quad].map(|is| is == "1"))
        });
        let bloc = |at: usize| {
            let inside = members.iter().filter(move |(_, is)| is.get(at).copied().unwrap_or(false));
            inside.map(|(code, _)| *code).collect()
        };
        let (blocs, economies) =
            ([bloc(0), bloc(1), bloc(2)], members.iter().map(|(code, _)| *code).collect());
        Self { flows, updates: updates_, products, economies, blocs }
    }
}

fn figure([t, i, j, k, q]: [&str; 5]) -> Figure {
    let tonnes = (q != "NA").then(|| number(q));
    Figure { year: number(t), exporter: number(i), importer: number(j), product: number(k), tonnes }
}

fn rows<T, const N: usize>(folder: &Path, table: &str, row: impl Fn([&str; N]) -> T) -> Vec<T> {
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

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// A count as a float; none here reaches the 2^53 where that rounds.
pub(crate) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
