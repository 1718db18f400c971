//! Reads events of the observations log: whole, or only as far as the folded state needs them.
//!
//! Both ways give current rejection codes: nothing behind them has to know how earlier versions called them.
use orewatch_contracts::ingestion::v1::{ObservationEvent, ObservationEventKind};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Event;
use prost::DecodeError;

use crate::column_reader;
use crate::rejection_codes;

/// Whether the state of releases depends on events of a kind. The state of connectors is folded elsewhere.
pub(crate) fn is_folded(kind: ObservationEventKind) -> bool {
    !matches!(
        kind,
        ObservationEventKind::PollStarted
            | ObservationEventKind::FetchRecorded
            | ObservationEventKind::PollEnded
    )
}

/// Decodes an event for the fold. `None`: the state of releases does not depend on it.
///
/// Chunks of rows are most of a log, and of their columns the state needs only some: the others are skipped.
///
/// # Errors
/// [`DecodeError`] for data that is not of the event's kind.
pub(crate) fn decode_for_fold(event: &Event) -> Result<Option<ObservationEvent>, DecodeError> {
    let Some(kind) = ObservationEventKind::from_name(&event.kind) else { return Ok(None) };
    let decoded = match kind {
        ObservationEventKind::ObservationsRecorded => {
            column_reader::decode_needed_columns(&event.data)?.into()
        }
        // The state of connectors is folded elsewhere.
        ObservationEventKind::PollStarted
        | ObservationEventKind::FetchRecorded
        | ObservationEventKind::PollEnded => return Ok(None),
        ObservationEventKind::ReleaseOpened
        | ObservationEventKind::RowsQuarantined
        | ObservationEventKind::RowsRepaired
        | ObservationEventKind::ReleaseHeld
        | ObservationEventKind::ReleaseCommitted
        | ObservationEventKind::ReleaseRefused
        | ObservationEventKind::ReleaseWithdrawn
        | ObservationEventKind::SourcePolicyRevised
        | ObservationEventKind::TenantErased => ObservationEvent::decode(kind, event.data.clone())?,
    };
    Ok(Some(rejection_codes::with_current_report(decoded)))
}

/// Decodes an event with all of its data.
///
/// # Errors
/// [`Class::Damaged`] for an event that cannot be decoded, or of a kind that this version does not know.
pub(crate) fn decode_event(event: &Event) -> Result<ObservationEvent, Failure> {
    let kind = ObservationEventKind::from_name(&event.kind);
    match kind.map(|kind| ObservationEvent::decode(kind, event.data.clone())) {
        Some(Ok(decoded)) => Ok(rejection_codes::with_current_report(decoded)),
        Some(Err(_)) | None => {
            let message = format!("event {} of the log cannot be read", event.position);
            Err(Failure::new(Class::Damaged, "log-corrupt", message))
        }
    }
}
