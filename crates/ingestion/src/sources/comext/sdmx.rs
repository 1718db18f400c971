//! Comext as Eurostat's data browser and interface give it: SDMX csv, a row a figure, of any number of years.
//!
//! ```text
//! DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG
//! ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CN,28369100,1,QUANTITY_IN_100KG,2024,12345.60
//! ```
//!
//! - **Quantities** are hundreds of kilograms (`QUANTITY_IN_100KG`) or kilograms (`QUANTITY_KG`): 12345.60 is 1,234.56 t. Values are
//!   euros and not taken for dollars; a flow of which only the value is given has a weight that is not known. Supplementary
//!   quantities are outside. A figure that is flagged confidential and empty is withheld.
//! - **Products** are those of eight digits. Shorter codes are their sums and outside, unless the file begins without any of eight
//!   digits: then it is read by its six digits.
//! - **Partner `WORLD`** is a declared total; the Union and other groups are outside.
//! - **Each year** follows the Combined Nomenclature of its own and is a release of its own, and so are years beside months.
use std::collections::{BTreeSet, HashMap};

use orewatch_catalog::Nomenclature;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Table;

use super::super::figure::Figure;
use super::super::input::Content;
use super::super::metadata::Metadata;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::records::{self, Form, Record, Records};
use super::super::sums::{Group, Total};
use super::super::{About, Head, Limits, Part, Reader, Reject, Setup, Source, SourceError};
use super::flows::{self, Flows, Key};
use super::{PUBLISHER, Span, describe};

/// SDMX csv of Comext.
#[derive(Debug)]
pub(in super::super) struct Sdmx;

static ABOUT: About = About {
    id: "comext-sdmx/1",
    title: "Eurostat Comext as SDMX csv: trade of the European Union by eight digits, a row a figure",
    publisher: PUBLISHER,
    url: "https://ec.europa.eu/eurostat/databrowser/view/ds-045409/default/table",
    licence: "CC-BY-4.0",
    tables: &[Table::Trade],
    forms: &[
        "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE[,OBS_FLAG]",
    ],
};

/// A column that is read.
#[derive(Clone, Copy, Debug)]
enum Column {
    Reporter,
    Partner,
    Product,
    Flow,
    Indicator,
    Period,
    Value,
    Flag,
    Confidentiality,
}

/// Their names in lower case; the last two may be missing.
const NAMES: [&str; 9] = [
    "reporter",
    "partner",
    "product",
    "flow",
    "indicators",
    "time_period",
    "obs_value",
    "obs_flag",
    "conf_status",
];
const REQUIRED: usize = 7;

/// The partner that is everyone.
const WORLD: &str = "WORLD";

/// Where the columns are.
#[derive(Clone, Debug)]
struct Layout {
    places: [Option<usize>; NAMES.len()],
    header: Vec<String>,
}

impl Layout {
    fn of(header: &[String]) -> Self {
        // With labels a name is followed by a colon and what it means.
        let plain = |name: &String| name.split(':').next().unwrap_or_default().trim().to_lowercase();
        let plain: Vec<_> = header.iter().map(plain).collect();
        let places = NAMES.map(|name| plain.iter().position(|column| column == name));
        Self { places, header: header.to_vec() }
    }

    fn is_whole(&self) -> bool {
        self.places.iter().take(REQUIRED).all(Option::is_some)
    }

    fn name(&self, column: Column) -> &str {
        let place = self.places.get(column as usize).copied().flatten();
        place.and_then(|place| self.header.get(place)).map_or("", String::as_str)
    }

    /// The code of a column, without a label.
    fn get<'a>(&self, column: Column, text: impl Fn(usize) -> &'a str) -> &'a str {
        let place = self.places.get(column as usize).copied().flatten();
        place.map_or("", text).split(':').next().unwrap_or_default().trim()
    }
}

impl Source for Sdmx {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn has_totals(&self) -> bool {
        true
    }

    fn is_split(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        let sample = records::sample(head);
        let layout = Layout::of(sample.first()?);
        layout.is_whole().then(|| layout.places.iter().flatten().count())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        NAMES.iter().take(REQUIRED).map(|name| vec![*name]).collect()
    }

    fn split_by(&self, head: &Head) -> Option<String> {
        layout(head).ok().map(|layout| layout.name(Column::Period).to_owned())
    }

    fn parts(
        &self,
        head: &Head,
        given: &Metadata,
        texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let layout = layout(head)?;
        let sample = records::sample(head);
        let rows = sample.get(1..).filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| SourceError::no_rows(&head.file, 1))?;
        let get = |row: &Vec<String>, column| {
            let of = |place: usize| row.get(place).map_or("", String::as_str);
            layout.get(column, of).to_owned()
        };
        let mut periods: BTreeSet<String> = rows.iter().map(|row| get(row, Column::Period)).collect();
        periods.extend(texts.iter().cloned());
        let spans: BTreeSet<_> = periods.iter().filter_map(|period| span(period)).collect();
        let first = periods.first().map_or("", String::as_str);
        if spans.is_empty() {
            return Err(SourceError::new("bad-period", &head.file, 2, "the rows are of no year or month")
                .at(layout.name(Column::Period), first)
                .with_hint("a year is 2024, a month 2024-03"));
        }
        if spans.len() > 1 && (given.dataset.is_some() || given.hs.is_some()) {
            let message = "the file has rows of several years, each with product codes of its own, or of years and months";
            return Err(SourceError::new("mixed-periods", &head.file, 0, message)
                .with_hint("leave --dataset and --hs out, so that each becomes a dataset of its own"));
        }
        let by_six = !rows.iter().any(|row| get(row, Column::Product).len() == 8);
        let part = |span: Span| {
            let year = span.year.parse().unwrap_or_default();
            let codes = Nomenclature::Cn(year);
            let codes = match codes.revision().filter(|_| by_six) {
                Some(revision) => Nomenclature::Hs(revision),
                None => codes,
            };
            let key = format!("{}{}", span.year, if span.annual { "" } else { "-" });
            Part { table: Table::Trade, said: describe(&span, &codes), key }
        };
        Ok(spans.into_iter().map(part).collect())
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        [0, layout(head).map_or(0, |layout| head.column(layout.name(Column::Value)))]
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let layout = layout(head)?;
        let span = Span { year: part.key.trim_end_matches('-').to_owned(), annual: !part.key.ends_with('-') };
        let (file, limits, form) = (head.file.clone(), setup.limits, records::form(head));
        Ok(Box::new(Figures { file, limits, form, layout, nomenclature: setup.product_codes(), span }))
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    let sample = records::sample(head);
    let found = sample.first().map(|header| Layout::of(header)).filter(Layout::is_whole);
    found.ok_or_else(|| SourceError::new("unknown-format", &head.file, 1, "the header is another"))
}

/// The year of a period, and whether it is the year as a whole. None: it is no period.
fn span(period: &str) -> Option<Span> {
    let (year, month) = period.split_at_checked(4)?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = month.strip_prefix('-').is_some_and(|month| month.len() == 2 && digits(month));
    let fits = digits(year) && (month.is_empty() || is_month);
    fits.then(|| Span { year: year.to_owned(), annual: month.is_empty() })
}

/// Reads the figures of a year.
struct Figures {
    file: String,
    limits: Limits,
    form: Form,
    layout: Layout,
    nomenclature: Nomenclature,
    span: Span,
}

/// What a figure is of.
enum Taken {
    Flow(Key, Measured),
    Total(Group, Measured),
    Outside,
}

/// What a figure measures.
#[derive(Clone, Copy, Debug)]
enum Measured {
    /// Tonnes.
    Quantity(Figure),
    /// Money, and whether there is any.
    Value { paid: bool },
}

/// Why a row is set aside, and which total it is a part of, if that is known.
struct Refused(Reject, Option<Group>);

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Self(reject, None)
    }
}

/// The figures of a flow so far.
struct Seen {
    /// Where the first of them is.
    place: Place,
    /// The quantity and its line.
    quantity: Option<(Figure, u64)>,
    /// Something was paid for it.
    paid: bool,
}

impl Seen {
    /// The quantity: of paid goods that weigh nothing it is not known.
    fn quantity(&self) -> Figure {
        match self.quantity {
            Some((quantity, _)) if quantity.number > 0.0 || !self.paid => quantity,
            Some((quantity, _)) if quantity.status != Status::Known => quantity,
            _ => Figure::UNAVAILABLE,
        }
    }
}

/// Flows so far, and the lines of totals.
#[derive(Default)]
struct Found {
    flows: HashMap<Key, Seen>,
    totals: HashMap<Group, u64>,
}

impl Reader for Figures {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        let mut found = Found::default();
        records.each(out, |record, out| self.record(record, &mut found, out))?;
        let mut flows = Flows::default();
        for (key, seen) in found.flows {
            flows.add(key, seen.quantity(), &self.file, seen.place)?;
        }
        flows.hand_over(out)
    }
}

impl Figures {
    fn record(&self, record: Record<'_>, found: &mut Found, out: &mut dyn Out) -> Result<(), Halt> {
        let place = Place::line(record.line);
        let refused = match self.parse(record, out.names()) {
            Ok(Taken::Outside) => {
                out.outside(place);
                None
            }
            Ok(Taken::Flow(key, measured)) => found.flow(key, measured, place),
            Ok(Taken::Total(group, Measured::Quantity(quantity))) => {
                let first = found.totals.insert(group, record.line);
                if first.is_none() {
                    let figures = [Figure::UNAVAILABLE, quantity];
                    out.total(Total { group, figures, rounding: 0.0 }, place);
                }
                first.map(duplicate_of)
            }
            Ok(Taken::Total(_, Measured::Value { .. })) => None,
            Err(Refused(reject, group)) => {
                group.into_iter().for_each(|group| out.part(group, [Figure::UNAVAILABLE; 2]));
                Some(reject)
            }
        };
        refused.map_or(Ok(()), |reject| out.reject(reject, place, &record.to_text()))
    }

    fn parse(&self, record: Record<'_>, names: &mut Names) -> Result<Taken, Refused> {
        let get = |column| self.layout.get(column, |place| record.get(place));
        let name = |column| self.layout.name(column);
        let Some(period) = self.period(get(Column::Period), names)? else { return Ok(Taken::Outside) };
        let product = get(Column::Product);
        if self.is_other_level(product) {
            return Ok(Taken::Outside);
        }
        let topic = names.product(&self.nomenclature, name(Column::Product), product)?;
        let Some(topic) = topic else { return Ok(Taken::Outside) };
        let imports = flows::imports(name(Column::Flow), get(Column::Flow))?;
        let reporter = flows::reporter(names, name(Column::Reporter), get(Column::Reporter))?;
        let Some(reporter) = reporter else { return Ok(Taken::Outside) };
        let flow = Key { period, reporter, partner: reporter, topic, imports };
        let of_group = |reject| Refused(reject, Some(flow.group()));
        let Some(measured) = self.measured(record).map_err(of_group)? else { return Ok(Taken::Outside) };
        if get(Column::Partner) == WORLD {
            return Ok(Taken::Total(flow.group(), measured));
        }
        let partner = flows::partner(names, name(Column::Partner), get(Column::Partner));
        match partner.map_err(of_group)? {
            Some(partner) if partner != reporter => Ok(Taken::Flow(Key { partner, ..flow }, measured)),
            _ => Ok(Taken::Outside),
        }
    }

    /// The period of a row. None: it is of another part of the file.
    fn period(&self, text: &str, names: &mut Names) -> Result<Option<Symbol>, Reject> {
        match span(text) {
            Some(other) if other != self.span => Ok(None),
            _ => names.period(self.layout.name(Column::Period), text).map(Some),
        }
    }

    /// Whether a code stands for several products of those that are read, or hides its product.
    fn is_other_level(&self, code: &str) -> bool {
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = if matches!(self.nomenclature, Nomenclature::Hs(_)) { 6 } else { 8 };
        let sum = digits && matches!(code.len(), 2 | 4 | 6) && code.len() < wanted;
        let secret = code.len() == 8 && !digits && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        sum || secret || code == "TOTAL"
    }

    /// What a row measures. None: something else than weight or money.
    fn measured(&self, record: Record<'_>) -> Result<Option<Measured>, Reject> {
        let get = |column| self.layout.get(column, |place| record.get(place));
        let figure = || -> Result<Figure, Reject> {
            match get(Column::Value) {
                "" | "NaN" | ":" => Ok(Figure {
                    status: missing([get(Column::Flag), get(Column::Confidentiality)]),
                    ..Figure::UNAVAILABLE
                }),
                text => Figure::amount(self.layout.name(Column::Value), text),
            }
        };
        let tonnes = |a_tonne: f64| -> Result<Option<Measured>, Reject> {
            let figure = figure()?;
            Ok(Some(Measured::Quantity(Figure { number: figure.number / a_tonne, ..figure })))
        };
        match get(Column::Indicator) {
            "QUANTITY_IN_100KG" => tonnes(10.0),
            "QUANTITY_KG" | "QUANTITY_IN_KG" => tonnes(1000.0),
            "VALUE_IN_EUROS" | "VALUE_EUR" | "VALUE_NAC" => {
                Ok(Some(Measured::Value { paid: figure()?.number > 0.0 }))
            }
            "SUPPLEMENTARY_QUANTITY" | "QUANTITY_SUPPL_UNIT" | "SUP_QUANTITY" => Ok(None),
            other => {
                let column = self.layout.name(Column::Indicator);
                Err(Reject::new("bad-indicator", column, other, "this is no indicator of Comext")
                    .with_hint("QUANTITY_IN_100KG, QUANTITY_KG, VALUE_IN_EUROS or SUPPLEMENTARY_QUANTITY"))
            }
        }
    }
}

impl Found {
    /// Adds a figure of a flow. Returns why it is set aside, if it is.
    fn flow(&mut self, key: Key, measured: Measured, place: Place) -> Option<Reject> {
        let seen = self.flows.entry(key).or_insert(Seen { place, quantity: None, paid: false });
        match (measured, seen.quantity) {
            (Measured::Value { paid }, _) => seen.paid |= paid,
            (Measured::Quantity(_), Some((_, line))) => return Some(duplicate_of(line)),
            (Measured::Quantity(quantity), None) => seen.quantity = Some((quantity, place.line)),
        }
        None
    }
}

/// Why a figure that was there before is set aside.
fn duplicate_of(line: u64) -> Reject {
    Reject::new("duplicate-key", "", "", format!("the same figure is in line {line}"))
        .with_hint("keep one of the rows: the first was recorded")
}

/// Why there is no figure, by the flags beside it: `c` is confidential.
fn missing(flags: [&str; 2]) -> Status {
    let is_letter = |letter: char| letter.is_ascii_alphabetic();
    let mut words = flags.into_iter().flat_map(|flag| flag.split(move |letter: char| !is_letter(letter)));
    if words.any(|word| word.eq_ignore_ascii_case("c")) { Status::Withheld } else { Status::Unavailable }
}
