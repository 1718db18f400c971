//! The pool in which requests compute, one for all services of a process.
//!
//! A request is given a [`Seat`] before anything is computed for it, or is refused with the time after which
//! to try again. With a seat it waits for a *turn*, one of as many as there are processors, and computes on a
//! thread of its own. The computation gets a [`Stop`], which is set when its caller has gone or its time is
//! over, and checks it between pieces of its work. A turn ends with its thread and not with its caller, so
//! that abandoned computations never run in addition to those that the pool allows.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orewatch_contracts::{Class, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use crate::Identity;
use crate::admission::{Admission, Permit, busy};

/// Limits of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Upper bound on computations at a time.
    pub turns: usize,
    /// Upper bound on requests that compute or wait, in all.
    pub seats: usize,
    /// The same for one identity. Without configured tokens callers have no identity, and only `seats`
    /// counts.
    pub seats_per_identity: usize,
    /// Upper bound on the wait for a turn.
    pub patience: Duration,
    /// Upper bound on the time of a computation.
    pub longest: Duration,
}

impl Default for WorkLimits {
    /// As many computations as the machine has processors, but at least two, so that a long one does not
    /// delay all others.
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
    /// A pool with these limits.
    #[must_use]
    pub fn new(limits: WorkLimits) -> Self {
        let turns = Arc::new(Semaphore::new(limits.turns));
        let seats = Admission::new("computations", limits.seats, limits.seats_per_identity);
        Self(Arc::new(Pool { limits, turns, seats, running: AtomicUsize::new(0) }))
    }

    /// A pool with seats and limits of its own that shares the turns of this one: `limits.turns` is ignored.
    /// `what` names its computations, in the plural, for messages.
    #[must_use]
    pub fn with_own_limits(&self, what: &'static str, limits: WorkLimits) -> Self {
        let seats = Admission::new(what, limits.seats, limits.seats_per_identity);
        let turns = Arc::clone(&self.0.turns);
        Self(Arc::new(Pool { limits, turns, seats, running: AtomicUsize::new(0) }))
    }

    /// Gives a request a seat.
    ///
    /// # Errors
    /// [`Class::Exhausted`], with the time after which to try again, if all seats, or all of the caller, are
    /// taken.
    pub fn admit(&self, caller: &Identity) -> Result<Seat, Failure> {
        let permit = self.0.seats.admit(caller)?;
        Ok(Seat(Arc::new(Seated { pool: Arc::clone(&self.0), _permit: permit })))
    }

    /// Gives a request a seat, and computes its answer.
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

    /// Number of computations that run, with or without a caller that waits for them.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::Relaxed)
    }

    /// Number of requests that compute or wait.
    #[must_use]
    pub fn seated(&self) -> usize {
        self.0.seats.count()
    }
}

/// Permission of one request to compute, one piece after another. The seat is free again when neither the
/// request nor any of its computations holds a clone.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Seated>);

#[derive(Debug)]
struct Seated {
    pool: Arc<Pool>,
    _permit: Permit,
}

impl Seat {
    /// Computes on a thread of the pool. Dropping this future sets the computation's [`Stop`].
    ///
    /// # Errors
    /// [`Class::Exhausted`] if there was no turn in time or the computation took too long; those of the
    /// computation.
    pub async fn run<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        // A task of its own waits for the turn. This future may not be polled for long, as that of an answer
        // which nobody reads; it would be handed a turn that it does not use, and block everyone else.
        let computed = AbortOnDropHandle::new(tokio::spawn(in_turn(Arc::clone(&self.0), compute)));
        computed.await.map_err(ended_early)?
    }
}

async fn in_turn<T: Send + 'static>(
    seat: Arc<Seated>,
    compute: impl FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let limits = seat.pool.limits;
    let turn = Arc::clone(&seat.pool.turns).acquire_owned();
    let turn = tokio::time::timeout(limits.patience, turn).await;
    let turn = turn.ok().and_then(Result::ok).ok_or_else(|| {
        busy(format!("there was no turn to compute within {} s", limits.patience.as_secs_f64()))
    })?;
    let stop = Stop::after(limits.longest);
    let _left = SetWhenDropped(stop.clone());
    let running = Running::new(turn, seat);
    let computed = tokio::task::spawn_blocking(move || {
        let _running = running;
        compute(&stop)
    });
    computed.await.map_err(ended_early)?
}

fn ended_early(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}

/// Holds a turn and its seat for as long as the thread computes, and counts it.
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

/// Tells a computation when to stop. Clones share the state.
#[derive(Clone, Debug)]
pub struct Stop {
    is_abandoned: Arc<AtomicBool>,
    /// `None`: without a deadline.
    deadline: Option<Instant>,
}

impl Stop {
    /// A stop that is never set: for computations whose caller cannot go away.
    #[must_use]
    pub fn never() -> Self {
        Self { is_abandoned: Arc::default(), deadline: None }
    }

    /// A stop that is set after a time.
    #[must_use]
    pub fn after(longest: Duration) -> Self {
        Self { is_abandoned: Arc::default(), deadline: Instant::now().checked_add(longest) }
    }

    /// Tells the computation to stop.
    pub fn set(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether the computation has to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed) || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Returns an error once the computation has to stop.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if the caller has gone, [`Class::Exhausted`] if the time is over.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_abandoned.load(Ordering::Relaxed) {
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

/// Sets a stop when it is dropped: its caller has gone, or has its answer.
struct SetWhenDropped(Stop);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.set();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn limits(turns: usize, seats: usize) -> WorkLimits {
        let patience = Duration::from_millis(50);
        WorkLimits { turns, seats, seats_per_identity: 2, patience, longest: Duration::from_secs(30) }
    }

    /// Waits until nothing runs and all seats are free.
    async fn idle(work: &Work) {
        while work.running() > 0 || work.seated() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_caller_that_leaves_stops_the_computation() {
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
    async fn a_caller_that_is_not_polled_while_it_waits_blocks_no_others() {
        let work = Work::new(WorkLimits { patience: Duration::from_secs(30), ..limits(1, 10) });
        let open = Identity::open();
        let (begin, begun) = std::sync::mpsc::channel::<()>();
        let mut first = std::pin::pin!(work.run(&open, move |_| Ok(begun.recv())));
        assert!(first.as_mut().now_or_never().is_none(), "it computes");
        while work.running() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut rests = std::pin::pin!(work.run(&open, |_| Ok(2)));
        assert!(rests.as_mut().now_or_never().is_none(), "it waits for a turn");
        drop(begin);
        let third = tokio::time::timeout(Duration::from_secs(10), work.run(&open, |_| Ok(3))).await;
        assert_eq!(third, Ok(Ok(3)));
        assert_eq!(rests.await, Ok(2));
    }

    #[tokio::test]
    async fn waiting_too_long_and_computing_too_long_are_errors() {
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
