//! Writes the table of announced targets in `crates/catalog/reference` anew.
//!
//! ```text
//! cargo run -p orewatch-catalog --example targets
//! ```
//!
//! The targets were read in their sources, which each row names, and written down here. The benchmarks of the
//! Critical Raw Materials Act are one row for each strategic material of the catalogue and each stage at
//! which it has figures. A target that is only known from memory is not here.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use orewatch_catalog::{Listing, Material, Stage, hs_codes, materials};

const NAME: &str = "targets-announced-targets-202606.csv.gz";

const HEAD: &str = "\
# table: targets
# dataset: announced-targets
# vintage: 202606
# publisher: G7, European Union
# title: Targets for the supply of critical minerals with dates, as announced by June 2026
# url: https://eur-lex.europa.eu/eli/reg/2024/1252/oj
# licence: own transcription of public acts and declarations
# published: 2026
id,title,announced_by,consumer,material,stage,measure,supplier,line,direction,by,due,status,source,url,\
announced,in_force,confirmation
";

const EVIAN: &str = "G7 leaders' declaration on securing supply chains for critical minerals; Evian";
const EVIAN_URL: &str = "https://www.elysee.fr/en/G7evian/2026/06/17/\
                         g7-leaders-declaration-on-securing-supply-chains-for-critical-minerals";
const ACT: &str = "Regulation (EU) 2024/1252; article 5";
const ACT_URL: &str = "https://eur-lex.europa.eu/eli/reg/2024/1252/oj";

fn main() -> Result<()> {
    let mut rows: Vec<String> = declaration_of_evian();
    let strategic = materials().iter().filter(|material| material.eu_2023 == Listing::Strategic);
    rows.extend(strategic.flat_map(act));
    rows.sort();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reference").join(NAME);
    write(&path, &format!("{HEAD}{}\n", rows.join("\n")))
}

/// At most 60 % of the G7's imports of rare earths and of permanent magnets from one country by 2030, later
/// 50 %. The declaration was read in reports about it; it names no basis.
fn declaration_of_evian() -> Vec<String> {
    let goods = [("rare-earths", "refined", "rare earths"), ("magnets", "manufactured", "permanent magnets")];
    let lines = [("g7-2030", "0.6", "2030", "By 2030 no"), ("g7-later", "0.5", "", "Later no")];
    let row = |(id, line, due, when): (&str, &str, &str, &str), (good, stage, name): (&str, &str, &str)| {
        let percent = if line == "0.6" { 60 } else { 50 };
        let title =
            format!("{when} single country supplies more than {percent} % of the G7's imports of {name}");
        format!(
            "{id}-{good},{title},G7,G7,rare-earths,{stage},import-share,,{line},at-most,,{due},declaration,\
             {EVIAN},{EVIAN_URL},2026-06-17,,reported"
        )
    };
    lines.into_iter().flat_map(|line| goods.map(|good| row(line, good))).collect()
}

/// The benchmarks of article 5 for one strategic material. Those of the Union's own capacity are for
/// strategic materials together, and are held against each.
fn act(material: &Material) -> Vec<String> {
    let id = material.id;
    let relevant = [Stage::Mined, Stage::Refined].into_iter();
    let stages: Vec<Stage> = relevant.filter(|stage| has_figures(material, *stage)).collect();
    let row = |name: &str, title: String, stage: Stage, measure: &str, line: &str, direction: &str| {
        format!(
            "crma-2030-{name},{title},European Union,EU27,{id},{stage},{measure},,{line},{direction},\
             quantity,2030,law,{ACT},{ACT_URL},2024-05-03,2024-05-23,confirmed"
        )
    };
    let own = |name: &str, verb: &str, percent: u8, stage: Stage, measure: &str| {
        let title = format!(
            "By 2030 at least {percent} % of the Union's use is {verb} in the Union (of strategic materials \
             together; here of {id})"
        );
        row(
            &format!("{name}-{id}"),
            title,
            stage,
            measure,
            &format!("{}", f64::from(percent) / 100.0),
            "at-least",
        )
    };
    let mut rows: Vec<String> = stages
        .iter()
        .map(|stage| {
            let title = format!(
                "By 2030 at most 65 % of the Union's use of {id} {stage} comes from one third country"
            );
            let name = format!("third-country-{id}-{stage}");
            row(&name, title, *stage, "crma-third-country", "0.65", "at-most")
        })
        .collect();
    if stages.contains(&Stage::Mined) {
        rows.push(own("extraction", "extracted", 10, Stage::Mined, "crma-extraction"));
    }
    if stages.contains(&Stage::Refined) {
        rows.push(own("processing", "processed", 40, Stage::Refined, "crma-processing"));
        rows.push(own("recycling", "recycled", 25, Stage::Refined, "crma-recycling"));
    }
    rows
}

/// Whether the catalogue has output or product codes of the material at the stage.
fn has_figures(material: &Material, stage: Stage) -> bool {
    material.production.iter().any(|(produced, _)| *produced == stage)
        || hs_codes().iter().any(|code| code.material == material.id && code.stage == stage)
}

/// Writes a file that is the same for the same text.
fn write(path: &Path, text: &str) -> Result<()> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut writer = GzBuilder::new().mtime(0).write(file, Compression::best());
    writer.write_all(text.as_bytes())?;
    writer.finish().map(drop).context("the end of the table")
}
