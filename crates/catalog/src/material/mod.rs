//! Critical materials: those on the lists of the EU (2023) and of the US Geological Survey (2025).

mod table;

use std::fmt;

use crate::code::{CodeKind, UnknownCode, closest};
use crate::hs::hs_codes;
use crate::stage::Stage;
use crate::unit::Basis;
use table::{MATERIALS, OTHER_NAMES};

/// Status on a list of critical materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// Not on the list.
    Unlisted,
    /// On the list.
    Critical,
    /// On the list, and also on its shorter list of strategic materials.
    Strategic,
}

/// A mineral, metal or group of metals.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Material {
    /// Identifier: lower-case letters and hyphens, such as `rare-earths`.
    pub id: &'static str,
    /// English name.
    pub name: &'static str,
    /// EU list of 2023, as enacted in Regulation (EU) 2024/1252, annexes I (strategic) and II (critical).
    pub eu_2023: Listing,
    /// On the final list of critical minerals of the US Geological Survey, November 2025. A group is listed
    /// if one of its members is.
    pub usgs_2025: bool,
    /// Stages with figures of output, and the basis of these figures. Trade at other stages is in gross
    /// weight, as customs record it.
    pub production: &'static [(Stage, Basis)],
}

impl Material {
    /// Basis on which output at `stage` is recorded: gross weight unless the table has another one.
    pub fn basis(&self, stage: Stage) -> Basis {
        self.production
            .iter()
            .find(|(produced, _)| *produced == stage)
            .map_or(Basis::Gross, |&(_, basis)| basis)
    }

    /// Whether output at `stage` may be recorded on a basis: the one of the table or, where that is mixed
    /// rare-earth oxides, the metals, whose weight does not follow from that of the oxides. Figures on both
    /// are never in one market of a release.
    pub fn records(&self, stage: Stage, basis: Basis) -> bool {
        let usual = self.basis(stage);
        basis == usual || (usual, basis) == (Basis::RareEarthOxide, Basis::Content)
    }

    /// The first stage of the supply chain for which the catalogue has output or product codes of the
    /// material; `mined` if it has neither.
    ///
    /// Measures of a material as a whole, such as the largest supply risk over its stages, are published at
    /// this stage, so that each is found in one place.
    pub fn first_stage(&self) -> Stage {
        let produced = self.production.iter().map(|&(stage, _)| stage);
        let traded = hs_codes().iter().filter(|code| code.material == self.id).map(|code| code.stage);
        produced.chain(traded).min().unwrap_or(Stage::Mined)
    }

    /// Whether the material is on any of the lists.
    pub fn is_critical(&self) -> bool {
        self.usgs_2025 || self.eu_2023 != Listing::Unlisted
    }

    /// Identifier and name, as shown in suggestions.
    pub fn label(&self) -> String {
        format!("{} ({})", self.id, self.name)
    }
}

impl fmt::Display for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}

/// Lists every material, by identifier.
pub fn materials() -> &'static [Material] {
    MATERIALS
}

/// Finds a material by its identifier.
///
/// # Errors
/// [`UnknownCode`]. Symbols and other spellings such as `REE`, `Li` or `aluminum` get a suggestion too.
pub fn material(id: &str) -> Result<&'static Material, UnknownCode> {
    let id = id.trim();
    let found = MATERIALS.binary_search_by(|material| material.id.cmp(id)).ok();
    found
        .and_then(|index| MATERIALS.get(index))
        .ok_or_else(|| UnknownCode::new(CodeKind::Material, id, suggestion(id)))
}

fn suggestion(text: &str) -> Option<String> {
    let wanted = text.to_lowercase().replace([' ', '_'], "-");
    let id = OTHER_NAMES
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|&(_, id)| id)
        .or_else(|| closest(&wanted, MATERIALS.iter().map(|material| material.id)))
        .or_else(|| closest(&wanted, OTHER_NAMES.iter().map(|&(name, _)| name)).and_then(other_name))?;
    MATERIALS.iter().find(|material| material.id == id).map(Material::label)
}

/// Finds a material by another name than its identifier: a chemical symbol, another spelling, or the name of
/// a part of it.
pub(crate) fn material_by_other_name(name: &str) -> Option<&'static Material> {
    material(other_name(name)?).ok()
}

fn other_name(name: &str) -> Option<&'static str> {
    OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|&(_, id)| id)
}
