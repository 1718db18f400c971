//! True origins of a consumer's use, behind re-exports, at a single stage.

use orewatch_catalog::{Consumer, OTHER, Stage};
use orewatch_contracts::exposure::v1;
use orewatch_measures::{
    Chain, Estimate, Lookthrough, Measure, Network, Origins, Residual, Route, Solver, Status, StopKind,
    Weight,
};

use super::{Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach};
use crate::accounts::{NO_OUTPUT, NO_TRADE};
use crate::book::EconomyId;
use crate::scope::Scope;

pub(super) const BASES_DIFFER: &str =
    "output and trade are weighed on different bases: shares are robust, what was added is not";
const NO_TONNES: &str =
    "output is recorded on another basis than trade, which is weighed gross: the two do not add up";
const THE_WORLD: &str = "the world uses what its producers put out: ask for their shares of output";
const NO_SUPPLIER: &str = "the measure is about one supplier: name it";
const NO_ORIGIN: &str = "what is of unknown origin is given as a share of what is used";
const ONE_ECONOMY: &str = "what has to be added is added to one economy: ask for an economy";

/// Smaller shares are not published, to limit the number of figures of a market. Requests for them are
/// answered.
pub(super) const MIN_PUBLISHED_SHARE: f64 = 0.005;

/// True origins at a single stage, for economies and blocs that use something of a market with flows and
/// output. Origins with less than half a percent are omitted.
pub(super) struct TrueOrigins;

const MEASURES: &[Measure] = &[
    Measure::LookthroughShare,
    Measure::LookthroughQuantity,
    Measure::LookthroughHhi,
    Measure::LookthroughTop1,
    Measure::LookthroughBalance,
];

/// The trade network of a market, solved.
pub(super) struct Solved {
    /// The solved network, or the reason why there is none.
    pub(super) network: Result<Lookthrough<EconomyId>, &'static str>,
    /// Whether output and trade are both recorded as gross weight.
    pub(super) one_basis: bool,
}

impl Solved {
    pub(super) fn compute(scope: &Scope<'_>) -> Self {
        let one_basis = scope.accounts().is_gross();
        Self { network: network(scope).map(|network| network.solve(&mut Solver::default())), one_basis }
    }

    /// A share; partial with a reason if output and trade are on different bases.
    pub(super) fn qualified_by_basis(&self, share: Estimate) -> Estimate {
        match share.status {
            Status::Known | Status::Partial if !self.one_basis => {
                Estimate { status: Status::Partial, reason: BASES_DIFFER, ..share }
            }
            _ => share,
        }
    }

    fn quantity(&self, origins: &Origins<EconomyId>, supplier: EconomyId) -> Estimate {
        if self.one_basis {
            origins.quantity(supplier)
        } else {
            Estimate::missing(Status::Unavailable, NO_TONNES)
        }
    }
}

fn network(scope: &Scope<'_>) -> Result<Network<EconomyId>, &'static str> {
    let accounts = scope.accounts();
    if accounts.view().flows.is_none() {
        return Err(NO_TRADE);
    }
    let output = accounts.output().ok_or(NO_OUTPUT)?;
    let flows = accounts.pairs().iter().map(|pair| (pair.exporter, pair.importer, pair.quantity));
    let network = Network::new(output.suppliers().iter().copied(), output.residual(), flows);
    let unknown = accounts.unknown_by_importer();
    Ok(unknown
        .fold(network, |network, (importer, kind, amount)| network.with_unknown(importer, kind, amount)))
}

/// The economies that belong to a consumer.
pub(super) fn members(scope: &Scope<'_>, consumer: Consumer) -> Vec<EconomyId> {
    let inside = scope.accounts().inside(consumer);
    EconomyId::iter().filter(|economy| inside(*economy)).collect()
}

/// Consumers that may use something of a market: the economies of its network, and blocs that import.
pub(super) fn consumers(scope: &Scope<'_>, network: &Lookthrough<EconomyId>) -> Vec<Consumer> {
    let importers = scope.accounts().importers();
    let mut all: Vec<_> = importers.into_iter().filter(|consumer| *consumer != Consumer::World).collect();
    all.extend(network.economies().iter().filter_map(|economy| economy.economy().map(Consumer::Economy)));
    all.sort_unstable_by_key(Consumer::code);
    all.dedup_by_key(|consumer| consumer.code());
    all
}

impl Family for TrueOrigins {
    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn reach(&self) -> Reach {
        Reach { network: true, ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        if !figures.wants_any(MEASURES, Weight::Quantity) || scope.accounts().view().output.is_none() {
            return;
        }
        let solved = scope.compute_once(Solved::compute);
        let Ok(network) = &solved.network else { return };
        for consumer in figures.wanted_consumers(consumers(scope, network)) {
            let origins = network.origins(members(scope, consumer));
            collect(&solved, consumer, &origins, figures);
            if let Consumer::Economy(_) = consumer {
                let own = EconomyId::from_code(consumer.code()).filter(|own| network.balance(*own).is_some());
                if let Some(own) = own.filter(|_| solved.one_basis) {
                    figures.push(key(Measure::LookthroughBalance, consumer, None), network.balanced(own));
                }
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        if request.consumer == Consumer::World {
            return NamedEstimate::missing(Status::NotApplicable, THE_WORLD);
        }
        let solved = scope.compute_once(Solved::compute);
        match &solved.network {
            Ok(network) => answer(scope, &solved, network, request),
            Err(gap) => NamedEstimate::missing(Status::Unavailable, gap),
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, routes: usize) -> Explanation<'a> {
        let solved = scope.compute_once(Solved::compute);
        let mut explanation =
            Explanation { rows: scope.imports_cited(request.consumer), ..Explanation::default() };
        explanation.rows.extend(scope.output_cited(Consumer::World));
        let Ok(network) = &solved.network else { return explanation };
        explanation.balances = balances(network);
        if request.key.measure == Measure::LookthroughBalance {
            explanation.rows.extend(scope.exports_cited(request.consumer));
            explanation.terms = EconomyId::from_code(request.consumer.code())
                .map(|own| network.balance_terms(own))
                .unwrap_or_default();
            return explanation;
        }
        let members = members(scope, request.consumer);
        let origins = network.origins(members.iter().copied());
        explanation.terms = origins.terms(request.key.supplier);
        explanation.contributions = contributions(&solved, &origins);
        if let Some(supplier) = request.key.supplier {
            let whole = |_| None;
            let chain = Chain::new().with(network, &whole);
            let found = chain.trace_supplier(supplier, &[true]).routes(&members, routes);
            (explanation.routes, explanation.other_routes) = route_messages(found, &[scope.market().stage]);
        }
        explanation
    }
}

fn key(measure: Measure, consumer: Consumer, supplier: Option<EconomyId>) -> FigureKey {
    FigureKey { measure, by: Weight::Quantity, consumer: consumer.code(), supplier }
}

/// Adds the figures of a consumer that has origins.
fn collect(solved: &Solved, consumer: Consumer, origins: &Origins<EconomyId>, figures: &mut Collector<'_>) {
    if origins.hhi().value.is_none() {
        return;
    }
    for (supplier, share) in origins.shares() {
        if share.value.is_none_or(|value| value < MIN_PUBLISHED_SHARE) {
            continue;
        }
        figures.push(
            key(Measure::LookthroughShare, consumer, Some(*supplier)),
            solved.qualified_by_basis(*share),
        );
        if solved.one_basis {
            let quantity = solved.quantity(origins, *supplier);
            figures.push(key(Measure::LookthroughQuantity, consumer, Some(*supplier)), quantity);
        }
    }
    figures.push(key(Measure::LookthroughHhi, consumer, None), solved.qualified_by_basis(origins.hhi()));
    figures.push(key(Measure::LookthroughTop1, consumer, None), top(solved, origins));
}

fn top(solved: &Solved, origins: &Origins<EconomyId>) -> NamedEstimate {
    let (top, name) = origins.top();
    NamedEstimate { estimate: solved.qualified_by_basis(top), names: [name, None, None] }
}

fn answer(
    scope: &Scope<'_>,
    solved: &Solved,
    network: &Lookthrough<EconomyId>,
    request: FigureRequest,
) -> NamedEstimate {
    if request.key.measure == Measure::LookthroughBalance {
        return balance(solved, network, request.consumer).into();
    }
    let origins = network.origins(members(scope, request.consumer));
    match (request.key.measure, request.key.supplier) {
        (Measure::LookthroughHhi, _) => solved.qualified_by_basis(origins.hhi()).into(),
        (Measure::LookthroughTop1, _) => top(solved, &origins),
        (_, None) => NamedEstimate::missing(Status::NotApplicable, NO_SUPPLIER),
        (Measure::LookthroughQuantity, Some(supplier)) => solved.quantity(&origins, supplier).into(),
        (_, Some(supplier)) => solved.qualified_by_basis(origins.share(supplier)).into(),
    }
}

fn balance(solved: &Solved, network: &Lookthrough<EconomyId>, consumer: Consumer) -> Estimate {
    match consumer {
        Consumer::Economy(economy) if solved.one_basis => {
            EconomyId::from_code(economy.iso3).map_or(Estimate::known(0.0), |own| network.balanced(own))
        }
        Consumer::Economy(_) => Estimate::missing(Status::Unavailable, NO_TONNES),
        _ => Estimate::missing(Status::NotApplicable, ONE_ECONOMY),
    }
}

/// The amounts that had to be added in the network so that economies cover their exports, the largest first.
pub(super) fn balances(network: &Lookthrough<EconomyId>) -> Vec<v1::Balance> {
    let balance = |economy: &EconomyId| {
        let (added, supply) = network.balance(*economy)?;
        Some(v1::Balance { economy: economy.code().to_owned(), added, supply })
    };
    let mut balances: Vec<_> = network.economies().iter().filter_map(balance).collect();
    balances.sort_by(|one, other| other.added.total_cmp(&one.added));
    balances
}

/// The contribution of each origin, the largest first.
pub(super) fn contributions(solved: &Solved, origins: &Origins<EconomyId>) -> Vec<Contribution> {
    let some = origins.shares().iter().filter(|(_, share)| share.value.is_some_and(|value| value > 0.0));
    let one = |(supplier, share): &(EconomyId, Estimate)| Contribution {
        supplier: supplier.code(),
        amount: solved.quantity(origins, *supplier),
        unit: "t",
        share: solved.qualified_by_basis(*share),
    };
    let mut all: Vec<_> = some.map(one).collect();
    all.sort_by(|one, other| other.share.value.unwrap_or(0.0).total_cmp(&one.share.value.unwrap_or(0.0)));
    let unknown = origins.unknown_by_kind().iter().map(|(kind, share)| Contribution {
        supplier: code_of(*kind),
        amount: Estimate::missing(Status::Unavailable, NO_ORIGIN),
        unit: "t",
        share: solved.qualified_by_basis(*share),
    });
    all.extend(unknown);
    all
}

/// The code that represents a kind of unknown origin among the suppliers.
fn code_of(kind: Residual) -> &'static str {
    match kind {
        Residual::Unlisted => OTHER,
        Residual::Unspecified => "OTHER:unspecified",
        Residual::Confidential => "OTHER:confidential",
        Residual::Special => "OTHER:special",
        Residual::Remainder => "OTHER:undistributed",
        Residual::NotReported => "OTHER:not-reported",
    }
}

/// The messages of routes, given the stages of their chain.
pub(super) fn route_messages(
    found: Option<(Vec<Route<EconomyId>>, f64)>,
    stages: &[Stage],
) -> (Vec<v1::Route>, Option<f64>) {
    let Some((routes, other)) = found else { return (Vec::new(), None) };
    let what = |kind: StopKind| match kind {
        StopKind::Made(stage) => stages.get(stage).map_or("", |stage| stage.as_str()),
        StopKind::Unknown => "unknown",
        StopKind::Traded => "traded",
        StopKind::Used => "used",
    };
    let route = |route: Route<EconomyId>| v1::Route {
        stops: route
            .stops
            .into_iter()
            .map(|stop| v1::Stop {
                economy: stop.economy.code().to_owned(),
                what: what(stop.kind).to_owned(),
            })
            .collect(),
        share: route.share,
    };
    (routes.into_iter().map(route).collect(), Some(other))
}
