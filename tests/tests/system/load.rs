//! A small load, for some seconds: health answers, and memory comes back. `just load` is the large one.
use std::time::Duration;

use orewatch_tests::load::{Load, put};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loaded_process_stays_healthy_and_gives_its_memory_back() {
    let (duration, rest) = (Duration::from_secs(8), Duration::from_secs(60));
    let outcome = put(Load { duration, connections: 8, watchers: 40, rest }).await.expect("a load");
    println!("{outcome}");
    // On a machine that is busy with other things as well it takes its time by itself.
    let (idle, healthy) = (outcome.quantile("health before", 900), outcome.quantile("health", 900));
    let most = Duration::from_millis(100) + 4 * idle;
    assert!(healthy <= most, "health answers within {healthy:?}, idle within {idle:?}\n{outcome}");
    let [before, peak, after] = outcome.memory;
    assert!(before > 0 && after <= before * 3 / 2, "memory comes back\n{outcome}");
    assert!(peak < 1 << 30, "it stays within a pod\n{outcome}");
    assert!(outcome.errors.is_empty(), "an honest load is answered\n{outcome}");
}
