//! Measures through several stages.

use super::{BY_QUANTITY, Measure, Method, Table};

pub(super) static CHAIN_ANY_SHARE: Method = Method {
    measure: Measure::ChainAnyShare,
    title: "Share of what a consumer uses that was mined, refined or made in a supplier, at any stage up to this one.",
    name: "chain-any-share",
    id: "chain-any-share/1",
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

pub(super) static CHAIN_MADE_SHARE: Method = Method {
    measure: Measure::ChainMadeShare,
    title: "Share of what a consumer uses that was manufactured in a supplier.",
    name: "chain-made-share",
    id: "chain-made-share/1",
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

pub(super) static CHAIN_MINED_SHARE: Method = Method {
    measure: Measure::ChainMinedShare,
    title: "Share of what a consumer uses whose material was mined in a supplier, through all stages up to this one.",
    name: "chain-mined-share",
    id: "chain-mined-share/1",
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

pub(super) static CHAIN_REFINED_SHARE: Method = Method {
    measure: Measure::ChainRefinedShare,
    title: "Share of what a consumer uses whose material was refined in a supplier, through all stages up to this one.",
    name: "chain-refined-share",
    id: "chain-refined-share/1",
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
