//! When a connector polls, and when it may make its next call. Pure.
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::config::Connector;
use super::state::{ConnectorState, OpenPoll, utc_day};
use super::status::jitter;

/// Time without an event after which another process may take over a poll: longer than a call may take.
pub(super) const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// Upper bound on the random spread of polls.
const MAX_SPREAD: SignedDuration = SignedDuration::from_mins(10);

/// Age at which an open poll is abandoned: its responses are no longer of one day.
pub(super) const MAX_OPEN_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A process that may hold the lease of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeaseHolder {
    /// Name of the holder.
    pub(super) holder: String,
    /// No other process can write the log.
    pub(super) is_sole_writer: bool,
}

/// When the next poll begins, or the open one continues. `None`: never on its own.
pub(super) fn next_poll(
    connector: &Connector,
    record: &ConnectorState,
    who: &LeaseHolder,
    started: Timestamp,
) -> Option<Timestamp> {
    if let Some(open) = &record.open {
        let free = lease_ends_at(open, who);
        let allowed = next_call_at(connector, record, open.resume_at, open.heard_at);
        return Some(free.max(allowed));
    }
    let every = SignedDuration::try_from(connector.every?).ok()?;
    let spread = |wait: SignedDuration, number| jitter(wait, &connector.name, number) - wait / 2;
    match record.ended_at {
        // Spread, so that not all connectors poll at once when a service first starts.
        None => started.checked_add(spread(SignedDuration::from_secs(10), 0)).ok(),
        Some(ended) => {
            let late = spread((every / 5).min(MAX_SPREAD), 1);
            ended.checked_add(every).and_then(|at| at.checked_add(late)).ok()
        }
    }
}

/// When `holder` may continue an open poll.
pub(super) fn lease_ends_at(open: &OpenPoll, who: &LeaseHolder) -> Timestamp {
    if who.is_sole_writer || open.holder == who.holder {
        return open.heard_at;
    }
    let heard = open.resume_at.map_or(open.heard_at, |resume| resume.max(open.heard_at));
    heard.checked_add(LEASE).unwrap_or(Timestamp::MAX)
}

/// When the next call may be made: not before the responses allow it, not too soon after the last call, not
/// beyond the day's quota.
pub(super) fn next_call_at(
    connector: &Connector,
    record: &ConnectorState,
    not_before: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let paced = record.called_at.map(|last| later_by(last, connector.interval));
    let at = [Some(now), paced, not_before].into_iter().flatten().max().unwrap_or(now);
    match calls_left(connector, record, utc_day(at)) {
        Some(0) => tomorrow(utc_day(at)),
        _ => at,
    }
}

/// Calls that the day's quota still allows. `None`: any number.
pub(super) fn calls_left(connector: &Connector, record: &ConnectorState, today: Date) -> Option<u32> {
    connector.quota.map(|quota| quota.saturating_sub(record.calls_on(today)))
}

fn later_by(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

/// The beginning of the next day in UTC.
fn tomorrow(today: Date) -> Timestamp {
    let midnight = today.tomorrow().and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)));
    midnight.unwrap_or(Timestamp::MAX)
}
