//! UK customs, HM Revenue & Customs (<https://www.uktradeinfo.com>): a table of months by way of the Critical
//! Materials Atlas, with the trade of an economy by six digits, in dollars and kilograms.
//!
//! ```text
//! period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential
//! 202406,export,GBR,ARE,250490,25049000,13640.18,316.0,False
//! ```
//!
//! - **Products** are six digits. Rows of several national codes below one are one flow, their sum, at the
//!   location of the first. It is unknown if any part of it is. Months from 2022 on follow HS22, earlier ones
//!   HS17.
//! - **Partner `n/a`** is a partner that the office keeps confidential if the row says so, and otherwise one
//!   that it does not specify.
//! - Goods that were paid for weigh something: a weight of zero is then not known.
//!
//! Products of no material, and the office's own economy as the partner, are out of scope. Quarantined:
//! unknown economies and flows, invalid products, periods and figures, and a second row of a flow and
//! national code.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use orewatch_catalog::{HsRevision, Nomenclature, Scheme, residual_kind};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Table;

use super::csv_file::{ColumnMap, CsvFile, Sample};
use super::figure::Figure;
use super::input::Content;
use super::location::SourceLocation;
use super::names::{Names, Symbol};
use super::records::Record;
use super::reported_flow::{MAX_FLOWS, ReportedFlow, plausible_weight, record_sums, too_many_flows};
use super::sink::{Halt, RowSink};
use super::text::{is_digits, without_decimals};
use super::{About, FileFacts, Head, Metadata, Part, Reader, Reject, Setup, Source, SourceError};

/// Monthly tables of UK customs, as csv.
#[derive(Debug)]
pub(super) struct Hmrc;

static ABOUT: About = About {
    id: "hmrc/1",
    title: "UK customs (HMRC): trade by six digits, a row a month, partner and national code",
    publisher: "HM Revenue & Customs",
    url: "https://www.uktradeinfo.com",
    licence: "OGL-UK-3.0",
    tables: &[Table::Trade],
    forms: &["period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential"],
};

/// Names of the columns; the last may be missing.
const NAMES: [&[&str]; 9] = [
    &["period"],
    &["flow"],
    &["reporter"],
    &["partner"],
    &["hs6"],
    &["native_code"],
    &["value_usd"],
    &["qty_kg"],
    &["confidential"],
];
const REQUIRED: usize = 8;

/// A column, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug)]
enum Column {
    Period,
    Flow,
    Reporter,
    Partner,
    Product,
    Native,
    Value,
    Weight,
    Confidential,
}

impl From<Column> for usize {
    fn from(column: Column) -> Self {
        column as Self
    }
}

/// Where the columns are.
type Columns = ColumnMap<{ NAMES.len() }>;

/// Finds the columns of a header. None: one that must be there is missing.
fn find_columns(header: &[String]) -> Option<Columns> {
    let columns = Columns::find(header, NAMES, str::to_ascii_lowercase);
    columns.has_first(REQUIRED).then_some(columns)
}

impl Source for Hmrc {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_split(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        find_columns(&head.csv_header()).map(|columns| columns.count())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        NAMES.iter().take(REQUIRED).map(|names| names.to_vec()).collect()
    }

    fn split_by(&self, head: &Head) -> Option<String> {
        find_columns(&head.csv_header()).map(|columns| columns.name(Column::Period).to_owned())
    }

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let FileFacts { head, given, texts } = *file;
        let sample = Sample::new(head);
        let columns = columns(head)?;
        let rows = sample.rows(&head.file)?;
        let period = |row: &Vec<String>| {
            columns.text(Column::Period, |place| row.get(place).map_or("", String::as_str)).to_owned()
        };
        let periods: BTreeSet<_> = rows.iter().map(period).chain(texts.iter().cloned()).collect();
        let wanted = given.nomenclature(&head.file)?.and_then(|codes| codes.revision());
        let revisions: BTreeSet<_> = match wanted {
            Some(wanted) => BTreeSet::from([wanted]),
            None => periods.iter().filter_map(|period| revision(period)).collect(),
        };
        if revisions.is_empty() {
            let first = rows.first().map(period).unwrap_or_default();
            return Err(SourceError::new("invalid-period", &head.file, 2, "the rows are of no month")
                .at("period", first)
                .with_hint("write a month as 202403"));
        }
        if revisions.len() > 1 && given.dataset.is_some() {
            let message = "the file has months of several revisions";
            return Err(SourceError::new("mixed-revisions", &head.file, 0, message).with_hint(
                "leave --dataset out, so that each becomes a dataset of its own, or select one with --hs",
            ));
        }
        let part =
            |revision| Part { table: Table::Trade, metadata: describe(revision), key: key(revision, wanted) };
        Ok(revisions.into_iter().map(part).collect())
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        ["value_usd", "qty_kg"].map(|name| head.column_number(name))
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        Ok(Box::new(Months {
            file: CsvFile::new(head, setup),
            columns: columns(head)?,
            nomenclature: setup.product_codes(),
            key: part.key.clone(),
        }))
    }
}

/// Selects the months of a part: those of a revision, or all if the user names one.
fn key(revision: HsRevision, wanted: Option<HsRevision>) -> String {
    if wanted.is_some() { String::new() } else { revision.to_string() }
}

fn columns(head: &Head) -> Result<Columns, SourceError> {
    find_columns(&head.csv_header()).ok_or_else(|| SourceError::unknown_header(&head.file, 1))
}

/// The revision that the tariff of a month follows. None: it is no month.
fn revision(period: &str) -> Option<HsRevision> {
    let period = without_decimals(period);
    let is_month = period.len() == 6 && is_digits(period);
    let year: u16 = period.get(..4).filter(|_| is_month)?.parse().ok()?;
    Some(if year < 2022 { HsRevision::Hs17 } else { HsRevision::Hs22 })
}

/// The metadata of a release of one revision.
fn describe(revision: HsRevision) -> Metadata {
    let dataset = format!("hmrc-{}-monthly", revision.as_str().to_lowercase());
    let metadata = ABOUT.metadata(Table::Trade, dataset, format!("UK customs, {revision}, monthly"));
    Metadata { hs: Some(revision.to_string()), ..metadata }
}

/// The sum of the rows of a flow so far.
struct Sum {
    /// Where its first row is.
    location: SourceLocation,
    figures: [Figure; 2],
    /// Lines of its national codes.
    codes: BTreeMap<String, u64>,
}

/// Reads the months of a file.
struct Months {
    file: CsvFile,
    columns: Columns,
    nomenclature: Nomenclature,
    /// The revision whose months are read. Empty: all months.
    key: String,
}

impl Reader for Months {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut sums = HashMap::new();
        self.file.for_each_record(content, out, |record, out| {
            let location = SourceLocation::row(record.line);
            let refused = match self.parse(&record, out.names()) {
                Ok(None) => {
                    out.out_of_scope(location);
                    None
                }
                Ok(Some((flow, figures))) => {
                    let code = self.text(&record, Column::Native).to_owned();
                    self.add(&mut sums, flow, figures, code, location)?
                }
                Err(reject) => Some(reject),
            };
            refused.map_or(Ok(()), |reject| out.reject(reject, location, &record.to_text()))
        })?;
        record_sums(sums.into_iter().map(|(flow, sum)| (flow, sum.location, sum.figures)), out)
    }
}

impl Months {
    fn text<'a>(&self, record: &Record<'a>, column: Column) -> &'a str {
        self.columns.text(column, |place| record.get(place))
    }

    /// The flow of a row with its figures. None: goods of no material, another part of the file, or the
    /// office's own economy as the partner.
    fn parse(
        &self,
        record: &Record<'_>,
        names: &mut Names,
    ) -> Result<Option<(ReportedFlow, [Figure; 2])>, Reject> {
        let get = |column| self.text(record, column);
        let period = get(Column::Period);
        if revision(period).is_some_and(|own| !self.key.is_empty() && own.to_string() != self.key) {
            return Ok(None);
        }
        let Some(topic) = names.product(&self.nomenclature, "hs6", get(Column::Product))? else {
            return Ok(None);
        };
        let imports = is_import(get(Column::Flow))?;
        let bare = without_decimals(period);
        let (year, month) = bare.split_at_checked(4).unwrap_or((bare, ""));
        let period = names.period("period", &format!("{year}-{month}"))?;
        let reporter = names.economy(Scheme::Iso3, "reporter", get(Column::Reporter))?;
        let partner = partner(names, get(Column::Partner), get(Column::Confidential))?;
        let value = thousandth("value_usd", get(Column::Value))?;
        let weight = plausible_weight(value, thousandth("qty_kg", get(Column::Weight))?);
        let flow = ReportedFlow { period, reporter, partner, topic, imports };
        Ok((partner != reporter).then_some((flow, [value, weight])))
    }

    /// Adds a row to its flow. Returns why it is quarantined, if it is.
    fn add(
        &self,
        sums: &mut HashMap<ReportedFlow, Sum>,
        flow: ReportedFlow,
        figures: [Figure; 2],
        code: String,
        location: SourceLocation,
    ) -> Result<Option<Reject>, SourceError> {
        if sums.len() >= MAX_FLOWS {
            return Err(too_many_flows(&self.file.name, location.line, "split it by year"));
        }
        let zero = [Figure::known(0.0); 2];
        let sum = sums.entry(flow).or_insert(Sum { location, figures: zero, codes: BTreeMap::new() });
        if let Some(line) = sum.codes.get(&code) {
            let reason = format!("the same flow of this national code is in line {line}");
            return Ok(Some(
                Reject::new("duplicate-key", "native_code", &code, reason)
                    .with_hint("keep one of the rows: the first was recorded"),
            ));
        }
        for (sum, figure) in sum.figures.iter_mut().zip(figures) {
            let known = sum.status == Status::Known && figure.status == Status::Known;
            *sum = if known { Figure::known(sum.number + figure.number) } else { Figure::UNAVAILABLE };
        }
        sum.codes.insert(code, location.line);
        Ok(None)
    }
}

/// Whether goods come in.
fn is_import(text: &str) -> Result<bool, Reject> {
    match text.to_ascii_lowercase().as_str() {
        "import" | "imports" => Ok(true),
        "export" | "exports" => Ok(false),
        other => {
            Err(Reject::new("unknown-flow", "flow", other, "this is no flow")
                .with_hint("write import or export"))
        }
    }
}

/// The other side: an economy, or a residual if the office does not name one.
fn partner(names: &mut Names, code: &str, confidential: &str) -> Result<Symbol, Reject> {
    if !matches!(code.to_ascii_lowercase().as_str(), "" | "n/a" | "na" | "nan") {
        return names.importer(Scheme::Iso3, "partner", code);
    }
    let is_confidential = matches!(confidential.to_ascii_lowercase().as_str(), "true" | "1" | "yes");
    let kind = if is_confidential { "OTHER:confidential" } else { "OTHER:unspecified" };
    let unknown = || Reject::new("unknown-economy", "partner", code, "the partner is unknown");
    names.residual_side(residual_kind(kind).ok_or_else(unknown)?, "partner")
}

/// An amount in thousands of its unit.
fn thousandth(column: &str, text: &str) -> Result<Figure, Reject> {
    let text = if matches!(text, "nan" | "NaN") { "" } else { text };
    Ok(Figure::amount_or_missing(column, text)?.divided_by(1000.0))
}
