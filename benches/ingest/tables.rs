//! Writes the catalogue as tables, which the DuckDB job joins with.
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use orewatch_catalog::{
    Economy, HsCode, HsMatch, HsRevision, Period, Scheme, blocs, concordance, hs_codes, resolve_economy,
};

/// Years of the generated files.
pub(crate) const YEARS: std::ops::RangeInclusive<i16> = 1995..=2024;

/// Invented product codes (the real codes of the chapter end long before), each with the material and stage
/// of a code of HS92.
pub(crate) fn products() -> Vec<(String, &'static HsCode)> {
    let mut all: Vec<_> = hs_codes()
        .iter()
        .filter_map(|entry| match concordance(HsRevision::Hs92, entry.code) {
            HsMatch::InScope(code) => Some(code),
            _ => None,
        })
        .collect();
    all.dedup();
    (9000..).zip(all).map(|(number, entry)| (format!("26{number}"), entry)).collect()
}

/// Numbers in trade statistics, with their economies.
pub(crate) fn economies() -> Vec<(u16, &'static Economy)> {
    let economy = |number: u16| resolve_economy(Scheme::Numeric, &number.to_string()).ok();
    (1..1000).filter_map(|number| Some((number, economy(number)?))).collect()
}

/// File name of the concordance.
pub(crate) const CONCORDANCE: &str = "concordance.csv";

/// Writes the tables into a folder.
pub(crate) fn write(folder: &Path) {
    let mut text = "code,material,stage\n".to_owned();
    for (code, of) in products() {
        for code in [code.as_str(), of.code] {
            line(&mut text, [code, of.material, of.stage.as_str()]);
        }
    }
    save(folder, "products.csv", &text);

    text = "# dataset: made-codes\n# vintage: 1\nnomenclature,code,material,stage\n".to_owned();
    for (code, of) in products() {
        line(&mut text, ["HS92", &code, of.material, of.stage.as_str()]);
    }
    save(folder, CONCORDANCE, &text);

    text = "number,iso3\n".to_owned();
    for (number, economy) in economies() {
        line(&mut text, [&number.to_string(), economy.iso3]);
    }
    save(folder, "economies.csv", &text);

    text = "period,bloc,iso3\n".to_owned();
    for year in YEARS {
        let period = Period::year(year).expect("a year of our time");
        for bloc in blocs() {
            for member in bloc.members(period) {
                line(&mut text, [&period.to_string(), bloc.code, member.iso3]);
            }
        }
    }
    save(folder, "members.csv", &text);
}

fn line<const N: usize>(text: &mut String, fields: [&str; N]) {
    writeln!(text, "{}", fields.join(",")).expect("text grows");
}

fn save(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("the table can be written");
}
