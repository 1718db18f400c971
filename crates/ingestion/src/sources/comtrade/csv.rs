//! Exports as csv: those of UN Comtrade, and those of others who left columns out and put their own before them.
use super::super::input::Content;
use super::super::out::{Halt, Out, Place};
use super::super::records::{Record, Records, sample};
use super::super::{Head, Limits, Reader, SourceError};
use super::row::{COLUMNS, Rows};
use super::{Column, Seen, Texts};

/// Where the columns are.
type Places = [Option<usize>; COLUMNS.len()];

/// What the beginning of a file shows.
pub(super) fn seen(head: &Head) -> Result<Seen, SourceError> {
    let sample = sample(head);
    let (header, rows) =
        sample.split_first().map_or((&[][..], &[][..]), |(header, rows)| (&header[..], rows));
    let places = places(header);
    let mut seen = Seen::default();
    for (number, row) in rows.iter().enumerate() {
        let field = |column: Column| {
            let place = places.get(column as usize).copied().flatten();
            place.and_then(|place| row.get(place)).map_or("", String::as_str)
        };
        seen.row(field(Column::Classification), field(Column::Period), number == 0);
    }
    if rows.is_empty() {
        return Err(SourceError::no_rows(&head.file, 1));
    }
    Ok(seen)
}

fn places(header: &[String]) -> Places {
    COLUMNS.map(|name| header.iter().position(|own| own == name))
}

/// Reads an export.
pub(super) struct Export {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) utf8: bool,
    pub(super) rows: Rows,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.utf8)?;
        let places = places(&records.header);
        self.rows.split = [Column::Customs, Column::Transport, Column::Second]
            .into_iter()
            .any(|column| places.get(column as usize).copied().flatten().is_some());
        records.each(out, |record, out| self.row(&record, &places, out))?;
        self.rows.finish(out)
    }
}

impl Export {
    fn row(&mut self, record: &Record<'_>, places: &Places, out: &mut dyn Out) -> Result<(), Halt> {
        let mut texts: Texts<'_> = [""; COLUMNS.len()];
        for (text, column) in texts.iter_mut().zip(places) {
            *text = column.map_or("", |column| record.get(column));
        }
        self.rows.take(&texts, Place::line(record.line), &|| record.to_text(), out)
    }
}
