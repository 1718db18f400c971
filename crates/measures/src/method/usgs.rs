//! The supply risk of the US Geological Survey.

use super::{BY_QUANTITY, Measure, Method, Table};

pub(super) static USGS_DISRUPTION_POTENTIAL: Method = Method {
    measure: Measure::UsgsDisruptionPotential,
    title: "Disruption potential: concentration of production weighed by ability and willingness to supply.",
    name: "usgs-disruption-potential",
    id: "usgs-disruption-potential/1",
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

pub(super) static USGS_ECONOMIC_VULNERABILITY: Method = Method {
    measure: Measure::UsgsEconomicVulnerability,
    title: "Economic vulnerability: value added that depends on the material.",
    name: "usgs-economic-vulnerability",
    id: "usgs-economic-vulnerability/1",
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

pub(super) static USGS_SUPPLY_RISK: Method = Method {
    measure: Measure::UsgsSupplyRisk,
    title: "Supply risk: geometric mean of disruption potential, trade exposure and economic vulnerability.",
    name: "usgs-supply-risk",
    id: "usgs-supply-risk/1",
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

pub(super) static USGS_TRADE_EXPOSURE: Method = Method {
    measure: Measure::UsgsTradeExposure,
    title: "Trade exposure: net import reliance with stocks and secondary output, 0 for a net exporter.",
    name: "usgs-trade-exposure",
    id: "usgs-trade-exposure/1",
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
