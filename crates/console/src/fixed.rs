//! Listings that are part of the program: measures, economies with blocs, and materials. No service is asked.
use axum::http::HeaderMap;
use axum::response::Response;
use orewatch_catalog::{
    Bloc, Economy, Listing as ListStatus, Material, blocs, economies, hs_codes, materials,
};
use orewatch_query::Cell;
use orewatch_query::files::{ColumnKind, FileFormat, Heading};
use serde_json::{Value, json};

use crate::Console;
use crate::answer::{API, Envelope, json_body, object};
use crate::export::{chosen, form, whole_file};
use crate::fixed_query::FixedQuery;
use crate::refused::Refused;
use crate::services::Caller;
use crate::validator::{Validator, digest};

/// A listing that needs no service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedListing {
    /// Last part of its address.
    pub name: &'static str,
    /// What is listed, for people: one sentence.
    pub about: &'static str,
}

/// The listings that need no service.
pub const FIXED: &[FixedListing] = &[
    FixedListing { name: "measures", about: "Measures, with formula, unit, thresholds and source." },
    FixedListing { name: "economies", about: "Economies, blocs with their members, and the world." },
    FixedListing { name: "materials", about: "Materials, with their stages, product codes and lists." },
];

const fn text(name: &'static str) -> Heading {
    Heading { name, kind: ColumnKind::Text }
}

/// Columns of economies.
const OF_ECONOMIES: &[Heading] = &[
    text("economy"),
    text("iso2"),
    text("numeric"),
    text("name"),
    text("kind"),
    text("until"),
    text("members"),
];

/// Columns of materials.
const OF_MATERIALS: &[Heading] = &[
    text("material"),
    text("name"),
    text("eu_2023"),
    Heading { name: "usgs_2025", kind: ColumnKind::Flag },
    text("produced"),
    text("codes"),
];

/// The columns of a listing whose rows are made here. Empty: the rows are those of [`crate::Tables`].
#[must_use]
pub fn own_headings(listing: &str) -> &'static [Heading] {
    match listing {
        "economies" => OF_ECONOMIES,
        "materials" => OF_MATERIALS,
        "episodes" => crate::episodes::HEADINGS,
        _ => &[],
    }
}

impl Console {
    /// The columns of a listing.
    pub(crate) fn headings(&self, listing: &str) -> Vec<Heading> {
        match own_headings(listing) {
            [] => self.tables.headings(listing),
            own => own.to_vec(),
        }
    }

    /// The rows of a listing that needs no service.
    fn fixed_rows(&self, listing: &str, columns: &[usize]) -> Vec<Vec<Cell>> {
        let all: Vec<Vec<Cell>> = match listing {
            "measures" => return (self.tables.measures.make_rows)(columns),
            "economies" => economy_rows(),
            _ => materials().iter().map(material_row).collect(),
        };
        let picked = |row: &Vec<Cell>| columns.iter().filter_map(|place| row.get(*place).cloned()).collect();
        all.iter().map(picked).collect()
    }

    /// Answers such a listing, as JSON or as a file.
    ///
    /// # Errors
    /// Wrong parameters.
    pub(crate) fn fixed(
        &self,
        caller: &Caller,
        listing: &FixedListing,
        format: Option<FileFormat>,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let _permit = self.exports.admit(&caller.identity)?;
        let all = self.headings(listing.name);
        let asked = FixedQuery::read(listing.name, &all, query)?;
        let (headings, columns) = chosen(&all, asked.columns);
        let rows = self.fixed_rows(listing.name, &columns);
        let ending = format.map(|format| format!(".{}", format.extension())).unwrap_or_default();
        let validator = Validator::new(&self.version, None).with_digest(digest(&[query.as_bytes()]));
        let envelope = Envelope {
            path: format!("{API}/{}{ending}", listing.name),
            validator: validator.text(),
            query: query.to_owned(),
            ..Envelope::default()
        };
        if validator.is_known(headers) {
            return Ok(envelope.not_modified());
        }
        match format {
            None => {
                let rows: Vec<Value> = rows.iter().map(|row| object(&headings, row)).collect();
                let document = json!({(listing.name): rows, "permalink": envelope.permalink()});
                Ok(envelope.response("application/json", json_body(&document)))
            }
            Some(format) => {
                let form = form(format, asked.is_for_excel, headings, &envelope);
                whole_file(&envelope, &form, rows)
            }
        }
    }
}

/// Economies by code, then blocs, then the world.
fn economy_rows() -> Vec<Vec<Cell>> {
    let world = vec![
        Cell::text(orewatch_catalog::WORLD),
        Cell::text(""),
        Cell::text(""),
        Cell::text("World"),
        Cell::text("world"),
        Cell::text(""),
        Cell::List(Vec::new()),
    ];
    economies().iter().map(economy_row).chain(blocs().iter().map(bloc_row)).chain([world]).collect()
}

fn economy_row(economy: &Economy) -> Vec<Cell> {
    let numeric = economy.numeric.map(|number| format!("{number:03}")).unwrap_or_default();
    vec![
        Cell::text(economy.iso3),
        Cell::text(economy.iso2.unwrap_or_default()),
        Cell::text(numeric),
        Cell::text(economy.name),
        Cell::text("economy"),
        Cell::text(economy.until.map(|year| year.to_string()).unwrap_or_default()),
        Cell::List(Vec::new()),
    ]
}

/// A bloc with its present members.
fn bloc_row(bloc: &Bloc) -> Vec<Cell> {
    let present = bloc.memberships.iter().filter(|membership| membership.until.is_none());
    vec![
        Cell::text(bloc.code),
        Cell::text(""),
        Cell::text(""),
        Cell::text(bloc.name),
        Cell::text("bloc"),
        Cell::text(""),
        Cell::List(present.map(|membership| membership.iso3.to_owned()).collect()),
    ]
}

fn material_row(material: &Material) -> Vec<Cell> {
    let produced = material.production.iter();
    let produced = produced.map(|(stage, basis)| format!("{} {}", stage.as_str(), basis.as_str()));
    let mut codes: Vec<String> = hs_codes()
        .iter()
        .filter(|code| code.material == material.id)
        .map(|code| code.code.to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    let listed = match material.eu_2023 {
        ListStatus::Unlisted => "",
        ListStatus::Critical => "critical",
        ListStatus::Strategic => "strategic",
    };
    vec![
        Cell::text(material.id),
        Cell::text(material.name),
        Cell::text(listed),
        Cell::Flag(material.usgs_2025),
        Cell::List(produced.collect()),
        Cell::List(codes),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_value_of_the_kind_of_each_column() {
        let check = |headings: &[Heading], rows: Vec<Vec<Cell>>| {
            assert!(rows.len() > 20, "{headings:?}");
            for row in &rows {
                let kinds: Vec<_> = row.iter().map(ColumnKind::of).collect();
                let declared: Vec<_> = headings.iter().map(|heading| heading.kind).collect();
                assert_eq!(kinds, declared, "{row:?}");
            }
        };
        check(OF_ECONOMIES, economy_rows());
        check(OF_MATERIALS, materials().iter().map(material_row).collect());
    }

    #[test]
    fn numbers_of_economies_keep_their_zeros() {
        let rows = economy_rows();
        let austria = rows.iter().find(|row| row[0] == Cell::text("AUT")).unwrap();
        assert_eq!(austria[2], Cell::text("040"));
    }
}
