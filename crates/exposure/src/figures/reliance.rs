//! Reliance of a consumer on imports, and of the world on its largest supplier.

use orewatch_catalog::Consumer;
use orewatch_measures::{Amount, Cover, Measure, Reliance, Residual, Sourcing, Status, Terms, Weight};

use super::recorded::{self, CONSUMPTION, SECONDARY, STOCKS, no_figure_for_world};
use super::{Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach};
use crate::accounts::NO_OUTPUT;
use crate::book::EconomyId;
use crate::scope::Scope;

const NOT_THE_WORLD: &str = "cover without the largest supplier is measured for the world, WLD";
const NO_PROJECTED_DEMAND: &str = "the scenario has no demand at this stage: name one that has, as \
                                   DATASET:SUPPLY+DEMAND";

/// Net import reliance as defined by the US Geological Survey and by the EU, for economies that import or are
/// listed as producers and for blocs that import, where output and trade are on the same basis.
pub(super) struct NetImports;

/// Cover of the world's demand without the largest supplier, where output and trade are on the same basis.
pub(super) struct CoverWithoutLargest;

const OF_NET_IMPORTS: &[Measure] = &[Measure::EuImportReliance, Measure::NetImportReliance];

impl Family for NetImports {
    fn measures(&self) -> &'static [Measure] {
        OF_NET_IMPORTS
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[SECONDARY, STOCKS], ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let by = Weight::Quantity;
        if !figures.wants_any(OF_NET_IMPORTS, by) {
            return;
        }
        for consumer in figures.wanted_consumers(scope.accounts().reliant()) {
            let Ok(reliance) = recorded::reliance(scope, consumer) else { continue };
            for measure in OF_NET_IMPORTS {
                let key = FigureKey { measure: *measure, by, consumer: consumer.code(), supplier: None };
                figures.push(key, reliance_estimate(*measure, &reliance));
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        no_figure_for_world(request).unwrap_or_else(|| match recorded::reliance(scope, request.consumer) {
            Ok(reliance) => reliance_estimate(request.key.measure, &reliance),
            Err(gap) => NamedEstimate::missing(Status::Unavailable, gap),
        })
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        if no_figure_for_world(request).is_some() {
            return Explanation::default();
        }
        let reliance = recorded::reliance(scope, request.consumer);
        let (terms, statistics): (fn(&Reliance) -> Terms, &[&str]) = match request.key.measure {
            Measure::EuImportReliance => (Reliance::eu_terms, &[]),
            _ => (Reliance::terms, &[SECONDARY, STOCKS]),
        };
        Explanation {
            terms: reliance.as_ref().map(terms).unwrap_or_default(),
            rows: recorded::rows(scope, request.consumer, statistics),
            ..Explanation::default()
        }
    }
}

fn reliance_estimate(measure: Measure, reliance: &Reliance) -> NamedEstimate {
    match measure {
        Measure::EuImportReliance => reliance.eu_estimate().into(),
        _ => reliance.estimate().into(),
    }
}

impl Family for CoverWithoutLargest {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::N1Cover]
    }

    fn reach(&self) -> Reach {
        Reach { parameters: &[SECONDARY, STOCKS, CONSUMPTION], ..Reach::BOTH }
    }

    fn is_projectable(&self) -> bool {
        true
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let (measure, by, world) = (Measure::N1Cover, Weight::Quantity, Consumer::World.code());
        if !figures.wants(measure, by) || !figures.wants_consumer(world) {
            return;
        }
        if let Ok(market) = SupplyAndDemand::compute(scope) {
            figures.push(FigureKey { measure, by, consumer: world, supplier: None }, market.answer());
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        match SupplyAndDemand::compute(scope) {
            _ if request.consumer != Consumer::World => {
                NamedEstimate::missing(Status::NotApplicable, NOT_THE_WORLD)
            }
            Ok(market) => market.answer(),
            Err(gap @ NO_PROJECTED_DEMAND) => NamedEstimate::missing(Status::NotApplicable, gap),
            Err(gap) => NamedEstimate::missing(Status::Unavailable, gap),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let Ok(market) = SupplyAndDemand::compute(scope) else { return Explanation::default() };
        let mut rows = scope.output_cited(request.consumer);
        rows.extend(scope.projected_demand_cited());
        rows.extend(scope.imports_cited(request.consumer));
        for consumer in economies(scope) {
            let statistics = [CONSUMPTION, SECONDARY, STOCKS];
            rows.extend(
                statistics.iter().filter_map(|name| recorded::statistic(scope, name, consumer).cited),
            );
        }
        let contributions = Contribution::from_sourcing(&market.supply, "t");
        Explanation { terms: market.cover().terms(), contributions, rows, ..Explanation::default() }
    }
}

/// Supply and demand of a market, by economy.
struct SupplyAndDemand {
    supply: Sourcing<EconomyId>,
    demand: Sourcing<EconomyId>,
}

impl SupplyAndDemand {
    fn compute(scope: &Scope<'_>) -> Result<Self, &'static str> {
        if scope.book().scenario().is_some() {
            return Self::projected(scope);
        }
        scope.accounts().reliance(Consumer::World)?;
        let supply = scope.accounts().output().ok_or(NO_OUTPUT)?;
        let demand = economies(scope).into_iter().filter_map(|consumer| {
            let Consumer::Economy(economy) = consumer else { return None };
            Some((EconomyId::from_code(economy.iso3)?, demand(scope, consumer)))
        });
        let unknown = scope
            .accounts()
            .has_unreported_stranger()
            .then_some((Residual::NotReported, Amount::unavailable()));
        Ok(Self { supply, demand: Sourcing::with_residuals(demand.collect::<Vec<_>>(), unknown) })
    }

    /// Supply and demand under a scenario.
    fn projected(scope: &Scope<'_>) -> Result<Self, &'static str> {
        let supply = scope.accounts().output().ok_or(NO_OUTPUT)?;
        Ok(Self { supply, demand: scope.projected_demand().ok_or(NO_PROJECTED_DEMAND)? })
    }

    fn cover(&self) -> Cover<'_, EconomyId> {
        Cover { supply: &self.supply, demand: &self.demand }
    }

    fn answer(&self) -> NamedEstimate {
        let (estimate, largest) = self.cover().estimate();
        NamedEstimate { estimate, names: [largest, None, None] }
    }
}

fn economies(scope: &Scope<'_>) -> Vec<Consumer> {
    let mut all = scope.accounts().reliant();
    all.retain(|consumer| matches!(consumer, Consumer::Economy(_)));
    all
}

/// Recorded consumption of a consumer, otherwise its apparent consumption.
fn demand(scope: &Scope<'_>, consumer: Consumer) -> Amount {
    let found = recorded::amount(&recorded::statistic(scope, CONSUMPTION, consumer));
    found.unwrap_or_else(|| {
        let apparent = recorded::reliance(scope, consumer).map(|reliance| reliance.used());
        apparent.unwrap_or(Amount::unavailable())
    })
}
