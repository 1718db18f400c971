//! A limit on how often each identity may call.
//!
//! Every identity has a bucket of permits that fills at its rate, up to what two seconds bring. A call takes
//! one; without one, it is refused with the time until the next. Callers without an identity have no limit of
//! this kind: they are bounded by how many calls there may be at a time.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use tokio::time::Instant;

use crate::Identity;

/// Calls a second of an identity for which no file says otherwise.
const USUAL_RATE: u32 = 1_000;

/// Time whose permits a bucket holds, in seconds: calls may come in bursts.
const BURST_SECONDS: f64 = 2.0;

/// Number of buckets from which on those that are full are dropped. A full bucket is as good as none.
const MANY_BUCKETS: usize = 4_096;

/// A limit on the rate of calls. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimit(Arc<Mutex<BTreeMap<String, Bucket>>>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    /// Permits a second.
    rate: f64,
    permits: f64,
    /// When the permits were counted.
    at: Instant,
}

impl Bucket {
    fn full(rate: f64, now: Instant) -> Self {
        Self { rate, permits: rate * BURST_SECONDS, at: now }
    }

    /// The bucket at a later time.
    fn filled(self, now: Instant) -> Self {
        let gained = now.duration_since(self.at).as_secs_f64() * self.rate;
        Self { permits: (self.permits + gained).min(self.rate * BURST_SECONDS), at: now, ..self }
    }

    fn is_full(&self) -> bool {
        self.permits >= self.rate * BURST_SECONDS
    }

    /// Takes a permit, or says how long it takes until there is one.
    fn take(&mut self) -> Result<(), Duration> {
        if self.permits >= 1.0 {
            self.permits -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.permits) / self.rate))
    }
}

impl RateLimit {
    /// Counts a call.
    ///
    /// # Errors
    /// [`Class::Exhausted`], with the time after which to try again, if the caller calls too often.
    pub(crate) fn admit(&self, caller: &Identity) -> Result<(), Failure> {
        if caller.name.is_empty() {
            return Ok(());
        }
        let rate = caller.calls_per_second.unwrap_or(USUAL_RATE);
        let wait = match self.take(&caller.name, f64::from(rate), Instant::now()) {
            Ok(()) => return Ok(()),
            Err(wait) => wait,
        };
        let message = format!("{} makes more than {rate} calls a second, which is the most", caller.name);
        Err(Failure::new(Class::Exhausted, "too-many-calls", message)
            .with_hint("send fewer calls; calls that stream or list bring more at a time")
            .retry_after(wait.max(Duration::from_millis(1))))
    }

    fn take(&self, name: &str, rate: f64, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY_BUCKETS && !buckets.contains_key(name) {
            buckets.retain(|_, bucket| !bucket.filled(now).is_full());
        }
        let bucket = buckets.entry(name.to_owned()).or_insert_with(|| Bucket::full(rate, now));
        *bucket = bucket.filled(now);
        bucket.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, rate: u32) -> Identity {
        let mut identity = Identity::open();
        identity.name = name.to_owned();
        identity.calls_per_second = Some(rate);
        identity
    }

    #[tokio::test(start_paused = true)]
    async fn each_identity_has_a_rate_of_its_own() {
        let limit = RateLimit::default();
        let (slow, fast) = (caller("slow", 5), caller("fast", 50));
        let admitted = |who: &Identity| (0..1_000).filter(|_| limit.admit(who).is_ok()).count();
        assert_eq!((admitted(&slow), admitted(&fast)), (10, 100), "the permits of two seconds");
        let failure = limit.admit(&slow).unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (Class::Exhausted, "too-many-calls"));
        assert_eq!(failure.retry_after, Some(Duration::from_millis(200)));
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(admitted(&slow), 1);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(admitted(&slow), 10, "no more than two seconds are saved up");
        assert_eq!(admitted(&Identity::open()), 1_000, "without an identity there is no rate");
    }

    #[tokio::test(start_paused = true)]
    async fn buckets_of_callers_who_left_are_dropped() {
        let limit = RateLimit::default();
        for number in 0..MANY_BUCKETS {
            limit.admit(&caller(&number.to_string(), 10)).unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        limit.admit(&caller("late", 10)).unwrap();
        assert_eq!(limit.0.lock().unwrap().len(), 1);
    }
}
