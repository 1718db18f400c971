//! Decides on a revision of the policy.
use orewatch_contracts::ingestion::v1::{PutSourcePolicyRequest, SourcePolicyRevised};
use orewatch_contracts::{Class, Failure};

use super::check;
use crate::decision::Decision;
use crate::evolve::IngestionState;
use crate::validate;

/// Revises the policy. The same policy again changes nothing, whichever revision is expected, so that a
/// repeated request gets the same response.
///
/// # Errors
/// [`Class::Refused`] if the expected revision is not the current one; [`Class::Invalid`] for a policy that
/// makes no sense.
pub(crate) fn revise_policy(
    state: &IngestionState,
    request: &PutSourcePolicyRequest,
) -> Result<Decision, Failure> {
    let missing =
        || Failure::new(Class::Invalid, "invalid-request", "the policy is missing").at("policy", "");
    let policy = request.policy.as_ref().ok_or_else(missing)?;
    [("reason", &request.reason), ("actor", &request.actor)]
        .into_iter()
        .try_for_each(|(field, text)| validate::check_text(field, text))?;
    let current = &state.policy;
    if current.policy == *policy {
        return Ok(Decision::Unchanged);
    }
    if let Some(expected) = request.expected_revision.filter(|expected| *expected != current.revision) {
        let message = format!("the source policy is at revision {}, not {expected}", current.revision);
        return Err(Failure::new(Class::Refused, "policy-revised", message)
            .at("expected_revision", expected.to_string())
            .with_hint("it was revised meanwhile: read it again, then revise it"));
    }
    check::check_policy(state, policy)?;
    let revised = SourcePolicyRevised {
        policy: Some(policy.clone()),
        revision: current.revision.saturating_add(1),
        reason: request.reason.clone(),
        actor: request.actor.clone(),
    };
    Ok(Decision::append(revised, 1))
}
