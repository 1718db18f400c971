//! Salient statistics of one commodity up to 2024: a row a year, a column a statistic.
use orewatch_catalog::Scheme;

use super::super::location::SourceLocation;
use super::super::names::Names;
use super::super::records::Record;
use super::super::sink::{Halt, RowSink};
use super::super::{Content, Observation, Reader, Reject};
use super::layout::{self, StatisticColumn, SummaryFile};
use super::long::parse_year;
use super::statistic::Statistic;

/// The economy that the statistics are about.
const UNITED_STATES: &str = "USA";

/// Reads salient statistics.
pub(super) struct Salient {
    pub(super) columns: layout::Salient,
    pub(super) file: SummaryFile,
}

impl Reader for Salient {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let header = std::mem::take(&mut records.header);
        records.for_each(out, |record, out| self.read_record(record, &header, out))
    }
}

impl Salient {
    fn read_record(&self, record: Record<'_>, header: &[String], out: &mut dyn RowSink) -> Result<(), Halt> {
        for column in &self.columns.statistics {
            if record.get(column.column).is_empty() {
                continue;
            }
            let found = self.observe(record, header, column, out.names());
            out.take(found, SourceLocation::cell(record.line, column.column), || record.to_text())?;
        }
        Ok(())
    }

    /// The row of a figure. None: it is no parameter.
    fn observe(
        &self,
        record: Record<'_>,
        header: &[String],
        column: &StatisticColumn,
        names: &mut Names,
    ) -> Result<Option<Observation>, Reject> {
        let columns = &self.columns;
        let name = |column: usize| header.get(column).map_or("", String::as_str);
        let commodity = record.get(columns.commodity);
        let statistic = Statistic::find(&column.statistic, commodity, &column.detail);
        let Some(statistic) = statistic else { return Ok(None) };
        self.file.check_edition(name(columns.source), record.get(columns.source))?;
        let year = parse_year(&self.file, name(columns.year), record.get(columns.year))?;
        let economy = names.economy(Scheme::Iso3, &column.name, UNITED_STATES)?;
        let value = (column.name.as_str(), record.get(column.column));
        statistic.observe(names, economy, year, (&column.name, &column.unit), value)
    }
}
