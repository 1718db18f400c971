//! Errors and hints for releases that their gates refused.
use orewatch_contracts::ingestion::v1::{ReleaseInfo, ReleaseState, Verdict};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::client::Outcome;

/// Returns an error if the release was refused or withdrawn, or is erased.
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
            Some(failure("release-refused", "was refused", refusal_hint(&outcome.release, Recorded::Yes(id))))
        }
        ReleaseState::Withdrawn => Some(failure(
            "release-withdrawn",
            "was withdrawn",
            "a withdrawn release cannot be ingested again; if its content is correct, ingest it under \
             another vintage (--vintage)"
                .to_owned(),
        )),
        ReleaseState::Erased => Some(failure(
            "erased",
            "is erased",
            "ingest the files again as a tenant that is not erased".to_owned(),
        )),
        ReleaseState::Unspecified | ReleaseState::Open | ReleaseState::Committed => None,
    }
}

/// Whether a release that its gates refuse was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recorded<'a> {
    /// It was, under this identifier. Commands can name it.
    Yes(&'a str),
    /// It was not: a dry run. No command knows it.
    No,
}

/// Hints on how to pass the gates that refused a release.
pub(crate) fn refusal_hint(info: &ReleaseInfo, recorded: Recorded<'_>) -> String {
    let gates = info.report.as_ref().map(|report| report.gates.as_slice()).unwrap_or_default();
    let blocks: Vec<&str> =
        gates.iter().filter(|gate| gate.verdict() == Verdict::Block).map(|gate| gate.gate.as_str()).collect();
    let mut hints = Vec::new();
    if blocks.contains(&"rejects") {
        let rejected = info.report.as_ref().map(|report| report.rows_rejected).unwrap_or_default();
        hints.push(match recorded {
            Recorded::Yes(id) => format!(
                "list the quarantined rows: orewatch rejections {id}; correct them: orewatch repair {id}; or \
                 commit without them: --max-rejects {rejected}"
            ),
            Recorded::No => format!(
                "correct the quarantined rows in the file, or leave them out with --max-rejects {rejected}"
            ),
        });
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

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::{GateVerdict, Report};

    use super::*;

    #[test]
    fn a_hint_after_a_dry_run_names_no_release() {
        let gate = |gate: &str| GateVerdict {
            gate: gate.to_owned(),
            verdict: Verdict::Block.into(),
            ..GateVerdict::default()
        };
        let gates = vec![gate("rejects"), gate("partner-sums")];
        let report = Report { rows_rejected: 2, gates, ..Report::default() };
        let info = ReleaseInfo { report: Some(report), ..ReleaseInfo::default() };
        let dry = refusal_hint(&info, Recorded::No);
        assert!(dry.contains("--max-rejects 2") && dry.contains("--accept partner-sums"), "{dry}");
        assert!(!dry.contains("orewatch rejections") && !dry.contains("orewatch repair"), "{dry}");
        assert!(refusal_hint(&info, Recorded::Yes("ours/1")).contains("orewatch repair ours/1"));
    }
}
