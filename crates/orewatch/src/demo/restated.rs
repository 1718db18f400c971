//! Compares two vintages of the same periods.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{AlertRestated, AlertTransition, Reason};
use orewatch_contracts::exposure::v1::Exposure;

use super::facts::{Flip, Restated, Side};
use crate::view::event_and_alert;

/// Largest difference at which two figures count as equal.
const TOLERANCE: f64 = 1e-9;

/// Material, stage, period, measure with its weight, supplier.
type FigureKey<'a> = (&'a str, &'a str, &'a str, String, &'a str);

/// Figures by their keys.
type Figures<'a> = BTreeMap<FigureKey<'a>, &'a Exposure>;

/// The measures that are compared.
pub(crate) const TOP: &str = "production-top1";
pub(crate) const HHI: &str = "production-hhi";

/// The largest producers whose share or name differs between two vintages, the largest difference first.
pub(crate) fn compare(old: &[Exposure], new: &[Exposure]) -> Vec<Restated> {
    let (old, new) = (keyed(old), keyed(new));
    let keys = new.keys().filter(|(.., measure, _)| measure.starts_with(TOP));
    let mut restated: Vec<_> = keys.filter_map(|key| restatement(key, &old, &new)).collect();
    restated.sort_by(|a, b| {
        b.difference()
            .abs()
            .total_cmp(&a.difference().abs())
            .then_with(|| (&a.material, &a.stage).cmp(&(&b.material, &b.stage)))
    });
    restated
}

/// The largest producer of a market in both vintages. `None` if it does not differ, or if one of them has no
/// figure.
fn restatement(key: &FigureKey<'_>, old: &Figures<'_>, new: &Figures<'_>) -> Option<Restated> {
    let [older, newer] = [side(key, old)?, side(key, new)?];
    let differs = (older.share - newer.share).abs() > TOLERANCE || older.name != newer.name;
    let (material, stage, period, ..) = key;
    let [material, stage, period] = [material, stage, period].map(|text| (*text).to_owned());
    differs.then_some(Restated { material, stage, period, old: older, new: newer })
}

/// The largest producer in one vintage.
fn side(key: &FigureKey<'_>, figures: &Figures<'_>) -> Option<Side> {
    let (material, stage, period, measure, supplier) = key;
    let top = figures.get(key)?;
    let hhi = figures.get(&(*material, *stage, *period, measure.replace(TOP, HHI), *supplier));
    Some(Side {
        name: top.names.first().cloned().unwrap_or_default(),
        share: value(top)?,
        hhi: hhi.and_then(|exposure| value(exposure)),
    })
}

fn keyed(exposures: &[Exposure]) -> Figures<'_> {
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
