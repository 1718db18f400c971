//! Lists of product codes: revisions of the Harmonized System, years of the Combined Nomenclature, lists of one's own.

use std::fmt;
use std::str::FromStr;

use crate::code::{Kind, UnknownCode};
use crate::hs::{HsCode, HsMatch, HsRevision, concordance};
use crate::stage::Stage;

/// First year of the Combined Nomenclature.
const FIRST_CN: u16 = 1988;

/// Last year that a Combined Nomenclature can be of.
const LAST_CN: u16 = 2100;

/// Longest name of a list of one's own, in bytes.
const LONGEST_NAME: usize = 64;

/// Longest code of a list of one's own, in bytes.
const LONGEST_CODE: usize = 32;

/// What product codes follow. The same digits may mean other goods in another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nomenclature {
    /// A revision of the Harmonized System: six digits.
    Hs(HsRevision),
    /// The European Union's Combined Nomenclature of a year: eight digits, of which the first six are of the Harmonized System.
    Cn(u16),
    /// A list of one's own: lower-case letters, digits and hyphens.
    Own(String),
}

impl Nomenclature {
    /// The revision of the Harmonized System that the first six digits of a code follow. None: no digits are of it.
    pub fn revision(&self) -> Option<HsRevision> {
        match self {
            Nomenclature::Hs(revision) => Some(*revision),
            Nomenclature::Cn(year) => Some(revision_of(*year)),
            Nomenclature::Own(_) => None,
        }
    }

    /// Whether a text can be a code of this list.
    ///
    /// # Errors
    /// Not a code; with it the text that may have been meant, if a spreadsheet cut off a leading zero or left points in.
    pub fn check(&self, code: &str) -> Result<(), Option<String>> {
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
                let fits = (1..=LONGEST_CODE).contains(&code.len())
                    && code.bytes().all(|byte| byte.is_ascii_graphic());
                if fits { Ok(()) } else { Err(None) }
            }
        }
    }

    /// What a code of this list looks like.
    pub fn form(&self) -> &'static str {
        match self {
            Nomenclature::Hs(_) => "the six digits of a subheading",
            Nomenclature::Cn(_) => "the eight digits of the Combined Nomenclature",
            Nomenclature::Own(_) => "up to 32 letters, digits and signs without blanks",
        }
    }

    /// What the catalogue makes of a code that [`Nomenclature::check`] admits: of the Combined Nomenclature the code itself, and
    /// where the catalogue has none, the six digits that it begins with. None: no material of the catalogue.
    pub fn meaning(&self, code: &str) -> Option<Meaning> {
        let of_hs = |revision, code: &str| match concordance(revision, code) {
            HsMatch::InScope(entry) => Some(Meaning::from(entry)),
            HsMatch::OutOfScope | HsMatch::Malformed { .. } => None,
        };
        match self {
            Nomenclature::Hs(revision) => of_hs(*revision, code),
            Nomenclature::Cn(year) => match CN_CODES.iter().find(|entry| entry.holds(code, *year)) {
                Some(entry) => entry.meaning,
                None => of_hs(revision_of(*year), code.get(..6)?),
            },
            Nomenclature::Own(_) => None,
        }
    }
}

/// What a product code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Meaning {
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage.
    pub stage: Stage,
    /// The code also holds other goods to an extent that matters, or only stands in for the material.
    pub proxy: bool,
}

impl From<&HsCode> for Meaning {
    fn from(entry: &HsCode) -> Self {
        Self { material: entry.material, stage: entry.stage, proxy: entry.proxy }
    }
}

/// A code of the Combined Nomenclature that means something else than the six digits that it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CnCode {
    /// Eight digits.
    pub code: &'static str,
    /// First year in which the code means this.
    pub first: u16,
    /// What it stands for. None: no material of the catalogue.
    pub meaning: Option<Meaning>,
    /// What the code holds.
    pub note: &'static str,
}

impl CnCode {
    fn holds(&self, code: &str, year: u16) -> bool {
        self.code == code && self.first <= year
    }
}

/// The metals that six digits put together (811292) and eight tell apart.
static CN_CODES: [CnCode; 6] = [
    split("81129221", None, "Waste and scrap of several metals."),
    split("81129231", Some("niobium"), "Niobium, unwrought, and powders."),
    split("81129281", Some("indium"), "Indium, unwrought, and powders."),
    split("81129289", Some("gallium"), "Gallium, unwrought, and powders."),
    split("81129291", Some("vanadium"), "Vanadium, unwrought, and powders."),
    split("81129295", Some("germanium"), "Germanium, unwrought, and powders."),
];

const fn split(code: &'static str, material: Option<&'static str>, note: &'static str) -> CnCode {
    let meaning = match material {
        Some(material) => Some(Meaning { material, stage: Stage::Refined, proxy: false }),
        None => None,
    };
    CnCode { code, first: 2007, meaning, note }
}

/// Codes of the Combined Nomenclature that the catalogue tells apart where six digits do not.
pub fn cn_codes() -> &'static [CnCode] {
    &CN_CODES
}

/// The revision that the Combined Nomenclature of a year is built on.
fn revision_of(year: u16) -> HsRevision {
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

    /// `HS92`, `CN2024`, or the name of a list of one's own, in lower-case letters.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.trim();
        let year = text.strip_prefix("CN").and_then(|year| year.parse().ok());
        if let Some(year) = year.filter(|year| (FIRST_CN..=LAST_CN).contains(year)) {
            return Ok(Nomenclature::Cn(year));
        }
        let own = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let named = (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(own);
        match text.parse() {
            Ok(revision) => Ok(Nomenclature::Hs(revision)),
            Err(_) if named && text.starts_with(|c: char| c.is_ascii_lowercase()) => {
                Ok(Nomenclature::Own(text.to_owned()))
            }
            Err(error) => Err(UnknownCode { kind: Kind::Nomenclature, ..error }),
        }
    }
}
