//! When a connector asks: the next poll, the next call. Pure.
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::config::Connector;
use super::judge::jitter;
use super::state::{Open, Record, day};

/// How long whoever asks may not be heard of before somebody else goes on: longer than a call may take.
pub(super) const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// Longest part of the time between polls by which they are spread.
const MOST_SPREAD: SignedDuration = SignedDuration::from_mins(10);

/// Age at which an open poll is not gone on with: what it has is not of one day any more.
pub(super) const STALE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Who looks at the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    /// Their name as a holder.
    pub(super) holder: String,
    /// Nobody else can write this log.
    pub(super) alone: bool,
}

/// When the next poll begins, or the open one goes on. None: never by itself.
pub(super) fn next(
    connector: &Connector,
    record: &Record,
    who: &Who,
    started: Timestamp,
) -> Option<Timestamp> {
    if let Some(open) = &record.open {
        let free = free_at(open, who);
        let allowed = call_at(connector, record, open.resume_at, open.heard_at);
        return Some(free.max(allowed));
    }
    let every = SignedDuration::try_from(connector.every?).ok()?;
    let spread = |wait: SignedDuration, number| jitter(wait, &connector.name, number) - wait / 2;
    match record.ended_at {
        // Not all at once when a service starts for the first time.
        None => started.checked_add(spread(SignedDuration::from_secs(10), 0)).ok(),
        Some(ended) => {
            let late = spread((every / 5).min(MOST_SPREAD), 1);
            ended.checked_add(every).and_then(|at| at.checked_add(late)).ok()
        }
    }
}

/// When an open poll may be gone on with by `who`.
pub(super) fn free_at(open: &Open, who: &Who) -> Timestamp {
    if who.alone || open.holder == who.holder {
        return open.heard_at;
    }
    let heard = open.resume_at.map_or(open.heard_at, |resume| resume.max(open.heard_at));
    heard.checked_add(LEASE).unwrap_or(Timestamp::MAX)
}

/// When the next call may be made: not before the answers say, not too close to the last one, not beyond the day's quota.
pub(super) fn call_at(
    connector: &Connector,
    record: &Record,
    not_before: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let paced = record.called_at.map(|last| after(last, connector.interval));
    let at = [Some(now), paced, not_before].into_iter().flatten().max().unwrap_or(now);
    match calls_left(connector, record, day(at)) {
        Some(0) => tomorrow(day(at)),
        _ => at,
    }
}

/// Calls that the quota of a day still allows. None: any number.
pub(super) fn calls_left(connector: &Connector, record: &Record, today: Date) -> Option<u32> {
    connector.quota.map(|quota| quota.saturating_sub(record.calls_on(today)))
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

/// The first instant of the day after in UTC.
fn tomorrow(today: Date) -> Timestamp {
    let midnight = today.tomorrow().and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)));
    midnight.unwrap_or(Timestamp::MAX)
}
