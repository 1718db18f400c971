//! What a row of UN Comtrade says.
use std::collections::{HashMap, HashSet};

use orewatch_catalog::{HsRevision, Nomenclature, Scheme, comtrade_number};
use orewatch_contracts::ingestion::v1::Reporter;

use super::super::figure::Figure;
use super::super::names::{Names, Symbol};
use super::super::out::{Halt, Out, Place};
use super::super::sums::{Group, Total, Whole};
use super::super::{Beside, Observation, Reject, Setup, SourceError};
use super::layout::{Column, Layout, Texts};
use super::revision;
use super::weight::weight;

/// Flows that are part of imports and exports.
const PARTIAL: [&str; 16] = [
    "RX",
    "RM",
    "DX",
    "FM",
    "MIP",
    "XIP",
    "MOP",
    "XOP",
    "MIF",
    "XIF",
    "3",
    "4",
    "Re-Export",
    "Re-Exports",
    "Re-Import",
    "Re-Imports",
];

/// Most flows that may wait for their total at once.
const MOST_WAITING: usize = 1 << 20;

/// The partner that is everyone.
const WORLD: &str = "0";

/// A flow as one side reports it: period, reporter, partner, product, whether it is an import.
type Key = (Symbol, Symbol, Symbol, Symbol, bool);

/// Takes rows, and remembers what has to be known of those before.
pub(super) struct Rows {
    file: String,
    layout: Layout,
    nomenclature: Nomenclature,
    /// The revision that rows follow. Rows of another one are outside: they have a release of their own, or `--hs` leaves them out.
    revision: Option<HsRevision>,
    monthly: bool,
    /// Rows may be of one customs procedure, mode of transport or second partner.
    pub(super) split: bool,
    /// Flows with a total.
    whole: HashSet<Key>,
    /// Flows of which only parts are there so far, with the place of the first and a description.
    waiting: HashMap<Key, (Place, String, Group)>,
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
    /// A flow, and the column of its weight if that is not the usual one.
    Row(Observation, Option<Column>),
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
    /// A row that is known to be a part of a total: what that holds above its parts is then not known.
    Part(Reject, Group),
    File(SourceError),
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Self::Row(reject)
    }
}

impl Rows {
    pub(super) fn new(file: &str, layout: Layout, setup: &Setup, monthly: bool) -> Self {
        Self {
            file: file.to_owned(),
            layout,
            nomenclature: setup.product_codes(),
            revision: setup.revision(),
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
            Ok(Taken::Row(row, weighed)) => {
                if let Some(part) = self.settled.take() {
                    out.outside(part);
                }
                let column = weighed.map_or(0, |column| self.layout.number(column));
                return out.row(row, Place { column, ..place });
            }
            Ok(Taken::Total(total)) => out.total(total, place),
            Ok(Taken::Part(group, figures)) => {
                out.part(group, figures);
                out.outside(place);
            }
            Ok(Taken::Outside) => out.outside(place),
            Ok(Taken::Pending) => {}
            Err(Refused::Row(reject)) => return out.reject(reject, place, &written()),
            Err(Refused::Part(reject, group)) => {
                out.part(group, UNKNOWN);
                return out.reject(reject, place, &written());
            }
            Err(Refused::File(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Sets aside what has parts and no total.
    pub(super) fn finish(&mut self, out: &mut dyn Out) -> Result<(), Halt> {
        let mut left: Vec<_> = self.waiting.drain().map(|(_, first)| first).collect();
        left.sort_unstable_by_key(|(place, _, _)| place.line);
        for (place, flow, group) in left {
            out.part(group, UNKNOWN);
            let reason = "there are only parts of this flow: by customs procedure, mode of transport or second partner";
            let reject = Reject::new("no-total", "", &flow, reason)
                .with_hint("ask for customsCode=C00, motCode=0 and partner2Code=0");
            out.reject(reject, place, "")?;
        }
        Ok(())
    }

    fn parse(&mut self, texts: &Texts<'_>, place: Place, names: &mut Names) -> Result<Taken, Refused> {
        let Some(imports) = self.direction(texts)? else { return Ok(Taken::Outside) };
        let product = texts.code(Column::Product);
        if !self.is_of_revision(texts.get(Column::Classification))? || is_aggregate(product) {
            return Ok(Taken::Outside);
        }
        let in_product = self.layout.name(Column::Product);
        let Some(topic) = names.product(&self.nomenclature, in_product, product)? else {
            return Ok(Taken::Outside);
        };
        let period = self.period(texts.period(), place)?;
        let period = names.period(self.layout.name(Column::Period), &period)?;
        let reporter = texts.code(Column::Reporter);
        let reporter = names.exporter(Scheme::Numeric, self.layout.name(Column::Reporter), reporter);
        let Some(reporter) = single(reporter, texts.code(Column::Reporter))? else {
            return Ok(Taken::Outside);
        };
        let flow = Flow { period, reporter, topic, imports };
        let parsed = self.flow(&flow, texts, place, names);
        parsed.map_err(|refused| match refused {
            Refused::Row(reject) if is_total(texts) => Refused::Part(reject, flow.group()),
            refused => refused,
        })
    }

    /// What a row says of its partner.
    fn flow(
        &mut self,
        flow: &Flow,
        texts: &Texts<'_>,
        place: Place,
        names: &mut Names,
    ) -> Result<Taken, Refused> {
        let Flow { period, reporter, topic, imports } = *flow;
        let whole = is_total(texts);
        let code = texts.code(Column::Partner);
        if code == WORLD {
            let total = |figures| Taken::Total(Total { group: flow.group(), figures, rounding: 0.0 });
            return if whole { Ok(total(self.figures(texts)?.0)) } else { Ok(Taken::Outside) };
        }
        let in_partner = self.layout.name(Column::Partner);
        let partner = names.importer(Scheme::Numeric, in_partner, code);
        let Some(partner) = single(partner, code)? else { return Ok(Taken::Outside) };
        if partner == reporter {
            let part = |figures| Taken::Part(flow.group(), figures);
            return if whole { Ok(part(self.figures(texts)?.0)) } else { Ok(Taken::Outside) };
        }
        names.one_side_is_an_economy(reporter, partner, in_partner, code)?;
        let key = (period, reporter, partner, topic, imports);
        if !whole {
            return self.wait(key, flow.group(), texts, place);
        }
        let (figures, weighed) = self.figures(texts)?;
        self.settle(key);
        let (economy, partner) = if imports { (partner, reporter) } else { (reporter, partner) };
        let beside = Beside::Reported(flow.side());
        Ok(Taken::Row(Observation { period, economy, partner, topic, figures, beside }, weighed))
    }

    /// Whether goods come in. None: a flow that is part of another.
    fn direction(&self, texts: &Texts<'_>) -> Result<Option<bool>, Reject> {
        let code = texts.code(Column::Flow);
        match code {
            "M" | "1" | "Import" | "Imports" => Ok(Some(true)),
            "X" | "2" | "Export" | "Exports" => Ok(Some(false)),
            code if PARTIAL.contains(&code) => Ok(None),
            _ => {
                let column = self.layout.name(Column::Flow);
                Err(Reject::new("bad-flow", column, code, "this is no flow of UN Comtrade")
                    .with_hint("M for imports, X for exports"))
            }
        }
    }

    /// Whether a row follows the revision that is read.
    fn is_of_revision(&self, classification: &str) -> Result<bool, Reject> {
        if classification.is_empty() {
            return Ok(true);
        }
        let column = self.layout.name(Column::Classification);
        let own = revision(classification).ok_or_else(|| {
            let reason = "this is no revision of the Harmonized System";
            Reject::new("unknown-classification", column, classification, reason)
                .with_hint("ask for classification HS, or one of H0 to H6")
        })?;
        Ok(self.revision == Some(own))
    }

    /// A period as we write it: years of four digits, months of six. Years and months of one file would count twice.
    fn period(&self, text: &str, place: Place) -> Result<String, Refused> {
        let (year, month) = text.split_at_checked(4).unwrap_or((text, ""));
        let monthly = text.len() == 6 && month != "52";
        if monthly != self.monthly {
            let message = "the file has years and months, and what is in the one is in the other";
            return Err(Refused::File(
                SourceError::new("mixed-periods", &self.file, place.line, message)
                    .at(self.layout.name(Column::Period), text)
                    .with_hint("split it: years into one file, months into another"),
            ));
        }
        Ok(match month {
            "" | "52" => year.to_owned(),
            month => format!("{year}-{month}"),
        })
    }

    /// Thousand US dollars and tonnes, and the column of the weight if it is not the usual one.
    fn figures(&self, texts: &Texts<'_>) -> Result<([Figure; 2], Option<Column>), Reject> {
        let text = match texts.get(Column::Value) {
            "" => "NA",
            text => text,
        };
        let value = Figure::amount(self.layout.name(Column::Value), text)?;
        let (weight, weighed) = weight(texts, &self.layout, value.number > 0.0)?;
        Ok(([value, weight].map(thousandth), weighed))
    }

    /// Keeps a part in mind until its total comes.
    fn wait(&mut self, key: Key, group: Group, texts: &Texts<'_>, place: Place) -> Result<Taken, Refused> {
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
        let of = [Column::Flow, Column::Reporter, Column::Partner, Column::Product];
        let codes = of.map(|column| texts.code(column)).join(",");
        self.waiting.insert(key, (place, format!("{},{codes}", texts.period()), group));
        Ok(Taken::Pending)
    }

    /// A total has come.
    fn settle(&mut self, key: Key) {
        if self.split {
            self.settled = self.waiting.remove(&key).map(|(part, ..)| part);
            self.whole.insert(key);
        }
    }
}

/// Whether a code stands for several subheadings.
fn is_aggregate(code: &str) -> bool {
    let short = (1..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    short || code == "TOTAL" || code.starts_with("AG")
}

/// Whether a row is about every customs procedure, mode of transport and second partner.
fn is_total(texts: &Texts<'_>) -> bool {
    let all = |column, total: &str| matches!(texts.code(column), "" | "0") || texts.code(column) == total;
    all(Column::Customs, "C00") && all(Column::Transport, "0") && all(Column::SecondPartner, "0")
}

/// An economy or a residual. None: a sum of several economies.
fn single(found: Result<Symbol, Reject>, code: &str) -> Result<Option<Symbol>, Reject> {
    match found {
        Ok(economy) => Ok(Some(economy)),
        Err(reject) if reject.code == "aggregate-economy" => Ok(None),
        Err(reject) => match comtrade_number(code) {
            Some(number) => Err(reject.with_hint(format!("write the number of the area: {number}"))),
            None => Err(reject),
        },
    }
}

const UNKNOWN: [Figure; 2] = [Figure::UNAVAILABLE; 2];

fn thousandth(figure: Figure) -> Figure {
    Figure { number: figure.number / 1000.0, ..figure }
}
