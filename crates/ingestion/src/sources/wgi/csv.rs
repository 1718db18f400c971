//! The indicators as csv: a row an estimate, a column a year, or a column an indicator.
use super::super::input::Content;
use super::super::out::{Halt, Out, Place};
use super::super::records::{Form, Record, Records};
use super::super::{Head, Limits, Reader, Reject, SourceError};
use super::{Estimate, INDICATORS, Series, by_code, by_letters, is_missing, number, rescaled};

/// Names of the column of economies, in the order of preference.
pub(super) const CODES: [&str; 6] =
    ["code", "country code", "economy (code)", "economy code", "wbcode", "countryiso3code"];

/// Columns of estimates in the bank's Stata file, and what is made of it; beside each stand its standard error (`vas`), rank (`var`)
/// and others.
const SHEET: [(&str, &str); 6] = [
    ("cce", "control-of-corruption"),
    ("gee", "government-effectiveness"),
    ("pve", "political-stability"),
    ("rle", "rule-of-law"),
    ("rqe", "regulatory-quality"),
    ("vae", "voice-and-accountability"),
];

/// Names of the column of indicators.
pub(super) const NAMES: [&str; 4] = ["indicator", "series code", "indicator code", "series"];

/// Where the columns of a file are, from 0.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    economy: usize,
    /// None: the file is about one indicator.
    indicator: Option<usize>,
    figures: Figures,
    header: Vec<String>,
}

/// Where the figures of a row are.
#[derive(Clone, Debug)]
enum Figures {
    /// One, of the year in a column.
    Long { year: usize, value: usize },
    /// Columns with their years.
    Wide(Vec<(usize, String)>),
    /// Columns with their indicators, of the year in a column.
    Sheet { year: usize, columns: Vec<(usize, &'static str)> },
}

/// A figure of a record.
struct Cell<'a> {
    /// Its year, and the name of the column that says it.
    year: (&'a str, &'a str),
    text: &'a str,
    /// Place of its column, from 0.
    place: usize,
    /// The indicator that its column is of. None: the record says it.
    indicator: Option<&'static str>,
}

impl Layout {
    /// The columns of a header, if it is one of the indicators'.
    pub(super) fn find(header: &[String]) -> Option<Self> {
        let lower: Vec<_> = header.iter().map(|name| name.to_lowercase()).collect();
        let place =
            |wanted: &[&str]| wanted.iter().find_map(|name| lower.iter().position(|column| column == name));
        let value = place(&["estimate", "value"])
            .or_else(|| lower.iter().position(|column| column.starts_with("governance estimate")));
        let columns = SHEET.iter().filter_map(|&(name, indicator)| Some((place(&[name])?, indicator)));
        let columns: Vec<_> = columns.collect();
        let figures = match (place(&["year"]), value) {
            (Some(year), Some(value)) => Figures::Long { year, value },
            (Some(year), None) if !columns.is_empty() => Figures::Sheet { year, columns },
            _ => Figures::Wide(years(header)),
        };
        if matches!(&figures, Figures::Wide(years) if years.is_empty()) {
            return None;
        }
        Some(Self { economy: place(&CODES)?, indicator: place(&NAMES), figures, header: header.to_vec() })
    }

    /// Columns that are known.
    pub(super) fn likeness(&self) -> usize {
        let figures = match &self.figures {
            Figures::Long { .. } => 2,
            Figures::Wide(years) => years.len(),
            Figures::Sheet { columns, .. } => 1 + columns.len(),
        };
        1 + usize::from(self.indicator.is_some()) + figures
    }

    /// Whether the rows are of the indicators: other tables have a code and years as well. Where there is no row, the header may
    /// be that of such a file.
    pub(super) fn is_like(&self, sample: &[Vec<String>]) -> bool {
        if sample.len() < 2 && matches!(self.figures, Figures::Long { .. }) {
            return true;
        }
        let named = |name: &str| self.header.iter().any(|column| column.eq_ignore_ascii_case(name));
        let rows = || sample.iter().skip(1);
        match (self.indicator, &self.figures) {
            (_, Figures::Sheet { .. }) => true,
            (Some(column), _) => rows()
                .filter_map(|row| row.get(column))
                .any(|text| by_letters(text).is_some() || matches!(by_code(text), Series::Estimate(_))),
            (None, Figures::Long { value, .. }) => {
                let name = self.column(*value).to_lowercase();
                name == "estimate" || name.starts_with("governance estimate")
            }
            (None, Figures::Wide(_)) => named("country/territory") || named("wbcode"),
        }
    }

    /// Refuses what is about no indicator that can be told, and what holds no estimates.
    pub(super) fn check(&self, head: &Head, sample: &[Vec<String>]) -> Result<(), SourceError> {
        let columns = match &self.figures {
            Figures::Long { value, .. } => vec![*value],
            Figures::Wide(years) => years.iter().map(|(column, _)| *column).collect(),
            Figures::Sheet { columns, .. } => columns.iter().map(|(column, _)| *column).collect(),
        };
        let is_other = |row: &&Vec<String>| {
            let name = self.indicator.and_then(|column| row.get(column));
            name.is_some_and(|name| by_letters(name).is_none() && by_code(name) == Series::Other)
        };
        let rows = sample.iter().skip(1).filter(|row| !is_other(row));
        let figures = rows.flat_map(|row| columns.iter().filter_map(|column| number(row.get(*column)?)));
        rescaled(&head.file, &figures.collect::<Vec<_>>())?;
        let by_column = matches!(self.figures, Figures::Sheet { .. });
        if self.indicator.is_none() && !by_column && by_name(&head.file).is_none() {
            let known = INDICATORS.map(|(letters, name)| format!("{} for {name}", letters.to_lowercase()));
            let message = "the file does not say which of the six indicators it is about";
            return Err(SourceError::new("missing-indicator", &head.file, 1, message).with_hint(format!(
                "put its letters into the file's name, such as wgi_pv.csv: {}",
                known.join(", ")
            )));
        }
        Ok(())
    }

    fn column(&self, place: usize) -> &str {
        self.header.get(place).map_or("", String::as_str)
    }

    /// The series of a row.
    fn series(&self, record: Record<'_>, of_file: Option<&'static str>) -> Result<Series, Reject> {
        let Some(column) = self.indicator else {
            return Ok(of_file.map_or(Series::Other, Series::Estimate));
        };
        let text = record.get(column);
        match by_letters(text) {
            Some(name) => Ok(Series::Estimate(name)),
            None if text.contains(['.', '_']) => Ok(by_code(text)),
            None => {
                let known = INDICATORS.map(|(letters, _)| letters.to_lowercase());
                Err(Reject::new(
                    "bad-indicator",
                    self.column(column),
                    text,
                    "this is none of the six indicators",
                )
                .with_hint(format!("one of {}", known.join(", "))))
            }
        }
    }

    /// The figures of a record.
    fn figures<'a>(&'a self, record: Record<'a>) -> Vec<Cell<'a>> {
        let cell = |year, place, indicator| Cell { year, text: record.get(place), place, indicator };
        let year = |place| (record.get(place), self.column(place));
        match &self.figures {
            Figures::Long { year: of, value } => vec![cell(year(*of), *value, None)],
            Figures::Wide(years) => {
                let of = |(place, year): &'a (usize, String)| {
                    cell((year.as_str(), self.column(*place)), *place, None)
                };
                years.iter().map(of).collect()
            }
            Figures::Sheet { year: of, columns } => {
                columns.iter().map(|(place, indicator)| cell(year(*of), *place, Some(*indicator))).collect()
            }
        }
    }
}

/// What the DataBank says of its source below the rows, and blank lines.
fn is_below(record: Record<'_>) -> bool {
    let said = ["Data from database:", "Last Updated:"];
    record.is_blank() || said.iter().any(|said| record.get(0).starts_with(said))
}

/// The columns that are years: `2022`, and `2022 [YR2022]` of the DataBank.
fn years(header: &[String]) -> Vec<(usize, String)> {
    let year = |name: &String| {
        let (year, rest) = name.split_at_checked(4)?;
        let is_year = year.bytes().all(|byte| byte.is_ascii_digit()) && year.starts_with(['1', '2']);
        (is_year && (rest.is_empty() || rest.trim_start().starts_with("[YR"))).then(|| year.to_owned())
    };
    header.iter().enumerate().filter_map(|(place, name)| Some((place, year(name)?))).collect()
}

/// The indicator that a file's name says: `pv.csv`, `WGI_PV_Estimate.csv`.
fn by_name(file: &str) -> Option<&'static str> {
    file.split(|c: char| !c.is_ascii_alphanumeric()).find_map(by_letters)
}

/// Reads the estimates of a csv file.
pub(super) struct Estimates {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) form: Form,
    pub(super) layout: Layout,
}

impl Reader for Estimates {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let of_file = by_name(&self.file);
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        let columns = records.columns;
        while let Some(record) = records.next()? {
            self.record(record, columns, of_file, out)?;
        }
        Ok(())
    }
}

impl Estimates {
    fn record(
        &self,
        record: Record<'_>,
        columns: usize,
        of_file: Option<&'static str>,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        let layout = &self.layout;
        let code = record.get(layout.economy);
        let figures = layout.figures(record);
        let whole = record.whole(columns);
        let nothing = code.is_empty() && figures.iter().all(|cell| is_missing(cell.text));
        if nothing && (whole.is_ok() || is_below(record)) {
            return Ok(());
        }
        if let Err(reject) = whole {
            return out.reject(reject, Place::line(record.line), &record.to_text());
        }
        let series = layout.series(record, of_file);
        let economy = (layout.column(layout.economy), code);
        for Cell { year: (year, in_year), text, place: column, indicator } in figures {
            let place = match layout.figures {
                Figures::Long { .. } => Place::line(record.line),
                Figures::Wide(_) | Figures::Sheet { .. } => Place::cell(record.line, column),
            };
            let series =
                indicator.map_or_else(|| series.clone(), |indicator| Ok(Series::Estimate(indicator)));
            let observed = match series {
                Err(reject) => Err(reject),
                Ok(Series::Other) => Ok(None),
                Ok(Series::Estimate(indicator)) => {
                    let value = (layout.column(column), text);
                    Estimate { economy, year: (in_year, year), value, indicator }.observe(out.names())
                }
            };
            match observed {
                Ok(Some(row)) => out.row(row, place)?,
                Ok(None) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
        }
        Ok(())
    }
}
