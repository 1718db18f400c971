//! Every metric of Orewatch. `orewatch metrics` prints this list, `docs/metrics.md` is generated from it, and
//! tests compare dashboards and alert rules with it.
//!
//! A new metric is an entry in `catalogue!` and a call of [`Metrics`](super::Metrics) where it happens. No
//! label holds a subject of a rule, a release or anything else of which there is no bound.
use super::definition::{Age, Countdown, Counter, Gauge, Histogram, Kind, Label, Metric, Unit, Values};

/// The services.
pub(super) const SERVICES: &[&str] = &["ingestion", "exposure", "alerting"];

/// The logs.
const LOGS: &[&str] = &["observations", "exposures", "alerts"];

/// Upper bound on datasets and receivers that have series of their own.
const MAX_NAMES: usize = 100;

/// Upper bounds of buckets for what a caller waits for.
const CALL: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Upper bounds of buckets for what runs in the background.
const TASK: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// Names of gRPC statuses, by their number.
pub(super) const CODES: &[&str] = &[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// States of a service and of a log that it follows.
pub(crate) const STATES: &[&str] = &["starting", "ready", "lagging", "cut_off", "stuck", "stopping"];

const CODE: Label = Label { name: "code", values: Values::Listed(CODES) };
const CERTIFICATE: Label = Label { name: "certificate", values: Values::UpTo(16) };
const COMPUTATION: Label = Label { name: "state", values: Values::Listed(&["running", "waiting"]) };
const DATASET: Label = Label { name: "dataset", values: Values::UpTo(MAX_NAMES) };
const LOG: Label = Label { name: "log", values: Values::Listed(LOGS) };
const METHOD: Label = Label { name: "method", values: Values::Methods };
const RECEIVER: Label = Label { name: "receiver", values: Values::UpTo(MAX_NAMES) };
const SERVICE: Label = Label { name: "service", values: Values::Listed(SERVICES) };
const STATE: Label = Label { name: "state", values: Values::Listed(STATES) };
const VERSION: Label = Label { name: "version", values: Values::UpTo(1) };
const ALERT_STATE: Label = Label { name: "state", values: Values::Listed(&["pending", "firing"]) };
const SEVERITY: Label = Label { name: "severity", values: Values::UpTo(8) };
const STREAM: Label = Label { name: "stream", values: Values::Listed(&["alerts", "exposures"]) };
const APPEND_ERROR: Label = Label {
    name: "reason",
    values: Values::Listed(&["unavailable", "full", "not_permitted", "too_large", "damaged", "invalid"]),
};
const DELIVERY: Label = Label { name: "outcome", values: Values::Listed(&["delivered", "refused"]) };
const RECEIVER_KIND: Label = Label { name: "kind", values: Values::UpTo(16) };
const RELEASE_STATE: Label =
    Label { name: "state", values: Values::Listed(&["committed", "open", "refused", "withdrawn", "erased"]) };
const ROW: Label =
    Label { name: "verdict", values: Values::Listed(&["recorded", "out_of_scope", "quarantined"]) };
const SNAPSHOT_FAILURE: Label =
    Label { name: "failure", values: Values::Listed(&["not_used", "not_written"]) };

/// Services that report a metric.
const EVERY: &[&str] = SERVICES;
const INGESTION: &[&str] = &["ingestion"];
const EXPOSURE: &[&str] = &["exposure"];
const ALERTING: &[&str] = &["alerting"];
const STREAMING: &[&str] = &["exposure", "alerting"];

/// Declares metrics. Each entry has its help, kind (with buckets), constant, name, unit, the services that
/// report it, and its labels.
macro_rules! catalogue {
    ($($(#[doc = $help:literal])+
       $kind:ident $(<$buckets:ident>)? $item:ident: $name:literal, $unit:expr, $services:ident,
       [$($label:ident),*];)+) => {
        $(
            $(#[doc = $help])+
            pub static $item: $kind<{ <[Label]>::len(&[$($label),*]) }> = $kind::new(Metric {
                name: $name,
                kind: Kind::$kind $(($buckets))?,
                unit: $unit,
                labels: &[$($label),*],
                services: $services,
                text: concat!($($help),+),
            });
        )+

        /// Every metric, in the order of the documentation.
        pub static ALL: &[&Metric] = &[$($item.definition()),+];
    };
}

catalogue! {
    /// The version of the program: always 1.
    Gauge BUILD_INFO: "orewatch_build_info", Unit::Boolean, EVERY, [VERSION];
    /// Whether a service is ready for calls, as its gRPC health check says.
    Gauge SERVICE_READY: "orewatch_service_ready", Unit::Boolean, EVERY, [SERVICE];

    /// Calls that ended, by their status.
    Counter RPC_CALLS: "orewatch_rpc_calls_total", Unit::Count("calls"), EVERY, [METHOD, CODE];
    /// Time until a call is answered; of a stream, until it begins.
    Histogram<CALL> RPC_SECONDS: "orewatch_rpc_seconds", Unit::Seconds, EVERY, [METHOD];
    /// Calls under way, streams included.
    Gauge RPC_ACTIVE: "orewatch_rpc_active", Unit::Count("calls"), EVERY, [];
    /// Computations for calls: those that run, and those that wait for a processor.
    Gauge COMPUTATIONS: "orewatch_computations", Unit::Count("computations"), EVERY, [COMPUTATION];
    /// Memory that requests and answers in flight hold.
    Gauge CALL_BYTES: "orewatch_call_bytes", Unit::Bytes, EVERY, [];

    /// The state of each log that a service follows: 1 for the state that it is in.
    Gauge LOG_STATE: "orewatch_log_state", Unit::Boolean, EVERY, [SERVICE, LOG, STATE];
    /// Position up to which a service has folded a log.
    Gauge FOLD_POSITION: "orewatch_log_fold_position", Unit::Position, EVERY, [SERVICE, LOG];
    /// Position of the last event of a log, when the service last heard from it.
    Gauge HEAD_POSITION: "orewatch_log_head_position", Unit::Position, EVERY, [SERVICE, LOG];
    /// Events on a log that a service has not folded.
    Gauge LAG_EVENTS: "orewatch_log_lag_events", Unit::Count("events"), EVERY, [SERVICE, LOG];
    /// Time since a service last had folded all of a log; 0 while it has.
    Gauge LAG_SECONDS: "orewatch_log_lag_seconds", Unit::Seconds, EVERY, [SERVICE, LOG];
    /// Duration of the last fold of a log from its beginning or a snapshot to its end.
    Gauge REBUILD_SECONDS: "orewatch_log_rebuild_seconds", Unit::Seconds, EVERY, [SERVICE, LOG];
    /// Folds of a log that began anew, the first included.
    Counter REBUILDS: "orewatch_log_rebuilds_total", Unit::Count("folds"), EVERY, [SERVICE, LOG];
    /// Time of an append to a log until it is acknowledged; of events in order, from the last one on.
    Histogram<CALL> APPEND_SECONDS: "orewatch_log_append_seconds", Unit::Seconds, EVERY, [SERVICE, LOG];
    /// Appends that another writer was ahead of.
    Counter APPEND_CONFLICTS: "orewatch_log_append_conflicts_total", Unit::Count("appends"), EVERY,
        [SERVICE, LOG];
    /// Appends that failed for another reason than a conflict.
    Counter APPEND_ERRORS: "orewatch_log_append_errors_total", Unit::Count("appends"), EVERY,
        [SERVICE, LOG, APPEND_ERROR];
    /// Size of a log in its store.
    Gauge LOG_BYTES: "orewatch_log_bytes", Unit::Bytes, EVERY, [LOG];
    /// Size beyond which a log refuses appends. Absent if it has no bound of its own.
    Gauge LOG_MAX_BYTES: "orewatch_log_max_bytes", Unit::Bytes, EVERY, [LOG];

    /// Age of the newest snapshot that a service has written, read or found listed.
    Age SNAPSHOT_AGE: "orewatch_snapshot_age_seconds", Unit::Seconds, EVERY, [SERVICE];
    /// Snapshots that could not be used or written.
    Counter SNAPSHOT_FAILURES: "orewatch_snapshot_failures_total", Unit::Count("snapshots"), EVERY,
        [SERVICE, SNAPSHOT_FAILURE];
    /// Time since the backup was last known to have every event of a log. With --backups only.
    Age BACKUP_AGE: "orewatch_backup_age_seconds", Unit::Seconds, EVERY, [LOG];
    /// Time until the first certificate in a file expires; negative afterwards.
    Countdown CERTIFICATE_EXPIRY: "orewatch_certificate_expiry_seconds", Unit::Seconds, EVERY,
        [CERTIFICATE];

    /// Time since the newest release of a dataset was committed.
    Age DATA_AGE: "orewatch_data_age_seconds", Unit::Seconds, INGESTION, [DATASET];
    /// Interval at which a dataset is expected to be published: a month or a year, as its periods are.
    Gauge DATA_CADENCE: "orewatch_data_cadence_seconds", Unit::Seconds, INGESTION, [DATASET];
    /// Releases by their state.
    Gauge RELEASES: "orewatch_releases", Unit::Count("releases"), INGESTION, [RELEASE_STATE];
    /// Rows of files that this process has read, by what became of them.
    Counter RELEASE_ROWS: "orewatch_release_rows_total", Unit::Count("rows"), INGESTION, [DATASET, ROW];
    /// Time to read the files of a release, record their rows and run the gates.
    Histogram<TASK> INGEST_SECONDS: "orewatch_ingest_seconds", Unit::Seconds, INGESTION, [];

    /// Time to compute and publish what a release changes.
    Histogram<TASK> PUBLISH_SECONDS: "orewatch_publish_seconds", Unit::Seconds, EXPOSURE, [];
    /// Subscribers and watchers that have a stream open.
    Gauge SUBSCRIBERS: "orewatch_subscribers", Unit::Count("streams"), STREAMING, [STREAM];

    /// Time of an evaluation of rules, from its beginning to its end on the log.
    Histogram<TASK> EVALUATION_SECONDS: "orewatch_evaluation_seconds", Unit::Seconds, ALERTING, [];
    /// Open alerts, by state and severity.
    Gauge ALERTS: "orewatch_alerts", Unit::Count("alerts"), ALERTING, [ALERT_STATE, SEVERITY];
    /// Time of an attempt to deliver a message until the receiver answers.
    Histogram<TASK> DELIVERY_SECONDS: "orewatch_delivery_seconds", Unit::Seconds, ALERTING,
        [RECEIVER_KIND, DELIVERY];
    /// Attempts to deliver messages.
    Counter DELIVERY_ATTEMPTS: "orewatch_delivery_attempts_total", Unit::Count("attempts"), ALERTING,
        [RECEIVER, DELIVERY];
    /// Messages that wait for an attempt.
    Gauge DELIVERIES_WAITING: "orewatch_deliveries_waiting", Unit::Count("messages"), ALERTING, [];
    /// Whether a receiver is disabled because it failed for too long.
    Gauge RECEIVER_DISABLED: "orewatch_receiver_disabled", Unit::Boolean, ALERTING, [RECEIVER];
}
