//! What rows of Comext say, and the sums of those of one flow.
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use orewatch_catalog::{Nomenclature, Scheme};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Reporter;

use super::super::figure::Figure;
use super::super::input::Content;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::records::{Record, Records};
use super::super::{Beside, Limits, Observation, Reader, Reject, SourceError};
use super::Span;

/// Columns that are read.
pub(super) const COLUMNS: usize = 8;

/// Their names, today's first; codes of letters are preferred to old numbers.
const NAMES: [&[&str]; COLUMNS] = [
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

/// Most flows of a file. Those of all materials in a month are some ten thousand.
const MOST_FLOWS: usize = 1 << 21;

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
            let of = |name: &&'static str| Some((header.iter().position(|column| column == name)?, *name));
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

/// A flow as one side reports it: period, reporter, partner, product, whether it is an import.
type Key = (Symbol, Symbol, Symbol, Symbol, bool);

/// The rows of a flow so far.
struct Sum {
    place: Place,
    tonnes: f64,
    /// Every part is known.
    known: bool,
}

/// Reads a file of a month.
pub(super) struct Export {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) utf8: bool,
    pub(super) nomenclature: Nomenclature,
    pub(super) span: Span,
}

impl Reader for Export {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.utf8)?;
        let places = Places::find(&records.header)
            .ok_or_else(|| SourceError::new("unknown-format", &self.file, 1, "the header is another"))?;
        let mut sums = HashMap::new();
        records.each(out, |record, out| {
            let place = Place::line(record.line);
            self.on_time(record.get(places.of(Column::Period)), &places, place)?;
            match self.parse(&record, &places, out.names()) {
                Ok(Some((key, tonnes))) => self.add(&mut sums, key, tonnes, place)?,
                Ok(None) => out.outside(place),
                Err(reject) => out.reject(reject, place, &record.to_text())?,
            }
            Ok(())
        })?;
        hand_over(sums, out)
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
        let imports = match get(Column::Flow) {
            "1" => true,
            "2" => false,
            other => {
                return Err(Reject::new(
                    "bad-flow",
                    places.name(Column::Flow),
                    other,
                    "this is no flow of Comext",
                )
                .with_hint("1 for imports, 2 for exports"));
            }
        };
        procedure(places.name(Column::Procedure), get(Column::Procedure))?;
        let period = self.period(get(Column::Period), places, names)?;
        let reporter = get(Column::Reporter);
        if reporter == "XI" {
            return Ok(None);
        }
        let reporter = names.economy(Scheme::Iso2, places.name(Column::Reporter), iso2(reporter))?;
        let partner = get(Column::Partner);
        if is_no_economy(partner) {
            return Ok(None);
        }
        let partner = names.partner(Scheme::Iso2, places.name(Column::Partner), iso2(partner))?;
        let tonnes = tonnes(places, get(Column::Value), get(Column::Quantity))?;
        let key = (period, reporter, partner, topic, imports);
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

    fn add(
        &self,
        sums: &mut HashMap<Key, Sum>,
        key: Key,
        tonnes: Figure,
        place: Place,
    ) -> Result<(), SourceError> {
        let full = sums.len() >= MOST_FLOWS;
        let known = tonnes.status == Status::Known;
        let tonnes = if known { tonnes.number } else { 0.0 };
        match sums.entry(key) {
            Entry::Occupied(mut sum) => {
                let sum = sum.get_mut();
                sum.tonnes += tonnes;
                sum.known &= known;
            }
            Entry::Vacant(_) if full => {
                let message = format!("the file has more than {MOST_FLOWS} flows of materials");
                return Err(SourceError::new("too-many-flows", &self.file, place.line, message)
                    .with_hint("split it by month"));
            }
            Entry::Vacant(free) => {
                free.insert(Sum { place, tonnes, known });
            }
        }
        Ok(())
    }
}

/// Records the sums, in the order of their first rows.
fn hand_over(sums: HashMap<Key, Sum>, out: &mut dyn Out) -> Result<(), Halt> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|(_, sum)| sum.place.line);
    for ((period, reporter, partner, topic, imports), sum) in sums {
        let side = if imports { Reporter::Importer } else { Reporter::Exporter };
        let (economy, partner) = if imports { (partner, reporter) } else { (reporter, partner) };
        let quantity = if sum.known { Figure::known(sum.tonnes) } else { UNKNOWN };
        let (figures, beside) = ([UNKNOWN, quantity], Beside::Reported(side));
        out.row(Observation { period, economy, partner, topic, figures, beside }, sum.place)?;
    }
    Ok(())
}

const UNKNOWN: Figure = Figure { number: f64::NAN, status: Status::Unavailable };

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

/// Codes of Comext that differ from ISO's.
fn iso2(code: &str) -> &str {
    match code {
        "EL" => "GR",
        "UK" | "XI" | "XU" => "GB",
        "XS" => "RS",
        other => other,
    }
}

/// High seas, stores and provisions, secret and unknown partners, Ceuta and Melilla, which are of Spain.
fn is_no_economy(code: &str) -> bool {
    matches!(code.as_bytes(), [b'Q', b'P'..=b'Z']) || matches!(code, "XC" | "XL" | "EU")
}

/// Goods that were paid for weigh something: a weight of nothing is then not known.
fn tonnes(places: &Places, value: &str, weight: &str) -> Result<Figure, Reject> {
    let read =
        |column, text| Figure::amount(places.name(column), if str::is_empty(text) { "NA" } else { text });
    let (value, mut weight) = (read(Column::Value, value)?, read(Column::Quantity, weight)?);
    if weight.number == 0.0 && value.number > 0.0 {
        return Ok(UNKNOWN);
    }
    weight.number /= 1000.0;
    Ok(weight)
}
