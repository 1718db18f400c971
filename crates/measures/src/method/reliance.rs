//! Measures of how far a consumer relies on imports.

use super::{BY_QUANTITY, Measure, Method, Symbol, Table, input, symbol};

const IMPORTS: Symbol = symbol("I", "imports; trade between members of a bloc is excluded");
const EXPORTS: Symbol = symbol("E", "exports; trade between members of a bloc is excluded");
const OUTPUT: Symbol = symbol("P", "primary output");

const BASES: &str = "Unavailable where output is recorded on a basis other than gross weight, the basis of \
                     trade, or where the market has no output figures or no trade figures. A withheld or \
                     missing amount widens the bounds. Imports and exports that are not reported are \
                     unknown; they are not zero.";
const UNLISTED: &str =
    "The output of an economy that the source does not list lies between 0 and the residual.";

pub(super) static EU_IMPORT_RELIANCE: Method = Method {
    measure: Measure::EuImportReliance,
    title: "Import reliance by the definition of the EU's criticality assessment.",
    name: "eu-import-reliance",
    id: "eu-import-reliance/1",
    formula: "(I - E) / (P + I - E), 0 where exports exceed imports",
    symbols: &[IMPORTS, EXPORTS, OUTPUT],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[input("imports and exports", BASES), input("output", UNLISTED)],
    lines: &[],
    citation: "European Commission, Methodology for establishing the EU list of critical raw materials \
               (2017): import reliance",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static N1_COVER: Method = Method {
    measure: Measure::N1Cover,
    title: "Supply without the largest supplier, divided by demand without that supplier's own demand.",
    name: "n1-cover",
    id: "n1-cover/1",
    formula: "(S - S1) / (D - D1)",
    symbols: &[
        symbol("S", "world output, the residual included"),
        symbol("S1", "output of the largest supplier"),
        symbol(
            "D",
            "world consumption: per economy as recorded, otherwise output plus imports minus exports",
        ),
        symbol("D1", "consumption of the largest supplier"),
    ],
    unit: "ratio",
    range: (0.0, f64::INFINITY),
    inputs: &[
        input(
            "output by producer",
            "A withheld or missing output lies between 0 and infinity. The bounds consider each producer \
             that may be the largest, and the case that the residual is one producer.",
        ),
        input(
            "consumption by economy",
            "An economy whose recorded exports exceed its output and imports has a consumption between 0 and \
             its output plus imports. Unavailable where output and trade are on different bases, or one of \
             them is missing.",
        ),
    ],
    lines: &[],
    citation: "International Energy Agency, Global Critical Minerals Outlook 2025: N-1 supply as a share of \
               N-1 demand",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static NET_IMPORT_RELIANCE: Method = Method {
    measure: Measure::NetImportReliance,
    title: "Share of apparent consumption that comes from abroad.",
    name: "net-import-reliance",
    id: "net-import-reliance/2",
    formula: "N / C with N = I - E + D and C = P + S + N; 0 where N is below 0 (a net exporter, printed E)",
    symbols: &[
        symbol("N", "net imports; negative for a net exporter"),
        symbol("C", "apparent consumption"),
        IMPORTS,
        EXPORTS,
        symbol("D", "decrease of stocks during the period, negative where they grew"),
        OUTPUT,
        symbol("S", "output from old scrap"),
    ],
    unit: "share",
    range: (0.0, 1.0),
    inputs: &[
        input("imports and exports", BASES),
        input("output", UNLISTED),
        input(
            "output from old scrap, decrease of stocks",
            "Omitted where no release has a row for the consumer and period; a withheld row widens the \
             bounds.",
        ),
    ],
    lines: &[],
    citation: "US Geological Survey, Mineral Commodity Summaries, appendix on definitions: net import \
               reliance as a percentage of apparent consumption",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};
