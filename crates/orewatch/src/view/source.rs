//! Rows of file formats.
use orewatch_catalog::passing_on;
use orewatch_formats::About;

use super::table_word;
use crate::render::{Cell, Column, Row, column};

impl Row for About {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("source", |about: &Self| Cell::text(about.id)),
            column("title", |about: &Self| Cell::text(about.title)),
            column("publisher", |about: &Self| Cell::text(about.publisher)),
            column("tables", |about: &Self| {
                Cell::List(about.tables.iter().map(|table| table_word(*table)).collect())
            }),
            column("recognised_by", |about: &Self| {
                Cell::List(about.forms.iter().map(|form| (*form).to_owned()).collect())
            }),
            column("licence", |about: &Self| Cell::text(about.licence)),
            column("url", |about: &Self| Cell::text(about.url)),
            column("may_pass_on", |about: &Self| Cell::text(passing_on(about.licence).as_str())),
        ]
    }
}
