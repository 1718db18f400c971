//! What the EU's criticality assessment looks at in a market: supply by supplier, with governance and trade parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use orewatch_catalog::Consumer;
use orewatch_measures::{
    Estimate, GovernedSupply, Indicators, Residual, Risk, Sourcing, Status, SupplyRisk, SupplyUsed, Weight,
    governance, trade_parameter,
};

use crate::accounts::NO_OUTPUT;
use crate::book::EconomyId;
use crate::scope::{Cited, CitedRow, Found, Scope, Wants};

/// Years before the market's that governance is averaged over, too.
pub(super) const YEARS_BACK: i16 = 4;

pub(super) const TRADE: &str = "trade-parameter";
pub(super) const USED: &str = "supply-used";
pub(super) const RECYCLING: &str = "eol-rir";
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

/// What the assessment knows of a market, whoever the consumer is.
pub(super) struct Assessment {
    /// Governance of producers and exporters.
    governance: BTreeMap<EconomyId, Estimate>,
    /// Trade parameters in the world's supply, where recorded.
    trade: BTreeMap<EconomyId, f64>,
    /// Which supply is used.
    pub(super) used: SupplyUsed,
    recycling: Estimate,
    substitution: Estimate,
}

impl Assessment {
    pub(super) fn of(scope: &Scope<'_>) -> Rc<Self> {
        scope.once(|scope| {
            let known = |place| (place, governance_of(scope, place));
            Self {
                governance: suppliers(scope).into_iter().map(known).collect(),
                trade: trade(scope, None),
                used: used(scope).map(|(used, _)| used).unwrap_or_default(),
                recycling: factor(scope, RECYCLING, NO_RECYCLING),
                substitution: factor(scope, SUBSTITUTION, NO_SUBSTITUTION),
            }
        })
    }

    /// The world's supply, as a consumer sees it: its own members weigh less. None: no figures of output.
    pub(super) fn global(&self, scope: &Scope<'_>, consumer: Consumer) -> Option<GovernedSupply<EconomyId>> {
        let accounts = scope.accounts();
        let insiders = accounts.insiders(consumer);
        let inside = |place| consumer != Consumer::World && insiders(place);
        Some(GovernedSupply::new(accounts.output()?, |place| {
            self.risk(place, self.trade.get(&place).copied(), inside(place))
        }))
    }

    /// What a consumer sources: output of each of its economies, and imports from outside.
    ///
    /// # Errors
    /// Why there is none: no figures of output or of trade, or figures on different bases.
    pub(super) fn sourcing(
        &self,
        scope: &Scope<'_>,
        consumer: Consumer,
    ) -> Result<GovernedSupply<EconomyId>, &'static str> {
        let supply = sourced(scope, consumer)?;
        let trade = trade(scope, Some(consumer));
        let inside = scope.accounts().insiders(consumer);
        let risk = |place| self.risk(place, trade.get(&place).copied(), inside(place));
        Ok(GovernedSupply::new(supply, risk))
    }

    /// Supply risk at the market's stage.
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

    /// Whether the governance of any supplier is known: without it there is nothing to weigh by.
    pub(super) fn is_governed(&self) -> bool {
        self.governance.values().any(|governance| governance.value.is_some())
    }

    fn risk(&self, place: EconomyId, recorded: Option<f64>, inside: bool) -> Risk {
        let governance = self.governance.get(&place).copied().unwrap_or_else(|| governance(&[]));
        Risk { governance, trade: trade_parameter(recorded, inside) }
    }
}

/// Everyone who supplies the market.
fn suppliers(scope: &Scope<'_>) -> BTreeSet<EconomyId> {
    let accounts = scope.accounts();
    let output = accounts.output();
    let producers = output.iter().flat_map(|output| output.suppliers()).map(|(place, _)| *place);
    producers.chain(accounts.pairs().iter().flat_map(|pair| [pair.exporter, pair.importer])).collect()
}

/// Output of a consumer's economies by economy, and imports from outside.
fn sourced(scope: &Scope<'_>, consumer: Consumer) -> Result<Sourcing<EconomyId>, &'static str> {
    let accounts = scope.accounts();
    accounts.reliance(consumer)?;
    let output = accounts.output().ok_or(NO_OUTPUT)?;
    let inside = accounts.insiders(consumer);
    let own = output.suppliers().iter().copied().filter(|(place, _)| inside(*place));
    let imports = accounts.imports(consumer, Weight::Quantity);
    let unknown: Vec<_> = imports.iter().flat_map(|imports| imports.residuals().iter().copied()).collect();
    let imports = imports.iter().flat_map(|imports| imports.suppliers().iter().copied());
    let mut rows: Vec<_> = own.chain(imports).collect();
    let unlisted = accounts.unlisted_of(consumer);
    // What a single economy makes without being listed is its own; that of a bloc is some member's.
    let one = match consumer {
        Consumer::Economy(economy) => EconomyId::of(economy.iso3),
        _ => None,
    };
    if let (Some(place), Some(amount)) = (one, unlisted) {
        rows.push((place, amount));
        return Ok(Sourcing::with_residuals(rows, unknown));
    }
    let unlisted = unlisted.map(|amount| (Residual::Unlisted, amount));
    Ok(Sourcing::with_residuals(rows, unlisted.into_iter().chain(unknown)))
}

/// Trade parameters towards a consumer, or those of the world's supply.
fn trade(scope: &Scope<'_>, consumer: Option<Consumer>) -> BTreeMap<EconomyId, f64> {
    let all = trade_found(scope, consumer).into_iter();
    all.filter_map(|(place, found)| Some((place, found.value()?))).collect()
}

/// The rows of trade parameters, by supplier. A consumer towards whom none of the material is recorded was not studied: it has
/// those of the world's supply, because a restriction of exports that names nobody meets everyone.
fn trade_found<'a>(scope: &Scope<'a>, consumer: Option<Consumer>) -> BTreeMap<EconomyId, Found<'a>> {
    let towards = |consumer| scope.parameters().all(TRADE, consumer).into_iter();
    let mut own = consumer.into_iter().flat_map(|consumer| towards(Some(consumer))).peekable();
    let rows: Vec<_> = if own.peek().is_some() { own.collect() } else { towards(None).collect() };
    rows.into_iter().filter_map(|found| Some((partner(&found)?, found))).collect()
}

fn partner(found: &Found<'_>) -> Option<EconomyId> {
    match found.cited?.partner()? {
        Consumer::Economy(economy) => EconomyId::of(economy.iso3),
        _ => None,
    }
}

/// Which supply the newest row names, and the row.
fn used<'a>(scope: &Scope<'a>) -> Option<(SupplyUsed, Cited<'a>)> {
    let since = |cited: &Cited<'a>| match cited.row {
        CitedRow::Parameter(_, holding, _) => Some(holding.period.start()),
        _ => None,
    };
    let all = scope.parameters().all(USED, None);
    let rows = all.iter().filter_map(|found| found.cited);
    let named = rows.filter_map(|cited| Some((cited.item().parse().ok()?, cited)));
    named.max_by_key(|(_, cited)| since(cited))
}

/// Whether a row says which supply the assessment looks at here: the material has this stage then.
pub(super) fn is_assessed(scope: &Scope<'_>) -> bool {
    used(scope).is_some()
}

fn factor(scope: &Scope<'_>, name: &str, gap: &'static str) -> Estimate {
    let found = scope.parameters().value(Wants::named(name));
    if found.cited.is_some() { found.estimate } else { Estimate::missing(Status::Unavailable, gap) }
}

fn governance_of(scope: &Scope<'_>, place: EconomyId) -> Estimate {
    let year = |year| -> Indicators {
        INDICATORS.map(|indicator| scope.governance().at(place, indicator, year).value())
    };
    governance(&scope.years(YEARS_BACK).into_iter().map(year).collect::<Vec<_>>())
}

/// The rows that say how suppliers are governed and which trade parameters they have, as a consumer sees them or in the
/// world's supply.
pub(super) fn risk_rows<'a>(
    scope: &Scope<'a>,
    supply: &GovernedSupply<EconomyId>,
    consumer: Option<Consumer>,
) -> Vec<Cited<'a>> {
    let places: Vec<_> = supply.supply().suppliers().iter().map(|(place, _)| *place).collect();
    let mut rows = Vec::new();
    for place in &places {
        for year in scope.years(YEARS_BACK) {
            let found = INDICATORS.map(|indicator| scope.governance().at(*place, indicator, year).cited);
            rows.extend(found.into_iter().flatten());
        }
    }
    let trade = trade_found(scope, consumer).into_iter();
    rows.extend(trade.filter(|(place, _)| places.contains(place)).filter_map(|(_, found)| found.cited));
    rows
}

/// The rows of the factors of supply risk.
pub(super) fn factor_rows<'a>(scope: &Scope<'a>) -> Vec<Cited<'a>> {
    let factors = [RECYCLING, SUBSTITUTION].map(|name| scope.parameters().value(Wants::named(name)).cited);
    factors.into_iter().flatten().chain(used(scope).map(|(_, cited)| cited)).collect()
}
