//! Share of imports under export restrictions.

use std::collections::BTreeSet;

use orewatch_catalog::Consumer;
use orewatch_measures::{Amount, Measure, RestrictedFlow, RestrictedImports, Status, Weight};

use super::{
    Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach, unit_of,
};
use crate::accounts::{Line, NO_TRADE, NOT_REPORTED};
use crate::scope::{Cited, Scope};

const MEASURE: Measure = Measure::RestrictedShare;

const NO_INVENTORY: &str =
    "no release has export restrictions of this material and stage: that is not the absence of restrictions";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";

/// Share of imports under restriction, for all consumers that import, where an inventory of restrictions of
/// the market is recorded.
pub(super) struct UnderRestriction;

/// Trade by importer and product, each with whether it is restricted.
struct FlaggedLines(Vec<(Line, bool)>);

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
        for consumer in figures.wanted_consumers(scope.accounts().importers()) {
            if scope.accounts().has_only_unreported_imports(consumer) {
                continue;
            }
            for by in &wanted {
                let key = FigureKey { measure: MEASURE, by: *by, consumer: consumer.code(), supplier: None };
                figures.push(key, restricted(scope, consumer, *by).share());
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        let accounts = scope.accounts();
        match accounts.imports(request.consumer, request.key.by) {
            _ if accounts.view().flows.is_none() => NamedEstimate::missing(Status::Unavailable, NO_TRADE),
            None => NamedEstimate::missing(Status::NotApplicable, IMPORTS_NOTHING),
            Some(_) if !scope.restrictions().is_known() => {
                NamedEstimate::missing(Status::Unavailable, NO_INVENTORY)
            }
            Some(_) if accounts.has_only_unreported_imports(request.consumer) => {
                NamedEstimate::missing(Status::Unavailable, NOT_REPORTED)
            }
            Some(_) => restricted(scope, request.consumer, request.key.by).share().into(),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let FigureRequest { consumer, key } = request;
        let imports = scope.accounts().imports(consumer, key.by);
        let Some(imports) = imports.filter(|_| scope.restrictions().is_known()) else {
            return Explanation::default();
        };
        let unit = unit_of(key.by);
        let mut rows = scope.imports_cited(consumer);
        rows.extend(restrictions(scope, consumer));
        Explanation {
            terms: restricted(scope, consumer, key.by).terms(unit),
            contributions: Contribution::from_sourcing(&imports, unit),
            rows,
            ..Explanation::default()
        }
    }
}

fn flagged(scope: &Scope<'_>) -> FlaggedLines {
    let accounts = scope.accounts();
    let Some(flows) = accounts.rows() else { return FlaggedLines(Vec::new()) };
    let restrictions = scope.restrictions();
    let flag = |line: Line| {
        let code = flows.code(line.product);
        (line, restrictions.restricts(line.exporter, line.importer, code))
    };
    FlaggedLines(accounts.lines().into_iter().map(flag).collect())
}

fn restricted(scope: &Scope<'_>, consumer: Consumer, by: Weight) -> RestrictedImports {
    let amount = |line: &Line| -> Amount {
        match by {
            Weight::Quantity => line.quantity,
            Weight::Value => line.value,
        }
    };
    let flagged = scope.compute_once(flagged);
    let flow = |(line, restricted): &(Line, bool)| RestrictedFlow {
        amount: amount(line),
        restricted: Some(*restricted),
    };
    let lines = imported(scope, consumer, &flagged.0);
    let unknown = scope.accounts().unknown_imports(consumer, by).into_iter();
    let unknown = unknown.map(|(_, amount)| RestrictedFlow { amount, restricted: None });
    RestrictedImports { flows: lines.map(flow).chain(unknown).collect() }
}

/// The lines that enter a consumer from outside; for the world, all flows.
fn imported<'l>(
    scope: &Scope<'_>,
    consumer: Consumer,
    lines: &'l [(Line, bool)],
) -> impl Iterator<Item = &'l (Line, bool)> {
    let crossing: BTreeSet<_> =
        scope.accounts().import_pairs(consumer).map(|pair| (pair.importer, pair.exporter)).collect();
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

/// The restrictions on the imports of a consumer, each once per product.
fn restrictions<'a>(scope: &Scope<'a>, consumer: Consumer) -> Vec<Cited<'a>> {
    let Some(flows) = scope.accounts().rows() else { return Vec::new() };
    let flagged = scope.compute_once(flagged);
    let mut seen = BTreeSet::new();
    let mut cited = Vec::new();
    for (line, _) in imported(scope, consumer, &flagged.0).filter(|(_, restricted)| *restricted) {
        let code = flows.code(line.product);
        for row in scope.restrictions().in_force(line.exporter, line.importer, code) {
            let origin = row.origin();
            if seen.insert((row.content.release.id.clone(), origin.file, origin.line)) {
                cited.push(row);
            }
        }
    }
    cited
}
