//! The supply risk of the US Geological Survey.

use super::{BY_QUANTITY, Input, Line, Measure, Method, Side, Symbol, Table, input, symbol};

const CITATION: &str = "Nassar and others (2020), Evaluating the mineral commodity supply risk of the U.S. \
                        manufacturing sector, Science Advances 6, eaay8647. Recalled, not read: the \
                        normalisation of trade ties, the treatment of partners in collective defence, and \
                        the end of X_j / OP_j at 1";
const RISK_CITATION: &str = "Nassar and others (2020), Science Advances 6, eaay8647; the line is the cut-off \
                             of Nassar and Fortier (2021), Methodology and technical input for the 2021 \
                             review and revision of the U.S. Critical Minerals List, US Geological Survey \
                             Open-File Report 2021-1045, recalled";

const PRODUCTION_SHARE: Symbol = symbol("PS_c", "share of economy c in the world's output");
const ABILITY: Symbol = symbol(
    "ASI_c",
    "inability to supply, (100 - PPI_c) / 100, from the Policy Perception Index of the Fraser Institute",
);
const WILLINGNESS: Symbol = symbol(
    "WSI_c",
    "unwillingness to supply: ((1 - TT_c) + SV_c) / 2, or ((1 - TT_c) + SV_c) / 3 for a partner in \
     collective defence; 0 for the consumer's own output",
);
const TRADE_TIE: Symbol = symbol(
    "TT_c",
    "trade tie: trade with the consumer in both directions divided by GDP_c, relative to the largest such \
     ratio of all economies",
);
const VALUES: Symbol = symbol(
    "SV_c",
    "difference of shared values: difference of freedom scores, |F_c - F| \
                                       / 100",
);
const PRODUCTION: Input = input(
    "output by producer",
    "As in production-share; the residual may be one producer with the highest indices. Not applicable where \
     nothing is produced.",
);
const INDICES: Input = input(
    "policy perception, bilateral trade, gross domestic product, freedom scores, collective defence",
    "For a producer that lacks one of them, that index lies between 0 and 1; the best estimate omits the \
     producer. Where it is not known whether two economies defend each other, the bounds allow both. \
     Unavailable where no producer has any of them.",
);
const RELIANCE: Input = input(
    "output, secondary output, imports, exports, stocks",
    "As in net-import-reliance, from which the figure is taken.",
);
const ACCOUNTS: Input = input(
    "value added, expenditure on the material and operating profit by sector, gross domestic product",
    "A sector that lacks one of them widens the bounds; the best estimate omits it. Unavailable without a \
     gross domestic product, or where no sector's expenditure is recorded.",
);

/// What the measures have in common.
const USGS: Method = Method {
    measure: Measure::UsgsSupplyRisk,
    title: "Supply risk: geometric mean of disruption potential, trade exposure and economic vulnerability.",
    name: "usgs-supply-risk",
    id: "usgs-supply-risk/1",
    formula: "(DP * TE * EV)^(1/3)",
    symbols: &[
        symbol("DP", "disruption potential: usgs-disruption-potential"),
        symbol("TE", "trade exposure: usgs-trade-exposure"),
        symbol("EV", "economic vulnerability: usgs-economic-vulnerability"),
    ],
    unit: "index",
    range: (0.0, 1.0),
    inputs: &[PRODUCTION, INDICES, RELIANCE, ACCOUNTS],
    lines: &[Line {
        name: "US list of critical minerals 2022: supply risk of 0.40 or more",
        at: 0.40,
        beyond: Side::Above,
        inclusive: true,
    }],
    citation: RISK_CITATION,
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static USGS_SUPPLY_RISK: Method = USGS;

pub(super) static USGS_DISRUPTION_POTENTIAL: Method = Method {
    measure: Measure::UsgsDisruptionPotential,
    title: "Disruption potential: concentration of production, weighted by ability and willingness to \
            supply.",
    name: "usgs-disruption-potential",
    id: "usgs-disruption-potential/1",
    formula: "sum(PS_c^2 * ASI_c * WSI_c)",
    symbols: &[PRODUCTION_SHARE, ABILITY, WILLINGNESS, TRADE_TIE, VALUES],
    inputs: &[PRODUCTION, INDICES],
    lines: &[],
    citation: CITATION,
    table: Table::Production,
    ..USGS
};

pub(super) static USGS_ECONOMIC_VULNERABILITY: Method = Method {
    measure: Measure::UsgsEconomicVulnerability,
    title: "Economic vulnerability: value added that depends on the material.",
    name: "usgs-economic-vulnerability",
    id: "usgs-economic-vulnerability/1",
    formula: "sum((VA_j / GDP) * (X_j / OP_j))",
    symbols: &[
        symbol("VA_j", "value added of sector j that uses the material"),
        symbol("GDP", "gross domestic product of the consumer"),
        symbol("X_j", "expenditure of sector j on the material"),
        symbol(
            "OP_j",
            "operating profit of sector j; X_j / OP_j is at most 1, and 1 where there is no \
                        profit",
        ),
    ],
    inputs: &[ACCOUNTS],
    lines: &[],
    citation: CITATION,
    table: Table::Production,
    ..USGS
};

pub(super) static USGS_TRADE_EXPOSURE: Method = Method {
    measure: Measure::UsgsTradeExposure,
    title: "Trade exposure: net import reliance with stocks and secondary output, 0 for a net exporter.",
    name: "usgs-trade-exposure",
    id: "usgs-trade-exposure/1",
    formula: "(I - E + dS) / (PP + SP + I - E + dS), 0 for a net exporter",
    symbols: &[
        symbol("I", "imports; trade between members of a bloc is excluded"),
        symbol("E", "exports; trade between members of a bloc is excluded"),
        symbol("dS", "decrease of stocks during the period"),
        symbol("PP", "primary output"),
        symbol("SP", "secondary output (from old scrap)"),
    ],
    unit: "share",
    inputs: &[RELIANCE],
    lines: &[],
    citation: CITATION,
    ..USGS
};
