//! Rows of Comext's bulk files.
use orewatch_catalog::Nomenclature;

use super::super::csv_file::{ColumnMap, CsvFile};
use super::super::figure::Figure;
use super::super::input::Content;
use super::super::location::SourceLocation;
use super::super::names::{Names, Symbol};
use super::super::records::Record;
use super::super::reported_flow::{ReportedFlow, plausible_weight};
use super::super::sink::{Halt, RowSink};
use super::super::{Reader, Reject, SourceError};
use super::Span;
use super::flows::{self, Flows};

/// Number of columns that are read.
const COLUMNS: usize = 8;

/// Their names, today's first; columns of letter codes are preferred to those of old numbers.
pub(super) const NAMES: [&[&str]; COLUMNS] = [
    &["REPORTER", "DECLARANT_ISO", "DECLARANT"],
    &["PARTNER_ISO", "PARTNER"],
    &["PRODUCT_NC"],
    &["FLOW"],
    &["STAT_PROCEDURE", "STAT_REGIME"],
    &["PERIOD"],
    &["VALUE_EUR", "VALUE_IN_EUROS"],
    &["QUANTITY_KG", "QUANTITY_IN_KG"],
];

/// A column that is read, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Reporter,
    Partner,
    Product,
    Flow,
    Procedure,
    Period,
    Value,
    Quantity,
}

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// Where the columns are.
pub(super) type Columns = ColumnMap<COLUMNS>;

/// Finds the columns of a header. None: one of them is missing.
pub(super) fn find_columns(header: &[String]) -> Option<Columns> {
    let columns = Columns::find(header, NAMES, str::to_ascii_uppercase);
    columns.has_first(COLUMNS).then_some(columns)
}

/// Reads a file of a month.
pub(super) struct Export {
    pub(super) file: CsvFile,
    pub(super) nomenclature: Nomenclature,
    pub(super) span: Span,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut records = self.file.records(content)?;
        let columns =
            find_columns(&records.header).ok_or_else(|| SourceError::unknown_header(&self.file.name, 1))?;
        let mut flows = Flows::default();
        records.for_each(out, |record, out| {
            let location = SourceLocation::row(record.line);
            self.check_span(&record, &columns)?;
            match self.parse(&record, &columns, out.names()) {
                Ok(Some((flow, tonnes))) => flows.add(flow, tonnes, &self.file.name, location)?,
                Ok(None) => out.out_of_scope(location),
                Err(reject) => out.reject(reject, location, &record.to_text())?,
            }
            Ok(())
        })?;
        flows.record(out)
    }
}

impl Export {
    /// Refuses a file with rows of another span: another year follows another nomenclature, and a year beside
    /// its months would count twice.
    fn check_span(&self, record: &Record<'_>, columns: &Columns) -> Result<(), SourceError> {
        let period = columns.text(Column::Period, |place| record.get(place));
        match Span::from_period(period) {
            Some(span) if span != self.span => {
                let message = "the file has rows of another year, or of a year as a whole beside its months";
                Err(SourceError::new("mixed-periods", &self.file.name, record.line, message)
                    .at(columns.name(Column::Period), period)
                    .with_hint("split it by year, and month 52 from the others"))
            }
            _ => Ok(()),
        }
    }

    /// The flow that a row belongs to and the tonnes that it adds. None: it is out of scope.
    fn parse(
        &self,
        record: &Record<'_>,
        columns: &Columns,
        names: &mut Names,
    ) -> Result<Option<(ReportedFlow, Figure)>, Reject> {
        let get = |column| columns.text(column, |place| record.get(place));
        let product = get(Column::Product);
        if is_secret(product) {
            return Ok(None);
        }
        let product = names.product(&self.nomenclature, columns.name(Column::Product), product)?;
        let Some(topic) = product else { return Ok(None) };
        let imports = flows::is_import(columns.name(Column::Flow), get(Column::Flow))?;
        check_procedure(columns.name(Column::Procedure), get(Column::Procedure))?;
        let period = self.period(get(Column::Period), columns, names)?;
        let reporter = flows::reporter(names, columns.name(Column::Reporter), get(Column::Reporter))?;
        let Some(reporter) = reporter else { return Ok(None) };
        let partner = flows::partner(names, columns.name(Column::Partner), get(Column::Partner))?;
        let Some(partner) = partner else { return Ok(None) };
        let value = Figure::amount_or_missing(columns.name(Column::Value), get(Column::Value))?;
        let weight = Figure::amount_or_missing(columns.name(Column::Quantity), get(Column::Quantity))?;
        let tonnes = plausible_weight(value, weight).divided_by(1000.0);
        let flow = ReportedFlow { period, reporter, partner, topic, imports };
        Ok((partner != reporter).then_some((flow, tonnes)))
    }

    fn period(&self, text: &str, columns: &Columns, names: &mut Names) -> Result<Symbol, Reject> {
        let Span { year, annual } = &self.span;
        match text.get(4..).filter(|_| Span::from_period(text).is_some()) {
            Some(_) if *annual => names.period(columns.name(Column::Period), year),
            Some(month) => names.period(columns.name(Column::Period), &format!("{year}-{month}")),
            None => names.period(columns.name(Column::Period), text),
        }
    }
}

/// Whether a code hides its product.
fn is_secret(code: &str) -> bool {
    code == "TOTAL" || (code.len() == 8 && code.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// Checks that a procedure is one whose rows add up to the flow: normal, inward and outward processing, and
/// not recorded by customs.
fn check_procedure(column: &str, code: &str) -> Result<(), Reject> {
    if matches!(code, "1" | "2" | "3" | "9") {
        return Ok(());
    }
    Err(Reject::new("unknown-procedure", column, code, "rows of this procedure do not add up to a flow")
        .with_hint("write 1, 2, 3 or 9; leave out rows that are sums of them"))
}
