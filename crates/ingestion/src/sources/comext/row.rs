//! What rows of a bulk file of Comext say.
use orewatch_catalog::Nomenclature;

use super::super::figure::Figure;
use super::super::input::Content;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::records::{Form, Record, Records};
use super::super::{Limits, Reader, Reject, SourceError};
use super::Span;
use super::flows::{self, Flows, Key};

/// Columns that are read.
pub(super) const COLUMNS: usize = 8;

/// Their names, today's first; codes of letters are preferred to old numbers.
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

/// A column that is read.
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

/// Where the columns are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    places: [usize; COLUMNS],
    names: [&'static str; COLUMNS],
}

impl Places {
    /// Finds the columns. None: some is missing.
    pub(super) fn find(header: &[String]) -> Option<Self> {
        let mut found = Self { places: [0; COLUMNS], names: [""; COLUMNS] };
        let slots = found.places.iter_mut().zip(&mut found.names).zip(NAMES);
        for ((place, name), names) in slots {
            let of = |name: &&'static str| {
                Some((header.iter().position(|column| column.eq_ignore_ascii_case(name))?, *name))
            };
            (*place, *name) = names.iter().find_map(of)?;
        }
        Some(found)
    }

    /// Place of a column, from 0.
    pub(super) fn of(&self, column: Column) -> usize {
        self.places.get(column as usize).copied().unwrap_or(usize::MAX)
    }

    fn name(&self, column: Column) -> &'static str {
        self.names.get(column as usize).copied().unwrap_or_default()
    }
}

/// Reads a file of a month.
pub(super) struct Export {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) form: Form,
    pub(super) nomenclature: Nomenclature,
    pub(super) span: Span,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        let places = Places::find(&records.header)
            .ok_or_else(|| SourceError::new("unknown-format", &self.file, 1, "the header is another"))?;
        let mut flows = Flows::default();
        records.each(out, |record, out| {
            let place = Place::line(record.line);
            self.on_time(record.get(places.of(Column::Period)), &places, place)?;
            match self.parse(&record, &places, out.names()) {
                Ok(Some((key, tonnes))) => flows.add(key, tonnes, &self.file, place)?,
                Ok(None) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
            Ok(())
        })?;
        flows.hand_over(out)
    }
}

impl Export {
    /// A row of another year would follow another nomenclature, and a year beside its months count twice.
    fn on_time(&self, period: &str, places: &Places, place: Place) -> Result<(), SourceError> {
        match Span::of(period) {
            Some(span) if span != self.span => {
                let message = "the file has rows of another year, or of a year as a whole beside its months";
                Err(SourceError::new("mixed-periods", &self.file, place.line, message)
                    .at(places.name(Column::Period), period)
                    .with_hint("split it by year, and month 52 from the others"))
            }
            _ => Ok(()),
        }
    }

    /// What a row adds to which flow, in tonnes; no tonnes: not known. None: it is outside.
    fn parse(
        &self,
        record: &Record<'_>,
        places: &Places,
        names: &mut Names,
    ) -> Result<Option<(Key, Figure)>, Reject> {
        let get = |column| record.get(places.of(column));
        let product = get(Column::Product);
        if is_secret(product) {
            return Ok(None);
        }
        let product = names.product(&self.nomenclature, places.name(Column::Product), product)?;
        let Some(topic) = product else { return Ok(None) };
        let imports = flows::imports(places.name(Column::Flow), get(Column::Flow))?;
        procedure(places.name(Column::Procedure), get(Column::Procedure))?;
        let period = self.period(get(Column::Period), places, names)?;
        let reporter = flows::reporter(names, places.name(Column::Reporter), get(Column::Reporter))?;
        let Some(reporter) = reporter else { return Ok(None) };
        let partner = flows::partner(names, places.name(Column::Partner), get(Column::Partner))?;
        let Some(partner) = partner else { return Ok(None) };
        let tonnes = tonnes(places, get(Column::Value), get(Column::Quantity))?;
        let key = Key { period, reporter, partner, topic, imports };
        Ok((partner != reporter).then_some((key, tonnes)))
    }

    fn period(&self, text: &str, places: &Places, names: &mut Names) -> Result<Symbol, Reject> {
        let Span { year, annual } = &self.span;
        match text.get(4..).filter(|_| Span::of(text).is_some()) {
            Some(_) if *annual => names.period(places.name(Column::Period), year),
            Some(month) => names.period(places.name(Column::Period), &format!("{year}-{month}")),
            None => names.period(places.name(Column::Period), text),
        }
    }
}

/// Whether a code hides what it is about.
fn is_secret(code: &str) -> bool {
    code == "TOTAL" || (code.len() == 8 && code.bytes().any(|byte| byte.is_ascii_uppercase()))
}

/// Procedures of which the sum is the flow: normal, inward and outward processing, and not recorded by customs.
fn procedure(column: &str, code: &str) -> Result<(), Reject> {
    if matches!(code, "1" | "2" | "3" | "9") {
        return Ok(());
    }
    Err(Reject::new("bad-procedure", column, code, "this is no procedure whose rows add up to a flow")
        .with_hint("1, 2, 3 or 9; leave rows that are sums of them out"))
}

/// Goods that were paid for weigh something: a weight of nothing is then not known.
fn tonnes(places: &Places, value: &str, weight: &str) -> Result<Figure, Reject> {
    let read =
        |column, text| Figure::amount(places.name(column), if str::is_empty(text) { "NA" } else { text });
    let (value, mut weight) = (read(Column::Value, value)?, read(Column::Quantity, weight)?);
    if weight.number == 0.0 && value.number > 0.0 {
        return Ok(Figure::UNAVAILABLE);
    }
    weight.number /= 1000.0;
    Ok(weight)
}
