//! Targets and revisions of many materials, put together from those who hold them.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{Stage, WORLD, material, materials};
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::{
    ListRevisionsRequest, ListRevisionsResponse, ListTargetsRequest, ListTargetsResponse, RevisionBand,
    TargetStanding,
};
use tonic::Status;

use super::call::Call;
use crate::request::{knowledge, material_id};
use crate::revisions::WantedBands;
use crate::snapshot::Snapshot;
use crate::targets;

/// The targets that a request asks for: identifiers by material. `None`: this version does not know the
/// material.
pub(crate) type TargetsByMaterial = BTreeMap<Option<&'static str>, Vec<String>>;

/// The targets that a request asks for.
///
/// # Errors
/// As [`targets::selected`], and a knowledge time that makes no sense.
pub(crate) fn targets_by_material(
    known: &Snapshot,
    request: &ListTargetsRequest,
) -> Result<TargetsByMaterial, Failure> {
    let at = knowledge(&known.book, known.position, request.as_at.as_ref())?;
    let mut by_material = TargetsByMaterial::new();
    for recorded in targets::selected(&known.book, at, request)? {
        let id = material(&recorded.target.material).ok().map(|material| material.id);
        by_material.entry(id).or_default().push(recorded.target.id.clone());
    }
    Ok(by_material)
}

/// The standings of targets, sorted by identifier.
///
/// # Errors
/// Those of the replicas.
pub(crate) async fn list_targets(
    call: &Call,
    request: &ListTargetsRequest,
    by_material: &TargetsByMaterial,
) -> Result<ListTargetsResponse, Status> {
    let question = |targets: Vec<String>| ListTargetsRequest {
        targets,
        consumers: Vec::new(),
        materials: Vec::new(),
        ..request.clone()
    };
    if by_material.is_empty() {
        return call.ask_own(request.clone()).await;
    }
    let held: BTreeSet<_> = by_material.keys().copied().flatten().collect();
    let ids = |materials: &BTreeSet<&'static str>| {
        let listed = materials.iter().filter_map(|material| by_material.get(&Some(*material)));
        listed.flatten().cloned().collect::<Vec<_>>()
    };
    let parts = call.ask_all(held, |materials| question(ids(materials))).await?;
    let mut answers: Vec<_> = parts.into_iter().map(|(_, answer)| answer).collect();
    if let Some(unknown) = by_material.get(&None) {
        answers.push(call.ask_own(question(unknown.clone())).await?);
    }
    let stale = answers.iter().find_map(|answer| answer.stale.clone());
    let mut targets: Vec<TargetStanding> = answers.into_iter().flat_map(|answer| answer.targets).collect();
    targets.sort_by(|a, b| target_id(a).cmp(target_id(b)));
    Ok(ListTargetsResponse { targets, stale })
}

fn target_id(standing: &TargetStanding) -> &str {
    standing.target.as_ref().map_or("", |target| target.id.as_str())
}

/// The materials that a request for revisions is about.
///
/// # Errors
/// A dataset without any release, an unknown material, a knowledge time that makes no sense.
pub(crate) fn materials_of_revisions(
    known: &Snapshot,
    request: &ListRevisionsRequest,
) -> Result<BTreeSet<&'static str>, Failure> {
    knowledge(&known.book, known.position, request.as_at.as_ref())?;
    WantedBands::parse(&known.book, request)?;
    if request.materials.is_empty() {
        return Ok(materials().iter().map(|material| material.id).collect());
    }
    request.materials.iter().map(|id| material_id(id)).collect()
}

/// The revisions of datasets, sorted as a single process sorts them.
///
/// # Errors
/// Those of the replicas.
pub(crate) async fn list_revisions(
    call: &Call,
    request: &ListRevisionsRequest,
    materials: BTreeSet<&'static str>,
) -> Result<ListRevisionsResponse, Status> {
    let question = |materials: &BTreeSet<&'static str>| ListRevisionsRequest {
        materials: materials.iter().map(|material| (*material).to_owned()).collect(),
        ..request.clone()
    };
    let parts = call.ask_all(materials, question).await?;
    let stale = parts.iter().find_map(|(_, answer)| answer.stale.clone());
    let mut bands: Vec<RevisionBand> = parts.into_iter().flat_map(|(_, answer)| answer.bands).collect();
    bands.sort_by(|a, b| band_key(a).cmp(&band_key(b)));
    Ok(ListRevisionsResponse { bands, stale })
}

/// What bands are sorted by: dataset, material, stage and weight, those of the world last.
fn band_key(band: &RevisionBand) -> (&str, &str, Option<Stage>, i32, bool) {
    (band.dataset.as_str(), band.material.as_str(), band.stage.parse().ok(), band.by, band.economy == WORLD)
}
