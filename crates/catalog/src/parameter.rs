//! Parameters: figures that methods need beside trade, output and governance, such as recycling rates, substitution
//! indices and yields.
//!
//! A parameter is one figure about something: its name says what the figure means, and of economy, partner, material, stage
//! and item it takes those that tell its figures apart. It holds from its period on, until a later one about the same. Tonnes of
//! a year (consumption, output from scrap, trade, stocks) are of that year alone and are not carried forward.

use std::fmt;

use crate::code::{Kind, UnknownCode};

/// Whether a row of a parameter has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Takes {
    /// Every row has it.
    Required,
    /// A row may have it; the parameter's description says what it means without.
    Optional,
    /// No row has it.
    Never,
}

/// What the field `item` of a parameter names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Nothing: rows have no item.
    None,
    /// A sector of the economy, by the code of the source's classification: `C24` (NACE), `331` (NAICS).
    Sector,
    /// Which supply is looked at, one of [`SUPPLIES`].
    Supply,
    /// A six-digit product code of the concordance.
    Product,
    /// Which goods, which holder or which count, in the source's words: lower-case letters, digits and hyphens, such as
    /// `ore-and-concentrates`; `all` where the source tells nothing apart.
    Form,
    /// What the figure is of what the source prints, one of [`PRINTS`].
    Print,
}

/// A parameter of a method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Identifier: lower-case letters and hyphens, such as `eol-rir`.
    pub id: &'static str,
    /// What its figures say, one or two sentences.
    pub description: &'static str,
    /// Unit of its figures: `share` (a fraction), `index`, `factor`, `score`, `flag` (0 or 1), `t`, `ratio`, or `money` (one
    /// currency and one scale for all money of a dataset; methods only use quotients of it).
    pub unit: &'static str,
    /// Smallest figure that can be.
    pub least: f64,
    /// Largest figure that can be; infinite: not bounded.
    pub most: f64,
    /// Whom the figure is about; the consumer where there is a partner.
    pub economy: Takes,
    /// The economy may also be a bloc or the world.
    pub blocs: bool,
    /// The other side, always one economy: a supplier, an ally.
    pub partner: Takes,
    /// Material.
    pub material: Takes,
    /// Stage.
    pub stage: Takes,
    /// What else tells figures apart; required unless [`Item::None`].
    pub item: Item,
    /// Who defines the parameter.
    pub source: &'static str,
}

impl Parameter {
    /// Whether a figure lies in the range.
    pub fn admits(&self, value: f64) -> bool {
        (self.least..=self.most).contains(&value) && value.is_finite()
    }

    /// The range for people: `0 to 1`, `0 or more`, `any number`.
    pub fn range(&self) -> String {
        match (self.least.is_finite(), self.most.is_finite()) {
            (true, true) if self.least >= self.most => self.least.to_string(),
            (true, true) => format!("{} to {}", self.least, self.most),
            (true, false) => format!("{} or more", self.least),
            (false, true) => format!("{} or less", self.most),
            (false, false) => "any number".to_owned(),
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}

/// What the item of `supply-used` may be, after the flags of the EU's assessment: both, the world's supply only, what the
/// consumer sources only.
pub const SUPPLIES: [&str; 3] = ["GS+EU", "GSonly", "EUonly"];

/// What the item of `printed-reliance` may be: the figure itself (also if it is withheld or not available), a line above or
/// below which it lies while it is withheld itself, or that exports exceed imports.
pub const PRINTS: [&str; 4] = ["figure", "above", "below", "net-exporter"];

/// Every parameter, by identifier.
pub fn parameters() -> &'static [Parameter] {
    PARAMETERS
}

/// The parameter with this identifier.
///
/// # Errors
/// [`UnknownCode`], with a suggestion also for the abbreviations of the literature such as `EoL-RIR` or `SI_SR`.
pub fn parameter(id: &str) -> Result<&'static Parameter, UnknownCode> {
    let id = id.trim();
    let found = PARAMETERS.binary_search_by(|parameter| parameter.id.cmp(id)).ok();
    found.and_then(|index| PARAMETERS.get(index)).ok_or_else(|| {
        let known = PARAMETERS.iter().map(|parameter| parameter.id);
        UnknownCode::alias(Kind::Parameter, id, known, OTHER_NAMES)
    })
}

/// Abbreviations that suggestions understand.
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

/// What most parameters are: about nothing, of any size from zero on.
const PLAIN: Parameter = Parameter {
    id: "",
    description: "",
    unit: "",
    least: 0.0,
    most: f64::INFINITY,
    economy: Takes::Never,
    blocs: false,
    partner: Takes::Never,
    material: Takes::Never,
    stage: Takes::Never,
    item: Item::None,
    source: "",
};

use Takes::{Optional, Required};

/// Every parameter, sorted by `id`.
static PARAMETERS: &[Parameter] = &[
    Parameter {
        id: "basket-purity",
        description: "Least part of the trade under a product code that is of its material. It widens the bounds of figures that \
                      rest on a code which other goods share.",
        unit: "share",
        most: 1.0,
        item: Item::Product,
        source: OWN,
        ..PLAIN
    },
    Parameter {
        id: "bilateral-trade",
        description: "All imports of the economy from the partner and exports to it in a year, goods of every kind.",
        unit: "money",
        economy: Required,
        blocs: true,
        partner: Required,
        source: NASSAR,
        ..PLAIN
    },
    Parameter {
        id: "collective-defence",
        description: "1 if the economy and the partner are bound to defend each other, 0 if not.",
        unit: "flag",
        most: 1.0,
        economy: Required,
        blocs: true,
        partner: Required,
        source: NASSAR,
        ..PLAIN
    },
    Parameter {
        id: "consumption",
        description: "What an economy or bloc uses of a material at a stage in a year.",
        unit: "t",
        economy: Required,
        blocs: true,
        material: Required,
        stage: Required,
        source: "Regulation (EU) 2024/1252 (Critical Raw Materials Act), article 5",
        ..PLAIN
    },
    Parameter {
        id: "conversion-yield",
        description: "Tonnes of the material at the stage that one tonne of it at the stage before becomes, each on the basis \
                      of its stage. Without an economy it holds for all that have none of their own.",
        unit: "ratio",
        most: 1_000.0,
        economy: Optional,
        material: Required,
        stage: Required,
        source: OWN,
        ..PLAIN
    },
    Parameter {
        id: "counted-consumption",
        description: "What an economy uses of a material in a year by another count than all of it, such as what consumers \
                      report, or what is used of one form; the item says which. Without a stage it is about forms of several \
                      stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: Item::Form,
        source: SALIENT,
        ..PLAIN
    },
    Parameter {
        id: "end-use-share",
        description: "Part of the use of a material that goes into a sector. The parts of a material add up to 1 at most.",
        unit: "share",
        most: 1.0,
        material: Required,
        item: Item::Sector,
        source: EC,
        ..PLAIN
    },
    Parameter {
        id: "eol-rir",
        description: "End-of-life recycling input rate: secondary input from old scrap divided by all input of a material.",
        unit: "share",
        most: 1.0,
        material: Required,
        source: EC,
        ..PLAIN
    },
    Parameter {
        id: "exports",
        description: "Exports of a year in a form that the item names, weighed as the source weighs that form. Without a \
                      stage they are of forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: Item::Form,
        source: SALIENT,
        ..PLAIN
    },
    Parameter {
        id: "freedom-score",
        description: "Freedom in the World, total score of an economy, 0 (least free) to 100 (most free).",
        unit: "score",
        most: 100.0,
        economy: Required,
        source: "Freedom House, Freedom in the World",
        ..PLAIN
    },
    Parameter {
        id: "gross-domestic-product",
        description: "Gross domestic product of a year.",
        unit: "money",
        economy: Required,
        blocs: true,
        source: NASSAR,
        ..PLAIN
    },
    Parameter {
        id: "imports",
        description: "Imports of a year in a form that the item names, weighed as the source weighs that form. Without a \
                      stage they are of forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: Item::Form,
        source: SALIENT,
        ..PLAIN
    },
    Parameter {
        id: "policy-perception-index",
        description: "Policy Perception Index of an economy's mining policy, 0 (least attractive) to 100 (most attractive).",
        unit: "score",
        most: 100.0,
        economy: Required,
        source: "Fraser Institute, Annual Survey of Mining Companies",
        ..PLAIN
    },
    Parameter {
        id: "printed-reliance",
        description: "Net import reliance in a year as the source prints it, a fraction of consumption. The item says whether \
                      it is the figure, a line above or below which the withheld figure lies, or 0 for a net exporter. Without \
                      a stage it is about forms of several stages.",
        unit: "share",
        most: 1.0,
        economy: Required,
        material: Required,
        stage: Optional,
        item: Item::Print,
        source: USGS,
        ..PLAIN
    },
    Parameter {
        id: "secondary-production",
        description: "Output from old scrap in a year.",
        unit: "t",
        economy: Required,
        blocs: true,
        material: Required,
        stage: Required,
        source: USGS,
        ..PLAIN
    },
    Parameter {
        id: "sector-expenditure",
        description: "What a sector of an economy spends on a material in a year.",
        unit: "money",
        economy: Required,
        blocs: true,
        material: Required,
        item: Item::Sector,
        source: NASSAR,
        ..PLAIN
    },
    Parameter {
        id: "sector-operating-profit",
        description: "Operating profit of a sector of an economy in a year; negative: a loss.",
        unit: "money",
        least: f64::NEG_INFINITY,
        economy: Required,
        blocs: true,
        item: Item::Sector,
        source: NASSAR,
        ..PLAIN
    },
    Parameter {
        id: "sector-value-added",
        description: "Value added by a sector of an economy in a year.",
        unit: "money",
        economy: Required,
        blocs: true,
        item: Item::Sector,
        source: EC,
        ..PLAIN
    },
    Parameter {
        id: "stock-decrease",
        description: "Stocks at the end of the year before minus stocks at the end of the year; negative: stocks grew.",
        unit: "t",
        least: f64::NEG_INFINITY,
        economy: Required,
        blocs: true,
        material: Required,
        stage: Required,
        source: USGS,
        ..PLAIN
    },
    Parameter {
        id: "stocks",
        description: "Stocks at the end of a year in a form or with a holder that the item names. Without a stage they are of \
                      forms of several stages.",
        unit: "t",
        economy: Required,
        material: Required,
        stage: Optional,
        item: Item::Form,
        source: SALIENT,
        ..PLAIN
    },
    Parameter {
        id: "substitution-economic-importance",
        description: "Substitution index that lowers economic importance: 1 where nothing can take the material's place.",
        unit: "index",
        most: 1.0,
        material: Required,
        source: EC,
        ..PLAIN
    },
    Parameter {
        id: "substitution-supply-risk",
        description: "Substitution index that lowers supply risk: 1 where nothing can take the material's place.",
        unit: "index",
        most: 1.0,
        material: Required,
        source: EC,
        ..PLAIN
    },
    Parameter {
        id: "supply-used",
        description: "Which supply the assessment of a material at a stage looks at: its item says which, its value is 1.",
        unit: "flag",
        least: 1.0,
        most: 1.0,
        material: Required,
        stage: Required,
        item: Item::Supply,
        source: EC,
        ..PLAIN
    },
    Parameter {
        id: "trade-parameter",
        description: "How a supplier's trade policy weighs in the concentration of supply: 1 by default, below 1 for partners \
                      with an agreement, above 1 for those who restrict their exports. The partner is the supplier, the economy \
                      the consumer who is supplied; without one it is about the world's supply.",
        unit: "factor",
        most: 5.0,
        economy: Optional,
        blocs: true,
        partner: Required,
        material: Required,
        stage: Required,
        source: EC,
        ..PLAIN
    },
];
