//! When a message that was not taken is tried again: the schedule of Standard Webhooks, with jitter.
use std::time::Duration;

use uuid::Uuid;

const SECOND: u64 = 1;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// How long after a failed attempt the next one follows: 5 s after the first, 24 h after the ninth. Together 75 h 35 min 5 s.
const PAUSES: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// Longest wait that a receiver can ask for.
pub const LONGEST: Duration = Duration::from_secs(24 * HOUR);

/// How much longer than the schedule says is waited at most, in thousandths.
const JITTER: u64 = 100;

/// How many attempts there are in all.
pub const ATTEMPTS: u32 = 10;

/// How long after its `tries`-th attempt a message is tried again; None: not any more.
///
/// Up to a tenth is added, which follows from the message and the attempt: messages that failed together do not come back
/// together, and every replica waits for the same moment. A receiver that asks for a longer wait gets it, up to a day; one that
/// asks for a shorter one does not, or a few hasty answers would use the attempts up.
#[must_use]
pub fn pause(message: &str, tries: u32, retry_after: Option<Duration>) -> Option<Duration> {
    let step = PAUSES.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:orewatch:delivery:jitter");
    let drawn =
        Uuid::new_v5(&namespace, format!("{message}/{tries}").as_bytes()).as_u64_pair().0 % (JITTER + 1);
    let scheduled = Duration::from_millis(step.saturating_mul(1000 + drawn));
    Some(retry_after.map_or(scheduled, |asked| scheduled.max(asked.min(LONGEST))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d11_the_schedule_is_that_of_standard_webhooks() {
        let id = "5a4f2c1e-7a7f-5a6e-9a51-2f0f0f5f9a11";
        let pauses: Vec<u64> =
            (1..).map_while(|tries| pause(id, tries, None)).map(|pause| pause.as_secs()).collect();
        let wanted = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
        assert_eq!(pauses.len() + 1, ATTEMPTS as usize);
        for (pause, wanted) in pauses.iter().zip(wanted) {
            assert!((wanted..=wanted + wanted / 10).contains(pause), "{pause} for {wanted}");
        }
        assert_eq!(pause(id, 3, None), pause(id, 3, None), "every replica waits for the same moment");
        let others: std::collections::BTreeSet<_> =
            (0..50).map(|k| pause(&format!("message {k}"), 5, None)).collect();
        assert!(others.len() > 20, "messages that failed together do not come back together");
    }

    #[test]
    fn d10_a_longer_wait_is_honoured_up_to_a_day() {
        let after = |seconds| pause("m", 1, Some(Duration::from_secs(seconds))).unwrap().as_secs();
        assert_eq!(after(120), 120);
        assert_eq!(after(1), pause("m", 1, None).unwrap().as_secs());
        assert_eq!(after(u64::MAX), 86_400);
        assert_eq!(pause("m", 10, Some(Duration::from_secs(1))), None);
        assert_eq!(pause("m", 0, None), None);
    }
}
