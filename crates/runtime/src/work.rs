//! Where requests compute: a bounded pool for all services of a process.
//!
//! A request is admitted to a [`Seat`] before anything is computed for it, or refused with a time to try again; a seated request
//! waits for one of a few turns on a thread. What runs has a [`Stop`] that is set when nobody waits for the answer any more and
//! when its time is over, and looks at it between pieces of its work. A turn is over when its thread is, so that abandoned
//! requests never run beside more than the pool's number of others.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::admission::{Admission, Place, busy};
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
    seats: Admission,
    running: AtomicUsize,
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
        let seats = Admission::new("computations", limits.seats, limits.seats_per_identity);
        Self(Arc::new(Pool { limits, turns, seats, running: AtomicUsize::new(0) }))
    }

    /// Admits a request.
    ///
    /// # Errors
    /// [`Class::Exhausted`] with a time to try again if too many are admitted, in all or of the caller.
    pub fn admit(&self, caller: &Identity) -> Result<Seat, Failure> {
        let place = self.0.seats.admit(caller)?;
        Ok(Seat(Arc::new(Seated { pool: Arc::clone(&self.0), _place: place })))
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
        self.0.seats.count()
    }
}

/// The right of one request to compute, one piece after another. The place is free again when neither the request nor any of
/// its computations holds it.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Seated>);

#[derive(Debug)]
struct Seated {
    pool: Arc<Pool>,
    _place: Place,
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
    seat: Arc<Seated>,
}

impl Running {
    fn new(turn: OwnedSemaphorePermit, seat: Arc<Seated>) -> Self {
        seat.pool.running.fetch_add(1, Ordering::Relaxed);
        Self { _turn: turn, seat }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.seat.pool.running.fetch_sub(1, Ordering::Relaxed);
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
            return Err(Failure::new(
                Class::Unavailable,
                "caller-left",
                "nobody waits for the answer any more",
            ));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(turns: usize, seats: usize) -> WorkLimits {
        let patience = Duration::from_millis(50);
        WorkLimits { turns, seats, seats_per_identity: 2, patience, longest: Duration::from_secs(30) }
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
    async fn who_has_no_turn_in_time_is_told_so_and_time_is_over_for_who_has() {
        let work = Work::new(WorkLimits { longest: Duration::from_millis(200), ..limits(1, 10) });
        let open = Identity::open();
        let long = work.run(&open, |stop: &Stop| {
            loop {
                stop.check()?;
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let (long, short) = tokio::join!(long, work.run(&open, |_| Ok(())));
        let long: Result<(), Failure> = long;
        assert_eq!(long.unwrap_err().code, "too-slow");
        assert_eq!(short.unwrap_err().code, "too-busy");
        idle(&work).await;
    }
}
