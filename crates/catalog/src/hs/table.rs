//! The concordance, sorted by code and first revision.
//!
//! Left out, because no single material of the catalogue can be read from them: 253090 (lithium ore among many minerals),
//! 261590 (niobium, tantalum and vanadium ores), 261690 (gold and platinum-group ores), 270112 (coking with steam coal),
//! 280450 (boron with tellurium), 711041 (iridium, osmium and ruthenium), and 811291 before HS07 (seven rare metals).

use super::HsCode;
use super::HsRevision::{self, Hs02, Hs07, Hs12, Hs17, Hs22, Hs92, Hs96};
use crate::stage::Stage::{self, Manufactured, Mined, Refined};

/// Baskets of the European Commission's raw materials information system.
const RMIS: &str = "JRC RMIS 2024, trade baskets";
/// Assignment by the makers of the GeoPolRisk method.
const GEOPOLRISK: &str = "GeoPolRisk 2.0, HS code map, after SCRREEN2 factsheets";
/// Read from the text of the nomenclature.
const WCO: &str = "World Customs Organization, HS nomenclature";

/// A code that holds the material.
const fn exact(
    code: &'static str,
    first: HsRevision,
    last: HsRevision,
    material: &'static str,
    stage: Stage,
    source: &'static str,
    note: &'static str,
) -> HsCode {
    HsCode { code, first, last, material, stage, proxy: false, note, source }
}

/// A code that only approximates it.
const fn proxy(
    code: &'static str,
    first: HsRevision,
    last: HsRevision,
    material: &'static str,
    stage: Stage,
    source: &'static str,
    note: &'static str,
) -> HsCode {
    HsCode { code, first, last, material, stage, proxy: true, note, source }
}

/// Every code of a material.
#[rustfmt::skip] // one line an entry, so that the columns can be read down
pub(super) static CODES: &[HsCode] = &[
    exact("250410", Hs92, Hs22, "graphite", Mined, RMIS, "Natural graphite in powder or flakes."),
    exact("250490", Hs92, Hs22, "graphite", Mined, RMIS, "Natural graphite in other forms."),
    exact("251010", Hs92, Hs22, "phosphate-rock", Mined, WCO, "Natural calcium phosphates, unground."),
    exact("251020", Hs92, Hs22, "phosphate-rock", Mined, GEOPOLRISK, "Natural calcium phosphates, ground."),
    exact("251110", Hs92, Hs22, "baryte", Mined, GEOPOLRISK, "Natural barium sulphate."),
    proxy("251120", Hs92, Hs22, "baryte", Mined, WCO, "Natural barium carbonate (witherite), a minor ore."),
    proxy("251910", Hs92, Hs22, "magnesium", Mined, GEOPOLRISK, "Magnesite. Most of it becomes magnesia, not metal; it stands in for magnesium's raw material."),
    exact("252800", Hs12, Hs22, "boron", Mined, WCO, "Natural borates and concentrates."),
    exact("252810", Hs92, Hs07, "boron", Mined, WCO, "Natural sodium borates and concentrates."),
    exact("252890", Hs92, Hs07, "boron", Mined, GEOPOLRISK, "Natural borates other than of sodium, and natural boric acid."),
    exact("252910", Hs92, Hs22, "feldspar", Mined, GEOPOLRISK, "Feldspar."),
    exact("252921", Hs92, Hs22, "fluorspar", Mined, WCO, "Fluorspar with at most 97 % of calcium fluoride, metallurgical grade."),
    exact("252922", Hs92, Hs22, "fluorspar", Mined, GEOPOLRISK, "Fluorspar with more than 97 % of calcium fluoride, acid grade."),
    exact("260200", Hs92, Hs22, "manganese", Mined, RMIS, "Manganese ores and concentrates, ferruginous ones of 20 % manganese or more included. Gross weight."),
    exact("260300", Hs92, Hs22, "copper", Mined, RMIS, "Copper ores and concentrates. Gross weight, about a quarter copper."),
    exact("260400", Hs92, Hs22, "nickel", Mined, RMIS, "Nickel ores and concentrates. Gross weight; laterite ore holds 1 to 2 % nickel, concentrate ten times that."),
    exact("260500", Hs92, Hs22, "cobalt", Mined, RMIS, "Cobalt ores and concentrates. Most cobalt leaves the mine as hydroxide, 282200."),
    exact("260600", Hs92, Hs22, "aluminium", Mined, GEOPOLRISK, "Aluminium ores and concentrates, bauxite."),
    exact("260700", Hs92, Hs22, "lead", Mined, GEOPOLRISK, "Lead ores and concentrates."),
    exact("260800", Hs92, Hs22, "zinc", Mined, GEOPOLRISK, "Zinc ores and concentrates."),
    exact("260900", Hs92, Hs22, "tin", Mined, GEOPOLRISK, "Tin ores and concentrates."),
    exact("261000", Hs92, Hs22, "chromium", Mined, GEOPOLRISK, "Chromium ores and concentrates."),
    exact("261100", Hs92, Hs22, "tungsten", Mined, RMIS, "Tungsten ores and concentrates."),
    exact("261210", Hs92, Hs22, "uranium", Mined, GEOPOLRISK, "Uranium ores and concentrates."),
    exact("261400", Hs92, Hs22, "titanium", Mined, GEOPOLRISK, "Titanium ores and concentrates. Most of them become pigment, not metal."),
    exact("261510", Hs92, Hs22, "zirconium", Mined, GEOPOLRISK, "Zirconium ores and concentrates."),
    proxy("261610", Hs92, Hs22, "silver", Mined, GEOPOLRISK, "Silver ores and concentrates. Most silver is mined in ores of other metals."),
    exact("261710", Hs92, Hs22, "antimony", Mined, RMIS, "Antimony ores and concentrates."),
    exact("280461", Hs92, Hs22, "silicon", Refined, WCO, "Silicon of 99.99 % and more."),
    exact("280469", Hs92, Hs22, "silicon", Refined, WCO, "Silicon below 99.99 %, metallurgical grade."),
    exact("280470", Hs92, Hs22, "phosphorus", Refined, WCO, "Phosphorus."),
    exact("280480", Hs92, Hs22, "arsenic", Refined, GEOPOLRISK, "Arsenic metal."),
    exact("280530", Hs92, Hs22, "rare-earths", Refined, RMIS, "Rare-earth metals, scandium and yttrium, also mixed or alloyed with each other."),
    exact("281820", Hs92, Hs22, "aluminium", Refined, WCO, "Alumina: aluminium oxide other than artificial corundum."),
    exact("282010", Hs92, Hs22, "manganese", Refined, RMIS, "Manganese dioxide."),
    exact("282090", Hs92, Hs22, "manganese", Refined, RMIS, "Manganese oxides other than the dioxide."),
    exact("282200", Hs92, Hs22, "cobalt", Refined, RMIS, "Cobalt oxides and hydroxides, crude hydroxide from the mine included."),
    exact("282520", Hs92, Hs22, "lithium", Refined, RMIS, "Lithium oxide and hydroxide."),
    exact("282530", Hs92, Hs22, "vanadium", Refined, GEOPOLRISK, "Vanadium oxides and hydroxides."),
    exact("282540", Hs92, Hs22, "nickel", Refined, RMIS, "Nickel oxides and hydroxides, mixed hydroxide precipitate included."),
    exact("282550", Hs92, Hs22, "copper", Refined, RMIS, "Copper oxides and hydroxides."),
    proxy("282560", Hs92, Hs22, "germanium", Refined, RMIS, "Germanium oxides together with zirconium dioxide, which prevails."),
    exact("282580", Hs92, Hs22, "antimony", Refined, RMIS, "Antimony oxides."),
    exact("283324", Hs92, Hs22, "nickel", Refined, RMIS, "Nickel sulphates."),
    exact("283325", Hs92, Hs22, "copper", Refined, RMIS, "Copper sulphates."),
    exact("283691", Hs92, Hs22, "lithium", Refined, RMIS, "Lithium carbonates."),
    exact("284180", Hs92, Hs22, "tungsten", Refined, RMIS, "Tungstates (wolframates)."),
    exact("284610", Hs92, Hs22, "rare-earths", Refined, RMIS, "Cerium compounds."),
    exact("284690", Hs92, Hs22, "rare-earths", Refined, RMIS, "Compounds of other rare earths, yttrium and scandium and of their mixtures, chemical concentrates included."),
    proxy("380110", Hs92, Hs22, "graphite", Refined, WCO, "Artificial graphite, made of coke; it stands in for refined graphite in anodes and electrodes."),
    exact("711011", Hs92, Hs22, "platinum", Refined, RMIS, "Platinum, unwrought or in powder form."),
    exact("711019", Hs92, Hs22, "platinum", Manufactured, GEOPOLRISK, "Platinum in semi-manufactured forms."),
    exact("711021", Hs92, Hs22, "palladium", Refined, RMIS, "Palladium, unwrought or in powder form."),
    exact("711029", Hs92, Hs22, "palladium", Manufactured, GEOPOLRISK, "Palladium in semi-manufactured forms."),
    exact("711031", Hs92, Hs22, "rhodium", Refined, RMIS, "Rhodium, unwrought or in powder form."),
    exact("711039", Hs92, Hs22, "rhodium", Manufactured, GEOPOLRISK, "Rhodium in semi-manufactured forms."),
    exact("720211", Hs92, Hs22, "manganese", Refined, RMIS, "Ferro-manganese with more than 2 % of carbon. Gross weight."),
    exact("720219", Hs92, Hs22, "manganese", Refined, RMIS, "Ferro-manganese with at most 2 % of carbon. Gross weight."),
    exact("720230", Hs92, Hs22, "manganese", Refined, RMIS, "Ferro-silico-manganese. Gross weight."),
    exact("720241", Hs92, Hs22, "chromium", Refined, WCO, "Ferro-chromium with more than 4 % of carbon. Gross weight."),
    exact("720249", Hs92, Hs22, "chromium", Refined, WCO, "Ferro-chromium with at most 4 % of carbon. Gross weight."),
    exact("720260", Hs92, Hs22, "nickel", Refined, RMIS, "Ferro-nickel. Gross weight."),
    exact("720280", Hs92, Hs22, "tungsten", Refined, RMIS, "Ferro-tungsten and ferro-silico-tungsten. Gross weight."),
    exact("720292", Hs92, Hs22, "vanadium", Refined, GEOPOLRISK, "Ferro-vanadium. Gross weight."),
    exact("720293", Hs92, Hs22, "niobium", Refined, GEOPOLRISK, "Ferro-niobium. Gross weight."),
    exact("740200", Hs92, Hs22, "copper", Refined, RMIS, "Unrefined copper and copper anodes."),
    exact("740311", Hs92, Hs22, "copper", Refined, RMIS, "Refined copper: cathodes."),
    exact("740312", Hs92, Hs22, "copper", Refined, RMIS, "Refined copper: wire-bars."),
    exact("740313", Hs92, Hs22, "copper", Refined, RMIS, "Refined copper: billets."),
    exact("740319", Hs92, Hs22, "copper", Refined, RMIS, "Refined copper in other unwrought forms."),
    exact("750110", Hs92, Hs22, "nickel", Refined, RMIS, "Nickel mattes."),
    exact("750120", Hs92, Hs22, "nickel", Refined, RMIS, "Nickel oxide sinters and other intermediate products."),
    exact("750210", Hs92, Hs22, "nickel", Refined, RMIS, "Unwrought nickel, not alloyed."),
    exact("750220", Hs92, Hs22, "nickel", Refined, RMIS, "Unwrought nickel alloys."),
    exact("750400", Hs92, Hs22, "nickel", Refined, RMIS, "Nickel powders and flakes."),
    exact("760110", Hs92, Hs22, "aluminium", Refined, GEOPOLRISK, "Unwrought aluminium, not alloyed."),
    exact("760120", Hs92, Hs22, "aluminium", Refined, WCO, "Unwrought aluminium alloys."),
    exact("780110", Hs92, Hs22, "lead", Refined, WCO, "Refined lead, unwrought."),
    exact("790111", Hs92, Hs22, "zinc", Refined, WCO, "Unwrought zinc of 99.99 % and more."),
    exact("790112", Hs92, Hs22, "zinc", Refined, WCO, "Unwrought zinc below 99.99 %."),
    exact("800110", Hs92, Hs22, "tin", Refined, WCO, "Unwrought tin, not alloyed."),
    exact("810110", Hs92, Hs22, "tungsten", Refined, RMIS, "Tungsten powders."),
    exact("810191", Hs92, Hs96, "tungsten", Refined, WCO, "Unwrought tungsten, sintered bars, waste and scrap."),
    exact("810194", Hs02, Hs22, "tungsten", Refined, RMIS, "Unwrought tungsten and sintered bars."),
    exact("810310", Hs92, Hs96, "tantalum", Refined, GEOPOLRISK, "Unwrought tantalum, sintered bars, waste, scrap and powders."),
    exact("810320", Hs02, Hs22, "tantalum", Refined, WCO, "Unwrought tantalum, sintered bars and powders."),
    exact("810411", Hs92, Hs22, "magnesium", Refined, RMIS, "Unwrought magnesium of 99.8 % and more."),
    exact("810419", Hs92, Hs22, "magnesium", Refined, RMIS, "Unwrought magnesium below 99.8 %, alloys included."),
    exact("810430", Hs92, Hs22, "magnesium", Refined, RMIS, "Magnesium raspings, turnings, granules and powders."),
    exact("810510", Hs92, Hs96, "cobalt", Refined, GEOPOLRISK, "Cobalt mattes, intermediate products, unwrought cobalt, waste, scrap and powders."),
    exact("810520", Hs02, Hs22, "cobalt", Refined, RMIS, "Cobalt mattes, intermediate products, unwrought cobalt and powders."),
    exact("810600", Hs92, Hs17, "bismuth", Refined, GEOPOLRISK, "Bismuth and articles of it, waste and scrap included."),
    exact("810610", Hs22, Hs22, "bismuth", Refined, WCO, "Bismuth of more than 99.99 %, articles, waste and scrap included."),
    exact("810690", Hs22, Hs22, "bismuth", Refined, WCO, "Other bismuth, articles, waste and scrap included."),
    exact("810810", Hs92, Hs96, "titanium", Refined, WCO, "Unwrought titanium, waste, scrap and powders."),
    exact("810820", Hs02, Hs22, "titanium", Refined, WCO, "Unwrought titanium and powders, sponge included."),
    exact("811000", Hs92, Hs96, "antimony", Refined, WCO, "Antimony and articles of it, waste and scrap included."),
    exact("811010", Hs02, Hs22, "antimony", Refined, RMIS, "Unwrought antimony and powders."),
    exact("811100", Hs92, Hs22, "manganese", Refined, RMIS, "Manganese and articles of it, waste and scrap included."),
    exact("811211", Hs92, Hs96, "beryllium", Refined, GEOPOLRISK, "Unwrought beryllium, waste, scrap and powders."),
    exact("811212", Hs02, Hs22, "beryllium", Refined, WCO, "Unwrought beryllium and powders."),
    exact("811230", Hs92, Hs02, "germanium", Refined, GEOPOLRISK, "Germanium and articles of it, waste and scrap included."),
    exact("811240", Hs92, Hs02, "vanadium", Refined, WCO, "Vanadium and articles of it, waste and scrap included."),
    proxy("811292", Hs07, Hs22, "gallium", Refined, RMIS, "Unwrought gallium together with germanium, indium, niobium, vanadium and others, waste, scrap and powders."),
];
