//! Formats that are read.
use orewatch_ingestion::sources::About;

use super::table_word;
use crate::render::{Cell, Row};

/// A format.
#[derive(Debug)]
pub(crate) struct SourceRow(pub(crate) &'static About);

impl Row for SourceRow {
    const COLUMNS: &'static [&'static str] =
        &["source", "title", "publisher", "tables", "recognised_by", "licence", "url"];

    fn cells(&self) -> Vec<Cell> {
        let about = self.0;
        vec![
            Cell::text(about.id),
            Cell::text(about.title),
            Cell::text(about.publisher),
            Cell::List(about.tables.iter().map(|table| table_word(*table)).collect()),
            Cell::List(about.forms.iter().map(|form| (*form).to_owned()).collect()),
            Cell::text(about.licence),
            Cell::text(about.url),
        ]
    }
}
