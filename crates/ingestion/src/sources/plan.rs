//! The first pass: what the files are, and which release they make.
use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use orewatch_contracts::ingestion::v1::{Release, SourceFile, Table};
use orewatch_runtime::Class;

use super::header::Preamble;
use super::input::Check;
use super::lines::Lines;
use super::metadata::Metadata;
use super::progress::{Phase, Progress};
use super::recognise::recognise;
use super::table::{table_name, wanted};
use super::{Content, Head, Input, Limits, Part, Setup, Source, SourceError, declared, json, records};
use crate::codes::Codes;
use crate::ids;

/// Names of columns that are recorded of a file.
pub(super) const MOST_COLUMNS: usize = 256;

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
    pub(super) source: &'static dyn Source,
    pub(super) files: Vec<Planned>,
    pub(super) setup: Setup,
}

/// A file of a release.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) input: Input,
    pub(super) head: Arc<Head>,
    pub(super) part: Part,
    pub(super) check: Check,
}

/// A format.
type Format = &'static dyn Source;

/// What one table of a file turned out to be.
struct Surveyed {
    source: &'static dyn Source,
    file: SourceFile,
    planned: Planned,
}

impl Surveyed {
    /// Whether it makes a release together with another, or is expected to.
    fn joins(&self, other: &Self) -> bool {
        let (own, other_part) = (&self.planned.part, &other.planned.part);
        let split = self.source.is_split() && self.source.about().id == other.source.about().id;
        own.table == other_part.table && (!split || own.said.dataset == other_part.said.dataset)
    }
}

/// Reads all files once to identify them, and says which releases they make: one for each table that they hold. Nothing is
/// parsed beyond the headers. `codes` are the concordances that product codes of trade will be read by.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read, is empty, of no known format, or does not belong to the others.
pub fn plan(
    inputs: Vec<Input>,
    given: &Metadata,
    codes: &Codes,
    limits: Limits,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Plan>, SourceError> {
    let inputs = unpack(inputs, limits)?;
    let total = inputs.iter().fold(0_u64, |sum, input| sum.saturating_add(input.size()));
    let mut done = Progress { phase: Phase::Identifying, rows: 0, bytes: 0, total_bytes: total };
    let mut tables: Vec<Vec<Surveyed>> = Vec::new();
    let mut passed = Passed::default();
    for input in inputs {
        let Some((head, source)) = passed.recognise(&input, limits)? else { continue };
        for part in survey(input, head, source, given, limits, &mut done, progress)? {
            let same = |table: &&mut Vec<Surveyed>| table.first().is_some_and(|first| part.joins(first));
            match tables.iter_mut().find(same) {
                Some(table) => {
                    table.first().map_or(Ok(()), |first| belongs(first, &part))?;
                    table.push(part);
                }
                None => tables.push(vec![part]),
            }
        }
    }
    let notes = passed.notes()?;
    let mut plans: Vec<_> =
        tables.into_iter().map(|surveys| assemble(surveys, codes, limits)).collect::<Result<_, _>>()?;
    plans.first_mut().into_iter().for_each(|plan| plan.notes.extend_from_slice(&notes));
    apart(&plans)?;
    Ok(plans)
}

/// Tables of the same files are releases of datasets of their own: under one name the second would be taken for the first.
fn apart(plans: &[Plan]) -> Result<(), SourceError> {
    let doubled = plans.windows(2).find_map(|pair| {
        let [one, other] = pair else { return None };
        (one.release.dataset == other.release.dataset).then_some((one, other))
    });
    let Some((one, other)) = doubled else { return Ok(()) };
    let [first, second] = [one, other].map(|plan| table_name(plan.table));
    let message = format!("the files hold {first} and {second}, which cannot be one dataset");
    let file = one.release.files.first().map_or("release", |file| &file.name);
    Err(SourceError::new("several-tables", file, 0, message)
        .at("dataset", &one.release.dataset)
        .with_hint("leave --dataset out: each table has a name of its own"))
}

/// The files, with those of archives in place of the archives.
fn unpack(inputs: Vec<Input>, limits: Limits) -> Result<Vec<Input>, SourceError> {
    let counted = |count: usize| {
        let message = format!("a release has 1 to {MOST_FILES} files, not {count}");
        let error = SourceError::new("bad-file-count", "release", 0, message);
        if (1..=MOST_FILES).contains(&count) { Ok(()) } else { Err(error) }
    };
    counted(inputs.len())?;
    let mut files = Vec::with_capacity(inputs.len());
    for input in inputs {
        match input.members(limits)? {
            Some(members) => files.extend(members),
            None => files.push(input),
        }
        counted(files.len())?;
    }
    Ok(files)
}

/// Files of archives that are of no known format: descriptions and lists of codes lie beside the data of many. They are passed
/// over, as long as there is something else in the archive.
#[derive(Default)]
struct Passed {
    /// Archives that hold something.
    known: BTreeSet<String>,
    /// Archive, file, and why it is passed over.
    files: Vec<(String, String, SourceError)>,
}

impl Passed {
    /// The beginning of a file and its format. None: it is passed over.
    fn recognise(
        &mut self,
        input: &Input,
        limits: Limits,
    ) -> Result<Option<(Arc<Head>, Format)>, SourceError> {
        let head = Arc::new(Head::read(input, limits)?);
        let found = recognise(&head);
        let Some(archive) = input.archive().map(Input::name) else {
            return found.map(|source| Some((head, source)));
        };
        match found {
            Ok(source) => {
                self.known.insert(archive);
                Ok(Some((head, source)))
            }
            Err(error) => {
                self.files.push((archive, input.name(), error));
                Ok(None)
            }
        }
    }

    /// What is said of the files that are passed over.
    fn notes(self) -> Result<Vec<String>, SourceError> {
        let Self { known, files } = self;
        if let Some((_, _, error)) = files.iter().find(|(archive, ..)| !known.contains(archive)) {
            return Err(error.clone());
        }
        Ok(files
            .into_iter()
            .map(|(_, file, _)| format!("{file} is of no known format: passed over"))
            .collect())
    }
}

/// What a file is by its beginning: its format, and each table with what the file says of it.
#[derive(Clone, Debug)]
pub struct Identified {
    /// The format.
    pub format: &'static super::About,
    /// The tables.
    pub tables: Vec<(Table, Metadata)>,
}

/// Looks at the beginning of a file.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read, or is of no known format.
pub fn identify(input: &Input, limits: Limits) -> Result<Identified, SourceError> {
    let head = Head::read(input, limits)?;
    let source = recognise(&head)?;
    let parts = source.parts(&head, &Metadata::default(), &BTreeSet::new())?;
    let tables = parts.into_iter().map(|part| (part.table, part.said)).collect();
    Ok(Identified { format: source.about(), tables })
}

/// Reads a file to its end, and says which tables it holds.
fn survey(
    input: Input,
    head: Arc<Head>,
    source: Format,
    given: &Metadata,
    limits: Limits,
    done: &mut Progress,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Surveyed>, SourceError> {
    let name = input.name();
    let parts = |texts: &BTreeSet<String>| -> Result<Vec<Part>, SourceError> {
        let parts = source.parts(&head, given, texts)?.into_iter();
        let parts = parts.map(|part| Part { said: given.clone().or(part.said), ..part });
        wanted(&name, given, parts.collect())
    };
    let by_head = parts(&BTreeSet::new()).map_err(|error| rowless(error, &input, &head, limits))?;
    let mut columns = head.names();
    sound(&head, &columns)?;
    columns.truncate(MOST_COLUMNS);
    let mut texts = BTreeSet::new();
    let (sha256, check, bytes) = match vouched(&input, &head, source, limits)? {
        Some(known) => known,
        None => read(&input, &head, source, limits, &mut texts, |bytes| {
            progress(Progress { bytes: done.bytes.saturating_add(bytes), ..*done });
        })?,
    };
    let parts = if texts.is_empty() { by_head } else { parts(&texts)? };
    done.bytes = done.bytes.saturating_add(bytes);
    let records = head.is_json();
    let [value_column, quantity_column] = source.flow_columns(&head);
    let file = SourceFile { bytes, sha256, columns, records, value_column, quantity_column, ..input.about() };
    let surveyed = |part| Surveyed {
        source,
        file: file.clone(),
        planned: Planned { input: input.clone(), head: Arc::clone(&head), part, check },
    };
    Ok(parts.into_iter().map(surveyed).collect())
}

/// Why there is no row in a file's beginning: it may be that its first one does not end.
fn rowless(error: SourceError, input: &Input, head: &Head, limits: Limits) -> SourceError {
    if error.code != SourceError::NO_ROWS || !head.is_csv() {
        return error;
    }
    let read =
        input.open(limits).and_then(|mut content| records::vet(head, &mut content, limits, None, |_| {}));
    read.err().unwrap_or(error)
}

/// Digest, check and stored size of content.
type Known = (String, Check, u64);

/// What is known of an original since it came, if that is all that reading it would tell.
fn vouched(input: &Input, head: &Head, source: Format, limits: Limits) -> Result<Option<Known>, SourceError> {
    // Records of others' csv and JSON are gone through whatever is known: a quote that does not end is in none of it.
    let is_known = |lines: bool| if source.is_lines() { lines } else { !head.is_csv() && !head.is_json() };
    let Some(seen) = input.seen()?.filter(|seen| is_known(seen.is_lines(limits))) else {
        return Ok(None);
    };
    if source.is_lines() {
        rows(head, &mut input.open(limits)?, limits, &mut || false)?;
    }
    let digest = input.original()?.map(str::to_owned);
    Ok(digest.map(|digest| (digest, seen.check, input.size())))
}

/// Reads content to its end; `texts` are completed by those that tell its parts apart.
fn read(
    input: &Input,
    head: &Head,
    source: Format,
    limits: Limits,
    texts: &mut BTreeSet<String>,
    progress: impl FnMut(u64),
) -> Result<Known, SourceError> {
    let mut content = input.open(limits)?;
    let split_by = source.split_by(head);
    let split_by = split_by.as_deref();
    match source.is_lines() {
        true => vet(head, &mut content, limits, progress)?,
        false if head.is_csv() => *texts = records::vet(head, &mut content, limits, split_by, progress)?,
        false if head.is_json() => {
            *texts = json::vet(&head.file, &mut content, limits, split_by, progress)?;
        }
        false => digest(&head.file, &mut content, progress)?,
    }
    let (sha256, check) = (content.sha256(), content.check());
    if input.original()?.is_some_and(|original| original != sha256) {
        return Err(damaged(&head.file));
    }
    Ok((sha256, check, content.stored()))
}

/// An original is not what it was when it came.
pub(super) fn damaged(file: &str) -> SourceError {
    let message = "the original is not what it was when it came: the archive is damaged";
    SourceError::new("archive-damaged", file, 0, message)
        .of_class(Class::Damaged)
        .with_hint("restore the file of the archive from a copy, or remove it and hand the original in again")
}

/// Refuses names of columns that cannot be told apart, whatever the format: who is read by one of them would be read by chance.
fn sound(head: &Head, names: &[String]) -> Result<(), SourceError> {
    let refuse = |code, name: &str, message: String| {
        Err(SourceError::new(code, &head.file, 1, message).at("header", name))
    };
    let mut seen = BTreeSet::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if name.contains('\0') {
            return refuse("bad-header", name, "the header contains a NUL byte".to_owned());
        }
        if !seen.insert(name) {
            return refuse("doubled-column", name, format!("column `{name}` is there twice"));
        }
    }
    Ok(())
}

/// Reads lines to their end; a file without any below its header is refused.
fn vet(
    head: &Head,
    content: &mut Content,
    limits: Limits,
    mut progress: impl FnMut(u64),
) -> Result<(), SourceError> {
    let meter = content.meter();
    rows(head, content, limits, &mut || {
        progress(meter.load(Ordering::Relaxed));
        true
    })
}

/// Looks for rows below the header, block by block for as long as `goes_on` says once there is one; a file without any is refused.
fn rows(
    head: &Head,
    content: &mut Content,
    limits: Limits,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<(), SourceError> {
    let mut lines = Lines::new(&head.file, content, limits);
    let preamble = Preamble::read(&head.file, &mut lines)?;
    let (first, mut blocks) = lines.rest();
    let mut empty = first.text.trim().is_empty();
    while (empty || goes_on())
        && let Some(block) = blocks.next()?
    {
        empty &= block.text.trim_start().is_empty();
    }
    if !empty {
        return Ok(());
    }
    Err(SourceError::no_rows(&head.file, preamble.line))
}

/// Reads content to its end.
fn digest(name: &str, content: &mut Content, mut progress: impl FnMut(u64)) -> Result<(), SourceError> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = content.read(&mut buffer).map_err(|error| Content::failed(name, 0, &error))?;
        if count == 0 {
            return Ok(());
        }
        progress(content.stored());
    }
}

/// All files of a release say the same of it.
fn belongs(first: &Surveyed, other: &Surveyed) -> Result<(), SourceError> {
    let error = |message: &str| {
        let message = format!("{message} than {}", first.file.name);
        SourceError::new("mixed-release", &other.file.name, 0, message)
            .with_hint("ingest files of different formats, datasets or vintages one after the other")
    };
    if first.source.about().id != other.source.about().id {
        return Err(error("the file is of another format"));
    }
    if first.planned.part.said != other.planned.part.said {
        return Err(error("the file says something else of its release"));
    }
    Ok(())
}

fn assemble(surveys: Vec<Surveyed>, codes: &Codes, limits: Limits) -> Result<Plan, SourceError> {
    let mut surveys = surveys.into_iter();
    let Some(first) = surveys.next() else {
        return Err(SourceError::new("bad-file-count", "release", 0, "a release has at least one file"));
    };
    let Surveyed { source, file, planned } = first;
    let Part { table, said, .. } = planned.part.clone();
    let name = file.name.clone();
    let (mut about, mut files) = (vec![file], vec![planned]);
    for next in surveys {
        about.push(next.file);
        files.push(next.planned);
    }
    let nomenclature = said.nomenclature(&name)?;
    if table == Table::Trade && nomenclature.is_none() {
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
    let mut release = Release {
        id: String::new(),
        dataset,
        vintage,
        table: table.into(),
        provenance: Some(said.provenance()),
        files: about,
        parser: source.about().id.to_owned(),
        hs_revision: nomenclature
            .as_ref()
            .filter(|_| has_products)
            .map(ToString::to_string)
            .unwrap_or_default(),
        concordances: if table == Table::Trade { codes.releases() } else { Vec::new() },
        ..Release::default()
    };
    declared::declare(&mut release, &said).map_err(|error| declared::wrong(&name, error))?;
    release.id = ids::release_id(&release);
    let mut notes = if undated { vec![note()] } else { Vec::new() };
    notes.extend(source.notes(&files.iter().map(|file| &*file.head).collect::<Vec<_>>()));
    Ok(Plan {
        release,
        notes,
        table,
        source,
        files,
        setup: Setup { nomenclature, codes: codes.clone(), limits },
    })
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
