//! Geopolitical supply risk.

use super::{BY_QUANTITY, Input, Measure, Method, Symbol, Table, input, symbol};

const RISK_CITATION: &str = "Gemechu, Helbig, Sonnemann, Thorenz, Tuma (2016), Import-based indicator for \
                             the geopolitical supply risk of raw materials in life cycle sustainability \
                             assessments, Journal of Industrial Ecology 20, 154-165; as applied by \
                             geopolrisk-py 2.0.1 (0 to 1, output at home in the denominator)";
const FACTOR_CITATION: &str = "Santillan-Saldivar and others (2022), The GeoPolRisk method: characterisation \
                               factors, International Journal of Life Cycle Assessment 27; reference \
                               0.409412948 USD/kg, the mean score times price of copper over the OECD, 2017 \
                               to 2021, as in geopolrisk-py 2.0.1";

const FLOW: Symbol = symbol(
    "q_j",
    "tonnes imported from supplier j; for a bloc, the imports of all members, trade between them included",
);
const INSTABILITY: Symbol = symbol(
    "g_j",
    "political instability of supplier j, (2.5 - PV_j) / 5 limited to 0 to 1, where PV_j is the World Bank's \
     estimate of political stability and absence of violence; 0 for a supplier inside the bloc",
);
const RISKY: Symbol =
    symbol("sum(q_j * g_j)", "imports weighted by the instability of their suppliers, in tonnes");
const ALL: Symbol = symbol("sum(q_j)", "imports from all suppliers, in tonnes");
const AT_HOME: Symbol =
    symbol("P", "tonnes that the consumer, or the members of the bloc, produce themselves");
const CONCENTRATION: Symbol =
    symbol("HHI", "concentration of the world's output, sum(p_c^2) / sum(p_c)^2, 0 to 1");
const RISK: Symbol = symbol("WTA", "import risk, sum(q_j * g_j) / (sum(q_j) + P)");
const SCORE: Symbol = symbol("Score", "HHI * WTA");
const PRICE: Symbol = symbol("price", "mean unit value of the same imports, sum(v_j) / sum(q_j), in USD/kg");

const IMPORTS: Input = input(
    "imports by supplier",
    "A flow without a quantity lies between bounds; the best estimate omits it. Not applicable where there \
     are no imports and no domestic output.",
);
const STABILITY: Input = input(
    "political stability of suppliers",
    "An economy without an indicator has g between 0 and 1, with 0.5 as the best estimate, as in the \
     published method. The indicator of one of the two years before may substitute for a missing year: it \
     gives the best estimate, and the bounds stay 0 to 1, because an earlier year does not limit a later \
     one.",
);
const HOME: Input = input(
    "domestic output",
    "Between 0 and the residual for an economy that the source of output does not list; between 0 and \
     infinity where it is withheld. The best estimate omits it. Unavailable where output and trade are on \
     different bases.",
);
const OUTPUT: Input = input(
    "world output by producer",
    "As in production-hhi: a withheld output lies between 0 and infinity; the residual is spread over very \
     many producers, or comes from one.",
);
const VALUES: Input = input(
    "values of imports",
    "A flow without a value or without a quantity is omitted from the price and widens its bounds.",
);

/// What the measures of GeoPolRisk have in common.
const GEOPOLRISK: Method = Method {
    measure: Measure::GeopolriskScore,
    title: "Geopolitical supply risk: concentration of the world's output times import risk.",
    name: "geopolrisk-score",
    id: "geopolrisk-score/1",
    formula: "HHI * WTA",
    symbols: &[CONCENTRATION, RISK, RISKY, ALL, FLOW, INSTABILITY, AT_HOME],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[OUTPUT, IMPORTS, STABILITY, HOME],
    lines: &[],
    citation: RISK_CITATION,
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static GEOPOLRISK_SCORE: Method = GEOPOLRISK;

pub(super) static GEOPOLRISK_IMPORT_RISK: Method = Method {
    measure: Measure::GeopolriskImportRisk,
    title: "Import risk: imports weighted by the political instability of their suppliers.",
    name: "geopolrisk-import-risk",
    id: "geopolrisk-import-risk/1",
    formula: "sum(q_j * g_j) / (sum(q_j) + P)",
    symbols: &[RISKY, ALL, FLOW, INSTABILITY, AT_HOME],
    inputs: &[IMPORTS, STABILITY, HOME],
    ..GEOPOLRISK
};

pub(super) static GEOPOLRISK_CF: Method = Method {
    measure: Measure::GeopolriskCf,
    title: "Characterisation factor of the geopolitical supply risk.",
    name: "geopolrisk-cf",
    id: "geopolrisk-cf/1",
    formula: "Score * price / 0.409412948",
    symbols: &[SCORE, PRICE, CONCENTRATION, RISK, RISKY, ALL, FLOW, INSTABILITY, AT_HOME],
    unit: "kg Cu-eq/kg",
    range: (0.0, f64::INFINITY),
    inputs: &[OUTPUT, IMPORTS, STABILITY, HOME, VALUES],
    citation: FACTOR_CITATION,
    ..GEOPOLRISK
};

pub(super) static IMPORT_PRICE: Method = Method {
    measure: Measure::ImportPrice,
    title: "Mean unit value of imports.",
    name: "import-price",
    id: "import-price/1",
    formula: "sum(v_j) / sum(q_j)",
    symbols: &[
        symbol("sum(v_j)", "value of all imports"),
        symbol("sum(q_j)", "quantity of all imports"),
        symbol("v_j", "value of imports from supplier j, thousand current US dollars"),
        symbol("q_j", "their quantity in tonnes; trade between members of a bloc is excluded"),
    ],
    unit: "USD/kg",
    range: (0.0, f64::INFINITY),
    inputs: &[input(
        "imports by supplier, quantity and value",
        "A flow that lacks one of the two is omitted from the best estimate and widens the bounds; there is \
         no upper bound where no quantity is known. Not applicable where nothing is imported.",
    )],
    citation: "United Nations, International Merchandise Trade Statistics: Compilers Manual, unit values; \
               the price of geopolrisk-py 2.0.1",
    table: Table::Trade,
    ..GEOPOLRISK
};
