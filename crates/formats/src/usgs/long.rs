//! The layout from 2026 on: world production and salient statistics in one file, a row a figure.
use super::super::location::SourceLocation;
use super::super::names::Names;
use super::super::records::Record;
use super::super::sink::{Halt, RowSink};
use super::super::{Content, Observation, Reader, Reject};
use super::layout::{self, SummaryFile};
use super::notes;
use super::producer::{Producer, producer};
use super::series::find_series;
use super::statistic::Statistic;
use super::world::{Output, OutputFigure};

/// Reads one part of the file: world production, or everything else.
pub(super) struct Long {
    pub(super) columns: layout::Long,
    pub(super) file: SummaryFile,
    pub(super) production: bool,
}

impl Reader for Long {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let header = std::mem::take(&mut records.header);
        // Not `for_each`: a record that does not fit the header is rejected in one of the two parts only.
        while let Some(record) = records.next()? {
            let is_world = record.get(self.columns.section).to_lowercase().starts_with("world");
            if record.is_blank() || is_world != self.production {
                continue;
            }
            let location = SourceLocation::cell(record.line, self.columns.value);
            match self.parse(record, &header, out.names()) {
                Ok(OutputFigure::Row(row)) => {
                    out.row(row, location)?;
                    for column in [self.columns.notes, self.columns.chapter_notes].into_iter().flatten() {
                        notes::pieces(record.get(column)).for_each(|note| out.note(&row, note));
                    }
                }
                Ok(OutputFigure::Total(total)) => {
                    out.declared_total(total, location);
                    out.out_of_scope(location);
                }
                Ok(OutputFigure::OutOfScope) => out.out_of_scope(location),
                Err(reject) => out.reject(reject, location, &record.to_text())?,
            }
        }
        Ok(())
    }
}

impl Long {
    fn parse(
        &self,
        record: Record<'_>,
        header: &[String],
        names: &mut Names,
    ) -> Result<OutputFigure, Reject> {
        record.check_shape(header.len())?;
        let name = |column: usize| header.get(column).map_or("", String::as_str);
        if self.production {
            return self.output(record, name, names);
        }
        Ok(self.statistic(record, name, names)?.map_or(OutputFigure::OutOfScope, OutputFigure::Row))
    }

    fn output<'a>(
        &self,
        record: Record<'_>,
        name: impl Fn(usize) -> &'a str,
        names: &mut Names,
    ) -> Result<OutputFigure, Reject> {
        let columns = &self.columns;
        if !record.get(columns.statistic).eq_ignore_ascii_case("production") {
            return Ok(OutputFigure::OutOfScope);
        }
        let series = find_series(record.get(columns.commodity), record.get(columns.detail));
        let Some(series) = series else { return Ok(OutputFigure::OutOfScope) };
        let producer = producer(names, name(columns.country), record.get(columns.country))?;
        let notes = columns.notes.map_or("", |notes| record.get(notes));
        let output = Output {
            series,
            producer,
            year: self.year(record, name(columns.year))?,
            unit: record.get(columns.unit),
            text: record.get(columns.value),
            estimated: notes.starts_with("Estimated"),
            notes: &notes.to_lowercase(),
            names: [name(columns.unit), name(columns.value)],
        };
        output.parse(names)
    }

    fn statistic<'a>(
        &self,
        record: Record<'_>,
        name: impl Fn(usize) -> &'a str,
        names: &mut Names,
    ) -> Result<Option<Observation>, Reject> {
        let columns = &self.columns;
        if !record.get(columns.section).to_lowercase().starts_with("salient") {
            return Ok(None);
        }
        let (commodity, detail) = (record.get(columns.commodity), record.get(columns.detail));
        let statistic = Statistic::find(record.get(columns.statistic), commodity, detail);
        let Some(statistic) = statistic else { return Ok(None) };
        let country = producer(names, name(columns.country), record.get(columns.country))?;
        let Producer::Economy(economy) = country else { return Ok(None) };
        let year = self.year(record, name(columns.year))?;
        let unit = (name(columns.unit), record.get(columns.unit));
        let value = (name(columns.value), record.get(columns.value));
        statistic.observe(names, economy, year, unit, value)
    }

    fn year(&self, record: Record<'_>, name: &str) -> Result<i16, Reject> {
        parse_year(&self.file, name, record.get(self.columns.year))
    }
}

/// Reads the year of a figure. An `e` beside it marks a year of estimates.
pub(super) fn parse_year(file: &SummaryFile, name: &str, text: &str) -> Result<i16, Reject> {
    let Some(year) = layout::year(text.strip_suffix('e').unwrap_or(text)) else {
        let several = text.contains(['–', '—', '-']);
        let reason = if several { "this is the average of several years" } else { "this is no year" };
        return Err(Reject::new("invalid-period", name, text, reason)
            .with_hint("a figure is about one year, such as 2024"));
    };
    file.check_year(name, text, year)?;
    Ok(year)
}
