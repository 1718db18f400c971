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
    /// Whether the demo loads it, and `ingest --reference` by default. The other tables hold longer series,
    /// and figures to compare with.
    pub in_demo: bool,
}

/// Lists the tables in the order in which to ingest them: trade, governance, parameters, targets, claims,
/// then output; older vintages first. Where two datasets of a kind are equally complete, the one that is
/// ingested first answers: HS92 before HS17, the US Geological Survey before the International Energy Agency.
pub fn tables() -> &'static [ReferenceTable] {
    TABLES
}

/// Embeds a file, whose name consists of table, dataset and vintage.
macro_rules! embedded {
    ($table:literal, $dataset:literal, $vintage:literal, $in_demo:literal) => {
        ReferenceTable {
            name: concat!($table, "-", $dataset, "-", $vintage, ".csv.gz"),
            dataset: $dataset,
            bytes: include_bytes!(concat!("../reference/", $table, "-", $dataset, "-", $vintage, ".csv.gz")),
            in_demo: $in_demo,
        }
    };
}

static TABLES: &[ReferenceTable] = &[
    embedded!("trade", "baci-hs92", "202601", true),
    embedded!("trade", "baci-hs17", "202601", true),
    embedded!("trade", "baci-hs17", "202601-top6-magnets", true),
    embedded!("trade", "baci-hs17", "202601-top6-others", false),
    embedded!("trade", "baci-hs17-compare", "202601", false),
    embedded!("trade", "hmrc-uk", "2026-06", true),
    embedded!("governance", "wgi", "2024", true),
    embedded!("parameters", "eu-crm", "2023", true),
    embedded!("production", "usgs-mcs", "MCS2025", true),
    embedded!("production", "iea-cm", "2025-05", true),
    embedded!("projections", "iea-cm", "2025-05", true),
    embedded!("parameters", "iea-cm", "2025-05", true),
    embedded!("targets", "announced-targets", "202606", true),
    embedded!("production", "usgs-mcs", "MCS2026", true),
    embedded!("claims", "orewatch", "2026-11", true),
];
