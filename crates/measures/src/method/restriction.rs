//! Measures of export restrictions.

use super::{BOTH_WEIGHTS, Measure, Method, Table, input, symbol};

pub(super) static RESTRICTED_SHARE: Method = Method {
    measure: Measure::RestrictedShare,
    title: "Share of imports from suppliers that restrict the export of the product.",
    name: "restricted-share",
    id: "restricted-share/1",
    formula: "sum(a_f * r_f) / sum(a_f)",
    symbols: &[
        symbol("sum(a_f * r_f)", "imports under restriction"),
        symbol("sum(a_f)", "all imports"),
        symbol(
            "a_f",
            "imports of one product from one supplier; trade between members of a bloc is excluded",
        ),
        symbol(
            "r_f",
            "1 where the supplier has a measure in force on that product, towards this importer or towards \
             all, at any time of the period, otherwise 0; amber measures count, green ones do not, and \
             several measures count once",
        ),
    ],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[
        input(
            "imports by supplier and product",
            "A flow without a known amount lies between bounds; the best estimate omits it. Not applicable \
             where nothing is imported.",
        ),
        input(
            "export restrictions",
            "Unavailable where no inventory of restrictions is recorded for the period: a missing inventory \
             does not mean that there are no restrictions. A flow that may or may not be restricted counts \
             as free in the lower bound and as restricted in the upper bound.",
        ),
    ],
    lines: &[],
    citation: "OECD, Inventory of Export Restrictions on Industrial Raw Materials: share of trade under \
               restriction, one count a product, country and year; Global Trade Alert, handbook: amber \
               measures count as harmful",
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};
