//! Measures of how far a consumer relies on imports.

use super::{BY_QUANTITY, Measure, Method, Table, input, symbol};

pub(super) static EU_IMPORT_RELIANCE: Method = Method {
    measure: Measure::EuImportReliance,
    title: "Import reliance by the definition of the EU's criticality assessment.",
    name: "eu-import-reliance",
    id: "eu-import-reliance/1",
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

pub(super) static N1_COVER: Method = Method {
    measure: Measure::N1Cover,
    title: "Supply without the largest supplier over demand without that supplier's own demand.",
    name: "n1-cover",
    id: "n1-cover/1",
    formula: "",
    symbols: &[],
    unit: "ratio",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static NET_IMPORT_RELIANCE: Method = Method {
    measure: Measure::NetImportReliance,
    title: "Part of apparent consumption that comes from abroad.",
    name: "net-import-reliance",
    id: "net-import-reliance/1",
    formula: "(I - E) / (P + I - E), 0 for a net exporter",
    symbols: &[
        symbol("I", "imports; trade between members of a bloc is left out"),
        symbol("E", "exports; trade between members of a bloc is left out"),
        symbol("P", "primary output"),
    ],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[input(
        "output, imports and exports",
        "Output from old scrap and changes of stocks are left out of this version: no source of them is recorded. An \
              economy that the source of output does not list has output between 0 and the residual. Unavailable where \
              output is recorded on another basis than gross weight, which is how trade is weighed, or where the market has \
              no figures of output or of trade.",
    )],
    lines: &[],
    citation: "US Geological Survey, Mineral Commodity Summaries, appendix on definitions: net import reliance as a \
               percentage of apparent consumption",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};
