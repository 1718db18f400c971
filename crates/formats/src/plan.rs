//! The first pass over files: identifies them, and says which releases they make.
use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{Release, SourceFile, Table};

use super::header::Preamble;
use super::input::Check;
use super::lines::Lines;
use super::metadata::Metadata;
use super::progress::{Phase, Progress};
use super::recognise::recognise;
use super::table::table_name;
use super::{
    About, Content, FileFacts, Head, Input, Limits, Part, Setup, Source, SourceError, declared, json, records,
};
use crate::codes::Codes;
use crate::ids;

/// Upper bound on the column names of a file that are recorded.
pub(super) const MAX_RECORDED_COLUMNS: usize = 256;

/// Upper bound on the files of a release.
pub const MAX_FILES: usize = 1_000;

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

impl Plan {
    /// Name of a file by its number in the release, from 0.
    pub(super) fn file_name(&self, number: u32) -> &str {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        self.release.files.get(index).map_or("", |file| file.name.as_str())
    }
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

/// A table of a file that was read once.
struct SurveyedPart {
    source: &'static dyn Source,
    file: SourceFile,
    planned: Planned,
}

impl SurveyedPart {
    /// Whether it belongs to the same release as another.
    fn joins(&self, other: &Self) -> bool {
        let (own, other_part) = (&self.planned.part, &other.planned.part);
        let split = self.source.is_split() && self.source.about().id == other.source.about().id;
        own.table == other_part.table && (!split || own.metadata.dataset == other_part.metadata.dataset)
    }
}

/// Reads all files once to identify them, and says which releases they make: one for each table that they
/// hold. Nothing is parsed beyond the headers. `codes` are the concordances that explain product codes of
/// trade.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read, is empty or unknown, or does not belong to the others.
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
    let mut tables: Vec<Vec<SurveyedPart>> = Vec::new();
    let mut skipped = SkippedFiles::default();
    for input in inputs {
        let Some((head, source)) = skipped.recognise(&input, limits)? else { continue };
        for part in survey(input, head, source, given, limits, &mut done, progress)? {
            let same = |table: &&mut Vec<SurveyedPart>| table.first().is_some_and(|first| part.joins(first));
            match tables.iter_mut().find(same) {
                Some(table) => {
                    table.first().map_or(Ok(()), |first| check_same_release(first, &part))?;
                    table.push(part);
                }
                None => tables.push(vec![part]),
            }
        }
    }
    let notes = skipped.notes()?;
    let mut plans: Vec<_> =
        tables.into_iter().map(|surveys| assemble(surveys, codes, limits)).collect::<Result<_, _>>()?;
    plans.first_mut().into_iter().for_each(|plan| plan.notes.extend_from_slice(&notes));
    check_distinct_datasets(&plans, given)?;
    Ok(plans)
}

/// Refuses two tables under one dataset that the user names: the second would be taken for the first.
fn check_distinct_datasets(plans: &[Plan], given: &Metadata) -> Result<(), SourceError> {
    let doubled = plans.windows(2).find_map(|pair| {
        let [Plan { release: one, .. }, Plan { release: other, .. }] = pair else { return None };
        let is_same = one.id == other.id || given.dataset.is_some() && one.dataset == other.dataset;
        is_same.then_some((one, other))
    });
    let Some((first, second)) = doubled else { return Ok(()) };
    let tables = [first, second].map(|release| table_name(release.table())).join(" and ");
    let message = format!("the files hold {tables}, which cannot be one dataset");
    let file = first.files.first().map_or("release", |file| &file.name);
    Err(SourceError::new("mixed-tables", file, 0, message)
        .at("dataset", &first.dataset)
        .with_hint("leave --dataset out: each table has a name of its own"))
}

/// Replaces archives by the files in them.
fn unpack(inputs: Vec<Input>, limits: Limits) -> Result<Vec<Input>, SourceError> {
    let check_count = |count: usize| {
        let message = format!("a release has 1 to {MAX_FILES} files, not {count}");
        let error = SourceError::new("invalid-file-count", "release", 0, message);
        if (1..=MAX_FILES).contains(&count) { Ok(()) } else { Err(error) }
    };
    check_count(inputs.len())?;
    let mut files = Vec::with_capacity(inputs.len());
    for input in inputs {
        match input.members(limits)? {
            Some(members) => files.extend(members),
            None => files.push(input),
        }
        check_count(files.len())?;
    }
    Ok(files)
}

/// Files of archives that are of no known format. Archives of data often contain descriptions and lists of
/// codes: they are skipped, as long as the archive holds something else.
#[derive(Default)]
struct SkippedFiles {
    /// Archives with a file of a known format.
    known: BTreeSet<String>,
    /// Archive, file, and why it is skipped.
    files: Vec<(String, String, SourceError)>,
}

impl SkippedFiles {
    /// The beginning of a file and its format. None: the file is skipped.
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

    /// A note about each skipped file.
    ///
    /// # Errors
    /// The error of a file of an archive that holds nothing else.
    fn notes(self) -> Result<Vec<String>, SourceError> {
        let Self { known, files } = self;
        if let Some((_, _, error)) = files.iter().find(|(archive, ..)| !known.contains(archive)) {
            return Err(error.clone());
        }
        Ok(files
            .into_iter()
            .map(|(_, file, _)| format!("{file} is of no known format and was skipped"))
            .collect())
    }
}

/// What a file is by its beginning: its format and its tables.
#[derive(Clone, Debug)]
pub struct Identified {
    /// The format.
    pub format: &'static About,
    /// The tables, each with what the file says of it.
    pub tables: Vec<(Table, Metadata)>,
}

/// Identifies a file by its beginning.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read, or is of no known format.
pub fn identify(input: &Input, limits: Limits) -> Result<Identified, SourceError> {
    let head = Head::read(input, limits)?;
    let source = recognise(&head)?;
    let (given, texts) = (Metadata::default(), BTreeSet::new());
    let parts = source.parts(&FileFacts { head: &head, given: &given, texts: &texts })?;
    let tables = parts.into_iter().map(|part| (part.table, part.metadata)).collect();
    Ok(Identified { format: source.about(), tables })
}

/// Reads a file to its end, and returns the tables that it holds.
fn survey(
    input: Input,
    head: Arc<Head>,
    source: Format,
    given: &Metadata,
    limits: Limits,
    done: &mut Progress,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<SurveyedPart>, SourceError> {
    let name = input.name();
    let parts = |texts: &BTreeSet<String>| -> Result<Vec<Part>, SourceError> {
        let parts = source.parts(&FileFacts { head: &head, given, texts })?.into_iter();
        let parts = parts.map(|part| Part { metadata: given.clone().or(part.metadata), ..part });
        declared::parts_of_named_table(&name, given, parts.collect())
    };
    let by_head =
        parts(&BTreeSet::new()).map_err(|error| explain_missing_rows(error, &input, &head, limits))?;
    let mut columns = head.names();
    check_column_names(&head, &columns)?;
    columns.truncate(MAX_RECORDED_COLUMNS);
    let mut texts = BTreeSet::new();
    let (sha256, check, bytes) = match known_content(&input, &head, source, limits)? {
        Some(known) => known,
        None => read_content(&input, &head, source, limits, &mut texts, |bytes| {
            progress(Progress { bytes: done.bytes.saturating_add(bytes), ..*done });
        })?,
    };
    let parts = if texts.is_empty() { by_head } else { parts(&texts)? };
    done.bytes = done.bytes.saturating_add(bytes);
    let records = head.is_json();
    let [value_column, quantity_column] = source.flow_columns(&head);
    let file =
        SourceFile { bytes, sha256, columns, records, value_column, quantity_column, ..input.source_file() };
    let surveyed = |part| SurveyedPart {
        source,
        file: file.clone(),
        planned: Planned { input: input.clone(), head: Arc::clone(&head), part, check },
    };
    Ok(parts.into_iter().map(surveyed).collect())
}

/// Explains why there is no row in the beginning of a file: perhaps its first row has no end.
fn explain_missing_rows(error: SourceError, input: &Input, head: &Head, limits: Limits) -> SourceError {
    if error.code != SourceError::NO_ROWS || !head.is_csv() {
        return error;
    }
    let read = input
        .open(limits)
        .and_then(|mut content| records::check_records(head, &mut content, limits, None, |_| {}));
    read.err().unwrap_or(error)
}

/// Digest, check and stored size of content.
type ContentFacts = (String, Check, u64);

/// What is known of an original since it was received, if reading it would say nothing more.
fn known_content(
    input: &Input,
    head: &Head,
    source: Format,
    limits: Limits,
) -> Result<Option<ContentFacts>, SourceError> {
    // Csv and JSON of publishers are always read: a quote without an end is not among the known facts.
    let is_known = |lines: bool| if source.is_lines() { lines } else { !head.is_csv() && !head.is_json() };
    let Some(seen) = input.seen()?.filter(|seen| is_known(seen.is_lines(limits))) else {
        return Ok(None);
    };
    if source.is_lines() {
        check_rows(head, &mut input.open(limits)?, limits, &mut || false)?;
    }
    let digest = input.original_sha256()?.map(str::to_owned);
    Ok(digest.map(|digest| (digest, seen.check, input.size())))
}

/// Reads content to its end. The texts that tell its parts apart are added to `texts`.
fn read_content(
    input: &Input,
    head: &Head,
    source: Format,
    limits: Limits,
    texts: &mut BTreeSet<String>,
    progress: impl FnMut(u64),
) -> Result<ContentFacts, SourceError> {
    let mut content = input.open(limits)?;
    let split_by = source.split_by(head);
    let split_by = split_by.as_deref();
    match source.is_lines() {
        true => check_lines(head, &mut content, limits, progress)?,
        false if head.is_csv() => {
            *texts = records::check_records(head, &mut content, limits, split_by, progress)?
        }
        false if head.is_json() => {
            *texts = json::check_document(&head.file, &mut content, limits, split_by, progress)?;
        }
        false => read_to_end(&head.file, &mut content, progress)?,
    }
    let (sha256, check) = (content.sha256(), content.check());
    if input.original_sha256()?.is_some_and(|original| original != sha256) {
        return Err(archive_damaged(&head.file));
    }
    Ok((sha256, check, content.stored()))
}

/// The error of an original whose content is not what was received.
fn archive_damaged(file: &str) -> SourceError {
    let message = "the original is not what was received: the archive is damaged";
    SourceError::new("archive-damaged", file, 0, message).with_class(Class::Damaged).with_hint(
        "restore the file in the archive from a backup, or remove it and hand in the original again",
    )
}

/// Refuses column names that occur twice, in any format: which of the columns is read would be chance.
fn check_column_names(head: &Head, names: &[String]) -> Result<(), SourceError> {
    let refuse = |code, name: &str, message: String| {
        Err(SourceError::new(code, &head.file, 1, message).at("header", name))
    };
    let mut seen = BTreeSet::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if name.contains('\0') {
            return refuse("invalid-header", name, "the header contains a NUL byte".to_owned());
        }
        if !seen.insert(name) {
            return refuse("duplicate-column", name, format!("column `{name}` is there twice"));
        }
    }
    Ok(())
}

/// Reads lines to their end, and refuses a file without any below its header.
fn check_lines(
    head: &Head,
    content: &mut Content,
    limits: Limits,
    mut progress: impl FnMut(u64),
) -> Result<(), SourceError> {
    let meter = content.meter();
    check_rows(head, content, limits, &mut || {
        progress(meter.load(Ordering::Relaxed));
        true
    })
}

/// Refuses a file without rows below its header. Once there is one, it reads on while `goes_on` returns true.
fn check_rows(
    head: &Head,
    content: &mut Content,
    limits: Limits,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<(), SourceError> {
    let mut lines = Lines::new(&head.file, content, limits);
    let preamble = Preamble::read(&head.file, &mut lines)?;
    let (first, mut blocks) = lines.rest();
    let mut is_empty = first.text.trim().is_empty();
    while (is_empty || goes_on())
        && let Some(block) = blocks.next()?
    {
        is_empty &= block.text.trim_start().is_empty();
    }
    if !is_empty {
        return Ok(());
    }
    Err(SourceError::no_rows(&head.file, preamble.line))
}

/// Reads content to its end.
fn read_to_end(name: &str, content: &mut Content, mut progress: impl FnMut(u64)) -> Result<(), SourceError> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = content.read(&mut buffer).map_err(|error| Content::failed(name, 0, &error))?;
        if count == 0 {
            return Ok(());
        }
        progress(content.stored());
    }
}

/// Refuses a file that describes its release differently than the first.
fn check_same_release(first: &SurveyedPart, other: &SurveyedPart) -> Result<(), SourceError> {
    let error = |message: &str| {
        let message = format!("{message} than {}", first.file.name);
        SourceError::new("mixed-releases", &other.file.name, 0, message)
            .with_hint("ingest files of different formats, datasets or vintages one after the other")
    };
    if first.source.about().id != other.source.about().id {
        return Err(error("the file is of another format"));
    }
    if first.planned.part.metadata != other.planned.part.metadata {
        return Err(error("the file describes its release differently"));
    }
    Ok(())
}

/// The plan of a release of these tables.
fn assemble(surveys: Vec<SurveyedPart>, codes: &Codes, limits: Limits) -> Result<Plan, SourceError> {
    let mut surveys = surveys.into_iter();
    let Some(first) = surveys.next() else {
        return Err(SourceError::new("invalid-file-count", "release", 0, "a release has at least one file"));
    };
    let SurveyedPart { source, file, planned } = first;
    let Part { table, metadata, .. } = planned.part.clone();
    let name = file.name.clone();
    let (mut source_files, mut files) = (vec![file], vec![planned]);
    for next in surveys {
        source_files.push(next.file);
        files.push(next.planned);
    }
    let nomenclature = metadata.nomenclature(&name)?;
    if table == Table::Trade && nomenclature.is_none() {
        return Err(SourceError::new("missing-hs-revision", &name, 0, "the HS revision is unknown")
            .with_hint("give it in the file (`# hs: HS92`) or with --hs"));
    }
    let dataset = required(&name, "dataset", metadata.dataset.as_ref())?;
    let vintage = required(&name, "vintage", metadata.vintage.as_ref())?;
    check_name(&name, "dataset", &dataset)?;
    check_name(&name, "vintage", &vintage)?;
    let has_products = matches!(table, Table::Trade | Table::Parameters | Table::Restrictions);
    let undated = vintage == ids::UNDATED;
    let note = || {
        format!("the vintage of {name} is unknown: recorded as `{}`; name it with --vintage", ids::UNDATED)
    };
    let mut release = Release {
        id: String::new(),
        dataset,
        vintage,
        table: table.into(),
        provenance: Some(metadata.provenance()),
        files: source_files,
        parser: source.about().id.to_owned(),
        hs_revision: nomenclature
            .as_ref()
            .filter(|_| has_products)
            .map(ToString::to_string)
            .unwrap_or_default(),
        concordances: if table == Table::Trade { codes.releases() } else { Vec::new() },
        ..Release::default()
    };
    declared::declare(&mut release, &metadata)
        .map_err(|failure| declared::declaration_error(&name, failure))?;
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

/// A metadata value that must be there.
fn required(file: &str, key: &str, value: Option<&String>) -> Result<String, SourceError> {
    let missing = || {
        SourceError::new("missing-metadata-key", file, 0, format!("the {key} is unknown"))
            .at(key, "")
            .with_hint(format!("give it in the file (`# {key}: ...`) or with --{key}"))
    };
    value.filter(|value| !value.is_empty()).cloned().ok_or_else(missing)
}

/// Checks the name of a dataset (lower-case letters, digits, hyphens) or vintage (letters, digits, hyphens,
/// underscores).
fn check_name(file: &str, key: &str, value: &str) -> Result<(), SourceError> {
    let fits = match key {
        "dataset" => ids::is_dataset(value),
        _ => ids::is_vintage(value),
    };
    let hint = match key {
        "dataset" => "use up to 64 lower-case letters, digits and hyphens, such as baci-hs92",
        _ => "use up to 64 letters, digits, hyphens and underscores, such as 202601",
    };
    let error =
        || SourceError::new("invalid-name", file, 0, format!("this is no name for a {key}")).at(key, value);
    if fits { Ok(()) } else { Err(error().with_hint(hint)) }
}
