//! Shares of a supplier in the use of a consumer through several stages: mining, refining and manufacture.

use std::rc::Rc;

use orewatch_catalog::{Consumer, Stage};
use orewatch_measures::{Chain, Estimate, Lookthrough, Measure, Status, Term, Terms, Weight};

use super::lookthrough::{
    MIN_PUBLISHED_SHARE, Solved, balances, consumers, contributions, members, route_messages,
};
use super::{Collector, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach};
use crate::book::EconomyId;
use crate::scope::{ParameterQuery, Scope};

const THE_WORLD: &str = "the world uses what its producers put out: ask for their shares of output";
const NO_SUPPLIER: &str = "the measure is about one supplier: name it";
const LATER: &str =
    "what a consumer uses at this stage has not been through the stage that the measure is about";
const NO_STAGE: &str =
    "the market, or the stage that the measure is about, has no figures of output and trade";

/// The measure of each single stage, with the symbol of its figure.
const ALONE: [(Measure, &str); 3] = [
    (Measure::ChainMinedShare, "O_S"),
    (Measure::ChainRefinedShare, "R_S"),
    (Measure::ChainMadeShare, "M_S"),
];

const STAGES: [Stage; 3] = [Stage::Mined, Stage::Refined, Stage::Manufactured];

/// Shares through several stages, for all consumers of a market after mining of which an earlier stage has
/// figures. Suppliers with less than half a percent are omitted. At the first stage, the shares are those of
/// look-through.
pub(super) struct ChainShares;

const MEASURES: &[Measure] =
    &[Measure::ChainAnyShare, Measure::ChainMinedShare, Measure::ChainRefinedShare, Measure::ChainMadeShare];

/// The stages of a material up to that of the market.
struct Stages {
    solved: Vec<Rc<Solved>>,
    yields: Vec<Vec<(EconomyId, f64)>>,
}

impl Stages {
    fn solve(scope: &Scope<'_>) -> Self {
        let last = stage_index(scope.market().stage);
        let mut stages = Self { solved: Vec::new(), yields: Vec::new() };
        for stage in STAGES.into_iter().take(last + 1) {
            let scope = scope.at_stage(stage);
            let solved = scope.compute_once(Solved::compute);
            let before = stages.solved.last();
            let checked = solved.one_basis && before.is_some_and(|before| before.one_basis);
            stages.yields.push(if checked { yields(&scope, &solved) } else { Vec::new() });
            stages.solved.push(solved);
        }
        stages
    }

    fn network(&self, stage: usize) -> Option<&Lookthrough<EconomyId>> {
        self.solved.get(stage)?.network.as_ref().ok()
    }

    fn last(&self) -> Option<&Lookthrough<EconomyId>> {
        self.network(self.solved.len().checked_sub(1)?)
    }

    /// Whether a stage before the last has figures.
    fn is_chain(&self) -> bool {
        (0..self.solved.len().saturating_sub(1)).any(|stage| self.network(stage).is_some())
    }

    /// Calls `work` with the chain of the stages.
    fn with<T>(&self, work: impl FnOnce(&Chain<'_, EconomyId>) -> T) -> T {
        let yields: Vec<_> = self.yields.iter().map(|yields| move |maker| yield_of(yields, maker)).collect();
        let mut chain = Chain::new();
        for (stage, yields) in yields.iter().enumerate() {
            chain = match self.network(stage) {
                Some(network) => chain.with(network, yields),
                None => chain.with_gap(),
            };
        }
        work(&chain)
    }

    /// A share; partial with a reason if output and trade are on different bases at some stage.
    fn qualified_by_basis(&self, share: Estimate) -> Estimate {
        let differs = self.solved.iter().find(|solved| solved.network.is_ok() && !solved.one_basis);
        differs.map_or(share, |solved| solved.qualified_by_basis(share))
    }

    /// Which stages count for a measure.
    ///
    /// # Errors
    /// The measure is about a stage after the market's, or about one without figures.
    fn counts(&self, measure: Measure) -> Result<Vec<bool>, (Status, &'static str)> {
        let about = match measure {
            Measure::ChainMinedShare => 0,
            Measure::ChainRefinedShare => 1,
            Measure::ChainMadeShare => 2,
            _ => return Ok(vec![true; self.solved.len()]),
        };
        if about >= self.solved.len() {
            return Err((Status::NotApplicable, LATER));
        }
        if self.network(about).is_none() {
            return Err((Status::Unavailable, NO_STAGE));
        }
        Ok((0..self.solved.len()).map(|stage| stage == about).collect())
    }
}

/// Index of a stage in [`STAGES`].
fn stage_index(stage: Stage) -> usize {
    STAGES.iter().position(|one| *one == stage).unwrap_or(0)
}

/// Conversion yields of the producers of a stage: tonnes made per tonne used of the stage before.
fn yields(scope: &Scope<'_>, solved: &Solved) -> Vec<(EconomyId, f64)> {
    let Ok(network) = &solved.network else { return Vec::new() };
    let parameters = scope.parameters();
    let found = |maker: &EconomyId| {
        let wants = ParameterQuery::named("conversion-yield").about(Consumer::Economy(maker.economy()?));
        Some((*maker, parameters.value(wants).value()?))
    };
    network.economies().iter().filter_map(found).collect()
}

fn yield_of(yields: &[(EconomyId, f64)], maker: EconomyId) -> Option<f64> {
    let at = yields.binary_search_by_key(&maker, |(maker, _)| *maker).ok()?;
    yields.get(at).map(|(_, out)| *out)
}

impl Family for ChainShares {
    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn reach(&self) -> Reach {
        Reach { network: true, stages: true, parameters: &["conversion-yield"], ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let wanted = figures.wants_any(MEASURES, Weight::Quantity) && scope.market().stage != Stage::Mined;
        if !wanted || scope.accounts().view().output.is_none() {
            return;
        }
        let stages = Stages::solve(scope);
        let Some(last) = stages.last().filter(|_| stages.is_chain()) else { return };
        let consumers: Vec<_> = figures
            .wanted_consumers(consumers(scope, last))
            .into_iter()
            .map(|consumer| (consumer, members(scope, consumer)))
            .collect();
        stages.with(|chain| {
            for measure in MEASURES.iter().copied() {
                let counts = stages.counts(measure).ok().filter(|_| figures.wants(measure, Weight::Quantity));
                let Some(counts) = counts else { continue };
                for supplier in stages.suppliers(&counts) {
                    let hand = chain.trace_supplier(supplier, &counts);
                    for (consumer, members) in &consumers {
                        let share = hand.share(members);
                        if share.value.is_some_and(|value| value >= MIN_PUBLISHED_SHARE) {
                            figures.push(key(measure, *consumer, supplier), stages.qualified_by_basis(share));
                        }
                    }
                }
            }
        });
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        let Some(supplier) = request.key.supplier else {
            return NamedEstimate::missing(Status::NotApplicable, NO_SUPPLIER);
        };
        if request.consumer == Consumer::World {
            return NamedEstimate::missing(Status::NotApplicable, THE_WORLD);
        }
        let stages = Stages::solve(scope);
        if stages.last().is_none() {
            return NamedEstimate::missing(Status::Unavailable, NO_STAGE);
        }
        match stages.counts(request.key.measure) {
            Err((status, reason)) => NamedEstimate::missing(status, reason),
            Ok(counts) => {
                let members = members(scope, request.consumer);
                stages
                    .qualified_by_basis(
                        stages.with(|chain| chain.trace_supplier(supplier, &counts).share(&members)),
                    )
                    .into()
            }
        }
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, routes: usize) -> Explanation<'a> {
        let mut explanation =
            Explanation { rows: scope.imports_cited(request.consumer), ..Explanation::default() };
        let stages = Stages::solve(scope);
        for stage in STAGES.into_iter().take(stages.solved.len()) {
            explanation.rows.extend(scope.at_stage(stage).output_cited(Consumer::World));
        }
        explanation.balances = stages.last().map(balances).unwrap_or_default();
        let (Some(supplier), Ok(counts)) = (request.key.supplier, stages.counts(request.key.measure)) else {
            return explanation;
        };
        let members = members(scope, request.consumer);
        explanation.terms = stages.terms(supplier, &members);
        if let (Some(solved), Some(network)) = (stages.solved.last(), stages.last()) {
            explanation.contributions = contributions(solved, &network.origins(members.iter().copied()));
        }
        let found = stages.with(|chain| chain.trace_supplier(supplier, &counts).routes(&members, routes));
        (explanation.routes, explanation.other_routes) = route_messages(found, &STAGES);
        explanation
    }
}

impl Stages {
    /// Shares of a supplier at each single stage; the same terms for all measures.
    fn terms(&self, supplier: EconomyId, members: &[EconomyId]) -> Terms {
        let term = |(measure, symbol): &(Measure, &'static str)| {
            let counts = self.counts(*measure).ok()?;
            let share = self.with(|chain| chain.trace_supplier(supplier, &counts).share(members));
            Some(Term::new(symbol, self.qualified_by_basis(share), "share"))
        };
        ALONE.iter().filter_map(term).collect()
    }

    /// Possible suppliers: the economies of the networks of the stages that count.
    fn suppliers(&self, counts: &[bool]) -> Vec<EconomyId> {
        let counting = counts.iter().enumerate().filter(|(_, counts)| **counts);
        let networks = counting.filter_map(|(stage, _)| self.network(stage));
        let mut all: Vec<_> = networks.flat_map(Lookthrough::producers).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn key(measure: Measure, consumer: Consumer, supplier: EconomyId) -> FigureKey {
    FigureKey { measure, by: Weight::Quantity, consumer: consumer.code(), supplier: Some(supplier) }
}
