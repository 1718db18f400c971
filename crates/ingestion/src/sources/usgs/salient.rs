//! Salient statistics of one commodity to 2024: a row a year, a column a statistic.
use orewatch_catalog::Scheme;

use super::super::names::Names;
use super::super::out::{Halt, Out, Place};
use super::super::records::Record;
use super::super::{Content, Observation, Reader, Reject};
use super::layout::{self, File, Told};
use super::long::one_year;
use super::statistic::Statistic;

/// Whom the statistics are about.
const UNITED_STATES: &str = "USA";

/// Reads salient statistics.
pub(super) struct Salient {
    pub(super) columns: layout::Salient,
    pub(super) file: File,
}

impl Reader for Salient {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let header = std::mem::take(&mut records.header);
        records.each(out, |record, out| self.row(record, &header, out))
    }
}

impl Salient {
    fn row(&self, record: Record<'_>, header: &[String], out: &mut dyn Out) -> Result<(), Halt> {
        for told in &self.columns.told {
            let text = record.get(told.column);
            if text.is_empty() {
                continue;
            }
            let place = Place::cell(record.line, told.column);
            match self.figure(record, header, told, out.names()) {
                Ok(Some(row)) => out.row(row, place)?,
                Ok(None) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
        }
        Ok(())
    }

    fn figure(
        &self,
        record: Record<'_>,
        header: &[String],
        told: &Told,
        names: &mut Names,
    ) -> Result<Option<Observation>, Reject> {
        let columns = &self.columns;
        let name = |column: usize| header.get(column).map_or("", String::as_str);
        let statistic = Statistic::of(&told.statistic, record.get(columns.commodity), &told.detail);
        let Some(statistic) = statistic else { return Ok(None) };
        self.file.is_of_edition(name(columns.source), record.get(columns.source))?;
        let year = one_year(&self.file, name(columns.year), record.get(columns.year))?;
        let economy = names.economy(Scheme::Iso3, &told.name, UNITED_STATES)?;
        let value = (told.name.as_str(), record.get(told.column));
        statistic.observation(names, economy, year, (&told.name, &told.unit), value)
    }
}
