//! Units of mass, and bases: what is weighed.

use std::fmt;
use std::str::FromStr;

use crate::code::{CodeKind, UnknownCode};

/// A unit of mass in which sources report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// `kg`, kilograms.
    Kilogram,
    /// `t`, metric tonnes. Everything is stored in this unit.
    Tonne,
    /// `kt`, thousand metric tonnes.
    Kilotonne,
    /// `Mt`, million metric tonnes.
    Megatonne,
}

impl Unit {
    /// All units, from small to large.
    pub const ALL: [Unit; 4] = [Unit::Kilogram, Unit::Tonne, Unit::Kilotonne, Unit::Megatonne];

    /// The symbol: `kg`, `t`, `kt`, `Mt`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Kilogram => "kg",
            Unit::Tonne => "t",
            Unit::Kilotonne => "kt",
            Unit::Megatonne => "Mt",
        }
    }

    /// Converts a `mass` in this unit to tonnes.
    pub fn to_tonnes(self, mass: f64) -> f64 {
        match self {
            Unit::Kilogram => mass / 1e3,
            Unit::Tonne => mass,
            Unit::Kilotonne => mass * 1e3,
            Unit::Megatonne => mass * 1e6,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Unit {
    type Err = UnknownCode;

    /// Parses a symbol, or the words of the US Geological Survey such as `thousand metric tons`.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        match text.trim() {
            "kg" | "kilogram" | "kilograms" => Ok(Unit::Kilogram),
            "t" | "tonnes" | "metric tons" | "metric tonnes" => Ok(Unit::Tonne),
            "kt" | "thousand tonnes" | "thousand metric tons" | "thousand metric tonnes" => {
                Ok(Unit::Kilotonne)
            }
            "Mt" | "million tonnes" | "million metric tons" | "million metric tonnes" => Ok(Unit::Megatonne),
            other => Err(UnknownCode::closest(CodeKind::Unit, other, Unit::ALL.map(Unit::as_str))),
        }
    }
}

/// What is weighed. Masses on different bases must not be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// `content`: the element itself, as in "cobalt content". For lithium: Li.
    Content,
    /// `gross`: the whole ore, compound or metal.
    Gross,
    /// `lithium-oxide`: Li2O contained.
    LithiumOxide,
    /// `lithium-carbonate`: lithium carbonate equivalent, LCE.
    LithiumCarbonate,
    /// `rare-earth-oxide`: rare-earth oxide equivalent, REO.
    RareEarthOxide,
    /// `niobium-oxide`: Nb2O5 contained.
    NiobiumOxide,
    /// `tantalum-oxide`: Ta2O5 contained.
    TantalumOxide,
    /// `titanium-oxide`: TiO2 contained.
    TitaniumOxide,
    /// `boron-oxide`: B2O3 contained.
    BoronOxide,
    /// `phosphorus-oxide`: P2O5 contained.
    PhosphorusOxide,
    /// `potassium-oxide`: K2O contained.
    PotassiumOxide,
}

/// Tonnes of Li in a tonne of Li2O, as used by the geological surveys.
const LITHIUM_PER_OXIDE: f64 = 0.464;
/// Tonnes of lithium carbonate that contain a tonne of Li, as used by the geological surveys.
const CARBONATE_PER_LITHIUM: f64 = 5.323;

impl Basis {
    /// All bases.
    pub const ALL: [Basis; 11] = [
        Basis::Content,
        Basis::Gross,
        Basis::LithiumOxide,
        Basis::LithiumCarbonate,
        Basis::RareEarthOxide,
        Basis::NiobiumOxide,
        Basis::TantalumOxide,
        Basis::TitaniumOxide,
        Basis::BoronOxide,
        Basis::PhosphorusOxide,
        Basis::PotassiumOxide,
    ];

    /// The identifier, such as `content`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Basis::Content => "content",
            Basis::Gross => "gross",
            Basis::LithiumOxide => "lithium-oxide",
            Basis::LithiumCarbonate => "lithium-carbonate",
            Basis::RareEarthOxide => "rare-earth-oxide",
            Basis::NiobiumOxide => "niobium-oxide",
            Basis::TantalumOxide => "tantalum-oxide",
            Basis::TitaniumOxide => "titanium-oxide",
            Basis::BoronOxide => "boron-oxide",
            Basis::PhosphorusOxide => "phosphorus-oxide",
            Basis::PotassiumOxide => "potassium-oxide",
        }
    }

    /// The abbreviation that files may use, such as `LCE`. Empty if there is none.
    pub const fn symbol(self) -> &'static str {
        match self {
            Basis::Content | Basis::Gross => "",
            Basis::LithiumOxide => "Li2O",
            Basis::LithiumCarbonate => "LCE",
            Basis::RareEarthOxide => "REO",
            Basis::NiobiumOxide => "Nb2O5",
            Basis::TantalumOxide => "Ta2O5",
            Basis::TitaniumOxide => "TiO2",
            Basis::BoronOxide => "B2O3",
            Basis::PhosphorusOxide => "P2O5",
            Basis::PotassiumOxide => "K2O",
        }
    }

    /// What is weighed, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Basis::Content => "the element itself, as in cobalt content; for lithium Li",
            Basis::Gross => "the whole ore, compound or metal",
            Basis::LithiumOxide => "lithium oxide contained",
            Basis::LithiumCarbonate => "lithium carbonate equivalent",
            Basis::RareEarthOxide => "rare-earth oxide equivalent",
            Basis::NiobiumOxide => "niobium oxide contained",
            Basis::TantalumOxide => "tantalum oxide contained",
            Basis::TitaniumOxide => "titanium oxide contained",
            Basis::BoronOxide => "boron oxide contained",
            Basis::PhosphorusOxide => "phosphorus oxide contained",
            Basis::PotassiumOxide => "potassium oxide contained",
        }
    }

    /// Converts a `mass` of `material` from this basis to the basis `to`, in the same unit.
    ///
    /// Converts only where chemistry fixes the ratio: for lithium, between Li, Li2O (Li = 0.464 Li2O) and LCE
    /// (LCE = 5.323 Li). Content does not follow from gross weight without a grade, nor metal from mixed
    /// rare-earth oxides.
    ///
    /// # Errors
    /// [`BasisMismatch`] where no fixed ratio exists.
    pub fn convert(self, material: &str, mass: f64, to: Basis) -> Result<f64, BasisMismatch> {
        if self == to {
            return Ok(mass);
        }
        let mismatch = || BasisMismatch { material: material.to_owned(), from: self, to };
        let lithium = (material == "lithium").then(|| self.to_lithium(mass)).flatten();
        lithium.and_then(|lithium| to.convert_lithium(lithium)).ok_or_else(mismatch)
    }

    fn to_lithium(self, mass: f64) -> Option<f64> {
        match self {
            Basis::Content => Some(mass),
            Basis::LithiumOxide => Some(mass * LITHIUM_PER_OXIDE),
            Basis::LithiumCarbonate => Some(mass / CARBONATE_PER_LITHIUM),
            _ => None,
        }
    }

    fn convert_lithium(self, lithium: f64) -> Option<f64> {
        match self {
            Basis::Content => Some(lithium),
            Basis::LithiumOxide => Some(lithium / LITHIUM_PER_OXIDE),
            Basis::LithiumCarbonate => Some(lithium * CARBONATE_PER_LITHIUM),
            _ => None,
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Basis {
    type Err = UnknownCode;

    /// Parses an identifier, or one of the abbreviations `Li2O`, `LCE`, `REO`, `Nb2O5`, `Ta2O5`, `TiO2`,
    /// `B2O3`, `P2O5`, `K2O`.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.trim();
        let known = Basis::ALL.into_iter().find(|basis| basis.as_str() == text);
        let short = || {
            let has_symbol = |basis: &Basis| !basis.symbol().is_empty() && basis.symbol() == text;
            Basis::ALL.into_iter().find(has_symbol)
        };
        let unknown = || match text {
            "Li" => UnknownCode::new(CodeKind::Basis, text, Some(Basis::Content.as_str().to_owned())),
            _ => UnknownCode::closest(CodeKind::Basis, text, Basis::ALL.map(Basis::as_str)),
        };
        known.or_else(short).ok_or_else(unknown)
    }
}

/// There is no fixed ratio between two bases.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{material}: a mass of {from} cannot be expressed as {to} without a grade; record it on the basis it was \
     reported"
)]
pub struct BasisMismatch {
    /// The material.
    pub material: String,
    /// The basis of the mass.
    pub from: Basis,
    /// The requested basis.
    pub to: Basis,
}
