//! Bilateral trade from BACI in the codes of HS 2017, by way of the Critical Materials Atlas.
//!
//! Five tables are written:
//! - Two releases of `baci-hs17` have the products of markets that `baci-hs92` does not have, one magnets and
//!   one the others: 2024 in full, 2022 in full by value.
//! - Two more releases have the same products in 2018 to 2021 and 2023, cut to the six largest partners: a
//!   flow is there if it is among the six largest of its exporter or of its importer.
//! - `baci-hs17-compare` has the other products, 2024 and 2022. Their markets are in `baci-hs92`, by the same
//!   or by other codes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use orewatch_catalog::{HsMatch, HsRevision, Scheme, concordance, resolve_economy};

use crate::figure::thousandth;
use crate::source::{Row, Source};
use crate::tidy::{NO_FIGURE, Table, report_omission};

/// Version of the trade data.
const VINTAGE: &str = "202601";

/// Partners that the cut table keeps on each side.
const CUT: &str = "6";

/// Years of the cut table for which no full table is at hand.
const CUT_YEARS: [&str; 5] = ["2018", "2019", "2020", "2021", "2023"];

/// Permanent magnets, whose tables are apart: the demo needs no other.
const MAGNETS: &str = "850511";

/// The year of the cut table that is compared with the full one.
const CHECKED_YEAR: &str = "2024";

/// Codes whose markets are in `baci-hs92`, by the same or by other codes.
const COMPARED: [&str; 5] = ["250490", "260200", "282200", "283691", "810194"];

/// Materials of the cut table with their only code, as the Atlas names them.
#[rustfmt::skip] // several to a line
const MATERIALS: &[(&str, &str)] = &[
    ("antimony", "811010"), ("arsenic", "280480"), ("baryte", "251110"), ("bauxite", "260600"),
    ("beryllium", "811212"), ("boron", "252800"), ("cobalt", "282200"), ("cokingcoal", "270112"),
    ("copper", "740311"), ("feldspar", "252910"), ("fluorspar", "252922"), ("gallium", "811292"),
    ("graphite", "250490"), ("helium", "280429"), ("lithium", "283691"), ("magnesium", "810411"),
    ("magnets", "850511"), ("manganese", "260200"), ("nickel", "750210"), ("niobium", "720293"),
    ("palladium", "711021"), ("phosphate", "251010"), ("phosphorus", "280470"), ("platinum", "711011"),
    ("silicon", "280469"), ("strontium", "283692"), ("tantalum", "810320"), ("titanium", "810820"),
    ("tungsten", "810194"), ("vanadium", "720292"),
];

/// Materials whose rows repeat those of gallium: they share its code.
const REPEATED: [&str; 2] = ["germanium", "hafnium"];

/// Product, period, exporter and importer. Rows compress best in this order.
type Key = (String, String, &'static str, &'static str);

/// Value in thousand US dollars and quantity in tonnes, as text.
type Flows = BTreeMap<Key, [String; 2]>;

/// Makes the five tables from 2024 in full, 2022 in full by value, and the cut table.
pub(crate) fn tables([full_2024, full_2022, cut]: &[PathBuf; 3]) -> Result<[Table; 5]> {
    let mut full = Flows::new();
    read(full_2024, &mut full, |row| full_flow(row, Some("qty_t")))?;
    read(full_2022, &mut full, |row| full_flow(row, None))?;
    let mut shortened = Flows::new();
    read(cut, &mut shortened, cut_flow)?;
    check_cut(&shortened, &full)?;
    shortened.retain(|(product, year, ..), _| {
        CUT_YEARS.contains(&year.as_str()) && !COMPARED.contains(&product.as_str())
    });
    let (compared, own): (Flows, Flows) =
        full.into_iter().partition(|((product, ..), _)| COMPARED.contains(&&**product));
    let title = "BACI, HS17, version 202601, by way of the Critical Materials Atlas \
                 (doi:10.5281/zenodo.21948855)";
    let [(magnets, others), (cut_magnets, cut_others)] = [own, shortened].map(without_magnets);
    Ok([
        full_table("magnets", title, magnets),
        full_table("others", title, others),
        cut_table("magnets", title, cut_magnets),
        cut_table("others", title, cut_others),
        table(
            "baci-hs17-compare",
            VINTAGE.to_owned(),
            format!("{title}: single codes of materials, to compare with HS92"),
            compared,
        ),
    ])
}

/// Magnets, and the other products.
fn without_magnets(flows: Flows) -> (Flows, Flows) {
    flows.into_iter().partition(|((product, ..), _)| product == MAGNETS)
}

fn full_table(what: &str, title: &str, flows: Flows) -> Table {
    let title = format!("{title}: trade in critical materials, {what}");
    table("baci-hs17", format!("{VINTAGE}-{what}"), title, flows)
}

fn cut_table(what: &str, title: &str, flows: Flows) -> Table {
    let title = format!("{title}: trade with the {CUT} largest partners, {what}");
    let mut made = table("baci-hs17", format!("{VINTAGE}-top{CUT}-{what}"), title, flows);
    made.provenance.push(("cut", CUT.to_owned()));
    made
}

fn table(dataset: &'static str, vintage: String, title: String, flows: Flows) -> Table {
    let row = |((product, year, exporter, importer), [value, quantity]): (Key, [String; 2])| {
        format!("{year},{exporter},{importer},{product},{value},{quantity}")
    };
    Table {
        table: "trade",
        dataset,
        vintage,
        provenance: vec![
            ("publisher", "CEPII".to_owned()),
            ("title", title),
            ("url", "https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37".to_owned()),
            ("licence", "etalab-2.0".to_owned()),
            ("published", "2026-01".to_owned()),
            ("hs", HsRevision::Hs17.to_string()),
        ],
        header: "period,exporter,importer,product,value_kusd,quantity_t",
        rows: flows.into_iter().map(row).collect(),
    }
}

/// Adds the flows of a file. A flow may occur once.
fn read(
    path: &Path,
    flows: &mut Flows,
    flow: impl Fn(Row<'_>) -> Result<Option<(Key, [String; 2])>>,
) -> Result<()> {
    for row in Source::read(path)?.rows() {
        let in_line = || format!("{}, line {}", path.display(), row.line());
        if let Some((key, figures)) = flow(row).with_context(in_line)? {
            ensure!(flows.insert(key, figures).is_none(), "{}: this flow occurs twice", in_line());
        }
    }
    Ok(())
}

/// A row of a full table. `None` if the catalogue has no material for its code.
fn full_flow(row: Row<'_>, quantity: Option<&str>) -> Result<Option<(Key, [String; 2])>> {
    let product = row.get("hs6")?;
    if !is_in_scope(product)? {
        return Ok(None);
    }
    let quantity = quantity.map_or(Ok(""), |column| row.get(column))?;
    let key = key(row, product, Scheme::Any, ["exporter", "importer"])?;
    Ok(Some((key, [row.get("value_kusd")?.to_owned(), or_missing(quantity)])))
}

/// A row of the cut table, whose values are in US dollars.
fn cut_flow(row: Row<'_>) -> Result<Option<(Key, [String; 2])>> {
    let material = row.get("material")?;
    let product = match MATERIALS.iter().find(|(name, _)| *name == material) {
        Some((_, product)) => product,
        None if REPEATED.contains(&material) => return Ok(None),
        None => bail!("`{material}` is no material of the table"),
    };
    if !is_in_scope(product)? {
        return Ok(None);
    }
    let key = key(row, product, Scheme::Iso2, ["from_iso2", "to_iso2"])?;
    Ok(Some((key, [thousandth(row.get("value_usd")?)?, or_missing(row.get("qty_t")?)])))
}

fn key(row: Row<'_>, product: &str, scheme: Scheme, [exporter, importer]: [&str; 2]) -> Result<Key> {
    let economy = |column| -> Result<&'static str> { Ok(resolve_economy(scheme, row.get(column)?)?.iso3) };
    Ok((product.to_owned(), row.get("year")?.to_owned(), economy(exporter)?, economy(importer)?))
}

fn is_in_scope(product: &str) -> Result<bool> {
    match concordance(HsRevision::Hs17, product) {
        HsMatch::InScope(_) => Ok(true),
        HsMatch::OutOfScope => Ok(false),
        HsMatch::Malformed { .. } => bail!("`{product}` is no product code"),
    }
}

fn or_missing(figure: &str) -> String {
    if figure.is_empty() { NO_FIGURE.to_owned() } else { figure.to_owned() }
}

/// Checks that every flow of the cut table in the year that both have is in the full one with its value: then
/// materials are assigned to the right codes. Values of the cut table are rounded to dollars.
fn check_cut(cut: &Flows, full: &Flows) -> Result<()> {
    let checked = cut.iter().filter(|((_, year, ..), _)| year == CHECKED_YEAR);
    for (key, [value, _]) in checked.clone() {
        let [known, _] = full.get(key).with_context(|| format!("{key:?} is only in the cut table"))?;
        let (value, known): (f64, f64) = (value.parse()?, known.parse()?);
        ensure!((value - known).abs() < 0.001_01, "{key:?} is {value} in the cut table, {known} in full");
    }
    report_omission(&format!(
        "the cut table of {CHECKED_YEAR}, {} flows, all of them in the full table",
        checked.count()
    ))
}
