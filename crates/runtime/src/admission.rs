//! How many of something there are at a time, in all and of each identity.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Class, Failure, Identity};

/// When to try again.
const RETRY: Duration = Duration::from_secs(2);

/// Admits so many at a time. Clones admit together.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Gate>);

#[derive(Debug)]
struct Gate {
    /// What is admitted, in the plural.
    what: &'static str,
    most: usize,
    most_per_identity: usize,
    admitted: Mutex<Admitted>,
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
    /// Admits so many in all, and so many of each identity. Nobody in particular, where no tokens are configured, may have all.
    #[must_use]
    pub fn new(what: &'static str, most: usize, most_per_identity: usize) -> Self {
        Self(Arc::new(Gate { what, most, most_per_identity, admitted: Mutex::default() }))
    }

    /// Admits one more.
    ///
    /// # Errors
    /// [`Class::Exhausted`] with a time to try again if there are too many.
    pub fn admit(&self, caller: &Identity) -> Result<Place, Failure> {
        let Gate { what, most, most_per_identity, .. } = &*self.0;
        let mut admitted = self.0.admitted();
        let own = admitted.by_identity.get(&caller.name).copied().unwrap_or_default();
        if admitted.all >= *most {
            return Err(busy(format!("{most} {what} are under way, which is the most at a time")));
        }
        if !caller.name.is_empty() && own >= *most_per_identity {
            let message =
                format!("{most_per_identity} {what} of {} are under way, which is the most", caller.name);
            return Err(busy(message));
        }
        admitted.all += 1;
        admitted.by_identity.insert(caller.name.clone(), own + 1);
        Ok(Place { gate: Arc::clone(&self.0), identity: caller.name.clone() })
    }

    /// How many there are now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.admitted().all
    }
}

/// One that was admitted. Its place is free when this is dropped.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    identity: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut admitted = self.gate.admitted();
        admitted.all = admitted.all.saturating_sub(1);
        let own = admitted.by_identity.get(&self.identity).copied().unwrap_or_default();
        if own > 1 {
            admitted.by_identity.insert(std::mem::take(&mut self.identity), own - 1);
        } else {
            admitted.by_identity.remove(&self.identity);
        }
    }
}

/// A limit is reached that passes.
pub(crate) fn busy(message: impl Into<String>) -> Failure {
    Failure::new(Class::Exhausted, "too-busy", message)
        .with_hint("try again after some seconds, with fewer calls at a time")
        .retry_after(RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each() {
        let named = |name: &str| {
            let mut identity = Identity::open();
            identity.name = name.to_owned();
            identity
        };
        let admission = Admission::new("things", 3, 2);
        let first = admission.admit(&named("a")).unwrap();
        let _second = admission.admit(&named("a")).unwrap();
        let third = admission.admit(&named("a")).unwrap_err();
        assert_eq!((third.class, third.retry_after), (Class::Exhausted, Some(RETRY)));
        let _other = admission.admit(&named("b")).unwrap();
        assert!(admission.admit(&named("c")).unwrap_err().message.contains("3 things"));
        drop(first);
        assert!(admission.admit(&named("c")).is_ok());
        assert_eq!(admission.count(), 2);
        let open: Vec<_> = (0..9).map_while(|_| Admission::new("x", 9, 1).admit(&named("")).ok()).collect();
        assert_eq!(open.len(), 9, "nobody in particular has all places");
    }
}
