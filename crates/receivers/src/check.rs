//! Checks the definition of a receiver. Its destination is checked when it is stored and again at every
//! attempt.

use std::ops::RangeInclusive;
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::Receiver;
use orewatch_contracts::text::first_hidden;
use orewatch_contracts::time::{display_duration, duration};
use orewatch_rules::tenant::{IDENTIFIER_HINT, is_identifier, same_tenant};

use crate::context::ChannelContext;
use crate::invalid::invalid_receiver;
use crate::registry;

/// Upper bound on the length of title and owner, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// Permitted timeouts of an attempt.
const TIMEOUT_RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

/// Shortest heartbeat interval.
const MIN_HEARTBEAT: Duration = Duration::from_secs(60);

/// Checks a receiver and returns it in the form that is stored.
///
/// # Errors
/// [`Class::Invalid`](orewatch_contracts::Class::Invalid) with field, value and what to do.
pub(crate) fn check(receiver: &Receiver, context: &ChannelContext<'_>) -> Result<Receiver, Failure> {
    let receiver = Receiver { title: receiver.title.trim().to_owned(), ..receiver.clone() };
    check_identifier("id", &receiver.id)?;
    for (field, text) in [("title", &receiver.title), ("owner", &receiver.owner)] {
        if text.chars().count() > MAX_TEXT_CHARS || first_hidden(text, false).is_some() {
            return Err(invalid_receiver(
                field,
                text,
                "the text is too long or has control characters",
                "use one line of at most 200 characters",
            ));
        }
    }
    if !receiver.fallback.is_empty() {
        check_identifier("fallback", &receiver.fallback)?;
        if receiver.fallback == receiver.id {
            return Err(invalid_receiver(
                "fallback",
                &receiver.fallback,
                "a receiver cannot be its own fallback",
                "name another receiver",
            ));
        }
        same_tenant("fallback", &receiver.id, &receiver.fallback)?;
    }
    if let Some(timeout) = &receiver.timeout
        && duration(timeout).is_none_or(|timeout| !TIMEOUT_RANGE.contains(&timeout))
    {
        return Err(invalid_receiver(
            "timeout",
            display_duration(timeout),
            "the timeout is out of range",
            "use 1s to 60s",
        ));
    }
    if let Some(heartbeat) = &receiver.heartbeat
        && duration(heartbeat).is_none_or(|interval| interval < MIN_HEARTBEAT)
    {
        return Err(invalid_receiver(
            "heartbeat",
            display_duration(heartbeat),
            "the heartbeat interval is too short",
            "use 60s or more",
        ));
    }
    let Some(kind) = &receiver.kind else {
        let hint = format!("give one of {}", registry::list_kind_names());
        return Err(invalid_receiver("kind", "", "the receiver has no kind", hint));
    };
    registry::check(kind, &receiver, context)?;
    Ok(receiver)
}

fn check_identifier(field: &str, id: &str) -> Result<(), Failure> {
    if is_identifier(id) {
        Ok(())
    } else {
        Err(invalid_receiver(field, id, "this is not an identifier", IDENTIFIER_HINT))
    }
}
