//! Tests of dependency on trade.

use super::{BOTH_WEIGHTS, BY_VALUE, Input, Line, Measure, Method, Side, Table, input, symbol};

const EC: &str = "European Commission, Strategic dependencies and capacities, SWD(2021) 352 final; Arjona et \
                  al. (2023), An enhanced methodology to monitor the EU's strategic dependencies and \
                  vulnerabilities";
const GEODEP: &str =
    "Lefebvre and Wibaux (2024), Import dependencies: where does the EU stand? CEPII policy brief: GeoDep";

const FLOWS: Input = input(
    "imports and exports",
    "A flow without a quantity lies between 0 and its value divided by the lowest unit value of the known \
     flows of the market; a flow without a value has no upper bound. The best estimate omits it. Trade that \
     is not reported is unknown; it is not zero.",
);
const YEARS: Input = input(
    "three years of flows",
    "A year without figures, or with bounds on both sides of a test's threshold, counts in the upper bound \
     only. A test is not met where nothing is traded. Not applicable to months.",
);

/// What measures of trade have in common.
const TRADE: Method = Method {
    measure: Measure::ExportHhi,
    title: "",
    name: "export-hhi",
    id: "export-hhi/1",
    formula: "10000 * sum(s_i^2)",
    symbols: &[
        symbol("s_i", "share of exporter i in the world's exports, a_i / sum(a)"),
        symbol("sum(a)", "exports of all economies"),
    ],
    unit: "hhi",
    range: (0.0, 10_000.0),
    inputs: &[FLOWS],
    lines: &[above("GeoDep: world exports more concentrated than 4000", 4000.0)],
    citation: GEODEP,
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};

/// What counts of years have in common.
const COUNT: Method = Method {
    measure: Measure::GeodepYears,
    unit: "years",
    range: (0.0, 3.0),
    inputs: &[FLOWS, YEARS],
    weights: BY_VALUE,
    ..TRADE
};

pub(super) static EXPORT_HHI: Method =
    Method { title: "Herfindahl-Hirschman index of the world's exports.", ..TRADE };

pub(super) static EXTRA_IMPORT_SHARE: Method = Method {
    measure: Measure::ExtraImportShare,
    title: "Share of a bloc's imports that comes from outside the bloc.",
    name: "extra-import-share",
    id: "extra-import-share/1",
    formula: "X / (X + W)",
    symbols: &[
        symbol("X", "imports of members from outside"),
        symbol("W", "imports of members from other members; 0 for a single economy"),
    ],
    unit: "share",
    range: (0.0, 1.0),
    lines: &[above("EC 2021: more than half of imports from outside (CDI2)", 0.5)],
    citation: EC,
    ..TRADE
};

pub(super) static IMPORT_EXPORT_RATIO: Method = Method {
    measure: Measure::ImportExportRatio,
    title: "Ratio of imports to exports.",
    name: "import-export-ratio",
    id: "import-export-ratio/1",
    formula: "M / X; 9999 where something is imported and nothing exported",
    symbols: &[
        symbol("M", "imports; trade between members of a bloc is excluded"),
        symbol("X", "exports; trade between members of a bloc is excluded"),
    ],
    unit: "ratio",
    range: (0.0, f64::INFINITY),
    lines: &[above("EC 2021 (CDI3) and GeoDep: imports above exports", 1.0)],
    ..TRADE
};

pub(super) static GEODEP_YEARS: Method = Method {
    title: "Number of the last three years in which a product met the tests of GeoDep.",
    name: "geodep-years",
    id: "geodep-years/1",
    formula: "years of the last three in which HHI_M > 4000 and HHI_X > 4000 and M/X > 1",
    symbols: &[
        symbol("HHI_M", "Herfindahl-Hirschman index of the consumer's imports, by value, latest year first"),
        symbol("HHI_X", "Herfindahl-Hirschman index of the world's exports, by value, latest year first"),
        symbol("M/X", "ratio of imports to exports, by value, latest year first"),
    ],
    lines: &[from_two("GeoDep: dependent from two of three years")],
    ..COUNT
};

pub(super) static EC_DEPENDENCY_YEARS: Method = Method {
    measure: Measure::EcDependencyYears,
    title: "Number of the last three years in which a product met the European Commission's tests of \
            dependency.",
    name: "ec-dependency-years",
    id: "ec-dependency-years/1",
    formula: "years of the last three in which CDI1 > 4000 and CDI2 > 0.5 and CDI3 > 1",
    symbols: &[
        symbol("CDI1", "Herfindahl-Hirschman index of imports from outside, by value, latest year first"),
        symbol("CDI2", "share of imports that comes from outside, by value, latest year first"),
        symbol("CDI3", "ratio of imports from outside to exports to outside, by value, latest year first"),
    ],
    lines: &[from_two("EC 2021: dependent from two of three years")],
    citation: EC,
    ..COUNT
};

const fn above(name: &'static str, at: f64) -> Line {
    Line { name, at, beyond: Side::Above, inclusive: false }
}

const fn from_two(name: &'static str) -> Line {
    Line { name, at: 2.0, beyond: Side::Above, inclusive: true }
}
