//! The chapters of salient statistics: which material each is about, at which stages.
//!
//! Imports, exports and stocks are reported by form, each at the stage of its form. Consumption and output
//! from old scrap count the material in all forms: they are recorded for the stage that has their basis in
//! the catalogue, so that they can be compared with output. Without such a stage they are out of scope:
//! arsenic, boron, chromium, magnesium compounds, phosphate rock, yttrium and zirconium are counted by
//! content or as oxide here, and on another basis in the catalogue. Also out of scope: prices, employment,
//! shipments, sales and supply; primary output, which world production has; shares of import sources, which
//! are averages of several years; alumina, titanium pigment, ferrosilicon, heavy rare earths and gases by
//! volume.
use orewatch_catalog::Stage::{self, Manufactured, Mined, Refined};

use super::series::{folded, words};

/// A chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chapter {
    /// Name of its commodity, in lower case.
    commodity: &'static str,
    pub(super) material: &'static str,
    /// Stage of goods whose form names none. None: goods of several stages together.
    form: Option<Stage>,
    /// Stage for which consumption and output from old scrap are given.
    pub(super) used: Option<Stage>,
    /// Word that marks the count of consumption of which reliance is a percentage.
    pub(super) count: &'static str,
    /// Word that marks output from old scrap. Empty: there is none, or it includes new scrap.
    pub(super) scrap: &'static str,
    /// Words of details that are about other goods, or about a part.
    not: &'static [&'static str],
}

const fn chapter(
    commodity: &'static str,
    material: &'static str,
    form: Option<Stage>,
    used: Option<Stage>,
    scrap: &'static str,
) -> Chapter {
    Chapter { commodity, material, form, used, count: "apparent", scrap, not: &[] }
}

/// A chapter with another count of consumption.
const fn counted_as(count: &'static str, chapter: Chapter) -> Chapter {
    Chapter { count, ..chapter }
}

/// A chapter without details that have these words.
const fn without(not: &'static [&'static str], chapter: Chapter) -> Chapter {
    Chapter { not, ..chapter }
}

const ORE: Option<Stage> = Some(Mined);
const METAL: Option<Stage> = Some(Refined);

#[rustfmt::skip] // one line a chapter
static CHAPTERS: &[Chapter] = &[
    chapter("aluminum", "aluminium", METAL, METAL, "old"),
    chapter("antimony", "antimony", METAL, ORE, "secondary"),
    chapter("arsenic", "arsenic", METAL, None, ""),
    chapter("barite", "baryte", ORE, ORE, ""),
    chapter("bauxite", "aluminium", ORE, ORE, ""),
    chapter("beryllium", "beryllium", None, ORE, ""),
    chapter("bismuth", "bismuth", METAL, METAL, "secondary"),
    chapter("boron", "boron", METAL, None, ""),
    chapter("cesium", "caesium", None, None, ""),
    chapter("chromium", "chromium", None, None, ""),
    chapter("cobalt", "cobalt", None, METAL, "secondary"),
    chapter("copper", "copper", METAL, METAL, "post-consumer"),
    chapter("feldspar", "feldspar", ORE, ORE, ""),
    chapter("fluorspar", "fluorspar", ORE, ORE, ""),
    counted_as("reported", chapter("gallium", "gallium", METAL, METAL, "")),
    counted_as("estimated", chapter("germanium", "germanium", METAL, METAL, "secondary")),
    chapter("graphite", "graphite", ORE, ORE, ""),
    chapter("hafnium", "hafnium", METAL, None, ""),
    chapter("helium", "helium", None, None, ""),
    counted_as("estimated", chapter("indium", "indium", METAL, METAL, "")),
    chapter("iridium", "iridium", METAL, None, ""),
    chapter("lead", "lead", METAL, ORE, "old"),
    chapter("lithium", "lithium", METAL, METAL, ""),
    chapter("magnesium compounds", "magnesium", None, None, ""),
    chapter("magnesium metal", "magnesium", METAL, METAL, ""),
    chapter("manganese", "manganese", METAL, ORE, ""),
    without(&["primary"], chapter("nickel", "nickel", METAL, METAL, "")),
    chapter("niobium", "niobium", None, ORE, ""),
    chapter("palladium", "palladium", METAL, ORE, ""),
    chapter("phosphate rock", "phosphate-rock", ORE, None, ""),
    chapter("platinum", "platinum", METAL, ORE, ""),
    chapter("potash", "potash", ORE, ORE, ""),
    chapter("rare earths", "rare-earths", METAL, METAL, ""),
    chapter("rhenium", "rhenium", METAL, ORE, ""),
    chapter("rhodium", "rhodium", METAL, None, ""),
    chapter("rubidium", "rubidium", None, None, ""),
    chapter("ruthenium", "ruthenium", METAL, None, ""),
    chapter("scandium", "scandium", METAL, None, ""),
    chapter("silicon", "silicon", METAL, METAL, ""),
    chapter("silver", "silver", None, ORE, ""),
    without(&["celestite", "compounds"], chapter("strontium", "strontium", METAL, ORE, "")),
    chapter("tantalum", "tantalum", None, ORE, "secondary"),
    chapter("tellurium", "tellurium", METAL, METAL, ""),
    chapter("tin", "tin", METAL, ORE, "old"),
    chapter("titanium mineral concentrates", "titanium", ORE, ORE, ""),
    chapter("titanium sponge metal", "titanium", METAL, METAL, ""),
    chapter("tungsten", "tungsten", METAL, ORE, "secondary"),
    chapter("vanadium", "vanadium", METAL, ORE, ""),
    chapter("yttrium", "yttrium", None, None, ""),
    chapter("zinc", "zinc", METAL, ORE, ""),
    chapter("zirconium", "zirconium", METAL, None, ""),
];

/// Words of goods from mines, of goods from refineries, and of manufactured parts.
const ORES: [&str; 7] = ["ore", "ores", "concentrate", "concentrates", "celestite", "colemanite", "ulexite"];
const METALS: [&str; 8] =
    ["compounds", "metal", "metals", "refined", "fluoride", "cryolite", "hydrofluoric", "forms"];
const PARTS: [&str; 2] = ["articles", "wafers"];

/// Chapters of several commodities, which the detail names.
const GROUPS: [&str; 5] = [
    "bauxite and alumina",
    "feldspar and nepheline syenite",
    "platinum-group metals",
    "titanium and titanium dioxide",
    "zirconium and hafnium",
];

/// Words of commodities in such chapters that are no material of the catalogue.
const OTHERS: [&str; 5] = ["alumina", "dioxide", "nepheline", "pigment", "tio2"];

impl Chapter {
    /// The chapter of a commodity. None: no material of the catalogue, or several kinds of goods together.
    pub(super) fn find(commodity: &str, detail: &str) -> Option<Self> {
        let words = words(detail);
        match folded(commodity).as_str() {
            group if GROUPS.contains(&group) => Self::named_in_detail(&words),
            "rare earths" if commodity.to_lowercase().contains("heavy") => None,
            "silicon" if !is_silicon_metal(&words) => None,
            name => CHAPTERS.iter().find(|chapter| chapter.commodity == name).copied(),
        }
    }

    /// The chapter that a detail names. None: it names none, or several.
    fn named_in_detail(words: &[String]) -> Option<Self> {
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        if OTHERS.into_iter().any(has) {
            return None;
        }
        let is_named = |chapter: &&Chapter| match chapter.material {
            "titanium" => chapter.form == METAL && has("sponge"),
            _ => has(chapter.commodity),
        };
        let mut named = CHAPTERS.iter().filter(is_named);
        named.next().copied().filter(|_| named.next().is_none())
    }

    /// The stage of goods of a form. None: goods of several stages together.
    pub(super) fn stage(&self, detail: &str) -> Option<Stage> {
        let words = words(detail);
        let parts = words.iter().flat_map(|word| word.split('-'));
        let has = |some: &[&str]| parts.clone().any(|word| some.contains(&word));
        match (has(&ORES), has(&METALS), has(&PARTS)) {
            (true, true, _) => None,
            (true, false, _) => Some(Mined),
            (.., true) => Some(Manufactured),
            (false, true, false) => Some(self.form.filter(|stage| *stage != Mined).unwrap_or(Refined)),
            (false, false, false) => self.form,
        }
    }

    /// Whether a figure of consumption counts everything that is used.
    pub(super) fn counts_everything(&self, words: &[String]) -> bool {
        !words.iter().any(|word| self.not.contains(&word.as_str()))
    }
}

fn is_silicon_metal(words: &[String]) -> bool {
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    has("metal") && !has("ferrosilicon")
}
