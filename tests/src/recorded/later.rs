//! What the logs hold after the recorded heads, as far as it can explain a difference from a recorded answer.
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

/// What of the alerts log follows from changed figures and names no cause: evaluations, and messages with their attempts.
const CONSEQUENCES: [&str; 7] = [
    "EvaluationBegun",
    "ExposuresEvaluated",
    "NotificationPlanned",
    "DeliveryAttempted",
    "DeliverySucceeded",
    "DeliveryFailed",
    "DeliveryGivenUp",
];

/// What the logs hold after the recorded heads.
#[derive(Clone, Debug, Default)]
pub struct Later {
    /// Every such event, in the order of logs and positions.
    pub events: Vec<LaterEvent>,
    /// The figures that they publish, by what they are about. The newest counts.
    pub figures: BTreeMap<String, Published>,
    /// The alerts that they move, by identifier. The newest transition counts.
    pub alerts: BTreeMap<String, Moved>,
}

/// An event after the recorded head.
#[derive(Clone, Debug)]
pub struct LaterEvent {
    /// The log, the position and the type, for people.
    pub what: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It names its cause: the kind, and the material that it is about.
    Cause(i32, String),
    /// It publishes measures that were not there when the record was made: no question asks for them.
    OtherMeasures,
    /// It follows from others.
    Consequence,
    /// Nothing explains it.
    Unknown,
}

/// A figure as an event publishes it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Kind of the cause, and material.
    pub cause: (i32, String),
    /// The figure as it stands in a row of answers. `None`: it has ceased to exist.
    pub figure: Option<String>,
}

/// An alert as a transition leaves it.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Kind of the cause, and material.
    pub cause: (i32, String),
    /// Its state as it stands in a row of answers.
    pub state: String,
    /// Its figure as it stands in a row of answers.
    pub figure: String,
}

impl Later {
    /// Reads what is on the logs after the recorded heads.
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
            let origin = later.publish(&event, &questions.measures);
            later.add("exposures", &event, origin);
        }
        for event in after(&logs.alerts, heads.alerts) {
            let origin = later.transit(&event);
            later.add("alerts", &event, origin);
        }
        later
    }

    fn add(&mut self, log: &str, event: &Event, origin: Origin) {
        let what = format!("event {} of the {log} log, {}", event.position, event.kind);
        self.events.push(LaterEvent { what, origin });
    }

    fn publish(&mut self, event: &Event, measures: &[String]) -> Origin {
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

    fn transit(&mut self, event: &Event) -> Origin {
        if CONSEQUENCES.contains(&short(&event.kind)) {
            return Origin::Consequence;
        }
        let Some(alert) = moved_alert(event) else { return Origin::Unknown };
        let material = alert.subject.clone().unwrap_or_default().material;
        // Rules of years let go of months once: with a reason of its own, and the cause of the month's own release.
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

/// Whether an event publishes measures that were added, and none of those that are asked for.
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

/// The figures of an event, each with what it is about. Columns may be empty where the contract gives that a meaning.
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
