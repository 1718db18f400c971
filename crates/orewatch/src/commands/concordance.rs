//! `concordance`: which material, at which stage, each product code stands for.
use orewatch_catalog::{CnCode, HsCode, HsRevision, Nomenclature, cn_codes, hs_codes};
use orewatch_contracts::Failure;

use crate::names;
use crate::options::{Format, OutputOptions};
use crate::render::Align::Left;
use crate::render::{Cell, Column, Row, column, only_shown, table};
use crate::session::Session;

/// Year of the Combined Nomenclature that is listed by default.
const LATEST_CN_YEAR: u16 = 2026;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The list comes from the catalogue, which names who assigns each code. With --format csv it is a
tidy concordance: edit it, and use it for a dataset with `orewatch ingest --concordance`.

Examples:
  orewatch concordance --material gallium
  orewatch concordance 811292 250410
  orewatch concordance --nomenclature CN2024 --format csv > my-codes.csv")]
pub(crate) struct Args {
    /// Only codes that begin with these digits
    #[arg(value_name = "CODE")]
    codes: Vec<String>,
    /// Only codes that stand for these materials
    #[arg(long, value_name = "MATERIAL", value_delimiter = ',')]
    material: Vec<String>,
    /// Only this nomenclature: HS92 to HS22, or CN with a year, such as CN2024 [default: all HS revisions and
    /// CN2026]
    #[arg(long, value_name = "NOMENCLATURE")]
    nomenclature: Option<Nomenclature>,
    #[command(flatten)]
    output: OutputOptions,
}

/// One code of a nomenclature, with what it stands for.
#[derive(Debug)]
struct CodeRow {
    nomenclature: Nomenclature,
    code: &'static str,
    material: &'static str,
    stage: &'static str,
    proxy: bool,
    note: &'static str,
    source: &'static str,
}

impl Row for CodeRow {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("nomenclature", |row: &Self| Cell::text(row.nomenclature.to_string())),
            column("code", |row: &Self| Cell::text(row.code)),
            column("material", |row: &Self| Cell::text(row.material)),
            column("stage", |row: &Self| Cell::text(row.stage)),
            // The catalogue has no purities. The column is there for users who add them.
            column("purity", |_| Cell::text("")),
            column("proxy", |row: &Self| Cell::Flag(row.proxy)),
            column("note", |row: &Self| Cell::text(row.note)),
        ]
    }
}

/// A code in consecutive nomenclatures in which it stands for the same.
struct CodeSpan<'a> {
    first: &'a CodeRow,
    last: &'a CodeRow,
}

impl CodeSpan<'_> {
    /// The nomenclatures: `HS92-HS22`.
    fn nomenclatures(&self) -> String {
        let (first, last) = (&self.first.nomenclature, &self.last.nomenclature);
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    }
}

impl Row for CodeSpan<'_> {
    fn columns() -> Vec<Column<Self>> {
        vec![
            only_shown("nomenclature", Left, Self::nomenclatures),
            only_shown("code", Left, |span: &Self| span.first.code.to_owned()),
            only_shown("material", Left, |span: &Self| span.first.material.to_owned()),
            only_shown("stage", Left, |span: &Self| span.first.stage.to_owned()),
            only_shown("", Left, |span: &Self| if span.first.proxy { "proxy" } else { "" }.to_owned()),
            only_shown("contents", Left, |span: &Self| span.first.note.to_owned()),
            only_shown("source", Left, |span: &Self| span.first.source.to_owned()),
        ]
    }
}

/// Runs the command. The catalogue is part of the program, so no server is needed.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    let materials = names::materials(&args.material)?;
    let is_wanted = |row: &CodeRow| {
        (args.codes.is_empty() || args.codes.iter().any(|code| row.code.starts_with(code.as_str())))
            && (materials.is_empty() || materials.iter().any(|material| material == row.material))
    };
    let rows: Vec<CodeRow> = code_rows(args.nomenclature.as_ref()).into_iter().filter(is_wanted).collect();
    match out.format {
        Format::Json | Format::Csv => out.rows(&rows),
        Format::Table => out.text(&table(&out, &spans(&rows))),
    }
}

/// Codes that stand for a material, of one nomenclature. Without one: of all revisions of the Harmonized
/// System and of the latest Combined Nomenclature.
fn code_rows(nomenclature: Option<&Nomenclature>) -> Vec<CodeRow> {
    let lists: Vec<Nomenclature> = match nomenclature {
        Some(one) => vec![one.clone()],
        None => {
            let revisions = HsRevision::ALL.into_iter().map(Nomenclature::Hs);
            revisions.chain([Nomenclature::Cn(LATEST_CN_YEAR)]).collect()
        }
    };
    lists.into_iter().flat_map(nomenclature_rows).collect()
}

/// Codes of one nomenclature. The Combined Nomenclature lists only codes that distinguish more than their
/// first six digits, which the Harmonized System lists.
fn nomenclature_rows(nomenclature: Nomenclature) -> Vec<CodeRow> {
    match nomenclature {
        Nomenclature::Hs(revision) => hs_rows(revision),
        Nomenclature::Cn(year) => cn_rows(year),
        Nomenclature::Own(_) => Vec::new(),
    }
}

fn hs_rows(revision: HsRevision) -> Vec<CodeRow> {
    let valid = hs_codes().iter().filter(|entry| (entry.first..=entry.last).contains(&revision));
    let row = |entry: &'static HsCode| CodeRow {
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

fn cn_rows(year: u16) -> Vec<CodeRow> {
    let valid = cn_codes().iter().filter(|entry| entry.first <= year);
    let row = |entry: &'static CnCode| {
        let meaning = entry.meaning?;
        Some(CodeRow {
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

/// Merges rows that are the same in consecutive nomenclatures, in the order of codes.
fn spans(rows: &[CodeRow]) -> Vec<CodeSpan<'_>> {
    let mut sorted: Vec<&CodeRow> = rows.iter().collect();
    sorted.sort_by(|a, b| (a.code, &a.nomenclature).cmp(&(b.code, &b.nomenclature)));
    let same = |a: &&CodeRow, b: &&CodeRow| {
        (a.code, a.material, a.stage, a.note) == (b.code, b.material, b.stage, b.note)
    };
    let groups = sorted.chunk_by(same);
    groups.filter_map(|group| Some(CodeSpan { first: group.first()?, last: group.last()? })).collect()
}
