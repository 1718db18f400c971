//! Measures of who supplies a market: shares, concentration.

use super::{BOTH_WEIGHTS, BY_QUANTITY, Measure, Method, Symbol, Table, input, symbol};

const IMPORT_MISSING: &str = "A flow without a quantity lies between 0 and its value divided by the lowest \
                              unit value of the known flows of the market; a flow without quantity and value \
                              has no upper bound. The best estimate omits it.";
const ORIGIN_MISSING: &str = "Imports from an unspecified, confidential or special partner, the amount by \
                              which a reported total exceeds the sum of the partners, and the imports of \
                              economies that have not reported are part of the sum under their own names. \
                              They may come from any supplier. The lower bound of a share adds none of them \
                              to a_i, the upper bound adds all of them. The bounds of a concentration spread \
                              them over very many suppliers or assign them to one; its best estimate spreads \
                              them. Coverage excludes them.";
const OUTPUT_MISSING: &str = "A withheld or missing output lies between 0 and infinity; the best estimate \
                              omits it. The residual of economies that the source does not list is part of \
                              the sum and of no share; the bounds of a concentration spread it over very \
                              many producers or assign it to one.";
const HHI_CITATION: &str = "Herfindahl-Hirschman index on the scale of the US Department of Justice and \
                            Federal Trade Commission, Merger Guidelines (2023), 0 to 10000";
const SHARE_CITATION: &str = "European Commission, Methodology for establishing the EU list of critical raw \
                              materials (2017): shares of supply";
const OUTPUT_CITATION: &str = "US Geological Survey, Mineral Commodity Summaries: world production by \
                               country; International Energy Agency, Global Critical Minerals Outlook: share \
                               of the three largest producers";
const EFFECTIVE_CITATION: &str = "Number equivalent of the Herfindahl-Hirschman index (Adelman 1969, Review \
                                  of Economics and Statistics 51)";

const IMPORT_FLOW: Symbol =
    symbol("a_i", "imports from supplier i; trade between members of a bloc is excluded");
const IMPORT_SHARE_OF: Symbol = symbol("s_i", "share of supplier i in imports, a_i / sum(a)");
const IMPORT_SUM: Symbol = symbol("sum(a)", "imports from all suppliers, those of unknown origin included");
const OUTPUT: Symbol = symbol("a_i", "output of producer i");
const OUTPUT_SHARE_OF: Symbol =
    symbol("s_i", "share of producer i in the world's output, a_i / (sum(a) + R)");
const OUTPUT_SUM: Symbol = symbol("sum(a)", "output of all listed producers");
const RESIDUAL: Symbol = symbol("R", "output of economies that the source does not list");
const HHI: Symbol = symbol("HHI", "Herfindahl-Hirschman index, 10000 * sum(s_i^2)");

/// What the measures of imports have in common.
const IMPORT: Method = Method {
    measure: Measure::ImportShare,
    title: "",
    name: "import-share",
    id: "import-share/1",
    formula: "a_i / sum(a)",
    symbols: &[IMPORT_FLOW, IMPORT_SUM],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[
        input("imports by supplier", IMPORT_MISSING),
        input("imports of unknown origin", ORIGIN_MISSING),
    ],
    lines: &[],
    citation: SHARE_CITATION,
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};

/// What the measures of output have in common.
const PRODUCTION: Method = Method {
    measure: Measure::ProductionShare,
    title: "",
    name: "production-share",
    id: "production-share/1",
    formula: "a_i / (sum(a) + R)",
    symbols: &[OUTPUT, OUTPUT_SUM, RESIDUAL],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[input("output by producer", OUTPUT_MISSING)],
    lines: &[],
    citation: OUTPUT_CITATION,
    table: Table::Production,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static IMPORT_SHARE: Method =
    Method { title: "A supplier's share of a consumer's imports.", has_supplier: true, ..IMPORT };

pub(super) static IMPORT_HHI: Method = Method {
    measure: Measure::ImportHhi,
    title: "Herfindahl-Hirschman index of a consumer's imports.",
    name: "import-hhi",
    id: "import-hhi/1",
    formula: "10000 * sum(s_i^2)",
    symbols: &[IMPORT_SHARE_OF, IMPORT_SUM],
    unit: "hhi",
    range: (0.0, 10_000.0),
    citation: HHI_CITATION,
    ..IMPORT
};

pub(super) static IMPORT_SUPPLIERS: Method = Method {
    measure: Measure::ImportSuppliers,
    title: "Effective number of a consumer's suppliers.",
    name: "import-suppliers",
    id: "import-suppliers/1",
    formula: "10000 / HHI",
    symbols: &[HHI, IMPORT_SUM],
    unit: "count",
    range: (1.0, f64::INFINITY),
    citation: EFFECTIVE_CITATION,
    ..IMPORT
};

pub(super) static IMPORT_TOP1: Method = Method {
    measure: Measure::ImportTop1,
    title: "Share of a consumer's largest supplier.",
    name: "import-top1",
    id: "import-top1/1",
    formula: "max(s_i)",
    symbols: &[IMPORT_SHARE_OF, IMPORT_SUM],
    ..IMPORT
};

pub(super) static IMPORT_TOP3: Method = Method {
    measure: Measure::ImportTop3,
    title: "Share of a consumer's three largest suppliers.",
    name: "import-top3",
    id: "import-top3/1",
    formula: "sum of the 3 largest s_i",
    symbols: &[IMPORT_SHARE_OF, IMPORT_SUM],
    ..IMPORT
};

pub(super) static PRODUCTION_SHARE: Method =
    Method { title: "A producer's share of the world's output.", has_supplier: true, ..PRODUCTION };

pub(super) static PRODUCTION_HHI: Method = Method {
    measure: Measure::ProductionHhi,
    title: "Herfindahl-Hirschman index of the world's output.",
    name: "production-hhi",
    id: "production-hhi/1",
    formula: "10000 * sum(s_i^2), between R spread thinly (adds 0) and R as one producer",
    symbols: &[OUTPUT_SHARE_OF, OUTPUT_SUM, RESIDUAL],
    unit: "hhi",
    range: (0.0, 10_000.0),
    citation: HHI_CITATION,
    ..PRODUCTION
};

pub(super) static PRODUCTION_SUPPLIERS: Method = Method {
    measure: Measure::ProductionSuppliers,
    title: "Effective number of producers.",
    name: "production-suppliers",
    id: "production-suppliers/1",
    formula: "10000 / HHI",
    symbols: &[HHI, OUTPUT_SUM, RESIDUAL],
    unit: "count",
    range: (1.0, f64::INFINITY),
    citation: EFFECTIVE_CITATION,
    ..PRODUCTION
};

pub(super) static PRODUCTION_TOP1: Method = Method {
    measure: Measure::ProductionTop1,
    title: "Share of the largest producer.",
    name: "production-top1",
    id: "production-top1/1",
    formula: "max(s_i)",
    symbols: &[OUTPUT_SHARE_OF, OUTPUT_SUM, RESIDUAL],
    ..PRODUCTION
};

pub(super) static PRODUCTION_TOP3: Method = Method {
    measure: Measure::ProductionTop3,
    title: "Share of the three largest producers.",
    name: "production-top3",
    id: "production-top3/1",
    formula: "sum of the 3 largest s_i",
    symbols: &[OUTPUT_SHARE_OF, OUTPUT_SUM, RESIDUAL],
    ..PRODUCTION
};
