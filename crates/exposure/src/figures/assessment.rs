//! Inputs of the EU's criticality assessment of a market: supply by supplier, with the governance and the
//! trade parameter of each.
//!
//! There are two supplies: the world's output, and the sourcing of a consumer (its own output and its
//! imports). An assessment uses both, unless a row of the parameter `supply-used` names one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::Consumer;
use orewatch_measures::{
    Estimate, GovernedSupply, Indicators, Residual, Risk, Sourcing, Status, SupplyRisk, SupplyUsed, Weight,
    governance, trade_parameter,
};

use crate::accounts::NO_OUTPUT;
use crate::book::EconomyId;
use crate::scope::{Cited, CitedRow, FoundValue, ParameterQuery, Scope};

/// Number of years before the market's year over which governance is averaged as well.
pub(super) const YEARS_BACK: i16 = 4;

/// Name of the parameter with trade parameters of suppliers.
pub(super) const TRADE: &str = "trade-parameter";
/// Name of the parameter that says which supply is used.
pub(super) const USED: &str = "supply-used";
/// Name of the parameter with end-of-life recycling input rates.
pub(super) const RECYCLING: &str = "eol-rir";
/// Name of the parameter with substitution indices of supply risk.
pub(super) const SUBSTITUTION: &str = "substitution-supply-risk";

/// The six Worldwide Governance Indicators.
const INDICATORS: [&str; 6] = [
    "control-of-corruption",
    "government-effectiveness",
    "political-stability",
    "regulatory-quality",
    "rule-of-law",
    "voice-and-accountability",
];

const NO_RECYCLING: &str = "no release gives an end-of-life recycling input rate of the material";
const NO_SUBSTITUTION: &str = "no release gives a substitution index of the material";

/// The inputs of a market that are the same for all consumers.
pub(super) struct Assessment {
    /// Governance of producers and exporters.
    governance: BTreeMap<EconomyId, Estimate>,
    /// Recorded trade parameters of the world's supply.
    trade: BTreeMap<EconomyId, f64>,
    /// Which supply is used.
    pub(super) used: SupplyUsed,
    recycling: Estimate,
    substitution: Estimate,
}

impl Assessment {
    /// The inputs of the market of a scope, computed once.
    pub(super) fn compute(scope: &Scope<'_>) -> Rc<Self> {
        scope.compute_once(|scope| {
            let governance = |economy| (economy, governance_of(scope, economy));
            Self {
                governance: suppliers(scope).into_iter().map(governance).collect(),
                trade: trade_parameters(scope, None),
                used: used(scope).map(|(used, _)| used).unwrap_or_default(),
                recycling: factor(scope, RECYCLING, NO_RECYCLING),
                substitution: factor(scope, SUBSTITUTION, NO_SUBSTITUTION),
            }
        })
    }

    /// The world's supply from the point of view of a consumer: the trade parameter of its own members is
    /// lower. `None`: the market has no output figures.
    pub(super) fn global(&self, scope: &Scope<'_>, consumer: Consumer) -> Option<GovernedSupply<EconomyId>> {
        let accounts = scope.accounts();
        let insiders = accounts.inside(consumer);
        let inside = |economy| consumer != Consumer::World && insiders(economy);
        Some(GovernedSupply::new(accounts.output()?, |economy| {
            self.risk(economy, self.trade.get(&economy).copied(), inside(economy))
        }))
    }

    /// The sourcing of a consumer: the output of each of its economies, and its imports from outside.
    ///
    /// # Errors
    /// The reason why there is none: no output figures, no trade figures, or figures on different bases.
    pub(super) fn sourcing(
        &self,
        scope: &Scope<'_>,
        consumer: Consumer,
    ) -> Result<GovernedSupply<EconomyId>, &'static str> {
        let supply = sourcing_of(scope, consumer)?;
        let trade = trade_parameters(scope, Some(consumer));
        let inside = scope.accounts().inside(consumer);
        let risk = |economy| self.risk(economy, trade.get(&economy).copied(), inside(economy));
        Ok(GovernedSupply::new(supply, risk))
    }

    /// Supply risk of a consumer at the market's stage.
    pub(super) fn supply_risk(&self, scope: &Scope<'_>, consumer: Consumer) -> SupplyRisk {
        let missing = |gap| Estimate::missing(Status::Unavailable, gap);
        let sourcing = || self.sourcing(scope, consumer).map_or_else(missing, |supply| supply.hhi());
        let reliance = || {
            let accounts = scope.accounts().reliance(consumer);
            accounts.map_or_else(missing, |accounts| accounts.eu_estimate())
        };
        let global =
            || self.global(scope, consumer).map_or_else(|| missing(NO_OUTPUT), |supply| supply.hhi());
        let unused =
            Estimate::missing(Status::NotApplicable, "the assessment looks at the other supply alone");
        let (world, own) = (self.used != SupplyUsed::Sourcing, self.used != SupplyUsed::Global);
        SupplyRisk {
            global: if world { global() } else { unused },
            sourcing: if own { sourcing() } else { unused },
            reliance: if world && own { reliance() } else { unused },
            recycling: self.recycling,
            substitution: self.substitution,
            used: self.used,
        }
    }

    /// Whether the governance of any supplier is known: without it there is no governance-weighted figure.
    pub(super) fn is_governed(&self) -> bool {
        self.governance.values().any(|governance| governance.value.is_some())
    }

    fn risk(&self, supplier: EconomyId, recorded: Option<f64>, inside: bool) -> Risk {
        let governance = self.governance.get(&supplier).copied().unwrap_or_else(|| governance(&[]));
        Risk { governance, trade: trade_parameter(recorded, inside) }
    }
}

/// All economies that produce or trade in the market.
fn suppliers(scope: &Scope<'_>) -> BTreeSet<EconomyId> {
    let accounts = scope.accounts();
    let output = accounts.output();
    let producers = output.iter().flat_map(|output| output.suppliers()).map(|(producer, _)| *producer);
    producers.chain(accounts.pairs().iter().flat_map(|pair| [pair.exporter, pair.importer])).collect()
}

/// The sourcing of a consumer: the output of each of its economies, and its imports from outside.
fn sourcing_of(scope: &Scope<'_>, consumer: Consumer) -> Result<Sourcing<EconomyId>, &'static str> {
    let accounts = scope.accounts();
    accounts.reliance(consumer)?;
    let output = accounts.output().ok_or(NO_OUTPUT)?;
    let inside = accounts.inside(consumer);
    let own = output.suppliers().iter().copied().filter(|(producer, _)| inside(*producer));
    let imports = accounts.imports(consumer, Weight::Quantity);
    let unknown: Vec<_> = imports.iter().flat_map(|imports| imports.residuals().iter().copied()).collect();
    let imports = imports.iter().flat_map(|imports| imports.suppliers().iter().copied());
    let mut rows: Vec<_> = own.chain(imports).collect();
    let unlisted = accounts.unlisted_output_of(consumer);
    // The output of a single economy that is not listed is its own; that of a bloc is of an unknown member.
    let single = match consumer {
        Consumer::Economy(economy) => EconomyId::from_code(economy.iso3),
        _ => None,
    };
    if let (Some(economy), Some(amount)) = (single, unlisted) {
        rows.push((economy, amount));
        return Ok(Sourcing::with_residuals(rows, unknown));
    }
    let unlisted = unlisted.map(|amount| (Residual::Unlisted, amount));
    Ok(Sourcing::with_residuals(rows, unlisted.into_iter().chain(unknown)))
}

/// Trade parameters towards a consumer, or those of the world's supply, by supplier.
fn trade_parameters(scope: &Scope<'_>, consumer: Option<Consumer>) -> BTreeMap<EconomyId, f64> {
    let all = trade_rows(scope, consumer).into_iter();
    all.filter_map(|(supplier, found)| Some((supplier, found.value()?))).collect()
}

/// The rows of trade parameters, by supplier. A consumer for which none is recorded was not studied. It has
/// those of the world's supply, because an export restriction that names no importer applies to all.
fn trade_rows<'a>(scope: &Scope<'a>, consumer: Option<Consumer>) -> BTreeMap<EconomyId, FoundValue<'a>> {
    let towards = |consumer| scope.parameters().values(TRADE, consumer).into_iter();
    let mut own = consumer.into_iter().flat_map(|consumer| towards(Some(consumer))).peekable();
    let rows: Vec<_> = if own.peek().is_some() { own.collect() } else { towards(None).collect() };
    rows.into_iter().filter_map(|found| Some((partner(&found)?, found))).collect()
}

fn partner(found: &FoundValue<'_>) -> Option<EconomyId> {
    match found.cited?.partner()? {
        Consumer::Economy(economy) => EconomyId::from_code(economy.iso3),
        _ => None,
    }
}

/// The supply that the newest row names, with the row.
fn used<'a>(scope: &Scope<'a>) -> Option<(SupplyUsed, Cited<'a>)> {
    let since = |cited: &Cited<'a>| match cited.row {
        CitedRow::Parameter(_, holding, _) => Some(holding.period.start()),
        _ => None,
    };
    let all = scope.parameters().values(USED, None);
    let rows = all.iter().filter_map(|found| found.cited);
    let named = rows.filter_map(|cited| Some((cited.item().parse().ok()?, cited)));
    named.max_by_key(|(_, cited)| since(cited))
}

/// Whether a row names the supply that is used at this stage: the material then has the stage.
pub(super) fn is_assessed(scope: &Scope<'_>) -> bool {
    used(scope).is_some()
}

/// A factor of supply risk, or UNAVAILABLE with the reason `gap`.
fn factor(scope: &Scope<'_>, name: &str, gap: &'static str) -> Estimate {
    let found = scope.parameters().value(ParameterQuery::named(name));
    if found.cited.is_some() { found.estimate } else { Estimate::missing(Status::Unavailable, gap) }
}

/// Governance of an economy: the mean over the years, as far as they are recorded.
fn governance_of(scope: &Scope<'_>, economy: EconomyId) -> Estimate {
    let year = |year| -> Indicators {
        INDICATORS.map(|indicator| scope.governance().score(economy, indicator, year).value())
    };
    governance(&scope.years(YEARS_BACK).into_iter().map(year).collect::<Vec<_>>())
}

/// The rows with the governance and the trade parameters of the suppliers, towards a consumer or in the
/// world's supply.
pub(super) fn risk_rows<'a>(
    scope: &Scope<'a>,
    supply: &GovernedSupply<EconomyId>,
    consumer: Option<Consumer>,
) -> Vec<Cited<'a>> {
    let suppliers: Vec<_> = supply.supply().suppliers().iter().map(|(supplier, _)| *supplier).collect();
    let mut rows = Vec::new();
    for supplier in &suppliers {
        for year in scope.years(YEARS_BACK) {
            let found =
                INDICATORS.map(|indicator| scope.governance().score(*supplier, indicator, year).cited);
            rows.extend(found.into_iter().flatten());
        }
    }
    let trade = trade_rows(scope, consumer).into_iter();
    rows.extend(
        trade.filter(|(supplier, _)| suppliers.contains(supplier)).filter_map(|(_, found)| found.cited),
    );
    rows
}

/// The rows of the factors of supply risk.
pub(super) fn factor_rows<'a>(scope: &Scope<'a>) -> Vec<Cited<'a>> {
    let factors =
        [RECYCLING, SUBSTITUTION].map(|name| scope.parameters().value(ParameterQuery::named(name)).cited);
    factors.into_iter().flatten().chain(used(scope).map(|(_, cited)| cited)).collect()
}
