//! One event in several reports: which candidates of different documents are about the same thing.
//!
//! A signal keeps every report of it as it was, so that nothing that differs is lost: what single reports
//! say differently is a [`Conflict`]. A document that revises another one takes its place. A document that
//! withdraws another one leaves its reports in place, marked; a signal of which all reports were withdrawn
//! is withdrawn.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::value::{Candidate, FieldName, Kind, Value};

/// Days that two reports of an event may lie apart.
const MAX_DAYS_APART: i64 = 3;

/// The candidates of a document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Identifier of the document.
    pub document: String,
    /// Identifier of the document that this one is a new version of.
    pub revises: Option<String>,
    /// Identifier of the document that this one withdraws.
    pub withdraws: Option<String>,
    /// Day of publication.
    pub published: Option<Date>,
    /// What was extracted.
    pub candidates: Vec<Candidate>,
}

/// An event, or a claim, with all of its reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What it is.
    pub kind: Kind,
    /// The reports: the document and what it says, in the order of their publication.
    pub reports: Vec<(String, Candidate)>,
    /// Whether every report of it was withdrawn.
    pub withdrawn: bool,
}

/// Values of which one report says one and another report another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What they are about.
    pub name: FieldName,
    /// The values as texts.
    pub values: BTreeSet<String>,
}

impl Signal {
    /// The values of a name in all reports.
    pub fn values(&self, name: FieldName) -> BTreeSet<String> {
        self.reports.iter().flat_map(|(_, candidate)| candidate.values(name)).collect()
    }

    /// What reports say differently, where only one can be right.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let single = [
            FieldName::Amount,
            FieldName::Date,
            FieldName::From,
            FieldName::SuspendedUntil,
            FieldName::Until,
        ];
        let conflicts = single.into_iter().map(|name| Conflict { name, values: self.values(name) });
        conflicts.filter(|conflict| conflict.values.len() > 1).collect()
    }
}

/// Puts the candidates of reports together, in the order of publication.
///
/// The result depends on the reports alone, not on their order. Two candidates are about one event if they
/// are of one kind, nothing that both name is disjoint, and their days lie at most three days apart. Claims
/// agree in their figure as well, and statements in speaker and day.
pub fn merge(reports: &[Report]) -> Vec<Signal> {
    let revised: BTreeSet<&String> = reports.iter().filter_map(|report| report.revises.as_ref()).collect();
    let withdrawn: BTreeSet<&String> =
        reports.iter().filter_map(|report| report.withdraws.as_ref()).collect();
    let mut current: BTreeMap<(Date, &String), &Report> = BTreeMap::new();
    for report in reports.iter().filter(|report| !revised.contains(&report.document)) {
        current.insert((report.published.unwrap_or(Date::MAX), &report.document), report);
    }
    let mut signals: Vec<Signal> = Vec::new();
    for report in current.into_values() {
        for candidate in &report.candidates {
            let part = (report.document.clone(), candidate.clone());
            match signals.iter_mut().find(|signal| is_about(signal, candidate)) {
                Some(signal) => signal.reports.push(part),
                None => signals.push(Signal { kind: candidate.kind, reports: vec![part], withdrawn: false }),
            }
        }
    }
    for signal in &mut signals {
        signal.withdrawn = signal.reports.iter().all(|(document, _)| withdrawn.contains(document));
    }
    signals
}

/// Whether a candidate is about the event of a signal: of any of its reports.
fn is_about(signal: &Signal, candidate: &Candidate) -> bool {
    signal.reports.iter().any(|(_, known)| is_same(known, candidate))
}

fn is_same(one: &Candidate, other: &Candidate) -> bool {
    let meet = |name: FieldName| {
        let (ones, others) = (one.values(name), other.values(name));
        ones.is_empty() || others.is_empty() || !ones.is_disjoint(&others)
    };
    let share = |name: FieldName| !one.values(name).is_disjoint(&other.values(name));
    let dates = [FieldName::Date, FieldName::From, FieldName::Until];
    if one.kind != other.kind || !dates.into_iter().all(|name| are_near(one, other, name)) {
        return false;
    }
    match one.kind {
        Kind::Claim => {
            [FieldName::Actor, FieldName::Amount, FieldName::Material].into_iter().all(share)
                && meet(FieldName::Speaker)
                && meet(FieldName::Stage)
        }
        Kind::Statement => share(FieldName::Speaker) && share(FieldName::Date),
        _ => {
            let named = [FieldName::Actor, FieldName::Material, FieldName::Target];
            share(FieldName::Actor) && named.into_iter().all(meet)
        }
    }
}

/// Whether the days that both name lie near each other.
fn are_near(one: &Candidate, other: &Candidate, name: FieldName) -> bool {
    let Some((one, other)) = first_day(one, name).zip(first_day(other, name)) else { return true };
    (one.duration_since(other).as_hours() / 24).abs() <= MAX_DAYS_APART
}

fn first_day(candidate: &Candidate, name: FieldName) -> Option<Date> {
    candidate.fields.iter().filter(|field| field.name == name).find_map(|field| match &field.value {
        Value::Days(days) => Some(days.first),
        _ => None,
    })
}
