//! Parses rows of UN Comtrade.
use std::collections::{HashMap, HashSet};

use orewatch_catalog::{HsRevision, Nomenclature, Scheme, comtrade_number};

use super::super::figure::Figure;
use super::super::location::SourceLocation;
use super::super::names::{Names, Symbol};
use super::super::reported_flow::ReportedFlow;
use super::super::sink::{Halt, RowSink};
use super::super::sums::{DeclaredTotal, TotalKey};
use super::super::{Observation, Reject, Setup, SourceError};
use super::layout::{Column, Layout, Texts};
use super::revision;
use super::weight::weight;

/// Codes of flows that are part of imports or exports.
const PARTIAL_FLOWS: [&str; 16] = [
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

/// Upper bound on the flows that wait for their total at once.
const MAX_WAITING_FLOWS: usize = 1 << 20;

/// Code of the partner that stands for all partners.
const WORLD: &str = "0";

/// Parses and hands over the rows of a file, and remembers what decides about later rows.
pub(super) struct Rows {
    file: String,
    layout: Layout,
    nomenclature: Nomenclature,
    /// The revision that rows follow. Rows of another one are out of scope: they have a release of their own,
    /// or `--hs` excludes them.
    revision: Option<HsRevision>,
    monthly: bool,
    /// Rows may be of one customs procedure, mode of transport or second partner.
    pub(super) has_parts: bool,
    /// Flows whose total was read.
    totals: HashSet<ReportedFlow>,
    /// Flows of which only parts were read so far, with the location of the first part and a description.
    waiting: HashMap<ReportedFlow, (SourceLocation, String)>,
    /// The first part of the flow whose total was just read.
    settled: Option<SourceLocation>,
}

/// What becomes of a row.
enum Taken {
    /// A flow, and the column of its weight if that is not the usual one.
    Row(Observation, Option<Column>),
    Total(DeclaredTotal),
    /// Part of a total, and recorded nowhere.
    Part(TotalKey, [Figure; 2]),
    OutOfScope,
    /// A part of a flow; whether the file has its total is not known yet.
    Pending,
}

/// Why a row is not taken.
enum Refused {
    Row(Reject),
    /// A row that is known to be part of a total: what that total holds above its parts is then unknown.
    Part(Reject, TotalKey),
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
            has_parts: false,
            totals: HashSet::new(),
            waiting: HashMap::new(),
            settled: None,
        }
    }

    /// Hands a row over.
    pub(super) fn take(
        &mut self,
        texts: &Texts<'_>,
        location: SourceLocation,
        written: &dyn Fn() -> String,
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        match self.parse(texts, location, out.names()) {
            Ok(Taken::Row(row, weighed)) => {
                if let Some(part) = self.settled.take() {
                    out.out_of_scope(part);
                }
                let column = weighed.map_or(0, |column| self.layout.number(column));
                return out.row(row, SourceLocation { column, ..location });
            }
            Ok(Taken::Total(total)) => out.declared_total(total, location),
            Ok(Taken::Part(total, figures)) => {
                out.unrecorded_part(total, figures);
                out.out_of_scope(location);
            }
            Ok(Taken::OutOfScope) => out.out_of_scope(location),
            Ok(Taken::Pending) => {}
            Err(Refused::Row(reject)) => return out.reject(reject, location, &written()),
            Err(Refused::Part(reject, total)) => {
                out.unrecorded_part(total, UNKNOWN);
                return out.reject(reject, location, &written());
            }
            Err(Refused::File(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Rejects flows that have parts and no total.
    pub(super) fn finish(&mut self, out: &mut dyn RowSink) -> Result<(), Halt> {
        let mut left: Vec<_> = self.waiting.drain().collect();
        left.sort_unstable_by_key(|(_, (location, _))| location.line);
        for (flow, (location, description)) in left {
            out.unrecorded_part(flow.total_key(), UNKNOWN);
            let reason = "there are only parts of this flow: by customs procedure, mode of transport or \
                          second partner";
            let reject = Reject::new("no-total", "", &description, reason).with_hint(TOTALS_QUERY);
            out.reject(reject, location, "")?;
        }
        Ok(())
    }

    fn parse(
        &mut self,
        texts: &Texts<'_>,
        location: SourceLocation,
        names: &mut Names,
    ) -> Result<Taken, Refused> {
        let Some(imports) = self.direction(texts)? else { return Ok(Taken::OutOfScope) };
        let product = texts.code(Column::Product);
        if !self.is_of_revision(texts.get(Column::Classification))? || is_aggregate(product) {
            return Ok(Taken::OutOfScope);
        }
        let in_product = self.layout.name(Column::Product);
        let Some(topic) = names.product(&self.nomenclature, in_product, product)? else {
            return Ok(Taken::OutOfScope);
        };
        let period = self.period(texts.period(), location)?;
        let period = names.period(self.layout.name(Column::Period), &period)?;
        let reporter = texts.code(Column::Reporter);
        let reporter = names.exporter(Scheme::Numeric, self.layout.name(Column::Reporter), reporter);
        let Some(reporter) = one_economy(reporter, texts.code(Column::Reporter))? else {
            return Ok(Taken::OutOfScope);
        };
        // The partner follows; until then the reporter stands for it.
        let flow = ReportedFlow { period, reporter, partner: reporter, topic, imports };
        let parsed = self.parse_partner(flow, texts, location, names);
        parsed.map_err(|refused| match refused {
            Refused::Row(reject) if is_total(texts) => Refused::Part(reject, flow.total_key()),
            refused => refused,
        })
    }

    /// What becomes of a row, by its partner.
    fn parse_partner(
        &mut self,
        flow: ReportedFlow,
        texts: &Texts<'_>,
        location: SourceLocation,
        names: &mut Names,
    ) -> Result<Taken, Refused> {
        let is_total = is_total(texts);
        let code = texts.code(Column::Partner);
        if code == WORLD {
            if !is_total {
                return Ok(Taken::OutOfScope);
            }
            let (key, figures) = (flow.total_key(), self.figures(texts)?.0);
            return Ok(Taken::Total(DeclaredTotal { key, figures, rounding: 0.0 }));
        }
        let in_partner = self.layout.name(Column::Partner);
        let partner = names.importer(Scheme::Numeric, in_partner, code);
        let Some(partner) = one_economy(partner, code)? else { return Ok(Taken::OutOfScope) };
        if partner == flow.reporter {
            if !is_total {
                return Ok(Taken::OutOfScope);
            }
            return Ok(Taken::Part(flow.total_key(), self.figures(texts)?.0));
        }
        names.check_one_side_is_an_economy(flow.reporter, partner, in_partner, code)?;
        let flow = ReportedFlow { partner, ..flow };
        if !is_total {
            return self.wait_for_total(flow, texts, location);
        }
        let (figures, weighed) = self.figures(texts)?;
        self.settle(flow);
        Ok(Taken::Row(flow.observation(figures), weighed))
    }

    /// Whether goods come in. None: the flow is part of another.
    fn direction(&self, texts: &Texts<'_>) -> Result<Option<bool>, Reject> {
        let code = texts.code(Column::Flow);
        match code {
            "M" | "1" | "Import" | "Imports" => Ok(Some(true)),
            "X" | "2" | "Export" | "Exports" => Ok(Some(false)),
            code if PARTIAL_FLOWS.contains(&code) => Ok(None),
            _ => {
                let column = self.layout.name(Column::Flow);
                Err(Reject::new("unknown-flow", column, code, "this is no flow of UN Comtrade")
                    .with_hint("write M for imports, X for exports"))
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
                .with_hint("request classification HS, or one of H0 to H6")
        })?;
        Ok(self.revision == Some(own))
    }

    /// A period as `2024` or `2024-03`; the file has years of four digits and months of six. Years and months
    /// in one file would count twice.
    fn period(&self, text: &str, location: SourceLocation) -> Result<String, Refused> {
        let (year, month) = text.split_at_checked(4).unwrap_or((text, ""));
        let monthly = text.len() == 6 && month != "52";
        if monthly != self.monthly {
            let message = "the file has years and months, and the same trade would count twice";
            return Err(Refused::File(
                SourceError::new("mixed-periods", &self.file, location.line, message)
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
        let value = Figure::amount_or_missing(self.layout.name(Column::Value), texts.get(Column::Value))?;
        let (weight, weighed) = weight(texts, &self.layout, value.number > 0.0)?;
        Ok(([value, weight].map(|figure| figure.divided_by(1000.0)), weighed))
    }

    /// Remembers a part of a flow until the total comes.
    fn wait_for_total(
        &mut self,
        flow: ReportedFlow,
        texts: &Texts<'_>,
        location: SourceLocation,
    ) -> Result<Taken, Refused> {
        if self.totals.contains(&flow) || self.waiting.contains_key(&flow) {
            return Ok(Taken::OutOfScope);
        }
        if self.waiting.len() >= MAX_WAITING_FLOWS {
            let message = format!("more than {MAX_WAITING_FLOWS} flows have parts and no total so far");
            let error = SourceError::new("no-total", &self.file, location.line, message);
            return Err(Refused::File(error.with_hint(TOTALS_QUERY)));
        }
        let columns = [Column::Flow, Column::Reporter, Column::Partner, Column::Product];
        let codes = columns.map(|column| texts.code(column)).join(",");
        self.waiting.insert(flow, (location, format!("{},{codes}", texts.period())));
        Ok(Taken::Pending)
    }

    /// Notes that the total of a flow was read.
    fn settle(&mut self, flow: ReportedFlow) {
        if self.has_parts {
            self.settled = self.waiting.remove(&flow).map(|(part, _)| part);
            self.totals.insert(flow);
        }
    }
}

/// What to request so that flows come with their totals.
const TOTALS_QUERY: &str = "request customsCode=C00, motCode=0 and partner2Code=0";

/// Whether a code stands for several subheadings.
fn is_aggregate(code: &str) -> bool {
    let short = (1..=4).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    short || code == "TOTAL" || code.starts_with("AG")
}

/// Whether a row is about all customs procedures, modes of transport and second partners.
fn is_total(texts: &Texts<'_>) -> bool {
    let all = |column, total: &str| matches!(texts.code(column), "" | "0") || texts.code(column) == total;
    all(Column::Customs, "C00") && all(Column::Transport, "0") && all(Column::SecondPartner, "0")
}

/// An economy or a residual. None: several economies together.
fn one_economy(found: Result<Symbol, Reject>, code: &str) -> Result<Option<Symbol>, Reject> {
    match found {
        Ok(economy) => Ok(Some(economy)),
        Err(reject) if reject.code == "aggregate-economy" => Ok(None),
        Err(reject) => match comtrade_number(code) {
            Some(number) => Err(reject.with_hint(format!("write the number of the area: {number}"))),
            None => Err(reject),
        },
    }
}

/// The figures of a part that are not known.
const UNKNOWN: [Figure; 2] = [Figure::UNAVAILABLE; 2];
