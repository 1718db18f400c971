//! Measures of the true origin behind re-exports.

use super::{BY_QUANTITY, Measure, Method, Table};

pub(super) static LOOKTHROUGH_BALANCE: Method = Method {
    measure: Measure::LookthroughBalance,
    title: "What had to be added to an economy's supply so that it covers its exports.",
    name: "lookthrough-balance",
    id: "lookthrough-balance/1",
    formula: "",
    symbols: &[],
    unit: "t",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static LOOKTHROUGH_HHI: Method = Method {
    measure: Measure::LookthroughHhi,
    title: "Herfindahl-Hirschman index of the true origins of what a consumer uses, after re-exports.",
    name: "lookthrough-hhi",
    id: "lookthrough-hhi/1",
    formula: "",
    symbols: &[],
    unit: "hhi",
    range: (0.0, 10_000.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static LOOKTHROUGH_QUANTITY: Method = Method {
    measure: Measure::LookthroughQuantity,
    title: "Tonnes of what a consumer uses that truly come from a supplier, after re-exports.",
    name: "lookthrough-quantity",
    id: "lookthrough-quantity/1",
    formula: "",
    symbols: &[],
    unit: "t",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: true,
    weights: BY_QUANTITY,
};

pub(super) static LOOKTHROUGH_SHARE: Method = Method {
    measure: Measure::LookthroughShare,
    title: "Share of what a consumer uses that truly comes from a supplier, after re-exports.",
    name: "lookthrough-share",
    id: "lookthrough-share/1",
    formula: "",
    symbols: &[],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: true,
    weights: BY_QUANTITY,
};

pub(super) static LOOKTHROUGH_TOP1: Method = Method {
    measure: Measure::LookthroughTop1,
    title: "Share of the largest true origin of what a consumer uses, after re-exports.",
    name: "lookthrough-top1",
    id: "lookthrough-top1/1",
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
