//! The series of world production: which rows are output of a market, and on which basis.
//!
//! The name of the commodity and words of the type identify a series, since both change from edition to
//! edition (`Mine production, lithium content`, `Mine production`). Out of scope on purpose:
//!
//! - **Alumina** is neither ore nor metal: as refined aluminium it would be counted twice.
//! - **Boron** is listed as a different product for each economy (ulexite, borates, boric oxide), which do
//!   not add up.
//! - **Phosphate rock** is weighed gross, and its content differs from place to place.
//! - **Strontium** is celestite by gross weight, whatever its type says: the notes of the 2026 edition are
//!   clear.
//! - **Titanium minerals** come as ilmenite and rutile, each alone only a part of an economy's output.
//! - **Ferrosilicon**, pigments, copper telluride and concentrates of tellurium are other goods than the
//!   market's.
//! - **Helium** and rare gases are measured by volume. Yttrium and scandium have no figures by economy.
//! - **Capacity and reserves** are no output.
use orewatch_catalog::Stage::{self, Mined, Refined};

/// A series of world production that is output of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) material: &'static str,
    pub(super) stage: Stage,
    /// Basis of its masses, as the catalogue calls it.
    pub(super) basis: &'static str,
    /// Names of its commodity, in lower case.
    commodities: &'static [&'static str],
    /// Words that its type must have.
    with: &'static [&'static str],
    /// Words that its type must not have.
    without: &'static [&'static str],
}

const fn series(
    material: &'static str,
    stage: Stage,
    basis: &'static str,
    commodities: &'static [&'static str],
    with: &'static [&'static str],
    without: &'static [&'static str],
) -> Series {
    Series { material, stage, basis, commodities, with, without }
}

const MINE: &[&str] = &["mine"];

#[rustfmt::skip] // one line a series
static SERIES: &[Series] = &[
    series("aluminium", Mined, "gross", &["bauxite", "bauxite and alumina"], MINE, &["alumina"]),
    series("aluminium", Refined, "content", &["aluminum"], &["smelter"], &[]),
    series("antimony", Mined, "content", &["antimony"], MINE, &[]),
    series("arsenic", Refined, "gross", &["arsenic"], &["production"], &["capacity"]),
    series("baryte", Mined, "gross", &["barite"], MINE, &[]),
    series("beryllium", Mined, "content", &["beryllium"], MINE, &[]),
    series("bismuth", Refined, "content", &["bismuth"], &["refinery"], &[]),
    series("chromium", Mined, "gross", &["chromium", "chromite"], MINE, &[]),
    series("cobalt", Mined, "content", &["cobalt"], MINE, &[]),
    series("copper", Mined, "content", &["copper"], MINE, &[]),
    series("copper", Refined, "content", &["copper"], &["refinery"], &[]),
    series("feldspar", Mined, "gross", &["feldspar", "feldspar and nepheline syenite"], MINE, &[]),
    series("fluorspar", Mined, "gross", &["fluorspar"], MINE, &[]),
    series("gallium", Refined, "content", &["gallium"], &["primary"], &["capacity"]),
    series("germanium", Refined, "content", &["germanium", "gemanium"], &["refinery"], &[]),
    series("graphite", Mined, "gross", &["graphite"], MINE, &[]),
    series("indium", Refined, "content", &["indium"], &["refinery"], &["capacity"]),
    series("lead", Mined, "content", &["lead"], MINE, &[]),
    series("lithium", Mined, "content", &["lithium"], MINE, &[]),
    series("magnesium", Mined, "gross", &["magnesium compounds", "magnesite"], MINE, &[]),
    series("magnesium", Refined, "content", &["magnesium metal", "magnesium"], &["smelter"], &["capacity"]),
    series("manganese", Mined, "content", &["manganese"], MINE, &[]),
    series("nickel", Mined, "content", &["nickel"], MINE, &[]),
    series("niobium", Mined, "content", &["niobium"], MINE, &[]),
    series("palladium", Mined, "content", PALLADIUM, &["mine", "palladium"], &[]),
    series("platinum", Mined, "content", &["platinum", "platinum-group metals"], &["mine", "platinum"], &[]),
    series("potash", Mined, "potassium-oxide", &["potash", "k2o", "potassium oxide"], MINE, &[]),
    series("rare-earths", Mined, "rare-earth-oxide", &["rare earths", "rare-earths"], MINE, &[]),
    series("rhenium", Mined, "content", &["rhenium"], MINE, &[]),
    series("silicon", Refined, "content", &["silicon", "silicon metal"], &["silicon", "metal"], FERROSILICON),
    series("silver", Mined, "content", &["silver"], MINE, &[]),
    series("tantalum", Mined, "content", &["tantalum"], MINE, &[]),
    series("tellurium", Refined, "content", &["tellurium"], &["refinery"], &["telluride", "concentrate"]),
    series("tin", Mined, "content", &["tin"], MINE, &[]),
    series("titanium", Refined, "content", TITANIUM, &["sponge"], &["capacity"]),
    series("tungsten", Mined, "content", &["tungsten"], MINE, &[]),
    series("vanadium", Mined, "content", &["vanadium"], MINE, &[]),
    series("zinc", Mined, "content", &["zinc"], MINE, &[]),
    series("zirconium", Mined, "gross", &["zirconium", "zircon", "zirconium and hafnium"], MINE, &[]),
];

const PALLADIUM: &[&str] = &["palladium", "platinum-group metals"];
const FERROSILICON: &[&str] = &["ferrosilicon", "ferosilicon"];
const TITANIUM: &[&str] = &["titanium", "titanium sponge metal", "titanium and titanium dioxide"];

/// Words of types that name no commodity.
const GENERAL: [&str; 17] = [
    "and",
    "content",
    "estimated",
    "forms",
    "gross",
    "kilograms",
    "metric",
    "mine",
    "of",
    "plant",
    "primary",
    "production",
    "refinery",
    "secondary",
    "smelter",
    "thousand",
    "tons",
];

/// A name in lower case without a remark in parentheses, its words separated by one space.
pub(super) fn folded(name: &str) -> String {
    let lower = name.to_lowercase().replace('&', " and ");
    let bare = lower.split_once('(').map_or(lower.as_str(), |(bare, _)| bare);
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text, in lower case. Hyphens hold a word together.
pub(super) fn words(text: &str) -> Vec<String> {
    let is_separator = |letter: char| !letter.is_alphanumeric() && letter != '-';
    text.to_lowercase().split(is_separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Series {
    /// Whether a type with these words is of the series.
    fn has_type(&self, words: &[String]) -> bool {
        let has = |wanted: &&str| words.iter().any(|word| word == wanted);
        self.with.iter().all(has) && !self.without.iter().any(has)
    }
}

/// The series of a commodity and a type. None: no market of the catalogue.
pub(super) fn find_series(commodity: &str, kind: &str) -> Option<Series> {
    let (commodity, words) = (folded(commodity), words(kind));
    let is_meant = |series: &&Series| series.commodities.contains(&&*commodity) && series.has_type(&words);
    SERIES.iter().find(is_meant).copied()
}

/// What the type of a row says, in a file without a column of commodities.
pub(super) enum TypeMeaning {
    /// A series.
    Series(Series),
    /// Something that is no market of the catalogue.
    OutOfScope,
    /// Nothing about the commodity.
    Unnamed,
}

/// The series that a type names. If it names no commodity, the series of the only material of the file.
pub(super) fn meaning_of_type(kind: &str, only_material: Option<&str>) -> TypeMeaning {
    let words = words(kind);
    let has_type = |series: &&Series| series.has_type(&words);
    if let Some(found) = SERIES.iter().filter(has_type).find(|series| series.is_named_in(&words)) {
        return TypeMeaning::Series(*found);
    }
    if words.iter().any(|word| !GENERAL.contains(&word.as_str())) {
        return TypeMeaning::OutOfScope;
    }
    let Some(material) = only_material else { return TypeMeaning::Unnamed };
    let found = SERIES.iter().filter(has_type).find(|series| series.material == material);
    found.map_or(TypeMeaning::OutOfScope, |series| TypeMeaning::Series(*series))
}

impl Series {
    /// Whether one of the commodity's names is among the words of a type.
    fn is_named_in(&self, words: &[String]) -> bool {
        self.commodities.iter().any(|name| {
            let name: Vec<_> = name.split(' ').collect();
            words.windows(name.len()).any(|some| some == name) || is_oxide(self, words)
        })
    }
}

/// Whether words such as `rare-earth-oxide equivalent` name rare earths.
fn is_oxide(series: &Series, words: &[String]) -> bool {
    series.material == "rare-earths" && words.iter().any(|word| word.starts_with("rare-earth"))
}

/// The material in the usual name of a file about one commodity: `mcs2024-bismu_world.csv` has the first five
/// letters of its chapter. It counts only if types name none, because file names are easily changed.
pub(super) fn material_of_file_name(file: &str) -> Option<&'static str> {
    let letters = file.to_lowercase();
    let (_, letters) = letters.split_once('-')?;
    let letters = letters.split('_').next().filter(|letters| letters.len() >= 3)?;
    let is_meant = |name: &str| name.replace([' ', '-'], "").starts_with(letters);
    let meant = SERIES.iter().filter(|series| series.commodities.iter().copied().any(is_meant));
    let mut materials = meant.map(|series| series.material);
    let first = materials.next()?;
    materials.all(|other| other == first).then_some(first)
}

/// The materials that a type names.
pub(super) fn materials(kind: &str) -> impl Iterator<Item = &'static str> {
    let words = words(kind);
    SERIES.iter().filter(move |series| series.is_named_in(&words)).map(|series| series.material)
}
