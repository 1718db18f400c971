//! Errors and hints for releases that their gates refused.
use orewatch_contracts::ingestion::v1::{ReleaseInfo, ReleaseState, Verdict};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::client::Outcome;

/// Returns an error if the release was refused or withdrawn.
pub(crate) fn refusal(outcome: &Outcome) -> Option<Failure> {
    let id = outcome.release.release.as_ref().map_or("", |release| release.id.as_str());
    let failure = |code: &str, what: &str, hint: String| {
        let reason = Some(outcome.release.reason.as_str())
            .filter(|reason| !reason.is_empty())
            .unwrap_or("see its report");
        Failure::new(Class::Refused, code, format!("{id} {what}: {reason}")).with_hint(hint)
    };
    match outcome.release.state() {
        ReleaseState::Refused => {
            Some(failure("release-refused", "was refused", refusal_hint(&outcome.release, id)))
        }
        ReleaseState::Withdrawn => Some(failure(
            "release-withdrawn",
            "was withdrawn",
            "a withdrawn release cannot be ingested again; if its content is correct, ingest it under \
             another vintage (--vintage)"
                .to_owned(),
        )),
        ReleaseState::Unspecified | ReleaseState::Open | ReleaseState::Committed => None,
    }
}

/// Hints on how to pass the gates that refused a release.
pub(crate) fn refusal_hint(info: &ReleaseInfo, id: &str) -> String {
    let gates = info.report.as_ref().map(|report| report.gates.as_slice()).unwrap_or_default();
    let blocks: Vec<&str> =
        gates.iter().filter(|gate| gate.verdict() == Verdict::Block).map(|gate| gate.gate.as_str()).collect();
    let mut hints = Vec::new();
    if blocks.contains(&"rejects") {
        hints.push(format!(
            "list the quarantined rows: orewatch rejections {id}; correct them: orewatch repair {id}; or \
             commit without them: --max-rejects N"
        ));
    }
    // Findings of scope-jump should rarely be accepted. Its message says when, so no hint suggests --accept.
    let others = blocks.iter().filter(|gate| !["rejects", "scope-jump"].contains(gate));
    let others: Vec<&str> = others.copied().collect();
    if !others.is_empty() {
        hints.push(format!(
            "see what each gate checks: orewatch gates; commit despite a gate that is not final: --accept {}",
            others.join(",")
        ));
    }
    hints.join("; ")
}
