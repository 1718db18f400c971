//! Reads the generated tables.
use std::path::Path;

use crate::tables::{number, rows};

/// A listed flow or a revision: year, exporter, importer, product, tonnes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) year: u16,
    pub(crate) exporter: u16,
    pub(crate) importer: u16,
    pub(crate) product: u32,
    /// `None` if not known.
    pub(crate) tonnes: Option<f64>,
}

/// Input of all sides.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) flows: Vec<Figure>,
    pub(crate) updates: Vec<Figure>,
    /// Products with the markets that they belong to, sorted.
    pub(crate) products: Vec<(u32, usize)>,
    /// Numbers of the economies, sorted.
    pub(crate) economies: Vec<u16>,
    /// Members of the blocs.
    pub(crate) blocs: [Vec<u16>; 3],
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
