//! Acknowledgement: somebody has taken an alert on. It stops repeats and escalation of the episode, never its resolution.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{AcknowledgeAlertRequest, Acknowledgement, Alert, Verdict};
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

use super::limits::{LONGEST_REPEAT, SHORTEST_REPEAT, short};
use super::time::{instant, later, read_length, timestamp};

/// What is recorded about acknowledgements of an alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acknowledged {
    /// Position of the last event on the stream.
    pub position: Position,
    /// The acknowledgement, unless it was taken back, its episode is over, or the severity has risen. Its time may be over.
    pub(crate) last: Option<Acknowledgement>,
    /// When it was given.
    pub(crate) since: Timestamp,
}

impl Acknowledged {
    /// The acknowledgement that holds at an instant.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Option<&Acknowledgement> {
        self.last.as_ref().filter(|_| self.until().is_none_or(|until| now < until))
    }

    /// When it ends, or ended, by itself.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.last.as_ref()?.until.as_ref().and_then(instant)
    }
}

/// Takes an alert on.
///
/// # Errors
/// [`Class::Refused`] for an alert that is not open, [`Class::Invalid`] for what makes no sense.
pub fn acknowledge(
    alert: &Alert,
    request: &AcknowledgeAlertRequest,
    now: Timestamp,
) -> Result<Acknowledgement, Failure> {
    use orewatch_contracts::alerting::v1::AlertState;
    if !matches!(alert.state(), AlertState::Pending | AlertState::Firing) {
        let over =
            Failure::new(Class::Refused, "not-open", "the alert is not open, there is nothing to take on");
        return Err(over.at("alert", &alert.id));
    }
    let verdict = Verdict::try_from(request.verdict).map_err(|_| {
        let wrong = Failure::new(Class::Invalid, "unknown-verdict", "there is no such verdict");
        wrong
            .at("verdict", request.verdict.to_string())
            .with_hint("use potential, confirmed or no-impact, or leave it out")
    })?;
    short("note", &request.note)?;
    short("owner", &request.owner)?;
    let length = |length: &prost_types::Duration| {
        read_length(Some(length), "expires_in", Duration::ZERO, SHORTEST_REPEAT, LONGEST_REPEAT)
    };
    let expires_in = request.expires_in.as_ref().map(length).transpose()?;
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
