//! Metrics: numbers about a process and its services, for whoever operates them.
//!
//! [`catalogue`] defines every metric. Services record through a [`Metrics`], a handle that is part of their
//! [`Context`](crate::Context); its methods take a metric of the catalogue and the values of its labels:
//!
//! ```
//! use std::time::Duration;
//! use orewatch_runtime::metrics::{Metrics, catalogue};
//!
//! let metrics = Metrics::for_services(&["alerting"]);
//! metrics.observe(&catalogue::EVALUATION_SECONDS, [], Duration::from_millis(20));
//! metrics.add(&catalogue::DELIVERY_ATTEMPTS, ["mail", "delivered"], 1);
//! let page = metrics.page(jiff::Timestamp::UNIX_EPOCH);
//! assert!(page.contains("orewatch_delivery_attempts_total{receiver=\"mail\",outcome=\"delivered\"} 1"));
//! ```
//!
//! The same values are exported in two ways: as text that Prometheus scrapes ([`Metrics::page`], served on
//! the admin port), and over OTLP (`otlp`). Both are pure functions of one gathering. State that somebody
//! keeps anyway is not recorded at every change but read when metrics are gathered, by a *collector*
//! ([`Metrics::collect_with`]).
pub(crate) mod calls;
pub mod catalogue;
mod definition;
mod family;
pub(crate) mod log;
pub(crate) mod otlp;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use definition::{Age, Countdown, Counter, Gauge, Histogram, Kind, Label, Metric, OTHER, Unit, Values};
use family::{Family, Key, Series};
pub use log::MeteredLog;
pub(crate) use text::MEDIA_TYPE;

/// Records metrics. Clones record into the same ones.
#[derive(Clone)]
pub struct Metrics(Arc<Registry>);

struct Registry {
    families: BTreeMap<&'static str, Family>,
    collectors: Mutex<Vec<Collector>>,
}

/// Reads state and records what it says.
type Collector = Arc<dyn Fn(&Metrics) + Send + Sync>;

/// The series of a metric at one moment.
pub(crate) struct Gathered {
    pub(crate) metric: &'static Metric,
    series: Vec<(Key, Series)>,
}

impl Default for Metrics {
    /// The metrics of all services.
    fn default() -> Self {
        Self::for_services(catalogue::SERVICES)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("families", &self.0.families.len()).finish_non_exhaustive()
    }
}

impl Metrics {
    /// The metrics that these services report. What is recorded to others is ignored.
    #[must_use]
    pub fn for_services(services: &[&str]) -> Self {
        let is_reported =
            |metric: &&&'static Metric| metric.services.iter().any(|service| services.contains(service));
        let families = catalogue::ALL.iter().filter(is_reported);
        let families = families.map(|metric| (metric.name, Family::new(metric))).collect();
        let metrics = Self(Arc::new(Registry { families, collectors: Mutex::default() }));
        metrics.set(&catalogue::BUILD_INFO, [env!("CARGO_PKG_VERSION")], 1.0);
        metrics
    }

    /// Adds to a counter.
    pub fn add<const N: usize>(&self, counter: &Counter<N>, labels: [&str; N], amount: u64) {
        self.record(counter.definition(), |family| family.add(&labels, amount));
    }

    /// Records the total of a counter that is counted elsewhere. A total that is lower than before is
    /// ignored.
    pub fn raise<const N: usize>(&self, counter: &Counter<N>, labels: [&str; N], total: u64) {
        self.record(counter.definition(), |family| family.raise(&labels, total));
    }

    /// Sets a gauge.
    pub fn set<const N: usize>(&self, gauge: &Gauge<N>, labels: [&str; N], value: f64) {
        self.record(gauge.definition(), |family| family.set(&labels, value));
    }

    /// Sets a gauge to a number of things.
    pub fn set_count<const N: usize>(&self, gauge: &Gauge<N>, labels: [&str; N], count: usize) {
        self.set(gauge, labels, float(u64::try_from(count).unwrap_or(u64::MAX)));
    }

    /// Replaces all series of a gauge: those that are not given end. Of names beyond the bound of a label the
    /// largest value counts as [`OTHER`].
    pub fn replace<const N: usize>(
        &self,
        gauge: &Gauge<N>,
        entries: impl IntoIterator<Item = ([String; N], f64)>,
    ) {
        let entries = entries.into_iter().map(|(labels, value)| (labels.to_vec(), value));
        self.record(gauge.definition(), |family| family.replace(entries));
    }

    /// Sets the time since which an age counts.
    pub fn set_time<const N: usize>(&self, age: &Age<N>, labels: [&str; N], time: Timestamp) {
        self.record(age.definition(), |family| family.set(&labels, seconds_of(time)));
    }

    /// Replaces all series of an age. Of names beyond the bound of a label the oldest counts as [`OTHER`].
    pub fn replace_times<const N: usize>(
        &self,
        age: &Age<N>,
        entries: impl IntoIterator<Item = ([String; N], Timestamp)>,
    ) {
        let entries = entries.into_iter().map(|(labels, time)| (labels.to_vec(), seconds_of(time)));
        self.record(age.definition(), |family| family.replace(entries));
    }

    /// Sets the time that a countdown leads to.
    pub fn set_deadline<const N: usize>(&self, countdown: &Countdown<N>, labels: [&str; N], time: Timestamp) {
        self.record(countdown.definition(), |family| family.set(&labels, seconds_of(time)));
    }

    /// Observes a duration.
    pub fn observe<const N: usize>(&self, histogram: &Histogram<N>, labels: [&str; N], took: Duration) {
        self.record(histogram.definition(), |family| family.observe(&labels, took.as_secs_f64()));
    }

    /// Calls a collector whenever metrics are gathered, until the process stops. It must be quick, and must
    /// not keep a log open: whoever records to a log holds these metrics.
    pub fn collect_with(&self, collector: impl Fn(&Self) + Send + Sync + 'static) {
        self.0.collectors.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(collector));
    }

    /// Reports on the snapshots of a service. `facts` gives when the newest was written, and how many could
    /// not be used and how many not be written.
    pub fn collect_snapshots(
        &self,
        service: &'static str,
        facts: impl Fn() -> (Option<Timestamp>, u64, u64) + Send + Sync + 'static,
    ) {
        self.collect_with(move |metrics| {
            let (written_at, not_used, not_written) = facts();
            if let Some(time) = written_at {
                metrics.set_time(&catalogue::SNAPSHOT_AGE, [service], time);
            }
            metrics.raise(&catalogue::SNAPSHOT_FAILURES, [service, "not_used"], not_used);
            metrics.raise(&catalogue::SNAPSHOT_FAILURES, [service, "not_written"], not_written);
        });
    }

    /// Ends all collectors, with what they hold.
    pub(crate) fn stop_collecting(&self) {
        self.0.collectors.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Everything that is reported at a time, in the text format of Prometheus, version 0.0.4. Every metric
    /// of the services is listed, also one without a series.
    #[must_use]
    pub fn page(&self, now: Timestamp) -> String {
        text::page(&self.gather(now))
    }

    /// Lets the collectors record, and takes all series as at a time, in the order of names.
    pub(crate) fn gather(&self, now: Timestamp) -> Vec<Gathered> {
        // A copy, so that a collector may add another one.
        let collectors = self.0.collectors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        collectors.iter().for_each(|collect| collect(self));
        let families = self.0.families.values();
        families.map(|family| Gathered::new(family, seconds_of(now))).collect()
    }

    fn record(&self, metric: &Metric, record: impl FnOnce(&Family)) {
        if let Some(family) = self.0.families.get(metric.name) {
            record(family);
        }
    }
}

impl Gathered {
    /// The series of a metric. Times become seconds since, or until, the present.
    fn new(family: &Family, now: f64) -> Self {
        let mut series = family.series();
        for (_, value) in &mut series {
            if let Series::Value(time) = value {
                match family.metric.kind {
                    Kind::Age => *time = now - *time,
                    Kind::Countdown => *time -= now,
                    Kind::Counter | Kind::Gauge | Kind::Histogram(_) => {}
                }
            }
        }
        Self { metric: family.metric, series }
    }
}

/// A number of things as the floating-point number that metrics have; beyond 2^53 the nearest one.
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A time as seconds since 1970.
fn seconds_of(time: Timestamp) -> f64 {
    time.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}
