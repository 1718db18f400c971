//! The result of deciding on a command: the events to append, or why there are none.
use orewatch_contracts::ingestion::v1::{ObservationEvent, Report, RowsRepaired};

/// What follows from a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// Nothing to append: the state is already as requested.
    Unchanged,
    /// Events to append together, in this opening of the release (counted from 1).
    Append(Vec<NumberedEvent>, u32),
    /// A refused release is opened anew, in this opening. Its rows have to be recorded again, and then the
    /// command is decided again.
    Reopen(Box<NumberedEvent>, u32),
    /// Nothing to append. The response is this report, which differs from the one on the log, with the reason
    /// for which the gates refuse the release (empty: they do not).
    Report(Box<Report>, String),
}

/// An event to append, with its number among those of its kind in one opening of a release.
///
/// The number is part of the event's identifier: a repeated append of the same event is recognised.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NumberedEvent {
    pub(crate) event: ObservationEvent,
    pub(crate) number: u32,
}

impl NumberedEvent {
    /// An event whose number follows from it: chunks carry theirs, of the other kinds an opening has one.
    pub(crate) fn new(event: impl Into<ObservationEvent>) -> Self {
        let event = event.into();
        let number = match &event {
            ObservationEvent::ObservationsRecorded(chunk) => chunk.chunk,
            ObservationEvent::RowsQuarantined(chunk) => chunk.chunk,
            ObservationEvent::ReleaseOpened(_)
            | ObservationEvent::RowsRepaired(_)
            | ObservationEvent::ReleaseHeld(_)
            | ObservationEvent::ReleaseCommitted(_)
            | ObservationEvent::ReleaseRefused(_)
            | ObservationEvent::ReleaseWithdrawn(_)
            | ObservationEvent::SourcePolicyRevised(_)
            | ObservationEvent::TenantErased(_)
            | ObservationEvent::PollStarted(_)
            | ObservationEvent::FetchRecorded(_)
            | ObservationEvent::PollEnded(_) => 0,
        };
        Self { event, number }
    }

    /// A repair, of which an opening may have many.
    pub(crate) fn repair(repaired: RowsRepaired, number: u32) -> Self {
        Self { event: repaired.into(), number }
    }
}

impl Decision {
    /// Appends a single event.
    pub(crate) fn append(event: impl Into<ObservationEvent>, attempt: u32) -> Self {
        Self::Append(vec![NumberedEvent::new(event)], attempt)
    }
}
