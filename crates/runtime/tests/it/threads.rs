//! Threads that compute have a lower priority than those that answer.
use orewatch_runtime::build_runtime;

/// Niceness of a thread that computes, above that of the process.
const COMPUTING_NICENESS: i32 = 5;

#[test]
fn threads_that_compute_have_a_lower_priority_than_those_that_answer() {
    // A change of nothing returns the present niceness.
    let niceness = || rustix::process::nice(0).unwrap();
    let before = niceness();
    // Often, and with work at once: which thread starts first differs.
    for _ in 0..200 {
        let runtime = build_runtime().unwrap();
        let (answering, computing) = runtime.block_on(async {
            let computing = tokio::task::spawn_blocking(niceness);
            let answering = tokio::spawn(async move { niceness() });
            (answering.await.unwrap(), computing.await.unwrap())
        });
        assert_eq!((answering, computing), (before, (before + COMPUTING_NICENESS).min(19)));
    }
}
