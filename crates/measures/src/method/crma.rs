//! Benchmarks of the Critical Raw Materials Act.

use super::{BY_QUANTITY, Input, Line, Measure, Method, Side, Symbol, Table, input, symbol};

const CONSUMPTION: Symbol = symbol(
    "C",
    "annual consumption: as recorded, otherwise apparent consumption, P \
                                         + S + I - E + D",
);
const OUTPUT: Symbol = symbol("P", "primary output inside the consumer");
const SECONDARY: Symbol = symbol("S", "output from old scrap inside the consumer");
const IMPORTS: Symbol = symbol("I", "imports; trade between members of a bloc is excluded");
const EXPORTS: Symbol = symbol("E", "exports; trade between members of a bloc is excluded");
const STOCKS: Symbol = symbol("D", "decrease of stocks during the period");

const WITH_CONSUMPTION: Input = input(
    "consumption",
    "Apparent consumption is used where none is recorded; that requires output and trade on the same basis. \
     It includes output from old scrap and the decrease of stocks where they are recorded. Not applicable \
     where nothing is consumed.",
);
const WITH_OUTPUT: Input = input(
    "output",
    "A withheld or missing output lies between 0 and infinity; the output of an economy that the source does \
     not list, between 0 and the residual.",
);

/// What the benchmarks have in common.
const BENCHMARK: Method = Method {
    measure: Measure::CrmaExtraction,
    title: "",
    name: "crma-extraction",
    id: "crma-extraction/1",
    formula: "P / C",
    symbols: &[OUTPUT, CONSUMPTION, IMPORTS, EXPORTS, STOCKS, SECONDARY],
    unit: "share",
    range: (0.0, f64::INFINITY),
    inputs: &[WITH_OUTPUT, WITH_CONSUMPTION],
    lines: &[],
    citation: "Regulation (EU) 2024/1252 (Critical Raw Materials Act), article 5",
    table: Table::Both,
    has_supplier: false,
    weights: BY_QUANTITY,
};

pub(super) static CRMA_EXTRACTION: Method = Method {
    title: "Extraction inside a consumer as a share of its annual consumption; benchmark 10 %.",
    lines: &[short_of("CRMA 2030: at least 10 % extracted inside", 0.10)],
    ..BENCHMARK
};

pub(super) static CRMA_PROCESSING: Method = Method {
    measure: Measure::CrmaProcessing,
    title: "Processing inside a consumer as a share of its annual consumption; benchmark 40 %.",
    name: "crma-processing",
    id: "crma-processing/1",
    lines: &[short_of("CRMA 2030: at least 40 % processed inside", 0.40)],
    ..BENCHMARK
};

pub(super) static CRMA_RECYCLING: Method = Method {
    measure: Measure::CrmaRecycling,
    title: "Recycling inside a consumer as a share of its annual consumption; benchmark 25 %.",
    name: "crma-recycling",
    id: "crma-recycling/1",
    formula: "S / C",
    symbols: &[SECONDARY, CONSUMPTION, IMPORTS, EXPORTS, STOCKS, OUTPUT],
    inputs: &[
        input(
            "output from old scrap",
            "Unavailable as a best estimate; between 0 and infinity in the \
                                        bounds.",
        ),
        WITH_CONSUMPTION,
    ],
    lines: &[short_of("CRMA 2030: at least 25 % recycled inside", 0.25)],
    ..BENCHMARK
};

pub(super) static CRMA_THIRD_COUNTRY: Method = Method {
    measure: Measure::CrmaThirdCountry,
    title: "Largest share of a consumer's annual consumption that comes from one third country; at most 65 \
            %.",
    name: "crma-third-country",
    id: "crma-third-country/1",
    formula: "max(I_c) / C, at most 1",
    symbols: &[
        symbol("max(I_c)", "imports from the country with the largest imports"),
        CONSUMPTION,
        IMPORTS,
        EXPORTS,
        STOCKS,
        OUTPUT,
        SECONDARY,
    ],
    range: (0.0, 1.0),
    inputs: &[
        input(
            "imports by supplier",
            "A flow without a quantity widens the bounds, which consider each country that may be the \
             largest. If imports exceed consumption, a part of them was re-exported: the share is then 1. \
             The country is the country of dispatch.",
        ),
        WITH_OUTPUT,
        WITH_CONSUMPTION,
    ],
    lines: &[Line {
        name: "CRMA 2030: at most 65 % from one third country",
        at: 0.65,
        beyond: Side::Above,
        inclusive: false,
    }],
    ..BENCHMARK
};

/// A target that must be reached: what is below falls short.
const fn short_of(name: &'static str, at: f64) -> Line {
    Line { name, at, beyond: Side::Below, inclusive: false }
}
