//! Product codes of the Harmonized System, and the concordance: the material and stage of each code.

mod table;

use std::fmt;
use std::str::FromStr;

use crate::code::{CodeKind, UnknownCode};
use crate::stage::Stage;

/// A revision of the Harmonized System. The same six digits may stand for other goods in another revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HsRevision {
    /// 1988/1992. The longest series of BACI follow it.
    Hs92,
    /// 1996.
    Hs96,
    /// 2002.
    Hs02,
    /// 2007.
    Hs07,
    /// 2012.
    Hs12,
    /// 2017.
    Hs17,
    /// 2022.
    Hs22,
}

impl HsRevision {
    /// All revisions, oldest first.
    pub const ALL: [HsRevision; 7] = [
        HsRevision::Hs92,
        HsRevision::Hs96,
        HsRevision::Hs02,
        HsRevision::Hs07,
        HsRevision::Hs12,
        HsRevision::Hs17,
        HsRevision::Hs22,
    ];

    /// The name as in BACI's file names, such as `HS92`.
    pub const fn as_str(self) -> &'static str {
        match self {
            HsRevision::Hs92 => "HS92",
            HsRevision::Hs96 => "HS96",
            HsRevision::Hs02 => "HS02",
            HsRevision::Hs07 => "HS07",
            HsRevision::Hs12 => "HS12",
            HsRevision::Hs17 => "HS17",
            HsRevision::Hs22 => "HS22",
        }
    }
}

impl fmt::Display for HsRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for HsRevision {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.trim();
        let found = HsRevision::ALL.into_iter().find(|revision| revision.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            UnknownCode::closest(CodeKind::HsRevision, text, HsRevision::ALL.map(HsRevision::as_str))
        })
    }
}

/// A product code that stands for a material of the catalogue.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HsCode {
    /// Six digits.
    pub code: &'static str,
    /// Short name of the goods, such as `magnesite` or `permanent magnets`: lower case, no comma. Entries of
    /// the same code have the same name.
    pub product: &'static str,
    /// First revision in which the code has this meaning.
    pub first: HsRevision,
    /// Last revision in which the code has this meaning.
    pub last: HsRevision,
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage of the material.
    pub stage: Stage,
    /// The code also covers other goods to a significant extent, or only stands in for the material.
    pub proxy: bool,
    /// Goods that the code covers.
    pub note: &'static str,
    /// Publication that assigns the code to the material.
    pub source: &'static str,
}

/// What a product code stands for by the concordance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HsMatch {
    /// Goods of a material of the catalogue.
    InScope(&'static HsCode),
    /// A well-formed code that stands for no material of the catalogue in this revision.
    OutOfScope,
    /// Not six digits, or not in a chapter of the Harmonized System.
    Malformed {
        /// The code that was probably meant: with a leading zero that a spreadsheet has removed, or without
        /// points and blanks.
        suggestion: Option<String>,
    },
}

/// Finds the material and stage that `hs6` stands for in `revision`.
pub fn concordance(revision: HsRevision, hs6: &str) -> HsMatch {
    if !is_well_formed(hs6) {
        return HsMatch::Malformed { suggestion: repaired_code(hs6) };
    }
    let first = table::CODES.partition_point(|entry| entry.code < hs6);
    let same = table::CODES.iter().skip(first).take_while(|entry| entry.code == hs6);
    let valid = |entry: &&HsCode| (entry.first..=entry.last).contains(&revision);
    same.into_iter().find(valid).map_or(HsMatch::OutOfScope, HsMatch::InScope)
}

/// Lists every code that stands for a material, by code and revision.
pub fn hs_codes() -> &'static [HsCode] {
    table::CODES
}

/// The short name of the goods of a code of the Harmonized System, such as `permanent magnets` for 850511.
/// `None` if the code stands for no material in any revision.
pub fn hs_product(hs6: &str) -> Option<&'static str> {
    let first = table::CODES.partition_point(|entry| entry.code < hs6);
    table::CODES.get(first).filter(|entry| entry.code == hs6).map(|entry| entry.product)
}

/// Whether a code has six digits and begins with a chapter: 01 to 99, except 77, which is reserved.
fn is_well_formed(code: &str) -> bool {
    let digits = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    digits && !code.starts_with("00") && !code.starts_with("77")
}

/// Restores a leading zero, and removes points and blanks. `None` if that gives no well-formed code.
fn repaired_code(code: &str) -> Option<String> {
    let bare: String = code.chars().filter(|c| !matches!(c, '.' | ' ' | '\u{a0}')).collect();
    let padded = if bare.len() == 5 { format!("0{bare}") } else { bare };
    (is_well_formed(&padded) && padded != code).then_some(padded)
}
