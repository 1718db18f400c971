//! Reads the markets of the generated tables.
use std::collections::BTreeMap;
use std::path::Path;

use orewatch_measures::Flow;

use crate::tables::{float, number, rows};

/// Year, mineral and stage.
type Key = (u16, u16, u16);

/// A market as input of the solver.
#[derive(Debug, Default)]
pub(crate) struct Market {
    /// Output by economy.
    pub(crate) output: Vec<f64>,
    /// Flows by exporter, then importer, without duplicates.
    pub(crate) flows: Vec<Flow>,
}

/// All markets with a flow, by key.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) markets: Vec<Market>,
}

impl World {
    pub(crate) fn read(folder: &Path) -> Self {
        let products: BTreeMap<u32, (u16, u16)> =
            rows(folder, "codes", |[k, mineral, stage]| (number(k), (number(mineral), number(stage))))
                .into_iter()
                .collect();
        let codes = rows(folder, "economies", |[code, _, _, _]| number::<u16>(code));
        let places: BTreeMap<u16, u32> = codes.iter().copied().zip(0..).collect();
        let place = |code: &str| places.get(&number(code)).copied().expect("a listed economy");
        let mut cells = BTreeMap::<Key, BTreeMap<(u32, u32), f64>>::new();
        rows(folder, "flows", |[t, i, j, k, _, q]| {
            let (mineral, stage) = products.get(&number(k)).copied().expect("a listed product");
            let tonnes = if q == "NA" { 0.0 } else { number(q) };
            *cells
                .entry((number(t), mineral, stage))
                .or_default()
                .entry((place(i), place(j)))
                .or_default() += tonnes;
        });
        let mut markets = BTreeMap::<Key, Market>::new();
        for (key, flows) in cells {
            let flows = flows.into_iter().filter(|(_, amount)| *amount > 0.0);
            let flows = flows.map(|((from, to), amount)| Flow { from, to, amount }).collect();
            markets.insert(key, Market { output: vec![0.0; codes.len()], flows });
        }
        rows(folder, "output", |[t, mineral, stage, i, p]| {
            let market = markets.get_mut(&(number(t), number(mineral), number(stage)));
            let own = market.and_then(|market| market.output.get_mut(usize::try_from(place(i)).ok()?));
            *own.expect("a market with flows") = number(p);
        });
        Self { markets: markets.into_values().collect() }
    }

    /// Share of all pairs of economies that trade.
    pub(crate) fn fill(&self) -> f64 {
        let pairs = |market: &Market| float(market.output.len() * market.output.len().saturating_sub(1));
        let flows: f64 = self.markets.iter().map(|market| float(market.flows.len())).sum();
        flows / self.markets.iter().map(pairs).sum::<f64>()
    }
}
