//! Detects which layout a file has, where its columns are, and of which edition it is.
use bytes::Bytes;

use super::super::csv_file::CsvFile;
use super::super::input::Input;
use super::super::records::{Record, Records, detect_dialect};
use super::super::text::is_digits;
use super::super::{Content, Head, Limits, Reject, Setup, SourceError};
use super::EDITION_HINT;
use super::series;

/// A layout with its columns, each from 0.
#[derive(Debug)]
pub(super) enum Layout {
    /// World production, a column a year.
    World(World),
    /// Salient statistics, a column each.
    Salient(Salient),
    /// World production and salient statistics, a row a figure.
    Long(Long),
}

/// Columns of world production.
#[derive(Debug)]
pub(super) struct World {
    pub(super) source: usize,
    pub(super) country: usize,
    pub(super) kind: usize,
    /// None: the type names the commodity.
    pub(super) commodity: Option<usize>,
    /// None: names of columns carry the unit.
    pub(super) unit: Option<usize>,
    pub(super) notes: Option<usize>,
    pub(super) produced: Vec<Produced>,
    /// Reserves, capacity, and columns without a name.
    pub(super) others: Vec<usize>,
}

/// A column of production.
#[derive(Debug)]
pub(super) struct Produced {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) year: i16,
    /// Unit in the column's name; empty if it has none.
    pub(super) unit: String,
    /// All figures of the column are estimates, unless the notes say otherwise.
    pub(super) estimated: bool,
}

/// Columns of salient statistics.
#[derive(Debug)]
pub(super) struct Salient {
    pub(super) source: usize,
    pub(super) commodity: usize,
    pub(super) year: usize,
    pub(super) statistics: Vec<StatisticColumn>,
}

/// A column of a statistic: `Imports_Ores_kt` has the statistic `imports`, the detail `Ores` and the unit
/// `kt`.
#[derive(Debug)]
pub(super) struct StatisticColumn {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) statistic: String,
    pub(super) detail: String,
    pub(super) unit: String,
}

/// Columns of the long layout.
#[derive(Debug)]
pub(super) struct Long {
    pub(super) section: usize,
    pub(super) commodity: usize,
    pub(super) country: usize,
    pub(super) statistic: usize,
    pub(super) detail: usize,
    pub(super) unit: usize,
    pub(super) year: usize,
    pub(super) value: usize,
    /// Notes on a figure.
    pub(super) notes: Option<usize>,
    /// Notes on all figures of a chapter.
    pub(super) chapter_notes: Option<usize>,
}

impl Layout {
    /// The layout of a file. None: it is not of the Summaries.
    pub(super) fn detect(head: &Head) -> Option<Self> {
        let header = read_beginning(head, |records| Ok(records.header.clone())).ok()?;
        let names: Vec<_> = header.iter().map(|name| words(name)).collect();
        long(&names)
            .map(Self::Long)
            .or_else(|| world(&header, &names).map(Self::World))
            .or_else(|| salient(&header, &names).map(Self::Salient))
    }
}

/// The words of a column name: `PROD_EST_ 2024` has three.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let is_separator = |letter: char| letter == '_' || letter.is_whitespace();
    name.split(is_separator).filter(|word| !word.is_empty())
}

/// The words of a column name in lower case.
fn words(name: &str) -> Vec<String> {
    parts(name).map(str::to_lowercase).collect()
}

fn find(names: &[Vec<String>], wanted: &[&str]) -> Option<usize> {
    names.iter().position(|words| words == wanted)
}

fn long(names: &[Vec<String>]) -> Option<Long> {
    Some(Long {
        section: find(names, &["section"])?,
        commodity: find(names, &["commodity"])?,
        country: find(names, &["country"])?,
        statistic: find(names, &["statistics"])?,
        detail: find(names, &["statistics", "detail"])?,
        unit: find(names, &["unit"])?,
        year: find(names, &["year"])?,
        value: find(names, &["value"])?,
        notes: find(names, &["notes"]),
        chapter_notes: find(names, &["other", "notes"]),
    })
}

fn world(header: &[String], names: &[Vec<String>]) -> Option<World> {
    let source = find(names, &["source"])?;
    let country = find(names, &["country"])?;
    let kind = find(names, &["type"])?;
    let commodity = find(names, &["commodity"]);
    let unit = find(names, &["unit", "meas"]).or_else(|| find(names, &["unit"]));
    let all = (0..).zip(header).zip(names);
    let produced: Vec<_> = all.filter_map(|((at, name), words)| produced(at, name, words)).collect();
    if produced.is_empty() {
        return None;
    }
    let keys = [Some(source), Some(country), Some(kind), commodity, unit];
    let notes = |words: &[String]| words.last().is_some_and(|last| last.starts_with("note"));
    let is_other = |(at, words): &(usize, &Vec<String>)| {
        !keys.contains(&Some(*at)) && !notes(words) && produced.iter().all(|column| column.column != *at)
    };
    let others = names.iter().enumerate().filter(is_other).map(|(at, _)| at).collect();
    let notes = find(names, &["prod", "notes"]);
    Some(World { source, country, kind, commodity, unit, notes, produced, others })
}

/// A column of production: `Prod_t_est_2023`, `Prod_kt_2022`, `PROD_EST_ 2024`; the words behind the first
/// come in any order.
fn produced(column: usize, name: &str, words: &[String]) -> Option<Produced> {
    let (first, rest) = words.split_first()?;
    if first != "prod" && first != "production" {
        return None;
    }
    let year = rest.iter().find_map(|word| year(word))?;
    let is_estimate = |word: &str| word.get(..3).is_some_and(|est| est.eq_ignore_ascii_case("est"));
    let unit = parts(name).skip(1).filter(|word| self::year(word).is_none() && !is_estimate(word));
    let unit = unit.collect::<Vec<_>>().join(" ");
    let estimated = rest.iter().any(|word| is_estimate(word));
    Some(Produced { column, name: name.to_owned(), year, unit, estimated })
}

fn salient(header: &[String], names: &[Vec<String>]) -> Option<Salient> {
    let source = find(names, &["datasource"]).or_else(|| find(names, &["source"]))?;
    let commodity = find(names, &["commodity"])?;
    let year = find(names, &["year"])?;
    let statistic = |(column, name): (usize, &String)| {
        let mut parts: Vec<_> = name.split('_').map(str::trim).collect();
        let unit = if parts.len() > 1 { parts.pop().unwrap_or_default() } else { "" };
        let (statistic, detail) = parts.split_first().unwrap_or((&"", &[]));
        StatisticColumn {
            column,
            name: name.clone(),
            statistic: statistic.to_lowercase(),
            detail: detail.join(" "),
            unit: unit.to_owned(),
        }
    };
    let columns = header.iter().enumerate().filter(|(at, _)| ![source, commodity, year].contains(at));
    let statistics: Vec<_> = columns.map(statistic).collect();
    let is_known = |column: &StatisticColumn| {
        ["usprod", "imports", "exports", "nir"].contains(&column.statistic.as_str())
    };
    statistics.iter().any(is_known).then_some(Salient { source, commodity, year, statistics })
}

/// Reads a year from 1900 to 2100 in four digits.
pub(super) fn year(text: &str) -> Option<i16> {
    let four_digits = text.len() == 4 && is_digits(text);
    four_digits.then(|| text.parse().ok()).flatten().filter(|year| (1900..=2100).contains(year))
}

/// The edition that a cell such as `MCS2024` names.
fn edition_of_cell(source: &str) -> Option<i16> {
    let letters = source.get(..3).filter(|letters| letters.eq_ignore_ascii_case("mcs"))?;
    year(source.get(letters.len()..)?.trim())
}

/// The edition of a file: the one that its first row names; in the long layout, whose rows name none, the
/// year after the newest. None: unknown.
pub(super) fn edition(head: &Head) -> Option<i16> {
    match Layout::detect(head)? {
        Layout::World(World { source, .. }) | Layout::Salient(Salient { source, .. }) => {
            rows(head, |row, found: &mut Option<i16>| {
                *found = found.or_else(|| edition_of_cell(row.get(source)))
            })
        }
        Layout::Long(columns) => {
            let newest: Option<i16> = rows(head, |row, found: &mut Option<i16>| {
                let text = row.get(columns.year);
                *found = (*found).max(year(text.strip_suffix('e').unwrap_or(text)));
            });
            newest.map(|newest| newest.saturating_add(1))
        }
    }
}

/// Gives the rows in the beginning of a file to `each`; the last may be cut off.
fn rows<T: Default>(head: &Head, mut each: impl FnMut(Record<'_>, &mut T)) -> T {
    let mut found = T::default();
    let _cut_off = read_beginning(head, |records| {
        while let Some(row) = records.next()? {
            each(row, &mut found);
        }
        Ok(())
    });
    found
}

/// Reads the beginning of a file as records.
fn read_beginning<T>(
    head: &Head,
    read: impl FnOnce(&mut Records<'_>) -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let limits = Limits { line: head.bytes.len().max(1), ..Limits::default() };
    let input = Input::Memory { name: head.file.clone(), bytes: Bytes::copy_from_slice(&head.bytes) };
    let mut content = input.open(limits)?;
    read(&mut Records::open(&head.file, &mut content, limits, detect_dialect(head))?)
}

/// A file of the Summaries: what readers of every layout need.
#[derive(Debug)]
pub(super) struct SummaryFile {
    csv: CsvFile,
    pub(super) edition: Option<i16>,
    /// The material of a file about one commodity, if its types or its name give only one.
    only_material: Option<&'static str>,
}

impl SummaryFile {
    /// The file with this beginning.
    pub(super) fn new(head: &Head, setup: &Setup) -> Self {
        let only_material = match Layout::detect(head) {
            Some(Layout::World(columns)) if columns.commodity.is_none() => {
                let mut found: Vec<&'static str> = rows(head, |row, found: &mut Vec<_>| {
                    found.extend(series::materials(row.get(columns.kind)));
                });
                found.sort_unstable();
                found.dedup();
                match *found {
                    [] => series::material_of_file_name(&head.file),
                    [only] => Some(only),
                    _ => None,
                }
            }
            _ => None,
        };
        Self { csv: CsvFile::new(head, setup), edition: edition(head), only_material }
    }

    /// The only material that the file is about, if there is one.
    pub(super) fn only_material(&self) -> Option<&'static str> {
        self.only_material
    }

    /// The records of the file.
    pub(super) fn records<'a>(&self, content: &'a mut Content) -> Result<Records<'a>, SourceError> {
        self.csv.records(content)
    }

    /// Checks that a row is of the file's edition.
    pub(super) fn check_edition(&self, column: &str, source: &str) -> Result<(), Reject> {
        let edition = edition_of_cell(source);
        if edition.is_some() && edition == self.edition {
            return Ok(());
        }
        let reason = match self.edition {
            Some(year) => format!("the row is not of the file's edition, which is MCS{year}"),
            None => "the edition of the file is unknown".to_owned(),
        };
        Err(Reject::new("mixed-editions", column, source, reason).with_hint(EDITION_HINT))
    }

    /// Checks that the edition can know a year: it is published in the year after the last that it describes.
    pub(super) fn check_year(&self, column: &str, text: &str, year: i16) -> Result<(), Reject> {
        match self.edition {
            Some(edition) if year >= edition => {
                let reason = format!("the edition of {edition} has no figures for {year}");
                Err(Reject::new("year-and-edition", column, text, reason)
                    .with_hint("is the year wrong, or does the file hold rows of two editions?"))
            }
            _ => Ok(()),
        }
    }
}
