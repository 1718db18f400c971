//! `lists`: which authority lists which material as critical, since when, and by which source.
use orewatch_catalog::{Confirmation, CriticalList, Listing, critical_list, critical_lists, material};
use orewatch_contracts::{Class, Failure};

use crate::options::{Format, OutputOptions};
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Out, Row, column, labelled, only_shown, table};
use crate::session::Session;

/// Column in which the text of a page begins.
const MARGIN: usize = 14;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Options and files that take several materials also take a list: `--material 'listed(USA-2025)'`, or in
a rule or subscription `material: listed(USA-2025)`. The list is resolved when the command runs or the
file is read: a later version of a list changes no stored rule. Entries that are marked as recalled
were not read in the source; check them before you rely on them.

Examples:
  orewatch lists
  orewatch lists USA-2025
  orewatch lists --format csv > lists.csv")]
pub(crate) struct Args {
    /// List to show, with its materials [default: all lists]
    #[arg(value_name = "LIST")]
    list: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

/// Runs the command. The lists are part of the program, so no server is needed.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    let wanted = args.list.as_deref().map(parse_list).transpose()?;
    let lists: Vec<&'static CriticalList> =
        critical_lists().iter().filter(|list| wanted.is_none_or(|wanted| wanted.id == list.id)).collect();
    match (out.format, wanted) {
        (Format::Json | Format::Csv, _) => {
            out.rows(&lists.iter().copied().flat_map(entries).collect::<Vec<_>>())
        }
        (Format::Table, Some(list)) => out.text(&page(&out, list)),
        (Format::Table, None) => {
            let rows: Vec<_> = lists.into_iter().map(Summary).collect();
            out.text(&table(&out, &rows))
        }
    }
}

fn parse_list(text: &str) -> Result<&'static CriticalList, Failure> {
    critical_list(text).map_err(|error| {
        Failure::new(Class::NotFound, error.code(), error.reason())
            .at("list", &error.value)
            .with_hint(error.hint())
    })
}

/// An entry of a list.
struct Entry {
    list: &'static CriticalList,
    /// Identifier of the material; empty if the catalogue has none.
    material: &'static str,
    name: &'static str,
    /// `critical` or `strategic`; empty for entries that the catalogue does not have.
    listing: &'static str,
    confirmation: &'static str,
}

impl Row for Entry {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("list", |row: &Self| Cell::text(row.list.id)),
            column("consumer", |row: &Self| Cell::text(row.list.consumer)),
            column("material", |row: &Self| Cell::text(row.material)),
            column("name", |row: &Self| Cell::text(row.name)),
            column("listing", |row: &Self| Cell::text(row.listing)),
            column("confirmation", |row: &Self| Cell::text(row.confirmation)),
            column("announced", |row: &Self| Cell::text(row.list.announced)),
            column("in_force", |row: &Self| Cell::text(row.list.in_force.unwrap_or_default())),
            column("title", |row: &Self| Cell::text(row.list.title)),
            column("source", |row: &Self| Cell::text(row.list.source)),
            column("url", |row: &Self| Cell::text(row.list.url)),
        ]
    }
}

/// The entries of a list: materials of the catalogue, then the others.
fn entries(list: &'static CriticalList) -> Vec<Entry> {
    let listed = list.materials().into_iter().map(move |entry| Entry {
        list,
        material: entry.material,
        name: material(entry.material).map_or(entry.material, |known| known.name),
        listing: if entry.listing == Listing::Strategic { "strategic" } else { "critical" },
        confirmation: entry.confirmation.as_str(),
    });
    let others = list.others.iter().map(move |&name| Entry {
        list,
        material: "",
        name,
        listing: "",
        confirmation: "",
    });
    listed.chain(others).collect()
}

/// A list as a row of the overview.
struct Summary(&'static CriticalList);

impl Summary {
    fn count(&self, confirmation: Confirmation) -> usize {
        self.0.materials().iter().filter(|entry| entry.confirmation == confirmation).count()
    }
}

impl Row for Summary {
    fn columns() -> Vec<Column<Self>> {
        vec![
            only_shown("list", Left, |row: &Self| row.0.id.to_owned()),
            only_shown("announced", Left, |row: &Self| row.0.announced.to_owned()),
            only_shown("in force", Left, |row: &Self| row.0.in_force.unwrap_or("-").to_owned()),
            only_shown("confirmed", Right, |row: &Self| row.count(Confirmation::Confirmed).to_string()),
            only_shown("recalled", Right, |row: &Self| row.count(Confirmation::Recalled).to_string()),
            only_shown("title", Left, |row: &Self| row.0.title.to_owned()),
        ]
    }
}

fn page(out: &Out, list: &CriticalList) -> String {
    let mut text = format!("{}  {}\n", out.style.bold(list.id), list.title);
    let ids = |wanted: &dyn Fn(Listing, Confirmation) -> bool| {
        let listed = list.materials().into_iter();
        let wanted = listed.filter(|entry| wanted(entry.listing, entry.confirmation));
        wanted.map(|entry| entry.material).collect::<Vec<_>>().join(", ")
    };
    let confirmed = |listing| ids(&|of, how| of == listing && how == Confirmation::Confirmed);
    let fields = [
        ("about", list.consumer.to_owned()),
        ("announced", list.announced.to_owned()),
        ("in force", list.in_force.unwrap_or_default().to_owned()),
        ("strategic", confirmed(Listing::Strategic)),
        ("critical", confirmed(Listing::Critical)),
        ("recalled", ids(&|_, how| how == Confirmation::Recalled)),
        ("not here", list.others.join(", ")),
        ("note", list.note.to_owned()),
        ("source", list.source.to_owned()),
        ("address", list.url.to_owned()),
    ];
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&labelled(label, value, out.width, MARGIN));
    }
    text
}
