//! Exports as csv: those of UN Comtrade, and those of others who left columns out and put their own before them.
use super::super::input::Content;
use super::super::out::{Halt, Out, Place};
use super::super::records::{Form, Record, Records, sample};
use super::super::{Head, Limits, Reader, SourceError};
use super::Seen;
use super::layout::{Column, Layout};
use super::row::Rows;

/// The columns of a file. None: it has no header.
pub(super) fn layout(head: &Head) -> Option<Layout> {
    sample(head).first().map(|header| Layout::of(header))
}

/// What the beginning of a file shows.
pub(super) fn seen(head: &Head) -> Result<Seen, SourceError> {
    let sample = sample(head);
    let no_rows = || SourceError::no_rows(&head.file, 1);
    let (header, rows) = sample.split_first().ok_or_else(no_rows)?;
    let layout = Layout::of(header);
    let first = rows.first().ok_or_else(no_rows)?;
    layout.check_shift(&head.file, first)?;
    let mut seen = Seen::default();
    for (number, row) in rows.iter().enumerate() {
        let texts = layout.texts(|place| row.get(place).map_or("", String::as_str));
        seen.row(texts.get(Column::Classification), texts.period(), number == 0);
    }
    Ok(seen)
}

/// Reads an export.
pub(super) struct Export {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) form: Form,
    pub(super) layout: Layout,
    pub(super) rows: Rows,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        let parts = [Column::Customs, Column::Transport, Column::SecondPartner];
        self.rows.split = parts.into_iter().any(|column| self.layout.place(column).is_some());
        records.each(out, |record, out| self.row(&record, out))?;
        self.rows.finish(out)
    }
}

impl Export {
    fn row(&mut self, record: &Record<'_>, out: &mut dyn Out) -> Result<(), Halt> {
        let texts = self.layout.texts(|place| record.get(place));
        self.rows.take(&texts, Place::line(record.line), &|| record.to_text(), out)
    }
}
