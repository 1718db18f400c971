//! Runs work that takes long on threads for it, so that the threads that answer never do it.
//!
//! Whatever grows with the number of figures, alerts or rules runs here, on a copy of what it needs: an async
//! thread only waits for it, and no lock is held meanwhile. If the caller no longer waits, the work is asked
//! to stop.
use orewatch_contracts::Failure;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::service_state::stopping;

/// Answers that are computed at a time; others wait.
const MAX_CONCURRENT_ANSWERS: usize = 8;

/// Chunks of the log, or of a snapshot, that are processed for subscriptions at a time; others wait.
const MAX_CONCURRENT_CHUNKS: usize = 4;

static ANSWERS: Semaphore = Semaphore::const_new(MAX_CONCURRENT_ANSWERS);
static CHUNKS: Semaphore = Semaphore::const_new(MAX_CONCURRENT_CHUNKS);

/// Runs work of the service itself. Its token is cancelled as soon as nobody waits for it; long work checks
/// that now and then.
///
/// # Errors
/// [`Class::Internal`](orewatch_contracts::Class::Internal) if it panicked.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce(&CancellationToken) -> T + Send + 'static,
) -> Result<T, Failure> {
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let running = tokio::task::spawn_blocking(move || work(&stop));
    running.await.map_err(|error| Failure::internal(format!("a computation ended early: {error}")))
}

/// Computes an answer. The number of answers at a time is bounded.
///
/// # Errors
/// Those of the work; [`Class::Unavailable`](orewatch_contracts::Class::Unavailable) if the service stops.
pub(crate) async fn compute_answer<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    run_bounded(&ANSWERS, work).await
}

/// Processes one chunk of something long, so that many readers take turns. The number of chunks at a time is
/// bounded.
///
/// # Errors
/// Those of the work; [`Class::Unavailable`](orewatch_contracts::Class::Unavailable) if the service stops.
pub(crate) async fn process_chunk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    run_bounded(&CHUNKS, work).await
}

async fn run_bounded<T: Send + 'static>(
    permits: &'static Semaphore,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let permit = permits.acquire().await.map_err(|_| stopping())?;
    run_blocking(move |_| {
        // Released when the thread is free, not when nobody waits for the answer any more.
        let _permit = permit;
        work()
    })
    .await?
}
