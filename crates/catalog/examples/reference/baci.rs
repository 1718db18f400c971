//! Bilateral trade from BACI since 2018, in the codes of the materials that ship with the program. Rare
//! earths begin in 2007: progress towards their target depends on the first year.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use orewatch_catalog::{HsMatch, HsRevision, Scheme, concordance, resolve_economy};

use crate::source::{Row, Source};
use crate::tidy::Table;

/// Materials whose trade ships with the program.
const MATERIALS: [&str; 11] = [
    "antimony",
    "bismuth",
    "cobalt",
    "copper",
    "graphite",
    "lithium",
    "magnesium",
    "manganese",
    "nickel",
    "rare-earths",
    "tungsten",
];

/// First year of a material.
fn first_year(material: &str) -> &'static str {
    if material == "rare-earths" { "2007" } else { "2018" }
}

/// Vintage of a file whose name does not contain it (`..._V202601.csv`).
const DEFAULT_VINTAGE: &str = "202601";

pub(crate) fn table(path: &Path) -> Result<Table> {
    let mut rows = BTreeMap::new();
    for row in Source::read(path)?.rows() {
        let in_line = || format!("{}, line {}", path.display(), row.line());
        if let Some((key, text)) = flow(row).with_context(in_line)? {
            ensure!(rows.insert(key, text).is_none(), "{}: this flow occurs twice", in_line());
        }
    }
    let vintage = vintage(path);
    let provenance = vec![
        ("publisher", "CEPII".to_owned()),
        ("title", format!("BACI, HS92, version {vintage}: trade in critical materials")),
        ("url", "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37".to_owned()),
        ("licence", "etalab-2.0".to_owned()),
        (
            "published",
            vintage
                .split_at_checked(4)
                .map_or_else(|| vintage.clone(), |(year, month)| format!("{year}-{month}")),
        ),
        ("hs", HsRevision::Hs92.to_string()),
    ];
    let header = "period,exporter,importer,product,value_kusd,quantity_t";
    let rows = rows.into_values().collect();
    Ok(Table { table: "trade", dataset: "baci-hs92", vintage, provenance, header, rows })
}

/// Product, period, exporter and importer. Rows compress best in this order.
type Key = (String, String, &'static str, &'static str);

/// Reads the flow of a row and its key. `None` if the row is about other materials, or too old.
fn flow(row: Row<'_>) -> Result<Option<(Key, String)>> {
    let (year, product) = (row.get("t")?, row.get("k")?);
    let wanted = match concordance(HsRevision::Hs92, product) {
        HsMatch::InScope(code) => MATERIALS.contains(&code.material) && year >= first_year(code.material),
        HsMatch::OutOfScope => false,
        HsMatch::Malformed { .. } => anyhow::bail!("`{product}` is no product code"),
    };
    if !wanted {
        return Ok(None);
    }
    let exporter = resolve_economy(Scheme::Numeric, row.get("i")?)?.iso3;
    let importer = resolve_economy(Scheme::Numeric, row.get("j")?)?.iso3;
    let (value, quantity) = (row.get("v")?, row.get("q")?);
    let text = format!("{year},{exporter},{importer},{product},{value},{quantity}");
    Ok(Some(((product.to_owned(), year.to_owned(), exporter, importer), text)))
}

/// The vintage in the name of a file: `202601` in `BACI_HS92_V202601.csv.gz`.
fn vintage(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let after = name.split("_V").nth(1).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
    if digits.len() >= 6 { digits } else { DEFAULT_VINTAGE.to_owned() }
}
