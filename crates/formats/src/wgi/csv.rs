//! The indicators as csv: a row an estimate, a column a year, or a column an indicator.
use super::super::csv_file::{CsvFile, Sample};
use super::super::input::Content;
use super::super::location::SourceLocation;
use super::super::records::Record;
use super::super::sink::{Halt, RowSink};
use super::super::{Head, Reader, Reject, SourceError};
use super::{
    Estimate, INDICATORS, Series, check_scale, indicator_of_letters, is_missing, number, series_of_code,
};

/// Names of the column of economies, preferred ones first.
pub(super) const ECONOMIES: [&str; 6] =
    ["code", "country code", "economy (code)", "economy code", "wbcode", "countryiso3code"];

/// Columns of estimates in csv made of the bank's Stata file. Beside each are its standard error (`vas`), its
/// rank (`var`) and others.
const STATA_COLUMNS: [(&str, &str); 6] = [
    ("cce", "control-of-corruption"),
    ("gee", "government-effectiveness"),
    ("pve", "political-stability"),
    ("rle", "rule-of-law"),
    ("rqe", "regulatory-quality"),
    ("vae", "voice-and-accountability"),
];

/// Names of the column of indicators.
pub(super) const INDICATOR_NAMES: [&str; 4] = ["indicator", "series code", "indicator code", "series"];

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
    /// A column of figures and one of their years.
    Long { year: usize, value: usize },
    /// A column for each year.
    Wide(Vec<(usize, String)>),
    /// A column for each indicator and one of years.
    Sheet { year: usize, columns: Vec<(usize, &'static str)> },
}

/// A figure of a record.
struct Cell<'a> {
    /// Its year, and the name of the column of that.
    year: (&'a str, &'a str),
    text: &'a str,
    /// Place of its column, from 0.
    place: usize,
    /// The indicator of its column. None: the record names it.
    indicator: Option<&'static str>,
}

impl Layout {
    /// Finds the columns of a header. None: it is not one of the indicators'.
    pub(super) fn find(header: &[String]) -> Option<Self> {
        let lower: Vec<_> = header.iter().map(|name| name.to_lowercase()).collect();
        let place =
            |wanted: &[&str]| wanted.iter().find_map(|name| lower.iter().position(|column| column == name));
        let value = place(&["estimate", "value"])
            .or_else(|| lower.iter().position(|column| column.starts_with("governance estimate")));
        let columns =
            STATA_COLUMNS.iter().filter_map(|&(name, indicator)| Some((place(&[name])?, indicator)));
        let columns: Vec<_> = columns.collect();
        let figures = match (place(&["year"]), value) {
            (Some(year), Some(value)) => Figures::Long { year, value },
            (Some(year), None) if !columns.is_empty() => Figures::Sheet { year, columns },
            _ => Figures::Wide(years(header)),
        };
        if matches!(&figures, Figures::Wide(years) if years.is_empty()) {
            return None;
        }
        Some(Self {
            economy: place(&ECONOMIES)?,
            indicator: place(&INDICATOR_NAMES),
            figures,
            header: header.to_vec(),
        })
    }

    /// Number of known columns.
    pub(super) fn likeness(&self) -> usize {
        let figures = match &self.figures {
            Figures::Long { .. } => 2,
            Figures::Wide(years) => years.len(),
            Figures::Sheet { columns, .. } => 1 + columns.len(),
        };
        1 + usize::from(self.indicator.is_some()) + figures
    }

    /// Whether the rows are of the indicators. Other tables have a code and years as well. Without rows the
    /// header alone decides.
    pub(super) fn resembles(&self, sample: &Sample) -> bool {
        if sample.rows.is_empty() && matches!(self.figures, Figures::Long { .. }) {
            return true;
        }
        let named = |name: &str| self.header.iter().any(|column| column.eq_ignore_ascii_case(name));
        match (self.indicator, &self.figures) {
            (_, Figures::Sheet { .. }) => true,
            (Some(column), _) => sample.rows.iter().filter_map(|row| row.get(column)).any(|text| {
                indicator_of_letters(text).is_some() || matches!(series_of_code(text), Series::Estimate(_))
            }),
            (None, Figures::Long { value, .. }) => {
                let name = self.column(*value).to_lowercase();
                name == "estimate" || name.starts_with("governance estimate")
            }
            (None, Figures::Wide(_)) => named("country/territory") || named("wbcode"),
        }
    }

    /// Refuses a file that names no indicator, or whose figures are no estimates.
    pub(super) fn check(&self, head: &Head, sample: &Sample) -> Result<(), SourceError> {
        let columns = match &self.figures {
            Figures::Long { value, .. } => vec![*value],
            Figures::Wide(years) => years.iter().map(|(column, _)| *column).collect(),
            Figures::Sheet { columns, .. } => columns.iter().map(|(column, _)| *column).collect(),
        };
        let is_other = |row: &&Vec<String>| {
            let name = self.indicator.and_then(|column| row.get(column));
            name.is_some_and(|name| {
                indicator_of_letters(name).is_none() && series_of_code(name) == Series::Other
            })
        };
        let rows = sample.rows.iter().filter(|row| !is_other(row));
        let figures = rows.flat_map(|row| columns.iter().filter_map(|column| number(row.get(*column)?)));
        check_scale(&head.file, &figures.collect::<Vec<_>>())?;
        let by_column = matches!(self.figures, Figures::Sheet { .. });
        if self.indicator.is_none() && !by_column && indicator_of_file(&head.file).is_none() {
            let known = INDICATORS.map(|(letters, name)| format!("{} for {name}", letters.to_lowercase()));
            let message = "the file does not name which of the six indicators it is about";
            return Err(SourceError::new("missing-indicator", &head.file, 1, message).with_hint(format!(
                "put the indicator's letters into the file name, such as wgi_pv.csv: {}",
                known.join(", ")
            )));
        }
        Ok(())
    }

    /// Name of a column in the file.
    fn column(&self, place: usize) -> &str {
        self.header.get(place).map_or("", String::as_str)
    }

    /// The series of a row.
    fn series(&self, record: Record<'_>, file_indicator: Option<&'static str>) -> Result<Series, Reject> {
        let Some(column) = self.indicator else {
            return Ok(file_indicator.map_or(Series::Other, Series::Estimate));
        };
        let text = record.get(column);
        match indicator_of_letters(text) {
            Some(name) => Ok(Series::Estimate(name)),
            None if text.contains(['.', '_']) => Ok(series_of_code(text)),
            None => {
                let known = INDICATORS.map(|(letters, _)| letters.to_lowercase());
                let reason = "this is none of the six indicators";
                Err(Reject::new("unknown-indicator", self.column(column), text, reason)
                    .with_hint(format!("write one of {}", known.join(", "))))
            }
        }
    }

    /// The figures of a record.
    fn figures<'a>(&'a self, record: Record<'a>) -> Vec<Cell<'a>> {
        let cell = |year, place, indicator| Cell { year, text: record.get(place), place, indicator };
        let year_in = |place| (record.get(place), self.column(place));
        match &self.figures {
            Figures::Long { year, value } => vec![cell(year_in(*year), *value, None)],
            Figures::Wide(years) => {
                let wide = |(place, year): &'a (usize, String)| {
                    cell((year.as_str(), self.column(*place)), *place, None)
                };
                years.iter().map(wide).collect()
            }
            Figures::Sheet { year, columns } => {
                let year = year_in(*year);
                columns.iter().map(|(place, indicator)| cell(year, *place, Some(*indicator))).collect()
            }
        }
    }
}

/// Whether a record is blank, or what the DataBank writes about its source below the rows.
fn is_footer(record: Record<'_>) -> bool {
    let begins = ["Data from database:", "Last Updated:"];
    record.is_blank() || begins.iter().any(|begin| record.get(0).starts_with(begin))
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

/// The indicator in the name of a file: `pv.csv`, `WGI_PV_Estimate.csv`.
fn indicator_of_file(file: &str) -> Option<&'static str> {
    file.split(|c: char| !c.is_ascii_alphanumeric()).find_map(indicator_of_letters)
}

/// Reads the estimates of a csv file.
pub(super) struct Estimates {
    pub(super) file: CsvFile,
    pub(super) layout: Layout,
}

impl Reader for Estimates {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let file_indicator = indicator_of_file(&self.file.name);
        let mut records = self.file.records(content)?;
        let columns = records.columns;
        // Not `for_each_record`: footers of the DataBank have fewer fields than the header.
        while let Some(record) = records.next()? {
            self.read_record(record, columns, file_indicator, out)?;
        }
        Ok(())
    }
}

impl Estimates {
    fn read_record(
        &self,
        record: Record<'_>,
        columns: usize,
        file_indicator: Option<&'static str>,
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        let layout = &self.layout;
        let code = record.get(layout.economy);
        let figures = layout.figures(record);
        let shape = record.check_shape(columns);
        let is_empty = code.is_empty() && figures.iter().all(|cell| is_missing(cell.text));
        if is_empty && (shape.is_ok() || is_footer(record)) {
            return Ok(());
        }
        if let Err(reject) = shape {
            return out.reject(reject, SourceLocation::row(record.line), &record.to_text());
        }
        let series = layout.series(record, file_indicator);
        let economy = (layout.column(layout.economy), code);
        for Cell { year: (year, in_year), text, place, indicator } in figures {
            let location = match layout.figures {
                Figures::Long { .. } => SourceLocation::row(record.line),
                Figures::Wide(_) | Figures::Sheet { .. } => SourceLocation::cell(record.line, place),
            };
            let series =
                indicator.map_or_else(|| series.clone(), |indicator| Ok(Series::Estimate(indicator)));
            let observed = match series {
                Err(reject) => Err(reject),
                Ok(Series::Other) => Ok(None),
                Ok(Series::Estimate(indicator)) => {
                    let value = (layout.column(place), text);
                    Estimate { economy, year: (in_year, year), value, indicator }.observe(out.names())
                }
            };
            out.take(observed, location, || record.to_text())?;
        }
        Ok(())
    }
}
