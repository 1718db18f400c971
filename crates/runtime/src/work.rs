//! Where requests compute: a bounded pool for all services of a process.
//!
//! A request is admitted to a [`Seat`] before anything is computed for it, or refused with a time to try again; a seated request
//! waits for one of a few turns on a thread. What runs has a [`Stop`] that is set when nobody waits for the answer any more and
//! when its time is over, and looks at it between pieces of its work. A turn is over when its thread is, so that abandoned
//! requests never run beside more than the pool's number of others.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Class, Failure, Identity};

/// Bounds of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Computations at a time.
    pub turns: usize,
    /// Requests that compute or wait, in all.
    pub seats: usize,
    /// The same of one identity. Nobody in particular, where no tokens are configured, has all seats.
    pub seats_per_identity: usize,
    /// Longest wait for a turn.
    pub patience: Duration,
    /// Longest computation.
    pub longest: Duration,
}

impl Default for WorkLimits {
    /// As many computations as the machine has processors, at least two, so that one long one does not hold up all others.
    fn default() -> Self {
        Self {
            turns: std::thread::available_parallelism().map_or(2, usize::from).max(2),
            seats: 256,
            seats_per_identity: 64,
            patience: Duration::from_secs(20),
            longest: Duration::from_secs(60),
        }
    }
}

/// A pool. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct Work(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limits: WorkLimits,
    turns: Arc<Semaphore>,
    seated: Mutex<Seated>,
    running: AtomicUsize,
}

/// Requests that are admitted.
#[derive(Debug, Default)]
struct Seated {
    all: usize,
    by_identity: BTreeMap<String, usize>,
}

impl Default for Work {
    fn default() -> Self {
        Self::new(WorkLimits::default())
    }
}

impl Work {
    /// A pool with these bounds.
    #[must_use]
    pub fn new(limits: WorkLimits) -> Self {
        let turns = Arc::new(Semaphore::new(limits.turns));
        Self(Arc::new(Pool { limits, turns, seated: Mutex::default(), running: AtomicUsize::new(0) }))
    }

    /// Admits a request.
    ///
    /// # Errors
    /// [`Class::Exhausted`] with a time to try again if too many are admitted, in all or of the caller.
    pub fn admit(&self, caller: &Identity) -> Result<Seat, Failure> {
        let Pool { limits, seated, .. } = &*self.0;
        let mut seated = seated.lock().unwrap_or_else(PoisonError::into_inner);
        if seated.all >= limits.seats {
            return Err(busy(format!("{} requests compute or wait, which is the most at a time", limits.seats)));
        }
        let own = seated.by_identity.entry(caller.name.clone()).or_default();
        if !caller.name.is_empty() && *own >= limits.seats_per_identity {
            let most = limits.seats_per_identity;
            return Err(busy(format!("{most} requests of {} compute or wait, which is the most", caller.name)));
        }
        *own += 1;
        seated.all += 1;
        drop(seated);
        Ok(Seat(Arc::new(Place { pool: Arc::clone(&self.0), identity: caller.name.clone() })))
    }

    /// Admits a request and computes its answer.
    ///
    /// # Errors
    /// Those of [`Work::admit`], [`Seat::run`] and of the computation.
    pub async fn run<T: Send + 'static>(
        &self,
        caller: &Identity,
        compute: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.admit(caller)?.run(compute).await
    }

    /// Computations that run now, whether anybody waits for them or not.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::Relaxed)
    }

    /// Requests that compute or wait now.
    #[must_use]
    pub fn seated(&self) -> usize {
        self.0.seated.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

/// The right of one request to compute, one piece after another. The place is free again when neither the request nor any of
/// its computations holds it.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Place>);

#[derive(Debug)]
struct Place {
    pool: Arc<Pool>,
    identity: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seated = self.pool.seated.lock().unwrap_or_else(PoisonError::into_inner);
        seated.all = seated.all.saturating_sub(1);
        let own = seated.by_identity.get_mut(&self.identity).map(|own| {
            *own = own.saturating_sub(1);
            *own
        });
        if own == Some(0) {
            seated.by_identity.remove(&self.identity);
        }
    }
}

impl Seat {
    /// Computes on a thread of the pool. If this future is dropped, the computation is told to stop.
    ///
    /// # Errors
    /// [`Class::Exhausted`] if there was no turn in time, or the computation took too long; those of the computation.
    pub async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let limits = self.0.pool.limits;
        let turn = Arc::clone(&self.0.pool.turns).acquire_owned();
        let turn = tokio::time::timeout(limits.patience, turn).await;
        let turn = turn.ok().and_then(Result::ok).ok_or_else(|| {
            busy(format!("there was no turn to compute within {} s", limits.patience.as_secs_f64()))
        })?;
        let stop = Stop::after(limits.longest);
        let _left = SetWhenDropped(stop.clone());
        let running = Running::new(turn, Arc::clone(&self.0));
        let computed = tokio::task::spawn_blocking(move || {
            let _running = running;
            compute(&stop)
        });
        computed.await.map_err(|error| Failure::internal(format!("a computation ended early: {error}")))?
    }
}

/// Holds a turn and its seat for as long as the thread computes.
struct Running {
    _turn: OwnedSemaphorePermit,
    place: Arc<Place>,
}

impl Running {
    fn new(turn: OwnedSemaphorePermit, place: Arc<Place>) -> Self {
        place.pool.running.fetch_add(1, Ordering::Relaxed);
        Self { _turn: turn, place }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.place.pool.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells a computation not to go on.
#[derive(Clone, Debug)]
pub struct Stop {
    left: Arc<AtomicBool>,
    /// None: its time never ends.
    until: Option<Instant>,
}

impl Stop {
    /// One that is never set: for what has no caller who could leave.
    #[must_use]
    pub fn never() -> Self {
        Self { left: Arc::default(), until: None }
    }

    /// One that is set after a time.
    #[must_use]
    pub fn after(longest: Duration) -> Self {
        Self { left: Arc::default(), until: Instant::now().checked_add(longest) }
    }

    /// Tells the computation not to go on.
    pub fn set(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// Whether to go on no more.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.left.load(Ordering::Relaxed) || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Goes on, or says why not.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if nobody waits any more, [`Class::Exhausted`] if the time is over.
    pub fn check(&self) -> Result<(), Failure> {
        if self.left.load(Ordering::Relaxed) {
            return Err(Failure::new(Class::Unavailable, "caller-left", "nobody waits for the answer any more"));
        }
        if self.is_late() {
            let message = "the answer takes longer to compute than a request may take";
            return Err(Failure::new(Class::Exhausted, "too-slow", message)
                .with_hint("ask for fewer markets, measures or periods at a time"));
        }
        Ok(())
    }
}

struct SetWhenDropped(Stop);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.set();
    }
}

fn busy(message: String) -> Failure {
    const RETRY: Duration = Duration::from_secs(2);
    Failure::new(Class::Exhausted, "too-busy", message)
        .with_hint("try again after some seconds, with fewer requests at a time")
        .retry_after(RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(turns: usize, seats: usize) -> WorkLimits {
        let patience = Duration::from_millis(50);
        WorkLimits { turns, seats, seats_per_identity: 2, patience, longest: Duration::from_secs(30) }
    }

    fn named(name: &str) -> Identity {
        let mut identity = Identity::open();
        identity.name = name.to_owned();
        identity
    }

    /// Waits until nothing runs and nobody is seated.
    async fn idle(work: &Work) {
        while work.running() > 0 || work.seated() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn who_leaves_stops_the_computation() {
        let work = Work::new(limits(1, 10));
        for _ in 0..5 {
            let waits = |stop: &Stop| {
                while !stop.is_set() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                stop.check()
            };
            let open = Identity::open();
            let call = work.run(&open, waits);
            assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
            idle(&work).await;
        }
        assert_eq!(work.run(&Identity::open(), |_| Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn seats_are_bounded_in_all_and_for_each() {
        let work = Work::new(limits(1, 3));
        let first = work.admit(&named("a")).unwrap();
        let _second = work.admit(&named("a")).unwrap();
        let third = work.admit(&named("a")).unwrap_err();
        assert_eq!((third.class, third.retry_after.is_some()), (Class::Exhausted, true));
        let _other = work.admit(&named("b")).unwrap();
        assert_eq!(work.admit(&named("c")).unwrap_err().code, "too-busy");
        drop(first);
        assert!(work.admit(&named("c")).is_ok());
    }

    #[tokio::test]
    async fn who_has_no_turn_in_time_is_told_so_and_time_is_over_for_who_has() {
        let work = Work::new(WorkLimits { longest: Duration::from_millis(200), ..limits(1, 10) });
        let open = Identity::open();
        let long = work.run(&open, |stop: &Stop| loop {
            stop.check()?;
            std::thread::sleep(Duration::from_millis(1));
        });
        let (long, short) = tokio::join!(long, work.run(&open, |_| Ok(())));
        let long: Result<(), Failure> = long;
        assert_eq!(long.unwrap_err().code, "too-slow");
        assert_eq!(short.unwrap_err().code, "too-busy");
        idle(&work).await;
    }
}
