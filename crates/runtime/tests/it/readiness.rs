//! What a log that cannot be followed means for readiness, answers and writers.
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_eventlog::{Error, EventLog, Interruption, Opener, OpeningLog};
use orewatch_runtime::{Context, FollowedLog, Phase, Readiness, SystemClock};
use tokio::time::{Instant, sleep};
use tonic::Request;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_server::Health as _;
use tonic_health::server::{HealthReporter, HealthService};

const SERVICE: &str = "orewatch.test.Service";
const STALE_AFTER: Duration = Duration::from_secs(60);

struct Bench {
    health: HealthService,
    context: Context,
    log: Arc<dyn EventLog>,
    _opener: Opener,
    followed: FollowedLog,
    readiness: Readiness,
}

impl Bench {
    async fn start() -> Self {
        let reporter = HealthReporter::new();
        let health = HealthService::from_health_reporter(reporter.clone());
        let context = Context::new(Arc::new(SystemClock), reporter).with_stale_after(STALE_AFTER);
        let (log, opener) = OpeningLog::new("observations");
        let log: Arc<dyn EventLog> = log;
        let followed = context.follow_log("test", &log);
        let readiness = Readiness::start(&context, &[SERVICE], vec![followed.clone()]).await;
        Self { health, context, log, _opener: opener, followed, readiness }
    }

    async fn is_ready(&self) -> bool {
        // The reporter runs beside the test.
        sleep(Duration::from_millis(1)).await;
        let request = Request::new(HealthCheckRequest { service: SERVICE.to_owned() });
        let response = self.health.check(request).await.unwrap();
        response.get_ref().status == ServingStatus::Serving as i32
    }

    fn interrupt(&self, error: Error) {
        self.followed.set_interrupted(&Interruption { since: Instant::now(), error });
    }
}

fn unavailable() -> Error {
    let (log, reason) = ("observations".to_owned(), "it is away".to_owned());
    Error::Unavailable { log, reason, outcome_unknown: false }
}

fn corrupt() -> Error {
    Error::Corrupt { log: "observations".to_owned(), position: 8, reason: "nonsense".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_service_stays_ready_for_a_while_and_is_ready_again_by_itself() {
    let bench = Bench::start().await;
    assert!(!bench.is_ready().await, "it cannot answer yet");
    bench.readiness.set_can_answer();
    assert!(bench.is_ready().await);
    bench.followed.set_position(7);
    assert_eq!(bench.followed.stale(), None);

    bench.interrupt(unavailable());
    let state = bench.followed.stale().unwrap();
    assert_eq!((state.log.as_str(), state.position), ("observations", 7));
    assert!(state.behind_since.is_some() && state.reason.contains("it is away"), "{state:?}");
    assert!(bench.is_ready().await);
    sleep(STALE_AFTER / 2).await;
    bench.interrupt(unavailable());
    assert!(bench.is_ready().await);
    sleep(STALE_AFTER / 2).await;
    assert!(!bench.is_ready().await, "it counts from the first interruption");
    let report = bench.context.logs.report();
    assert!(report.iter().any(|line| line.contains("it is away")), "{report:?}");

    bench.followed.set_live(9, &*bench.log);
    assert!(bench.is_ready().await);
    assert_eq!((bench.followed.stale(), bench.context.logs.report()), (None, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn the_first_cause_stays_but_damage_counts_more_than_absence() {
    let bench = Bench::start().await;
    bench.interrupt(unavailable());
    assert!(!bench.followed.is_stuck());
    let since = bench.followed.stale().unwrap().behind_since;
    bench.interrupt(corrupt());
    assert!(bench.followed.is_stuck());
    bench.followed.until_stuck().await;
    bench.interrupt(unavailable());
    let state = bench.followed.stale().unwrap();
    assert!(state.reason.contains("damaged at position 8"), "{state:?}");
    assert_eq!(state.behind_since, since);
}

#[tokio::test(start_paused = true)]
async fn writers_are_refused_at_once_while_the_fold_stands() {
    let bench = Bench::start().await;
    let guarded = bench.followed.guard(Arc::clone(&bench.log));
    bench.interrupt(corrupt());
    let begin = Instant::now();
    assert_eq!(guarded.extent().await, Err(corrupt()));
    assert!(begin.elapsed().is_zero());
    bench.followed.set_live(8, &*bench.log);
    // Now the log itself answers, which is not open.
    assert!(matches!(guarded.extent().await, Err(Error::Unavailable { .. })));
    assert!(!begin.elapsed().is_zero());
}

#[tokio::test]
async fn the_first_failure_is_reported_and_not_what_follows_from_it() {
    let bench = Bench::start().await;
    let stopping = Failure::new(orewatch_contracts::Class::Unavailable, "stopping", "the service stops");
    bench.context.fail(stopping.clone());
    let cause = Failure::internal("the cause");
    bench.context.fail(cause.clone());
    bench.context.fail(Failure::internal("a consequence"));
    bench.context.fail(stopping);
    assert_eq!(bench.context.failure(), Some(cause));
}

#[tokio::test(start_paused = true)]
async fn the_states_of_a_service_are_told_apart() {
    let bench = Bench::start().await;
    let phase = || bench.context.phase_of(SERVICE);
    assert_eq!(phase(), Phase::Starting);
    bench.interrupt(unavailable());
    assert_eq!(phase(), Phase::CutOff, "before the fold can begin");
    bench.followed.set_live(7, &*bench.log);
    assert_eq!(phase(), Phase::Starting, "the log is folded, and the service has more to do");
    bench.readiness.set_can_answer();
    assert_eq!(phase(), Phase::Ready);
    bench.interrupt(unavailable());
    assert_eq!(phase(), Phase::CutOff);
    bench.interrupt(corrupt());
    assert_eq!(phase(), Phase::Stuck);
    bench.followed.set_live(8, &*bench.log);
    bench.followed.begin_fold();
    assert_eq!(phase(), Phase::Starting, "the log is folded anew");
    bench.followed.set_live(9, &*bench.log);
    bench.context.shutdown.cancel();
    assert_eq!(phase(), Phase::Stopping);
}
