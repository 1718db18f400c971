//! What became of an attempt, and whose fault it is if the message was not taken.
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use orewatch_contracts::alerting::v1::FailureKind;

/// Longest text about an attempt that is recorded, in characters.
const LONGEST: usize = 500;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has taken the message; what it answered.
    Taken(String),
    /// It has not.
    Refused(Refusal),
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose fault it is.
    pub kind: FailureKind,
    /// What happened, at most 500 characters.
    pub message: String,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal without a wish for a later attempt.
    pub fn new(kind: FailureKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: short(message.as_ref()), retry_after: None }
    }

    /// The receiver cannot be reached, is too slow or answers nonsense.
    pub fn connection(message: impl AsRef<str>) -> Self {
        Self::new(FailureKind::Connection, message)
    }

    /// The address may not be sent to, or a secret cannot be read.
    pub fn configuration(message: impl AsRef<str>) -> Self {
        Self::new(FailureKind::Configuration, message)
    }

    /// Whether the same bytes may be taken later.
    ///
    /// A receiver that was down, failed or was busy may take them, and so may one whose secret or address is mended meanwhile:
    /// the message is not to blame, and these are read at every attempt. What is refused for itself is refused again, and would
    /// only hold up those behind it; who is gone is gone.
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

/// What an answer over HTTP means: 2xx took it, 3xx is a refusal since nobody follows a redirect, 410 is gone for good, 429, 502
/// and 504 want less at a time, and so does 503 that names a time.
#[must_use]
pub fn judge(status: u16, retry_after: Option<&str>, body: &str, now: Timestamp) -> Outcome {
    let wait = retry_after.and_then(|text| wait(text, now));
    let kind = match status {
        200..=299 => return Outcome::Taken(told(status, body)),
        401 | 403 | 407 => FailureKind::Authorization,
        408 | 425 => FailureKind::Connection,
        410 => FailureKind::Gone,
        429 | 502 | 504 => FailureKind::RateLimited,
        503 if wait.is_some() => FailureKind::RateLimited,
        300..=499 => FailureKind::Client,
        _ => FailureKind::Server,
    };
    Outcome::Refused(Refusal { retry_after: wait, ..Refusal::new(kind, told(status, body)) })
}

/// A status and the beginning of the text behind it.
fn told(status: u16, body: &str) -> String {
    let body = body.trim();
    short(&if body.is_empty() { status.to_string() } else { format!("{status}: {body}") })
}

/// The wish of a `Retry-After`: seconds, or a date.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// A text without control characters, shortened to what is recorded.
#[must_use]
pub fn short(text: &str) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = plain.take(LONGEST).collect();
    short.truncate(short.trim_end().len());
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16) -> Option<FailureKind> {
        match judge(status, None, "", Timestamp::UNIX_EPOCH) {
            Outcome::Taken(_) => None,
            Outcome::Refused(refusal) => Some(refusal.kind),
        }
    }

    #[test]
    fn d10_every_status_has_its_meaning() {
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
    fn d10_retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        let after = |text| match judge(503, Some(text), "", now) {
            Outcome::Refused(refusal) => (refusal.kind, refusal.retry_after.map(|wait| wait.as_secs())),
            Outcome::Taken(_) => panic!("taken"),
        };
        assert_eq!(after("120"), (FailureKind::RateLimited, Some(120)));
        assert_eq!(after("Fri, 27 Nov 2026 10:05:00 GMT"), (FailureKind::RateLimited, Some(300)));
        assert_eq!(after("Fri, 27 Nov 2026 09:00:00 GMT"), (FailureKind::RateLimited, Some(0)));
        assert_eq!(after("soon"), (FailureKind::Server, None));
    }

    #[test]
    fn what_is_recorded_is_short_and_plain() {
        assert_eq!(short("a\r\nb\u{0}c"), "a  b c");
        assert_eq!(short(&"é".repeat(9000)).chars().count(), 500);
    }
}
