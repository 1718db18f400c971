//! Measures of the true origin behind re-exports.

use super::{BY_QUANTITY, Input, Measure, Method, Symbol, Table, input, symbol};

const CITATION: &str = "Kastner, Kastner and Nonhebel (2011), Tracing distant environmental impacts of \
                        agricultural products from a consumer perspective, Ecological Economics 70: \
                        1032-1040";

const FLOW: Symbol = symbol("Z_kj", "flow from economy k to economy j");
const OUTPUT: Symbol = symbol("P_j", "output of economy j");
const ADDED: Symbol =
    symbol("b_j", "amount that is added to the supply of j so that it covers its exports, max(0, E - P - I)");
const SUPPLY: Symbol = symbol(
    "x_j",
    "supply of economy j: output, imports (those of unknown origin included) and the amount \
                   b_j that is added",
);
const MIX: Symbol = symbol(
    "C_ji",
    "share of the supply of j that originates in i, directly or through other \
                                    economies",
);
const USED: Symbol = symbol("c", "use of the consumer: supply minus exports, summed over its members");
const SHARE: Symbol = symbol("s_i", "share of origin i in the consumer's use");
const IMPORTED: Symbol = symbol("U_j", "imports of economy j from an unknown origin");
const UNKNOWN: Symbol = symbol(
    "u",
    "share of the consumer's use that is of unknown origin: it was imported from an unknown partner or had \
     to be added, at the consumer or at an economy further up",
);
const UNLISTED: Symbol = symbol("u_unlisted", "part of u from partners that the source does not list");
const UNSPECIFIED: Symbol =
    symbol("u_unspecified", "part of u imported from partners that the source does not specify");
const CONFIDENTIAL: Symbol =
    symbol("u_confidential", "part of u imported from partners that the source withholds");
const SPECIAL: Symbol = symbol("u_special", "part of u imported from special partners");
const REMAINDER: Symbol =
    symbol("u_remainder", "part of u by which reported totals exceed the sum of the listed partners");
const NOT_REPORTED: Symbol =
    symbol("u_not_reported", "part of u imported by economies that have not reported");

/// What all shares are computed from.
const INPUTS: &[Input] = &[
    input(
        "output by producer",
        "A withheld output lies between 0 and infinity; that of an economy which the source does not list, \
         between 0 and the residual. The best estimate omits both. Unavailable where the market has no \
         output figures.",
    ),
    input(
        "flows",
        "A flow that is known only within bounds is certain up to its lower bound; the rest of it counts as \
         an import of unknown origin. The best estimate uses the best estimates of flows and omits flows \
         without one. Unavailable where the market has no trade figures.",
    ),
    input(
        "imports of unknown origin",
        "They are an origin of their own, which importers pass on with the rest of their supply. The best \
         estimate assigns them to no economy. The share of any origin lies between s_i and s_i + u; the \
         concentration lies between the case that u is spread over very many origins and the case that all \
         of it comes from the largest origin. Coverage excludes them.",
    ),
    input(
        "output that covers exports",
        "Where an economy exports more than its supply, the difference is added to its supply. The best \
         estimate counts it as the economy's own output, the lower bound assigns it to no economy, the upper \
         bound assigns it to the supplier in question. Unavailable for a consumer whose use is less than 1 % \
         of its supply.",
    ),
    input(
        "one basis of output and flows",
        "If output is recorded as content and flows as gross weight, shares are partial, since the added \
         amounts then include the difference between the two; tonnes are unavailable.",
    ),
];

/// What the measures have in common.
const SHARES: Method = Method {
    measure: Measure::LookthroughShare,
    title: "Share of a consumer's use whose true origin, behind re-exports, is a supplier.",
    name: "lookthrough-share",
    id: "lookthrough-share/1",
    formula: "s_i = sum over members j of c_j C_ji / c, where x_j C_ji = (P_j + b_j, if i = j) + sum over k \
              of Z_kj C_ki, x_j = P_j + b_j + U_j + sum over k of Z_kj",
    symbols: &[
        SHARE,
        USED,
        MIX,
        SUPPLY,
        OUTPUT,
        ADDED,
        FLOW,
        IMPORTED,
        UNKNOWN,
        UNLISTED,
        UNSPECIFIED,
        CONFIDENTIAL,
        SPECIAL,
        REMAINDER,
        NOT_REPORTED,
    ],
    unit: "share",
    range: (0.0, 1.0),
    inputs: INPUTS,
    lines: &[],
    citation: CITATION,
    table: Table::Both,
    has_supplier: true,
    weights: BY_QUANTITY,
};

pub(super) static LOOKTHROUGH_SHARE: Method = SHARES;

pub(super) static LOOKTHROUGH_QUANTITY: Method = Method {
    measure: Measure::LookthroughQuantity,
    title: "Tonnes of a consumer's use whose true origin, behind re-exports, is a supplier.",
    name: "lookthrough-quantity",
    id: "lookthrough-quantity/1",
    formula: "s_i c",
    symbols: &[SHARE, USED, UNKNOWN, UNLISTED, UNSPECIFIED, CONFIDENTIAL, SPECIAL, REMAINDER, NOT_REPORTED],
    unit: "t",
    range: (0.0, f64::INFINITY),
    ..SHARES
};

pub(super) static LOOKTHROUGH_HHI: Method = Method {
    measure: Measure::LookthroughHhi,
    title: "Herfindahl-Hirschman index of the true origins, behind re-exports, of a consumer's use.",
    name: "lookthrough-hhi",
    id: "lookthrough-hhi/1",
    formula: "10000 * sum(s_i^2), between what is of unknown origin spread thinly (adds 0) and all of it \
              from one origin",
    symbols: &[SHARE, USED, UNKNOWN, UNLISTED, UNSPECIFIED, CONFIDENTIAL, SPECIAL, REMAINDER, NOT_REPORTED],
    unit: "hhi",
    range: (0.0, 10_000.0),
    has_supplier: false,
    ..SHARES
};

pub(super) static LOOKTHROUGH_TOP1: Method = Method {
    measure: Measure::LookthroughTop1,
    title: "Share of the largest true origin, behind re-exports, of a consumer's use.",
    name: "lookthrough-top1",
    id: "lookthrough-top1/1",
    formula: "max(s_i)",
    symbols: &[SHARE, USED, UNKNOWN, UNLISTED, UNSPECIFIED, CONFIDENTIAL, SPECIAL, REMAINDER, NOT_REPORTED],
    has_supplier: false,
    ..SHARES
};

pub(super) static LOOKTHROUGH_BALANCE: Method = Method {
    measure: Measure::LookthroughBalance,
    title: "Amount that must be added to an economy's supply so that it covers its exports.",
    name: "lookthrough-balance",
    id: "lookthrough-balance/1",
    formula: "max(0, E - (P + I))",
    symbols: &[symbol("E", "exports"), symbol("P", "output"), symbol("I", "imports")],
    unit: "t",
    range: (0.0, f64::INFINITY),
    inputs: &[input(
        "output, imports and exports",
        "The lower bound takes output and imports at their upper bounds and exports at their lower bound; \
         the upper bound, the reverse. A withheld producer may need no added amount at all. Unavailable \
         where output and flows are on different bases.",
    )],
    has_supplier: false,
    ..SHARES
};
