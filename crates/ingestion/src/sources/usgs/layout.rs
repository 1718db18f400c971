//! Which layout a file has, where its columns are, and of which edition it is.
use bytes::Bytes;

use super::super::input::Input;
use super::super::records::{Form, Record, Records, form};
use super::super::{Content, Head, Limits, Reject, SourceError};
use super::EDITION;
use super::series;

/// A layout with its columns, each from 0.
#[derive(Debug)]
pub(super) enum Layout {
    /// World production, a column a year.
    World(World),
    /// Salient statistics, a column each.
    Salient(Salient),
    /// Everything, a row a figure.
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
    /// All figures of the column are estimates, where its notes say nothing else.
    pub(super) estimated: bool,
}

/// Columns of salient statistics.
#[derive(Debug)]
pub(super) struct Salient {
    pub(super) source: usize,
    pub(super) commodity: usize,
    pub(super) year: usize,
    pub(super) told: Vec<Told>,
}

/// A column of a statistic: `Imports_Ores_kt` has the statistic `imports`, the detail `Ores` and the unit `kt`.
#[derive(Debug)]
pub(super) struct Told {
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
    pub(super) notes: Option<usize>,
}

impl Layout {
    /// The layout of a file. None: it is none of the Summaries.
    pub(super) fn of(head: &Head) -> Option<Self> {
        let header = look(head, |records| Ok(records.header.clone())).ok()?;
        let names: Vec<_> = header.iter().map(|name| words(name)).collect();
        long(&names)
            .map(Self::Long)
            .or_else(|| world(&header, &names).map(Self::World))
            .or_else(|| salient(&header, &names).map(Self::Salient))
    }
}

/// The words of a column's name: `PROD_EST_ 2024` has three.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let apart = |letter: char| letter == '_' || letter.is_whitespace();
    name.split(apart).filter(|word| !word.is_empty())
}

/// The same in lower case.
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

/// `Prod_t_est_2023`, `Prod_kt_2022`, `PROD_EST_ 2024`: the words in any order after the first.
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
    let told = |(column, name): (usize, &String)| {
        let mut parts: Vec<_> = name.split('_').map(str::trim).collect();
        let unit = if parts.len() > 1 { parts.pop().unwrap_or_default() } else { "" };
        let (statistic, detail) = parts.split_first().unwrap_or((&"", &[]));
        Told {
            column,
            name: name.clone(),
            statistic: statistic.to_lowercase(),
            detail: detail.join(" "),
            unit: unit.to_owned(),
        }
    };
    let columns = header.iter().enumerate().filter(|(at, _)| ![source, commodity, year].contains(at));
    let told: Vec<_> = columns.map(told).collect();
    let known = |told: &Told| ["usprod", "imports", "exports", "nir"].contains(&told.statistic.as_str());
    told.iter().any(known).then_some(Salient { source, commodity, year, told })
}

/// Four digits of a year from 1900 to 2100.
pub(super) fn year(text: &str) -> Option<i16> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|year| (1900..=2100).contains(year))
}

/// The edition that a cell such as `MCS2024` names.
pub(super) fn named(source: &str) -> Option<i16> {
    let letters = source.get(..3).filter(|letters| letters.eq_ignore_ascii_case("mcs"))?;
    year(source.get(letters.len()..)?.trim())
}

/// The edition of a file: the one that its first row names, and of the long layout, whose rows name none, the year after
/// the newest. None: it cannot be told.
pub(super) fn edition(head: &Head) -> Option<i16> {
    match Layout::of(head)? {
        Layout::World(World { source, .. }) | Layout::Salient(Salient { source, .. }) => {
            rows(head, |row, found: &mut Option<i16>| *found = found.or_else(|| named(row.get(source))))
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

/// Goes through the rows in a file's beginning; the last may be cut off.
fn rows<T: Default>(head: &Head, mut each: impl FnMut(Record<'_>, &mut T)) -> T {
    let mut found = T::default();
    let _cut_off = look(head, |records| {
        while let Some(row) = records.next()? {
            each(row, &mut found);
        }
        Ok(())
    });
    found
}

/// Reads a file's beginning as records.
fn look<T>(
    head: &Head,
    read: impl FnOnce(&mut Records<'_>) -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let limits = Limits { line: head.bytes.len().max(1), ..Limits::default() };
    let input = Input::Memory { name: head.file.clone(), bytes: Bytes::copy_from_slice(&head.bytes) };
    let mut content = input.open(limits)?;
    read(&mut Records::open(&head.file, &mut content, limits, form(head))?)
}

/// What readers of every layout need.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) edition: Option<i16>,
    limits: Limits,
    form: Form,
    /// The material of a file that is about one commodity: the only one that its types name.
    only: Option<&'static str>,
}

impl File {
    pub(super) fn of(head: &Head, limits: Limits) -> Self {
        let only = match Layout::of(head) {
            Some(Layout::World(columns)) if columns.commodity.is_none() => {
                let mut found: Vec<&'static str> = rows(head, |row, found: &mut Vec<_>| {
                    found.extend(series::materials(row.get(columns.kind)));
                });
                found.sort_unstable();
                found.dedup();
                match *found {
                    [] => series::in_name(&head.file),
                    [one] => Some(one),
                    _ => None,
                }
            }
            _ => None,
        };
        let (edition, form) = (edition(head), form(head));
        Self { name: head.file.clone(), edition, limits, form, only }
    }

    /// The only material that types of the file name, if there is one.
    pub(super) fn only_material(&self) -> Option<&'static str> {
        self.only
    }

    /// The records of the file.
    pub(super) fn records<'a>(&self, content: &'a mut Content) -> Result<Records<'a>, SourceError> {
        Records::open(&self.name, content, self.limits, self.form)
    }

    /// Checks that a row is of the file's edition.
    pub(super) fn is_of_edition(&self, column: &str, source: &str) -> Result<(), Reject> {
        if named(source).is_some() && named(source) == self.edition {
            return Ok(());
        }
        let reason = match self.edition {
            Some(year) => format!("the row is of another edition than the file, which is of MCS{year}"),
            None => "the edition of the file is not known".to_owned(),
        };
        Err(Reject::new("mixed-edition", column, source, reason).with_hint(EDITION))
    }

    /// Checks that an edition can know a year: it comes out in the year after the last that it describes.
    pub(super) fn is_past(&self, column: &str, text: &str, year: i16) -> Result<(), Reject> {
        match self.edition {
            Some(edition) if year >= edition => {
                let reason = format!("the edition of {edition} has no figures of {year}");
                Err(Reject::new("year-and-edition", column, text, reason)
                    .with_hint("is the year wrong, or are rows of two editions in one file?"))
            }
            _ => Ok(()),
        }
    }
}
