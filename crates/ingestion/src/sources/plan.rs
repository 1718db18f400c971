//! The first pass: what the files are, and which release they make.
use orewatch_catalog::HsRevision;
use orewatch_contracts::ingestion::v1::{Release, SourceFile, Table};

use super::header::{Columns, Layout, Preamble};
use super::lines::Lines;
use super::metadata::Metadata;
use super::progress::{Phase, Progress};
use super::{Input, Limits, SOURCES, Source, SourceError, nearest};
use crate::ids;

/// Most files of a release.
pub(crate) const MOST_FILES: usize = 1_000;

/// A release that is ready to be read.
#[derive(Debug)]
pub struct Plan {
    /// The release, with its identifier.
    pub release: Release,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    pub(super) table: Table,
    pub(super) revision: Option<HsRevision>,
    pub(super) source: &'static dyn Source,
    pub(super) files: Vec<Planned>,
    pub(super) limits: Limits,
}

/// A file of a release.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) input: Input,
    pub(super) columns: Columns,
    pub(super) sha256: String,
}

/// What a file turned out to be.
struct Surveyed {
    source: &'static dyn Source,
    table: Table,
    said: Metadata,
    file: SourceFile,
    planned: Planned,
}

/// Reads all files once to identify them, and says which release they make. Nothing is parsed beyond the headers.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read, is empty, of no known format, or does not belong to the others.
pub fn plan(
    inputs: Vec<Input>,
    given: &Metadata,
    limits: Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Plan, SourceError> {
    if inputs.is_empty() || inputs.len() > MOST_FILES {
        let message = format!("a release has 1 to {MOST_FILES} files, not {}", inputs.len());
        return Err(SourceError::new("bad-file-count", "release", 0, message));
    }
    let total = inputs.iter().fold(0_u64, |sum, input| sum.saturating_add(input.size()));
    let mut done = Progress { phase: Phase::Identifying, rows: 0, bytes: 0, total_bytes: total };
    let mut surveys: Vec<Surveyed> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let surveyed = survey(input, given, limits, &mut done, progress)?;
        if let Some(first) = surveys.first() {
            belongs(first, &surveyed)?;
        }
        surveys.push(surveyed);
    }
    assemble(surveys, limits)
}

/// Reads a file to its end.
fn survey(
    input: Input,
    given: &Metadata,
    limits: Limits,
    done: &mut Progress,
    progress: &mut dyn FnMut(Progress),
) -> Result<Surveyed, SourceError> {
    const REPORT_EVERY: u64 = 1 << 16;
    let name = input.name();
    let mut lines = Lines::open(&input, limits)?;
    let before = done.bytes;
    let preamble = Preamble::read(&name, &mut lines)?;
    let (source, layout, columns) = recognise(&preamble)?;
    let said = given.clone().or(source.describe(&preamble, given)?);
    agree(&name, &said, layout.table)?;
    let mut rows: u64 = 0;
    while let Some((_, line)) = lines.next()? {
        rows += u64::from(!line.trim().is_empty());
        if rows.is_multiple_of(REPORT_EVERY) {
            progress(Progress { bytes: before.saturating_add(lines.stored()), ..*done });
        }
    }
    if rows == 0 {
        return Err(SourceError::new("no-rows", &name, preamble.line, "the file has a header and no rows")
            .with_hint("is the download complete?"));
    }
    let (bytes, _, sha256) = lines.measure();
    done.bytes = before.saturating_add(bytes);
    let file = SourceFile { name, bytes, sha256: sha256.clone() };
    Ok(Surveyed { source, table: layout.table, said, file, planned: Planned { input, columns, sha256 } })
}

/// The format and table that a file's header is most like, and where its columns are.
fn recognise(preamble: &Preamble) -> Result<(&'static dyn Source, &'static Layout, Columns), SourceError> {
    let mut best: Option<(usize, &'static dyn Source, &'static Layout)> = None;
    for source in SOURCES {
        if let Some((like, layout)) = source.probe(preamble)
            && like > best.map_or(0, |(found, ..)| found)
        {
            best = Some((like, source, layout));
        }
    }
    match best {
        Some((like, source, layout)) if like * 2 >= layout.required.len() => {
            Ok((source, layout, Columns::find(layout, preamble)?))
        }
        _ => Err(unknown_format(preamble)),
    }
}

fn unknown_format(preamble: &Preamble) -> SourceError {
    let known: Vec<_> = SOURCES
        .iter()
        .flat_map(|source| {
            source.layouts().iter().map(|layout| format!("{}: {}", source.id(), layout.expected()))
        })
        .collect();
    SourceError::new("unknown-format", &preamble.file, preamble.line, "the header is of no known format")
        .at("header", preamble.header.join(","))
        .with_hint(format!("known are\n  {}", known.join("\n  ")))
}

/// The name of a table, as files and flags have it.
fn table_name(table: Table) -> &'static str {
    match table {
        Table::Trade => "trade",
        Table::Production => "production",
        Table::Governance => "governance",
        Table::Parameters => "parameters",
        Table::Restrictions => "restrictions",
        Table::Unspecified => "unspecified",
    }
}

/// What is said about the table has to be what the header shows.
fn agree(file: &str, said: &Metadata, table: Table) -> Result<(), SourceError> {
    let Some(named) = &said.table else { return Ok(()) };
    let tables = [Table::Trade, Table::Production, Table::Governance, Table::Parameters, Table::Restrictions]
        .map(table_name);
    if named == table_name(table) {
        return Ok(());
    }
    let error = |message: String| SourceError::new("wrong-table", file, 0, message).at("table", named);
    Err(match nearest(named, tables).filter(|_| !tables.contains(&named.as_str())) {
        Some(meant) => error("there is no such table".to_owned()).with_hint(format!("did you mean {meant}?")),
        None => error(format!("the columns are those of {}", table_name(table)))
            .with_hint(format!("one of {}", tables.join(", "))),
    })
}

/// All files of a release say the same of it.
fn belongs(first: &Surveyed, other: &Surveyed) -> Result<(), SourceError> {
    let error = |message: &str| {
        let message = format!("{message} than {}", first.file.name);
        SourceError::new("mixed-release", &other.file.name, 0, message)
            .with_hint("ingest files of different formats, datasets or vintages one after the other")
    };
    if first.source.id() != other.source.id() || first.table != other.table {
        return Err(error("the file is of another format"));
    }
    if first.said != other.said {
        return Err(error("the file says something else of its release"));
    }
    Ok(())
}

fn assemble(surveys: Vec<Surveyed>, limits: Limits) -> Result<Plan, SourceError> {
    let mut surveys = surveys.into_iter();
    let Some(first) = surveys.next() else {
        return Err(SourceError::new("bad-file-count", "release", 0, "a release has at least one file"));
    };
    let Surveyed { source, table, said, file, planned } = first;
    let name = file.name.clone();
    let (mut about, mut files) = (vec![file], vec![planned]);
    for next in surveys {
        about.push(next.file);
        files.push(next.planned);
    }
    let revision = said.revision(&name)?;
    if table == Table::Trade && revision.is_none() {
        return Err(SourceError::new("missing-hs-revision", &name, 0, "the HS revision is not known")
            .with_hint("say it in the file (`# hs: HS92`) or with --hs"));
    }
    let dataset = needed(&name, "dataset", said.dataset.as_ref())?;
    let vintage = needed(&name, "vintage", said.vintage.as_ref())?;
    well_formed(&name, "dataset", &dataset)?;
    well_formed(&name, "vintage", &vintage)?;
    let has_products = matches!(table, Table::Trade | Table::Parameters | Table::Restrictions);
    let undated = vintage == ids::UNDATED;
    let note = || {
        format!("the vintage of {name} is not known: recorded as `{}`; name it with --vintage", ids::UNDATED)
    };
    let release = Release {
        id: ids::release_id(&dataset, &vintage, &about),
        dataset,
        vintage,
        table: table.into(),
        provenance: Some(said.provenance()),
        files: about,
        parser: source.id().to_owned(),
        hs_revision: revision.filter(|_| has_products).map(|hs| hs.to_string()).unwrap_or_default(),
    };
    let notes = if undated { vec![note()] } else { Vec::new() };
    Ok(Plan { release, notes, table, revision, source, files, limits })
}

fn needed(file: &str, key: &str, value: Option<&String>) -> Result<String, SourceError> {
    let missing = || {
        SourceError::new("missing-key", file, 0, format!("the {key} is not known"))
            .at(key, "")
            .with_hint(format!("say it in the file (`# {key}: ...`) or with --{key}"))
    };
    value.filter(|value| !value.is_empty()).cloned().ok_or_else(missing)
}

/// Datasets are lower-case letters, digits and hyphens; vintages letters, digits, hyphens and underscores.
fn well_formed(file: &str, key: &str, value: &str) -> Result<(), SourceError> {
    let fits = match key {
        "dataset" => ids::is_dataset(value),
        _ => ids::is_vintage(value),
    };
    let hint = match key {
        "dataset" => "use up to 64 lower-case letters, digits and hyphens, such as baci-hs92",
        _ => "use up to 64 letters, digits, hyphens and underscores, such as 202601",
    };
    let error = || SourceError::new("bad-name", file, 0, format!("this cannot name a {key}")).at(key, value);
    if fits { Ok(()) } else { Err(error().with_hint(hint)) }
}
