//! Product codes of the Harmonized System: which material, at which stage.

mod table;

use std::fmt;
use std::str::FromStr;

use crate::code::{Kind, UnknownCode};
use crate::stage::Stage;

/// A revision of the Harmonized System. The same six digits may mean other goods in another revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HsRevision {
    /// 1988/1992, which BACI's longest series follow.
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
    /// All revisions, the oldest first.
    pub const ALL: [HsRevision; 7] = [
        HsRevision::Hs92,
        HsRevision::Hs96,
        HsRevision::Hs02,
        HsRevision::Hs07,
        HsRevision::Hs12,
        HsRevision::Hs17,
        HsRevision::Hs22,
    ];

    /// The name, as BACI's files have it: `HS92`.
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
            UnknownCode::closest(Kind::HsRevision, text, HsRevision::ALL.map(HsRevision::as_str))
        })
    }
}

/// A product code that belongs to a material of the catalogue.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HsCode {
    /// Six digits.
    pub code: &'static str,
    /// First revision in which the code means this.
    pub first: HsRevision,
    /// Last revision in which the code means this.
    pub last: HsRevision,
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage.
    pub stage: Stage,
    /// The code also holds other goods to an extent that matters, or only stands in for the material.
    pub proxy: bool,
    /// What the code holds.
    pub note: &'static str,
    /// Who assigns the code to the material.
    pub source: &'static str,
}

/// What the concordance makes of a product code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HsMatch {
    /// Goods of a material of the catalogue.
    InScope(&'static HsCode),
    /// A code that may well exist, about goods of no material of the catalogue in this revision.
    OutOfScope,
    /// Not six digits, or no chapter of the Harmonized System.
    Malformed {
        /// What may have been meant: the code with the zero that a spreadsheet has cut off.
        suggestion: Option<String>,
    },
}

/// The material and stage of `hs6` in `revision`.
pub fn concordance(revision: HsRevision, hs6: &str) -> HsMatch {
    if !well_formed(hs6) {
        return HsMatch::Malformed { suggestion: repaired(hs6) };
    }
    let first = table::CODES.partition_point(|entry| entry.code < hs6);
    let same = table::CODES.iter().skip(first).take_while(|entry| entry.code == hs6);
    let valid = |entry: &&HsCode| (entry.first..=entry.last).contains(&revision);
    same.into_iter().find(valid).map_or(HsMatch::OutOfScope, HsMatch::InScope)
}

/// Every code that belongs to a material, by code and revision.
pub fn hs_codes() -> &'static [HsCode] {
    table::CODES
}

/// Six digits that begin with a chapter: 01 to 99, of which 77 is reserved.
fn well_formed(code: &str) -> bool {
    let digits = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    digits && !code.starts_with("00") && !code.starts_with("77")
}

fn repaired(code: &str) -> Option<String> {
    let bare: String = code.chars().filter(|c| !matches!(c, '.' | ' ' | '\u{a0}')).collect();
    let padded = if bare.len() == 5 { format!("0{bare}") } else { bare };
    (well_formed(&padded) && padded != code).then_some(padded)
}
