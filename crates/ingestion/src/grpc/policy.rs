//! The source policy.
use orewatch_contracts::ingestion::v1::{
    GetSourcePolicyResponse, PutSourcePolicyRequest, PutSourcePolicyResponse, RankedDataset,
};
use orewatch_runtime::{Class, Failure, Identity};
use tonic::Status;

use super::Edge;
use crate::decide::Decision;
use crate::evolve::Book;
use crate::fact::Fact;
use crate::{commands, dataset, policy};

pub(super) async fn get(edge: &Edge) -> Result<GetSourcePolicyResponse, Status> {
    edge.keeper.up_to_date().await?;
    Ok(edge.keeper.view(|book| GetSourcePolicyResponse {
        policy: Some(book.policy.policy.clone()),
        revision: book.policy.revision,
        revised_at: book.policy.revised_at.map(commands::timestamp),
        datasets: ranked(book),
    }))
}

/// Everyone's datasets with a visible release, in the default order of their tables.
fn ranked(book: &Book) -> Vec<RankedDataset> {
    let mut ranked: Vec<RankedDataset> = Vec::new();
    for known in policy::datasets(book, "") {
        let before = ranked.last().filter(|last| last.table() == known.table).map_or(0, |last| last.rank);
        ranked.push(RankedDataset {
            dataset: known.name.to_owned(),
            table: known.table.into(),
            kind: dataset::kind_message(known.kind).into(),
            rank: before.saturating_add(1),
            supplements: known.supplements.to_owned(),
        });
    }
    ranked
}

pub(super) async fn put(
    edge: &Edge,
    who: &Identity,
    mut request: PutSourcePolicyRequest,
) -> Result<PutSourcePolicyResponse, Status> {
    if !who.may_write("") {
        let message = "this token may not revise the source policy: it decides for everyone";
        return Err(Failure::new(Class::Refused, "not-permitted", message).into());
    }
    request.actor = who.actor(request.actor);
    // The policy names datasets, which are on other streams.
    edge.keeper.up_to_date().await?;
    let dry_run = request.dry_run;
    let decision = if dry_run {
        edge.keeper.view(|book| policy::put(book, &request))?
    } else {
        let stream = edge.keeper.policy_stream()?;
        edge.keeper.carry_out(&stream, move |book| policy::put(book, &request)).await?
    };
    let revision = match &decision {
        Decision::Append(fact, _) if !dry_run => revision_of(fact),
        _ => edge.keeper.view(|book| book.policy.revision),
    };
    Ok(PutSourcePolicyResponse { revision, unchanged: matches!(decision, Decision::Known) })
}

fn revision_of(fact: &Fact) -> u32 {
    if let Fact::PolicyRevised(revised) = fact { revised.revision } else { 0 }
}
