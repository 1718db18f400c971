//! Reference figures that ship with the program, as tidy CSV.
//!
//! `reference/README.md` in this crate names the source, licence and vintage of each table, and the command
//! that regenerates them. The leading lines of each table (`# key: value`) say the same to the parser.

/// One reference table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceTable {
    /// File name, such as `production-usgs-mcs-MCS2026.csv.gz`.
    pub name: &'static str,
    /// Content: gzip-compressed tidy CSV.
    pub bytes: &'static [u8],
}

/// Lists the tables in the order in which to ingest them: trade, governance, parameters, output, then claims;
/// older vintages first.
pub fn tables() -> &'static [ReferenceTable] {
    TABLES
}

macro_rules! embedded {
    ($name:literal) => {
        ReferenceTable { name: $name, bytes: include_bytes!(concat!("../reference/", $name)) }
    };
}

static TABLES: &[ReferenceTable] = &[
    embedded!("trade-baci-hs92-202601.csv.gz"),
    embedded!("governance-wgi-2024.csv.gz"),
    embedded!("parameters-eu-crm-2023.csv.gz"),
    embedded!("production-usgs-mcs-MCS2025.csv.gz"),
    embedded!("production-usgs-mcs-MCS2026.csv.gz"),
    embedded!("claims-orewatch-2026-11.csv.gz"),
];
