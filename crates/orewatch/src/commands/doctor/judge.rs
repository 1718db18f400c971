//! From what was measured to a verdict. Nothing here reads a clock, a disk or a network.
use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::check::Check;
use super::endpoint::Endpoint;
use super::found::{Answer, Health};

/// Time of a look-up from which it is slow.
const SLOW_LOOKUP: Duration = Duration::from_secs(1);

/// Time of a flush that 99 of 100 must not exceed: from there on it is slow, and too slow. Every append waits
/// for at least one.
const SLOW_SYNC: Duration = Duration::from_millis(20);
const TOO_SLOW_SYNC: Duration = Duration::from_millis(100);

/// Free part of a disk below which it should be looked at, in percent.
const LOW_SPACE_PERCENT: u64 = 10;

/// Free bytes below which a disk is as good as full: the largest append of each log, several times (256 MiB).
const TOO_LOW_SPACE: u64 = 256 << 20;

/// Time before the end of a certificate from which it should be renewed.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(21 * 24);

/// Largest difference between two clocks of which one is read from a header, which has whole seconds.
const MAX_CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_secs(3);

/// What came of looking up a name.
pub(super) fn lookup(endpoint: &Endpoint, found: Result<Vec<IpAddr>, String>, took: Duration) -> Check {
    let host = &endpoint.host;
    let remedy = "correct the name, or the name server of this machine";
    match found {
        Err(reason) => Check::fail("dns", host, reason, remedy),
        Ok(addresses) if addresses.is_empty() => Check::fail("dns", host, "no address", remedy),
        Ok(addresses) => {
            let shown = addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
            let found = format!("{shown} in {} ms", took.as_millis());
            match took >= SLOW_LOOKUP {
                true => Check::warn("dns", host, found, "look at the name server: it is slow"),
                false => Check::pass("dns", host, found),
            }
        }
    }
}

/// What is to be said of a certificate that a server shows. `until` is the time up to which the whole chain
/// is valid, or the reason why it is not now.
pub(super) fn certificate(endpoint: &Endpoint, until: Result<Timestamp, String>, now: Timestamp) -> Check {
    let subject = endpoint.to_string();
    match until {
        Err(reason) => Check::fail(
            "tls",
            subject,
            reason,
            "renew the certificate, or name the authority that issued it (--nats-ca, --ca-file)",
        ),
        Ok(until) => {
            let left = until.duration_since(now);
            let found = format!("valid until {until:.0}, {} days", left.as_hours() / 24);
            match left < EXPIRES_SOON {
                true => Check::warn("tls", subject, found, "renew the certificate"),
                false => Check::pass("tls", subject, found),
            }
        }
    }
}

/// The time that so many percent of times do not exceed (nearest rank). Zero without any.
pub(super) fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100);
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// What is to be said of the times of flushes in a folder.
pub(super) fn sync(folder: &str, times: Result<Vec<Duration>, String>) -> Check {
    let subject = format!("flushing in {folder}");
    let remedy = "use a disk that flushes faster, with a cache that survives a loss of power, or fewer \
                  neighbours on it: every append waits for this";
    let times = match times {
        Ok(times) => times,
        Err(reason) => {
            let remedy = "let the process write there: check owner, mode and mount of the folder";
            return Check::fail("disk", subject, reason, remedy);
        }
    };
    let (count, slowest) = (times.len(), percentile(times, 99));
    let found = format!("p99 of {count} writes: {:.1} ms", slowest.as_secs_f64() * 1_000.0);
    match slowest {
        slow if slow >= TOO_SLOW_SYNC => Check::fail("disk", subject, found, remedy),
        slow if slow >= SLOW_SYNC => Check::warn("disk", subject, found, remedy),
        _ => Check::pass("disk", subject, found),
    }
}

/// What is to be said of the free and the total bytes of a disk.
pub(super) fn space(folder: &str, bytes: Result<(u64, u64), String>) -> Check {
    let subject = format!("space in {folder}");
    let remedy = "make room or enlarge the disk: a full one stops all writing";
    match bytes {
        Err(reason) => Check::fail("disk", subject, reason, "check the path and the permissions"),
        Ok((free, total)) => {
            let percent = u128::from(free) * 100 / u128::from(total.max(1));
            let found = format!("{} MiB free of {} MiB, {percent} %", free >> 20, total >> 20);
            if free < TOO_LOW_SPACE {
                Check::fail("disk", subject, found, remedy)
            } else if percent < u128::from(LOW_SPACE_PERCENT) {
                Check::warn("disk", subject, found, remedy)
            } else {
                Check::pass("disk", subject, found)
            }
        }
    }
}

/// What is to be said of a folder that is not there yet.
pub(super) fn missing(area: &'static str, subject: String, can_be_made: bool) -> Check {
    match can_be_made {
        true => Check::pass(area, subject, "not there yet, and can be made"),
        false => Check::fail(
            area,
            subject,
            "not there, and cannot be made",
            "make the folder, and let the process write there: check owner, mode and mount of the one above",
        ),
    }
}

/// What a process may do in a folder or bucket. The error has the right that it lacks and the reason.
pub(super) fn place(subject: String, outcome: Result<(), (&'static str, String)>) -> Check {
    let Err((right, reason)) = outcome else {
        return Check::pass("store", subject, "an object was written, read and removed");
    };
    let remedy = match right {
        "settings" => "set AWS_REGION, AWS_ENDPOINT_URL and the keys in the environment of the process",
        "replace" => {
            "use a bucket with conditional writes (If-Match and If-None-Match): replicas share snapshots by \
             them"
        }
        _ => {
            "let the process read, write and remove objects there: check owner and mode, or the policy of \
             the bucket"
        }
    };
    Check::fail("store", subject, format!("{right} fails: {reason}"), remedy)
}

/// What is to be said of the health of a service.
pub(super) fn health(health: &Health) -> Check {
    let subject = format!("{} at {}", health.service, health.address);
    let reasons = health.lines.join("; ");
    match health.answer {
        Answer::Serving if reasons.is_empty() => Check::pass("service", subject, "ready"),
        Answer::Serving => {
            Check::warn("service", subject, format!("ready, but {reasons}"), "look at the log that it names")
        }
        Answer::Stale => Check::warn(
            "service",
            subject,
            format!("it answers from what it has read: {reasons}"),
            "bring back the log that it names; it goes on by itself",
        ),
        Answer::NotServing if reasons.is_empty() => Check::fail(
            "service",
            subject,
            "not ready: it reads its logs, or it is stopping",
            "wait until it has read its logs; its own log says how far it is",
        ),
        Answer::NotServing => Check::fail(
            "service",
            subject,
            format!("not ready: {reasons}"),
            "bring back the log that it names",
        ),
        Answer::Absent => Check::fail(
            "service",
            subject,
            "the server has no such service",
            "name the server that has it, with --ingestion, --exposure or --alerting",
        ),
    }
}

/// What is to be said of the clock of a server, whose answer was dated `theirs` when it was `ours` here.
pub(super) fn clock(subject: String, theirs: Timestamp, ours: Timestamp) -> Check {
    let difference = theirs.duration_since(ours).abs();
    let found = format!("{:.0} s apart", difference.as_secs_f64());
    match difference <= MAX_CLOCK_DIFFERENCE {
        true => Check::pass("clock", subject, found),
        false => Check::fail(
            "clock",
            subject,
            found,
            "synchronise the clocks of this machine and of the server (chrony, ntpd)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    fn millis(times: &[u64]) -> Vec<Duration> {
        times.iter().map(|time| Duration::from_millis(*time)).collect()
    }

    #[test]
    fn the_slowest_of_a_hundred_flushes_but_one_decides() {
        let mut times = millis(&[5; 99]);
        times.push(Duration::from_secs(3));
        assert_eq!(percentile(times.clone(), 99), Duration::from_millis(5));
        assert_eq!(percentile(Vec::new(), 99), Duration::ZERO);
        for (slowest, verdict) in [
            (19, Verdict::Pass),
            (20, Verdict::Warn),
            (99, Verdict::Warn),
            (100, Verdict::Fail),
            (5_000, Verdict::Fail),
        ] {
            assert_eq!(sync("/data", Ok(millis(&[1, 2, slowest]))).verdict, verdict, "{slowest} ms");
        }
        assert_eq!(sync("/data", Err("read-only".to_owned())).verdict, Verdict::Fail);
    }

    #[test]
    fn little_space_is_a_warning_and_next_to_none_a_failure() {
        let gib = |number: u64| number << 30;
        for (free, total, verdict) in [
            (gib(50), gib(100), Verdict::Pass),
            (gib(10), gib(100), Verdict::Pass),
            (gib(9), gib(100), Verdict::Warn),
            (TOO_LOW_SPACE - 1, gib(1), Verdict::Fail),
            (0, 0, Verdict::Fail),
            (u64::MAX, u64::MAX, Verdict::Pass),
        ] {
            assert_eq!(space("/data", Ok((free, total))).verdict, verdict, "{free} of {total}");
        }
    }

    #[test]
    fn certificates_clocks_and_names_have_their_limits() {
        let endpoint = Endpoint::parse("https://figures.example").unwrap();
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        let days = |number: i64| now + SignedDuration::from_hours(24 * number);
        assert_eq!(certificate(&endpoint, Ok(days(21)), now).verdict, Verdict::Pass);
        let soon = certificate(&endpoint, Ok(days(20)), now);
        assert_eq!(
            (soon.verdict, soon.found.as_str()),
            (Verdict::Warn, "valid until 2026-12-20T12:00:00Z, 20 days")
        );
        assert_eq!(certificate(&endpoint, Err("expired".to_owned()), now).verdict, Verdict::Fail);

        let second = SignedDuration::from_secs(1);
        assert_eq!(clock("x".to_owned(), now + second * 3, now).verdict, Verdict::Pass);
        assert_eq!(clock("x".to_owned(), now - second * 4, now).verdict, Verdict::Fail);

        let address = vec![IpAddr::from([127, 0, 0, 1])];
        assert_eq!(lookup(&endpoint, Ok(address.clone()), Duration::ZERO).verdict, Verdict::Pass);
        assert_eq!(lookup(&endpoint, Ok(address), SLOW_LOOKUP).verdict, Verdict::Warn);
        assert_eq!(lookup(&endpoint, Ok(Vec::new()), Duration::ZERO).verdict, Verdict::Fail);
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        assert_eq!(place("archive".to_owned(), Ok(())).verdict, Verdict::Pass);
        for right in ["settings", "write", "read", "replace", "remove"] {
            let check = place("archive".to_owned(), Err((right, "denied".to_owned())));
            assert_eq!(check.found, format!("{right} fails: denied"));
            assert!(!check.remedy.is_empty());
        }
    }

    #[test]
    fn a_service_says_why_it_is_not_ready() {
        let of = |answer, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            health(&Health { service: "exposure", address: "http://a:1".to_owned(), answer, lines })
        };
        assert_eq!(of(Answer::Serving, &[]).verdict, Verdict::Pass);
        assert_eq!(of(Answer::Serving, &["3 messages passed over"]).verdict, Verdict::Warn);
        assert_eq!(of(Answer::Stale, &["observations is away"]).verdict, Verdict::Warn);
        let away = of(Answer::NotServing, &["observations is away"]);
        assert_eq!((away.verdict, away.found.as_str()), (Verdict::Fail, "not ready: observations is away"));
        assert_eq!(of(Answer::NotServing, &[]).verdict, Verdict::Fail);
        assert_eq!(of(Answer::Absent, &[]).verdict, Verdict::Fail);
    }
}
