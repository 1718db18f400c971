//! The OECD's Inventory of Export Restrictions on Industrial Raw Materials: a row an economy, product, measure and year.
//!
//! The inventory has been given out as a query's export and by the OECD's explorer, under different names of columns. So columns
//! are found by any of the names that are known, and that of the measure by what stands in it. No form was verified on a real
//! file: the variables are those of the methodological note (2020), the words for measures those of the inventory's reports.
//!
//! | form | from |
//! | --- | --- |
//! | `Country,ISO3,Year,HS6,Product,Measure type,...` | the note's list of variables |
//! | `REF_AREA,...,TIME_PERIOD,OBS_VALUE`, codes with or without labels | how the explorer exports any of its tables |

mod layout;
mod measure;

use std::collections::BTreeSet;

use orewatch_catalog::{Economy, HsRevision, Scheme, resolve_economy};
use orewatch_contracts::ingestion::v1::{Evaluation, Table};

use self::layout::{Layout, bare};
use self::measure::measure;
use super::input::Content;
use super::metadata::Metadata;
use super::out::{Halt, Out, Place};
use super::records::{self, Form, Record, Records};
use super::stated::{Once, Stated, product};
use super::{About, Head, Limits, Part, Reader, Reject, Setup, Source, SourceError};
use crate::ids::UNDATED;

/// Restrictions by year, each in force from the first to the last day of its year; where a file has no years, from and until the
/// days that it says. Rows without a measure are out of scope. A code with more than six digits is a part of its subheading.
#[derive(Debug)]
pub(super) struct Oecd;

static ABOUT: About = About {
    id: "oecd/1",
    title: "OECD Inventory of Export Restrictions on Industrial Raw Materials",
    publisher: "OECD",
    url: "https://www.oecd.org/en/topics/export-restrictions-on-critical-raw-materials.html",
    licence: "CC-BY-4.0",
    tables: &[Table::Restrictions],
    forms: &[
        "Country,ISO3,Year,HS6,Product,Measure type,...",
        "REF_AREA,Reference area,...,Measure,...,TIME_PERIOD,OBS_VALUE",
    ],
};

/// The revision of the inventory's product codes, as its note says. `--hs` names another.
const REVISION: HsRevision = HsRevision::Hs07;

impl Source for Oecd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        Layout::find(&records::sample(head)).map(|layout| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        layout::needs()
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        layout(head)?;
        let said = Metadata {
            dataset: Some("oecd-export-restrictions".to_owned()),
            vintage: Some(UNDATED.to_owned()),
            hs: Some(REVISION.to_string()),
            table: Some("restrictions".to_owned()),
            publisher: Some(ABOUT.publisher.to_owned()),
            title: Some(ABOUT.title.to_owned()),
            url: Some(ABOUT.url.to_owned()),
            licence: Some(ABOUT.licence.to_owned()),
            ..Metadata::default()
        };
        Ok(vec![Part::of(Table::Restrictions, said)])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        Ok(Box::new(Inventory {
            file: head.file.clone(),
            limits: setup.limits,
            revision: setup.revision().unwrap_or(REVISION),
            form: records::form(head),
            layout: layout(head)?,
        }))
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    Layout::find(&records::sample(head))
        .ok_or_else(|| SourceError::new("unknown-format", &head.file, 1, "the header is another"))
}

/// Reads an inventory.
struct Inventory {
    file: String,
    limits: Limits,
    revision: HsRevision,
    form: Form,
    layout: Layout,
}

impl Reader for Inventory {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut once = Once::default();
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        records.each(out, |record, out| {
            let place = Place::line(record.line);
            let days = self.days(record);
            match self.stated(record, (&*days.0, &*days.1)).transpose() {
                Some(stated) => once.give(stated, place, &record.to_text(), out)?,
                None => out.outside(place),
            }
            Ok(())
        })
    }
}

impl Inventory {
    /// What a record says. None: no restriction, or of no material of the catalogue.
    fn stated<'a>(&self, record: Record<'_>, days: (&'a str, &'a str)) -> Result<Option<Stated<'a>>, Reject> {
        let layout = &self.layout;
        let is_none = |column| matches!(record.get(column), "" | "0" | "0.0" | "NaN" | "nan" | "..");
        if layout.observed.is_some_and(is_none) {
            return Ok(None);
        }
        let in_measure = layout.name(layout.measure);
        let Some(kind) = measure(in_measure, record.get(layout.measure))? else { return Ok(None) };
        let economy = economy(layout.name(layout.economy), record.get(layout.economy))?;
        let code = bare(record.get(layout.product));
        let product = product(self.revision, layout.name(layout.product), code)?;
        let evaluation = Evaluation::Unspecified;
        Ok(product.map(|product| Stated { days, economy, kind, evaluation, product, partners: "" }))
    }

    /// First and last day.
    fn days(&self, record: Record<'_>) -> (String, String) {
        let text = |column: Option<usize>| column.map_or("", |column| record.get(column));
        match text(self.layout.year) {
            "" => (day(text(self.layout.from), "01-01"), day(text(self.layout.until), "12-31")),
            year => (day(year, "01-01"), day(year, "12-31")),
        }
    }
}

/// A day as it is recorded; `rest` completes a year.
fn day(text: &str, rest: &str) -> String {
    let text = text.strip_suffix(".0").unwrap_or(text);
    let text = text.split(['T', ' ']).next().unwrap_or_default();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, text.get(..4), text.get(4..6), text.get(6..)) {
        (true, Some(year), None, _) => format!("{year}-{rest}"),
        (true, Some(year), Some(month), Some(day)) if day.len() == 2 => format!("{year}-{month}-{day}"),
        _ => text.to_owned(),
    }
}

fn economy(column: &str, text: &str) -> Result<&'static Economy, Reject> {
    let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let scheme = if is_code { Scheme::Wgi } else { Scheme::Bgs };
    resolve_economy(scheme, text).map_err(|error| Reject::unknown(column, &error))
}
