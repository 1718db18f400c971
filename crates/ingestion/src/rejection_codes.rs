//! Current names of rejection codes. A log may hold names that earlier versions used: they are replaced
//! wherever counts and rows are read, and chunks are compared as if they had current codes.
use std::borrow::Cow;
use std::collections::BTreeMap;

use orewatch_contracts::codes::current;
use orewatch_contracts::ingestion::v1::{ObservationEvent, Rejection, RowsQuarantined};

/// Replaces renamed codes in counts by code. Counts of an old name are added to those of the current one.
pub(crate) fn merge_renamed(counts: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut present = BTreeMap::new();
    for (code, count) in counts {
        let sum: &mut u64 = present.entry(current(&code).to_owned()).or_default();
        *sum = sum.saturating_add(count);
    }
    present
}

/// A rejection with its current code.
pub(crate) fn with_current_code(mut rejection: Rejection) -> Rejection {
    if current(&rejection.code) != rejection.code {
        rejection.code = current(&rejection.code).to_owned();
    }
    rejection
}

/// A chunk of rejections with current codes.
pub(crate) fn with_current_codes(chunk: &RowsQuarantined) -> Cow<'_, RowsQuarantined> {
    if chunk.rejections.iter().all(|rejection| current(&rejection.code) == rejection.code) {
        return Cow::Borrowed(chunk);
    }
    let rejections = chunk.rejections.iter().cloned().map(with_current_code).collect();
    Cow::Owned(RowsQuarantined { rejections, ..*chunk })
}

/// An event whose report has current codes.
pub(crate) fn with_current_report(mut event: ObservationEvent) -> ObservationEvent {
    let report = match &mut event {
        ObservationEvent::RowsRepaired(repaired) => repaired.report.as_mut(),
        ObservationEvent::ReleaseHeld(held) => held.report.as_mut(),
        ObservationEvent::ReleaseCommitted(committed) => committed.report.as_mut(),
        ObservationEvent::ReleaseRefused(refused) => refused.report.as_mut(),
        ObservationEvent::ReleaseOpened(_)
        | ObservationEvent::ObservationsRecorded(_)
        | ObservationEvent::RowsQuarantined(_)
        | ObservationEvent::ReleaseWithdrawn(_)
        | ObservationEvent::SourcePolicyRevised(_)
        | ObservationEvent::TenantErased(_)
        | ObservationEvent::PollStarted(_)
        | ObservationEvent::FetchRecorded(_)
        | ObservationEvent::PollEnded(_) => None,
    };
    if let Some(report) = report {
        report.rejected_by_code = merge_renamed(std::mem::take(&mut report.rejected_by_code));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_a_renamed_code_are_added_to_those_of_its_current_name() {
        let counts = [("bad-number", 2), ("invalid-number", 3), ("unknown-economy", 1)];
        let counts = counts.map(|(code, count)| (code.to_owned(), count)).into();
        let expected = [("invalid-number", 5), ("unknown-economy", 1)];
        let expected = BTreeMap::from(expected.map(|(code, count)| (code.to_owned(), count)));
        assert_eq!(merge_renamed(counts), expected);
    }
}
