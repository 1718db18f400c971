//! UK customs (HMRC) as a table of months: trade of an economy by six digits, in dollars and kilograms.
//!
//! ```text
//! period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential
//! 202406,export,GBR,ARE,250490,25049000,13640.18,316.0,False
//! ```
//!
//! - **Products** are six digits; rows of several national codes below one are one flow, their sum, at the place of the first. It is
//!   not known if a part of it is not. Months from 2022 on follow HS22, earlier ones HS17.
//! - **Partner `n/a`** is a partner that the office keeps confidential where the row says so, and one that it does not specify
//!   elsewhere.
//! - Paid goods that weigh nothing have a weight that is not known.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use orewatch_catalog::{HsRevision, Nomenclature, Scheme, residual_kind};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::{Reporter, Table};

use super::figure::Figure;
use super::input::Content;
use super::metadata::Metadata;
use super::names::{Names, Symbol};
use super::out::{Halt, Out, Place};
use super::records::{self, Form, Record, Records};
use super::{About, Beside, Head, Limits, Observation, Part, Reader, Reject, Setup, Source, SourceError};
use crate::ids::UNDATED;

/// Monthly tables of a customs office by way of the Critical Materials Atlas.
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

/// The columns; the last may be missing.
const NAMES: [&str; 9] =
    ["period", "flow", "reporter", "partner", "hs6", "native_code", "value_usd", "qty_kg", "confidential"];
const REQUIRED: usize = 8;

/// A column.
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

/// Most flows of a file.
const MOST_FLOWS: usize = 1 << 21;

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
struct Layout([Option<usize>; NAMES.len()]);

impl Layout {
    /// Finds the columns. None: one that must be there is missing.
    fn find(header: &[String]) -> Option<Self> {
        let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let found = Self(NAMES.map(place));
        found.0.iter().take(REQUIRED).all(Option::is_some).then_some(found)
    }

    fn get<'a>(&self, record: &Record<'a>, column: Column) -> &'a str {
        self.0.get(column as usize).copied().flatten().map_or("", |place| record.get(place))
    }
}

impl Source for Hmrc {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_split(&self) -> bool {
        true
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        let sample = records::sample(head);
        Layout::find(sample.first()?).map(|layout| layout.0.iter().flatten().count())
    }

    fn needs(&self) -> Vec<Vec<&'static str>> {
        NAMES.iter().take(REQUIRED).map(|name| vec![*name]).collect()
    }

    fn split_by(&self, head: &Head) -> Option<String> {
        let sample = records::sample(head);
        let header = sample.first()?;
        let place = Layout::find(header)?.0.first().copied().flatten()?;
        header.get(place).cloned()
    }

    fn parts(
        &self,
        head: &Head,
        given: &Metadata,
        texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        let sample = records::sample(head);
        let layout = layout(head)?;
        let rows = sample.get(1..).filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| SourceError::no_rows(&head.file, 1))?;
        let place = layout.0.first().copied().flatten().unwrap_or(0);
        let seen = rows.iter().filter_map(|row| row.get(place)).chain(texts);
        let found: BTreeSet<_> = seen.filter_map(|period| revision(period)).collect();
        let wanted = given.nomenclature(&head.file)?.and_then(|codes| codes.revision());
        let revisions = match wanted {
            Some(wanted) => BTreeSet::from([wanted]),
            None => found,
        };
        if revisions.is_empty() {
            let first = rows.first().and_then(|row| row.get(place)).map_or("", String::as_str);
            return Err(SourceError::new("bad-period", &head.file, 2, "the rows are of no month")
                .at("period", first)
                .with_hint("a month is 202403"));
        }
        if revisions.len() > 1 && given.dataset.is_some() {
            return Err(SourceError::new("mixed-revisions", &head.file, 0, "the file has months of several revisions")
                .with_hint("leave --dataset out, so that each becomes a dataset of its own, or take one of them with --hs"));
        }
        let part =
            |revision| Part { table: Table::Trade, said: describe(revision), key: key(revision, wanted) };
        Ok(revisions.into_iter().map(part).collect())
    }

    fn flow_columns(&self, head: &Head) -> [u32; 2] {
        ["value_usd", "qty_kg"].map(|name| head.column(name))
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let (file, limits, form) = (head.file.clone(), setup.limits, records::form(head));
        let (layout, nomenclature, key) = (layout(head)?, setup.product_codes(), part.key.clone());
        Ok(Box::new(Months { file, limits, form, layout, nomenclature, key, flows: HashMap::new() }))
    }
}

/// Which months of a file are read: those of a revision, or all where it is said that they follow one.
fn key(revision: HsRevision, said: Option<HsRevision>) -> String {
    if said.is_some() { String::new() } else { revision.to_string() }
}

fn layout(head: &Head) -> Result<Layout, SourceError> {
    let sample = records::sample(head);
    let found = sample.first().and_then(|header| Layout::find(header));
    found.ok_or_else(|| SourceError::new("unknown-format", &head.file, 1, "the header is another"))
}

/// The revision that the tariff of a month follows. None: it is no month.
fn revision(period: &str) -> Option<HsRevision> {
    let period = period.strip_suffix(".0").unwrap_or(period);
    let digits = period.len() == 6 && period.bytes().all(|byte| byte.is_ascii_digit());
    let year: u16 = period.get(..4).filter(|_| digits)?.parse().ok()?;
    Some(if year < 2022 { HsRevision::Hs17 } else { HsRevision::Hs22 })
}

fn describe(revision: HsRevision) -> Metadata {
    Metadata {
        dataset: Some(format!("hmrc-{}-monthly", revision.as_str().to_lowercase())),
        vintage: Some(UNDATED.to_owned()),
        hs: Some(revision.to_string()),
        table: Some("trade".to_owned()),
        publisher: Some(ABOUT.publisher.to_owned()),
        title: Some(format!("UK customs, {revision}, monthly")),
        url: Some(ABOUT.url.to_owned()),
        licence: Some(ABOUT.licence.to_owned()),
        published: None,
        ..Metadata::default()
    }
}

/// A flow: period, reporter, partner, product, whether it is an import.
type Key = (Symbol, Symbol, Symbol, Symbol, bool);

/// The rows of a flow so far.
struct Sum {
    place: Place,
    figures: [Figure; 2],
    /// National codes with their lines.
    codes: BTreeMap<String, u64>,
}

/// Reads the months of a file.
struct Months {
    file: String,
    limits: Limits,
    form: Form,
    layout: Layout,
    nomenclature: Nomenclature,
    /// The revision whose months are read. Empty: all months.
    key: String,
    flows: HashMap<Key, Sum>,
}

impl Reader for Months {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let mut records = Records::open(&self.file, content, self.limits, self.form)?;
        records.each(out, |record, out| {
            let place = Place::line(record.line);
            match self.parse(&record, out.names()) {
                Ok(None) => out.outside(place),
                Ok(Some((key, figures))) => {
                    let code = self.layout.get(&record, Column::Native).to_owned();
                    if let Some(reject) = self.add(key, figures, code, place)? {
                        return out.reject(reject, place, &record.to_text());
                    }
                }
                Err(reject) => return out.reject(reject, place, &record.to_text()),
            }
            Ok(())
        })?;
        let mut flows: Vec<_> = std::mem::take(&mut self.flows).into_iter().collect();
        flows.sort_unstable_by_key(|(_, sum)| sum.place.line);
        flows.into_iter().try_for_each(|(key, sum)| out.row(observation(key, sum.figures), sum.place))
    }
}

impl Months {
    /// What a row says. None: goods of no material, another part of the file, or the office's own economy as the partner.
    fn parse(&self, record: &Record<'_>, names: &mut Names) -> Result<Option<(Key, [Figure; 2])>, Reject> {
        let get = |column| self.layout.get(record, column);
        let period = get(Column::Period);
        if revision(period).is_some_and(|own| !self.key.is_empty() && own.to_string() != self.key) {
            return Ok(None);
        }
        let Some(topic) = names.product(&self.nomenclature, "hs6", get(Column::Product))? else {
            return Ok(None);
        };
        let imports = match get(Column::Flow).to_ascii_lowercase().as_str() {
            "import" | "imports" => true,
            "export" | "exports" => false,
            other => {
                return Err(
                    Reject::new("bad-flow", "flow", other, "this is no flow").with_hint("import or export")
                );
            }
        };
        let bare = period.strip_suffix(".0").unwrap_or(period);
        let (year, month) = bare.split_at_checked(4).unwrap_or((bare, ""));
        let period = names.period("period", &format!("{year}-{month}"))?;
        let reporter = names.economy(Scheme::Iso3, "reporter", get(Column::Reporter))?;
        let partner = partner(names, get(Column::Partner), get(Column::Confidential))?;
        let value = kilos("value_usd", get(Column::Value))?;
        let mut weight = kilos("qty_kg", get(Column::Weight))?;
        if weight.number == 0.0 && value.number > 0.0 {
            weight = Figure::UNAVAILABLE;
        }
        let key = (period, reporter, partner, topic, imports);
        Ok((partner != reporter).then_some((key, [value, weight])))
    }

    /// Adds a row to its flow. Returns why it is set aside, if it is.
    fn add(
        &mut self,
        key: Key,
        figures: [Figure; 2],
        code: String,
        place: Place,
    ) -> Result<Option<Reject>, SourceError> {
        if self.flows.len() >= MOST_FLOWS {
            let message = format!("the file has more than {MOST_FLOWS} flows of materials");
            return Err(SourceError::new("too-many-flows", &self.file, place.line, message)
                .with_hint("split it by year"));
        }
        let zero = [Figure::known(0.0); 2];
        let sum = self.flows.entry(key).or_insert(Sum { place, figures: zero, codes: BTreeMap::new() });
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
        sum.codes.insert(code, place.line);
        Ok(None)
    }
}

/// The other side: an economy, or a residual where the office does not name it.
fn partner(names: &mut Names, code: &str, confidential: &str) -> Result<Symbol, Reject> {
    if !matches!(code.to_ascii_lowercase().as_str(), "" | "n/a" | "na" | "nan") {
        return names.importer(Scheme::Iso3, "partner", code);
    }
    let is_confidential = matches!(confidential.to_ascii_lowercase().as_str(), "true" | "1" | "yes");
    let kind = if is_confidential { "OTHER:confidential" } else { "OTHER:unspecified" };
    let unknown = || Reject::new("unknown-economy", "partner", code, "the partner is not known");
    names.side(residual_kind(kind).ok_or_else(unknown)?, "partner")
}

/// An amount in thousands of its unit.
fn kilos(column: &str, text: &str) -> Result<Figure, Reject> {
    let text = if matches!(text, "" | "nan" | "NaN") { "NA" } else { text };
    let figure = Figure::amount(column, text)?;
    Ok(Figure { number: figure.number / 1000.0, ..figure })
}

fn observation((period, reporter, partner, topic, imports): Key, figures: [Figure; 2]) -> Observation {
    let side = if imports { Reporter::Importer } else { Reporter::Exporter };
    let (economy, partner) = if imports { (partner, reporter) } else { (reporter, partner) };
    Observation { period, economy, partner, topic, figures, beside: Beside::Reported(side) }
}
