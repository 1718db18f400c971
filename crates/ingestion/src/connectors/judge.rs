//! What a status means, and how long to wait before the same is asked again. Pure: times and the seed of the jitter are given.
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::call::{Answer, Headers};
use super::json::beginning;

/// Wait after the first try that failed; it doubles with every further one.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// Longest wait between two tries, unless the publisher asks for a longer one.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Longest wait that a publisher may ask for: a quota comes back within a day.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(26);

/// Tries of one request; their waits add up to some two hours.
pub(super) const TRIES: u32 = 12;

/// What an answer's status means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The body is to be read.
    Read,
    /// The same may succeed later; the publisher may have said when.
    Again(String, Option<Timestamp>),
    /// The body is larger than may be taken.
    TooLarge(usize),
    /// The key is missing or wrong, or may not do this.
    Key(String),
    /// The interface that is asked is no more.
    Gone(String),
    /// The request is wrong, or goes elsewhere: nothing to try again.
    Wrong(String),
}

/// What an answer means, before its body is read.
pub(super) fn judge(answer: &Answer, asked_for_changes: bool, now: Timestamp) -> Verdict {
    let (status, body, headers) = match answer {
        Answer::Broken { trouble, .. } => return Verdict::Again(trouble.clone(), None),
        Answer::TooLarge { limit, .. } => return Verdict::TooLarge(*limit),
        Answer::Whole { status, body, headers } => (*status, body, headers),
    };
    let said = || beginning(body);
    match status {
        200 => Verdict::Read,
        304 if asked_for_changes => Verdict::Read,
        300..=399 => Verdict::Wrong(format!(
            "the publisher sends elsewhere (status {status}, to {:?}), where no request and no key goes by itself; \
             set base-url if that is the right address",
            headers.location
        )),
        401 | 407 => Verdict::Key(format!("status {status}: {}", said())),
        403 => match quota_back(&said(), now) {
            Some(back) => Verdict::Again("the publisher's quota is used up".to_owned(), Some(back)),
            None => Verdict::Key(format!("status {status}: {}", said())),
        },
        408 | 425 | 429 | 500..=599 => {
            Verdict::Again(format!("status {status}: {}", said()), asked(headers, &said(), now))
        }
        410 => Verdict::Gone(format!("status {status}: {}", said())),
        201..=299 => Verdict::Again(format!("status {status} without an answer"), None),
        _ => Verdict::Wrong(format!("status {status}: {}", said())),
    }
}

/// When the publisher wants to be asked again.
fn asked(headers: &Headers, said: &str, now: Timestamp) -> Option<Timestamp> {
    retry_after(&headers.retry_after, now).or_else(|| quota_back(said, now))
}

/// `Retry-After`: seconds, or a date of HTTP.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let at = match text.parse::<u32>() {
        Ok(seconds) => now.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok()?,
        Err(_) => jiff::fmt::rfc2822::parse(text).ok()?.timestamp(),
    };
    Some(at.max(now))
}

/// What Comtrade's gateway writes: `Out of call volume quota. Quota will be replenished in 04:01:13.`
fn quota_back(said: &str, now: Timestamp) -> Option<Timestamp> {
    let (_, rest) = said.split_once("replenished in ")?;
    let mut parts = rest.splitn(3, ':').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    let [hours, minutes, seconds] = [parts.next()??, parts.next()??, parts.next()??].map(i64::from);
    let wait = SignedDuration::from_secs(hours * 3_600 + minutes * 60 + seconds + 1);
    now.checked_add(wait).ok()
}

/// When a request may be tried again. None: not any more; `attempt` counts the tries so far, from 1.
pub(super) fn again(now: Timestamp, asked: Option<Timestamp>, attempt: u32, seed: &str) -> Option<Timestamp> {
    if attempt >= TRIES || asked.is_some_and(|at| at.duration_since(now) > LONGEST_ASKED) {
        return None;
    }
    let doubled = 2_i32.saturating_pow(attempt.saturating_sub(1));
    let wait = FIRST_WAIT.checked_mul(doubled).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
    let own = now.checked_add(jitter(wait, seed, attempt)).ok()?;
    Some(asked.map_or(own, |asked| asked.max(own)))
}

/// Between a half and the whole of a wait, spread evenly by the seed, so that many that fail together do not come back together.
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
    fn waits_grow_within_bounds_and_end() {
        let mut waited = SignedDuration::ZERO;
        for attempt in 1..TRIES {
            let wait = again(now(), None, attempt, "seed").unwrap().duration_since(now());
            let whole = SignedDuration::from_secs(2_i64.pow(attempt)).min(LONGEST_WAIT);
            assert!(wait >= whole / 2 && wait <= whole, "{attempt}: {wait}");
            waited += wait;
        }
        assert!(waited < SignedDuration::from_hours(3));
        assert_eq!(again(now(), None, TRIES, "seed"), None);
    }

    #[test]
    fn what_the_publisher_asks_for_is_kept_unless_it_is_absurd() {
        let asked = now() + SignedDuration::from_hours(20);
        assert_eq!(again(now(), Some(asked), 1, "seed"), Some(asked));
        assert_eq!(again(now(), Some(now() + SignedDuration::from_hours(30)), 1, "seed"), None);
    }

    #[test]
    fn a_gateway_says_when_the_quota_comes_back() {
        let said = r#"{"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 04:01:13."}"#;
        assert_eq!(quota_back(said, now()).unwrap().to_string(), "2026-03-01T14:01:14Z");
        assert_eq!(quota_back("replenished in a while", now()), None);
    }
}
