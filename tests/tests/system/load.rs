//! A small load for some seconds: health stays fast, and memory is released. `just load` is the large load.
use std::time::Duration;

use orewatch_tests::load::{Load, run_load};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_health_stays_fast_and_memory_is_released_afterwards() {
    let (duration, rest) = (Duration::from_secs(8), Duration::from_secs(60));
    let outcome = run_load(Load { duration, connections: 8, watchers: 40, rest }).await.expect("a load");
    println!("{outcome}");
    // On a busy machine health is slow without a load too.
    let (idle, healthy) = (outcome.quantile("health before", 900), outcome.quantile("health", 900));
    let limit = Duration::from_millis(100) + 4 * idle;
    assert!(healthy <= limit, "health answers within {healthy:?}, idle within {idle:?}\n{outcome}");
    let [before, peak, after, restarted] = outcome.memory;
    assert!(before > 0 && after <= before.max(restarted) * 3 / 2, "memory is not released\n{outcome}");
    assert!(peak < 1 << 30, "more memory than a pod has\n{outcome}");
    assert!(outcome.errors.is_empty(), "errors under load\n{outcome}");
}
