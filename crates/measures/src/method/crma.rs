//! Benchmarks of the Critical Raw Materials Act.

use super::{BY_QUANTITY, Measure, Method, Table};

pub(super) static CRMA_EXTRACTION: Method = Method {
    measure: Measure::CrmaExtraction,
    title: "Extraction inside a consumer as a share of its annual consumption; benchmark 10 %.",
    name: "crma-extraction",
    id: "crma-extraction/1",
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

pub(super) static CRMA_PROCESSING: Method = Method {
    measure: Measure::CrmaProcessing,
    title: "Processing inside a consumer as a share of its annual consumption; benchmark 40 %.",
    name: "crma-processing",
    id: "crma-processing/1",
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

pub(super) static CRMA_RECYCLING: Method = Method {
    measure: Measure::CrmaRecycling,
    title: "Recycling inside a consumer as a share of its annual consumption; benchmark 25 %.",
    name: "crma-recycling",
    id: "crma-recycling/1",
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

pub(super) static CRMA_THIRD_COUNTRY: Method = Method {
    measure: Measure::CrmaThirdCountry,
    title: "Largest share of a consumer's annual consumption that comes from one third country; at most 65 %.",
    name: "crma-third-country",
    id: "crma-third-country/1",
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
