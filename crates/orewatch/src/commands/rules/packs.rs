//! `rules packs`: the rule packs that ship with the program.
use orewatch_contracts::alerting::v1::Rule;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::rules;

use crate::options::Format;
use crate::render::Align::Left;
use crate::render::{Cell, Column, Out, Row, column, only_shown};

/// Reads the rules of a pack that ships with the program.
///
/// # Errors
/// [`Class::NotFound`] for an unknown pack.
pub(crate) fn pack_rules(name: &str) -> Result<Vec<Rule>, Failure> {
    let pack = rules::packs::pack(name).ok_or_else(|| {
        let known: Vec<&str> = rules::packs::packs().iter().map(|pack| pack.name).collect();
        Failure::new(Class::NotFound, "unknown-pack", "unknown rule pack")
            .at("pack", name)
            .with_hint(format!("known packs: {}", known.join(", ")))
    })?;
    rules::parse(pack.name, pack.text.as_bytes())
}

/// A pack with the identifiers of its rules.
struct PackRow {
    name: &'static str,
    rules: Vec<String>,
}

impl Row for PackRow {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("pack", |pack: &Self| Cell::text(pack.name)),
            column("rules", |pack: &Self| Cell::List(pack.rules.clone())),
        ]
    }
}

/// A rule of a pack. The table has one row for each.
struct PackRule {
    pack: &'static str,
    rule: Rule,
}

impl Row for PackRule {
    fn columns() -> Vec<Column<Self>> {
        vec![
            only_shown("pack", Left, |row: &Self| row.pack.to_owned()),
            only_shown("rule", Left, |row: &Self| row.rule.id.clone()),
            only_shown("title", Left, |row: &Self| row.rule.title.clone()),
        ]
    }
}

/// Lists the packs with their rules.
pub(super) fn list_packs(out: &Out) -> Result<(), Failure> {
    let (mut packs, mut rules) = (Vec::new(), Vec::new());
    for pack in rules::packs::packs() {
        let own = pack_rules(pack.name)?;
        packs.push(PackRow { name: pack.name, rules: own.iter().map(|rule| rule.id.clone()).collect() });
        rules.extend(own.into_iter().map(|rule| PackRule { pack: pack.name, rule }));
    }
    match out.format {
        Format::Json | Format::Csv => out.rows(&packs),
        Format::Table => out.rows(&rules),
    }
}
