//! Measures of the true origin behind re-exports.

use super::{BY_QUANTITY, Input, Measure, Method, Symbol, Table, input, symbol};

const CITATION: &str = "Kastner, Kastner and Nonhebel (2011), Tracing distant environmental impacts of agricultural products \
                        from a consumer perspective, Ecological Economics 70: 1032-1040";

const FLOW: Symbol = symbol("Z_kj", "flow from economy k to economy j");
const OUTPUT: Symbol = symbol("P_j", "output of economy j");
const ADDED: Symbol =
    symbol("b_j", "what is added to the supply of j so that it covers its exports, max(0, E - P - I)");
const SUPPLY: Symbol =
    symbol("x_j", "supply of economy j: output, imports, also those of unknown origin, and what is added");
const MIX: Symbol = symbol("C_ji", "part of the supply of j that comes from i, directly or through others");
const USED: Symbol = symbol("c", "what the consumer uses: supply less exports, summed over its members");
const SHARE: Symbol = symbol("s_i", "share of origin i in what the consumer uses");
const IMPORTED: Symbol = symbol("U_j", "what economy j imports from an unknown origin");
const UNKNOWN: Symbol = symbol(
    "u",
    "share of what the consumer uses that is of unknown origin: it was imported from there or had to be added, by the consumer \
     or by those before it",
);
const UNLISTED: Symbol = symbol("u_unlisted", "part of u that is of partners which the source does not list");
const UNSPECIFIED: Symbol =
    symbol("u_unspecified", "part of u that was imported from partners which the source does not specify");
const CONFIDENTIAL: Symbol =
    symbol("u_confidential", "part of u that was imported from partners which the source withholds");
const SPECIAL: Symbol = symbol("u_special", "part of u that was imported from special partners");
const REMAINDER: Symbol =
    symbol("u_remainder", "part of u that is a reported total above the sum of the listed partners");
const NOT_REPORTED: Symbol =
    symbol("u_not_reported", "part of u that economies import which have not reported");

/// What all shares are computed from.
const INPUTS: &[Input] = &[
    input(
        "output by producer",
        "A withheld producer enters between 0 and infinity, one that the source does not list between 0 and the residual; \
         the best estimate leaves both out. Unavailable where the market has no figures of output.",
    ),
    input(
        "flows",
        "A flow between bounds is sure up to its lower one; the rest of it reaches the importer from an unknown origin. The \
         best estimate takes best estimates and leaves out what has none. Unavailable where the market has no figures of \
         trade.",
    ),
    input(
        "imports of unknown origin",
        "An origin of its own, which passes on with everything else that its importer has. The best estimate gives it to \
         nobody; the share of any origin is between s_i and s_i + u, the index of concentration between u spread thinly and \
         all of it at the largest origin. Coverage leaves it out.",
    ),
    input(
        "output that covers exports",
        "What an economy exports beyond its supply is added to it and counts as its own in the best estimate; in the lower \
         bound it comes from nobody, in the upper bound from the origin asked for. Unavailable for a consumer that uses \
         less than a hundredth of its supply.",
    ),
    input(
        "one basis of output and flows",
        "Shares of a market whose output is content and whose flows are gross weight are partial, since what is added is \
         then also the difference of the two; tonnes are unavailable.",
    ),
];

/// What the measures have in common.
const SHARES: Method = Method {
    measure: Measure::LookthroughShare,
    title: "Share of what a consumer uses that truly comes from a supplier, after re-exports.",
    name: "lookthrough-share",
    id: "lookthrough-share/1",
    formula: "s_i = sum over members j of c_j C_ji / c, where x_j C_ji = (P_j + b_j, if i = j) + sum over k of Z_kj C_ki, \
              x_j = P_j + b_j + U_j + sum over k of Z_kj",
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
    title: "Tonnes of what a consumer uses that truly come from a supplier, after re-exports.",
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
    title: "Herfindahl-Hirschman index of the true origins of what a consumer uses, after re-exports.",
    name: "lookthrough-hhi",
    id: "lookthrough-hhi/1",
    formula: "10000 * sum(s_i^2), between what is of unknown origin spread thinly (adds 0) and all of it from one origin",
    symbols: &[SHARE, USED, UNKNOWN, UNLISTED, UNSPECIFIED, CONFIDENTIAL, SPECIAL, REMAINDER, NOT_REPORTED],
    unit: "hhi",
    range: (0.0, 10_000.0),
    has_supplier: false,
    ..SHARES
};

pub(super) static LOOKTHROUGH_TOP1: Method = Method {
    measure: Measure::LookthroughTop1,
    title: "Share of the largest true origin of what a consumer uses, after re-exports.",
    name: "lookthrough-top1",
    id: "lookthrough-top1/1",
    formula: "max(s_i)",
    symbols: &[SHARE, USED, UNKNOWN, UNLISTED, UNSPECIFIED, CONFIDENTIAL, SPECIAL, REMAINDER, NOT_REPORTED],
    has_supplier: false,
    ..SHARES
};

pub(super) static LOOKTHROUGH_BALANCE: Method = Method {
    measure: Measure::LookthroughBalance,
    title: "What had to be added to an economy's supply so that it covers its exports.",
    name: "lookthrough-balance",
    id: "lookthrough-balance/1",
    formula: "max(0, E - (P + I))",
    symbols: &[symbol("E", "exports"), symbol("P", "output"), symbol("I", "imports")],
    unit: "t",
    range: (0.0, f64::INFINITY),
    inputs: &[input(
        "output, imports and exports",
        "Least with output and imports as high and exports as low as they can be, greatest the other way round. A \
         withheld producer may need no balance at all. Unavailable where output and flows are on different bases.",
    )],
    has_supplier: false,
    ..SHARES
};
