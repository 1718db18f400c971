//! The commodities of World Mining Data: which material each is, at which stage, on which basis.
use orewatch_catalog::Stage::{self, Mined, Refined};
use orewatch_catalog::{Basis, CodeKind, Unit, UnknownCode, material};

use super::Reject;

/// A commodity that a series of the catalogue is about.
#[derive(Debug)]
pub(super) struct Series {
    /// Its name in the tables; a remark in parentheses says what is weighed.
    pub(super) name: &'static str,
    /// Material of the catalogue.
    pub(super) material: &'static str,
    /// Stage.
    pub(super) stage: Stage,
    /// Converts its masses to the basis of the catalogue.
    pub(super) factor: f64,
}

impl Series {
    /// The basis on which the catalogue records it.
    pub(super) fn basis(&self) -> Basis {
        material(self.material).map_or(Basis::Gross, |material| material.basis(self.stage))
    }
}

const fn series(name: &'static str, material: &'static str, stage: Stage, factor: f64) -> Series {
    Series { name, material, stage, factor }
}

/// Tonnes of the metal in a tonne of its oxide, by the atomic weights of 2021; for lithium the factor that
/// geological surveys use.
const LITHIUM: f64 = 0.464;
const NIOBIUM: f64 = 0.699_04;
const TANTALUM: f64 = 0.818_97;
const URANIUM: f64 = 0.848_00;

/// The commodities with a series. Output is that of mines, unless the ministry counts the output of smelters
/// and refineries.
static SERIES: [Series; 37] = [
    series("Aluminium", "aluminium", Refined, 1.0),
    series("Antimony", "antimony", Mined, 1.0),
    series("Arsenic", "arsenic", Refined, 1.0), // As2O3, weighed as it is
    series("Baryte", "baryte", Mined, 1.0),
    series("Bauxite", "aluminium", Mined, 1.0),
    series("Bismuth", "bismuth", Refined, 1.0),
    series("Cobalt", "cobalt", Mined, 1.0),
    series("Coking Coal", "coking-coal", Mined, 1.0),
    series("Copper", "copper", Mined, 1.0),
    series("Feldspar", "feldspar", Mined, 1.0),
    series("Fluorspar", "fluorspar", Mined, 1.0),
    series("Gallium", "gallium", Refined, 1.0),
    series("Germanium", "germanium", Refined, 1.0),
    series("Graphite", "graphite", Mined, 1.0),
    series("Indium", "indium", Refined, 1.0),
    series("Lead", "lead", Mined, 1.0),
    series("Lithium (Li2O)", "lithium", Mined, LITHIUM),
    series("Magnesite", "magnesium", Mined, 1.0),
    series("Manganese", "manganese", Mined, 1.0),
    series("Nickel", "nickel", Mined, 1.0),
    series("Niobium (Nb2O5)", "niobium", Mined, NIOBIUM),
    series("Palladium", "palladium", Mined, 1.0),
    series("Phosphate Rock (P2O5)", "phosphate-rock", Mined, 1.0),
    series("Platinum", "platinum", Mined, 1.0),
    series("Potash (K2O)", "potash", Mined, 1.0),
    series("Rare Earths (REO)", "rare-earths", Mined, 1.0),
    series("Rhenium", "rhenium", Mined, 1.0),
    series("Silver", "silver", Mined, 1.0),
    series("Tantalum (Ta2O5)", "tantalum", Mined, TANTALUM),
    series("Tellurium", "tellurium", Refined, 1.0),
    series("Tin", "tin", Mined, 1.0),
    series("Titanium (TiO2)", "titanium", Mined, 1.0),
    series("Tungsten (W)", "tungsten", Mined, 1.0),
    series("Uranium (U3O8)", "uranium", Mined, URANIUM),
    series("Vanadium (V)", "vanadium", Mined, 1.0),
    series("Zinc", "zinc", Mined, 1.0),
    series("Zircon", "zirconium", Mined, 1.0),
];

/// Commodities without a series: of no material of the catalogue, or weighed on a basis that cannot be
/// converted to that of the catalogue (chromium as Cr2O3, beryllium as concentrate, borates of any grade,
/// rhodium).
static OTHERS: [&str; 28] = [
    "Asbestos",
    "Bentonite",
    "Beryllium (conc.)",
    "Boron Minerals",
    "Cadmium",
    "Chromium (Cr2O3)",
    "Diamonds (Gem)",
    "Diamonds (Ind)",
    "Diatomite",
    "Gold",
    "Gypsum and Anhydrite",
    "Iron (Fe)",
    "Kaolin (China-Clay)",
    "Lignite",
    "Mercury",
    "Molybdenum",
    "Natural Gas",
    "Oil Sands (part of Petroleum)",
    "Oil Shales",
    "Perlite",
    "Petroleum",
    "Rhodium",
    "Salt (rock, brines, marine)",
    "Selenium",
    "Steam Coal",
    "Sulfur (elementar & industrial)",
    "Talc, Steatite & Pyrophyllite",
    "Vermiculite",
];

/// The series of a commodity. None: out of scope.
pub(super) fn find_series(name: &str) -> Result<Option<&'static Series>, Reject> {
    let found = SERIES.iter().find(|series| is_same_commodity(series.name, name));
    if found.is_some() || OTHERS.iter().any(|other| is_same_commodity(other, name)) {
        return Ok(found);
    }
    let known = SERIES.iter().map(|series| series.name).chain(OTHERS);
    Err(Reject::unknown("material", &UnknownCode::closest(CodeKind::Material, name, known)))
}

/// Whether two names are of one commodity, although editions write remarks in parentheses differently. A
/// remark that names another weight makes another commodity.
fn is_same_commodity(known: &str, given: &str) -> bool {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let bare = |name: &str| name.split('(').next().map(plain).unwrap_or_default();
    // A remark on an oxide or a kind distinguishes commodities and weights; the symbol of an element does
    // not.
    let remark = |name: &str| {
        let text = name.split_once('(').map(|(_, remark)| plain(remark)).unwrap_or_default();
        if text.len() <= 2 { String::new() } else { text }
    };
    bare(known) == bare(given) && (remark(known) == remark(given) || is_remark_optional(known))
}

/// Whether the remark in parentheses only explains the name, so that it may be missing or different.
fn is_remark_optional(known: &str) -> bool {
    ["Kaolin", "Oil Sands", "Salt", "Sulfur", "Talc"].iter().any(|name| known.starts_with(name))
}

/// Tonnes of one unit of mass.
pub(super) fn tonnes_per_unit(column: &str, text: &str) -> Result<f64, Reject> {
    let plain = text.replace("metr.", "metric");
    let unit: Unit = match plain.trim() {
        "metric t" => Ok(Unit::Tonne),
        other => other.parse().map_err(|error: UnknownCode| UnknownCode { value: text.to_owned(), ..error }),
    }
    .map_err(|error| Reject::unknown(column, &error))?;
    Ok(unit.to_tonnes(1.0))
}
