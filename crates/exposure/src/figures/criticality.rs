//! Measures of the EU's criticality assessment, computed for any consumer.

use std::collections::BTreeMap;

use orewatch_catalog::{Consumer, Period, Stage, blocs, economies, material};
use orewatch_measures::{
    Amount, EconomicImportance, Estimate, GovernedSupply, Measure, Sector, Status, SupplyUsed, Term, Terms,
    Weight, supply_risk_max,
};

use super::assessment::{
    Assessment, RECYCLING, SUBSTITUTION, TRADE, USED, YEARS_BACK, factor_rows, is_assessed, risk_rows,
};
use super::recorded::{self, no_figure_for_world};
use super::{
    Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach,
    has_no_members,
};
use crate::accounts::NO_OUTPUT;
use crate::book::EconomyId;
use crate::scope::{FoundValue, ParameterQuery, Scope};

const NO_SUBSTITUTION: &str = "no release gives a substitution index of the material";
const END_USES: &str = "end-use-share";
const VALUE_ADDED: &str = "sector-value-added";
const SUBSTITUTION_EI: &str = "substitution-economic-importance";

/// Stages of the assessment: extraction and processing.
const STAGES: [Stage; 2] = [Stage::Mined, Stage::Refined];

/// Number of suppliers whose governance and trade parameters are among the terms.
const SHOWN_SUPPLIERS: usize = 3;

/// Governance-weighted concentration: of the world's supply, for the world and for blocs; of sourcing, for
/// economies that import or are listed as producers and for blocs that import, where output and trade are on
/// the same basis.
pub(super) struct Concentration;

/// Supply risk at a stage, for all consumers with a sourcing; for blocs only if the assessment uses the
/// world's supply alone.
pub(super) struct StageSupplyRisk;

/// Supply risk of a material: the largest of its stages. It is published at the first stage.
pub(super) struct MaterialSupplyRisk;

/// Economic importance of a material, for consumers whose sectors are recorded. It is published at the first
/// stage.
pub(super) struct SectorImportance;

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
        let assessment = Assessment::compute(scope);
        if !assessment.is_governed() {
            return;
        }
        let key = |measure, consumer: Consumer| FigureKey {
            measure,
            by,
            consumer: consumer.code(),
            supplier: None,
        };
        for consumer in figures.wanted_consumers(consumers_of_global(scope.market().period)) {
            if let Some(supply) = assessment.global(scope, consumer) {
                figures.push(key(Measure::EuGlobalHhi, consumer), supply.hhi());
            }
        }
        for consumer in figures.wanted_consumers(scope.accounts().reliant()) {
            if let Ok(supply) = assessment.sourcing(scope, consumer) {
                figures.push(key(Measure::EuSourcingHhi, consumer), supply.hhi());
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        match governed(scope, request) {
            Ok(supply) => supply.hhi().into(),
            Err(answer) => answer,
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let Ok(supply) = governed(scope, request) else { return Explanation::default() };
        let (mut rows, consumer) = match request.key.measure {
            Measure::EuGlobalHhi => (scope.output_cited(Consumer::World), None),
            _ => {
                let mut rows = scope.output_cited(request.consumer);
                rows.extend(scope.imports_cited(request.consumer));
                (rows, Some(request.consumer))
            }
        };
        rows.extend(risk_rows(scope, &supply, consumer));
        let contributions = contributions(&supply);
        Explanation { terms: concentration_terms(&supply), contributions, rows, ..Explanation::default() }
    }
}

/// Consumers of the figures of the world's supply: blocs that have members in the period, and the world.
fn consumers_of_global(period: Period) -> Vec<Consumer> {
    let mut all = blocs_of(period);
    all.push(Consumer::World);
    all.sort_unstable_by_key(Consumer::code);
    all
}

fn blocs_of(period: Period) -> Vec<Consumer> {
    blocs().iter().map(Consumer::Bloc).filter(|bloc| !has_no_members(*bloc, period)).collect()
}

fn governed(scope: &Scope<'_>, request: FigureRequest) -> Result<GovernedSupply<EconomyId>, NamedEstimate> {
    let missing = |gap| NamedEstimate::missing(Status::Unavailable, gap);
    let assessment = Assessment::compute(scope);
    if request.key.measure == Measure::EuGlobalHhi {
        return assessment.global(scope, request.consumer).ok_or_else(|| missing(NO_OUTPUT));
    }
    match no_figure_for_world(request) {
        Some(answer) => Err(answer),
        None => assessment.sourcing(scope, request.consumer).map_err(missing),
    }
}

/// The contribution of each supplier to the index, with its share: the largest first, the residual last.
fn contributions(supply: &GovernedSupply<EconomyId>) -> Vec<Contribution> {
    let added: BTreeMap<_, _> =
        supply.contributions().map(|(supplier, added)| (supplier.code(), added)).collect();
    let mut all = Contribution::from_sourcing(supply.supply(), "t");
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
    let risks: BTreeMap<_, _> = supply.risks().map(|(supplier, risk)| (supplier.code(), risk)).collect();
    let shown = contributions(supply).into_iter().take(SHOWN_SUPPLIERS);
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

impl Family for StageSupplyRisk {
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
        for consumer in figures.wanted_consumers(consumers_at_stage(scope)) {
            let risk = Assessment::compute(scope).supply_risk(scope, consumer).estimate();
            figures.push(FigureKey { measure, by, consumer: consumer.code(), supplier: None }, risk);
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        no_figure_for_world(request).unwrap_or_else(|| risk_at_stage(scope, request.consumer).into())
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let (assessment, consumer) = (Assessment::compute(scope), request.consumer);
        let terms = assessment.supply_risk(scope, consumer).terms();
        let rows = stage_rows(scope, &assessment, consumer);
        let supply = assessment.global(scope, consumer);
        let supply = supply.filter(|_| assessment.used != SupplyUsed::Sourcing);
        let supply = supply.or_else(|| assessment.sourcing(scope, consumer).ok());
        let contributions = supply.as_ref().map(contributions).unwrap_or_default();
        Explanation { terms, contributions, rows, ..Explanation::default() }
    }
}

/// Consumers for which supply risk at the market's stage exists: there is output, the governance of some
/// supplier is known, and all other indispensable inputs are present.
fn consumers_at_stage(scope: &Scope<'_>) -> Vec<Consumer> {
    if scope.accounts().view().output.is_none() {
        return Vec::new();
    }
    let assessment = Assessment::compute(scope);
    match assessment.used {
        _ if !assessment.is_governed() => Vec::new(),
        SupplyUsed::Global => blocs_of(scope.market().period),
        _ => scope.accounts().reliant(),
    }
}

/// Supply risk of a consumer at the stage of a scope.
fn risk_at_stage(scope: &Scope<'_>, consumer: Consumer) -> Estimate {
    Assessment::compute(scope).supply_risk(scope, consumer).estimate()
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

impl Family for MaterialSupplyRisk {
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
        let mut consumers: Vec<_> = stages.iter().flat_map(consumers_at_stage).collect();
        consumers.sort_unstable_by_key(Consumer::code);
        consumers.dedup();
        for consumer in figures.wanted_consumers(consumers) {
            let key = FigureKey { measure, by, consumer: consumer.code(), supplier: None };
            figures.push(key, largest_risk(&stages, consumer));
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        no_figure_for_world(request).unwrap_or_else(|| largest_risk(&stages(scope), request.consumer).into())
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let mut explanation = Explanation::default();
        for stage in stages(scope) {
            let risk = risk_at_stage(&stage, request.consumer);
            explanation.terms.push(Term::new("SR", risk, "index"));
            explanation.rows.extend(stage_rows(&stage, &Assessment::compute(&stage), request.consumer));
        }
        explanation
    }
}

/// Whether the market is at the first stage of the material, where figures of the material as a whole are
/// published.
fn is_first_stage(scope: &Scope<'_>) -> bool {
    let market = scope.market();
    material(market.material).is_ok_and(|material| material.first_stage() == market.stage)
}

/// The stages at which the material is assessed: those with output, recorded or by the catalogue, and those
/// that a row names.
fn stages<'a>(scope: &Scope<'a>) -> Vec<Scope<'a>> {
    let listed = |stage| {
        let material = material(scope.market().material);
        material.is_ok_and(|material| material.production.iter().any(|(at, _)| *at == stage))
    };
    let here = |stage: &Scope<'_>| {
        listed(stage.market().stage) || stage.accounts().view().output.is_some() || is_assessed(stage)
    };
    STAGES.into_iter().map(|stage| scope.at_stage(stage)).filter(here).collect()
}

/// The largest supply risk of the stages.
fn largest_risk(stages: &[Scope<'_>], consumer: Consumer) -> Estimate {
    let risks = stages.iter().map(|stage| (stage.market().stage, risk_at_stage(stage, consumer)));
    supply_risk_max(risks).0
}

impl Family for SectorImportance {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::EuEconomicImportance]
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[END_USES, VALUE_ADDED, SUBSTITUTION_EI], ..Reach::OUTPUT }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let (measure, by) = (Measure::EuEconomicImportance, Weight::Quantity);
        let wanted = figures.wants(measure, by) && is_first_stage(scope);
        if !wanted || scope.parameters().values(END_USES, None).is_empty() {
            return;
        }
        let all = blocs().iter().map(Consumer::Bloc).chain(economies().iter().map(Consumer::Economy));
        for consumer in figures.wanted_consumers(all.collect()) {
            if !scope.parameters().values(VALUE_ADDED, Some(consumer)).is_empty() {
                let key = FigureKey { measure, by, consumer: consumer.code(), supplier: None };
                figures.push(key, importance(scope, consumer).estimate());
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        importance(scope, request.consumer).estimate().into()
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let terms = importance(scope, request.consumer).terms();
        let uses = scope.parameters().values(END_USES, None);
        let added = scope.parameters().values(VALUE_ADDED, Some(request.consumer));
        let index = scope.parameters().value(ParameterQuery::named(SUBSTITUTION_EI));
        let rows = uses.iter().chain(&added).chain([&index]).filter_map(|found| found.cited).collect();
        Explanation { terms, rows, ..Explanation::default() }
    }
}

fn importance(scope: &Scope<'_>, consumer: Consumer) -> EconomicImportance {
    let by_sector = |all: Vec<FoundValue<'_>>| -> BTreeMap<String, (Estimate, Option<Amount>)> {
        let row = |found: &FoundValue<'_>| {
            Some((found.cited?.item().to_owned(), (found.estimate, recorded::amount(found))))
        };
        all.iter().filter_map(row).collect()
    };
    let uses = by_sector(scope.parameters().values(END_USES, None));
    let mut sectors = by_sector(scope.parameters().values(VALUE_ADDED, Some(consumer)));
    let known = !uses.is_empty() && !sectors.is_empty();
    for sector in uses.keys() {
        sectors.entry(sector.clone()).or_insert((Estimate::known(0.0), None));
    }
    let unused = Estimate::known(0.0);
    let sector = |(code, (_, added)): (&String, &(Estimate, Option<Amount>))| Sector {
        share: uses.get(code).map_or(unused, |(share, _)| *share),
        value_added: added.unwrap_or(Amount::unavailable()),
    };
    let index = scope.parameters().value(ParameterQuery::named(SUBSTITUTION_EI));
    let missing = Estimate::missing(Status::Unavailable, NO_SUBSTITUTION);
    EconomicImportance {
        sectors: if known { sectors.iter().map(sector).collect() } else { Vec::new() },
        substitution: if index.cited.is_some() { index.estimate } else { missing },
    }
}
