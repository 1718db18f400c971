//! Acknowledgement: somebody works on an alert. It stops repeats and escalation of the episode, never the
//! message that the alert is resolved.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AcknowledgeAlertRequest, Acknowledgement, Alert, AlertState, Verdict,
};
use orewatch_contracts::time::{instant, later, timestamp};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;

use super::limits::{MAX_REPEAT, MIN_REPEAT, check_length};
use super::time::read_duration;

/// The acknowledgements of an alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgementRecord {
    /// Position of the last event on the stream.
    pub position: Position,
    /// The acknowledgement, unless it was withdrawn, its episode is over, or the severity has risen. It may
    /// have expired.
    pub(crate) last: Option<Acknowledgement>,
    /// When it was given.
    pub(crate) since: Timestamp,
}

impl AcknowledgementRecord {
    /// The acknowledgement that holds at an instant.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> Option<&Acknowledgement> {
        self.last.as_ref().filter(|_| self.expires_at().is_none_or(|expires_at| now < expires_at))
    }

    /// When the acknowledgement expires or has expired. None: it does not, or there is none.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.last.as_ref()?.until.as_ref().and_then(instant)
    }
}

/// Decides to acknowledge an alert.
///
/// # Errors
/// [`Class::Refused`] for an alert that is not open, [`Class::Invalid`] for an invalid request.
pub fn acknowledge(
    alert: &Alert,
    request: &AcknowledgeAlertRequest,
    now: Timestamp,
) -> Result<Acknowledgement, Failure> {
    if !matches!(alert.state(), AlertState::Pending | AlertState::Firing) {
        let closed =
            Failure::new(Class::Refused, "alert-not-open", "the alert is neither pending nor firing");
        return Err(closed.at("alert", &alert.id));
    }
    let verdict = Verdict::try_from(request.verdict).map_err(|_| {
        let wrong = Failure::new(Class::Invalid, "unknown-verdict", "there is no such verdict");
        wrong
            .at("verdict", request.verdict.to_string())
            .with_hint("use potential, confirmed or no-impact, or leave it out")
    })?;
    check_length("note", &request.note)?;
    check_length("owner", &request.owner)?;
    let read = |length: &prost_types::Duration| {
        read_duration(Some(length), "expires_in", Duration::ZERO, MIN_REPEAT, MAX_REPEAT)
    };
    let expires_in = request.expires_in.as_ref().map(read).transpose()?;
    Ok(Acknowledgement {
        alert: alert.id.clone(),
        episode: alert.episode.clone(),
        verdict: verdict.into(),
        note: request.note.clone(),
        owner: request.owner.clone(),
        severity: alert.severity.clone(),
        until: expires_in.map(|expires_in| timestamp(later(now, expires_in))),
    })
}
