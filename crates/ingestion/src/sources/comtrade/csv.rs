//! Exports as csv: those of UN Comtrade, and those of others who left columns out and put their own before them.
use super::super::input::Content;
use super::super::out::{Halt, Out, Place};
use super::super::records::{Record, Records, sample};
use super::super::{Head, Limits, Reader, Reject, SourceError};
use super::row::{COLUMNS, Rows};
use super::{Column, Seen, Texts};

/// Where the columns are.
type Places = [Option<usize>; COLUMNS.len()];

/// What the beginning of a file shows.
pub(super) fn seen(head: &Head) -> Result<Seen, SourceError> {
    let sample = sample(head);
    let (header, rows) =
        sample.split_first().map_or((&[][..], &[][..]), |(header, rows)| (&header[..], rows));
    let places = places(&head.file, header)?;
    let mut seen = Seen::default();
    for (number, row) in rows.iter().enumerate() {
        let field = |column: Column| {
            let place = places.get(column as usize).copied().flatten();
            place.and_then(|place| row.get(place)).map_or("", String::as_str)
        };
        seen.row(field(Column::Classification), field(Column::Period), number == 0);
    }
    if rows.is_empty() {
        return Err(SourceError::new("no-rows", &head.file, 1, "the file has a header and no rows")
            .with_hint("is the download complete?"));
    }
    Ok(seen)
}

fn places(file: &str, header: &[String]) -> Result<Places, SourceError> {
    let mut places = [None; COLUMNS.len()];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        let mut found = header.iter().enumerate().filter(|(_, own)| *own == name).map(|(place, _)| place);
        *place = found.next();
        if found.next().is_some() {
            let message = format!("column `{name}` is there twice");
            return Err(SourceError::new("doubled-column", file, 1, message).at("header", name));
        }
    }
    Ok(places)
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
        let places = places(&self.file, &records.header)?;
        self.rows.split = [Column::Customs, Column::Transport, Column::Second]
            .into_iter()
            .any(|column| places.get(column as usize).copied().flatten().is_some());
        let columns = records.header.len();
        while let Some(record) = records.next()? {
            if !record.is_blank() {
                self.row(&record, columns, &places, out)?;
            }
        }
        self.rows.finish(out)
    }
}

impl Export {
    fn row(
        &mut self,
        record: &Record<'_>,
        columns: usize,
        places: &Places,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        let place = Place::line(record.line);
        // Exports of the web site end their rows, not their header, with a comma.
        let surplus = (columns..record.len()).any(|column| !record.get(column).is_empty());
        if record.len() < columns || surplus {
            let text = record.to_text();
            let reason = format!("the row has {} fields, the header {columns}", record.len());
            let reject = Reject::new("field-count", "", &text, reason).with_hint("is the line cut off?");
            return out.reject(reject, place, &text);
        }
        let mut texts: Texts<'_> = [""; COLUMNS.len()];
        for (text, column) in texts.iter_mut().zip(places) {
            *text = column.map_or("", |column| record.get(column));
        }
        self.rows.take(&texts, place, &|| record.to_text(), out)
    }
}
