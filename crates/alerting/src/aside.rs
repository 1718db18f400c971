//! Work that takes long runs beside the threads that answer.
//!
//! Whatever grows with the number of figures, alerts or rules runs here, on a copy of what it needs: an async thread only waits for
//! it, and no lock is held meanwhile. Who no longer waits is heard: the work is told to stop.
use orewatch_runtime::{Class, Failure};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Most answers that are put together at a time; the others wait.
const ANSWERS_AT_ONCE: usize = 8;

static ANSWERS: Semaphore = Semaphore::const_new(ANSWERS_AT_ONCE);

/// Runs work of the service itself. It is told to stop as soon as nobody waits for it, and looks at that now and then.
///
/// # Errors
/// [`Class::Internal`] if it panicked.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce(&CancellationToken) -> T + Send + 'static,
) -> Result<T, Failure> {
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let running = tokio::task::spawn_blocking(move || work(&stop));
    running.await.map_err(|error| Failure::internal(format!("a computation ended early: {error}")))
}

/// Puts an answer together. How many are at once is bounded.
///
/// # Errors
/// Those of the work; [`Class::Unavailable`] if the service stops.
pub(crate) async fn answer<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let place = ANSWERS.acquire().await;
    let _place =
        place.map_err(|_| Failure::new(Class::Unavailable, "shutting-down", "the service is stopping"))?;
    aside(move |_| work()).await?
}
