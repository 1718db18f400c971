//! Limits on subscriptions, silences, inhibitions and what they say.
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use orewatch_rules::tenant::{IDENTIFIER_HINT, is_identifier, tenant_of};

/// How much is kept, and how large it may be. The defaults are those of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Subscriptions.
    pub subscriptions: usize,
    /// Pending and active silences.
    pub silences: usize,
    /// Ended silences that are still listed.
    pub ended_silences: usize,
    /// Inhibitions.
    pub inhibitions: usize,
    /// Bytes of a subscription, a silence or an inhibition.
    pub bytes: usize,
    /// Groups of a subscription. An alert whose group would be one more waits until there is room.
    pub groups: usize,
    /// Alerts listed in a message; the others are only counted.
    pub alerts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            subscriptions: 5_000,
            silences: 1_000,
            ended_silences: 1_000,
            inhibitions: 200,
            bytes: 16 << 10,
            groups: 10_000,
            alerts: 50,
        }
    }
}

/// How long the first alert of a group waits for others, unless the subscription says otherwise.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// Least time between two messages of a group, unless the subscription says otherwise.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(5);
/// Longest wait and interval.
pub const MAX_WAIT: Duration = Duration::from_hours(24);
/// Shortest repeat, escalation and acknowledgement.
pub const MIN_REPEAT: Duration = Duration::from_mins(1);
/// Longest repeat, escalation and acknowledgement.
pub const MAX_REPEAT: Duration = Duration::from_hours(366 * 24);
/// Longest note, author, owner and reason, in characters.
pub const MAX_TEXT_CHARS: usize = 1_000;
/// Most grouping fields, quiet hours and severities in a list.
pub const MAX_LIST_ENTRIES: usize = 16;

/// Checks an identifier that people choose.
///
/// # Errors
/// [`Class::Invalid`] if it cannot be part of a stream's name.
pub fn check_identifier(field: &str, id: &str) -> Result<(), Failure> {
    if is_identifier(id) {
        return Ok(());
    }
    let wrong = Failure::new(Class::Invalid, "invalid-id", format!("{id:?} cannot be an identifier"));
    Err(wrong.at(field, id).with_hint(IDENTIFIER_HINT))
}

/// Checks the length of a text for people.
///
/// # Errors
/// [`Class::Invalid`] if it is too long.
pub fn check_length(field: &str, text: &str) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= MAX_TEXT_CHARS {
        return Ok(());
    }
    let message = format!("{field} has {length} characters, the limit is {MAX_TEXT_CHARS}");
    Err(Failure::new(Class::Invalid, "too-long", message).at(field, text))
}

/// Checks the length of a list.
///
/// # Errors
/// [`Class::Invalid`] if it is too long.
pub fn check_count(field: &str, count: usize) -> Result<(), Failure> {
    if count <= MAX_LIST_ENTRIES {
        return Ok(());
    }
    let message = format!("{field} has {count} entries, the limit is {MAX_LIST_ENTRIES}");
    Err(Failure::new(Class::Invalid, "too-many", message).at(field, count.to_string()))
}

/// Checks the size of a whole message.
///
/// # Errors
/// [`Class::Invalid`] if it is too large.
pub fn check_size(field: &str, bytes: usize, limits: &Limits) -> Result<(), Failure> {
    if bytes <= limits.bytes {
        return Ok(());
    }
    let message = format!("the {field} has {bytes} bytes, the limit is {}", limits.bytes);
    Err(Failure::new(Class::Invalid, "too-large", message).at(field, bytes.to_string()))
}

/// One tenant may have a quarter of each limit, so that it leaves room for others.
const TENANT_SHARE: usize = 4;

/// How many subscriptions, silences, inhibitions or receivers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Of all tenants.
    pub all: usize,
    /// Of the tenant that adds one; 0 if it belongs to no tenant.
    pub own: usize,
}

impl Count {
    /// Counts identifiers, before one with this identifier is added.
    pub fn before_adding<'a>(ids: impl Iterator<Item = &'a str>, id: &str) -> Self {
        let tenant = tenant_of(id);
        ids.fold(Self::default(), |count, other| Self {
            all: count.all + 1,
            own: count.own + usize::from(!tenant.is_empty() && tenant_of(other) == tenant),
        })
    }
}

/// Checks that one more may be added.
///
/// # Errors
/// [`Class::Exhausted`] if the limit is reached, of all tenants or of the one.
pub fn check_room(what: &str, count: Count, max: usize) -> Result<(), Failure> {
    let share = max.div_ceil(TENANT_SHARE);
    let (count, whose) = match count {
        Count { all, .. } if all >= max => (all, ""),
        Count { own, .. } if own >= share => (own, " of this tenant"),
        _ => return Ok(()),
    };
    let message = format!("there are {count} {what}{whose}, which is the limit");
    Err(Failure::new(Class::Exhausted, "quota-reached", message)
        .at(what, count.to_string())
        .with_hint(format!("remove {what} that are no longer needed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_cannot_use_up_the_limit() {
        let own: Vec<_> = (0..5).map(|number| format!("acme:s{number}")).collect();
        let ids = || own.iter().map(String::as_str);
        let more = |id| check_room("silences", Count::before_adding(ids(), id), 20);
        let failure = more("acme:one-more").unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (Class::Exhausted, "quota-reached"));
        assert!(failure.message.contains("5 silences of this tenant"), "{failure}");
        assert_eq!((more("beta:first"), more("everyones")), (Ok(()), Ok(())));
        assert!(
            check_room("silences", Count::before_adding(ids(), "beta:first"), 5).is_err(),
            "the limit of all tenants holds too"
        );
    }
}
