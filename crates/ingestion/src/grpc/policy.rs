//! Reads and revises the source policy.
use orewatch_contracts::ingestion::v1::{
    GetSourcePolicyResponse, ObservationEvent, PutSourcePolicyRequest, PutSourcePolicyResponse, RankedDataset,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::dataset;
use orewatch_runtime::Identity;
use tonic::Status;

use super::IngestionService;
use crate::decision::{Decision, NumberedEvent};
use crate::evolve::IngestionState;
use crate::policy;

pub(super) async fn get_policy(service: &IngestionService) -> Result<GetSourcePolicyResponse, Status> {
    service.repository.catch_up().await?;
    Ok(service.repository.view(|state| GetSourcePolicyResponse {
        policy: Some(state.policy.policy.clone()),
        revision: state.policy.revision,
        revised_at: state.policy.revised_at.map(timestamp),
        datasets: ranked_datasets(state),
    }))
}

/// Public datasets with a visible release, in the default order of their tables.
fn ranked_datasets(state: &IngestionState) -> Vec<RankedDataset> {
    let mut ranked_datasets: Vec<RankedDataset> = Vec::new();
    for known in policy::datasets(state, "") {
        let before =
            ranked_datasets.last().filter(|last| last.table() == known.table).map_or(0, |last| last.rank);
        ranked_datasets.push(RankedDataset {
            dataset: known.name.to_owned(),
            table: known.table.into(),
            kind: dataset::kind_message(known.kind).into(),
            rank: before.saturating_add(1),
            supplements: known.supplements.to_owned(),
        });
    }
    ranked_datasets
}

pub(super) async fn put_policy(
    service: &IngestionService,
    identity: &Identity,
    mut request: PutSourcePolicyRequest,
) -> Result<PutSourcePolicyResponse, Status> {
    if !identity.may_write("") {
        let message = "this token may not revise the source policy: it decides for everyone";
        return Err(Failure::new(Class::Refused, "not-permitted", message).into());
    }
    request.actor = identity.actor(request.actor);
    // The policy names datasets, whose releases are on other streams.
    service.repository.catch_up().await?;
    let dry_run = request.dry_run;
    let decision = if dry_run {
        service.repository.view(|state| policy::revise_policy(state, &request))?
    } else {
        let stream = service.repository.policy_stream()?;
        service.repository.execute(&stream, move |state| policy::revise_policy(state, &request)).await?
    };
    let revision = match &decision {
        Decision::Append(events, _) if !dry_run => revision_in(events),
        _ => service.repository.view(|state| state.policy.revision),
    };
    Ok(PutSourcePolicyResponse { revision, unchanged: matches!(decision, Decision::Unchanged) })
}

/// The revision that these events make, or 0.
fn revision_in(events: &[NumberedEvent]) -> u32 {
    let revision = |numbered: &NumberedEvent| match &numbered.event {
        ObservationEvent::SourcePolicyRevised(revised) => Some(revised.revision),
        _ => None,
    };
    events.iter().find_map(revision).unwrap_or_default()
}
