//! Benchmarks of the Critical Raw Materials Act.

use orewatch_catalog::{Consumer, Stage, blocs};
use orewatch_measures::{Benchmarks, Measure, Sourcing, Status, Weight};

use super::recorded::{self, CONSUMPTION, SECONDARY, STOCKS, no_figure_for_world};
use super::{Collector, Contribution, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach};
use crate::book::EconomyId;
use crate::scope::Scope;

const MINES: &str = "extraction is of what is mined: ask for that stage";
const PROCESSES: &str = "processing is of what is refined or manufactured: ask for such a stage";

/// The four benchmarks, for economies that import or are listed as producers and for blocs that import, where
/// output and trade are on the same basis. Where consumption is recorded, the shares of own output do not
/// need trade on that basis.
pub(super) struct ActBenchmarks;

const MEASURES: &[Measure] =
    &[Measure::CrmaExtraction, Measure::CrmaProcessing, Measure::CrmaRecycling, Measure::CrmaThirdCountry];
const STATISTICS: &[&str] = &[SECONDARY, STOCKS, CONSUMPTION];

impl Family for ActBenchmarks {
    fn measures(&self) -> &'static [Measure] {
        MEASURES
    }

    fn reach(&self) -> Reach {
        Reach { parameters: STATISTICS, ..Reach::BOTH }
    }

    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let by = Weight::Quantity;
        if !figures.wants_any(MEASURES, by) {
            return;
        }
        for consumer in figures.wanted_consumers(consumers(scope)) {
            for measure in MEASURES.iter().filter(|measure| off_stage(scope, **measure).is_none()) {
                let Ok(benchmarks) = benchmarks(scope, consumer, *measure) else { continue };
                let recycles = benchmarks.accounts.secondary.is_some();
                if *measure != Measure::CrmaRecycling || recycles {
                    let key = FigureKey { measure: *measure, by, consumer: consumer.code(), supplier: None };
                    figures.push(key, benchmark(scope, consumer, *measure, &benchmarks));
                }
            }
        }
    }

    fn figure(&self, scope: &Scope<'_>, request: FigureRequest) -> NamedEstimate {
        let (consumer, measure) = (request.consumer, request.key.measure);
        let elsewhere =
            || off_stage(scope, measure).map(|why| NamedEstimate::missing(Status::NotApplicable, why));
        no_figure_for_world(request).or_else(elsewhere).unwrap_or_else(|| {
            match benchmarks(scope, consumer, measure) {
                Ok(benchmarks) => benchmark(scope, consumer, measure, &benchmarks),
                Err(gap) => NamedEstimate::missing(Status::Unavailable, gap),
            }
        })
    }

    fn explain<'a>(&self, scope: &Scope<'a>, request: FigureRequest, _: usize) -> Explanation<'a> {
        let (consumer, measure) = (request.consumer, request.key.measure);
        let Ok(benchmarks) = benchmarks(scope, consumer, measure) else { return Explanation::default() };
        let imports = imports(scope, consumer);
        let terms = match measure {
            Measure::CrmaRecycling => benchmarks.recycling_terms(),
            Measure::CrmaThirdCountry => benchmarks.third_country_terms(&imports),
            _ => benchmarks.own_output_terms(),
        };
        let third = measure == Measure::CrmaThirdCountry;
        let contributions = if third { Contribution::from_sourcing(&imports, "t") } else { Vec::new() };
        let rows = recorded::rows(scope, consumer, STATISTICS);
        Explanation { terms, contributions, rows, ..Explanation::default() }
    }
}

/// The reason why a measure does not apply to the market's stage. `None`: it applies.
fn off_stage(scope: &Scope<'_>, measure: Measure) -> Option<&'static str> {
    match (measure, scope.market().stage) {
        (Measure::CrmaExtraction, Stage::Refined | Stage::Manufactured) => Some(MINES),
        (Measure::CrmaProcessing, Stage::Mined) => Some(PROCESSES),
        _ => None,
    }
}

/// Consumers for which benchmarks may exist, by code.
fn consumers(scope: &Scope<'_>) -> Vec<Consumer> {
    let reliant = scope.accounts().reliant();
    if !reliant.is_empty() {
        return reliant;
    }
    let Some(output) = scope.accounts().output() else { return Vec::new() };
    let producers = output.suppliers().iter().filter_map(|(producer, _)| producer.economy());
    let mut all: Vec<_> =
        producers.map(Consumer::Economy).chain(blocs().iter().map(Consumer::Bloc)).collect();
    all.retain(|consumer| recorded::statistic(scope, CONSUMPTION, *consumer).cited.is_some());
    all.sort_unstable_by_key(Consumer::code);
    all
}

/// Accounts and consumption of a consumer.
///
/// # Errors
/// The reason why the measure cannot be computed from them.
fn benchmarks(scope: &Scope<'_>, consumer: Consumer, measure: Measure) -> Result<Benchmarks, &'static str> {
    let consumption = recorded::amount(&recorded::statistic(scope, CONSUMPTION, consumer));
    let accounts = recorded::reliance(scope, consumer).or_else(|gap| match measure {
        Measure::CrmaThirdCountry => Err(gap),
        _ if consumption.is_none() => Err(gap),
        _ => recorded::output_alone(scope, consumer),
    })?;
    Ok(Benchmarks { accounts, consumption })
}

/// The estimate of one benchmark.
fn benchmark(
    scope: &Scope<'_>,
    consumer: Consumer,
    measure: Measure,
    benchmarks: &Benchmarks,
) -> NamedEstimate {
    match measure {
        Measure::CrmaRecycling => benchmarks.recycling().into(),
        Measure::CrmaThirdCountry => {
            let (estimate, country) = benchmarks.third_country(&imports(scope, consumer));
            NamedEstimate { estimate, names: [country, None, None] }
        }
        _ => benchmarks.own_output().into(),
    }
}

fn imports(scope: &Scope<'_>, consumer: Consumer) -> Sourcing<EconomyId> {
    let none = || Sourcing::new([], orewatch_measures::Amount::NOTHING);
    scope.accounts().imports(consumer, Weight::Quantity).unwrap_or_else(none)
}
