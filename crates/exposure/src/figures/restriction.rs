//! Imports under export restriction.

use std::collections::BTreeSet;

use orewatch_catalog::Consumer;
use orewatch_measures::{Amount, Measure, Restricted, RestrictedFlow, Status, Weight};

use super::{Answer, Collector, Contribution, Explanation, Family, Key, Question, Reach, unit_of};
use crate::accounts::{Line, NO_TRADE, NOT_REPORTED};
use crate::scope::{Cited, Scope};

const MEASURE: Measure = Measure::RestrictedShare;

const NO_INVENTORY: &str =
    "no release has export restrictions of this material and stage: that is not the absence of restrictions";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";

/// Share of imports under restriction. It exists for everyone who imports, where restrictions of the market are recorded.
pub(super) struct UnderRestriction;

/// Trade by product, with whether it is restricted; by importer.
struct Flagged(Vec<(Line, bool)>);

impl Family for UnderRestriction {
    fn measures(&self) -> &'static [Measure] {
        &[MEASURE]
    }

    fn reach(&self) -> Reach {
        Reach { imports_only: true, restrictions: true, ..Reach::FLOWS }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let weights = [Weight::Quantity, Weight::Value].into_iter();
        let wanted: Vec<_> = weights.filter(|by| figures.wants(MEASURE, *by)).collect();
        if wanted.is_empty() || scope.accounts().view().flows.is_none() || !scope.restrictions().is_known() {
            return;
        }
        for consumer in figures.of(scope.accounts().importers()) {
            if scope.accounts().is_silent(consumer) {
                continue;
            }
            for by in &wanted {
                let key = Key { measure: MEASURE, by: *by, consumer: consumer.code(), supplier: None };
                figures.push(key, restricted(scope, consumer, *by).share());
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        let accounts = scope.accounts();
        match accounts.imports(asked.consumer, asked.key.by) {
            _ if accounts.view().flows.is_none() => Answer::missing(Status::Unavailable, NO_TRADE),
            None => Answer::missing(Status::NotApplicable, IMPORTS_NOTHING),
            Some(_) if !scope.restrictions().is_known() => Answer::missing(Status::Unavailable, NO_INVENTORY),
            Some(_) if accounts.is_silent(asked.consumer) => {
                Answer::missing(Status::Unavailable, NOT_REPORTED)
            }
            Some(_) => restricted(scope, asked.consumer, asked.key.by).share().into(),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let Question { consumer, key } = asked;
        let imports = scope.accounts().imports(consumer, key.by);
        let Some(imports) = imports.filter(|_| scope.restrictions().is_known()) else {
            return Explanation::default();
        };
        let unit = unit_of(key.by);
        let mut rows = scope.imports_cited(consumer);
        rows.extend(restrictions(scope, consumer));
        Explanation {
            terms: restricted(scope, consumer, key.by).terms(unit),
            contributions: Contribution::of(&imports, unit),
            rows,
            ..Explanation::default()
        }
    }
}

fn flagged(scope: &Scope<'_>) -> Flagged {
    let accounts = scope.accounts();
    let Some(flows) = accounts.rows() else { return Flagged(Vec::new()) };
    let restrictions = scope.restrictions();
    let flag = |line: Line| {
        let code = flows.code(line.product);
        (line, restrictions.restricts(line.exporter, line.importer, code))
    };
    Flagged(accounts.lines().into_iter().map(flag).collect())
}

fn restricted(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> Restricted {
    let amount = |line: &Line| -> Amount {
        match by {
            Weight::Quantity => line.quantity,
            Weight::Value => line.value,
        }
    };
    let flagged = scope.once(flagged);
    let flow = |(line, restricted): &(Line, bool)| RestrictedFlow {
        amount: amount(line),
        restricted: Some(*restricted),
    };
    let lines = imported(scope, consumer, &flagged.0);
    let unknown = scope.accounts().unknown_imports(consumer, by).into_iter();
    let unknown = unknown.map(|(_, amount)| RestrictedFlow { amount, restricted: None });
    Restricted { flows: lines.map(flow).chain(unknown).collect() }
}

/// The lines that enter a consumer from outside of it; to the world every flow counts.
fn imported<'l>(
    scope: &Scope<'_>,
    consumer: Consumer,
    lines: &'l [(Line, bool)],
) -> impl Iterator<Item = &'l (Line, bool)> {
    let crossing: BTreeSet<_> =
        scope.accounts().crossing(consumer).map(|pair| (pair.importer, pair.exporter)).collect();
    let range = match consumer {
        Consumer::Economy(one) => {
            let start = lines.partition_point(|(line, _)| line.importer.code() < one.iso3);
            let end = lines.partition_point(|(line, _)| line.importer.code() <= one.iso3);
            lines.get(start..end).unwrap_or_default()
        }
        _ => lines,
    };
    range.iter().filter(move |(line, _)| crossing.contains(&(line.importer, line.exporter)))
}

/// The restrictions on what a consumer imports, each once for every product it is on.
fn restrictions<'a>(scope: &Scope<'a>, consumer: Consumer) -> Vec<Cited<'a>> {
    let Some(flows) = scope.accounts().rows() else { return Vec::new() };
    let flagged = scope.once(flagged);
    let mut seen = BTreeSet::new();
    let mut cited = Vec::new();
    for (line, _) in imported(scope, consumer, &flagged.0).filter(|(_, restricted)| *restricted) {
        let code = flows.code(line.product);
        for row in scope.restrictions().of(line.exporter, line.importer, code) {
            let origin = row.origin();
            if seen.insert((row.content.release.id.clone(), origin.file, origin.line)) {
                cited.push(row);
            }
        }
    }
    cited
}
