//! Parameters of the EU's assessment of 2023, from CSV transcriptions of the tables in the study.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use orewatch_catalog::{Scheme, Stage, parameter, resolve_economy};

use crate::source::{Row, Source};
use crate::tidy::{Table, report_omission};

/// First of the years whose figures the study uses: 2016 to 2020.
const PERIOD: &str = "2016";

/// Materials of the study, as its tables write them, with the materials of the catalogue.
///
/// The study has titanium twice: as ore and pigment, and as metal. The catalogue's titanium is the metal,
/// which is on the strategic list. At the mined stage both are the same ores, so that figures of either's
/// ores are kept.
#[rustfmt::skip] // several to a line
const MATERIALS: &[(&str, &str)] = &[
    ("aluminium", "aluminium"), ("antimony", "antimony"), ("arsenic", "arsenic"), ("baryte", "baryte"),
    ("beryllium", "beryllium"), ("bismuth", "bismuth"), ("boron", "boron"), ("chromium", "chromium"),
    ("cobalt", "cobalt"), ("coking coal", "coking-coal"), ("copper", "copper"), ("feldspar", "feldspar"),
    ("fluorspar", "fluorspar"), ("gallium", "gallium"), ("germanium", "germanium"), ("hafnium", "hafnium"),
    ("helium", "helium"), ("indium", "indium"), ("iridium", "iridium"), ("lead", "lead"),
    ("lithium", "lithium"), ("magnesium", "magnesium"), ("manganese", "manganese"),
    ("natural graphite", "graphite"), ("nickel", "nickel"), ("niobium", "niobium"),
    ("palladium", "palladium"), ("phosphate rock", "phosphate-rock"), ("phosphorus", "phosphorus"),
    ("platinum", "platinum"), ("potash", "potash"), ("rhenium", "rhenium"), ("rhodium", "rhodium"),
    ("ruthenium", "ruthenium"), ("scandium", "scandium"), ("silicon metal", "silicon"), ("silver", "silver"),
    ("strontium", "strontium"), ("tantalum", "tantalum"), ("tellurium", "tellurium"),
    ("tin", "tin"), ("titanium metal", "titanium"), ("tungsten", "tungsten"), ("vanadium", "vanadium"),
    ("yttrium", "yttrium"), ("zinc", "zinc"), ("zirconium", "zirconium"),
];

/// Materials of the study that are part of a material of the catalogue.
const PARTS: &[(&str, &str)] = &[("hree", "rare-earths"), ("lree", "rare-earths"), ("titanium", "titanium")];

/// Values as printed, by parameter, material, stage, supplier, consumer and item.
type Rows = BTreeMap<[&'static str; 6], String>;

pub(crate) fn table(trade_parameters: &Path, results: &Path) -> Result<Table> {
    let mut rows = Rows::new();
    let mut parts: Vec<([&'static str; 6], String)> = Vec::new();
    for row in Source::read(trade_parameters)?.rows() {
        trade_parameter(row, &mut rows, &mut parts)
            .with_context(|| format!("{}, line {}", trade_parameters.display(), row.line()))?;
    }
    for row in Source::read(results)?.rows() {
        read_result(row, &mut rows, &mut parts)
            .with_context(|| format!("{}, line {}", results.display(), row.line()))?;
    }
    add_parts(&mut rows, parts)?;
    let text =
        |([parameter, material, stage, partner, economy, item], value): (&[&'static str; 6], &String)| {
            format!("{PERIOD},{parameter},{value},{economy},{partner},{material},{stage},{item}")
        };
    Ok(Table {
        table: "parameters",
        dataset: "eu-crm",
        vintage: "2023".to_owned(),
        provenance: vec![
            ("publisher", "European Commission".to_owned()),
            (
                "title",
                "Study on the critical raw materials for the EU 2023, final report: parameters of supply risk"
                    .to_owned(),
            ),
            ("url", "https://doi.org/10.2873/725585".to_owned()),
            ("licence", "CC-BY-4.0".to_owned()),
            ("published", "2023".to_owned()),
        ],
        header: "period,parameter,value,economy,partner,material,stage,item",
        rows: rows.iter().map(text).collect(),
    })
}

fn find_name(names: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let wanted = name.to_lowercase();
    names.iter().find(|(known, _)| *known == wanted).map(|&(_, id)| id)
}

/// Reads a row of the trade parameters: `world` for the world's supply, `eu` for what the EU sources.
fn trade_parameter(
    row: Row<'_>,
    rows: &mut Rows,
    parts: &mut Vec<([&'static str; 6], String)>,
) -> Result<()> {
    let stage = match row.get("category")? {
        "primary" => Stage::Mined,
        "refined" => Stage::Refined,
        other => bail!("`{other}` is no stage"),
    };
    let consumer = match row.get("scope")? {
        "world" => "",
        "eu" => "EU27",
        other => bail!("`{other}` is no scope"),
    };
    let name = row.get("material_name")?;
    let supplier = resolve_economy(Scheme::Any, row.get("country_name")?)?.iso3;
    let value = checked_figure("trade-parameter", row.get("parameter")?)?;
    let key = |material| ["trade-parameter", material, stage.as_str(), supplier, consumer, ""];
    match (find_name(MATERIALS, name), find_name(PARTS, name)) {
        (Some(material), _) => add(rows, key(material), value),
        (None, Some(whole)) => {
            parts.push((key(whole), value));
            Ok(())
        }
        (None, None) => {
            report_omission(&format!("trade parameter of {name} ({stage}) for {supplier}: {value}"))
        }
    }
}

/// Reads a row of the results: recycling, substitution, and which supply is considered at each stage.
fn read_result(row: Row<'_>, rows: &mut Rows, parts: &mut Vec<([&'static str; 6], String)>) -> Result<()> {
    let name = row.get("material_name")?;
    let (material, part) = match (find_name(MATERIALS, name), find_name(PARTS, name)) {
        (Some(material), _) => (material, false),
        (None, Some(whole)) => (whole, true),
        (None, None) => return report_omission(&format!("results of {name}")),
    };
    let mut say = |key, value| {
        if part {
            parts.push((key, value));
            Ok(())
        } else {
            add(rows, key, value)
        }
    };
    let share = row.get("end_of_life")?;
    let share: f64 = share.parse().with_context(|| format!("`{share}` is no share in per cent"))?;
    say(["eol-rir", material, "", "", "", ""], checked_figure("eol-rir", &(share / 100.0).to_string())?)?;
    for (id, column) in [("substitution-economic-importance", "si_ei"), ("substitution-supply-risk", "si_sr")]
    {
        match row.get(column)? {
            "" => report_omission(&format!("{id} of {name}: none is printed"))?,
            text => say([id, material, "", "", "", ""], checked_figure(id, text)?)?,
        }
    }
    for (stage, column) in
        [(Stage::Mined, "eu_used_supply_primary"), (Stage::Refined, "eu_used_supply_refined")]
    {
        let used = match row.get(column)? {
            "" => continue,
            text => parameter::SUPPLY_ITEMS.iter().find(|supply| **supply == text),
        };
        match used {
            Some(supply) => say(["supply-used", material, stage.as_str(), "", "", supply], "1".to_owned())?,
            None => {
                report_omission(&format!("supply used of {name} ({stage}): the transcription has slipped"))?
            }
        }
    }
    Ok(())
}

/// Adds the values of parts to the whole, if the whole has no value and all parts have the same.
fn add_parts(rows: &mut Rows, parts: Vec<([&'static str; 6], String)>) -> Result<()> {
    // The item is left out: kinds of supply differ in it, and it belongs to the value.
    let about = |[parameter, material, stage, partner, economy, _]: &[&'static str; 6]| {
        [*parameter, *material, *stage, *partner, *economy]
    };
    for (key, value) in &parts {
        let same = |other: &[&'static str; 6]| about(other) == about(key);
        let others = parts.iter().filter(|(other, _)| same(other));
        let alike = others.clone().all(|(other, said)| other == key && said == value);
        let whole = rows.iter().find(|(other, _)| same(other));
        // The figures of the whole apply to each part only for ores.
        let ores = key.get(1) != Some(&"titanium") || key.get(2) == Some(&"mined");
        match whole {
            Some((other, said)) if other == key && said == value => {}
            None if alike && ores => {
                rows.insert(*key, value.clone());
            }
            _ => report_omission(&format!("{}: {value}, which is of a part only", key.join(" ").trim()))?,
        }
    }
    Ok(())
}

/// Adds a row. The same row may occur twice if its value is the same.
fn add(rows: &mut Rows, key: [&'static str; 6], value: String) -> Result<()> {
    match rows.insert(key, value.clone()) {
        Some(before) if before != value => bail!("{key:?} is {before} and {value}"),
        _ => Ok(()),
    }
}

/// Checks that a printed figure is valid for its parameter, and returns it unchanged.
fn checked_figure(id: &str, text: &str) -> Result<String> {
    let figure: f64 = text.parse().with_context(|| format!("`{text}` is no number"))?;
    match parameter(id)?.admits(figure) {
        true => Ok(text.to_owned()),
        false => bail!("`{text}` cannot be a {id}"),
    }
}
