//! Measures of export restrictions.

use super::{BOTH_WEIGHTS, Measure, Method, Table};

pub(super) static RESTRICTED_SHARE: Method = Method {
    measure: Measure::RestrictedShare,
    title: "Share of imports from suppliers that restrict the export of the product.",
    name: "restricted-share",
    id: "restricted-share/1",
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
