//! The values of one metric, by label values.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::definition::{Kind, Label, Metric, OTHER, Values};

/// Upper bound on a label value, in characters.
const MAX_VALUE_CHARS: usize = 128;

/// Upper bound on series that are there before anything is recorded, with the value 0: a counter that appears
/// with its first event hides that event from a rate.
const MAX_INITIAL_SERIES: usize = 64;

/// Methods that no service of ours declares and that are counted by name.
const HEALTH_METHODS: [&str; 2] = ["grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch"];

/// One series of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Series {
    /// Of a counter.
    Total(u64),
    /// Of a gauge; of an age or countdown: the time in seconds since 1970.
    Value(f64),
    /// Of a histogram.
    Distribution(Distribution),
}

/// Durations that were observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    /// Number of observations by bucket, not added up; the last bucket has no upper bound.
    pub(super) counts: Vec<u64>,
    /// Sum of the observations, in seconds.
    pub(super) sum: f64,
}

impl Distribution {
    /// Number of observations.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn observe(&mut self, bounds: &[f64], seconds: f64) {
        self.counts.resize(bounds.len() + 1, 0);
        let bucket = bounds.iter().position(|bound| seconds <= *bound).unwrap_or(bounds.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.sum += seconds;
    }
}

/// Values of the labels of a series, in the order of the metric's labels.
pub(super) type Key = Vec<String>;

/// A metric with its series.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) metric: &'static Metric,
    known: Mutex<Known>,
}

/// What was recorded.
#[derive(Debug, Default)]
struct Known {
    series: BTreeMap<Key, Series>,
    /// For each label whose values are known only at run time, those that have series of their own.
    names: Vec<BTreeSet<String>>,
}

impl Family {
    /// A metric of which nothing was recorded.
    pub(super) fn new(metric: &'static Metric) -> Self {
        let names = vec![BTreeSet::new(); metric.labels.len()];
        Self { metric, known: Mutex::new(Known { series: initial_series(metric), names }) }
    }

    /// Adds to a counter.
    pub(super) fn add(&self, labels: &[&str], amount: u64) {
        let mut known = self.known();
        if let Series::Total(total) = known.entry(self.metric, labels, Series::Total(0)) {
            *total = total.saturating_add(amount);
        }
    }

    /// Records the total of a counter that is counted elsewhere. It never goes down.
    pub(super) fn raise(&self, labels: &[&str], total: u64) {
        let mut known = self.known();
        if let Series::Total(before) = known.entry(self.metric, labels, Series::Total(0)) {
            *before = total.max(*before);
        }
    }

    /// Sets a gauge or a time.
    pub(super) fn set(&self, labels: &[&str], value: f64) {
        *self.known().entry(self.metric, labels, Series::Value(0.0)) = Series::Value(value);
    }

    /// Observes a duration.
    pub(super) fn observe(&self, labels: &[&str], seconds: f64) {
        let Kind::Histogram(bounds) = self.metric.kind else { return };
        let mut known = self.known();
        let empty = Series::Distribution(Distribution::default());
        if let Series::Distribution(distribution) = known.entry(self.metric, labels, empty) {
            distribution.observe(bounds, seconds);
        }
    }

    /// Replaces all series of a gauge or a time. Of what exceeds the bound of a label, the worst value
    /// counts: the largest of a gauge, the earliest time.
    pub(super) fn replace(&self, entries: impl IntoIterator<Item = (Key, f64)>) {
        let mut fresh =
            Known { series: BTreeMap::new(), names: vec![BTreeSet::new(); self.metric.labels.len()] };
        // In the order of names, so that it does not depend on the caller which of them have their own
        // series.
        let ordered: BTreeMap<Key, f64> = entries.into_iter().collect();
        for (key, value) in ordered {
            let labels: Vec<&str> = key.iter().map(String::as_str).collect();
            let key = fresh.key(self.metric, &labels);
            let worst = match fresh.series.get(&key) {
                Some(Series::Value(before)) if self.metric.kind == Kind::Gauge => before.max(value),
                Some(Series::Value(before)) => before.min(value),
                _ => value,
            };
            fresh.series.insert(key, Series::Value(worst));
        }
        *self.known() = fresh;
    }

    /// All series, in the order of their labels.
    pub(super) fn series(&self) -> Vec<(Key, Series)> {
        self.known().series.iter().map(|(key, series)| (key.clone(), series.clone())).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn entry(&mut self, metric: &Metric, labels: &[&str], empty: Series) -> &mut Series {
        let key = self.key(metric, labels);
        self.series.entry(key).or_insert(empty)
    }

    /// The labels of a series, within their bounds.
    fn key(&mut self, metric: &Metric, labels: &[&str]) -> Key {
        let values = metric.labels.iter().zip(&mut self.names).zip(labels);
        values.map(|((label, names), value)| bounded(label, names, value)).collect()
    }
}

/// A value of a label, or [`OTHER`].
fn bounded(label: &Label, names: &mut BTreeSet<String>, value: &str) -> String {
    let is_known = match label.values {
        Values::Listed(values) => values.contains(&value),
        Values::Methods => {
            HEALTH_METHODS.contains(&value) || orewatch_contracts::role_of(&format!("/{value}")).is_some()
        }
        Values::UpTo(most) => {
            let value: String = value.chars().take(MAX_VALUE_CHARS).collect();
            if names.contains(&value) {
                return value;
            }
            if names.len() < most {
                names.insert(value.clone());
                return value;
            }
            false
        }
    };
    if is_known { value } else { OTHER }.to_owned()
}

/// The series of a counter that are there from the start: all combinations, if all values are listed and they
/// are few.
fn initial_series(metric: &Metric) -> BTreeMap<Key, Series> {
    let mut keys = vec![Key::new()];
    for label in metric.labels {
        let Values::Listed(values) = label.values else { return BTreeMap::new() };
        let with = |key: &Key, value: &str| {
            let mut key = key.clone();
            key.push(value.to_owned());
            key
        };
        keys = keys.iter().flat_map(|key| values.iter().map(|value| with(key, value))).collect();
    }
    let is_counted = metric.kind == Kind::Counter && keys.len() <= MAX_INITIAL_SERIES;
    keys.into_iter().filter(|_| is_counted).map(|key| (key, Series::Total(0))).collect()
}
