//! World production with a column a year: the files of one commodity up to 2024, and the wide file of 2025.
use orewatch_contracts::ingestion::v1::Reporter;

use super::super::figure::Figure;
use super::super::location::SourceLocation;
use super::super::names::{Names, Symbol};
use super::super::records::Record;
use super::super::sink::{Halt, RowSink};
use super::super::sums::{Aggregate, DeclaredTotal, TotalKey};
use super::super::{Content, Observation, Qualifier, Reader, Reject};
use super::cell::Cell;
use super::layout::{self, Produced, SummaryFile};
use super::notes;
use super::producer::{Producer, producer};
use super::series::{Series, TypeMeaning, find_series, meaning_of_type};

/// Reads the figures of world production.
pub(super) struct World {
    pub(super) columns: layout::World,
    pub(super) file: SummaryFile,
    /// The only material of a file about one commodity.
    pub(super) material: Option<&'static str>,
}

/// A figure of a series as text, with the names of its columns.
pub(super) struct Output<'a> {
    pub(super) series: Series,
    pub(super) producer: Producer,
    pub(super) year: i16,
    pub(super) unit: &'a str,
    pub(super) text: &'a str,
    pub(super) estimated: bool,
    /// Notes of the Survey, in lower case.
    pub(super) notes: &'a str,
    /// Names of the columns of the unit and of the figure.
    pub(super) names: [&'a str; 2],
}

/// What becomes of a figure of a series.
pub(super) enum OutputFigure {
    /// A row to record.
    Row(Observation),
    /// The world's total: out of scope, but compared with the rows.
    Total(DeclaredTotal),
    /// Not applicable, or a total of less than the world.
    OutOfScope,
}

impl Output<'_> {
    /// Parses the figure.
    pub(super) fn parse(&self, names: &mut Names) -> Result<OutputFigure, Reject> {
        match self.producer {
            Producer::Economy(economy) => self.row(names, economy),
            // A total is not recorded, so that an error in it does not matter.
            Producer::World => {
                Ok(self.total(names).ok().flatten().map_or(OutputFigure::OutOfScope, OutputFigure::Total))
            }
        }
    }

    fn row(&self, names: &mut Names, economy: Symbol) -> Result<OutputFigure, Reject> {
        let Some((figure, marked)) = Cell::amount(self.names[1], self.text)? else {
            return Ok(OutputFigure::OutOfScope);
        };
        let (period, topic, figures) = self.in_tonnes(names, figure)?;
        let known = figures.iter().all(|figure| !figure.number.is_nan());
        let qualifier =
            if known && (marked || self.estimated) { Qualifier::Estimated } else { Qualifier::None };
        Ok(OutputFigure::Row(Observation { period, economy, partner: economy, topic, figures, qualifier }))
    }

    /// The world's total, unless it leaves out the United States.
    fn total(&self, names: &mut Names) -> Result<Option<DeclaredTotal>, Reject> {
        let partial = self.notes.contains("exclud") || self.notes.contains("not include");
        let Some((figure, _)) = Cell::amount(self.names[1], self.text)?.filter(|_| !partial) else {
            return Ok(None);
        };
        let rounding = rounding(figure.number);
        let (period, topic, figures) = self.in_tonnes(names, figure)?;
        let key = TotalKey { period, topic, aggregate: Aggregate::Output, reporter: Reporter::Unspecified };
        Ok(Some(DeclaredTotal { key, figures, rounding }))
    }

    /// Period, series, and the figure in tonnes.
    fn in_tonnes(
        &self,
        names: &mut Names,
        mut figure: Figure,
    ) -> Result<(Symbol, Symbol, [Figure; 2]), Reject> {
        let [in_unit, in_value] = self.names;
        let period = names.period(in_value, &self.year.to_string())?;
        let Series { material, stage, basis, .. } = self.series;
        let (unit, stage) = (unit_name(self.unit), stage.as_str());
        let (topic, factor) =
            names.series([("commodity", material), ("type", stage), (in_unit, &unit), ("basis", basis)])?;
        figure.number *= factor;
        Ok((period, topic, figure.alone()))
    }
}

/// The share of a total by which its parts may differ: half a unit of its second digit, to which the Survey
/// rounds estimates, and a hundredth for the rounding of the parts.
fn rounding(total: f64) -> f64 {
    const ROUNDING_OF_PARTS: f64 = 0.01;
    if total <= 0.0 || !total.is_finite() {
        return ROUNDING_OF_PARTS;
    }
    let unit = 10_f64.powf(total.log10().floor() - 1.0);
    unit / 2.0 / total + ROUNDING_OF_PARTS
}

/// A unit as the catalogue reads it. `dry` is dropped: the Survey writes it of ores that are always weighed
/// dry.
pub(super) fn unit_name(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("dry"));
    let unit = words.collect::<Vec<_>>().join(" ");
    if unit.eq_ignore_ascii_case("mmt") { "Mt".to_owned() } else { unit }
}

impl Reader for World {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let header = std::mem::take(&mut records.header);
        records.for_each(out, |record, out| self.read_record(record, &header, out))
    }
}

impl World {
    fn read_record(&self, record: Record<'_>, header: &[String], out: &mut dyn RowSink) -> Result<(), Halt> {
        let location = |column| SourceLocation::cell(record.line, column);
        for column in &self.columns.others {
            if !record.get(*column).is_empty() {
                out.out_of_scope(location(*column));
            }
        }
        let subject = self.subject(record, header, out.names());
        for produced in &self.columns.produced {
            let (text, location) = (record.get(produced.column), location(produced.column));
            let figure = match &subject {
                Ok(None) => Ok(OutputFigure::OutOfScope),
                // A blank total is not printed, and nothing to compare.
                Ok(Some((_, Producer::World))) if text.is_empty() => Ok(OutputFigure::OutOfScope),
                Ok(Some((series, producer))) => {
                    self.figure(record, produced, *series, *producer, out.names())
                }
                Err(reject) => Err(reject.clone()),
            };
            match figure {
                Ok(OutputFigure::Row(row)) => {
                    out.row(row, location)?;
                    let notes = self.columns.notes.map_or("", |column| record.get(column));
                    notes::pieces(notes).for_each(|note| out.note(&row, note));
                }
                Ok(OutputFigure::Total(total)) => {
                    out.declared_total(total, location);
                    out.out_of_scope(location);
                }
                Ok(OutputFigure::OutOfScope) if text.is_empty() => {}
                Ok(OutputFigure::OutOfScope) => out.out_of_scope(location),
                Err(reject) => out.reject(reject, location, &record.to_text())?,
            }
        }
        Ok(())
    }

    /// The series and producer of a row. None: no market of the catalogue.
    fn subject(
        &self,
        record: Record<'_>,
        header: &[String],
        names: &mut Names,
    ) -> Result<Option<(Series, Producer)>, Reject> {
        let columns = &self.columns;
        let name = |column: usize| header.get(column).map_or("", String::as_str);
        let Some(series) = self.series(record, name(columns.kind))? else { return Ok(None) };
        self.file.check_edition(name(columns.source), record.get(columns.source))?;
        let producer = producer(names, name(columns.country), record.get(columns.country))?;
        Ok(Some((series, producer)))
    }

    fn series(&self, record: Record<'_>, name: &str) -> Result<Option<Series>, Reject> {
        let kind = record.get(self.columns.kind);
        if let Some(commodity) = self.columns.commodity {
            return Ok(find_series(record.get(commodity), kind));
        }
        match meaning_of_type(kind, self.material) {
            TypeMeaning::Series(series) => Ok(Some(series)),
            TypeMeaning::OutOfScope => Ok(None),
            TypeMeaning::Unnamed => {
                let reason = "nothing in the file names the commodity";
                Err(Reject::new("unnamed-commodity", name, kind, reason)
                    .with_hint("complete the type, such as `Mine production, lithium content`"))
            }
        }
    }

    fn figure(
        &self,
        record: Record<'_>,
        produced: &Produced,
        series: Series,
        producer: Producer,
        names: &mut Names,
    ) -> Result<OutputFigure, Reject> {
        match self.check_years(produced) {
            Err(_) if producer == Producer::World => return Ok(OutputFigure::OutOfScope),
            checked => checked?,
        }
        let notes = self.columns.notes.map_or("", |column| record.get(column)).to_lowercase();
        let text = Some(record.get(produced.column)).filter(|text| !text.is_empty());
        let unit = self.columns.unit.map_or(produced.unit.as_str(), |column| record.get(column));
        let output = Output {
            series,
            producer,
            year: produced.year,
            unit,
            text: text.unwrap_or_else(|| meaning_of_blank(&notes)),
            estimated: is_estimated(produced, record.get(self.columns.kind), &notes),
            notes: &notes,
            names: [if self.columns.unit.is_some() { "unit" } else { &produced.name }, &produced.name],
        };
        output.parse(names)
    }

    /// Rejects figures whose years do not fit the edition, which reports the two preceding years. Some files
    /// have the years of an earlier edition above their figures, so that the true years are unknown.
    fn check_years(&self, produced: &Produced) -> Result<(), Reject> {
        let newest = self.columns.produced.iter().map(|column| column.year).max();
        let (Some(edition), Some(newest)) = (self.file.edition, newest) else { return Ok(()) };
        if newest.checked_add(1) == Some(edition) {
            return Ok(());
        }
        let reason = format!(
            "the edition of {edition} has figures up to {}, but the columns end with {newest}",
            edition.saturating_sub(1)
        );
        Err(Reject::new("year-and-edition", &produced.name, &produced.year.to_string(), reason)
            .with_hint("the columns have wrong names: use another file of the edition, or correct the years"))
    }
}

/// The sign that a blank stands for, by the notes of its row. The wide file prints neither dashes nor `W`.
fn meaning_of_blank(notes: &str) -> &'static str {
    match notes.trim() {
        notes if notes == "w" || notes.starts_with("w for") => "W",
        notes if notes.starts_with("less than 1/2 unit") || notes.starts_with("less than ½ unit") => "s",
        "xx" => "XX",
        _ => "NA",
    }
}

/// Whether the Survey marks a figure as an estimate, in the name of its column, its type or its notes.
fn is_estimated(produced: &Produced, kind: &str, notes: &str) -> bool {
    let year = produced.year.to_string();
    let noted = notes.contains("estimated")
        && (notes.contains(&format!("estimated in {year}")) || notes.starts_with("estimated"));
    let column = produced.estimated && notes.trim() != "reported";
    column || noted || kind.trim_end().to_lowercase().ends_with("estimated")
}
