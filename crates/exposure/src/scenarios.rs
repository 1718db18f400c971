//! The scenarios that have projections, as an answer.

use std::collections::BTreeSet;

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{ListScenariosResponse, ScenarioInfo};
use orewatch_contracts::ingestion::v1::Provenance;

use crate::book::{Market, Scenario};
use crate::request::knowledge;
use crate::snapshot::Snapshot;
use crate::wire;

/// Every scenario that had projections for everyone at a knowledge time.
///
/// # Errors
/// As [`knowledge`].
pub(crate) fn list(known: &Snapshot, as_at: Option<&common::AsAt>) -> Result<ListScenariosResponse, Failure> {
    let at = knowledge(&known.book, known.position, as_at)?;
    let scenarios = known.book.scenarios(at).into_iter().map(info).collect();
    Ok(ListScenariosResponse { scenarios, stale: None })
}

fn info(scenario: Scenario<'_>) -> ScenarioInfo {
    let markets = |markets: &BTreeSet<Market>| markets.iter().map(wire::market).collect();
    let newest = scenario.releases.last().and_then(|content| content.release.provenance.clone());
    let Provenance { publisher, title, .. } = newest.unwrap_or_default();
    ScenarioInfo {
        publisher,
        title,
        releases: scenario.releases.iter().map(|content| content.release.id.clone()).collect(),
        supply: markets(&scenario.supply),
        demand: markets(&scenario.demand),
        scenario: scenario.name,
    }
}
