//! What a row of UN Comtrade says.
use std::collections::{BTreeSet, HashMap, HashSet};

use orewatch_catalog::{HsRevision, Nomenclature, Scheme};
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Reporter;

use super::super::figure::Figure;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::sums::{Group, Total, Whole};
use super::super::{Beside, Observation, Reject, Setup, SourceError};
use super::{Texts, revision, text};

/// The columns that are read, in the order of [`Column`].
pub(super) const COLUMNS: [&str; 11] = [
    "period",
    "reporterCode",
    "partnerCode",
    "flowCode",
    "cmdCode",
    "primaryValue",
    "netWgt",
    "classificationCode",
    "customsCode",
    "motCode",
    "partner2Code",
];

/// Those that must be there.
pub(super) const REQUIRED: [&str; 7] =
    ["period", "reporterCode", "partnerCode", "flowCode", "cmdCode", "primaryValue", "netWgt"];

/// A column that is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Period,
    Reporter,
    Partner,
    Flow,
    Product,
    Value,
    Weight,
    Classification,
    Customs,
    Transport,
    Second,
}

impl Column {
    fn name(self) -> &'static str {
        COLUMNS.get(self as usize).copied().unwrap_or_default()
    }
}

/// Flows that are part of imports and exports.
const PARTIAL: [&str; 10] = ["RX", "RM", "DX", "FM", "MIP", "XIP", "MOP", "XOP", "MIF", "XIF"];

/// Most flows that may wait for their total at once.
const MOST_WAITING: usize = 1 << 20;

/// The partner that is everyone.
const WORLD: &str = "0";

/// A flow as one side reports it: period, reporter, partner, product, whether it is an import.
type Key = (Symbol, Symbol, Symbol, Symbol, bool);

/// Takes rows, and remembers what has to be known of those before.
pub(super) struct Rows {
    file: String,
    nomenclature: Nomenclature,
    /// Revisions that rows may follow: this one is taken, others are left to their own release.
    revision: Option<HsRevision>,
    said: BTreeSet<HsRevision>,
    monthly: bool,
    /// Rows may be of one customs procedure, mode of transport or second partner.
    pub(super) split: bool,
    /// Flows with a total.
    whole: HashSet<Key>,
    /// Flows of which only parts are there so far, with the place of the first and a description.
    waiting: HashMap<Key, (Place, String)>,
    /// The first part of the flow of which the total has just come.
    settled: Option<Place>,
}

/// What a row is, once its codes are known.
struct Flow {
    period: Symbol,
    reporter: Symbol,
    topic: Symbol,
    imports: bool,
}

impl Flow {
    fn side(&self) -> Reporter {
        if self.imports { Reporter::Importer } else { Reporter::Exporter }
    }

    /// The total that it is part of.
    fn group(&self) -> Group {
        let whole = if self.imports { Whole::Imports(self.reporter) } else { Whole::Exports(self.reporter) };
        Group { period: self.period, topic: self.topic, whole, reporter: self.side() }
    }
}

/// What becomes of a row.
enum Taken {
    Row(Observation),
    Total(Total),
    /// Part of a total, and recorded nowhere.
    Part(Group, [Figure; 2]),
    Outside,
    /// A part of which is not known yet whether its total is there.
    Pending,
}

/// Why a row is not taken.
enum Refused {
    Row(Reject),
    File(SourceError),
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Self::Row(reject)
    }
}

impl Rows {
    pub(super) fn new(file: &str, setup: &Setup, said: BTreeSet<HsRevision>, monthly: bool) -> Self {
        Self {
            file: file.to_owned(),
            nomenclature: setup.product_codes(),
            revision: setup.revision(),
            said,
            monthly,
            split: false,
            whole: HashSet::new(),
            waiting: HashMap::new(),
            settled: None,
        }
    }

    /// Hands a row over.
    pub(super) fn take(
        &mut self,
        texts: &Texts<'_>,
        place: Place,
        written: &dyn Fn() -> String,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        match self.parse(texts, place, out.names()) {
            Ok(Taken::Row(row)) => {
                if let Some(part) = self.settled.take() {
                    out.outside(part);
                }
                return out.row(row, place);
            }
            Ok(Taken::Total(total)) => out.total(total, place),
            Ok(Taken::Part(group, figures)) => {
                out.part(group, figures);
                out.outside(place);
            }
            Ok(Taken::Outside) => out.outside(place),
            Ok(Taken::Pending) => {}
            Err(Refused::Row(reject)) => return out.reject(reject, place, &written()),
            Err(Refused::File(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Sets aside what has parts and no total.
    pub(super) fn finish(&mut self, out: &mut dyn Out) -> Result<(), Halt> {
        let mut left: Vec<_> = self.waiting.drain().map(|(_, first)| first).collect();
        left.sort_unstable_by_key(|(place, _)| place.line);
        for (place, flow) in left {
            let reason = "there are only parts of this flow: by customs procedure, mode of transport or second partner";
            let reject = Reject::new("no-total", "", &flow, reason)
                .with_hint("ask for customsCode=C00, motCode=0 and partner2Code=0");
            out.reject(reject, place, "")?;
        }
        Ok(())
    }

    fn parse(&mut self, texts: &Texts<'_>, place: Place, names: &mut Names) -> Result<Taken, Refused> {
        let get = |column| text(texts, column);
        let Some(imports) = direction(get(Column::Flow))? else { return Ok(Taken::Outside) };
        if !self.is_of_revision(get(Column::Classification), place)? || is_aggregate(get(Column::Product)) {
            return Ok(Taken::Outside);
        }
        let product = names.product(&self.nomenclature, Column::Product.name(), get(Column::Product))?;
        let Some(topic) = product else { return Ok(Taken::Outside) };
        let period = self.period(get(Column::Period), place)?;
        let period = names.period(Column::Period.name(), &period)?;
        let reporter = names.economy(Scheme::Numeric, Column::Reporter.name(), get(Column::Reporter));
        let Some(reporter) = single(reporter)? else { return Ok(Taken::Outside) };
        let flow = Flow { period, reporter, topic, imports };
        let whole = is_total(texts);
        if get(Column::Partner) == WORLD {
            return if whole { Ok(Taken::Total(total(&flow, figures(texts)?))) } else { Ok(Taken::Outside) };
        }
        let partner = names.partner(Scheme::Numeric, Column::Partner.name(), get(Column::Partner));
        let partner = single(partner)?.filter(|partner| *partner != reporter);
        let Some(partner) = partner else {
            return if whole { Ok(Taken::Part(flow.group(), figures(texts)?)) } else { Ok(Taken::Outside) };
        };
        let key = (period, reporter, partner, topic, imports);
        if !whole {
            return self.wait(key, texts, place);
        }
        let figures = figures(texts)?;
        self.settle(key);
        let (economy, partner) = if imports { (partner, reporter) } else { (reporter, partner) };
        let beside = Beside::Reported(flow.side());
        Ok(Taken::Row(Observation { period, economy, partner, topic, figures, beside }))
    }

    /// Whether a row follows the revision that is read.
    fn is_of_revision(&self, classification: &str, place: Place) -> Result<bool, Refused> {
        if classification.is_empty() {
            return Ok(true);
        }
        let column = Column::Classification.name();
        let Some(own) = revision(classification) else {
            let reason = "this is no revision of the Harmonized System";
            return Err(Reject::new("unknown-classification", column, classification, reason)
                .with_hint("ask for classification HS, or one of H0 to H6")
                .into());
        };
        if self.revision == Some(own) || self.said.contains(&own) || self.said.is_empty() {
            return Ok(self.revision == Some(own));
        }
        let message = "the file goes over to another revision of the Harmonized System, which its beginning does not show";
        Err(Refused::File(
            SourceError::new("mixed-revisions", &self.file, place.line, message)
                .at(column, classification)
                .with_hint("split it by revision, or by reporter and year, which have one each"),
        ))
    }

    /// A period as we write it: years of four digits, months of six. Years and months of one file would count twice.
    fn period(&self, text: &str, place: Place) -> Result<String, Refused> {
        let (year, month) = text.split_at_checked(4).unwrap_or((text, ""));
        let monthly = text.len() == 6 && month != "52";
        if monthly != self.monthly {
            let message = "the file has years and months, and what is in the one is in the other";
            return Err(Refused::File(
                SourceError::new("mixed-periods", &self.file, place.line, message)
                    .at(Column::Period.name(), text)
                    .with_hint("split it: years into one file, months into another"),
            ));
        }
        Ok(match month {
            "" | "52" => year.to_owned(),
            month => format!("{year}-{month}"),
        })
    }

    /// Keeps a part in mind until its total comes.
    fn wait(&mut self, key: Key, texts: &Texts<'_>, place: Place) -> Result<Taken, Refused> {
        if self.whole.contains(&key) || self.waiting.contains_key(&key) {
            return Ok(Taken::Outside);
        }
        if self.waiting.len() >= MOST_WAITING {
            let message = format!("more than {MOST_WAITING} flows have parts and no total so far");
            return Err(Refused::File(
                SourceError::new("no-total", &self.file, place.line, message)
                    .with_hint("ask for customsCode=C00, motCode=0 and partner2Code=0"),
            ));
        }
        let of = [Column::Period, Column::Flow, Column::Reporter, Column::Partner, Column::Product];
        let described = of.map(|column| text(texts, column)).join(",");
        self.waiting.insert(key, (place, described));
        Ok(Taken::Pending)
    }

    /// A total has come.
    fn settle(&mut self, key: Key) {
        if self.split {
            self.settled = self.waiting.remove(&key).map(|(part, _)| part);
            self.whole.insert(key);
        }
    }
}

/// Whether goods come in. None: a flow that is part of another.
fn direction(code: &str) -> Result<Option<bool>, Reject> {
    match code {
        "M" => Ok(Some(true)),
        "X" => Ok(Some(false)),
        code if PARTIAL.contains(&code) => Ok(None),
        _ => Err(Reject::new("bad-flow", Column::Flow.name(), code, "this is no flow of UN Comtrade")
            .with_hint("M for imports, X for exports")),
    }
}

/// Whether a code stands for several subheadings.
fn is_aggregate(code: &str) -> bool {
    let short = (1..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    short || code == "TOTAL" || code.starts_with("AG")
}

/// Whether a row is about every customs procedure, mode of transport and second partner.
fn is_total(texts: &Texts<'_>) -> bool {
    let all = |column, total: &str| matches!(text(texts, column), "" | "0") || text(texts, column) == total;
    all(Column::Customs, "C00") && all(Column::Transport, "0") && all(Column::Second, "0")
}

/// An economy. None: a sum of several or a residual.
fn single(found: Result<Symbol, Reject>) -> Result<Option<Symbol>, Reject> {
    match found {
        Ok(economy) => Ok(Some(economy)),
        Err(reject) if reject.code == "aggregate-economy" => Ok(None),
        Err(reject) => Err(reject),
    }
}

fn total(flow: &Flow, figures: [Figure; 2]) -> Total {
    Total { group: flow.group(), figures, rounding: 0.0 }
}

/// Thousand US dollars and tonnes.
fn figures(texts: &Texts<'_>) -> Result<[Figure; 2], Reject> {
    let value = thousandth(Column::Value, texts)?;
    let mut weight = thousandth(Column::Weight, texts)?;
    if weight.number == 0.0 && value.number > 0.0 {
        weight = Figure { number: f64::NAN, status: Status::Unavailable };
    }
    Ok([value, weight])
}

fn thousandth(column: Column, texts: &Texts<'_>) -> Result<Figure, Reject> {
    let text = match text(texts, column) {
        "" => "NA",
        text => text,
    };
    let mut figure = Figure::amount(column.name(), text)?;
    figure.number /= 1000.0;
    Ok(figure)
}
