//! Comext as SDMX csv (<https://ec.europa.eu/eurostat/databrowser/view/ds-045409/default/table>), from
//! Eurostat's data browser and API: a row a figure, of any number of years.
//!
//! ```text
//! DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG
//! ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CN,28369100,1,QUANTITY_IN_100KG,2024,12345.60
//! ```
//!
//! - **Quantities** are hundreds of kilograms (`QUANTITY_IN_100KG`) or kilograms (`QUANTITY_KG`): 12345.60 of
//!   the former is 1,234.56 t. Values are euros and not recorded as US dollars; a flow with a value only has
//!   an unknown weight. Supplementary quantities are out of scope. An empty figure that is flagged
//!   confidential is withheld.
//! - **Products** are codes of eight digits. Shorter codes are their sums and out of scope, unless the
//!   beginning of the file has none of eight digits: then codes of six digits are read.
//! - **Partner `WORLD`** is a declared total; the Union and other groups are out of scope.
//! - **Each year** follows its own Combined Nomenclature and is a release of its own, and so are years beside
//!   months.
//!
//! Quarantined: unknown economies, flows and indicators, invalid products and figures, and a second figure of
//! a flow.
use std::collections::{BTreeSet, HashMap};

use orewatch_catalog::Nomenclature;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Table;

use super::super::csv_file::{ColumnMap, CsvFile, Sample};
use super::super::figure::Figure;
use super::super::input::Content;
use super::super::location::SourceLocation;
use super::super::names::{Names, Symbol};
use super::super::records::Record;
use super::super::reported_flow::ReportedFlow;
use super::super::sink::{Halt, RowSink};
use super::super::sums::{DeclaredTotal, TotalKey};
use super::super::text::is_digits;
use super::super::{About, FileFacts, Head, Part, Reader, Reject, Setup, Source, SourceError};
use super::flows::{self, Flows};
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
    forms: &["DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE\
         [,OBS_FLAG]"],
};

/// A column that is read, in the order of [`NAMES`].
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

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// Names of the columns; the last two may be missing.
const NAMES: [&[&str]; 9] = [
    &["reporter"],
    &["partner"],
    &["product"],
    &["flow"],
    &["indicators"],
    &["time_period"],
    &["obs_value"],
    &["obs_flag"],
    &["conf_status"],
];
const REQUIRED: usize = 7;

/// Code of the partner that stands for all partners.
const WORLD: &str = "WORLD";

/// Where the columns are.
#[derive(Clone, Debug)]
struct Layout(ColumnMap<{ NAMES.len() }>);

impl Layout {
    /// Finds the columns of a header. None: one that must be there is missing.
    fn find(header: &[String]) -> Option<Self> {
        let columns = ColumnMap::find(header, NAMES, |name| without_label(name).to_lowercase());
        columns.has_first(REQUIRED).then_some(Self(columns))
    }

    /// Name of a column in the file.
    fn name(&self, column: Column) -> &str {
        self.0.name(column)
    }

    /// The code of a column in a row whose fields `field` gives by their place.
    fn code<'a>(&self, column: Column, field: impl Fn(usize) -> &'a str) -> &'a str {
        without_label(self.0.text(column, field))
    }
}

/// A name or code without the label that may follow it behind a colon.
fn without_label(text: &str) -> &str {
    text.split(':').next().unwrap_or_default().trim()
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
        Layout::find(&head.csv_header()).map(|layout| layout.0.count())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        NAMES.iter().take(REQUIRED).map(|names| names.to_vec()).collect()
    }

    fn split_by(&self, head: &Head) -> Option<String> {
        layout(head).ok().map(|layout| layout.name(Column::Period).to_owned())
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let FileFacts { head, given, texts } = *file;
        let layout = layout(head)?;
        let sample = Sample::new(head);
        let rows = sample.rows(&head.file)?;
        let get = |row: &Vec<String>, column| {
            layout.code(column, |place| row.get(place).map_or("", String::as_str)).to_owned()
        };
        let mut periods: BTreeSet<String> = rows.iter().map(|row| get(row, Column::Period)).collect();
        periods.extend(texts.iter().cloned());
        let spans: BTreeSet<_> = periods.iter().filter_map(|period| span_of(period)).collect();
        let first = periods.first().map_or("", String::as_str);
        if spans.is_empty() {
            let message = "the rows are of no year or month";
            return Err(SourceError::new("invalid-period", &head.file, 2, message)
                .at(layout.name(Column::Period), first)
                .with_hint("write a year as 2024, a month as 2024-03"));
        }
        if spans.len() > 1 && (given.dataset.is_some() || given.hs.is_some()) {
            let message = "the file has rows of several years, each with product codes of its own, or of \
                           years and months";
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
            Part { table: Table::Trade, metadata: describe(&span, &codes), key }
        };
        Ok(spans.into_iter().map(part).collect())
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        [0, layout(head).map_or(0, |layout| head.column_number(layout.name(Column::Value)))]
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let layout = layout(head)?;
        let span = Span { year: part.key.trim_end_matches('-').to_owned(), annual: !part.key.ends_with('-') };
        let (file, nomenclature) = (CsvFile::new(head, setup), setup.product_codes());
        Ok(Box::new(Figures { file, layout, nomenclature, span }))
    }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    Layout::find(&head.csv_header()).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
}

/// The span of a period such as `2024` or `2024-03`. None: it is no period.
fn span_of(period: &str) -> Option<Span> {
    let (year, month) = period.split_at_checked(4)?;
    let is_month = month.strip_prefix('-').is_some_and(|month| month.len() == 2 && is_digits(month));
    let fits = is_digits(year) && (month.is_empty() || is_month);
    fits.then(|| Span { year: year.to_owned(), annual: month.is_empty() })
}

/// Reads the figures of a year.
struct Figures {
    file: CsvFile,
    layout: Layout,
    nomenclature: Nomenclature,
    span: Span,
}

/// What a figure belongs to.
enum Taken {
    Flow(ReportedFlow, Measured),
    Total(TotalKey, Measured),
    OutOfScope,
}

/// What a figure measures.
#[derive(Clone, Copy, Debug)]
enum Measured {
    /// Tonnes.
    Quantity(Figure),
    /// Money; `paid`: more than none.
    Value { paid: bool },
}

/// Why a row is quarantined, and the total that it is part of, if that is known.
struct Refused(Reject, Option<TotalKey>);

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Self(reject, None)
    }
}

/// The figures of a flow so far.
struct FlowFigures {
    /// Where the first of them is.
    location: SourceLocation,
    /// The quantity and its line.
    quantity: Option<(Figure, u64)>,
    /// Some value is above zero.
    paid: bool,
}

impl FlowFigures {
    /// The quantity. Goods that were paid for weigh something: a weight of zero is then not known.
    fn quantity(&self) -> Figure {
        match self.quantity {
            Some((quantity, _)) if quantity.number > 0.0 || !self.paid => quantity,
            Some((quantity, _)) if quantity.status != Status::Known => quantity,
            _ => Figure::UNAVAILABLE,
        }
    }
}

/// What was read so far: figures of flows, and the lines of totals.
#[derive(Default)]
struct Found {
    flows: HashMap<ReportedFlow, FlowFigures>,
    totals: HashMap<TotalKey, u64>,
}

impl Reader for Figures {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut found = Found::default();
        self.file.for_each_record(content, out, |record, out| self.read_record(record, &mut found, out))?;
        let mut flows = Flows::default();
        for (flow, figures) in found.flows {
            flows.add(flow, figures.quantity(), &self.file.name, figures.location)?;
        }
        flows.record(out)
    }
}

impl Figures {
    fn read_record(&self, record: Record<'_>, found: &mut Found, out: &mut dyn RowSink) -> Result<(), Halt> {
        let location = SourceLocation::row(record.line);
        let refused = match self.parse(record, out.names()) {
            Ok(Taken::OutOfScope) => {
                out.out_of_scope(location);
                None
            }
            Ok(Taken::Flow(flow, measured)) => found.add(flow, measured, location),
            Ok(Taken::Total(key, Measured::Quantity(quantity))) => {
                let first = found.totals.insert(key, record.line);
                if first.is_none() {
                    let figures = [Figure::UNAVAILABLE, quantity];
                    out.declared_total(DeclaredTotal { key, figures, rounding: 0.0 }, location);
                }
                first.map(duplicate_of)
            }
            Ok(Taken::Total(_, Measured::Value { .. })) => None,
            Err(Refused(reject, total)) => {
                total.into_iter().for_each(|total| out.unrecorded_part(total, [Figure::UNAVAILABLE; 2]));
                Some(reject)
            }
        };
        refused.map_or(Ok(()), |reject| out.reject(reject, location, &record.to_text()))
    }

    fn parse(&self, record: Record<'_>, names: &mut Names) -> Result<Taken, Refused> {
        let get = |column| self.layout.code(column, |place| record.get(place));
        let name = |column| self.layout.name(column);
        let Some(period) = self.period(get(Column::Period), names)? else { return Ok(Taken::OutOfScope) };
        let product = get(Column::Product);
        if self.is_other_level(product) {
            return Ok(Taken::OutOfScope);
        }
        let topic = names.product(&self.nomenclature, name(Column::Product), product)?;
        let Some(topic) = topic else { return Ok(Taken::OutOfScope) };
        let imports = flows::is_import(name(Column::Flow), get(Column::Flow))?;
        let reporter = flows::reporter(names, name(Column::Reporter), get(Column::Reporter))?;
        let Some(reporter) = reporter else { return Ok(Taken::OutOfScope) };
        let flow = ReportedFlow { period, reporter, partner: reporter, topic, imports };
        let part_of_total = |reject| Refused(reject, Some(flow.total_key()));
        let Some(measured) = self.measured(record).map_err(part_of_total)? else {
            return Ok(Taken::OutOfScope);
        };
        if get(Column::Partner) == WORLD {
            return Ok(Taken::Total(flow.total_key(), measured));
        }
        let partner = flows::partner(names, name(Column::Partner), get(Column::Partner));
        match partner.map_err(part_of_total)? {
            Some(partner) if partner != reporter => {
                Ok(Taken::Flow(ReportedFlow { partner, ..flow }, measured))
            }
            _ => Ok(Taken::OutOfScope),
        }
    }

    /// The period of a row. None: the row belongs to another part of the file.
    fn period(&self, text: &str, names: &mut Names) -> Result<Option<Symbol>, Reject> {
        match span_of(text) {
            Some(other) if other != self.span => Ok(None),
            _ => names.period(self.layout.name(Column::Period), text).map(Some),
        }
    }

    /// Whether a code is the sum of products that are read, or hides its product.
    fn is_other_level(&self, code: &str) -> bool {
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        let wanted = if matches!(self.nomenclature, Nomenclature::Hs(_)) { 6 } else { 8 };
        let sum = digits && matches!(code.len(), 2 | 4 | 6) && code.len() < wanted;
        let secret = code.len() == 8 && !digits && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        sum || secret || code == "TOTAL"
    }

    /// What a row measures. None: neither weight nor money.
    fn measured(&self, record: Record<'_>) -> Result<Option<Measured>, Reject> {
        let get = |column| self.layout.code(column, |place| record.get(place));
        let figure = || -> Result<Figure, Reject> {
            match get(Column::Value) {
                "" | "NaN" | ":" => {
                    let flags = [get(Column::Flag), get(Column::Confidentiality)];
                    Ok(Figure::missing(missing_status(flags)))
                }
                text => Figure::amount(self.layout.name(Column::Value), text),
            }
        };
        let tonnes = |units_per_tonne: f64| -> Result<Option<Measured>, Reject> {
            Ok(Some(Measured::Quantity(figure()?.divided_by(units_per_tonne))))
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
                Err(Reject::new("unknown-indicator", column, other, "this is no indicator of Comext")
                    .with_hint(
                        "write QUANTITY_IN_100KG, QUANTITY_KG, VALUE_IN_EUROS or SUPPLEMENTARY_QUANTITY",
                    ))
            }
        }
    }
}

impl Found {
    /// Adds a figure of a flow. Returns why it is quarantined, if it is.
    fn add(&mut self, flow: ReportedFlow, measured: Measured, location: SourceLocation) -> Option<Reject> {
        let first = FlowFigures { location, quantity: None, paid: false };
        let figures = self.flows.entry(flow).or_insert(first);
        match (measured, figures.quantity) {
            (Measured::Value { paid }, _) => figures.paid |= paid,
            (Measured::Quantity(_), Some((_, line))) => return Some(duplicate_of(line)),
            (Measured::Quantity(quantity), None) => figures.quantity = Some((quantity, location.line)),
        }
        None
    }
}

/// Why the second of two equal figures is quarantined.
fn duplicate_of(line: u64) -> Reject {
    Reject::new("duplicate-key", "", "", format!("the same figure is in line {line}"))
        .with_hint("keep one of the rows: the first was recorded")
}

/// Why there is no figure, by the flags beside it: `c` is confidential.
fn missing_status(flags: [&str; 2]) -> Status {
    let is_letter = |letter: char| letter.is_ascii_alphabetic();
    let mut words = flags.into_iter().flat_map(|flag| flag.split(move |letter: char| !is_letter(letter)));
    if words.any(|word| word.eq_ignore_ascii_case("c")) { Status::Withheld } else { Status::Unavailable }
}
