//! The threads of a process: threads that answer have a higher priority than threads that compute.
//!
//! Long work runs on blocking threads beside the asynchronous ones, and there are more of them than
//! processors. With equal priority even a call for the process's health would wait until each of them has had
//! its share of the processors.
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// Names of threads: those of the asynchronous runtime, and those that compute or wait for a disk.
const ANSWERING: &str = "answers";
const COMPUTING: &str = "works";

/// Niceness of computing threads: each has about a third of the share of an answering one.
#[cfg(target_os = "linux")]
const COMPUTING_NICENESS: i32 = 5;

/// Upper bound on the time until the first threads have started.
const MAX_START: Duration = Duration::from_secs(5);

/// Builds the runtime of a process.
///
/// # Errors
/// Those of the system, if it does not provide threads.
pub fn build_runtime() -> io::Result<Runtime> {
    let answering = thread::available_parallelism().map_or(2, usize::from);
    let named = AtomicUsize::new(0);
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .worker_threads(answering)
        // Names are asked for in the order in which threads are made, and the answering ones are made first.
        .thread_name_fn(move || {
            let is_first = named.fetch_add(1, Ordering::Relaxed) < answering;
            if is_first { ANSWERING } else { COMPUTING }.to_owned()
        })
        .on_thread_start(|| {
            if thread::current().name() == Some(COMPUTING) {
                lower_priority();
            }
        })
        .build()?;
    claim_answering_threads(&runtime, answering);
    Ok(runtime)
}

/// Waits until the first threads have taken the role of those that answer, by keeping each of them busy until
/// all of them are. All threads take that role from one queue: without this, a thread that is made later but
/// starts sooner could keep it for good.
fn claim_answering_threads(runtime: &Runtime, answering: usize) {
    let deadline = Instant::now() + MAX_START;
    let begun = Arc::new(AtomicUsize::new(0));
    let all: Vec<_> = (0..answering)
        .map(|_| {
            let begun = Arc::clone(&begun);
            runtime.spawn(async move {
                begun.fetch_add(1, Ordering::Relaxed);
                while begun.load(Ordering::Relaxed) < answering && Instant::now() < deadline {
                    thread::sleep(Duration::from_micros(50));
                }
            })
        })
        .collect();
    for each in all {
        // It cannot fail: it neither panics nor is aborted.
        let _ended = runtime.block_on(each);
    }
}

/// Lowers the priority of this thread. On Linux `nice` is a property of the thread; elsewhere it would be one
/// of the whole process, which helps nobody.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(COMPUTING_NICENESS) {
        tracing::debug!(%error, "a thread that computes has the priority of those that answer");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
