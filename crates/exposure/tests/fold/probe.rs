//! Probes: families whose figures are the values that they read from a scope, so that every difference shows.
//!
//! They hold what is computed anew against what is there, whatever measures exist: a probe of a reach reads
//! all that the reach names, so that a market which is left out although something within its reach differs
//! is found out.

use orewatch_catalog::{Consumer, Stage, parameters};
use orewatch_exposure::book::{EconomyId, Market};
use orewatch_exposure::figures::{
    Collector, Explanation, Family, FigureKey, FigureRequest, NamedEstimate, Reach,
};
use orewatch_exposure::scope::{ParameterQuery, Scope};
use orewatch_measures::{Amount, Estimate, Measure, Status, Weight};

use crate::rows::{ECONOMIES, INDICATORS, ITEMS, PRODUCTS};

/// A family of a reach.
pub(crate) struct Probe(pub(crate) Reach);

pub(crate) static PROBES: &[&dyn Family] = &[
    &Probe(Reach::FLOWS),
    &Probe(Reach::OUTPUT),
    &Probe(Reach { stages: true, ..Reach::BOTH }),
    &Probe(Reach { earlier: 2, ..Reach::BOTH }),
    &Probe(Reach { governance: Some(0), ..Reach::NOTHING }),
    &Probe(Reach { governance: Some(2), stages: true, earlier: 1, ..Reach::NOTHING }),
    &Probe(Reach { parameters: &["conversion-yield", "eol-rir", "trade-parameter"], ..Reach::NOTHING }),
    &Probe(Reach {
        parameters: &["bilateral-trade", "stock-decrease", "supply-used"],
        stages: true,
        ..Reach::NOTHING
    }),
    &Probe(Reach { parameters: &["end-use-share", "sector-value-added"], earlier: 1, ..Reach::NOTHING }),
    &Probe(Reach { restrictions: true, ..Reach::NOTHING }),
    &Probe(Reach { restrictions: true, earlier: 1, ..Reach::NOTHING }),
];

impl Family for Probe {
    fn measures(&self) -> &'static [Measure] {
        &[Measure::UsgsSupplyRisk]
    }

    fn reach(&self) -> Reach {
        self.0
    }

    /// As many figures as there are readings, one after another: each reading is a figure of the world.
    fn collect(&self, scope: &Scope<'_>, figures: &mut Collector<'_>) {
        let stages = Stage::ALL.into_iter().filter(|stage| self.0.stages || *stage == scope.market().stage);
        for stage in stages {
            for scope in (0..=self.0.earlier).filter_map(|n| scope.at_stage(stage).earlier(n)) {
                for estimate in self.readings(&scope) {
                    figures.push(key(), estimate);
                }
            }
        }
    }

    fn figure(&self, _: &Scope<'_>, _: FigureRequest) -> NamedEstimate {
        NamedEstimate::missing(Status::Unavailable, "a probe answers nothing")
    }

    fn explain<'a>(&self, _: &Scope<'a>, _: FigureRequest, _: usize) -> Explanation<'a> {
        Explanation::default()
    }
}

fn key() -> FigureKey {
    FigureKey { measure: Measure::UsgsSupplyRisk, by: Weight::Quantity, consumer: "WLD", supplier: None }
}

impl Probe {
    fn readings(&self, scope: &Scope<'_>) -> Vec<Estimate> {
        let mut all = Vec::new();
        if self.0.flows {
            let lines = scope.accounts().lines().into_iter();
            all.extend(
                lines.flat_map(|line| [line.quantity, line.value]).map(|amount: Amount| amount.estimate()),
            );
        }
        if self.0.output {
            let output = scope.accounts().output();
            all.extend(
                output.iter().flat_map(|output| output.suppliers()).map(|(_, amount)| amount.estimate()),
            );
            all.extend(output.map(|output| output.residual().estimate()));
        }
        if let Some(back) = self.0.governance {
            all.extend(governance(scope, back));
        }
        for name in self.0.parameters {
            all.extend(parameter(scope, name));
        }
        if self.0.restrictions {
            all.extend(restrictions(scope));
        }
        all
    }
}

fn economies() -> impl Iterator<Item = EconomyId> {
    ECONOMIES.iter().map(|code| EconomyId::from_code(code).unwrap())
}

fn governance(scope: &Scope<'_>, back: i16) -> Vec<Estimate> {
    let mut all = Vec::new();
    for economy in economies() {
        for indicator in &INDICATORS[..2] {
            let mean = scope.governance().mean(economy, indicator, back);
            let missing = f64::from(u32::try_from(mean.missing.len()).unwrap());
            all.extend(mean.value.map(Estimate::known));
            all.push(Estimate::known(missing));
            all.push(scope.governance().latest(economy, indicator, back).estimate);
        }
    }
    all
}

fn parameter(scope: &Scope<'_>, name: &'static str) -> Vec<Estimate> {
    assert!(parameters().iter().any(|parameter| parameter.id == name));
    let who = |code: &&str| code.parse::<Consumer>().ok();
    let someone = ["CHN", "DEU", "EU27"].iter().map(who);
    let mut all = Vec::new();
    for consumer in someone.chain([None]) {
        all.extend(scope.parameters().values(name, consumer).iter().map(|found| found.estimate));
        for partner in ["BEL", "USA"].iter().map(who).chain([None]) {
            for item in ITEMS {
                let wants = ParameterQuery::named(name);
                let wants = consumer.map_or(wants, |consumer| wants.about(consumer));
                let wants = partner.map_or(wants, |partner| wants.towards(partner)).item(item);
                all.push(scope.parameters().value(wants).estimate);
                all.push(scope.parameters().value(wants.in_own_period()).estimate);
            }
        }
    }
    all
}

fn restrictions(scope: &Scope<'_>) -> Vec<Estimate> {
    let flag = |flag: bool| Estimate::known(if flag { 1.0 } else { 0.0 });
    let Market { stage, .. } = scope.market();
    let mut all = vec![flag(scope.restrictions().is_known())];
    for (code, ..) in PRODUCTS.iter().filter(|(_, _, of)| Stage::ALL[*of] == stage) {
        for (exporter, importer) in economies().flat_map(|one| economies().map(move |two| (one, two))) {
            all.push(flag(scope.restrictions().restricts(exporter, importer, code)));
        }
    }
    all
}
