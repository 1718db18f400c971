//! Compares two vintages of the same periods.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{AlertRestated, AlertTransition, Reason};
use orewatch_contracts::exposure::v1::Exposure;

use super::facts::{Flip, Restated, Side};
use crate::view::event_and_alert;

/// Largest difference at which two figures count as equal.
const TOLERANCE: f64 = 1e-9;

/// Result of the comparison of two vintages.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) compared: usize,
    pub(crate) changed: usize,
    pub(crate) restated: Vec<Restated>,
}

/// Material, stage, period, measure with its weight, supplier.
type FigureKey<'a> = (&'a str, &'a str, &'a str, String, &'a str);

/// Compares the figures that both vintages have.
pub(crate) fn compare(old: &[Exposure], new: &[Exposure]) -> Comparison {
    let (old, new) = (keyed(old), keyed(new));
    let mut comparison = Comparison::default();
    for (key, newer) in &new {
        let Some(older) = old.get(key) else { continue };
        comparison.compared += 1;
        let differ = match (value(older), value(newer)) {
            (Some(older), Some(newer)) => (older - newer).abs() > TOLERANCE,
            (older, newer) => older.is_some() != newer.is_some(),
        };
        comparison.changed += usize::from(differ);
        let (material, stage, period, measure, _) = key;
        if measure.starts_with("production-top1") && (differ || older.names != newer.names) {
            let concentration = |figures: &BTreeMap<FigureKey<'_>, &Exposure>| {
                let hhi = measure.replace("production-top1", "production-hhi");
                figures.get(&(material, stage, period, hhi, "")).and_then(|exposure| value(exposure))
            };
            let side = |exposure: &Exposure, hhi: Option<f64>| {
                Some(Side {
                    name: exposure.names.first().cloned().unwrap_or_default(),
                    share: value(exposure)?,
                    hhi,
                })
            };
            if let (Some(old), Some(new)) =
                (side(older, concentration(&old)), side(newer, concentration(&new)))
            {
                let [material, stage, period] = [material, stage, period].map(|text| (*text).to_owned());
                comparison.restated.push(Restated { material, stage, period, old, new });
            }
        }
    }
    comparison.restated.sort_by(|a, b| {
        b.difference()
            .abs()
            .total_cmp(&a.difference().abs())
            .then_with(|| (&a.material, &a.stage).cmp(&(&b.material, &b.stage)))
    });
    comparison
}

fn keyed(exposures: &[Exposure]) -> BTreeMap<FigureKey<'_>, &Exposure> {
    exposures.iter().filter_map(entry).collect()
}

fn entry(exposure: &Exposure) -> Option<(FigureKey<'_>, &Exposure)> {
    let subject = exposure.subject.as_ref()?;
    let measure = format!("{} {}", subject.measure, subject.by);
    Some(((&*subject.material, &*subject.stage, &*exposure.period, measure, &*subject.supplier), exposure))
}

fn value(exposure: &Exposure) -> Option<f64> {
    exposure.estimate.as_ref().and_then(|estimate| estimate.value)
}

/// The alerts that a release fired, resolved or restated, each with its last transition.
pub(crate) fn flips(transitions: &[AlertTransition], release: &str) -> Vec<Flip> {
    let mut flips: BTreeMap<String, Flip> = BTreeMap::new();
    for transition in transitions {
        let (event, Some(alert)) = event_and_alert(transition) else { continue };
        let caused = alert.cause.as_ref().is_some_and(|cause| cause.release == release);
        let restated = match &transition.event {
            Some(Event::Restated(restated)) => Some((restated.period.clone(), restated.was(), restated.is())),
            Some(Event::Resolved(_) | Event::Fired(_)) if alert.reason() == Reason::Restated => None,
            _ => continue,
        };
        if caused {
            let before = flips.get(&alert.id).and_then(|flip| flip.restated.clone());
            let mut alert = alert.clone();
            if let Some(Event::Restated(AlertRestated { restatement: Some(past), .. })) = &transition.event {
                // The page shows the restated period, not the current one.
                (alert.period, alert.estimate) = (past.period.clone(), past.figure.clone());
            }
            flips.insert(alert.id.clone(), Flip { alert, event, restated: restated.or(before) });
        }
    }
    flips.into_values().collect()
}
