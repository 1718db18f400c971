//! Meaning of HTTP statuses, and waits before retries. Pure: times and the seed of the jitter are arguments.
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::call::{Headers, PublisherResponse};
use super::json::excerpt;

/// Wait after the first failed attempt; it doubles with each further one.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// Upper bound on the wait between two attempts, unless the publisher asks for a longer one.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Upper bound on a wait that a publisher asks for: quotas return within a day.
const MAX_REQUESTED_WAIT: SignedDuration = SignedDuration::from_hours(26);

/// Upper bound on attempts at one call; their waits add up to about two hours.
pub(super) const MAX_TRIES: u32 = 12;

/// Meaning of a response's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusVerdict {
    /// The body is to be read.
    Read,
    /// The call may succeed later, at a time that the publisher may have given.
    Again(String, Option<Timestamp>),
    /// The body is larger than the limit, in bytes.
    TooLarge(usize),
    /// The key is missing or wrong, or may not do this.
    Key(String),
    /// The interface was removed.
    Gone(String),
    /// The call is wrong or was redirected. Repeating it is pointless.
    Wrong(String),
}

/// What a response means, before its body is read.
pub(super) fn judge_status(
    response: &PublisherResponse,
    asked_for_changes: bool,
    now: Timestamp,
) -> StatusVerdict {
    let (status, body, headers) = match response {
        PublisherResponse::Broken { trouble, .. } => return StatusVerdict::Again(trouble.clone(), None),
        PublisherResponse::TooLarge { limit, .. } => return StatusVerdict::TooLarge(*limit),
        PublisherResponse::Whole { status, body, headers } => (*status, body, headers),
    };
    let body_text = || excerpt(body);
    match status {
        200 => StatusVerdict::Read,
        304 if asked_for_changes => StatusVerdict::Read,
        300..=399 => StatusVerdict::Wrong(format!(
            "the publisher redirects (status {status}, to {:?}), and redirects are not followed, to keep the \
             key safe; \
             set base-url if that is the right address",
            headers.location
        )),
        401 | 407 => StatusVerdict::Key(format!("status {status}: {}", body_text())),
        403 => match quota_returns_at(&body_text(), now) {
            Some(back) => StatusVerdict::Again("the publisher's quota is used up".to_owned(), Some(back)),
            None => StatusVerdict::Key(format!("status {status}: {}", body_text())),
        },
        408 | 425 | 429 | 500..=599 => StatusVerdict::Again(
            format!("status {status}: {}", body_text()),
            requested_retry(headers, &body_text(), now),
        ),
        410 => StatusVerdict::Gone(format!("status {status}: {}", body_text())),
        201..=299 => StatusVerdict::Again(format!("status {status} without a response body"), None),
        _ => StatusVerdict::Wrong(format!("status {status}: {}", body_text())),
    }
}

/// When the publisher asks to be called again.
fn requested_retry(headers: &Headers, body_text: &str, now: Timestamp) -> Option<Timestamp> {
    retry_after(&headers.retry_after, now).or_else(|| quota_returns_at(body_text, now))
}

/// Reads `Retry-After`: seconds, or an HTTP date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let at = match text.parse::<u32>() {
        Ok(seconds) => now.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok()?,
        Err(_) => jiff::fmt::rfc2822::parse(text).ok()?.timestamp(),
    };
    Some(at.max(now))
}

/// Reads what Comtrade's gateway writes: `Out of call volume quota. Quota will be replenished in 04:01:13.`
fn quota_returns_at(body_text: &str, now: Timestamp) -> Option<Timestamp> {
    let (_, rest) = body_text.split_once("replenished in ")?;
    let mut parts = rest.splitn(3, ':').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    let [hours, minutes, seconds] = [parts.next()??, parts.next()??, parts.next()??].map(i64::from);
    let wait = SignedDuration::from_secs(hours * 3_600 + minutes * 60 + seconds + 1);
    now.checked_add(wait).ok()
}

/// When a call may be retried. `None`: never; `attempt` counts the attempts so far, from 1.
pub(super) fn retry_at(
    now: Timestamp,
    asked: Option<Timestamp>,
    attempt: u32,
    seed: &str,
) -> Option<Timestamp> {
    if attempt >= MAX_TRIES || asked.is_some_and(|at| at.duration_since(now) > MAX_REQUESTED_WAIT) {
        return None;
    }
    let doubled = 2_i32.saturating_pow(attempt.saturating_sub(1));
    let wait = FIRST_WAIT.checked_mul(doubled).unwrap_or(MAX_WAIT).min(MAX_WAIT);
    let own = now.checked_add(jitter(wait, seed, attempt)).ok()?;
    Some(asked.map_or(own, |asked| asked.max(own)))
}

/// A duration between half and all of a wait, spread evenly by the seed, so that connectors that fail
/// together do not retry together.
pub(super) fn jitter(wait: SignedDuration, seed: &str, number: u32) -> SignedDuration {
    let hash = Sha256::digest(format!("{seed}/{number}"));
    let [first, second, ..] = <[u8; 32]>::from(hash);
    let share = i32::from(u16::from_be_bytes([first, second]));
    let half = wait / 2;
    half + (half / 1_000) * (share / 66).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let at = |text: &str| retry_after(text, now()).map(|at| at.to_string());
        assert_eq!(at("120").as_deref(), Some("2026-03-01T10:02:00Z"));
        assert_eq!(at("Sun, 01 Mar 2026 10:05:00 GMT").as_deref(), Some("2026-03-01T10:05:00Z"));
        assert_eq!(at("Sun, 01 Mar 2026 09:00:00 GMT").as_deref(), Some("2026-03-01T10:00:00Z"));
        assert_eq!(at("soon"), None);
        assert_eq!(at("-5"), None);
    }

    #[test]
    fn waits_grow_up_to_a_limit_and_end() {
        let mut waited = SignedDuration::ZERO;
        for attempt in 1..MAX_TRIES {
            let wait = retry_at(now(), None, attempt, "seed").unwrap().duration_since(now());
            let whole = SignedDuration::from_secs(2_i64.pow(attempt)).min(MAX_WAIT);
            assert!(wait >= whole / 2 && wait <= whole, "{attempt}: {wait}");
            waited += wait;
        }
        assert!(waited < SignedDuration::from_hours(3));
        assert_eq!(retry_at(now(), None, MAX_TRIES, "seed"), None);
    }

    #[test]
    fn a_requested_wait_is_kept_up_to_a_limit() {
        let asked = now() + SignedDuration::from_hours(20);
        assert_eq!(retry_at(now(), Some(asked), 1, "seed"), Some(asked));
        assert_eq!(retry_at(now(), Some(now() + SignedDuration::from_hours(30)), 1, "seed"), None);
    }

    #[test]
    fn the_return_of_a_quota_is_read_from_the_gateways_text() {
        let body_text = r#"{"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 04:01:13."}"#;
        assert_eq!(quota_returns_at(body_text, now()).unwrap().to_string(), "2026-03-01T14:01:14Z");
        assert_eq!(quota_returns_at("replenished in a while", now()), None);
    }
}
