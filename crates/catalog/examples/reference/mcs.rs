//! World production of the Mineral Commodity Summaries: what both layouts have in common.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use orewatch_catalog::{OTHER, Scheme, Stage, Unit, material, resolve_economy};

use crate::tidy::Table;

/// A series of the Summaries that is a market of the catalogue. Every other series is left out.
pub(crate) struct Series {
    pub(crate) material: &'static str,
    pub(crate) stage: Stage,
    /// Chapter as in the 2025 file, without blanks around it.
    pub(crate) commodity_2025: &'static str,
    /// Beginning of the type in the 2025 file.
    pub(crate) type_2025: &'static str,
    /// Commodity as in the 2026 file.
    pub(crate) commodity_2026: &'static str,
    /// Statistics detail in the 2026 file.
    pub(crate) detail_2026: &'static str,
}

use Stage::{Mined, Refined};

const fn series(
    material: &'static str,
    stage: Stage,
    (commodity_2025, type_2025): (&'static str, &'static str),
    (commodity_2026, detail_2026): (&'static str, &'static str),
) -> Series {
    Series { material, stage, commodity_2025, type_2025, commodity_2026, detail_2026 }
}

const MINE: &str = "Mine production";

#[rustfmt::skip] // one line a series
pub(crate) static SERIES: &[Series] = &[
    series("antimony", Mined, ("Antimony", MINE), ("Antimony", MINE)),
    series("bismuth", Refined, ("Bismuth", "Refinery production"), ("Bismuth", "Refinery production")),
    series("cobalt", Mined, ("Cobalt", MINE), ("Cobalt", MINE)),
    series("copper", Mined, ("Copper", MINE), ("Copper", MINE)),
    series("copper", Refined, ("Copper", "Refinery production"), ("Copper", "Refinery production")),
    series("gallium", Refined, ("Gallium", "Primary production"), ("Gallium", "Primary production")),
    series("graphite", Mined, ("Graphite", MINE), ("Graphite (Natural)", MINE)),
    series("lithium", Mined, ("Lithium", MINE), ("Lithium", MINE)),
    series("magnesium", Mined, ("Magnesium Compounds", MINE), ("Magnesium Compounds", MINE)),
    series("magnesium", Refined, ("Magnesium metal", "Magnesium smelter production"), ("Magnesium Metal", "Smelter production")),
    series("manganese", Mined, ("Manganese", MINE), ("Manganese", MINE)),
    series("nickel", Mined, ("Nickel", MINE), ("Nickel", MINE)),
    series("rare-earths", Mined, ("Rare earths", MINE), ("Rare Earths", MINE)),
    series("tungsten", Mined, ("Tungsten", MINE), ("Tungsten", MINE)),
];

/// Material, stage, period and economy.
pub(crate) type Key = (&'static str, Stage, String, &'static str);

/// Quantity (a number, `W` or `NA`), its unit, and whether the source marks it as an estimate.
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) quantity: String,
    pub(crate) unit: Unit,
    pub(crate) estimated: bool,
}

/// One edition.
pub(crate) type Outputs = BTreeMap<Key, Output>;

/// Adds a row, which must be the only one with its key.
pub(crate) fn add(outputs: &mut Outputs, key: Key, output: Output) -> Result<()> {
    match outputs.insert(key.clone(), output) {
        Some(_) => bail!("{key:?} occurs twice"),
        None => Ok(()),
    }
}

/// The economy of a row, `OTHER` for the residual, none for the world total.
pub(crate) fn producer(name: &str) -> Result<Option<&'static str>> {
    let name = name.trim();
    match resolve_economy(Scheme::Usgs, name) {
        Ok(economy) => Ok(Some(economy.iso3)),
        Err(_) if name.starts_with("World total") => Ok(None),
        Err(_) if name.to_lowercase().starts_with("other countries") => Ok(Some(OTHER)),
        Err(error) => Err(error.into()),
    }
}

/// A printed figure as a plain number, `W` or `NA`. A dash means nothing was produced; a blank means nothing is printed.
pub(crate) fn quantity(printed: &str) -> Result<Option<String>> {
    match printed {
        "" => Ok(None),
        "—" => Ok(Some("0".to_owned())),
        "W" | "NA" => Ok(Some(printed.to_owned())),
        number => {
            let plain = number.replace(',', "");
            plain.parse::<f64>().with_context(|| format!("`{number}` is no number, dash, `W` or `NA`"))?;
            Ok(Some(plain))
        }
    }
}

/// The edition as a table.
pub(crate) fn table(vintage: &str, published: &str, outputs: Outputs) -> Table {
    let row = |((id, stage, period, economy), output): (Key, Output)| {
        let basis = material(id).map_or("gross", |material| material.basis(stage).as_str());
        let Output { quantity, unit, estimated } = output;
        format!("{period},{economy},{id},{stage},{quantity},{unit},{basis},{estimated}")
    };
    Table {
        table: "production",
        dataset: "usgs-mcs",
        vintage: vintage.to_owned(),
        provenance: vec![
            ("publisher", "US Geological Survey".to_owned()),
            ("title", format!("Mineral Commodity Summaries {published}: world production")),
            ("url", "https://www.usgs.gov/centers/national-minerals-information-center/mineral-commodity-summaries".to_owned()),
            ("licence", "US public domain".to_owned()),
            ("published", published.to_owned()),
        ],
        header: "period,economy,material,stage,quantity,unit,basis,estimated",
        rows: outputs.into_iter().map(row).collect(),
    }
}
