//! How much there may be of everything.
use std::time::Duration;

use orewatch_runtime::{Class, Failure};

use crate::tenant::{IDENTIFIERS, is_identifier};

/// Limits of what is kept and said; the defaults are those of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Subscriptions.
    pub subscriptions: usize,
    /// Silences that are not over.
    pub silences: usize,
    /// Silences that are over and still listed.
    pub silences_over: usize,
    /// Inhibitions.
    pub inhibitions: usize,
    /// Bytes of a subscription, a silence or an inhibition.
    pub bytes: usize,
    /// Groups of a subscription. An alert whose group would be one more waits until there is room.
    pub groups: usize,
    /// Alerts of a message; the rest is counted.
    pub alerts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            subscriptions: 5_000,
            silences: 1_000,
            silences_over: 1_000,
            inhibitions: 200,
            bytes: 16 << 10,
            groups: 10_000,
            alerts: 50,
        }
    }
}

/// How long a first alert waits for others where a subscription does not say.
pub const WAIT: Duration = Duration::from_secs(10);
/// Least time between two messages of a group where a subscription does not say.
pub const INTERVAL: Duration = Duration::from_mins(5);
/// Longest wait and interval.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// Shortest repeat, step up and acknowledgement.
pub const SHORTEST_REPEAT: Duration = Duration::from_mins(1);
/// Longest repeat, step up and acknowledgement.
pub const LONGEST_REPEAT: Duration = Duration::from_hours(366 * 24);
/// Longest note, author, owner and reason, in characters.
pub const LONGEST_NOTE: usize = 1_000;
/// Most fields of a group, quiet hours of a subscription, and severities of a list.
pub const MOST_PARTS: usize = 16;

/// An identifier that people choose.
///
/// # Errors
/// [`Class::Invalid`] for one that cannot be a token of a stream's name.
pub fn identifier(at: &str, id: &str) -> Result<(), Failure> {
    if is_identifier(id) {
        return Ok(());
    }
    let wrong = Failure::new(Class::Invalid, "invalid-id", format!("{id:?} cannot be an identifier"));
    Err(wrong.at(at, id).with_hint(IDENTIFIERS))
}

/// A text for people.
///
/// # Errors
/// [`Class::Invalid`] if it is too long.
pub fn short(at: &str, text: &str) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= LONGEST_NOTE {
        return Ok(());
    }
    let message = format!("{at} has {length} characters, the limit is {LONGEST_NOTE}");
    Err(Failure::new(Class::Invalid, "too-long", message).at(at, text))
}

/// A list.
///
/// # Errors
/// [`Class::Invalid`] if it is too long.
pub fn few(at: &str, count: usize) -> Result<(), Failure> {
    if count <= MOST_PARTS {
        return Ok(());
    }
    let message = format!("{at} has {count} entries, the limit is {MOST_PARTS}");
    Err(Failure::new(Class::Invalid, "too-many", message).at(at, count.to_string()))
}

/// A document as a whole.
///
/// # Errors
/// [`Class::Invalid`] if it is too large.
pub fn small(at: &str, bytes: usize, limits: &Limits) -> Result<(), Failure> {
    if bytes <= limits.bytes {
        return Ok(());
    }
    let message = format!("the {at} has {bytes} bytes, the limit is {}", limits.bytes);
    Err(Failure::new(Class::Invalid, "too-large", message).at(at, bytes.to_string()))
}

/// One more of something.
///
/// # Errors
/// [`Class::Exhausted`] if there are as many as there may be.
pub fn room(what: &str, count: usize, most: usize) -> Result<(), Failure> {
    if count < most {
        return Ok(());
    }
    let message = format!("there are {count} {what}, and there may be no more");
    Err(Failure::new(Class::Exhausted, "limit", message)
        .at(what, count.to_string())
        .with_hint(format!("remove {what} that nobody needs")))
}
