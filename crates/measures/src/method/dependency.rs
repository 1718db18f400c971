//! Tests of dependency on trade.

use super::{BOTH_WEIGHTS, BY_VALUE, Measure, Method, Table};

pub(super) static EC_DEPENDENCY_YEARS: Method = Method {
    measure: Measure::EcDependencyYears,
    title: "In how many of the last three years a product met the European Commission's tests of dependency.",
    name: "ec-dependency-years",
    id: "ec-dependency-years/1",
    formula: "",
    symbols: &[],
    unit: "years",
    range: (0.0, 3.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Trade,
    has_supplier: false,
    weights: BY_VALUE,
};

pub(super) static EXPORT_HHI: Method = Method {
    measure: Measure::ExportHhi,
    title: "Herfindahl-Hirschman index of the world's exports.",
    name: "export-hhi",
    id: "export-hhi/1",
    formula: "",
    symbols: &[],
    unit: "hhi",
    range: (0.0, 10_000.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};

pub(super) static EXTRA_IMPORT_SHARE: Method = Method {
    measure: Measure::ExtraImportShare,
    title: "Share of a bloc's imports that comes from outside of it.",
    name: "extra-import-share",
    id: "extra-import-share/1",
    formula: "",
    symbols: &[],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};

pub(super) static GEODEP_YEARS: Method = Method {
    measure: Measure::GeodepYears,
    title: "In how many of the last three years a product met the tests of GeoDep.",
    name: "geodep-years",
    id: "geodep-years/1",
    formula: "",
    symbols: &[],
    unit: "years",
    range: (0.0, 3.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Trade,
    has_supplier: false,
    weights: BY_VALUE,
};

pub(super) static IMPORT_EXPORT_RATIO: Method = Method {
    measure: Measure::ImportExportRatio,
    title: "Imports over exports.",
    name: "import-export-ratio",
    id: "import-export-ratio/1",
    formula: "",
    symbols: &[],
    unit: "ratio",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};
