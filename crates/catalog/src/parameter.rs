//! Parameters: figures that methods need in addition to trade, output and governance, such as recycling
//! rates, substitution indices and yields.
//!
//! The name of a parameter says what its figures mean. Economy, partner, material, stage and item say what a
//! figure is about; each parameter uses those that distinguish its figures. A figure applies from its period
//! on, until a later one about the same thing. Tonnes of a year (consumption, output from scrap, trade,
//! stocks) apply to that year only and are not carried forward.

use std::fmt;

use crate::code::{CodeKind, UnknownCode};

/// Whether the rows of a parameter have a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Every row has it.
    Required,
    /// A row may have it. The description of the parameter says what its absence means.
    Optional,
    /// No row has it.
    Never,
}

/// What the field `item` of a parameter contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// Nothing: the rows have no item.
    None,
    /// A sector of the economy, as a code of the source's classification: `C24` (NACE), `331` (NAICS).
    Sector,
    /// The supply that an assessment considers, one of [`SUPPLY_ITEMS`].
    Supply,
    /// A six-digit product code of the concordance.
    Product,
    /// The goods, the holder or the way of counting, in the source's words: lower-case letters, digits and
    /// hyphens, such as `ore-and-concentrates`; `all` if the source makes no distinction.
    Form,
    /// How the figure relates to what the source prints, one of [`PRINTED_FIGURE_ITEMS`].
    PrintedFigure,
}

/// A parameter of a method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Identifier: lower-case letters and hyphens, such as `eol-rir`.
    pub id: &'static str,
    /// What its figures mean, one or two sentences.
    pub description: &'static str,
    /// Unit of its figures: `share` (a fraction), `index`, `factor`, `score`, `flag` (0 or 1), `t`, `ratio`,
    /// or `money`. All money of a dataset is in the same currency and scale, because methods use only
    /// quotients of it.
    pub unit: &'static str,
    /// Smallest valid figure.
    pub min: f64,
    /// Largest valid figure. Infinite if there is no bound.
    pub max: f64,
    /// The economy that the figure is about; the consumer if there is a partner.
    pub economy: Presence,
    /// Whether the economy may also be a bloc or the world.
    pub allows_blocs: bool,
    /// The other side, always a single economy: a supplier, an ally.
    pub partner: Presence,
    /// The material.
    pub material: Presence,
    /// The stage.
    pub stage: Presence,
    /// What else distinguishes figures. Required unless it is [`ItemKind::None`].
    pub item: ItemKind,
    /// Publication that defines the parameter.
    pub source: &'static str,
}

impl Parameter {
    /// Whether a figure is within the valid range.
    pub fn admits(&self, value: f64) -> bool {
        (self.min..=self.max).contains(&value) && value.is_finite()
    }

    /// The valid range in words: `0 to 1`, `0 or more`, `any number`.
    pub fn range(&self) -> String {
        match (self.min.is_finite(), self.max.is_finite()) {
            (true, true) if self.min >= self.max => self.min.to_string(),
            (true, true) => format!("{} to {}", self.min, self.max),
            (true, false) => format!("{} or more", self.min),
            (false, true) => format!("{} or less", self.max),
            (false, false) => "any number".to_owned(),
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}

/// Items of `supply-used`, named as in the EU's assessment: both, only the world's supply, only what the
/// consumer sources.
pub const SUPPLY_ITEMS: [&str; 3] = ["GS+EU", "GSonly", "EUonly"];

/// Items of `printed-reliance`: the figure itself (also if it is withheld or not available), a threshold
/// above or below which a withheld figure lies, or that exports exceed imports.
pub const PRINTED_FIGURE_ITEMS: [&str; 4] = ["figure", "above", "below", "net-exporter"];

/// Lists every parameter, by identifier.
pub fn parameters() -> &'static [Parameter] {
    PARAMETERS
}

/// Finds a parameter by its identifier.
///
/// # Errors
/// [`UnknownCode`]. Abbreviations in the literature such as `EoL-RIR` or `SI_SR` get a suggestion too.
pub fn parameter(id: &str) -> Result<&'static Parameter, UnknownCode> {
    let id = id.trim();
    let found = PARAMETERS.binary_search_by(|parameter| parameter.id.cmp(id)).ok();
    found.and_then(|index| PARAMETERS.get(index)).ok_or_else(|| {
        let known = PARAMETERS.iter().map(|parameter| parameter.id);
        UnknownCode::alias(CodeKind::Parameter, id, known, OTHER_NAMES)
    })
}

/// Abbreviations, each with the parameter that is suggested for it.
static OTHER_NAMES: &[(&str, &str)] = &[
    ("end-of-life-recycling-input-rate", "eol-rir"),
    ("eolrir", "eol-rir"),
    ("gdp", "gross-domestic-product"),
    ("net-import-reliance", "printed-reliance"),
    ("nir", "printed-reliance"),
    ("ppi", "policy-perception-index"),
    ("purity", "basket-purity"),
    ("recycling-input-rate", "eol-rir"),
    ("recycling-rate", "eol-rir"),
    ("rir", "eol-rir"),
    ("si-ei", "substitution-economic-importance"),
    ("si-sr", "substitution-supply-risk"),
    ("stock-change", "stock-decrease"),
    ("value-added", "sector-value-added"),
    ("yield", "conversion-yield"),
];

const EC: &str =
    "European Commission, methodology for establishing the EU list of critical raw materials (2017)";
const NASSAR: &str = "Nassar et al. (2020), Science Advances 6, eaay8647";
const USGS: &str = "US Geological Survey, Mineral Commodity Summaries, net import reliance";
const SALIENT: &str = "US Geological Survey, Mineral Commodity Summaries, salient statistics";
const OWN: &str = "Orewatch";

/// Defaults of the table below: no field, and any figure from zero on.
const DEFAULTS: Parameter = Parameter {
    id: "",
    description: "",
    unit: "",
    min: 0.0,
    max: f64::INFINITY,
    economy: Presence::Never,
    allows_blocs: false,
    partner: Presence::Never,
    material: Presence::Never,
    stage: Presence::Never,
    item: ItemKind::None,
    source: "",
};

use Presence::{Optional, Required};

/// Every parameter, sorted by `id`.
static PARAMETERS: &[Parameter] = &[
    Parameter {
        id: "basket-purity",
        description: "Smallest share of the trade under a product code that consists of its material. It \
                      widens the bounds of figures that are based on a code which also covers other goods.",
        unit: "share",
        max: 1.0,
        item: ItemKind::Product,
        source: OWN,
        ..DEFAULTS
    },
    Parameter {
        id: "bilateral-trade",
        description: "All imports of the economy from the partner plus exports to it in a year, of goods of \
                      every kind.",
        unit: "money",
        economy: Required,
        allows_blocs: true,
        partner: Required,
        source: NASSAR,
        ..DEFAULTS
    },
    Parameter {
        id: "collective-defence",
        description: "1 if the economy and the partner are obliged to defend each other, 0 if not.",
        unit: "flag",
        max: 1.0,
        economy: Required,
        allows_blocs: true,
        partner: Required,
        source: NASSAR,
        ..DEFAULTS
    },
    Parameter {
        id: "consumption",
        description: "Consumption of a material at a stage by an economy or bloc in a year.",
        unit: "t",
        economy: Required,
        allows_blocs: true,
        material: Required,
        stage: Required,
        source: "Regulation (EU) 2024/1252 (Critical Raw Materials Act), article 5",
        ..DEFAULTS
    },
    Parameter {
        id: "conversion-yield",
        description: "Tonnes of the material at the stage that are made from one tonne at the stage before, \
                      each on the basis of its stage. Without an economy it applies to all economies that \
                      have no yield of their own.",
        unit: "ratio",
        max: 1_000.0,
        economy: Optional,
        material: Required,
        stage: Required,
        source: OWN,
        ..DEFAULTS
    },
    Parameter {
        id: "counted-consumption",
        description: "Consumption of a material by an economy in a year that does not count all of it, such \
                      as what consumers report, or consumption of one form; the item says which. Without a \
                      stage it covers forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: ItemKind::Form,
        source: SALIENT,
        ..DEFAULTS
    },
    Parameter {
        id: "end-use-share",
        description: "Share of the use of a material that goes into a sector. The shares of a material add \
                      up to at most 1.",
        unit: "share",
        max: 1.0,
        material: Required,
        item: ItemKind::Sector,
        source: EC,
        ..DEFAULTS
    },
    Parameter {
        id: "eol-rir",
        description: "End-of-life recycling input rate: secondary input from old scrap divided by all input \
                      of a material.",
        unit: "share",
        max: 1.0,
        material: Required,
        source: EC,
        ..DEFAULTS
    },
    Parameter {
        id: "exports",
        description: "Exports in a year of a form that the item names, weighed as the source weighs that \
                      form. Without a stage they cover forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: ItemKind::Form,
        source: SALIENT,
        ..DEFAULTS
    },
    Parameter {
        id: "freedom-score",
        description: "Freedom in the World, total score of an economy, 0 (least free) to 100 (most free).",
        unit: "score",
        max: 100.0,
        economy: Required,
        source: "Freedom House, Freedom in the World",
        ..DEFAULTS
    },
    Parameter {
        id: "gross-domestic-product",
        description: "Gross domestic product of a year.",
        unit: "money",
        economy: Required,
        allows_blocs: true,
        source: NASSAR,
        ..DEFAULTS
    },
    Parameter {
        id: "imports",
        description: "Imports in a year of a form that the item names, weighed as the source weighs that \
                      form. Without a stage they cover forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: ItemKind::Form,
        source: SALIENT,
        ..DEFAULTS
    },
    Parameter {
        id: "policy-perception-index",
        description: "Policy Perception Index of the mining policy of an economy, 0 (least attractive) to \
                      100 (most attractive).",
        unit: "score",
        max: 100.0,
        economy: Required,
        source: "Fraser Institute, Annual Survey of Mining Companies",
        ..DEFAULTS
    },
    Parameter {
        id: "printed-reliance",
        description: "Net import reliance in a year as the source prints it, as a fraction of consumption. \
                      The item says whether it is the figure, a threshold above or below which the withheld \
                      figure lies, or 0 for a net exporter. Without a stage it covers forms of several \
                      stages.",
        unit: "share",
        max: 1.0,
        economy: Required,
        material: Required,
        stage: Optional,
        item: ItemKind::PrintedFigure,
        source: USGS,
        ..DEFAULTS
    },
    Parameter {
        id: "secondary-production",
        description: "Output from old scrap in a year.",
        unit: "t",
        economy: Required,
        allows_blocs: true,
        material: Required,
        stage: Required,
        source: USGS,
        ..DEFAULTS
    },
    Parameter {
        id: "sector-expenditure",
        description: "Expenditure of a sector of an economy on a material in a year.",
        unit: "money",
        economy: Required,
        allows_blocs: true,
        material: Required,
        item: ItemKind::Sector,
        source: NASSAR,
        ..DEFAULTS
    },
    Parameter {
        id: "sector-operating-profit",
        description: "Operating profit of a sector of an economy in a year. A loss is negative.",
        unit: "money",
        min: f64::NEG_INFINITY,
        economy: Required,
        allows_blocs: true,
        item: ItemKind::Sector,
        source: NASSAR,
        ..DEFAULTS
    },
    Parameter {
        id: "sector-value-added",
        description: "Value added by a sector of an economy in a year.",
        unit: "money",
        economy: Required,
        allows_blocs: true,
        item: ItemKind::Sector,
        source: EC,
        ..DEFAULTS
    },
    Parameter {
        id: "stock-decrease",
        description: "Stocks at the end of the previous year minus stocks at the end of the year. Negative \
                      if stocks grew.",
        unit: "t",
        min: f64::NEG_INFINITY,
        economy: Required,
        allows_blocs: true,
        material: Required,
        stage: Required,
        source: USGS,
        ..DEFAULTS
    },
    Parameter {
        id: "stocks",
        description: "Stocks at the end of a year of a form, or with a holder, that the item names. Without \
                      a stage they cover forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: ItemKind::Form,
        source: SALIENT,
        ..DEFAULTS
    },
    Parameter {
        id: "substitution-economic-importance",
        description: "Substitution index that reduces economic importance. 1 if the material has no \
                      substitute.",
        unit: "index",
        max: 1.0,
        material: Required,
        source: EC,
        ..DEFAULTS
    },
    Parameter {
        id: "substitution-supply-risk",
        description: "Substitution index that reduces supply risk. 1 if the material has no substitute.",
        unit: "index",
        max: 1.0,
        material: Required,
        source: EC,
        ..DEFAULTS
    },
    Parameter {
        id: "supply-used",
        description: "Which supply the assessment of a material at a stage considers. The item says which; \
                      the value is 1.",
        unit: "flag",
        min: 1.0,
        max: 1.0,
        material: Required,
        stage: Required,
        item: ItemKind::Supply,
        source: EC,
        ..DEFAULTS
    },
    Parameter {
        id: "trade-parameter",
        description: "Weight of a supplier's trade policy in the concentration of supply: 1 by default, \
                      below 1 for partners with an agreement, above 1 for suppliers that restrict their \
                      exports. The partner is the supplier, and the economy is the consumer; without an \
                      economy the parameter applies to the world's supply.",
        unit: "factor",
        max: 5.0,
        economy: Optional,
        allows_blocs: true,
        partner: Required,
        material: Required,
        stage: Required,
        source: EC,
        ..DEFAULTS
    },
];
