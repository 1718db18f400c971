//! Supply risk of the US Geological Survey: disruption potential, trade exposure, economic vulnerability, and
//! their geometric mean.

use std::collections::BTreeMap;

use orewatch_catalog::Consumer;
use orewatch_measures::{
    Amount, Disruption, Estimate, Industry, Measure, Status, SupplyIndices, Term, Terms, UsgsSupplyRisk,
    Weight, Willingness, ability, economic_vulnerability, trade_exposure, trade_ties,
};

use super::recorded::{self, SECONDARY, STOCKS, no_figure_for_world};
use super::{Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach};
use crate::accounts::NO_OUTPUT;
use crate::book::EconomyId;
use crate::scope::{Cited, FoundValue, ParameterQuery, Scope};

const ALLIES: &str = "collective-defence";
const EXPENDITURE: &str = "sector-expenditure";
const FREEDOM: &str = "freedom-score";
const GDP: &str = "gross-domestic-product";
const POLICY: &str = "policy-perception-index";
const PROFIT: &str = "sector-operating-profit";
const TRADE: &str = "bilateral-trade";
const VALUE_ADDED: &str = "sector-value-added";

const NO_INDICES: &str =
    "no release gives the policy perception, trade or freedom scores that the indices of producers need";
const NO_EXPENDITURE: &str = "no release says what the sectors of this consumer spend on the material";
const NOT_LISTED: &str = "no release gives it";
const WILLING: Estimate = Estimate::known(0.0);

/// Disruption potential, for consumers with a recorded freedom score or recorded bilateral trade.
pub(super) struct DisruptionPotential;

/// Trade exposure, where net import reliance exists.
pub(super) struct TradeExposure;

/// Economic vulnerability, for consumers whose sectors' expenditure on the material is recorded.
pub(super) struct EconomicVulnerability;

/// Supply risk, where all of its terms exist.
pub(super) struct OverallRisk;

/// Status and reason of a missing figure.
type Gap = (Status, &'static str);

/// A function that computes one measure of a consumer.
type Compute = fn(&Scope<'_>, Consumer) -> Result<Estimate, Gap>;

impl Family for DisruptionPotential {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::UsgsDisruptionPotential]
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[ALLIES, FREEDOM, GDP, POLICY, TRADE], ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        collect(scope, figures, Measure::UsgsDisruptionPotential, potential);
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        usgs_figure(scope, request, potential)
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let Ok(disruption) = disruption(scope, request.consumer) else { return Explanation::default() };
        let mut rows = scope.output_cited(Consumer::World);
        rows.extend(index_rows(scope, request.consumer, &disruption));
        Explanation { contributions: contributions(&disruption), rows, ..Explanation::default() }
    }
}

impl Family for TradeExposure {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::UsgsTradeExposure]
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[SECONDARY, STOCKS], ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        collect(scope, figures, Measure::UsgsTradeExposure, exposure);
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        usgs_figure(scope, request, exposure)
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let terms = recorded::reliance(scope, request.consumer).map(|reliance| renamed(reliance.terms()));
        let rows = recorded::rows(scope, request.consumer, &[SECONDARY, STOCKS]);
        Explanation { terms: terms.unwrap_or_default(), rows, ..Explanation::default() }
    }
}

impl Family for EconomicVulnerability {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::UsgsEconomicVulnerability]
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[EXPENDITURE, GDP, PROFIT, VALUE_ADDED], ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        collect(scope, figures, Measure::UsgsEconomicVulnerability, vulnerability);
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        usgs_figure(scope, request, vulnerability)
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let terms = vec![Term::new("GDP", about(scope, GDP, request.consumer).estimate, "money")];
        Explanation { terms, rows: account_rows(scope, request.consumer), ..Explanation::default() }
    }
}

impl Family for OverallRisk {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::UsgsSupplyRisk]
    }

    fn reach(&self) -> Reach {
        const ALL: &[&str] =
            &[ALLIES, EXPENDITURE, FREEDOM, GDP, POLICY, PROFIT, SECONDARY, STOCKS, TRADE, VALUE_ADDED];
        Reach { parameters: ALL, ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        collect(scope, figures, Measure::UsgsSupplyRisk, |scope, consumer| {
            Ok(overall(scope, consumer)?.estimate())
        });
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        usgs_figure(scope, request, |scope, consumer| Ok(overall(scope, consumer)?.estimate()))
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let Ok(risk) = overall(scope, request.consumer) else { return Explanation::default() };
        let mut rows = recorded::rows(scope, request.consumer, &[SECONDARY, STOCKS]);
        rows.extend(account_rows(scope, request.consumer));
        if let Ok(disruption) = disruption(scope, request.consumer) {
            rows.extend(scope.output_cited(Consumer::World));
            rows.extend(index_rows(scope, request.consumer, &disruption));
        }
        Explanation { terms: risk.terms(), rows, ..Explanation::default() }
    }
}

fn collect(scope: &Scope<'_>, figures: &mut Collector<'_>, measure: Measure, compute: Compute) {
    let by = Weight::Quantity;
    if !figures.wants(measure, by) {
        return;
    }
    for consumer in figures.wanted_consumers(consumers(scope)) {
        if let Ok(estimate) = compute(scope, consumer) {
            figures.push(FigureKey { measure, by, consumer: consumer.code(), supplier: None }, estimate);
        }
    }
}

/// Consumers that import or produce, by code. Empty if the market has no output figures.
fn consumers(scope: &Scope<'_>) -> Vec<Consumer> {
    let accounts = scope.accounts();
    let Some(output) = accounts.output() else { return Vec::new() };
    let mut all = accounts.importers();
    all.extend(
        output.suppliers().iter().filter_map(|(producer, _)| producer.economy().map(Consumer::Economy)),
    );
    all.retain(|consumer| *consumer != Consumer::World);
    all.sort_unstable_by_key(Consumer::code);
    all.dedup();
    all
}

fn usgs_figure(scope: &Scope<'_>, request: FigureRequest, compute: Compute) -> NamedEstimate {
    no_figure_for_world(request).unwrap_or_else(|| match compute(scope, request.consumer) {
        Ok(estimate) => estimate.into(),
        Err((status, reason)) => NamedEstimate::missing(status, reason),
    })
}

fn potential(scope: &Scope<'_>, consumer: Consumer) -> Result<Estimate, Gap> {
    Ok(disruption(scope, consumer)?.potential())
}

fn exposure(scope: &Scope<'_>, consumer: Consumer) -> Result<Estimate, Gap> {
    let reliance = recorded::reliance(scope, consumer).map_err(|gap| (Status::Unavailable, gap))?;
    Ok(trade_exposure(&reliance))
}

fn vulnerability(scope: &Scope<'_>, consumer: Consumer) -> Result<Estimate, Gap> {
    let spent = expenditure(scope, consumer);
    if spent.is_empty() {
        return Err((Status::Unavailable, NO_EXPENDITURE));
    }
    let industries = spent.iter().filter_map(|found| {
        let sector = found.cited.as_ref()?.item();
        let account =
            |name| scope.parameters().value(ParameterQuery::named(name).about(consumer).item(sector));
        Some(Industry {
            value_added: amount(&account(VALUE_ADDED)),
            expenditure: amount(found),
            operating_profit: profit(&account(PROFIT)),
        })
    });
    Ok(economic_vulnerability(industries, amount(&about(scope, GDP, consumer))))
}

fn overall(scope: &Scope<'_>, consumer: Consumer) -> Result<UsgsSupplyRisk, Gap> {
    Ok(UsgsSupplyRisk {
        vulnerability: vulnerability(scope, consumer)?,
        disruption: potential(scope, consumer)?,
        exposure: exposure(scope, consumer)?,
    })
}

/// The rows with the expenditure of the sectors of a consumer on the material.
fn expenditure<'a>(scope: &Scope<'a>, consumer: Consumer) -> Vec<FoundValue<'a>> {
    scope.parameters().values(EXPENDITURE, Some(consumer))
}

fn about<'a>(scope: &Scope<'a>, name: &str, consumer: Consumer) -> FoundValue<'a> {
    scope.parameters().value(ParameterQuery::named(name).about(consumer))
}

fn about_partner<'a>(
    scope: &Scope<'a>,
    name: &str,
    consumer: Consumer,
    partner: EconomyId,
) -> Option<FoundValue<'a>> {
    let partner = Consumer::Economy(partner.economy()?);
    Some(scope.parameters().value(ParameterQuery::named(name).about(consumer).towards(partner)))
}

fn amount(found: &FoundValue<'_>) -> Amount {
    recorded::amount(found).unwrap_or(Amount::unavailable())
}

/// The amount of a profit; a loss counts as zero.
fn profit(found: &FoundValue<'_>) -> Amount {
    if found.value().is_some_and(|profit| profit <= 0.0) { Amount::NOTHING } else { amount(found) }
}

/// The output of the market with the indices of every producer.
fn disruption(scope: &Scope<'_>, consumer: Consumer) -> Result<Disruption<EconomyId>, Gap> {
    let output = scope.accounts().output().ok_or((Status::Unavailable, NO_OUTPUT))?;
    let own_freedom = about(scope, FREEDOM, consumer);
    let ties = ties(scope, consumer);
    if own_freedom.cited.is_none() && ties.is_empty() {
        return Err((Status::Unavailable, NO_INDICES));
    }
    let missing = Estimate::missing(Status::Unavailable, NOT_LISTED);
    let of = |producer: EconomyId| {
        let economy = producer.economy().map(Consumer::Economy);
        let figure = |name| economy.map_or(missing, |economy| about(scope, name, economy).estimate);
        let ally = about_partner(scope, ALLIES, consumer, producer).and_then(|found| found.value());
        let willingness = Willingness {
            trade_tie: ties.get(&producer).copied().unwrap_or(missing),
            own_freedom: own_freedom.estimate,
            freedom: figure(FREEDOM),
            collective_defence: ally.map(|flag| flag > 0.0),
        };
        let inside = scope.accounts().is_inside(consumer, producer);
        SupplyIndices {
            ability: ability(&figure(POLICY)),
            willingness: if inside { WILLING } else { willingness.index() },
        }
    };
    let indices = output.suppliers().iter().map(|(producer, _)| (*producer, of(*producer))).collect();
    Ok(Disruption { output, indices })
}

/// Trade ties of all partners whose trade with the consumer is recorded.
fn ties(scope: &Scope<'_>, consumer: Consumer) -> BTreeMap<EconomyId, Estimate> {
    let trade = scope.parameters().values(TRADE, Some(consumer));
    trade_ties(trade.iter().filter_map(|found| {
        let partner = found.cited.as_ref()?.partner()?;
        let gdp = about(scope, GDP, partner);
        Some((EconomyId::from_code(partner.code())?, amount(found), amount(&gdp)))
    }))
}

/// The contribution of every producer to the potential, with its share of output, the largest first.
fn contributions(disruption: &Disruption<EconomyId>) -> Vec<Contribution> {
    let shares = disruption.output.shares();
    let mut all: Vec<_> =
        disruption.contributions().zip(shares).map(|((key, part), (_, share))| (key, part, share)).collect();
    let size = |part: &Estimate| part.value.or(part.high).unwrap_or(0.0);
    all.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.code().cmp(b.0.code())));
    let one = |(key, amount, share): (EconomyId, Estimate, Estimate)| Contribution {
        supplier: key.code(),
        amount,
        unit: "index",
        share,
    };
    all.into_iter().map(one).collect()
}

fn index_rows<'a>(
    scope: &Scope<'a>,
    consumer: Consumer,
    disruption: &Disruption<EconomyId>,
) -> Vec<Cited<'a>> {
    let mut rows: Vec<_> = about(scope, FREEDOM, consumer).cited.into_iter().collect();
    for producer in disruption.indices.keys() {
        let Some(economy) = producer.economy().map(Consumer::Economy) else { continue };
        rows.extend([POLICY, FREEDOM, GDP].iter().filter_map(|name| about(scope, name, economy).cited));
        let both = [TRADE, ALLIES]
            .into_iter()
            .filter_map(|name| about_partner(scope, name, consumer, *producer)?.cited);
        rows.extend(both);
    }
    rows
}

fn account_rows<'a>(scope: &Scope<'a>, consumer: Consumer) -> Vec<Cited<'a>> {
    let mut rows: Vec<_> = about(scope, GDP, consumer).cited.into_iter().collect();
    for found in expenditure(scope, consumer) {
        let Some(cited) = found.cited else { continue };
        let account = |name| {
            scope.parameters().value(ParameterQuery::named(name).about(consumer).item(cited.item())).cited
        };
        rows.extend([Some(cited), account(VALUE_ADDED), account(PROFIT)].into_iter().flatten());
    }
    rows
}

/// The terms of net import reliance, under the symbols of this measure.
fn renamed(mut terms: Terms) -> Terms {
    for term in &mut terms {
        term.symbol = match term.symbol {
            "P" => "PP",
            "S" => "SP",
            "D" => "dS",
            symbol => symbol,
        };
    }
    terms
}
