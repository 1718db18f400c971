//! `concordance`: which material, at which stage, product codes stand for.
use orewatch_catalog::{CnCode, HsCode, HsRevision, Nomenclature, cn_codes, hs_codes, material};
use orewatch_runtime::{Class, Failure};

use crate::options::{AnswerOptions, Format};
use crate::render::{Align, Cell, Out, Row, Sheet, document};
use crate::session::Session;

/// The year of the Combined Nomenclature that is listed where none is named.
const NEWEST_CN: u16 = 2026;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
What the catalogue says, code by code, with who assigns it. As csv it is the tidy table of a
concordance: change what you know better, and give it to a dataset with `ingest --concordance`.

Examples:
  orewatch concordance --material gallium
  orewatch concordance 811292 250410
  orewatch concordance --nomenclature CN2024 --format csv > my-codes.csv")]
pub(crate) struct Args {
    /// Only these codes, or codes that begin with these digits
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
    /// Only codes of this material
    #[arg(long, value_name = "MATERIAL")]
    material: Option<String>,
    /// As in this list of codes: HS92 to HS22, or a year such as CN2024 [default: all]
    #[arg(long, value_name = "NOMENCLATURE")]
    nomenclature: Option<Nomenclature>,
    #[command(flatten)]
    answer: AnswerOptions,
}

/// What one code stands for, in a list of codes.
#[derive(Debug)]
struct Listed {
    nomenclature: Nomenclature,
    code: &'static str,
    material: &'static str,
    stage: &'static str,
    proxy: bool,
    note: &'static str,
    source: &'static str,
}

impl Row for Listed {
    const COLUMNS: &'static [&'static str] =
        &["nomenclature", "code", "material", "stage", "purity", "proxy", "note"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.nomenclature.to_string()),
            Cell::text(self.code),
            Cell::text(self.material),
            Cell::text(self.stage),
            // The catalogue knows none: it is a column for those who do.
            Cell::text(""),
            Cell::Flag(self.proxy),
            Cell::text(self.note),
        ]
    }
}

/// Runs the command. The catalogue is part of the program: no server is asked.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = session.out(&session.settings(&[&args.answer])?)?;
    let of = args.material.as_deref().map(material).transpose();
    let of = of.map_err(|error| {
        Failure::new(Class::NotFound, error.code(), error.reason())
            .at("material", &error.value)
            .with_hint(error.hint())
    })?;
    let wanted = |listed: &Listed| {
        (args.codes.is_empty() || args.codes.iter().any(|code| listed.code.starts_with(code.as_str())))
            && of.is_none_or(|of| of.id == listed.material)
    };
    let rows: Vec<Listed> = listed(args.nomenclature.as_ref()).into_iter().filter(wanted).collect();
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&table(&out, &rows)),
    }
}

/// Every code of a nomenclature that stands for a material; where none is named, of all revisions of the Harmonized System and
/// of the newest Combined Nomenclature.
fn listed(nomenclature: Option<&Nomenclature>) -> Vec<Listed> {
    let lists: Vec<Nomenclature> = match nomenclature {
        Some(one) => vec![one.clone()],
        None => {
            let revisions = HsRevision::ALL.into_iter().map(Nomenclature::Hs);
            revisions.chain([Nomenclature::Cn(NEWEST_CN)]).collect()
        }
    };
    lists.into_iter().flat_map(of).collect()
}

/// Of the Combined Nomenclature only what it tells apart: its first six digits are a list of their own.
fn of(nomenclature: Nomenclature) -> Vec<Listed> {
    match nomenclature {
        Nomenclature::Hs(revision) => of_hs(revision),
        Nomenclature::Cn(year) => of_cn(year),
        Nomenclature::Own(_) => Vec::new(),
    }
}

fn of_hs(revision: HsRevision) -> Vec<Listed> {
    let valid = hs_codes().iter().filter(|entry| (entry.first..=entry.last).contains(&revision));
    let row = |entry: &'static HsCode| Listed {
        nomenclature: Nomenclature::Hs(revision),
        code: entry.code,
        material: entry.material,
        stage: entry.stage.as_str(),
        proxy: entry.proxy,
        note: entry.note,
        source: entry.source,
    };
    valid.map(row).collect()
}

fn of_cn(year: u16) -> Vec<Listed> {
    let valid = cn_codes().iter().filter(|entry| entry.first <= year);
    let row = |entry: &'static CnCode| {
        let meaning = entry.meaning?;
        Some(Listed {
            nomenclature: Nomenclature::Cn(year),
            code: entry.code,
            material: meaning.material,
            stage: meaning.stage.as_str(),
            proxy: meaning.proxy,
            note: entry.note,
            source: "Combined Nomenclature of the European Union",
        })
    };
    valid.filter_map(row).collect()
}

fn table(out: &Out, rows: &[Listed]) -> String {
    let columns =
        ["list", "code", "material", "stage", "", "holds", "assigned by"].map(|name| (name, Align::Left));
    let mut sheet = Sheet::new(out, &columns);
    for (first, last) in spans(rows) {
        let list = if first.nomenclature == last.nomenclature {
            first.nomenclature.to_string()
        } else {
            format!("{}-{}", first.nomenclature, last.nomenclature)
        };
        let proxy = if first.proxy { "proxy" } else { "" };
        let cells = [&*list, first.code, first.material, first.stage, proxy, first.note, first.source];
        sheet.row(cells.map(str::to_owned));
    }
    sheet.finish()
}

/// The same entry in consecutive lists, once, with the first and the last of them; by code.
fn spans(rows: &[Listed]) -> Vec<(&Listed, &Listed)> {
    let mut sorted: Vec<&Listed> = rows.iter().collect();
    sorted.sort_by(|a, b| (a.code, &a.nomenclature).cmp(&(b.code, &b.nomenclature)));
    let same = |a: &&Listed, b: &&Listed| {
        (a.code, a.material, a.stage, a.note) == (b.code, b.material, b.stage, b.note)
    };
    sorted.chunk_by(same).filter_map(|group| Some((*group.first()?, *group.last()?))).collect()
}
