//! When a message is retried: the schedule of Standard Webhooks, with jitter.
use std::time::Duration;

use orewatch_contracts::ids::Namespace;

const SECOND: u64 = 1;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Seconds from a failed attempt to the next one: 5 s after the first, 24 h after the ninth; 75 h 35 min 5 s
/// in all.
const PAUSES: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Longest wait that a receiver can ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * HOUR);

/// Largest extension of a scheduled pause, in thousandths.
const MAX_JITTER: u64 = 100;

/// Attempts by schedule, the first included.
pub const MAX_ATTEMPTS: u32 = 10;

/// The pause after the `attempt`-th attempt of a message. None: it is not retried.
///
/// Up to a tenth is added, which follows from the message and the attempt: messages that failed together are
/// not retried together, and every replica computes the same time. A receiver that asks for a longer pause
/// gets it, up to a day. One that asks for a shorter pause does not, since a few such answers would use up
/// the attempts.
#[must_use]
pub fn pause_after(message: &str, attempt: u32, retry_after: Option<Duration>) -> Option<Duration> {
    let step = PAUSES.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    let drawn = Namespace::DeliveryJitter.derive(format!("{message}/{attempt}")).as_u64_pair().0;
    let jitter = drawn % (MAX_JITTER + 1);
    let scheduled = Duration::from_millis(step.saturating_mul(1000 + jitter));
    Some(retry_after.map_or(scheduled, |asked| scheduled.max(asked.min(MAX_RETRY_AFTER))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d11_the_schedule_is_that_of_standard_webhooks() {
        let id = "5a4f2c1e-7a7f-5a6e-9a51-2f0f0f5f9a11";
        let pauses: Vec<u64> =
            (1..).map_while(|attempt| pause_after(id, attempt, None)).map(|pause| pause.as_secs()).collect();
        let wanted = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
        assert_eq!(pauses.len() + 1, MAX_ATTEMPTS as usize);
        for (pause, wanted) in pauses.iter().zip(wanted) {
            assert!((wanted..=wanted + wanted / 10).contains(pause), "{pause} for {wanted}");
        }
        assert_eq!(
            pause_after(id, 3, None),
            pause_after(id, 3, None),
            "every replica computes the same time"
        );
        let others: std::collections::BTreeSet<_> =
            (0..50).map(|k| pause_after(&format!("message {k}"), 5, None)).collect();
        assert!(others.len() > 20, "messages that failed together are not retried together");
    }

    #[test]
    fn d10_a_longer_pause_is_honoured_up_to_a_day() {
        let after = |seconds| pause_after("m", 1, Some(Duration::from_secs(seconds))).unwrap().as_secs();
        assert_eq!(after(120), 120);
        assert_eq!(after(1), pause_after("m", 1, None).unwrap().as_secs());
        assert_eq!(after(u64::MAX), 86_400);
        assert_eq!(pause_after("m", 10, Some(Duration::from_secs(1))), None);
        assert_eq!(pause_after("m", 0, None), None);
    }
}
