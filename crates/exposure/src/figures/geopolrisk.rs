//! GeoPolRisk, and the price of imports.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Consumer;
use orewatch_measures::{
    Amount, Estimate, GeoPolRisk, ImportFlow, Measure, Sourcing, Status, Term, Weight, instability,
    unit_value,
};

use super::{Answer, Collector, Contribution, Explanation, Family, Key, Question, Reach};
use crate::accounts::{NO_OUTPUT, NO_TRADE, NOT_REPORTED};
use crate::book::{EconomyId, Flow};
use crate::scope::{Cited, CitedRow, Found, Scope};

/// The indicator, as the World Bank's table names it.
const STABILITY: &str = "political-stability";
/// How many years back an indicator may be to stand in for this one's.
const BACK: i16 = 2;
/// Ends of the indicator's scale.
const SCALE: (f64, f64) = (-2.5, 2.5);

const NO_STABILITY: &str = "no release gives the political stability of any supplier in these years";
const NO_INDICATOR: &str = "no release gives the political stability of a supplier in these years";
const THE_WORLD: &str = "the world imports from nobody: ask for an economy or a bloc";
const IMPORTS_NOTHING: &str = "it imports nothing here: there is no flow to it";

/// Import risk, score and factor. They exist for economies and blocs that import, where output, trade and the political
/// stability of some supplier are recorded.
pub(super) struct Geopolitical;

/// Mean unit value of imports, for everyone who imports.
pub(super) struct Price;

const OF_RISK: &[Measure] = &[Measure::GeopolriskCf, Measure::GeopolriskImportRisk, Measure::GeopolriskScore];

/// Instability of every economy that ships in a market, and whether an indicator is behind it.
struct Instabilities(BTreeMap<EconomyId, (Estimate, bool)>);

impl Family for Geopolitical {
    fn measures(&self) -> &'static [Measure] {
        OF_RISK
    }

    fn reach(&self) -> Reach {
        Reach { imports_only: true, governance: Some(BACK), ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let by = Weight::Quantity;
        let accounts = scope.accounts();
        if !figures.wants_any(OF_RISK, by) || accounts.view().output.is_none() {
            return;
        }
        for consumer in figures.of(accounts.importers()) {
            let Ok(risk) = risk_of(scope, consumer) else { continue };
            for measure in OF_RISK {
                if figures.wants(*measure, by) {
                    let key = Key { measure: *measure, by, consumer: consumer.code(), supplier: None };
                    figures.push(key, of_risk(*measure, &risk));
                }
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        match risk_of(scope, asked.consumer) {
            Ok(risk) => of_risk(asked.key.measure, &risk).into(),
            Err((status, reason)) => Answer::missing(status, reason),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let Ok(risk) = risk_of(scope, asked.consumer) else { return Explanation::default() };
        let flows = scope.accounts().flows_into(asked.consumer);
        let imports = Sourcing::new(flows.map(|(pair, _)| (pair.exporter, pair.quantity)), Amount::NOTHING);
        let contributions = Contribution::of(&imports, "t");
        let mut rows = flow_rows(scope, asked.consumer);
        rows.extend(imports.suppliers().iter().filter_map(|(supplier, _)| stability(scope, *supplier).cited));
        let of_output =
            if asked.key.measure == Measure::GeopolriskImportRisk { asked.consumer } else { Consumer::World };
        rows.extend(scope.output_cited(of_output));
        Explanation { terms: risk.terms(), contributions, rows, ..Explanation::default() }
    }
}

impl Family for Price {
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
        for consumer in figures.of(scope.accounts().importers()) {
            if scope.accounts().is_silent(consumer) {
                continue;
            }
            figures.push(
                Key { measure, by, consumer: consumer.code(), supplier: None },
                price_of(scope, consumer),
            );
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        let accounts = scope.accounts();
        match accounts.imports(asked.consumer, Weight::Quantity) {
            _ if accounts.view().flows.is_none() => Answer::missing(Status::Unavailable, NO_TRADE),
            None => Answer::missing(Status::NotApplicable, IMPORTS_NOTHING),
            Some(_) if accounts.is_silent(asked.consumer) => {
                Answer::missing(Status::Unavailable, NOT_REPORTED)
            }
            Some(_) => price_of(scope, asked.consumer).into(),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let accounts = scope.accounts();
        let of = |by| accounts.imports(asked.consumer, by);
        let (Some(quantity), Some(value)) = (of(Weight::Quantity), of(Weight::Value)) else {
            return Explanation::default();
        };
        let terms = vec![
            Term::new("sum(v_j)", value.total().estimate(), "kUSD"),
            Term::new("sum(q_j)", quantity.total().estimate(), "t"),
        ];
        let contributions = Contribution::of(&quantity, "t");
        Explanation {
            terms,
            contributions,
            rows: scope.imports_cited(asked.consumer),
            ..Explanation::default()
        }
    }
}

fn price_of(scope: &Scope<'_>, consumer: Consumer) -> Estimate {
    let accounts = scope.accounts();
    let named = accounts.crossing(consumer).map(|pair| (pair.quantity, pair.value));
    unit_value(named.chain(accounts.unknown_pairs(consumer)))
}

fn of_risk(measure: Measure, risk: &GeoPolRisk<EconomyId>) -> Estimate {
    match measure {
        Measure::GeopolriskCf => risk.factor(),
        Measure::GeopolriskImportRisk => risk.import_risk(),
        _ => risk.score(),
    }
}

/// The inputs of a consumer, or why there are none.
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
    let known = scope.once(instabilities);
    let (mut imports, mut foreign, mut rated) = (Vec::new(), false, false);
    for (pair, inside) in accounts.flows_into(consumer) {
        if inside {
            imports.push(ImportFlow::inside(pair.quantity, pair.value));
            continue;
        }
        let Some(&(instability, is_rated)) = known.0.get(&pair.exporter) else { continue };
        foreign = true;
        rated |= is_rated;
        imports.push(ImportFlow { quantity: pair.quantity, value: pair.value, instability });
    }
    // It may be from anywhere: from the most stable to the least.
    let anywhere = instability(&Estimate::missing(Status::Unavailable, NO_INDICATOR));
    for (quantity, value) in accounts.unknown_pairs(consumer) {
        imports.push(ImportFlow { quantity, value, instability: anywhere });
    }
    if accounts.is_silent(consumer) {
        return Err((Status::Unavailable, NOT_REPORTED));
    }
    if foreign && !rated {
        return Err((Status::Unavailable, NO_STABILITY));
    }
    Ok(GeoPolRisk { output, imports, domestic })
}

/// The indicator of an economy, of the market's year or a little before.
fn stability<'a>(scope: &Scope<'a>, economy: EconomyId) -> Found<'a> {
    scope.governance().latest(economy, STABILITY, BACK)
}

fn instabilities(scope: &Scope<'_>) -> Instabilities {
    let year = scope.years(0).last().copied();
    let of = |economy| {
        let found = stability(scope, economy);
        let (low, high) = SCALE;
        let figure = match found.cited.map(|cited| cited.row) {
            Some(CitedRow::Governed(_, period, _)) if Some(period) == year => found.estimate,
            Some(_) => found.estimate.standing_in(low, high),
            None => Estimate::missing(Status::Unavailable, NO_INDICATOR),
        };
        (economy, (instability(&figure), found.cited.is_some()))
    };
    let exporters: BTreeSet<_> = scope.accounts().pairs().iter().map(|pair| pair.exporter).collect();
    Instabilities(exporters.into_iter().map(of).collect())
}

/// The rows of every flow into a consumer, those between members of a bloc too.
fn flow_rows<'a>(scope: &Scope<'a>, consumer: Consumer) -> Vec<Cited<'a>> {
    let accounts = scope.accounts();
    let mut rows = scope.imports_cited(consumer);
    let member = accounts.insiders(consumer);
    let both = |row: &&Flow| row.importer != row.exporter && member(row.importer) && member(row.exporter);
    rows.extend(scope.flows_cited(accounts.flows().iter().filter(both).collect()));
    rows
}
