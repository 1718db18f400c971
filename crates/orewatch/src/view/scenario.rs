//! Rows of scenarios: what each projects, by material and stage.
use std::collections::BTreeMap;

use orewatch_contracts::common::v1::Market;
use orewatch_contracts::exposure::v1::ScenarioInfo;

use crate::render::Align::Left;
use crate::render::{Cell, Column, Row, column};

/// The periods that a scenario projects for a material at a stage.
#[derive(Debug)]
pub(crate) struct ScenarioCoverage<'a> {
    scenario: &'a ScenarioInfo,
    material: &'a str,
    stage: &'a str,
    supply: Vec<String>,
    demand: Vec<String>,
}

impl<'a> ScenarioCoverage<'a> {
    /// What a scenario covers, by material and stage.
    pub(crate) fn of_scenario(scenario: &'a ScenarioInfo) -> Vec<Self> {
        let mut covered = BTreeMap::<(&str, &str), (Vec<String>, Vec<String>)>::new();
        let key = |market: &'a Market| (market.material.as_str(), market.stage.as_str());
        for market in &scenario.supply {
            covered.entry(key(market)).or_default().0.push(market.period.clone());
        }
        for market in &scenario.demand {
            covered.entry(key(market)).or_default().1.push(market.period.clone());
        }
        let row = |((material, stage), (supply, demand))| Self { scenario, material, stage, supply, demand };
        covered.into_iter().map(row).collect()
    }
}

impl Row for ScenarioCoverage<'_> {
    fn columns() -> Vec<Column<Self>> {
        let periods = |periods: &Vec<String>| match periods.as_slice() {
            [] => "none".to_owned(),
            some => some.join(" "),
        };
        vec![
            column("scenario", |row: &Self| Cell::text(&row.scenario.scenario)).shown("scenario", Left),
            column("material", |row: &Self| Cell::text(row.material)).shown("material", Left),
            column("stage", |row: &Self| Cell::text(row.stage)).shown("stage", Left),
            column("supply", |row: &Self| Cell::List(row.supply.clone())).shown_as(
                "supply",
                Left,
                move |row| periods(&row.supply),
            ),
            column("demand", |row: &Self| Cell::List(row.demand.clone())).shown_as(
                "demand",
                Left,
                move |row| periods(&row.demand),
            ),
            column("publisher", |row: &Self| Cell::text(&row.scenario.publisher)),
            column("title", |row: &Self| Cell::text(&row.scenario.title)),
            column("releases", |row: &Self| Cell::List(row.scenario.releases.clone())),
        ]
    }
}
