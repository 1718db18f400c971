//! The catalogue of measures: identifier, formula, unit, range, inputs, thresholds and source of each.
//!
//! A file for each family of measures holds their definitions. A new measure is one line in `catalogue!`
//! below and one `Method` in a file; everything else follows from these.

mod chain;
mod criticality;
mod crma;
mod dependency;
mod geopolrisk;
mod lookthrough;
mod reliance;
mod restriction;
mod sourcing;
mod usgs;

use std::fmt;
use std::str::FromStr;

use orewatch_catalog::{CodeKind, UnknownCode};

/// The list of measures, by identifier: a variant each, and its definition.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $name:ident = $room:ident::$method:ident,)+) => {
        /// A named formula over a market.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Measure {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Measure {
            /// Its definition.
            #[must_use]
            pub fn method(self) -> &'static Method {
                match self {
                    $(Self::$name => &$room::$method,)+
                }
            }

            /// Identifier of its family, such as `sourcing` or `criticality`: measures with a common subject
            /// and sources.
            #[must_use]
            pub fn family(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($room),)+
                }
            }
        }

        static METHODS: &[&Method] = &[$(&$room::$method,)+];
    };
}

catalogue! {
    /// Share of a consumer's use that was mined, refined or manufactured in a supplier, at any stage up to
    /// this one.
    ChainAnyShare = chain::CHAIN_ANY_SHARE,
    /// Share of a consumer's use that was manufactured in a supplier.
    ChainMadeShare = chain::CHAIN_MADE_SHARE,
    /// Share of a consumer's use whose material was mined in a supplier, traced through all stages up to
    /// this one.
    ChainMinedShare = chain::CHAIN_MINED_SHARE,
    /// Share of a consumer's use whose material was refined in a supplier, traced through all stages up to
    /// this one.
    ChainRefinedShare = chain::CHAIN_REFINED_SHARE,
    /// Extraction inside a consumer as a share of its annual consumption; benchmark 10 %.
    CrmaExtraction = crma::CRMA_EXTRACTION,
    /// Processing inside a consumer as a share of its annual consumption; benchmark 40 %.
    CrmaProcessing = crma::CRMA_PROCESSING,
    /// Recycling inside a consumer as a share of its annual consumption; benchmark 25 %.
    CrmaRecycling = crma::CRMA_RECYCLING,
    /// Largest share of a consumer's annual consumption that comes from one third country; at most 65 %.
    CrmaThirdCountry = crma::CRMA_THIRD_COUNTRY,
    /// Number of the last three years in which a product met the European Commission's tests of dependency.
    EcDependencyYears = dependency::EC_DEPENDENCY_YEARS,
    /// Economic importance of a material for a consumer's sectors.
    EuEconomicImportance = criticality::EU_ECONOMIC_IMPORTANCE,
    /// Governance-weighted concentration of the world's supply.
    EuGlobalHhi = criticality::EU_GLOBAL_HHI,
    /// Import reliance by the definition of the EU's criticality assessment.
    EuImportReliance = reliance::EU_IMPORT_RELIANCE,
    /// Governance-weighted concentration of a consumer's sourcing: its own output and its imports.
    EuSourcingHhi = criticality::EU_SOURCING_HHI,
    /// Supply risk of the EU's criticality assessment, at one stage.
    EuSupplyRisk = criticality::EU_SUPPLY_RISK,
    /// Supply risk of a material: the largest of its stages.
    EuSupplyRiskMax = criticality::EU_SUPPLY_RISK_MAX,
    /// Herfindahl-Hirschman index of the world's exports.
    ExportHhi = dependency::EXPORT_HHI,
    /// Share of a bloc's imports that comes from outside the bloc.
    ExtraImportShare = dependency::EXTRA_IMPORT_SHARE,
    /// Number of the last three years in which a product met the tests of GeoDep.
    GeodepYears = dependency::GEODEP_YEARS,
    /// Characterisation factor of the geopolitical supply risk.
    GeopolriskCf = geopolrisk::GEOPOLRISK_CF,
    /// Import risk: imports weighted by the political instability of their suppliers.
    GeopolriskImportRisk = geopolrisk::GEOPOLRISK_IMPORT_RISK,
    /// Geopolitical supply risk: concentration of the world's output times import risk.
    GeopolriskScore = geopolrisk::GEOPOLRISK_SCORE,
    /// Ratio of imports to exports.
    ImportExportRatio = dependency::IMPORT_EXPORT_RATIO,
    /// Herfindahl-Hirschman index of a consumer's imports.
    ImportHhi = sourcing::IMPORT_HHI,
    /// Mean unit value of imports.
    ImportPrice = geopolrisk::IMPORT_PRICE,
    /// A supplier's share of a consumer's imports.
    ImportShare = sourcing::IMPORT_SHARE,
    /// Effective number of a consumer's suppliers.
    ImportSuppliers = sourcing::IMPORT_SUPPLIERS,
    /// Share of a consumer's largest supplier.
    ImportTop1 = sourcing::IMPORT_TOP1,
    /// Share of a consumer's three largest suppliers.
    ImportTop3 = sourcing::IMPORT_TOP3,
    /// Amount that must be added to an economy's supply so that it covers its exports.
    LookthroughBalance = lookthrough::LOOKTHROUGH_BALANCE,
    /// Herfindahl-Hirschman index of the true origins, behind re-exports, of a consumer's use.
    LookthroughHhi = lookthrough::LOOKTHROUGH_HHI,
    /// Tonnes of a consumer's use whose true origin, behind re-exports, is a supplier.
    LookthroughQuantity = lookthrough::LOOKTHROUGH_QUANTITY,
    /// Share of a consumer's use whose true origin, behind re-exports, is a supplier.
    LookthroughShare = lookthrough::LOOKTHROUGH_SHARE,
    /// Share of the largest true origin, behind re-exports, of a consumer's use.
    LookthroughTop1 = lookthrough::LOOKTHROUGH_TOP1,
    /// Supply without the largest supplier, divided by demand without that supplier's own demand.
    N1Cover = reliance::N1_COVER,
    /// Share of apparent consumption that comes from abroad.
    NetImportReliance = reliance::NET_IMPORT_RELIANCE,
    /// Herfindahl-Hirschman index of the world's output.
    ProductionHhi = sourcing::PRODUCTION_HHI,
    /// A producer's share of the world's output.
    ProductionShare = sourcing::PRODUCTION_SHARE,
    /// Effective number of producers.
    ProductionSuppliers = sourcing::PRODUCTION_SUPPLIERS,
    /// Share of the largest producer.
    ProductionTop1 = sourcing::PRODUCTION_TOP1,
    /// Share of the three largest producers.
    ProductionTop3 = sourcing::PRODUCTION_TOP3,
    /// Share of imports from suppliers that restrict the export of the product.
    RestrictedShare = restriction::RESTRICTED_SHARE,
    /// Disruption potential: concentration of production, weighted by ability and willingness to supply.
    UsgsDisruptionPotential = usgs::USGS_DISRUPTION_POTENTIAL,
    /// Economic vulnerability: value added that depends on the material.
    UsgsEconomicVulnerability = usgs::USGS_ECONOMIC_VULNERABILITY,
    /// Supply risk: geometric mean of disruption potential, trade exposure and economic vulnerability.
    UsgsSupplyRisk = usgs::USGS_SUPPLY_RISK,
    /// Trade exposure: net import reliance with stocks and secondary output, 0 for a net exporter.
    UsgsTradeExposure = usgs::USGS_TRADE_EXPOSURE,
}

/// The definitions of all measures, by identifier.
pub fn methods() -> impl ExactSizeIterator<Item = &'static Method> + Clone {
    METHODS.iter().copied()
}

/// The tables that a measure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bilateral flows.
    Trade,
    /// Output by economy.
    Production,
    /// Both, on the same basis.
    Both,
}

/// The weight by which suppliers are compared.
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
    /// The symbol as in the formula.
    pub symbol: &'static str,
    /// Its meaning.
    pub description: &'static str,
}

/// An input of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name, such as `imports by supplier`.
    pub name: &'static str,
    /// How the measure treats a missing input: without a figure, for which reason, or with wider bounds. It
    /// is never taken as zero.
    pub missing: &'static str,
}

/// A line: a threshold that the source of a measure defines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its name, such as `CRMA 2030: at most 65 % from one third country`.
    pub name: &'static str,
    /// The threshold, in the measure's unit.
    pub at: f64,
    /// The side on which the source sees a dependency or a shortfall.
    pub beyond: Side,
    /// Whether a value on the line counts as beyond it (`>=` and `<=`).
    pub inclusive: bool,
}

/// A side of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Values greater than the line.
    Above,
    /// Values less than the line.
    Below,
}

/// The definition of a measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// The measure.
    pub measure: Measure,
    /// What it says, one sentence for people.
    pub title: &'static str,
    /// Identifier without version, `import-share`.
    pub name: &'static str,
    /// Identifier with version, `import-share/1`: a change of the formula is a new version.
    pub id: &'static str,
    /// The formula in plain notation.
    pub formula: &'static str,
    /// Its symbols, in the order of the formula.
    pub symbols: &'static [Symbol],
    /// `share` (0 to 1), `hhi` (0 to 10000), `count`, `years`, `index`, `ratio`, or a physical unit such as
    /// `t`.
    pub unit: &'static str,
    /// Least and greatest value, in `unit`. The greatest may be infinite.
    pub range: (f64, f64),
    /// Its inputs, and the effect of each where it is missing.
    pub inputs: &'static [Input],
    /// The publication that defines the formula.
    pub citation: &'static str,
    /// Thresholds that its source defines.
    pub lines: &'static [Line],
    /// The tables that it needs.
    pub table: Table,
    /// Whether a figure is about one supplier.
    pub has_supplier: bool,
    /// Weights by which it can be computed, the default first.
    pub weights: &'static [Weight],
}

/// The text does not name a measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMeasure {
    /// The text as given.
    pub value: String,
    /// The closest measure, or the version that exists.
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

    /// Reads an identifier with its version, or without, which means the newest version.
    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        let text = text.trim();
        let found = methods().find(|method| method.id == text || method.name == text);
        found
            .map(|method| method.measure)
            .ok_or_else(|| UnknownMeasure { value: text.to_owned(), suggestion: suggestion(text) })
    }
}

fn suggestion(text: &str) -> Option<String> {
    let name = text.split('/').next().unwrap_or(text);
    let same = methods().find(|method| method.name == name);
    same.map(|method| method.id.to_owned()).or_else(|| {
        UnknownCode::closest(CodeKind::Measure, name, methods().map(|method| method.name)).suggestion
    })
}

const fn symbol(symbol: &'static str, description: &'static str) -> Symbol {
    Symbol { symbol, description }
}

const fn input(name: &'static str, missing: &'static str) -> Input {
    Input { name, missing }
}

const BOTH_WEIGHTS: &[Weight] = &[Weight::Quantity, Weight::Value];
const BY_QUANTITY: &[Weight] = &[Weight::Quantity];
const BY_VALUE: &[Weight] = &[Weight::Value];
