//! Reference figures that ship with the program, as tidy CSV.
//!
//! `reference/README.md` in this crate names the source, licence and vintage of each table, and the command
//! that regenerates them. The leading lines of each table (`# key: value`) say the same to the parser.

/// One reference table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceTable {
    /// File name, such as `production-usgs-mcs-MCS2026.csv.gz`.
    pub name: &'static str,
    /// Dataset of its release, such as `usgs-mcs`.
    pub dataset: &'static str,
    /// Content: gzip-compressed tidy CSV.
    pub bytes: &'static [u8],
    /// The smallest set that it belongs to.
    pub set: TableSet,
}

/// Sets of tables. Each contains those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableSet {
    /// What the page of the demo is computed from.
    Demo,
    /// What measures and documentation are about: other products, governance and parameters.
    Standard,
    /// Longer series, and figures to compare with.
    All,
}

/// Lists the tables in the order in which to ingest them: trade, governance, parameters, targets, claims,
/// then output; older vintages first. Where two datasets of a kind are equally complete, the one that is
/// ingested first answers: HS92 before HS17, the US Geological Survey before the International Energy Agency.
pub fn tables() -> &'static [ReferenceTable] {
    TABLES
}

/// Embeds a file, whose name consists of table, dataset and vintage.
macro_rules! embedded {
    ($table:literal, $dataset:literal, $vintage:literal, $set:ident) => {
        ReferenceTable {
            name: concat!($table, "-", $dataset, "-", $vintage, ".csv.gz"),
            dataset: $dataset,
            bytes: include_bytes!(concat!("../reference/", $table, "-", $dataset, "-", $vintage, ".csv.gz")),
            set: TableSet::$set,
        }
    };
}

static TABLES: &[ReferenceTable] = &[
    embedded!("trade", "baci-hs92", "202601", Demo),
    embedded!("trade", "baci-hs17", "202601-magnets", Demo),
    embedded!("trade", "baci-hs17", "202601-others", Standard),
    embedded!("trade", "baci-hs17", "202601-top6-magnets", Demo),
    embedded!("trade", "baci-hs17", "202601-top6-others", All),
    embedded!("trade", "baci-hs17-compare", "202601", All),
    embedded!("trade", "hmrc-uk", "2026-06-magnets", Demo),
    embedded!("trade", "hmrc-uk", "2026-06-others", Standard),
    embedded!("governance", "wgi", "2024", Standard),
    embedded!("parameters", "eu-crm", "2023", Standard),
    embedded!("production", "usgs-mcs", "MCS2025", Demo),
    embedded!("production", "iea-cm", "2025-05", Demo),
    embedded!("projections", "iea-cm", "2025-05", Demo),
    embedded!("parameters", "iea-cm", "2025-05", Standard),
    embedded!("targets", "announced-targets", "202606", Demo),
    embedded!("production", "usgs-mcs", "MCS2026", Demo),
    embedded!("claims", "orewatch", "2026-11", Demo),
];
