//! The OECD's Inventory of Export Restrictions on Industrial Raw Materials
//! (<https://www.oecd.org/en/topics/export-restrictions-on-critical-raw-materials.html>): a row for each
//! economy, product, measure and year.
//!
//! The inventory has been published as the export of a query and by the OECD's data explorer, with different
//! column names. So columns are found by any of the names that are known, and that of the measure by the
//! texts in it. No form was verified on a real file: the variables are those of the methodological note
//! (2020), the words for measures those of the inventory's reports.
//!
//! | form | from |
//! | --- | --- |
//! | `Country,ISO3,Year,HS6,Product,Measure type,...` | the note's list of variables |
//! | `REF_AREA,...,TIME_PERIOD,OBS_VALUE`, with or without labels | how the explorer exports its tables |
//!
//! A restriction is in force from the first to the last day of its year; in a file without years, from and
//! until the days that it says. A code with more than six digits is a part of its subheading. Rows without a
//! measure and products of no material are out of scope; unknown measures and economies, invalid products and
//! days are quarantined.

mod layout;
mod measure;

use orewatch_catalog::{Economy, HsRevision, Scheme, resolve_economy};
use orewatch_contracts::ingestion::v1::{Evaluation, Table};

use self::layout::{Layout, without_letters};
use self::measure::parse_measure;
use super::csv_file::{CsvFile, Sample};
use super::input::Content;
use super::location::SourceLocation;
use super::records::Record;
use super::sink::{Halt, RowSink};
use super::stated::{StatedOnce, StatedRestriction, parse_product};
use super::text::without_decimals;
use super::{About, FileFacts, Head, Metadata, Part, Reader, Reject, Setup, Source, SourceError};

/// The OECD's inventory, as csv.
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

/// The revision that product codes follow, by the inventory's note, unless `--hs` names another.
const REVISION: HsRevision = HsRevision::Hs07;

impl Source for Oecd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        Layout::find(&Sample::new(head)).map(|layout| layout.likeness())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        layout::needs()
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        layout(file.head)?;
        let metadata = ABOUT.metadata(Table::Restrictions, "oecd-export-restrictions", ABOUT.title);
        let metadata = Metadata { hs: Some(REVISION.to_string()), ..metadata };
        Ok(vec![Part::whole_table(Table::Restrictions, metadata)])
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let revision = setup.revision().unwrap_or(REVISION);
        Ok(Box::new(Inventory { file: CsvFile::new(head, setup), revision, layout: layout(head)? }))
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    Layout::find(&Sample::new(head)).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
}

/// Reads an inventory.
struct Inventory {
    file: CsvFile,
    revision: HsRevision,
    layout: Layout,
}

impl Reader for Inventory {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut once = StatedOnce::default();
        self.file.for_each_record(content, out, |record, out| {
            let location = SourceLocation::row(record.line);
            let days = self.days(record);
            match self.restriction(record, (&*days.0, &*days.1)).transpose() {
                Some(stated) => once.hand_over(stated, location, &record.to_text(), out)?,
                None => out.out_of_scope(location),
            }
            Ok(())
        })
    }
}

impl Inventory {
    /// The restriction of a record. None: there is none, or it is of no material of the catalogue.
    fn restriction<'a>(
        &self,
        record: Record<'_>,
        days: (&'a str, &'a str),
    ) -> Result<Option<StatedRestriction<'a>>, Reject> {
        let layout = &self.layout;
        let is_none = |column| matches!(record.get(column), "" | "0" | "0.0" | "NaN" | "nan" | "..");
        if layout.observed.is_some_and(is_none) {
            return Ok(None);
        }
        let in_measure = layout.name(layout.measure);
        let Some(kind) = parse_measure(in_measure, record.get(layout.measure))? else { return Ok(None) };
        let economy = economy(layout.name(layout.economy), record.get(layout.economy))?;
        let code = without_letters(record.get(layout.product));
        let product = parse_product(self.revision, layout.name(layout.product), code)?;
        let (evaluation, partners) = (Evaluation::Unspecified, "");
        Ok(product.map(|product| StatedRestriction { days, economy, kind, evaluation, product, partners }))
    }

    /// First and last day in force.
    fn days(&self, record: Record<'_>) -> (String, String) {
        let text = |column: Option<usize>| column.map_or("", |column| record.get(column));
        match text(self.layout.year) {
            "" => (day(text(self.layout.from), "01-01"), day(text(self.layout.until), "12-31")),
            year => (day(year, "01-01"), day(year, "12-31")),
        }
    }
}

/// A day as `2010-07-01`; a year is completed by `month_and_day`.
fn day(text: &str, month_and_day: &str) -> String {
    let text = without_decimals(text);
    let text = text.split(['T', ' ']).next().unwrap_or_default();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, text.get(..4), text.get(4..6), text.get(6..)) {
        (true, Some(year), None, _) => format!("{year}-{month_and_day}"),
        (true, Some(year), Some(month), Some(day)) if day.len() == 2 => format!("{year}-{month}-{day}"),
        _ => text.to_owned(),
    }
}

fn economy(column: &str, text: &str) -> Result<&'static Economy, Reject> {
    let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let scheme = if is_code { Scheme::Wgi } else { Scheme::Bgs };
    resolve_economy(scheme, text).map_err(|error| Reject::unknown(column, &error))
}
