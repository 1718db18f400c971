//! `units`: lists units and bases, with their factors and sources.
use orewatch_catalog::{Basis, Material, Stage, Unit, materials};
use orewatch_contracts::Failure;

use crate::options::{Format, OutputOptions};
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Out, Row, column, number, only_shown, table, wrap};
use crate::session::Session;

/// Where the factors between bases of lithium come from.
const LITHIUM_SOURCE: &str = "stoichiometry: 2 Li / Li2O and Li2CO3 / 2 Li, rounded as geological surveys do";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Masses on different bases are never added. Only lithium has fixed factors: between Li, Li2O and lithium
carbonate equivalent (LCE). `orewatch explain --unit LCE` shows amounts in another unit or basis.

Examples:
  orewatch units
  orewatch units --material lithium
  orewatch units --format csv")]
pub(crate) struct Args {
    /// Only the bases on which the output of this material is recorded
    #[arg(long, value_name = "MATERIAL")]
    material: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

/// A unit of mass, or a basis: what is weighed.
struct UnitRow {
    /// `unit` or `basis`.
    kind: &'static str,
    id: &'static str,
    /// The other name by which files and options may call it.
    symbol: &'static str,
    meaning: &'static str,
    /// Tonnes, or tonnes of the content, in one.
    factor: Option<f64>,
    /// What the factor counts: `t`, or `t Li`.
    factor_of: &'static str,
    source: &'static str,
    /// Materials whose output is recorded on the basis, with the stages.
    recorded: Vec<String>,
}

impl Row for UnitRow {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("kind", |row: &Self| Cell::text(row.kind)).shown("kind", Left),
            column("id", |row: &Self| Cell::text(row.id)).shown("name", Left),
            column("symbol", |row: &Self| Cell::text(row.symbol)).shown("or", Left),
            column("meaning", |row: &Self| Cell::text(row.meaning)).shown("meaning", Left),
            column("factor", |row: &Self| Cell::Number(row.factor)),
            column("factor_of", |row: &Self| Cell::text(row.factor_of)),
            only_shown("one is", Right, |row: &Self| {
                let decimals = row.factor.map_or(0, |factor| if factor < 1.0 { 3 } else { 0 });
                let factor = row.factor.map(|factor| number(factor, decimals));
                factor.map(|factor| format!("{factor} {}", row.factor_of)).unwrap_or_default()
            }),
            column("source", |row: &Self| Cell::text(row.source)),
            column("recorded", |row: &Self| Cell::List(row.recorded.clone()))
                .shown("output of", Left)
                .if_room(1),
        ]
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    let material = args.material.as_deref().map(crate::names::material).transpose()?;
    let rows = rows(material.as_deref());
    match out.format {
        Format::Json | Format::Csv => out.rows(&rows),
        Format::Table => out.text(&page(&out, &rows)),
    }
}

fn page(out: &Out, rows: &[UnitRow]) -> String {
    let note = format!(
        "Customs record the gross weight of trade. Only lithium has factors between bases: 1 t of Li2O holds \
         0.464 t of Li, and 1 t of Li makes 5.323 t of LCE ({LITHIUM_SOURCE})."
    );
    format!("{}{}", table(out, rows), wrap(&note, out.width, ""))
}

/// All units and bases, or the units and the bases of one material.
fn rows(material: Option<&str>) -> Vec<UnitRow> {
    let units = Unit::ALL.into_iter().map(|unit| UnitRow {
        kind: "unit",
        id: unit.as_str(),
        symbol: "",
        meaning: unit_meaning(unit),
        factor: Some(unit.to_tonnes(1.0)),
        factor_of: "t",
        source: "",
        recorded: Vec::new(),
    });
    let bases = Basis::ALL.into_iter().map(|basis| {
        let factor = basis.convert("lithium", 1.0, Basis::Content).ok();
        let factor = factor.filter(|_| is_of_lithium(basis));
        UnitRow {
            kind: "basis",
            id: basis.as_str(),
            symbol: basis.symbol(),
            meaning: basis.meaning(),
            factor,
            factor_of: if factor.is_some() { "t Li" } else { "" },
            source: if factor.is_some() { LITHIUM_SOURCE } else { "" },
            recorded: recorded(basis, material),
        }
    });
    let wanted = |row: &UnitRow| material.is_none_or(|id| !row.recorded.is_empty() || convertible(id, row));
    units.chain(bases.filter(wanted)).collect()
}

/// Whether amounts of a material can be converted to the basis.
fn convertible(material: &str, row: &UnitRow) -> bool {
    material == "lithium" && row.factor.is_some()
}

fn is_of_lithium(basis: Basis) -> bool {
    matches!(basis, Basis::LithiumOxide | Basis::LithiumCarbonate)
}

fn unit_meaning(unit: Unit) -> &'static str {
    match unit {
        Unit::Kilogram => "kilograms",
        Unit::Tonne => "metric tonnes",
        Unit::Kilotonne => "thousand metric tonnes",
        Unit::Megatonne => "million metric tonnes",
    }
}

/// The materials whose output is recorded on a basis, each with its stage.
fn recorded(basis: Basis, material: Option<&str>) -> Vec<String> {
    let wanted = materials().iter().filter(|entry| material.is_none_or(|id| id == entry.id));
    let stages = |entry: &'static Material| {
        let of_basis = entry.production.iter().filter(move |(_, of)| *of == basis);
        of_basis.map(move |(stage, _): &(Stage, Basis)| format!("{} {stage}", entry.id))
    };
    wanted.flat_map(stages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_bases_are_listed_with_their_factors() {
        let all = rows(None);
        assert_eq!(all.len(), Unit::ALL.len() + Basis::ALL.len());
        let factor = |id: &str| all.iter().find(|row| row.id == id).unwrap().factor;
        assert_eq!(factor("kt"), Some(1000.0));
        assert_eq!(factor("lithium-oxide"), Some(0.464));
        assert_eq!(factor("lithium-carbonate"), Some(1.0 / 5.323));
        assert_eq!(factor("rare-earth-oxide"), None);
        for row in all.iter().filter(|row| row.kind == "basis" && !row.symbol.is_empty()) {
            assert_eq!(row.symbol.parse::<Basis>().unwrap().as_str(), row.id);
        }
    }

    #[test]
    fn a_material_has_its_own_bases() {
        let rows = rows(Some("lithium"));
        let ids: Vec<_> = rows.iter().filter(|row| row.kind == "basis").map(|row| row.id).collect();
        assert!(ids.contains(&"content") && ids.contains(&"lithium-carbonate"), "{ids:?}");
        assert!(!ids.contains(&"rare-earth-oxide"), "{ids:?}");
    }
}
