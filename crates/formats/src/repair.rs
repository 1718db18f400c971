//! Reads repaired rows: a file in the format of the release, or of tidy rows, whose first column `rejection`
//! has the number of the rejection that a row replaces.
use bytes::Bytes;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Rejection, Release, SourceFile};

use super::lines::Lines;
use super::plan::{MAX_RECORDED_COLUMNS, Plan, plan};
use super::table::table_name;
use super::{Input, Limits, Metadata, SOURCES, Source, SourceError, read, tidy};
use crate::codes::Codes;

/// The column with the numbers of rejections.
pub const REJECTION_COLUMN: &str = "rejection";

/// Name of the file in errors.
const NAME: &str = "repair.csv";

/// Repaired rows of a release, as text.
#[derive(Debug)]
pub struct RepairSheet {
    /// The lines before the rows, without the column `rejection`.
    head: String,
    /// Each row with its line and the number of the rejection that it replaces.
    rows: Vec<(u64, u64, String)>,
}

/// Repaired rows, read.
#[derive(Debug)]
pub struct RepairedRows {
    /// The rows, in chunks.
    pub chunks: Vec<ObservationsRecorded>,
    /// Rows that are still wrong.
    pub wrong: Vec<Rejection>,
    /// The file.
    pub file: SourceFile,
}

/// The columns of rows that repair a release, without the column `rejection`, and whether they are those of
/// its files. If they are not, rows are repaired as tidy rows.
#[must_use]
pub fn repair_columns(release: &Release) -> (Vec<String>, bool) {
    // Records of JSON have members and no columns.
    let file = release.files.first().filter(|file| !file.records);
    let columns = file.map(|file| file.columns.clone()).unwrap_or_default();
    match is_row_by_row(release) && (1..MAX_RECORDED_COLUMNS).contains(&columns.len()) {
        true => (columns, true),
        false => (tidy::columns(release.table()).map(str::to_owned).collect(), false),
    }
}

/// Reads a line of a file with the two lines before and behind it, and their numbers.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read as lines that far.
pub fn read_lines_around(input: &Input, line: u64) -> Result<Vec<(u64, String)>, SourceError> {
    let limits = Limits::default();
    let name = input.name();
    let mut content = input.open(limits)?;
    let mut lines = Lines::new(&name, &mut content, limits);
    let mut found = Vec::new();
    while let Some((number, text)) = lines.next()? {
        if number.saturating_add(2) >= line {
            found.push((number, text.to_owned()));
        }
        if number >= line.saturating_add(2) {
            break;
        }
    }
    Ok(found)
}

/// Whether a row of the release's files is one figure or flow.
fn is_row_by_row(release: &Release) -> bool {
    SOURCES.iter().any(|source| is_format_of(*source, release) && source.is_row_by_row())
}

/// Whether the release was read by this format, in any version.
fn is_format_of(source: &dyn Source, release: &Release) -> bool {
    let name = |id: &str| id.split('/').next().unwrap_or_default().to_owned();
    name(source.about().id) == name(&release.parser)
}

impl RepairSheet {
    /// Splits a file into rows and the rejections that they replace. If rejections are `named` beside the
    /// file, it has no column `rejection`, and its rows replace them in order.
    ///
    /// # Errors
    /// [`SourceError`] for a file that is no text, has no such column, or a different number of rows.
    pub fn parse(content: &[u8], named: &[u64]) -> Result<Self, SourceError> {
        let text = std::str::from_utf8(content).map_err(|error| {
            SourceError::new("not-utf8", NAME, 0, format!("the file is not UTF-8: {error}"))
                .with_hint("save it as csv in UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut sheet = Self { head: String::new(), rows: Vec::new() };
        let mut has_header = false;
        for (line, text) in (1_u64..).zip(text.lines()) {
            let is_blank = text.trim().is_empty();
            if has_header && !is_blank {
                sheet.add_row(line, text, named)?;
                continue;
            }
            let is_header = !has_header && !is_blank && !text.trim_start().starts_with('#');
            has_header |= is_header;
            sheet.head.push_str(if is_header { header_without_rejection(line, text, named)? } else { text });
            sheet.head.push('\n');
        }
        if !named.is_empty() && named.len() != sheet.rows.len() {
            let message = format!("the file has {} rows for {} rejections", sheet.rows.len(), named.len());
            return Err(SourceError::new("row-count-mismatch", NAME, 0, message));
        }
        Ok(sheet)
    }

    fn add_row(&mut self, line: u64, text: &str, named: &[u64]) -> Result<(), SourceError> {
        if let Some(number) = named.get(self.rows.len()) {
            self.rows.push((line, *number, text.to_owned()));
            return Ok(());
        }
        let (number, rest) = text.split_once(',').unwrap_or((text, ""));
        let number = number.trim().trim_matches('"');
        let number = number.parse().map_err(|_| {
            SourceError::new("invalid-rejection", NAME, line, "this is not the number of a rejection")
                .at(REJECTION_COLUMN, number)
                .with_hint(
                    "`orewatch rejections RELEASE --export FILE` writes the numbers into the first column",
                )
        })?;
        self.rows.push((line, number, rest.to_owned()));
        Ok(())
    }

    /// Numbers of the rejections, in the order of the rows.
    pub fn rejections(&self) -> Vec<u64> {
        self.rows.iter().map(|(_, number, _)| *number).collect()
    }

    /// Reads all rows.
    ///
    /// # Errors
    /// [`SourceError`] for a file that is not in the form of the release.
    pub fn read(
        &self,
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<RepairedRows, SourceError> {
        self.read_rows(&self.rows.iter().collect::<Vec<_>>(), release, codes, limits)
    }

    /// Reads each row by itself. Returns each with its line.
    ///
    /// # Errors
    /// As [`RepairSheet::read`].
    pub fn read_each(
        &self,
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<Vec<(u64, RepairedRows)>, SourceError> {
        let read = |row: &(u64, u64, String)| Ok((row.0, self.read_rows(&[row], release, codes, limits)?));
        self.rows.iter().map(read).collect()
    }

    fn read_rows(
        &self,
        rows: &[&(u64, u64, String)],
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<RepairedRows, SourceError> {
        let plan = self.plan(rows, release, codes, limits)?;
        let file = plan.release.files.first().cloned().unwrap_or_default();
        let mut repaired = RepairedRows { chunks: Vec::new(), wrong: Vec::new(), file };
        let totals = read(&plan, &mut |piece, _| -> Result<(), SourceError> {
            match piece {
                Rows::Observations(chunk) => repaired.chunks.push(chunk),
                Rows::Quarantine(chunk) => repaired.wrong.extend(chunk.rejections),
            }
            Ok(())
        })?;
        let expected = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if totals.read != expected {
            let message = format!("the {expected} rows hold {} figures; each row must hold one", totals.read);
            return Err(invalid_file(release, message));
        }
        Ok(repaired)
    }

    /// The plan of these rows alone, each on the line that it has in the sheet.
    fn plan(
        &self,
        rows: &[&(u64, u64, String)],
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<Plan, SourceError> {
        let mut text = self.head.clone();
        let mut line = u64::try_from(self.head.lines().count()).unwrap_or(u64::MAX);
        for (at, _, row) in rows {
            while line.saturating_add(1) < *at {
                text.push('\n');
                line += 1;
            }
            text.push_str(row);
            text.push('\n');
            line += 1;
        }
        let input = Input::Memory { name: NAME.to_owned(), bytes: Bytes::from(text) };
        let plans = plan(vec![input], &metadata(release), codes, limits, &mut |_| {})?;
        let plan = plans.into_iter().find(|plan| plan.table == release.table());
        let fits = |plan: &Plan| {
            let is_tidy = plan.source.about().id == tidy::ID;
            plan.source.is_row_by_row() && (is_format_of(plan.source, release) || is_tidy)
        };
        plan.filter(fits).ok_or_else(|| {
            invalid_file(release, "the rows are of another format than the release".to_owned())
        })
    }
}

/// The header without its column `rejection`.
fn header_without_rejection<'a>(line: u64, text: &'a str, named: &[u64]) -> Result<&'a str, SourceError> {
    if !named.is_empty() {
        return Ok(text);
    }
    let (first, rest) = text.split_once(',').unwrap_or((text, ""));
    if first.trim().trim_matches('"') == REJECTION_COLUMN {
        return Ok(rest);
    }
    Err(SourceError::new(
        "missing-column",
        NAME,
        line,
        format!("the first column is not `{REJECTION_COLUMN}`"),
    )
    .at("header", text)
    .with_hint("`orewatch rejections RELEASE --export FILE` writes a file to repair"))
}

fn invalid_file(release: &Release, message: String) -> SourceError {
    let (columns, as_written) = repair_columns(release);
    let hint = match as_written {
        true => format!("the columns are {REJECTION_COLUMN},{}", columns.join(",")),
        false => format!(
            "files of {} have several figures in a row, or no rows: repair them as tidy rows \
             {REJECTION_COLUMN},{}",
            release.parser,
            columns.join(",")
        ),
    };
    SourceError::new("invalid-repair-file", NAME, 0, message).with_hint(hint)
}

/// The metadata of the release, so that its rows need not repeat them.
fn metadata(release: &Release) -> Metadata {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Metadata {
        dataset: some(&release.dataset),
        vintage: some(&release.vintage),
        hs: some(&release.hs_revision),
        table: Some(table_name(release.table()).to_owned()),
        ..Metadata::default()
    }
}
