//! Random messages to every method: the process must stay up, stay healthy, and never blame itself for a
//! request.
use std::time::Duration;

use orewatch_tests::surface::{CallPlan, HealthWatch, call_all};
use orewatch_tests::system::{Embedded, System as _, run};
use orewatch_tests::tools::reference_tables;

/// The same calls in every run. `just surface` chooses a new seed each time.
const SEED: u64 = 18_041_546_496_855_660_228;

/// `just surface` calls for ten minutes, and expects every answer within 20 s. Here other tests use the same
/// processors, so that a late answer may be the machine's fault.
const PLAN: CallPlan =
    CallPlan { seed: SEED, callers: 4, time: Duration::from_secs(20), patience: Duration::from_secs(60) };

#[tokio::test(flavor = "multi_thread")]
async fn no_request_stops_the_process_or_causes_an_internal_error() {
    let mut system = Embedded::start();
    let table = reference_tables().into_iter().next().expect("there are reference tables");
    run(system.client(&["ingest", &table]));
    system.api().settled().await.expect("the figures are published");

    let [address, ..] = system.addresses();
    let health = HealthWatch::start(address);
    let report = call_all(address, PLAN).await;
    let health = health.stop();

    let faults = report.faults();
    assert!(faults.is_empty(), "seed {SEED}:\n{}\n{report}", faults.join("\n"));
    let uncalled = report.uncalled();
    assert!(uncalled.is_empty(), "seed {SEED}: never called: {uncalled:?}\n{report}");
    // How fast health answers depends on the machine here: `just surface` holds it to 100 ms on an idle one.
    let (answered, missed) = (health.answered.len(), health.missed);
    assert!(
        answered > 0 && missed == 0,
        "seed {SEED}: health: {answered} answered, {missed} missed\n{report}"
    );
    let output = system.process_output();
    assert!(!output.contains("panicked"), "seed {SEED}:\n{output}\n{report}");
    system.stop();
}
