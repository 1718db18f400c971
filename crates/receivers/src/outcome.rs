//! The outcome of an attempt, and what a failure means for the next one.
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use orewatch_contracts::alerting::v1::FailureKind;

/// Upper bound on the recorded text of an attempt, in characters.
const MAX_TEXT_CHARS: usize = 500;

/// Outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver accepted the message, with this response.
    Taken(String),
    /// The receiver did not accept the message.
    Refused(Refusal),
}

/// Why a message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kind of the failure.
    pub kind: FailureKind,
    /// What happened, at most 500 characters.
    pub message: String,
    /// Delay that the receiver asks for before the next attempt.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that asks for no particular delay.
    pub fn new(kind: FailureKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: shorten(message.as_ref()), retry_after: None }
    }

    /// The receiver cannot be reached, is too slow, or its response makes no sense.
    pub fn connection(message: impl AsRef<str>) -> Self {
        Self::new(FailureKind::Connection, message)
    }

    /// The address may not be sent to, or a secret cannot be read.
    pub fn configuration(message: impl AsRef<str>) -> Self {
        Self::new(FailureKind::Configuration, message)
    }

    /// Whether a later attempt with the same bytes may succeed.
    ///
    /// It may if the receiver was down, failing or busy. It also may if its secret or address was wrong: both
    /// are read at every attempt and may be corrected in the meantime. A receiver that rejected the message
    /// itself would reject it again, and retries would hold up the messages behind it.
    #[must_use]
    pub fn is_retried(&self) -> bool {
        match self.kind {
            FailureKind::Client | FailureKind::Gone => false,
            FailureKind::Connection
            | FailureKind::Server
            | FailureKind::Authorization
            | FailureKind::RateLimited
            | FailureKind::Configuration
            | FailureKind::Lost
            | FailureKind::Unspecified => true,
        }
    }
}

/// Outcome of an HTTP response. 2xx accepts the message. 3xx is a rejection, because redirects are not
/// followed. 410 means that the receiver is gone. 429, 502, 504, and 503 with `Retry-After` ask for a lower
/// rate.
#[must_use]
pub fn classify_response(status: u16, retry_after: Option<&str>, body: &str, now: Timestamp) -> Outcome {
    let wait = retry_after.and_then(|text| retry_delay(text, now));
    let kind = match status {
        200..=299 => return Outcome::Taken(describe_response(status, body)),
        401 | 403 | 407 => FailureKind::Authorization,
        408 | 425 => FailureKind::Connection,
        410 => FailureKind::Gone,
        429 | 502 | 504 => FailureKind::RateLimited,
        503 if wait.is_some() => FailureKind::RateLimited,
        300..=499 => FailureKind::Client,
        _ => FailureKind::Server,
    };
    Outcome::Refused(Refusal { retry_after: wait, ..Refusal::new(kind, describe_response(status, body)) })
}

/// Status and beginning of the body, for the record.
fn describe_response(status: u16, body: &str) -> String {
    let body = body.trim();
    shorten(&if body.is_empty() { status.to_string() } else { format!("{status}: {body}") })
}

/// Delay of a `Retry-After` header: seconds or a date.
fn retry_delay(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// A text without control characters, cut to the length that is recorded.
#[must_use]
pub fn shorten(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = plain.take(MAX_TEXT_CHARS).collect();
    short.truncate(short.trim_end().len());
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16) -> Option<FailureKind> {
        match classify_response(status, None, "", Timestamp::UNIX_EPOCH) {
            Outcome::Taken(_) => None,
            Outcome::Refused(refusal) => Some(refusal.kind),
        }
    }

    #[test]
    fn every_status_has_its_failure_kind() {
        let cases = [
            (200, None),
            (204, None),
            (299, None),
            (301, Some(FailureKind::Client)),
            (307, Some(FailureKind::Client)),
            (400, Some(FailureKind::Client)),
            (401, Some(FailureKind::Authorization)),
            (403, Some(FailureKind::Authorization)),
            (404, Some(FailureKind::Client)),
            (408, Some(FailureKind::Connection)),
            (410, Some(FailureKind::Gone)),
            (429, Some(FailureKind::RateLimited)),
            (500, Some(FailureKind::Server)),
            (502, Some(FailureKind::RateLimited)),
            (503, Some(FailureKind::Server)),
            (504, Some(FailureKind::RateLimited)),
            (999, Some(FailureKind::Server)),
        ];
        for (status, wanted) in cases {
            assert_eq!(kind(status), wanted, "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let after = |text| match classify_response(503, Some(text), "", now) {
            Outcome::Refused(refusal) => (refusal.kind, refusal.retry_after.map(|wait| wait.as_secs())),
            Outcome::Taken(_) => panic!("taken"),
        };
        assert_eq!(after("120"), (FailureKind::RateLimited, Some(120)));
        assert_eq!(after("Fri, 27 Nov 2026 10:05:00 GMT"), (FailureKind::RateLimited, Some(300)));
        assert_eq!(after("Fri, 27 Nov 2026 09:00:00 GMT"), (FailureKind::RateLimited, Some(0)));
        assert_eq!(after("soon"), (FailureKind::Server, None));
    }

    #[test]
    fn recorded_text_is_short_and_has_no_control_characters() {
        assert_eq!(shorten("a\r\nb\u{0}c"), "a  b c");
        assert_eq!(shorten(&"é".repeat(9000)).chars().count(), 500);
    }
}
