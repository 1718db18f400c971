//! The newest figures of alerts: an alert carries the figure that decided, which may lie years back.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::{Alert, Certainty};
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter, Subject};
use orewatch_runtime::Failure;

use super::{exposure, say};
use crate::session::Client;
use crate::view::margin;

/// The newest figures by subject.
#[derive(Debug, Default)]
pub(crate) struct Current(BTreeMap<Key, Exposure>);

/// Consumer, material, stage, supplier, measure, what flows are weighed by.
type Key = (String, String, String, String, String, i32);

fn key(subject: &Subject) -> Key {
    let Subject { consumer, material, stage, supplier, measure, by } = subject.clone();
    (consumer, material, stage, supplier, measure, by)
}

impl Current {
    /// Asks for the newest figures of the subjects of alerts. The exposure service may be elsewhere: then alerts are shown
    /// as they were recorded.
    pub(crate) async fn or_none(client: &Client, alerts: &[Alert]) -> Self {
        Self::of(client, alerts).await.unwrap_or_else(|failure| {
            say(&format!("figures are those that decided, not the newest: {}", failure.message));
            Self::default()
        })
    }

    /// Asks for the newest figures of the subjects of alerts.
    pub(crate) async fn of(client: &Client, alerts: &[Alert]) -> Result<Self, Failure> {
        let subjects: Vec<&Subject> = alerts.iter().filter_map(|alert| alert.subject.as_ref()).collect();
        let (with, without): (Vec<_>, Vec<_>) =
            subjects.into_iter().partition(|subject| !subject.supplier.is_empty());
        let mut current = Self::default();
        for subjects in [with, without].into_iter().filter(|subjects| !subjects.is_empty()) {
            let found = exposure::query(client, filter(&subjects), None).await?;
            current.0.extend(
                found.exposures.into_iter().filter_map(|one| Some((key(one.subject.as_ref()?), one))),
            );
        }
        Ok(current)
    }

    /// Alerts with the newest period, figure and margin of their subjects.
    pub(crate) fn applied(&self, alerts: &[Alert]) -> Vec<Alert> {
        let mut alerts = alerts.to_vec();
        for alert in &mut alerts {
            self.apply(alert);
        }
        alerts
    }

    fn apply(&self, alert: &mut Alert) {
        let newest = alert.subject.as_ref().and_then(|subject| self.0.get(&key(subject)));
        let Some(newest) = newest.filter(|newest| newest.period >= alert.period) else { return };
        let Some(value) = newest.estimate.as_ref().and_then(|estimate| estimate.value) else { return };
        alert.margin = Some(margin(alert, value));
        alert.certainty = certainty(alert, newest.estimate.as_ref()).into();
        alert.period.clone_from(&newest.period);
        alert.estimate = newest.estimate.clone();
        alert.names.clone_from(&newest.names);
        alert.releases.clone_from(&newest.releases);
    }

    /// The newest period and figure of an alert's subject.
    pub(crate) fn figure(&self, alert: &Alert) -> Option<(&str, &Estimate)> {
        let newest = self.0.get(&key(alert.subject.as_ref()?))?;
        Some((&newest.period, newest.estimate.as_ref()?))
    }
}

/// Whether a figure is beyond the line for certain: with all of its band.
fn certainty(alert: &Alert, estimate: Option<&Estimate>) -> Certainty {
    let beyond = |value: Option<f64>| value.is_some_and(|value| margin(alert, value) > 0.0);
    match estimate {
        Some(estimate) if !beyond(estimate.value) => Certainty::Unspecified,
        Some(estimate) if beyond(estimate.low) && beyond(estimate.high) => Certainty::Confirmed,
        Some(_) => Certainty::NotConfirmed,
        None => Certainty::Unspecified,
    }
}

/// Which exposures the subjects are; a superset.
fn filter(subjects: &[&Subject]) -> ExposureFilter {
    let all = |pick: fn(&Subject) -> &String| {
        let set: BTreeSet<&String> =
            subjects.iter().map(|subject| pick(subject)).filter(|text| !text.is_empty()).collect();
        set.into_iter().cloned().collect()
    };
    ExposureFilter {
        consumers: all(|subject| &subject.consumer),
        materials: all(|subject| &subject.material),
        stages: all(|subject| &subject.stage),
        suppliers: all(|subject| &subject.supplier),
        measures: all(|subject| &subject.measure),
        ..ExposureFilter::default()
    }
}
