//! Limits on how many of something there are at a time, in all and for each identity.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Identity;

/// Time after which a refused caller is told to try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A limit on things that happen at the same time, such as calls. Clones share the limit.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    /// What is admitted, in the plural, for messages.
    what: &'static str,
    max: usize,
    max_per_identity: usize,
    admitted: Mutex<Admitted>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Admitted {
    all: usize,
    by_identity: BTreeMap<String, usize>,
}

impl Gate {
    fn admitted(&self) -> MutexGuard<'_, Admitted> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// A limit of `max` in all and of `max_per_identity` for each identity. Without configured tokens callers
    /// have no identity, and only `max` counts.
    #[must_use]
    pub fn new(what: &'static str, max: usize, max_per_identity: usize) -> Self {
        Self(Arc::new(Gate { what, max, max_per_identity, admitted: Mutex::default(), freed: Notify::new() }))
    }

    /// Admits one more.
    ///
    /// # Errors
    /// [`Class::Exhausted`], with the time after which to try again, if a limit is reached.
    pub fn admit(&self, caller: &Identity) -> Result<Permit, Failure> {
        let Gate { what, max, max_per_identity, .. } = &*self.0;
        let mut admitted = self.0.admitted();
        let own = admitted.by_identity.get(&caller.name).copied().unwrap_or_default();
        if admitted.all >= *max {
            return Err(busy(format!("{max} {what} are under way, which is the most at a time")));
        }
        if !caller.name.is_empty() && own >= *max_per_identity {
            let message =
                format!("{max_per_identity} {what} of {} are under way, which is the most", caller.name);
            return Err(busy(message));
        }
        admitted.all += 1;
        admitted.by_identity.insert(caller.name.clone(), own + 1);
        Ok(Permit { gate: Arc::clone(&self.0), identity: caller.name.clone() })
    }

    /// Admits one more, waiting up to `patience` until the limits allow it.
    ///
    /// # Errors
    /// Those of [`Admission::admit`], if there is no room in time.
    pub async fn admit_within(&self, caller: &Identity, patience: Duration) -> Result<Permit, Failure> {
        let until = Instant::now() + patience;
        loop {
            // Registered before the check, so that a permit that is freed in between is not missed.
            let freed = self.0.freed.notified();
            let refused = match self.admit(caller) {
                Ok(permit) => return Ok(permit),
                Err(refused) => refused,
            };
            if tokio::time::timeout_at(until, freed).await.is_err() {
                return Err(refused);
            }
        }
    }

    /// How many are admitted now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.admitted().all
    }
}

/// Permission for one thing. Dropping it makes room for another.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    identity: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut admitted = self.gate.admitted();
        admitted.all = admitted.all.saturating_sub(1);
        let own = admitted.by_identity.get(&self.identity).copied().unwrap_or_default();
        if own > 1 {
            admitted.by_identity.insert(std::mem::take(&mut self.identity), own - 1);
        } else {
            admitted.by_identity.remove(&self.identity);
        }
        drop(admitted);
        self.gate.freed.notify_waiters();
    }
}

/// The error for a limit that is reached for the moment.
pub(crate) fn busy(message: impl Into<String>) -> Failure {
    Failure::new(Class::Exhausted, "too-busy", message)
        .with_hint("try again after some seconds, with fewer calls at a time")
        .retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_bounded_in_all_and_for_each_identity() {
        let named = |name: &str| {
            let mut identity = Identity::open();
            identity.name = name.to_owned();
            identity
        };
        let admission = Admission::new("things", 3, 2);
        let first = admission.admit(&named("a")).unwrap();
        let _second = admission.admit(&named("a")).unwrap();
        let third = admission.admit(&named("a")).unwrap_err();
        assert_eq!((third.class, third.retry_after), (Class::Exhausted, Some(RETRY_AFTER)));
        let _other = admission.admit(&named("b")).unwrap();
        assert!(admission.admit(&named("c")).unwrap_err().message.contains("3 things"));
        drop(first);
        assert!(admission.admit(&named("c")).is_ok());
        assert_eq!(admission.count(), 2);
        let open: Vec<_> = (0..9).map_while(|_| Admission::new("x", 9, 1).admit(&named("")).ok()).collect();
        assert_eq!(open.len(), 9, "without an identity only the limit in all counts");
    }
}
