//! The Critical Minerals Dataset of the International Energy Agency: supply by economy and demand of the
//! world, in its first year (observed) and later ones (projected).
//!
//! In some blocks of the copy that is read, the rest of the world also contains the economy that is listed
//! last, so that the parts exceed the printed total by exactly that economy. `OTHER` is therefore the printed
//! total less the economies that are listed, and such blocks are reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use orewatch_catalog::{Basis, OTHER, Scheme, Stage, WORLD, material, resolve_economy};

use crate::source::{Row, Source};
use crate::tidy::{Table, report_omission};

const VINTAGE: &str = "2025-05";

/// The material whose basis the dataset leaves open.
const RARE_EARTHS: &str = "rare-earths";

/// The year that is observed. Later ones are projected.
const OBSERVED: &str = "2024";

/// Scenario of supply, and of the observed year of demand.
const BASE: &str = "base";

/// The stage whose product demand is about.
const DEMANDED: Stage = Stage::Refined;

/// Sums of parts that differ from their total by less than this are equal, in kilotonnes.
const ROUNDING: f64 = 1e-6;

/// Material, stage and year.
type Block = (&'static str, Stage, String);

/// Economy and quantity in kilotonnes as printed.
type Parts = Vec<(&'static str, String)>;

/// Observed output, projections, and observed use, from the files of supply, totals and demand.
pub(crate) fn tables([supply, totals, demand]: &[PathBuf; 3]) -> Result<[Table; 3]> {
    let mut blocks = BTreeMap::<Block, Parts>::new();
    for_each_row(supply, |row| {
        let economy = match row.get("economy")? {
            OTHER => OTHER,
            code => resolve_economy(Scheme::Iso3, code)?.iso3,
        };
        blocks.entry(block(row)?).or_default().push((economy, figure(row, "kt")?));
        Ok(())
    })?;
    let mut printed = BTreeMap::new();
    for_each_row(totals, |row| {
        ensure!(printed.insert(block(row)?, figure(row, "total_kt")?).is_none(), "this total occurs twice");
        Ok(())
    })?;
    let (mut production, mut projections) = (Vec::new(), Vec::new());
    for ((material, stage, year), mut parts) in blocks {
        let key = (material, stage, year);
        let total = printed.get(&key).with_context(|| format!("{key:?} has no printed total"))?;
        correct_rest(&key, &mut parts, total)?;
        let (material, stage, year) = key;
        let basis = unit_and_basis(material, stage)?;
        if year == OBSERVED {
            let row =
                |(economy, kt): &(&str, String)| format!("{year},{economy},{material},{stage},{kt},{basis}");
            production.extend(parts.iter().map(row));
        } else {
            parts.push((WORLD, total.clone()));
            let row = |(economy, kt): &(&str, String)| {
                format!("{year},{economy},{material},{stage},supply,{BASE},{kt},{basis}")
            };
            projections.extend(parts.iter().map(row));
        }
    }
    let mut used = Vec::new();
    for_each_row(demand, |row| demanded(row, &mut used, &mut projections))?;
    Ok([
        table("production", "output", "period,economy,material,stage,quantity,unit,basis", production),
        table(
            "projections",
            "supply and demand",
            "period,economy,material,stage,side,scenario,quantity,unit,basis",
            projections,
        ),
        table("parameters", "demand", "period,parameter,value,economy,partner,material,stage,item", used),
    ])
}

fn table(table: &'static str, about: &str, header: &'static str, rows: Vec<String>) -> Table {
    let years = if table == "projections" { "2030 to 2050" } else { OBSERVED };
    Table {
        table,
        dataset: "iea-cm",
        vintage: VINTAGE.to_owned(),
        provenance: vec![
            ("publisher", "International Energy Agency".to_owned()),
            ("title", format!("Critical Minerals Dataset, May 2025: {about}, {years}")),
            (
                "url",
                "https://www.iea.org/data-and-statistics/data-product/critical-minerals-dataset".to_owned(),
            ),
            ("licence", "CC-BY-4.0".to_owned()),
            ("published", VINTAGE.to_owned()),
        ],
        header,
        rows,
    }
}

fn for_each_row(path: &Path, mut read: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
    for row in Source::read(path)?.rows() {
        read(row).with_context(|| format!("{}, line {}", path.display(), row.line()))?;
    }
    Ok(())
}

fn block(row: Row<'_>) -> Result<Block> {
    let stage = match row.get("stage")? {
        "mining" => Stage::Mined,
        "refining" => Stage::Refined,
        other => bail!("`{other}` is no stage"),
    };
    Ok((material_id(row)?, stage, row.get("year")?.to_owned()))
}

fn material_id(row: Row<'_>) -> Result<&'static str> {
    let name = row.get("material")?;
    let id = if name == "Rare Earth Elements" { RARE_EARTHS } else { &*name.to_lowercase() };
    Ok(material(id)?.id)
}

/// The unit, and what is weighed: `kt,content`.
fn unit_and_basis(id: &str, stage: Stage) -> Result<String> {
    // The dataset names no basis. Its rare earths can only be those of magnets, whose metals are weighed.
    let basis = if id == RARE_EARTHS { Basis::Content } else { material(id)?.basis(stage) };
    Ok(format!("kt,{}", basis.as_str()))
}

fn figure(row: Row<'_>, column: &str) -> Result<String> {
    let text = row.get(column)?;
    let number: f64 = text.parse().with_context(|| format!("`{text}` is no figure"))?;
    ensure!(number.is_finite() && number >= 0.0, "`{text}` is no quantity");
    Ok(text.to_owned())
}

/// Replaces the rest of the world by the total less the economies that are listed, if it contains the last.
fn correct_rest(block: &Block, parts: &mut Parts, total: &str) -> Result<()> {
    let total: f64 = total.parse()?;
    let mut listed = 0.0;
    for (_, kt) in parts.iter().filter(|(economy, _)| *economy != OTHER) {
        listed += kt.parse::<f64>()?;
    }
    let last = parts.iter().rev().find(|(economy, _)| *economy != OTHER).cloned();
    let (_, rest) = parts
        .iter_mut()
        .find(|(economy, _)| *economy == OTHER)
        .with_context(|| format!("{block:?} has no rest of the world"))?;
    let excess = listed + rest.parse::<f64>()? - total;
    if excess.abs() < ROUNDING {
        return Ok(());
    }
    let (economy, kt) = last.with_context(|| format!("{block:?} lists no economy"))?;
    ensure!(
        (excess - kt.parse::<f64>()?).abs() < ROUNDING,
        "the parts of {block:?} exceed the total by {excess}, which is not {economy}"
    );
    let corrected = format!("{:.6}", total - listed);
    *rest = corrected.trim_end_matches('0').trim_end_matches('.').to_owned();
    let (material, stage, year) = block;
    report_omission(&format!("{kt} kt of {economy} in the rest of the world, {material} {stage} {year}"))
}

/// Reads a row of demand: use in the observed year, or a projection.
fn demanded(row: Row<'_>, used: &mut Vec<String>, projections: &mut Vec<String>) -> Result<()> {
    let (material, year, kt) = (material_id(row)?, row.get("year")?, figure(row, "kt")?);
    let scenario = row.get("scenario")?.to_lowercase();
    match (scenario.as_str(), year == OBSERVED) {
        (BASE, true) => {
            let tonnes = kt.parse::<f64>()? * 1e3;
            used.push(format!("{year},consumption,{tonnes},{WORLD},,{material},{DEMANDED},"));
        }
        ("steps" | "aps" | "nze", false) => {
            let basis = unit_and_basis(material, DEMANDED)?;
            projections.push(format!("{year},{WORLD},{material},{DEMANDED},demand,{scenario},{kt},{basis}"));
        }
        _ => bail!("scenario `{scenario}` in {year} is not known"),
    }
    Ok(())
}
