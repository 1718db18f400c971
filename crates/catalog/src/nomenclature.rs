//! Nomenclatures, which are lists of product codes: revisions of the Harmonized System, years of the Combined
//! Nomenclature, and users' own code lists.

use std::fmt;
use std::str::FromStr;

use crate::code::{CodeKind, UnknownCode};
use crate::hs::{HsCode, HsMatch, HsRevision, concordance, hs_product};
use crate::stage::Stage;

/// First year of the Combined Nomenclature.
const FIRST_CN: u16 = 1988;

/// Last year of the Combined Nomenclature that is accepted.
const LAST_CN: u16 = 2100;

/// Maximum length of the name of a user's own code list, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Maximum length of a code in a user's own code list, in bytes.
const MAX_CODE_BYTES: usize = 32;

/// A list of product codes. The same digits may stand for other goods in another list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nomenclature {
    /// A revision of the Harmonized System: six digits.
    Hs(HsRevision),
    /// The European Union's Combined Nomenclature of a year: eight digits, of which the first six are a code
    /// of the Harmonized System.
    Cn(u16),
    /// A user's own code list. Its name has lower-case letters, digits and hyphens.
    Own(String),
}

impl Nomenclature {
    /// The revision of the Harmonized System that the first six digits of a code follow. `None` for users'
    /// own lists.
    pub fn revision(&self) -> Option<HsRevision> {
        match self {
            Nomenclature::Hs(revision) => Some(*revision),
            Nomenclature::Cn(year) => Some(cn_revision(*year)),
            Nomenclature::Own(_) => None,
        }
    }

    /// Checks that a text has the form of a code of this list.
    ///
    /// # Errors
    /// The text has another form. The error contains the code that was probably meant, if the text lacks a
    /// leading zero that a spreadsheet has removed, or contains points or blanks.
    pub fn check_code(&self, code: &str) -> Result<(), Option<String>> {
        match self {
            Nomenclature::Hs(revision) => match concordance(*revision, code) {
                HsMatch::Malformed { suggestion } => Err(suggestion),
                HsMatch::InScope(_) | HsMatch::OutOfScope => Ok(()),
            },
            Nomenclature::Cn(_) => {
                let bare: String = code.chars().filter(|c| !matches!(c, '.' | ' ' | '\u{a0}')).collect();
                let padded = if bare.len() == 7 { format!("0{bare}") } else { bare };
                let fits = padded.len() == 8
                    && padded.bytes().all(|byte| byte.is_ascii_digit())
                    && !padded.starts_with("00");
                match fits {
                    true if padded == code => Ok(()),
                    true => Err(Some(padded)),
                    false => Err(None),
                }
            }
            Nomenclature::Own(_) => {
                let fits = (1..=MAX_CODE_BYTES).contains(&code.len())
                    && code.bytes().all(|byte| byte.is_ascii_graphic());
                if fits { Ok(()) } else { Err(None) }
            }
        }
    }

    /// Describes the form of a code, for error messages.
    pub fn code_form(&self) -> &'static str {
        match self {
            Nomenclature::Hs(_) => "the six digits of a subheading",
            Nomenclature::Cn(_) => "the eight digits of the Combined Nomenclature",
            Nomenclature::Own(_) => "up to 32 letters, digits and signs without blanks",
        }
    }

    /// Returns the material and stage that a valid code (see [`Nomenclature::check_code`]) stands for in the
    /// catalogue. `None` if it stands for no material of the catalogue.
    ///
    /// A code of the Combined Nomenclature that is not in the catalogue means what its first six digits mean.
    pub fn code_meaning(&self, code: &str) -> Option<ProductMeaning> {
        let hs_meaning = |revision, code: &str| match concordance(revision, code) {
            HsMatch::InScope(entry) => Some(ProductMeaning::from(entry)),
            HsMatch::OutOfScope | HsMatch::Malformed { .. } => None,
        };
        match self {
            Nomenclature::Hs(revision) => hs_meaning(*revision, code),
            Nomenclature::Cn(year) => match CN_CODES.iter().find(|entry| entry.applies_to(code, *year)) {
                Some(entry) => entry.meaning,
                None => hs_meaning(cn_revision(*year), code.get(..6)?),
            },
            Nomenclature::Own(_) => None,
        }
    }
}

/// The material and stage that a product code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductMeaning {
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage.
    pub stage: Stage,
    /// The code also covers other goods to a significant extent, or only stands in for the material.
    pub proxy: bool,
}

impl From<&HsCode> for ProductMeaning {
    fn from(entry: &HsCode) -> Self {
        Self { material: entry.material, stage: entry.stage, proxy: entry.proxy }
    }
}

/// A code of the Combined Nomenclature that does not mean what its first six digits mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CnCode {
    /// Eight digits.
    pub code: &'static str,
    /// Short name of the goods.
    pub product: &'static str,
    /// First year in which the code means this.
    pub first: u16,
    /// What it stands for. `None` if it stands for no material of the catalogue.
    pub meaning: Option<ProductMeaning>,
    /// Goods that the code covers.
    pub note: &'static str,
}

impl CnCode {
    fn applies_to(&self, code: &str, year: u16) -> bool {
        self.code == code && self.first <= year
    }
}

/// Materials that share a six-digit code with others, and have eight-digit codes of their own.
#[rustfmt::skip] // one line per entry
static CN_CODES: [CnCode; 9] = [
    exact("27011210", 2007, "coking coal", "coking-coal", Stage::Mined, "Coking coal."),
    other("81129221", 2007, "waste of rare metals", "Waste and scrap of several metals."),
    exact("81129231", 2007, "unwrought niobium", "niobium", Stage::Refined,
          "Niobium, unwrought, and powders."),
    exact("81129281", 2007, "unwrought indium", "indium", Stage::Refined, "Indium, unwrought, and powders."),
    exact("81129289", 2007, "unwrought gallium", "gallium", Stage::Refined,
          "Gallium, unwrought, and powders."),
    exact("81129291", 2007, "unwrought vanadium", "vanadium", Stage::Refined,
          "Vanadium, unwrought, and powders."),
    exact("81129295", 2007, "unwrought germanium", "germanium", Stage::Refined,
          "Germanium, unwrought, and powders."),
    exact("85051110", 2023, "rare-earth magnets", "rare-earths", Stage::Manufactured,
          "Permanent magnets with neodymium, praseodymium, dysprosium or samarium."),
    other("85051190", 2023, "other magnets of metal",
          "Permanent magnets of metal without these rare earths."),
];

/// A code that covers the material and few other goods.
const fn exact(
    code: &'static str,
    first: u16,
    product: &'static str,
    material: &'static str,
    stage: Stage,
    note: &'static str,
) -> CnCode {
    let meaning = Some(ProductMeaning { material, stage, proxy: false });
    CnCode { code, product, first, meaning, note }
}

/// A code that stands for no material, although its first six digits may.
const fn other(code: &'static str, first: u16, product: &'static str, note: &'static str) -> CnCode {
    CnCode { code, product, first, meaning: None, note }
}

/// The short name of the goods of a code of the Harmonized System or the Combined Nomenclature, such as
/// `permanent magnets`. A code of the Combined Nomenclature without a name of its own has that of its first
/// six digits. `None` if the code stands for no material.
///
/// ```
/// use orewatch_catalog::product_name;
///
/// assert_eq!(product_name("251910"), Some("magnesite"));
/// assert_eq!(product_name("28369100"), Some("lithium carbonate"));
/// assert_eq!(product_name("270900"), None);
/// ```
pub fn product_name(code: &str) -> Option<&'static str> {
    match CN_CODES.iter().find(|entry| entry.code == code) {
        Some(entry) => entry.meaning.map(|_| entry.product),
        None if matches!(code.len(), 6 | 8) => hs_product(code.get(..6)?),
        None => None,
    }
}

/// Lists the codes of the Combined Nomenclature that distinguish materials which share a six-digit code.
pub fn cn_codes() -> &'static [CnCode] {
    &CN_CODES
}

/// The revision of the Harmonized System that the Combined Nomenclature of a year is based on.
fn cn_revision(year: u16) -> HsRevision {
    match year {
        ..1996 => HsRevision::Hs92,
        1996..2002 => HsRevision::Hs96,
        2002..2007 => HsRevision::Hs02,
        2007..2012 => HsRevision::Hs07,
        2012..2017 => HsRevision::Hs12,
        2017..2022 => HsRevision::Hs17,
        2022.. => HsRevision::Hs22,
    }
}

impl fmt::Display for Nomenclature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Nomenclature::Hs(revision) => revision.fmt(f),
            Nomenclature::Cn(year) => write!(f, "CN{year}"),
            Nomenclature::Own(name) => f.pad(name),
        }
    }
}

impl FromStr for Nomenclature {
    type Err = UnknownCode;

    /// Parses `HS92`, `CN2024`, or the name of a user's own list, which starts with a lower-case letter.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.trim();
        let year = text.strip_prefix("CN").and_then(|year| year.parse().ok());
        if let Some(year) = year.filter(|year| (FIRST_CN..=LAST_CN).contains(year)) {
            return Ok(Nomenclature::Cn(year));
        }
        let own = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let named = (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(own);
        match text.parse() {
            Ok(revision) => Ok(Nomenclature::Hs(revision)),
            Err(_) if named && text.starts_with(|c: char| c.is_ascii_lowercase()) => {
                Ok(Nomenclature::Own(text.to_owned()))
            }
            Err(error) => Err(UnknownCode { kind: CodeKind::Nomenclature, ..error }),
        }
    }
}
