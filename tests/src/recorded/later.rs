//! Events after the recorded heads of the logs, as far as they can explain a difference from a recorded
//! answer.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::{
    Alert, AlertFired, AlertPending, AlertResolved, AlertRestated, AlertSeverityChanged, AlertStale, Reason,
};
use orewatch_contracts::common::v1::{By, Cause, CauseKind, Estimate, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied, Subject};
use orewatch_eventlog::Event;
use prost::Message;

use super::logs::Logs;
use super::questions::Questions;
use super::rows;

/// Types of events on the alerts log that follow from changed figures and name no cause: evaluations, and
/// messages with their attempts.
const CONSEQUENCES: [&str; 7] = [
    "EvaluationBegun",
    "ExposuresEvaluated",
    "NotificationPlanned",
    "DeliveryAttempted",
    "DeliverySucceeded",
    "DeliveryFailed",
    "DeliveryGivenUp",
];

/// Events after the recorded heads, and what they change.
#[derive(Clone, Debug, Default)]
pub struct Later {
    /// Every event, in the order of logs and positions.
    pub events: Vec<LaterEvent>,
    /// The figures that they publish, by subject and period. The newest counts.
    pub figures: BTreeMap<String, Published>,
    /// The alerts that they change, by identifier. The newest transition counts.
    pub alerts: BTreeMap<String, Moved>,
}

/// An event after the recorded head.
#[derive(Clone, Debug)]
pub struct LaterEvent {
    /// The log, the position and the type, for people.
    pub what: String,
    /// Why it was written.
    pub origin: Origin,
}

/// Why an event was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It names its cause: the kind of cause, and the material.
    Cause(i32, String),
    /// It publishes measures that did not exist when the record was made. No question asks for them.
    OtherMeasures,
    /// It follows from other events.
    Consequence,
    /// Nothing explains it.
    Unknown,
}

/// A figure as an event publishes it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Kind of the cause, and material.
    pub cause: (i32, String),
    /// The figure as a row of answers. `None` if it no longer exists.
    pub figure: Option<String>,
}

/// An alert after a transition.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Kind of the cause, and material.
    pub cause: (i32, String),
    /// Its state as a row of answers.
    pub state: String,
    /// Its figure as a row of answers.
    pub figure: String,
}

impl Later {
    /// Reads the events after the recorded heads.
    #[must_use]
    pub fn new(logs: &Logs, questions: &Questions) -> Self {
        let (mut later, heads) = (Self::default(), questions.heads);
        let after = |events: &[Event], head: u64| -> Vec<Event> {
            events.iter().filter(|event| event.position > head).cloned().collect()
        };
        for event in after(&logs.observations, heads.observations) {
            later.add("observations", &event, Origin::Unknown);
        }
        for event in after(&logs.exposures, heads.exposures) {
            let origin = later.add_figures(&event, &questions.measures);
            later.add("exposures", &event, origin);
        }
        for event in after(&logs.alerts, heads.alerts) {
            let origin = later.add_transition(&event);
            later.add("alerts", &event, origin);
        }
        later
    }

    fn add(&mut self, log: &str, event: &Event, origin: Origin) {
        let what = format!("event {} of the {log} log, {}", event.position, event.kind);
        self.events.push(LaterEvent { what, origin });
    }

    fn add_figures(&mut self, event: &Event, measures: &[String]) -> Origin {
        match short(&event.kind) {
            "ExposuresChanged" => {
                let changed: ExposuresChanged = decoded(event);
                if adds_other_measures(&changed, measures) {
                    return Origin::OtherMeasures;
                }
                let material = changed.market.clone().unwrap_or_default().material;
                let cause = (kind(changed.cause.as_ref()), material);
                self.figures.extend(figures(&changed, &cause));
                Origin::Cause(cause.0, cause.1)
            }
            "ReleaseApplied" => {
                let applied: ReleaseApplied = decoded(event);
                match kind(applied.cause.as_ref()) {
                    cause if cause == i32::from(CauseKind::MeasuresAdded) => Origin::OtherMeasures,
                    cause => Origin::Cause(cause, applied.material),
                }
            }
            _ => Origin::Unknown,
        }
    }

    fn add_transition(&mut self, event: &Event) -> Origin {
        if CONSEQUENCES.contains(&short(&event.kind)) {
            return Origin::Consequence;
        }
        let Some(alert) = moved_alert(event) else { return Origin::Unknown };
        let material = alert.subject.clone().unwrap_or_default().material;
        // An earlier version mixed yearly and monthly figures. Alerts that were separated from monthly
        // figures have a reason of their own, and the cause of the monthly release.
        let is_separated = alert.reason() == Reason::FrequenciesSeparated;
        let cause =
            if is_separated { i32::from(CauseKind::SourcesSeparated) } else { kind(alert.cause.as_ref()) };
        let cause = (cause, material);
        let (state, figure) = (rows::alert_state(&alert), rows::alert_figure(&alert));
        self.alerts.insert(alert.id, Moved { cause: cause.clone(), state, figure });
        Origin::Cause(cause.0, cause.1)
    }
}

fn short(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or_default()
}

fn decoded<M: Message + Default>(event: &Event) -> M {
    M::decode(event.data.clone()).unwrap_or_else(|error| panic!("{}: {error}", event.kind))
}

fn kind(cause: Option<&Cause>) -> i32 {
    cause.map_or(0, |cause| cause.kind)
}

/// Whether an event publishes added measures, and none that questions ask for.
fn adds_other_measures(changed: &ExposuresChanged, measures: &[String]) -> bool {
    let published = changed.columns.iter().flat_map(|columns| &columns.measures);
    kind(changed.cause.as_ref()) == i32::from(CauseKind::MeasuresAdded)
        && published.into_iter().all(|measure| !measures.contains(measure))
}

fn moved_alert(event: &Event) -> Option<Alert> {
    match short(&event.kind) {
        "AlertPending" => decoded::<AlertPending>(event).alert,
        "AlertFired" => decoded::<AlertFired>(event).alert,
        "AlertResolved" => decoded::<AlertResolved>(event).alert,
        "AlertStale" => decoded::<AlertStale>(event).alert,
        "AlertSeverityChanged" => decoded::<AlertSeverityChanged>(event).alert,
        "AlertRestated" => decoded::<AlertRestated>(event).alert,
        _ => None,
    }
}

/// The figures of an event, each with its subject and period. Columns may be empty as the contract allows.
fn figures(changed: &ExposuresChanged, cause: &(i32, String)) -> Vec<(String, Published)> {
    let columns = changed.columns.clone().unwrap_or_default();
    (0..columns.consumer.len()).map(|row| figure(changed, &columns, row, cause)).collect()
}

fn figure(
    changed: &ExposuresChanged,
    columns: &ExposureColumns,
    row: usize,
    cause: &(i32, String),
) -> (String, Published) {
    let market = changed.market.clone().unwrap_or_default();
    let subject = Subject {
        consumer: entry(&columns.consumers, &columns.consumer, row),
        material: market.material,
        stage: market.stage,
        supplier: entry(&columns.suppliers, &columns.supplier, row),
        measure: entry(&columns.measures, &columns.measure, row),
        by: columns.by.get(row).copied().unwrap_or_else(|| By::Quantity.into()),
    };
    let names = entry(&columns.names, &columns.name, row);
    let names: Vec<String> = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let is_gone = columns.gone.get(row).copied().unwrap_or_default();
    let figure = (!is_gone).then(|| rows::figure(Some(&estimate(columns, row)), &names));
    (rows::figure_key(Some(&subject), &market.period), Published { cause: cause.clone(), figure })
}

fn entry(dictionary: &[String], column: &[u32], row: usize) -> String {
    let index = column.get(row).copied().unwrap_or_default();
    let index = usize::try_from(index).expect("an index fits");
    dictionary.get(index).cloned().unwrap_or_default()
}

fn estimate(columns: &ExposureColumns, row: usize) -> Estimate {
    let known = |column: &[f64], or: f64| {
        Some(column.get(row).copied().unwrap_or(or)).filter(|figure| !figure.is_nan())
    };
    let value = columns.value.get(row).copied().unwrap_or(f64::NAN);
    Estimate {
        value: known(&columns.value, f64::NAN),
        low: known(&columns.low, value),
        high: known(&columns.high, value),
        coverage: known(&columns.coverage, 1.0),
        status: columns.status.get(row).copied().unwrap_or_else(|| Status::Known.into()),
        reason: String::new(),
    }
}
