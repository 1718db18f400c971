//! The EU's criticality assessment.

use super::{BY_QUANTITY, Input, Line, Measure, Method, Side, Symbol, Table, input, symbol};

const EC: &str = "European Commission, Methodology for establishing the EU list of critical raw materials \
                  (2017), and Regulation (EU) 2024/1252, annex II, section 2";

const SHARE: Symbol = symbol("S_c", "share of supplier c, as a fraction");
const GOVERNANCE: Symbol = symbol(
    "WGI_c",
    "governance of supplier c: (2.5 - mean of the six Worldwide Governance Indicators) * 2, 0 (best) to 10 \
     (worst), mean of the five years up to the period; shown for the three suppliers that contribute most",
);
const TRADE: Symbol = symbol(
    "t_c",
    "trade parameter of supplier c: as recorded towards the consumer, or for the world's supply if none is \
     recorded for the material; otherwise 0.8 for a member of the consumer and 1 for all others; shown for \
     the three suppliers that contribute most",
);
const SUM: Symbol = symbol("sum(a)", "supply, the residual included");
const RESIDUAL: Symbol = symbol("R", "output of economies that the source does not list");

const INDICATORS: Input = input(
    "governance indicators",
    "The mean omits years that are not recorded, and the figure says so. For a supplier without any year the \
     best estimate omits the supplier, and the bounds take a governance between 0 and 10. If no supplier has \
     a year, there is no best estimate.",
);
const SUPPLIERS: Input = input(
    "supply by supplier",
    "A withheld or missing supply lies between 0 and infinity; the best estimate omits it. The best estimate \
     and the lower bound spread the residual over very many suppliers; the upper bound assigns it to one \
     supplier with the worst governance.",
);
const BASES: Input = input(
    "output and trade on one basis",
    "Unavailable where output is recorded on a basis other than gross weight, the basis of trade.",
);

/// What the two concentrations have in common.
const CONCENTRATION: Method = Method {
    measure: Measure::EuGlobalHhi,
    title: "",
    name: "eu-global-hhi",
    id: "eu-global-hhi/1",
    formula: "sum(S_c^2 * WGI_c * t_c)",
    symbols: &[SHARE, GOVERNANCE, TRADE, SUM, RESIDUAL],
    unit: "index",
    range: (0.0, f64::INFINITY),
    inputs: &[SUPPLIERS, INDICATORS],
    lines: &[],
    citation: EC,
    table: Table::Production,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static EU_GLOBAL_HHI: Method =
    Method { title: "Governance-weighted concentration of the world's supply.", ..CONCENTRATION };

pub(super) static EU_SOURCING_HHI: Method = Method {
    measure: Measure::EuSourcingHhi,
    title: "Governance-weighted concentration of a consumer's sourcing: its own output and its imports.",
    name: "eu-sourcing-hhi",
    id: "eu-sourcing-hhi/1",
    inputs: &[SUPPLIERS, INDICATORS, BASES],
    table: Table::Both,
    ..CONCENTRATION
};

pub(super) static EU_ECONOMIC_IMPORTANCE: Method = Method {
    measure: Measure::EuEconomicImportance,
    title: "Economic importance of a material for a consumer's sectors.",
    name: "eu-economic-importance",
    id: "eu-economic-importance/1",
    formula: "sum(A_s * Q_s) * 10 / max(Q_s) * SI_EI",
    symbols: &[
        symbol(
            "sum(A_s * Q_s)",
            "share of the material's use that goes into sector s, times the sector's value added, summed \
             over all sectors",
        ),
        symbol("max(Q_s)", "value added of the largest sector, even if it does not use the material"),
        symbol("SI_EI", "substitution index of economic importance, 0 to 1"),
    ],
    range: (0.0, 10.0),
    inputs: &[
        input(
            "end uses by sector",
            "Unavailable if none is recorded. Use that is assigned to no sector counts with a value added \
             between 0 and that of the largest sector.",
        ),
        input("value added by sector", "A sector without a figure may be the largest: it widens the bounds."),
        input("substitution index", "Between 0 and 1 in the bounds, and no best estimate."),
    ],
    lines: &[Line {
        name: "EU list of critical raw materials: economic importance of 2.8 or more",
        at: 2.8,
        beyond: Side::Above,
        inclusive: true,
    }],
    ..CONCENTRATION
};

const CRITICAL: Line = Line {
    name: "EU list of critical raw materials: supply risk of 1 or more",
    at: 1.0,
    beyond: Side::Above,
    inclusive: true,
};

pub(super) static EU_SUPPLY_RISK: Method = Method {
    measure: Measure::EuSupplyRisk,
    title: "Supply risk of the EU's criticality assessment, at one stage.",
    name: "eu-supply-risk",
    id: "eu-supply-risk/1",
    formula: "(H_GS * IR/2 + H_EU * (1 - IR/2)) * (1 - EoL_RIR) * SI_SR; with one supply alone, H * (1 - \
              EoL_RIR) * SI_SR",
    symbols: &[
        symbol("H_GS", "governance-weighted concentration of the world's supply"),
        symbol("IR", "import reliance, 0 to 1"),
        symbol("H_EU", "governance-weighted concentration of the consumer's sourcing"),
        symbol("EoL_RIR", "end-of-life recycling input rate, 0 to 1"),
        symbol("SI_SR", "substitution index of supply risk, 0 to 1"),
    ],
    inputs: &[
        SUPPLIERS,
        INDICATORS,
        input(
            "import reliance",
            "Between 0 and 1 in the bounds, and no best estimate. Not needed if only one of the two supplies \
             is used.",
        ),
        input("recycling rate, substitution index", "Between 0 and 1 in the bounds, and no best estimate."),
        input(
            "which supply is used",
            "Both the world's supply and the consumer's sourcing, unless a row \
                                       states that the assessment uses only one of them.",
        ),
    ],
    lines: &[CRITICAL],
    table: Table::Both,
    ..CONCENTRATION
};

pub(super) static EU_SUPPLY_RISK_MAX: Method = Method {
    measure: Measure::EuSupplyRiskMax,
    title: "Supply risk of a material: the largest of its stages.",
    name: "eu-supply-risk-max",
    id: "eu-supply-risk-max/1",
    formula: "max(SR) over extraction and processing",
    symbols: &[symbol("SR", "supply risk at a stage: mined, then refined, if the material has output at it")],
    inputs: &[input(
        "supply risk of each stage",
        "A stage without a figure may have a higher risk: the other stages then give a lower bound only.",
    )],
    lines: &[CRITICAL],
    table: Table::Both,
    ..CONCENTRATION
};
