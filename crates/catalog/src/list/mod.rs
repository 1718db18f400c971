//! Lists of critical materials: which authority listed which material, since when, by which source.
//!
//! A list names materials of the catalogue. Its entries that the catalogue lacks are kept by name, so that
//! nothing of a list is lost. Entries whose source could not be opened are marked as recalled: they belong
//! into no published figure and no rule that ships with the program.

mod table;

use crate::code::{CodeKind, UnknownCode};
use crate::material::Listing;
use table::LISTS;

/// How well an entry of a list is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confirmation {
    /// Read in the source that the list names.
    Confirmed,
    /// Known from memory: the source could not be opened.
    Recalled,
}

impl Confirmation {
    /// The identifier: `confirmed` or `recalled`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Confirmation::Confirmed => "confirmed",
            Confirmation::Recalled => "recalled",
        }
    }
}

/// A list of critical materials of one authority, in the version of one year.
#[derive(Debug, PartialEq, Eq)]
pub struct CriticalList {
    /// Identifier: authority and year, such as `USA-2025`.
    pub id: &'static str,
    /// The consumer that it is about: an economy or bloc, such as `USA` or `EU27`.
    pub consumer: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Month or day on which it was announced, such as `2025-11-07` or `2024-02`.
    pub announced: &'static str,
    /// Day from which it is law. `None`: it is no law.
    pub in_force: Option<&'static str>,
    /// Where its entries were read.
    pub source: &'static str,
    /// Address of the source.
    pub url: &'static str,
    /// Materials on its shorter list of strategic ones, all of them confirmed: identifiers, separated by
    /// blanks.
    strategic: &'static str,
    /// Other confirmed materials.
    critical: &'static str,
    /// Recalled materials.
    recalled: &'static str,
    /// Entries for which the catalogue has no material.
    pub others: &'static [&'static str],
    /// What to know before using it. May be empty.
    pub note: &'static str,
}

/// A material on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListedMaterial {
    /// Identifier of the material.
    pub material: &'static str,
    /// Critical, or also strategic.
    pub listing: Listing,
    /// How well this is known.
    pub confirmation: Confirmation,
}

impl CriticalList {
    /// The materials on the list, by identifier.
    pub fn materials(&self) -> Vec<ListedMaterial> {
        let part = |ids: &'static str, listing, confirmation| {
            ids.split_whitespace().map(move |material| ListedMaterial { material, listing, confirmation })
        };
        let mut all: Vec<_> = part(self.strategic, Listing::Strategic, Confirmation::Confirmed)
            .chain(part(self.critical, Listing::Critical, Confirmation::Confirmed))
            .chain(part(self.recalled, Listing::Critical, Confirmation::Recalled))
            .collect();
        all.sort();
        all
    }

    /// Whether every entry was read in the source.
    pub fn is_confirmed(&self) -> bool {
        self.recalled.is_empty()
    }
}

/// Lists every list, by identifier.
pub fn critical_lists() -> &'static [CriticalList] {
    LISTS
}

/// Finds a list by its identifier.
///
/// # Errors
/// [`UnknownCode`] with the list that was probably meant.
pub fn critical_list(id: &str) -> Result<&'static CriticalList, UnknownCode> {
    let id = id.trim();
    let found = LISTS.iter().find(|list| list.id.eq_ignore_ascii_case(id));
    found.ok_or_else(|| UnknownCode::closest(CodeKind::List, id, LISTS.iter().map(|list| list.id)))
}

/// Resolves a selector of materials such as `listed(USA-2025)` to the identifiers of the materials on that
/// list, sorted. `None` if the text is no such selector.
///
/// ```
/// use orewatch_catalog::listed_materials;
///
/// let listed = listed_materials("listed(USA-2025)").unwrap().unwrap();
/// assert!(listed.contains(&"uranium") && !listed.contains(&"feldspar"));
/// assert_eq!(listed_materials("uranium"), None);
/// let error = listed_materials("listed(USA-2052)").unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "unknown list `USA-2052`: did you mean USA-2025?");
/// ```
pub fn listed_materials(selector: &str) -> Option<Result<Vec<&'static str>, UnknownCode>> {
    let id = selector.trim().strip_prefix("listed(")?.strip_suffix(')')?;
    let ids = |list: &CriticalList| list.materials().iter().map(|entry| entry.material).collect();
    Some(critical_list(id).map(ids))
}
