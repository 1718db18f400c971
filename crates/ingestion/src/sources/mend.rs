//! Rows that were set aside and are mended: a file in the format of the release, or of our own tidy rows, whose column
//! `rejection` says which row stands for which.
use bytes::Bytes;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Rejection, Release, SourceFile};

use super::lines::Lines;
use super::plan::{MOST_COLUMNS, Plan, plan};
use super::table::table_name;
use super::{Input, Limits, Metadata, SOURCES, Source, SourceError, read, tidy};
use crate::codes::Codes;

/// The column that numbers rejections.
pub const REJECTION: &str = "rejection";

/// What the file is called where it has no name.
const NAME: &str = "repair.csv";

/// Mended rows of a release.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// What comes before the rows, as the format has it.
    head: String,
    /// Each row with its line and the rejection that it stands for.
    rows: Vec<(u64, u64, String)>,
}

/// What mended rows say.
#[derive(Debug)]
pub(crate) struct Mended {
    /// The rows, in chunks.
    pub(crate) chunks: Vec<ObservationsRecorded>,
    /// Rows that are wrong still.
    pub(crate) wrong: Vec<Rejection>,
    /// The file.
    pub(crate) file: SourceFile,
}

/// The header of the rows that mend a release, without the column `rejection`, and whether rows are mended as they are written
/// in its files; others are mended as tidy rows.
#[must_use]
pub fn form(release: &Release) -> (Vec<String>, bool) {
    // Records have members and no rows.
    let file = release.files.first().filter(|file| !file.records);
    let columns = file.map(|file| file.columns.clone()).unwrap_or_default();
    match by_rows(release) && (1..MOST_COLUMNS).contains(&columns.len()) {
        true => (columns, true),
        false => (tidy::columns(release.table()).map(str::to_owned).collect(), false),
    }
}

/// The lines of a file around one of them, two to each side, with their numbers.
///
/// # Errors
/// [`SourceError`] for a file that cannot be read as lines that far.
pub fn around(input: &Input, line: u64) -> Result<Vec<(u64, String)>, SourceError> {
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
fn by_rows(release: &Release) -> bool {
    SOURCES.iter().any(|source| reads(*source, release) && source.is_row_by_row())
}

/// Whether a source read the release, in this version or another.
fn reads(source: &dyn Source, release: &Release) -> bool {
    let name = |id: &str| id.split('/').next().unwrap_or_default().to_owned();
    name(source.about().id) == name(&release.parser)
}

impl Sheet {
    /// Takes the column `rejection` off. Where rejections are named beside the file, it has no such column, and its rows stand
    /// for them in their order.
    ///
    /// # Errors
    /// [`SourceError`] for a file that is no text, has no such column, or another number of rows.
    pub(crate) fn of(content: &[u8], named: &[u64]) -> Result<Self, SourceError> {
        let text = std::str::from_utf8(content).map_err(|error| {
            SourceError::new("not-utf8", NAME, 0, format!("the file is not UTF-8: {error}"))
                .with_hint("save it as csv in UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut sheet = Self { head: String::new(), rows: Vec::new() };
        let mut headed = false;
        for (line, text) in (1_u64..).zip(text.lines()) {
            let blank = text.trim().is_empty();
            if headed && !blank {
                sheet.row(line, text, named)?;
                continue;
            }
            let is_header = !headed && !blank && !text.trim_start().starts_with('#');
            headed |= is_header;
            sheet.head.push_str(if is_header { header(line, text, named)? } else { text });
            sheet.head.push('\n');
        }
        if !named.is_empty() && named.len() != sheet.rows.len() {
            let message = format!("{} rows for {} rejections", sheet.rows.len(), named.len());
            return Err(SourceError::new("row-count", NAME, 0, message));
        }
        Ok(sheet)
    }

    fn row(&mut self, line: u64, text: &str, named: &[u64]) -> Result<(), SourceError> {
        if let Some(number) = named.get(self.rows.len()) {
            self.rows.push((line, *number, text.to_owned()));
            return Ok(());
        }
        let (number, rest) = text.split_once(',').unwrap_or((text, ""));
        let number = number.trim().trim_matches('"');
        let number = number.parse().map_err(|_| {
            SourceError::new("bad-rejection", NAME, line, "this is not the number of a rejection")
                .at(REJECTION, number)
                .with_hint("`orewatch rejections RELEASE --export FILE` writes the numbers first")
        })?;
        self.rows.push((line, number, rest.to_owned()));
        Ok(())
    }

    /// Numbers of the rejections, row by row.
    pub(crate) fn rejections(&self) -> Vec<u64> {
        self.rows.iter().map(|(_, number, _)| *number).collect()
    }

    /// Reads all rows.
    ///
    /// # Errors
    /// [`SourceError`] for a file that is not in the form of the release.
    pub(crate) fn read(
        &self,
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<Mended, SourceError> {
        self.read_rows(&self.rows.iter().collect::<Vec<_>>(), release, codes, limits)
    }

    /// Reads each row by itself; what could not be read before cannot be read here.
    pub(crate) fn each(
        &self,
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<Vec<(u64, Mended)>, SourceError> {
        let one = |row: &(u64, u64, String)| Ok((row.0, self.read_rows(&[row], release, codes, limits)?));
        self.rows.iter().map(one).collect()
    }

    fn read_rows(
        &self,
        rows: &[&(u64, u64, String)],
        release: &Release,
        codes: &Codes,
        limits: Limits,
    ) -> Result<Mended, SourceError> {
        let plan = self.plan(rows, release, codes, limits)?;
        let file = plan.release.files.first().cloned().unwrap_or_default();
        let mut mended = Mended { chunks: Vec::new(), wrong: Vec::new(), file };
        let totals = read(&plan, &mut |piece, _| -> Result<(), SourceError> {
            match piece {
                Rows::Observations(chunk) => mended.chunks.push(chunk),
                Rows::Quarantine(chunk) => mended.wrong.extend(chunk.rejections),
            }
            Ok(())
        })?;
        let expected = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        if totals.read != expected {
            let message = format!("{expected} rows say {} figures: a row mends one", totals.read);
            return Err(misformed(release, message));
        }
        Ok(mended)
    }

    /// The rows as a file of their own, each on the line that it has here, below what comes before them.
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
        let plans = plan(vec![input], &given(release), codes, limits, &mut |_| {})?;
        let plan = plans.into_iter().find(|plan| plan.table == release.table());
        let fits = |plan: &Plan| {
            let is_tidy = plan.source.about().id == tidy::ID;
            plan.source.is_row_by_row() && (reads(plan.source, release) || is_tidy)
        };
        plan.filter(fits).ok_or_else(|| misformed(release, "the rows are of another format".to_owned()))
    }
}

/// The header without its column `rejection`.
fn header<'a>(line: u64, text: &'a str, named: &[u64]) -> Result<&'a str, SourceError> {
    if !named.is_empty() {
        return Ok(text);
    }
    let (first, rest) = text.split_once(',').unwrap_or((text, ""));
    if first.trim().trim_matches('"') == REJECTION {
        return Ok(rest);
    }
    Err(SourceError::new("missing-column", NAME, line, format!("the first column is not `{REJECTION}`"))
        .at("header", text)
        .with_hint("`orewatch rejections RELEASE --export FILE` writes a file to mend"))
}

fn misformed(release: &Release, message: String) -> SourceError {
    let (columns, written) = form(release);
    let hint = match written {
        true => format!("the columns are {REJECTION},{}", columns.join(",")),
        false => format!(
            "files of {} have several figures a row or no rows: mend them as tidy rows {REJECTION},{}",
            release.parser,
            columns.join(",")
        ),
    };
    SourceError::new("repair-format", NAME, 0, message).with_hint(hint)
}

/// What is known of the release, so that its rows need not say it again.
fn given(release: &Release) -> Metadata {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Metadata {
        dataset: some(&release.dataset),
        vintage: some(&release.vintage),
        hs: some(&release.hs_revision),
        table: Some(table_name(release.table()).to_owned()),
        ..Metadata::default()
    }
}
