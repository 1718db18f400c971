//! Csv exports of UN Comtrade, also those that other programs wrote with columns left out or added.
use super::super::csv_file::{CsvFile, Sample};
use super::super::input::Content;
use super::super::location::SourceLocation;
use super::super::sink::{Halt, RowSink};
use super::super::{Head, Reader, SourceError};
use super::SampledRows;
use super::layout::{Column, Layout, Texts};
use super::row::Rows;

/// The columns of a file. None: it has no header.
pub(super) fn layout(head: &Head) -> Option<Layout> {
    let header = head.csv_header();
    (!header.is_empty()).then(|| Layout::of_columns(&header))
}

/// The rows in the beginning of a file.
///
/// # Errors
/// [`SourceError`] if there is none, or the header does not fit them.
pub(super) fn sampled_rows(head: &Head) -> Result<SampledRows, SourceError> {
    let sample = Sample::new(head);
    let rows = sample.rows(&head.file)?;
    let layout = Layout::of_columns(&sample.header);
    let mut sampled = SampledRows::default();
    for (number, row) in rows.iter().enumerate() {
        if number == 0 {
            layout.check_shift(&head.file, row)?;
        }
        let texts = layout.texts(|place| row.get(place).map_or("", String::as_str));
        sampled.add_row(texts.get(Column::Classification), texts.period(), number == 0);
    }
    Ok(sampled)
}

/// Reads an export.
pub(super) struct Export {
    pub(super) file: CsvFile,
    pub(super) layout: Layout,
    pub(super) rows: Rows,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let Self { file, layout, rows } = self;
        rows.has_parts = layout.has_parts();
        file.for_each_record(content, out, |record, out| {
            let texts: Texts<'_> = layout.texts(|place| record.get(place));
            rows.take(&texts, SourceLocation::row(record.line), &|| record.to_text(), out)
        })?;
        rows.finish(out)
    }
}
