//! Geopolitical supply risk by the method GeoPolRisk, and the mean price of imports.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Consumer;
use orewatch_measures::{
    Amount, Estimate, GeoPolRisk, ImportFlow, Measure, Sourcing, Status, Term, Weight, instability,
    unit_value,
};

use super::{Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach};
use crate::accounts::{NO_OUTPUT, NO_TRADE, NOT_REPORTED};
use crate::book::{EconomyId, Flow};
use crate::scope::{Cited, CitedRow, FoundValue, Scope};

/// Name of the indicator in the table of governance scores.
const STABILITY: &str = "political-stability";
/// Number of past years whose indicator may substitute for a missing one.
const YEARS_BACK: i16 = 2;
/// Lowest and highest value of the indicator.
const SCALE: (f64, f64) = (-2.5, 2.5);

const NO_STABILITY: &str = "no release gives the political stability of any supplier in these years";
const NO_INDICATOR: &str = "no release gives the political stability of a supplier in these years";
const THE_WORLD: &str = "the world imports from nobody: ask for an economy or a bloc";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";

/// Import risk, score and factor, for economies and blocs that import, where output, trade and the political
/// stability of some supplier are recorded.
pub(super) struct Geopolitical;

/// Mean unit value of imports, for all consumers that import.
pub(super) struct ImportPrice;

const OF_RISK: &[Measure] = &[Measure::GeopolriskCf, Measure::GeopolriskImportRisk, Measure::GeopolriskScore];

/// Instability of every exporter of a market, and whether it comes from an indicator.
struct Instabilities(BTreeMap<EconomyId, (Estimate, bool)>);

impl Family for Geopolitical {
    fn measures(&self) -> &'static [Measure] {
        OF_RISK
    }

    fn reach(&self) -> Reach {
        Reach { imports_only: true, governance: Some(YEARS_BACK), ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let by = Weight::Quantity;
        let accounts = scope.accounts();
        if !figures.wants_any(OF_RISK, by) || accounts.view().output.is_none() {
            return;
        }
        for consumer in figures.wanted_consumers(accounts.importers()) {
            let Ok(risk) = risk_of(scope, consumer) else { continue };
            for measure in OF_RISK {
                if figures.wants(*measure, by) {
                    let key = FigureKey { measure: *measure, by, consumer: consumer.code(), supplier: None };
                    figures.push(key, risk_estimate(*measure, &risk));
                }
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        match risk_of(scope, request.consumer) {
            Ok(risk) => risk_estimate(request.key.measure, &risk).into(),
            Err((status, reason)) => NamedEstimate::missing(status, reason),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let Ok(risk) = risk_of(scope, request.consumer) else { return Explanation::default() };
        let flows = scope.accounts().pairs_into(request.consumer);
        let imports = Sourcing::new(flows.map(|(pair, _)| (pair.exporter, pair.quantity)), Amount::NOTHING);
        let contributions = Contribution::from_sourcing(&imports, "t");
        let mut rows = flow_rows(scope, request.consumer);
        rows.extend(imports.suppliers().iter().filter_map(|(supplier, _)| stability(scope, *supplier).cited));
        let of_output = if request.key.measure == Measure::GeopolriskImportRisk {
            request.consumer
        } else {
            Consumer::World
        };
        rows.extend(scope.output_cited(of_output));
        Explanation { terms: risk.terms(), contributions, rows, ..Explanation::default() }
    }
}

impl Family for ImportPrice {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::ImportPrice]
    }

    fn reach(&self) -> Reach {
        Reach { imports_only: true, ..Reach::FLOWS }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let (measure, by) = (Measure::ImportPrice, Weight::Quantity);
        if !figures.wants(measure, by) {
            return;
        }
        for consumer in figures.wanted_consumers(scope.accounts().importers()) {
            if scope.accounts().has_only_unreported_imports(consumer) {
                continue;
            }
            figures.push(
                FigureKey { measure, by, consumer: consumer.code(), supplier: None },
                price_of(scope, consumer),
            );
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        let accounts = scope.accounts();
        match accounts.imports(request.consumer, Weight::Quantity) {
            _ if accounts.view().flows.is_none() => NamedEstimate::missing(Status::Unavailable, NO_TRADE),
            None => NamedEstimate::missing(Status::NotApplicable, IMPORTS_NOTHING),
            Some(_) if accounts.has_only_unreported_imports(request.consumer) => {
                NamedEstimate::missing(Status::Unavailable, NOT_REPORTED)
            }
            Some(_) => price_of(scope, request.consumer).into(),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let accounts = scope.accounts();
        let of = |by| accounts.imports(request.consumer, by);
        let (Some(quantity), Some(value)) = (of(Weight::Quantity), of(Weight::Value)) else {
            return Explanation::default();
        };
        let terms = vec![
            Term::new("sum(v_j)", value.total().estimate(), "kUSD"),
            Term::new("sum(q_j)", quantity.total().estimate(), "t"),
        ];
        let contributions = Contribution::from_sourcing(&quantity, "t");
        Explanation {
            terms,
            contributions,
            rows: scope.imports_cited(request.consumer),
            ..Explanation::default()
        }
    }
}

fn price_of(scope: &Scope<'_>, consumer: Consumer) -> Estimate {
    let accounts = scope.accounts();
    let named = accounts.import_pairs(consumer).map(|pair| (pair.quantity, pair.value));
    unit_value(named.chain(accounts.unknown_quantities_and_values(consumer)))
}

fn risk_estimate(measure: Measure, risk: &GeoPolRisk<EconomyId>) -> Estimate {
    match measure {
        Measure::GeopolriskCf => risk.factor(),
        Measure::GeopolriskImportRisk => risk.import_risk(),
        _ => risk.score(),
    }
}

/// The inputs of a consumer.
///
/// # Errors
/// Status and reason of the missing figure.
fn risk_of(scope: &Scope<'_>, consumer: Consumer) -> Result<GeoPolRisk<EconomyId>, (Status, &'static str)> {
    if consumer == Consumer::World {
        return Err((Status::NotApplicable, THE_WORLD));
    }
    let accounts = scope.accounts();
    if accounts.view().flows.is_none() {
        return Err((Status::Unavailable, NO_TRADE));
    }
    let output = accounts.output().ok_or((Status::Unavailable, NO_OUTPUT))?;
    let domestic = accounts.gross_output_of(consumer).map_err(|gap| (Status::Unavailable, gap))?;
    let known = scope.compute_once(instabilities);
    let (mut imports, mut foreign, mut rated) = (Vec::new(), false, false);
    for (pair, inside) in accounts.pairs_into(consumer) {
        if inside {
            imports.push(ImportFlow::inside(pair.quantity, pair.value));
            continue;
        }
        let Some(&(instability, is_rated)) = known.0.get(&pair.exporter) else { continue };
        foreign = true;
        rated |= is_rated;
        imports.push(ImportFlow { quantity: pair.quantity, value: pair.value, instability });
    }
    // Imports of unknown origin may come from the most or from the least stable economy.
    let anywhere = instability(&Estimate::missing(Status::Unavailable, NO_INDICATOR));
    for (quantity, value) in accounts.unknown_quantities_and_values(consumer) {
        imports.push(ImportFlow { quantity, value, instability: anywhere });
    }
    if accounts.has_only_unreported_imports(consumer) {
        return Err((Status::Unavailable, NOT_REPORTED));
    }
    if foreign && !rated {
        return Err((Status::Unavailable, NO_STABILITY));
    }
    Ok(GeoPolRisk { output, imports, domestic })
}

/// The indicator of an economy in the market's year, or in one of the few years before.
fn stability<'a>(scope: &Scope<'a>, economy: EconomyId) -> FoundValue<'a> {
    scope.governance().latest(economy, STABILITY, YEARS_BACK)
}

fn instabilities(scope: &Scope<'_>) -> Instabilities {
    let year = scope.years(0).last().copied();
    let of = |economy| {
        let found = stability(scope, economy);
        let (low, high) = SCALE;
        let figure = match found.cited.map(|cited| cited.row) {
            Some(CitedRow::GovernanceScore(_, period, _)) if Some(period) == year => found.estimate,
            Some(_) => found.estimate.as_substitute(low, high),
            None => Estimate::missing(Status::Unavailable, NO_INDICATOR),
        };
        (economy, (instability(&figure), found.cited.is_some()))
    };
    let exporters: BTreeSet<_> = scope.accounts().pairs().iter().map(|pair| pair.exporter).collect();
    Instabilities(exporters.into_iter().map(of).collect())
}

/// The rows of all flows into a consumer, those between members of a bloc included.
fn flow_rows<'a>(scope: &Scope<'a>, consumer: Consumer) -> Vec<Cited<'a>> {
    let accounts = scope.accounts();
    let mut rows = scope.imports_cited(consumer);
    let member = accounts.inside(consumer);
    let both = |row: &&Flow| row.importer != row.exporter && member(row.importer) && member(row.exporter);
    rows.extend(scope.flows_cited(accounts.flows().iter().filter(both).collect()));
    rows
}
