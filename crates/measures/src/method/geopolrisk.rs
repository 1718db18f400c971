//! Geopolitical supply risk.

use super::{BY_QUANTITY, Measure, Method, Table};

pub(super) static GEOPOLRISK_CF: Method = Method {
    measure: Measure::GeopolriskCf,
    title: "Characterisation factor of the geopolitical supply risk.",
    name: "geopolrisk-cf",
    id: "geopolrisk-cf/1",
    formula: "",
    symbols: &[],
    unit: "kg Cu-eq/kg",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static GEOPOLRISK_IMPORT_RISK: Method = Method {
    measure: Measure::GeopolriskImportRisk,
    title: "Import risk: imports weighed by the political instability of their suppliers.",
    name: "geopolrisk-import-risk",
    id: "geopolrisk-import-risk/1",
    formula: "",
    symbols: &[],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static GEOPOLRISK_SCORE: Method = Method {
    measure: Measure::GeopolriskScore,
    title: "Geopolitical supply risk: concentration of the world's output times import risk.",
    name: "geopolrisk-score",
    id: "geopolrisk-score/1",
    formula: "",
    symbols: &[],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static IMPORT_PRICE: Method = Method {
    measure: Measure::ImportPrice,
    title: "Mean unit value of imports.",
    name: "import-price",
    id: "import-price/1",
    formula: "",
    symbols: &[],
    unit: "USD/kg",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Trade,
    has_supplier: false,
    weights: BY_QUANTITY,
};
