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
            "imports of one product from one supplier; trade between members of a bloc is left out",
        ),
        symbol(
            "r_f",
            "1 where the supplier has a measure in force on that product, towards this importer or all, at any time of the \
             period, and else 0; amber counts, green does not, and several measures count once",
        ),
    ],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[
        input(
            "imports by supplier and product",
            "A flow without a known amount enters between bounds; the best estimate leaves it out. Not applicable \
             where nothing is imported.",
        ),
        input(
            "export restrictions",
            "Unavailable where no inventory of restrictions is recorded for the period: an empty inventory is not the \
             absence of restrictions. A flow of which it is not known whether it is restricted is on both sides of the \
             bounds.",
        ),
    ],
    lines: &[],
    citation: "OECD, Inventory of Export Restrictions on Industrial Raw Materials: share of trade under restriction, \
               one count a product, country and year; Global Trade Alert, handbook: amber measures count as harmful",
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};
