//! Eurostat Comext: what the members of the European Union report of their trade, a bulk file a month.
//!
//! - **Products** follow the Combined Nomenclature of the year; its eight digits are kept. Codes with letters (`250410SS`,
//!   `2504MMXX`) stand for flows that are kept secret: they are outside, and counted.
//! - **Flows** of one key come in a row for each customs procedure (normal, inward and outward processing). Comext's own total
//!   is their sum, and so is what is recorded: one figure, at the place of its first row. It is not known if a part of it is not.
//! - **Values** are euros, and our values are US dollars. A rate is a figure like any other, which differs by day and by source;
//!   one that is made up here would look like one that was reported. The value is therefore not available; quantities,
//!   on which shares of trade rest, are.
//! - **Partners** are where goods come from or go to as customs sees it; inside of the Union they are where goods were sent from,
//!   so that ports such as Rotterdam stand for what passes through them. Northern Ireland counts for the United Kingdom as
//!   a partner; what it reports itself is not the trade of the United Kingdom, and outside. Ceuta and Melilla are of Spain. Partners
//!   `QP` to `QZ` are no economies: recorded as residuals, several codes of one kind together.
//! - **Month 52** is the year's total. A file of it is read as a year, and never beside months.

mod flows;
mod row;
mod sdmx;

use std::collections::BTreeSet;

use orewatch_catalog::Nomenclature;
use orewatch_contracts::ingestion::v1::Table;

use self::row::{Column, Export, Places};
pub(super) use self::sdmx::Sdmx;
use super::metadata::Metadata;
use super::{About, Head, Part, Reader, Setup, Source, SourceError, records};
use crate::ids::UNDATED;

/// Bulk files of Comext, today's (`REPORTER`, `STAT_PROCEDURE`, `VALUE_EUR`) and older ones (`DECLARANT`, `STAT_REGIME`,
/// `VALUE_IN_EUROS`).
#[derive(Debug)]
pub(super) struct Comext;

/// Who publishes Comext.
const PUBLISHER: &str = "Eurostat";

static ABOUT: About = About {
    id: "comext/2",
    title: "Eurostat Comext: trade of the European Union by eight digits, a file a month",
    publisher: PUBLISHER,
    url: "https://ec.europa.eu/eurostat/databrowser/bulk",
    licence: "CC-BY-4.0",
    tables: &[Table::Trade],
    forms: &[
        "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,...,FLOW,STAT_PROCEDURE,...,PERIOD,VALUE_EUR,...,QUANTITY_KG,...",
        "DECLARANT,...,PARTNER,...,PRODUCT_NC,...,FLOW,STAT_REGIME,...,PERIOD,VALUE_IN_EUROS,QUANTITY_IN_KG,...",
    ],
};

impl Source for Comext {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        let sample = records::sample(head);
        Places::find(sample.first()?).map(|_| row::COLUMNS)
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        row::NAMES.iter().map(|names| names.to_vec()).collect()
    }

    fn parts(
        &self,
        head: &Head,
        _given: &Metadata,
        _texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let time = span(head)?;
        let codes = Nomenclature::Cn(time.year.parse().unwrap_or_default());
        Ok(vec![Part::of(Table::Trade, describe(&time, &codes))])
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        let sample = records::sample(head);
        let places = sample.first().and_then(|header| Places::find(header));
        let number = |place: usize| place.checked_add(1).and_then(|number| u32::try_from(number).ok());
        [Column::Value, Column::Quantity]
            .map(|column| places.as_ref().and_then(|places| number(places.of(column))).unwrap_or(0))
    }

    fn reader(&self, head: &Head, _part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (file, limits) = (head.file.clone(), setup.limits);
        let (nomenclature, span) = (setup.product_codes(), span(head)?);
        Ok(Box::new(Export { file, limits, form: records::form(head), nomenclature, span }))
    }
}

/// What is said of a year, whose product codes follow a list.
fn describe(span: &Span, codes: &Nomenclature) -> Metadata {
    let (ending, rhythm) = if span.annual { ("-annual", "annual") } else { ("", "monthly") };
    Metadata {
        dataset: Some(format!("comext-{}{ending}", codes.to_string().to_lowercase())),
        vintage: Some(UNDATED.to_owned()),
        hs: Some(codes.to_string()),
        table: Some("trade".to_owned()),
        publisher: Some(PUBLISHER.to_owned()),
        title: Some(format!("Comext, {codes}, {rhythm}")),
        url: Some(ABOUT.url.to_owned()),
        licence: Some(ABOUT.licence.to_owned()),
        published: None,
        ..Metadata::default()
    }
}

/// The year that a file is about, and whether it is about the year as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    year: String,
    annual: bool,
}

impl Span {
    /// What a period such as `202403` is of. None: it is no period.
    fn of(period: &str) -> Option<Self> {
        let digits = period.len() == 6 && period.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = period.split_at_checked(4).filter(|_| digits)?;
        Some(Self { year: year.to_owned(), annual: month == "52" })
    }
}

/// What the first row says.
fn span(head: &Head) -> Result<Span, SourceError> {
    let refuse = |code, line, message: &str| SourceError::new(code, &head.file, line, message);
    let sample = records::sample(head);
    let places = sample.first().and_then(|header| Places::find(header));
    let places = places.ok_or_else(|| refuse("unknown-format", 1, "the header is another"))?;
    let first = sample.get(1).ok_or_else(|| SourceError::no_rows(&head.file, 1))?;
    let period = first.get(places.of(Column::Period)).map_or("", String::as_str);
    Span::of(period).ok_or_else(|| {
        refuse("bad-period", 2, "the first row is of no month")
            .at("PERIOD", period)
            .with_hint("year and month: 202403; 202452 for the year as a whole")
    })
}
