//! The layout from 2026 on: world production and salient statistics in one file, a row a figure.
use super::super::names::Names;
use super::super::out::{Halt, Out, Place};
use super::super::records::Record;
use super::super::{Content, Observation, Reader, Reject};
use super::layout::{self, File};
use super::producer::{Producer, producer};
use super::series;
use super::statistic::Statistic;
use super::world::{Output, Told};

/// Reads one part of the file: world production, or everything else.
pub(super) struct Long {
    pub(super) columns: layout::Long,
    pub(super) file: File,
    pub(super) production: bool,
}

impl Reader for Long {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let header = std::mem::take(&mut records.header);
        while let Some(record) = records.next()? {
            let world = record.get(self.columns.section).to_lowercase().starts_with("world");
            if record.is_blank() || world != self.production {
                continue;
            }
            let place = Place::cell(record.line, self.columns.value);
            match self.told(record, &header, out.names()) {
                Ok(Told::Row(row)) => out.row(row, place)?,
                Ok(Told::Total(total)) => {
                    out.total(total, place);
                    out.outside(place);
                }
                Ok(Told::Nothing) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
        }
        Ok(())
    }
}

impl Long {
    fn told(&self, record: Record<'_>, header: &[String], names: &mut Names) -> Result<Told, Reject> {
        record.whole(header.len())?;
        let name = |column: usize| header.get(column).map_or("", String::as_str);
        if self.production {
            return self.output(record, name, names);
        }
        Ok(self.statistic(record, name, names)?.map_or(Told::Nothing, Told::Row))
    }

    fn output<'a>(
        &self,
        record: Record<'_>,
        name: impl Fn(usize) -> &'a str,
        names: &mut Names,
    ) -> Result<Told, Reject> {
        let columns = &self.columns;
        if !record.get(columns.statistic).eq_ignore_ascii_case("production") {
            return Ok(Told::Nothing);
        }
        let series = series::of(record.get(columns.commodity), record.get(columns.detail));
        let Some(series) = series else { return Ok(Told::Nothing) };
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
        output.told(names)
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
        let told = Statistic::of(record.get(columns.statistic), commodity, detail);
        let Some(statistic) = told else { return Ok(None) };
        let country = producer(names, name(columns.country), record.get(columns.country))?;
        let Producer::One(economy) = country else { return Ok(None) };
        let year = self.year(record, name(columns.year))?;
        let unit = (name(columns.unit), record.get(columns.unit));
        let value = (name(columns.value), record.get(columns.value));
        statistic.observation(names, economy, year, unit, value)
    }

    fn year(&self, record: Record<'_>, name: &str) -> Result<i16, Reject> {
        one_year(&self.file, name, record.get(self.columns.year))
    }
}

/// The one year that a cell names. An `e` beside it marks a year of estimates.
pub(super) fn one_year(file: &File, name: &str, text: &str) -> Result<i16, Reject> {
    let Some(year) = layout::year(text.strip_suffix('e').unwrap_or(text)) else {
        let several = text.contains(['–', '—', '-']);
        let reason = if several { "this is the average of several years" } else { "this is no year" };
        return Err(
            Reject::new("bad-period", name, text, reason).with_hint("a figure is of one year, such as 2024")
        );
    };
    file.is_past(name, text, year)?;
    Ok(year)
}
