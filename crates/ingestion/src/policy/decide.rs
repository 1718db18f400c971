//! A revision of the policy: a command and the state give a fact, or a failure.
use orewatch_contracts::ingestion::v1::{PutSourcePolicyRequest, SourcePolicyRevised};
use orewatch_runtime::{Class, Failure};

use super::check;
use crate::decide::Decision;
use crate::evolve::Book;
use crate::fact::Fact;
use crate::validate;

/// Revises the policy. The same policy again changes nothing, whichever revision is expected, so that a repeated request is
/// answered like the first.
///
/// # Errors
/// [`Class::Refused`] if another revision holds than is expected; [`Class::Invalid`] for a policy that cannot be meant.
pub(crate) fn put(book: &Book, request: &PutSourcePolicyRequest) -> Result<Decision, Failure> {
    let missing =
        || Failure::new(Class::Invalid, "invalid-request", "the policy is missing").at("policy", "");
    let policy = request.policy.as_ref().ok_or_else(missing)?;
    [("reason", &request.reason), ("actor", &request.actor)]
        .into_iter()
        .try_for_each(|(field, text)| validate::short(field, text))?;
    let held = &book.policy;
    if held.policy == *policy {
        return Ok(Decision::Known);
    }
    if let Some(expected) = request.expected_revision.filter(|expected| *expected != held.revision) {
        let message = format!("the source policy is at revision {}, not {expected}", held.revision);
        return Err(Failure::new(Class::Refused, "policy-revised", message)
            .at("expected_revision", expected.to_string())
            .with_hint("somebody revised it: look at it again, then revise it"));
    }
    check::policy(book, policy)?;
    let revised = SourcePolicyRevised {
        policy: Some(policy.clone()),
        revision: held.revision.saturating_add(1),
        reason: request.reason.clone(),
        actor: request.actor.clone(),
    };
    Ok(Decision::Append(Box::new(Fact::PolicyRevised(revised)), 1))
}
