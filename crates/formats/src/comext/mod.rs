//! Eurostat Comext (<https://ec.europa.eu/eurostat/databrowser/bulk>): what the members of the European Union
//! report of their trade, one bulk file a month.
//!
//! - **Products** follow the Combined Nomenclature of the year; its eight digits are kept. Codes with letters
//!   (`250410SS`, `2504MMXX`) stand for flows that are kept secret: they are out of scope.
//! - **Flows** of one key come in a row for each customs procedure (normal, inward and outward processing).
//!   Comext's own total is their sum, and so is what is recorded: one figure, at the location of its first
//!   row. It is unknown if any part of it is.
//! - **Values** are euros, those of Orewatch are US dollars. An exchange rate is a figure like any other,
//!   which differs by day and by source; a converted value would look like a reported one. So the value is
//!   not available; the quantity, on which shares of trade rest, is.
//! - **Partners** are the origin or destination as customs see it. Inside of the Union they are where goods
//!   were sent from, so that ports such as Rotterdam stand for what passes through them. Northern Ireland
//!   counts for the United Kingdom as a partner; what it reports itself is not the trade of the United
//!   Kingdom, and out of scope. Ceuta and Melilla belong to Spain. Partners `QP` to `QZ` are no economies:
//!   they are recorded as residuals, several codes of one kind together.
//! - **Month 52** is the total of the year. A file of it is read as a year, and never beside months.
//!
//! Quarantined: unknown economies, flows and procedures, invalid products and figures.

mod flows;
mod row;
mod sdmx;

use orewatch_catalog::Nomenclature;
use orewatch_contracts::ingestion::v1::Table;

use self::row::{Column, Export};
pub(super) use self::sdmx::Sdmx;
use super::csv_file::{CsvFile, Sample};
use super::text::is_digits;
use super::{About, FileFacts, Head, Metadata, Part, Reader, Setup, Source, SourceError};

/// Bulk files of Comext, today's (`REPORTER`, `STAT_PROCEDURE`, `VALUE_EUR`) and older ones (`DECLARANT`,
/// `STAT_REGIME`, `VALUE_IN_EUROS`).
#[derive(Debug)]
pub(super) struct Comext;

/// Publisher of Comext.
const PUBLISHER: &str = "Eurostat";

static ABOUT: About = About {
    id: "comext/2",
    title: "Eurostat Comext: trade of the European Union by eight digits, a file a month",
    publisher: PUBLISHER,
    url: "https://ec.europa.eu/eurostat/databrowser/bulk",
    licence: "CC-BY-4.0",
    tables: &[Table::Trade],
    forms: &[
        "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,...,FLOW,STAT_PROCEDURE,...,PERIOD,VALUE_EUR,...,\
         QUANTITY_KG,...",
        "DECLARANT,...,PARTNER,...,PRODUCT_NC,...,FLOW,STAT_REGIME,...,PERIOD,VALUE_IN_EUROS,\
         QUANTITY_IN_KG,...",
    ],
};

impl Source for Comext {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        row::find_columns(&head.csv_header()).map(|columns| columns.count())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        row::NAMES.iter().map(|names| names.to_vec()).collect()
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let span = first_span(file.head)?;
        let codes = Nomenclature::Cn(span.year.parse().unwrap_or_default());
        Ok(vec![Part::whole_table(Table::Trade, describe(&span, &codes))])
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        let columns = row::find_columns(&head.csv_header());
        [Column::Value, Column::Quantity]
            .map(|column| columns.as_ref().map_or(0, |columns| columns.number(column)))
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (nomenclature, span) = (setup.product_codes(), first_span(head)?);
        Ok(Box::new(Export { file: CsvFile::new(head, setup), nomenclature, span }))
    }
}

/// The metadata of a year, or of its months, with the list that product codes follow.
fn describe(span: &Span, codes: &Nomenclature) -> Metadata {
    let (ending, frequency) = if span.annual { ("-annual", "annual") } else { ("", "monthly") };
    let dataset = format!("comext-{}{ending}", codes.to_string().to_lowercase());
    let metadata = ABOUT.metadata(Table::Trade, dataset, format!("Comext, {codes}, {frequency}"));
    Metadata { hs: Some(codes.to_string()), ..metadata }
}

/// The year of a file, and whether its rows are about the year as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    year: String,
    annual: bool,
}

impl Span {
    /// The span of a period such as `202403`. None: it is no period.
    fn from_period(period: &str) -> Option<Self> {
        let is_period = period.len() == 6 && is_digits(period);
        let (year, month) = period.split_at_checked(4).filter(|_| is_period)?;
        Some(Self { year: year.to_owned(), annual: month == "52" })
    }
}

/// The span of the first row.
fn first_span(head: &Head) -> Result<Span, SourceError> {
    let sample = Sample::new(head);
    let columns = row::find_columns(&sample.header);
    let columns = columns.ok_or_else(|| SourceError::unknown_header(&head.file, 1))?;
    let first = sample.rows(&head.file)?.first().map_or(&[][..], Vec::as_slice);
    let period = columns.text(Column::Period, |place| first.get(place).map_or("", String::as_str));
    Span::from_period(period).ok_or_else(|| {
        SourceError::new("invalid-period", &head.file, 2, "the first row is of no month")
            .at("PERIOD", period)
            .with_hint("write year and month: 202403, or 202452 for the year as a whole")
    })
}
