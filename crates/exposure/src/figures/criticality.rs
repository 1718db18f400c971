//! The EU's criticality assessment, for any consumer.

use std::collections::BTreeMap;

use orewatch_catalog::{Consumer, Stage, blocs, economies, material};
use orewatch_measures::{
    Amount, EconomicImportance, Estimate, GovernedSupply, Measure, Sector, Status, SupplyUsed, Term, Terms,
    Weight, supply_risk_max,
};

use super::assessment::{
    Assessment, RECYCLING, SUBSTITUTION, TRADE, USED, YEARS_BACK, factor_rows, is_assessed, risk_rows,
};
use super::recorded::{self, of_the_world};
use super::{Answer, Collector, Contribution, Explanation, Family, Key, Question, Reach};
use crate::accounts::NO_OUTPUT;
use crate::book::EconomyId;
use crate::scope::{Found, Scope, Wants};

const NO_SUBSTITUTION: &str = "no release gives a substitution index of the material";
const END_USES: &str = "end-use-share";
const VALUE_ADDED: &str = "sector-value-added";
const SUBSTITUTION_EI: &str = "substitution-economic-importance";

/// Stages of the assessment: extraction and processing.
const STAGES: [Stage; 2] = [Stage::Mined, Stage::Refined];

/// How many suppliers' governance and trade parameters are shown among the terms.
const SHOWN: usize = 3;

/// Governance-weighted concentration: of the world's supply, for the world and for blocs; of what is sourced, for economies
/// that import or are listed as producers, and for blocs that import, where output and trade are on one basis.
pub(super) struct Concentration;

/// Supply risk at a stage, for those who source something; where the assessment looks at the world's supply alone, for
/// blocs.
pub(super) struct AtStage;

/// Supply risk of a material, at its first stage.
pub(super) struct OfMaterial;

/// Economic importance, at a material's first stage, for those whose sectors are recorded.
pub(super) struct Importance;

const OF_CONCENTRATION: &[Measure] = &[Measure::EuGlobalHhi, Measure::EuSourcingHhi];
const RISK_PARAMETERS: &[&str] = &[TRADE, USED, RECYCLING, SUBSTITUTION];

impl Family for Concentration {
    fn measures(&self) -> &'static [Measure] {
        OF_CONCENTRATION
    }

    fn reach(&self) -> Reach {
        Reach { governance: Some(YEARS_BACK), parameters: RISK_PARAMETERS, ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let by = Weight::Quantity;
        if !figures.wants_any(OF_CONCENTRATION, by) || scope.accounts().view().output.is_none() {
            return;
        }
        let assessment = Assessment::of(scope);
        if !assessment.is_governed() {
            return;
        }
        let key =
            |measure, consumer: Consumer| Key { measure, by, consumer: consumer.code(), supplier: None };
        for consumer in figures.of(worldwide()) {
            if let Some(supply) = assessment.global(scope, consumer) {
                figures.push(key(Measure::EuGlobalHhi, consumer), supply.hhi());
            }
        }
        for consumer in figures.of(scope.accounts().reliant()) {
            if let Ok(supply) = assessment.sourcing(scope, consumer) {
                figures.push(key(Measure::EuSourcingHhi, consumer), supply.hhi());
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        match governed(scope, asked) {
            Ok(supply) => supply.hhi().into(),
            Err(answer) => answer,
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let Ok(supply) = governed(scope, asked) else { return Explanation::default() };
        let (mut rows, consumer) = match asked.key.measure {
            Measure::EuGlobalHhi => (scope.output_cited(Consumer::World), None),
            _ => {
                let mut rows = scope.output_cited(asked.consumer);
                rows.extend(scope.imports_cited(asked.consumer));
                (rows, Some(asked.consumer))
            }
        };
        rows.extend(risk_rows(scope, &supply, consumer));
        let contributions = contributions(&supply);
        Explanation { terms: concentration_terms(&supply), contributions, rows, ..Explanation::default() }
    }
}

/// Whom the world's supply is looked at for.
fn worldwide() -> Vec<Consumer> {
    let mut all: Vec<_> = blocs().iter().map(Consumer::Bloc).chain([Consumer::World]).collect();
    all.sort_unstable_by_key(Consumer::code);
    all
}

fn governed(scope: &Scope<'_>, asked: Question) -> Result<GovernedSupply<EconomyId>, Answer> {
    let missing = |gap| Answer::missing(Status::Unavailable, gap);
    let assessment = Assessment::of(scope);
    if asked.key.measure == Measure::EuGlobalHhi {
        return assessment.global(scope, asked.consumer).ok_or_else(|| missing(NO_OUTPUT));
    }
    match of_the_world(asked) {
        Some(answer) => Err(answer),
        None => assessment.sourcing(scope, asked.consumer).map_err(missing),
    }
}

/// What each supplier adds to the index, with its share, the largest first; the residual last.
fn contributions(supply: &GovernedSupply<EconomyId>) -> Vec<Contribution> {
    let added: BTreeMap<_, _> = supply.contributions().map(|(place, added)| (place.code(), added)).collect();
    let mut all = Contribution::of(supply.supply(), "t");
    for one in &mut all {
        if let Some(added) = added.get(one.supplier) {
            (one.amount, one.unit) = (*added, "index");
        }
    }
    let size = |one: &Contribution| {
        let added = added.contains_key(one.supplier).then_some(one.amount.value).flatten();
        added.unwrap_or(f64::NEG_INFINITY)
    };
    all.sort_by(|a, b| size(b).total_cmp(&size(a)));
    all
}

fn concentration_terms(supply: &GovernedSupply<EconomyId>) -> Terms {
    let risks: BTreeMap<_, _> = supply.risks().map(|(place, risk)| (place.code(), risk)).collect();
    let shown = contributions(supply).into_iter().take(SHOWN);
    let mut terms = Terms::new();
    for (share, risk) in shown.filter_map(|one| Some((one.share, risks.get(one.supplier)?))) {
        terms.push(Term::new("S_c", share, "share"));
        terms.push(Term::new("WGI_c", risk.governance, "index"));
        terms.push(Term::new("t_c", Estimate::known(risk.trade), "factor"));
    }
    terms.push(Term::new("sum(a)", supply.supply().total().estimate(), "t"));
    if supply.supply().residual().high() > 0.0 {
        terms.push(Term::new("R", supply.supply().residual().estimate(), "t"));
    }
    terms
}

impl Family for AtStage {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::EuSupplyRisk]
    }

    fn reach(&self) -> Reach {
        Concentration.reach()
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let (measure, by) = (Measure::EuSupplyRisk, Weight::Quantity);
        if !figures.wants(measure, by) {
            return;
        }
        for consumer in figures.of(sourcing(scope)) {
            let risk = Assessment::of(scope).supply_risk(scope, consumer).estimate();
            figures.push(Key { measure, by, consumer: consumer.code(), supplier: None }, risk);
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        of_the_world(asked).unwrap_or_else(|| at_stage(scope, asked.consumer).into())
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let (assessment, consumer) = (Assessment::of(scope), asked.consumer);
        let terms = assessment.supply_risk(scope, consumer).terms();
        let rows = stage_rows(scope, &assessment, consumer);
        let supply = assessment.global(scope, consumer);
        let supply = supply.filter(|_| assessment.used != SupplyUsed::Sourcing);
        let supply = supply.or_else(|| assessment.sourcing(scope, consumer).ok());
        let contributions = supply.as_ref().map(contributions).unwrap_or_default();
        Explanation { terms, contributions, rows, ..Explanation::default() }
    }
}

/// Whom supply risk at the market's stage exists for: there is output, some supplier's governance is known, and of what else
/// the assessment uses nothing is missing that it cannot do without.
fn sourcing(scope: &Scope<'_>) -> Vec<Consumer> {
    if scope.accounts().view().output.is_none() {
        return Vec::new();
    }
    let assessment = Assessment::of(scope);
    match assessment.used {
        _ if !assessment.is_governed() => Vec::new(),
        SupplyUsed::Global => blocs().iter().map(Consumer::Bloc).collect(),
        _ => scope.accounts().reliant(),
    }
}

fn at_stage(scope: &Scope<'_>, consumer: Consumer) -> Estimate {
    Assessment::of(scope).supply_risk(scope, consumer).estimate()
}

fn stage_rows<'a>(
    scope: &Scope<'a>,
    assessment: &Assessment,
    consumer: Consumer,
) -> Vec<crate::scope::Cited<'a>> {
    let mut rows = factor_rows(scope);
    if let Some(supply) =
        assessment.global(scope, consumer).filter(|_| assessment.used != SupplyUsed::Sourcing)
    {
        rows.extend(scope.output_cited(Consumer::World));
        rows.extend(risk_rows(scope, &supply, None));
    }
    let own = assessment.sourcing(scope, consumer).ok().filter(|_| assessment.used != SupplyUsed::Global);
    if let Some(supply) = own {
        rows.extend(recorded::rows(scope, consumer, &[]));
        rows.extend(risk_rows(scope, &supply, Some(consumer)));
    }
    rows
}

impl Family for OfMaterial {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::EuSupplyRiskMax]
    }

    fn reach(&self) -> Reach {
        Reach { stages: true, ..Concentration.reach() }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let (measure, by) = (Measure::EuSupplyRiskMax, Weight::Quantity);
        if !figures.wants(measure, by) || !is_first_stage(scope) {
            return;
        }
        let stages = stages(scope);
        let mut consumers: Vec<_> = stages.iter().flat_map(sourcing).collect();
        consumers.sort_unstable_by_key(Consumer::code);
        consumers.dedup();
        for consumer in figures.of(consumers) {
            let key = Key { measure, by, consumer: consumer.code(), supplier: None };
            figures.push(key, largest(&stages, consumer));
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        of_the_world(asked).unwrap_or_else(|| largest(&stages(scope), asked.consumer).into())
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let mut explanation = Explanation::default();
        for stage in stages(scope) {
            let risk = at_stage(&stage, asked.consumer);
            explanation.terms.push(Term::new("SR", risk, "index"));
            explanation.rows.extend(stage_rows(&stage, &Assessment::of(&stage), asked.consumer));
        }
        explanation
    }
}

/// A figure about a material as a whole is published at its first stage.
fn is_first_stage(scope: &Scope<'_>) -> bool {
    let market = scope.market();
    material(market.material).is_ok_and(|material| material.first_stage() == market.stage)
}

/// The stages that the material is assessed at: those with output, on record or in the catalogue, and those that a row
/// names.
fn stages<'a>(scope: &Scope<'a>) -> Vec<Scope<'a>> {
    let listed = |stage| {
        let material = material(scope.market().material);
        material.is_ok_and(|material| material.production.iter().any(|(at, _)| *at == stage))
    };
    let here = |stage: &Scope<'_>| {
        listed(stage.market().stage) || stage.accounts().view().output.is_some() || is_assessed(stage)
    };
    STAGES.into_iter().map(|stage| scope.stage(stage)).filter(here).collect()
}

fn largest(stages: &[Scope<'_>], consumer: Consumer) -> Estimate {
    let risks = stages.iter().map(|stage| (stage.market().stage, at_stage(stage, consumer)));
    supply_risk_max(risks).0
}

impl Family for Importance {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::EuEconomicImportance]
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[END_USES, VALUE_ADDED, SUBSTITUTION_EI], ..Reach::OUTPUT }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let (measure, by) = (Measure::EuEconomicImportance, Weight::Quantity);
        let wanted = figures.wants(measure, by) && is_first_stage(scope);
        if !wanted || scope.parameters().all(END_USES, None).is_empty() {
            return;
        }
        let all = blocs().iter().map(Consumer::Bloc).chain(economies().iter().map(Consumer::Economy));
        for consumer in figures.of(all.collect()) {
            if !scope.parameters().all(VALUE_ADDED, Some(consumer)).is_empty() {
                let key = Key { measure, by, consumer: consumer.code(), supplier: None };
                figures.push(key, importance(scope, consumer).estimate());
            }
        }
    }

    fn one(&self, scope: &Scope<'_>, asked: Question) -> Answer {
        importance(scope, asked.consumer).estimate().into()
    }

    fn explain<'a>(&self, scope: &Scope<'a>, asked: Question, _: usize) -> Explanation<'a> {
        let terms = importance(scope, asked.consumer).terms();
        let uses = scope.parameters().all(END_USES, None);
        let added = scope.parameters().all(VALUE_ADDED, Some(asked.consumer));
        let index = scope.parameters().value(Wants::named(SUBSTITUTION_EI));
        let rows = uses.iter().chain(&added).chain([&index]).filter_map(|found| found.cited).collect();
        Explanation { terms, rows, ..Explanation::default() }
    }
}

fn importance(scope: &Scope<'_>, consumer: Consumer) -> EconomicImportance {
    let by_sector = |all: Vec<Found<'_>>| -> BTreeMap<String, (Estimate, Option<Amount>)> {
        let row = |found: &Found<'_>| {
            Some((found.cited?.item().to_owned(), (found.estimate, recorded::amount(found))))
        };
        all.iter().filter_map(row).collect()
    };
    let uses = by_sector(scope.parameters().all(END_USES, None));
    let mut sectors = by_sector(scope.parameters().all(VALUE_ADDED, Some(consumer)));
    let known = !uses.is_empty() && !sectors.is_empty();
    for sector in uses.keys() {
        sectors.entry(sector.clone()).or_insert((Estimate::known(0.0), None));
    }
    let unused = Estimate::known(0.0);
    let sector = |(code, (_, added)): (&String, &(Estimate, Option<Amount>))| Sector {
        share: uses.get(code).map_or(unused, |(share, _)| *share),
        value_added: added.unwrap_or(Amount::unavailable()),
    };
    let index = scope.parameters().value(Wants::named(SUBSTITUTION_EI));
    let missing = Estimate::missing(Status::Unavailable, NO_SUBSTITUTION);
    EconomicImportance {
        sectors: if known { sectors.iter().map(sector).collect() } else { Vec::new() },
        substitution: if index.cited.is_some() { index.estimate } else { missing },
    }
}
