//! A library of scenarios: the largest suppliers of every stage, cut in several ways.

use super::chain::{StageMarket, StressChain};
use super::scenario::{Cut, StressScenario};

/// Suppliers of a stage that are cut: the largest exporters.
const SUPPLIERS: usize = 5;

/// The parts that are cut.
pub const LIBRARY_SHARES: [f64; 2] = [0.5, 1.0];

/// The months for which they are cut.
pub const LIBRARY_MONTHS: [f64; 3] = [3.0, 6.0, 12.0];

/// Scenarios for some chains: for the five largest exporters of every stage, exports or output, half or all,
/// for 3, 6 and 12 months. None of them has a probability. Sixty scenarios a stage: of eleven materials with
/// two stages, 1,320.
#[must_use]
pub fn scenario_library(chains: &[StressChain]) -> Vec<StressScenario> {
    let stages = chains.iter().flat_map(|chain| chain.stages.iter().map(move |market| (chain, market)));
    let suppliers = stages.flat_map(|(chain, market)| {
        largest_exporters(market).into_iter().filter_map(move |place| {
            let economy = chain.economies.get(place)?;
            Some((chain, market, economy))
        })
    });
    suppliers.flat_map(|(chain, market, economy)| scenarios_of(chain, market, economy)).collect()
}

fn scenarios_of(chain: &StressChain, market: &StageMarket, economy: &str) -> Vec<StressScenario> {
    let stage = market.stage;
    let cuts = [
        ("exports", Cut::Exports { stage, economy: economy.to_owned() }),
        ("output", Cut::Output { stage, economy: economy.to_owned() }),
    ];
    let mut scenarios = Vec::new();
    for (name, cut) in cuts {
        for share in LIBRARY_SHARES {
            for months in LIBRARY_MONTHS {
                let id = format!("{}-{stage}-{economy}-{name}-{}-{months}", chain.material, share * 100.0);
                let (material, cuts) = (chain.material.clone(), vec![cut.clone()]);
                scenarios.push(StressScenario { id, material, cuts, share, months, probability: None });
            }
        }
    }
    scenarios
}

/// Places of the largest exporters, the largest first; of equal ones the first.
fn largest_exporters(market: &StageMarket) -> Vec<usize> {
    let mut exports = vec![0.0; market.output.len()];
    for (from, to, tonnes) in market.flows.iter().filter(|(from, to, _)| from != to) {
        if let (Some(sum), true) = (exports.get_mut(*from), *to < market.output.len()) {
            *sum += tonnes;
        }
    }
    let mut ranked: Vec<(usize, f64)> =
        exports.into_iter().enumerate().filter(|(_, sum)| *sum > 0.0).collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked.into_iter().take(SUPPLIERS).map(|(place, _)| place).collect()
}
