//! The EU's criticality assessment.

use super::{BY_QUANTITY, Measure, Method, Table};

pub(super) static EU_ECONOMIC_IMPORTANCE: Method = Method {
    measure: Measure::EuEconomicImportance,
    title: "Economic importance of a material for a consumer's sectors.",
    name: "eu-economic-importance",
    id: "eu-economic-importance/1",
    formula: "",
    symbols: &[],
    unit: "index",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Production,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static EU_GLOBAL_HHI: Method = Method {
    measure: Measure::EuGlobalHhi,
    title: "Governance-weighted concentration of the world's supply.",
    name: "eu-global-hhi",
    id: "eu-global-hhi/1",
    formula: "",
    symbols: &[],
    unit: "index",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Production,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static EU_SOURCING_HHI: Method = Method {
    measure: Measure::EuSourcingHhi,
    title: "Governance-weighted concentration of what a consumer sources: its own output and its imports.",
    name: "eu-sourcing-hhi",
    id: "eu-sourcing-hhi/1",
    formula: "",
    symbols: &[],
    unit: "index",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static EU_SUPPLY_RISK: Method = Method {
    measure: Measure::EuSupplyRisk,
    title: "Supply risk of the EU's criticality assessment, at one stage.",
    name: "eu-supply-risk",
    id: "eu-supply-risk/1",
    formula: "",
    symbols: &[],
    unit: "index",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Production,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static EU_SUPPLY_RISK_MAX: Method = Method {
    measure: Measure::EuSupplyRiskMax,
    title: "Supply risk of a material: the largest of its stages.",
    name: "eu-supply-risk-max",
    id: "eu-supply-risk-max/1",
    formula: "",
    symbols: &[],
    unit: "index",
    range: (0.0, f64::INFINITY),
    inputs: &[],
    lines: &[],
    citation: "",
    table: Table::Production,
    has_supplier: false,
    weights: BY_QUANTITY,
};
