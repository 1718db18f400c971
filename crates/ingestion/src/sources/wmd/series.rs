//! What the commodities of World Mining Data are: which material, at which stage, on which basis.
use orewatch_catalog::Stage::{self, Mined, Refined};
use orewatch_catalog::{Basis, Kind, Unit, UnknownCode, material};

use super::Reject;

/// A commodity that a series of the catalogue is about.
#[derive(Debug)]
pub(super) struct Series {
    /// Its name in the tables, with the remark on what is weighed in parentheses.
    pub(super) name: &'static str,
    /// Material of the catalogue.
    pub(super) material: &'static str,
    /// Stage.
    pub(super) stage: Stage,
    /// Takes its masses to the basis of the catalogue.
    pub(super) factor: f64,
}

impl Series {
    /// On which basis the catalogue keeps it.
    pub(super) fn basis(&self) -> Basis {
        material(self.material).map_or(Basis::Gross, |material| material.basis(self.stage))
    }
}

const fn row(name: &'static str, material: &'static str, stage: Stage, factor: f64) -> Series {
    Series { name, material, stage, factor }
}

/// Tonnes of the metal in a tonne of its oxide, by the atomic weights of 2021; of lithium as the geological surveys convert.
const LITHIUM: f64 = 0.464;
const NIOBIUM: f64 = 0.699_04;
const TANTALUM: f64 = 0.818_97;
const URANIUM: f64 = 0.848_00;

/// The commodities with a series. Output is that of mines unless the ministry counts what smelters and refineries make.
static SERIES: [Series; 37] = [
    row("Aluminium", "aluminium", Refined, 1.0),
    row("Antimony", "antimony", Mined, 1.0),
    row("Arsenic", "arsenic", Refined, 1.0), // As2O3, weighed as it is
    row("Baryte", "baryte", Mined, 1.0),
    row("Bauxite", "aluminium", Mined, 1.0),
    row("Bismuth", "bismuth", Refined, 1.0),
    row("Cobalt", "cobalt", Mined, 1.0),
    row("Coking Coal", "coking-coal", Mined, 1.0),
    row("Copper", "copper", Mined, 1.0),
    row("Feldspar", "feldspar", Mined, 1.0),
    row("Fluorspar", "fluorspar", Mined, 1.0),
    row("Gallium", "gallium", Refined, 1.0),
    row("Germanium", "germanium", Refined, 1.0),
    row("Graphite", "graphite", Mined, 1.0),
    row("Indium", "indium", Refined, 1.0),
    row("Lead", "lead", Mined, 1.0),
    row("Lithium (Li2O)", "lithium", Mined, LITHIUM),
    row("Magnesite", "magnesium", Mined, 1.0),
    row("Manganese", "manganese", Mined, 1.0),
    row("Nickel", "nickel", Mined, 1.0),
    row("Niobium (Nb2O5)", "niobium", Mined, NIOBIUM),
    row("Palladium", "palladium", Mined, 1.0),
    row("Phosphate Rock (P2O5)", "phosphate-rock", Mined, 1.0),
    row("Platinum", "platinum", Mined, 1.0),
    row("Potash (K2O)", "potash", Mined, 1.0),
    row("Rare Earths (REO)", "rare-earths", Mined, 1.0),
    row("Rhenium", "rhenium", Mined, 1.0),
    row("Silver", "silver", Mined, 1.0),
    row("Tantalum (Ta2O5)", "tantalum", Mined, TANTALUM),
    row("Tellurium", "tellurium", Refined, 1.0),
    row("Tin", "tin", Mined, 1.0),
    row("Titanium (TiO2)", "titanium", Mined, 1.0),
    row("Tungsten (W)", "tungsten", Mined, 1.0),
    row("Uranium (U3O8)", "uranium", Mined, URANIUM),
    row("Vanadium (V)", "vanadium", Mined, 1.0),
    row("Zinc", "zinc", Mined, 1.0),
    row("Zircon", "zirconium", Mined, 1.0),
];

/// Commodities without a series: of no material of the catalogue, or weighed as something that cannot be converted to what the
/// catalogue keeps (chromium as Cr2O3, beryllium as concentrate, borates of any grade, rhodium).
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
pub(super) fn series(name: &str) -> Result<Option<&'static Series>, Reject> {
    let found = SERIES.iter().find(|series| same(series.name, name));
    if found.is_some() || OTHERS.iter().any(|other| same(other, name)) {
        return Ok(found);
    }
    let known = SERIES.iter().map(|series| series.name).chain(OTHERS);
    Err(Reject::unknown("material", &UnknownCode::closest(Kind::Material, name, known)))
}

/// Whether two names are of one commodity: other editions write remarks in parentheses in another way. What stands for
/// another weight is no remark.
fn same(known: &str, given: &str) -> bool {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let bare = |name: &str| name.split('(').next().map(plain).unwrap_or_default();
    // A remark on an oxide or a kind tells commodities and weights apart; the bare symbol of an element does not.
    let remark = |name: &str| {
        let text = name.split_once('(').map(|(_, remark)| plain(remark)).unwrap_or_default();
        if text.len() <= 2 { String::new() } else { text }
    };
    bare(known) == bare(given) && (remark(known) == remark(given) || is_word(known))
}

/// Whether a remark in parentheses explains the name only, so that it may be missing or written in another way.
fn is_word(known: &str) -> bool {
    ["Kaolin", "Oil Sands", "Salt", "Sulfur", "Talc"].iter().any(|name| known.starts_with(name))
}

/// Takes masses of a unit to tonnes.
pub(super) fn unit(column: &str, text: &str) -> Result<f64, Reject> {
    let plain = text.replace("metr.", "metric");
    let unit: Unit = match plain.trim() {
        "metric t" => Ok(Unit::Tonne),
        other => other.parse().map_err(|error: UnknownCode| UnknownCode { value: text.to_owned(), ..error }),
    }
    .map_err(|error| Reject::unknown(column, &error))?;
    Ok(unit.to_tonnes(1.0))
}
