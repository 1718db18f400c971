//! The catalogue of measures: what each is called, its formula, unit, range and source.

use std::fmt;
use std::str::FromStr;

use orewatch_catalog::{Kind, UnknownCode};

/// A named formula over a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Herfindahl-Hirschman index of a consumer's imports.
    ImportHhi,
    /// A supplier's share of a consumer's imports.
    ImportShare,
    /// Effective number of a consumer's suppliers.
    ImportSuppliers,
    /// Share of a consumer's largest supplier.
    ImportTop1,
    /// Share of a consumer's three largest suppliers.
    ImportTop3,
    /// Part of apparent consumption that comes from abroad.
    NetImportReliance,
    /// Herfindahl-Hirschman index of the world's output.
    ProductionHhi,
    /// A producer's share of the world's output.
    ProductionShare,
    /// Effective number of producers.
    ProductionSuppliers,
    /// Share of the largest producer.
    ProductionTop1,
    /// Share of the three largest producers.
    ProductionTop3,
}

/// What figures a measure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bilateral flows.
    Trade,
    /// Output by economy.
    Production,
    /// Both, on the same basis.
    Both,
}

/// What suppliers are weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Tonnes of the market's basis.
    Quantity,
    /// Thousands of current US dollars.
    Value,
}

/// A symbol of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// As the formula writes it.
    pub symbol: &'static str,
    /// What it stands for.
    pub description: &'static str,
}

/// How a measure is defined.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// The measure.
    pub measure: Measure,
    /// Identifier without version, `import-share`.
    pub name: &'static str,
    /// Identifier with version, `import-share/1`: a change of the formula is a new version.
    pub id: &'static str,
    /// The formula in plain notation.
    pub formula: &'static str,
    /// Its symbols, in the order they appear.
    pub symbols: &'static [Symbol],
    /// `share`, `hhi` or `count`.
    pub unit: &'static str,
    /// Least and greatest value. The greatest may be infinite.
    pub range: (f64, f64),
    /// What missing inputs do to it.
    pub missing: &'static str,
    /// Where the formula is published.
    pub citation: &'static str,
    /// What figures it needs.
    pub table: Table,
    /// Whether a figure is about one supplier.
    pub has_supplier: bool,
    /// By what it can be weighed.
    pub weights: &'static [Weight],
}

/// Text that names no measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMeasure {
    /// The text as given.
    pub value: String,
    /// The measure that may have been meant, or the version that exists.
    pub suggestion: Option<String>,
}

impl fmt::Display for UnknownMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown measure `{}`", self.value)?;
        self.suggestion.as_ref().map_or(Ok(()), |near| write!(f, ": did you mean {near}?"))
    }
}

impl std::error::Error for UnknownMeasure {}

impl Measure {
    /// How it is defined.
    #[must_use]
    pub fn method(self) -> &'static Method {
        match self {
            Self::ImportHhi => &IMPORT_HHI,
            Self::ImportShare => &IMPORT_SHARE,
            Self::ImportSuppliers => &IMPORT_SUPPLIERS,
            Self::ImportTop1 => &IMPORT_TOP1,
            Self::ImportTop3 => &IMPORT_TOP3,
            Self::NetImportReliance => &NET_IMPORT_RELIANCE,
            Self::ProductionHhi => &PRODUCTION_HHI,
            Self::ProductionShare => &PRODUCTION_SHARE,
            Self::ProductionSuppliers => &PRODUCTION_SUPPLIERS,
            Self::ProductionTop1 => &PRODUCTION_TOP1,
            Self::ProductionTop3 => &PRODUCTION_TOP3,
        }
    }

    /// Identifier with version, `import-share/1`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.method().id
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    /// Reads an identifier with its version, or without: then the newest version is meant.
    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        let text = text.trim();
        let found = methods().iter().find(|method| method.id == text || method.name == text);
        found
            .map(|method| method.measure)
            .ok_or_else(|| UnknownMeasure { value: text.to_owned(), suggestion: suggestion(text) })
    }
}

fn suggestion(text: &str) -> Option<String> {
    let name = text.split('/').next().unwrap_or(text);
    let same = methods().iter().find(|method| method.name == name);
    same.map(|method| method.id.to_owned()).or_else(|| {
        UnknownCode::closest(Kind::Measure, name, methods().iter().map(|method| method.name)).suggestion
    })
}

/// Every measure, by identifier.
#[must_use]
pub fn methods() -> &'static [Method] {
    &METHODS
}

static METHODS: [Method; 11] = [
    IMPORT_HHI,
    IMPORT_SHARE,
    IMPORT_SUPPLIERS,
    IMPORT_TOP1,
    IMPORT_TOP3,
    NET_IMPORT_RELIANCE,
    PRODUCTION_HHI,
    PRODUCTION_SHARE,
    PRODUCTION_SUPPLIERS,
    PRODUCTION_TOP1,
    PRODUCTION_TOP3,
];

const fn symbol(symbol: &'static str, description: &'static str) -> Symbol {
    Symbol { symbol, description }
}

const BOTH_WEIGHTS: &[Weight] = &[Weight::Quantity, Weight::Value];

const IMPORT_MISSING: &str = "A flow without a quantity enters between 0 and its value over the lowest unit value among the \
                              known flows of the market; one with neither, unbounded. The best estimate leaves it out.";
const OUTPUT_MISSING: &str = "A withheld or missing producer enters between 0 and infinity, and the best estimate leaves it \
                              out. The residual of economies that the source does not list is part of the sum and of no \
                              share; bounds of concentration spread it thinly or give it to one producer.";
const HHI_CITATION: &str = "Herfindahl-Hirschman index on the scale of the US Department of Justice and Federal Trade \
                            Commission, Merger Guidelines (2023), 0 to 10000";
const SHARE_CITATION: &str = "European Commission, Methodology for establishing the EU list of critical raw materials (2017): \
                              shares of supply";
const OUTPUT_CITATION: &str = "US Geological Survey, Mineral Commodity Summaries: world production by country; International \
                               Energy Agency, Global Critical Minerals Outlook: share of the three largest producers";
const EFFECTIVE_CITATION: &str = "Number equivalent of the Herfindahl-Hirschman index (Adelman 1969, Review of Economics and \
                                  Statistics 51)";

const IMPORT_FLOW: Symbol =
    symbol("a_i", "imports from supplier i; trade between members of a bloc is left out");
const IMPORT_SHARE_OF: Symbol = symbol("s_i", "share of supplier i in imports, a_i / sum(a)");
const IMPORT_SUM: Symbol = symbol("sum(a)", "imports from all suppliers");
const OUTPUT: Symbol = symbol("a_i", "output of producer i");
const OUTPUT_SHARE_OF: Symbol =
    symbol("s_i", "share of producer i in the world's output, a_i / (sum(a) + R)");
const OUTPUT_SUM: Symbol = symbol("sum(a)", "output of all listed producers");
const RESIDUAL: Symbol = symbol("R", "output of economies that the source does not list");
const HHI: Symbol = symbol("HHI", "Herfindahl-Hirschman index, 10000 * sum(s_i^2)");

/// What the measures of imports have in common.
const IMPORT: Method = Method {
    measure: Measure::ImportShare,
    name: "import-share",
    id: "import-share/1",
    formula: "a_i / sum(a)",
    symbols: &[IMPORT_FLOW, IMPORT_SUM],
    unit: "share",
    range: (0.0, 1.0),
    missing: IMPORT_MISSING,
    citation: SHARE_CITATION,
    table: Table::Trade,
    has_supplier: false,
    weights: BOTH_WEIGHTS,
};

/// What the measures of output have in common.
const PRODUCTION: Method = Method {
    measure: Measure::ProductionShare,
    name: "production-share",
    id: "production-share/1",
    formula: "a_i / (sum(a) + R)",
    symbols: &[OUTPUT, OUTPUT_SUM, RESIDUAL],
    unit: "share",
    range: (0.0, 1.0),
    missing: OUTPUT_MISSING,
    citation: OUTPUT_CITATION,
    table: Table::Production,
    has_supplier: false,
    weights: &[Weight::Quantity],
};

const IMPORT_SHARE: Method = Method { has_supplier: true, ..IMPORT };

const IMPORT_HHI: Method = Method {
    measure: Measure::ImportHhi,
    name: "import-hhi",
    id: "import-hhi/1",
    formula: "10000 * sum(s_i^2)",
    symbols: &[IMPORT_SHARE_OF, IMPORT_SUM],
    unit: "hhi",
    range: (0.0, 10_000.0),
    citation: HHI_CITATION,
    ..IMPORT
};

const IMPORT_SUPPLIERS: Method = Method {
    measure: Measure::ImportSuppliers,
    name: "import-suppliers",
    id: "import-suppliers/1",
    formula: "10000 / HHI",
    symbols: &[HHI, IMPORT_SUM],
    unit: "count",
    range: (1.0, f64::INFINITY),
    citation: EFFECTIVE_CITATION,
    ..IMPORT
};

const IMPORT_TOP1: Method = Method {
    measure: Measure::ImportTop1,
    name: "import-top1",
    id: "import-top1/1",
    formula: "max(s_i)",
    symbols: &[IMPORT_SHARE_OF, IMPORT_SUM],
    ..IMPORT
};

const IMPORT_TOP3: Method = Method {
    measure: Measure::ImportTop3,
    name: "import-top3",
    id: "import-top3/1",
    formula: "sum of the 3 largest s_i",
    symbols: &[IMPORT_SHARE_OF, IMPORT_SUM],
    ..IMPORT
};

const NET_IMPORT_RELIANCE: Method = Method {
    measure: Measure::NetImportReliance,
    name: "net-import-reliance",
    id: "net-import-reliance/1",
    formula: "(I - E) / (P + I - E), 0 for a net exporter",
    symbols: &[
        symbol("I", "imports; trade between members of a bloc is left out"),
        symbol("E", "exports; trade between members of a bloc is left out"),
        symbol("P", "primary output"),
    ],
    unit: "share",
    range: (0.0, 1.0),
    missing: "Output from old scrap and changes of stocks are left out of this version: no source of them is recorded. An \
              economy that the source of output does not list has output between 0 and the residual. Unavailable where \
              output is recorded on another basis than gross weight, which is how trade is weighed, or where the market has \
              no figures of output or of trade.",
    citation: "US Geological Survey, Mineral Commodity Summaries, appendix on definitions: net import reliance as a \
               percentage of apparent consumption",
    table: Table::Both,
    has_supplier: false,
    weights: &[Weight::Quantity],
};

const PRODUCTION_SHARE: Method = Method { has_supplier: true, ..PRODUCTION };

const PRODUCTION_HHI: Method = Method {
    measure: Measure::ProductionHhi,
    name: "production-hhi",
    id: "production-hhi/1",
    formula: "10000 * sum(s_i^2), between R spread thinly (adds 0) and R as one producer",
    symbols: &[OUTPUT_SHARE_OF, OUTPUT_SUM, RESIDUAL],
    unit: "hhi",
    range: (0.0, 10_000.0),
    citation: HHI_CITATION,
    ..PRODUCTION
};

const PRODUCTION_SUPPLIERS: Method = Method {
    measure: Measure::ProductionSuppliers,
    name: "production-suppliers",
    id: "production-suppliers/1",
    formula: "10000 / HHI",
    symbols: &[HHI, OUTPUT_SUM, RESIDUAL],
    unit: "count",
    range: (1.0, f64::INFINITY),
    citation: EFFECTIVE_CITATION,
    ..PRODUCTION
};

const PRODUCTION_TOP1: Method = Method {
    measure: Measure::ProductionTop1,
    name: "production-top1",
    id: "production-top1/1",
    formula: "max(s_i)",
    symbols: &[OUTPUT_SHARE_OF, OUTPUT_SUM, RESIDUAL],
    ..PRODUCTION
};

const PRODUCTION_TOP3: Method = Method {
    measure: Measure::ProductionTop3,
    name: "production-top3",
    id: "production-top3/1",
    formula: "sum of the 3 largest s_i",
    symbols: &[OUTPUT_SHARE_OF, OUTPUT_SUM, RESIDUAL],
    ..PRODUCTION
};
