//! Two minutes with faults: nothing is lost or repeated, and the state is that of a run without faults. `just
//! soak` is the long run with the whole load, which also measures how fast the system recovers: here other
//! tests run beside it.
//!
//! `SOAK_SEED=N` makes other faults happen.
use std::time::Duration;

use orewatch_tests::soak::{Soak, run_soak};

/// Seed of the faults: other versions meet the same ones. Its six faults cut a process of a service and a
/// NATS server off, kill one of each, mute a server, and stop the receiver. None needs a file system of its
/// own.
const SEED: u64 = 32;

#[test]
fn two_minutes_with_faults_lose_and_repeat_nothing() {
    let seed = std::env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let soak =
        Soak { seed, duration: Duration::from_secs(120), rows: 400, without: Vec::new(), is_timed: false };
    let report = run_soak(&soak, &mut |line| println!("{line}"));
    println!("{report}");
    assert!(report.broken().is_empty(), "SOAK_SEED={seed}\n{report}");
}
