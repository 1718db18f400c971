//! Phrases about alerts that tables, pages and messages share.
use orewatch_contracts::alerting::v1::{Alert, AlertState, Certainty, Reason, Restatement, SeriesPoint};
use orewatch_contracts::common::v1::{Cause, CauseKind};
use orewatch_contracts::figure::{estimate, value_in};
use orewatch_contracts::market::names_text;

/// Why an alert changed, as a phrase. Empty if the state says so: a figure of a new period crossed or cleared
/// the line.
#[must_use]
pub fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Restated => "the figure was corrected",
        Reason::SourceChanged => "the figure comes from another dataset; nothing has changed in the world",
        Reason::SourcesSeparated => {
            "figures were recomputed with datasets kept apart; nothing has changed in the world"
        }
        Reason::FrequenciesSeparated => {
            "years and months are now kept apart; nothing has changed in the world"
        }
        Reason::Confirmed => "as many datasets as the rule requires are now beyond the line",
        Reason::SmallMarket => "the market is now below the floor of the rule",
        Reason::NoData => "there is no figure",
        Reason::StaleData => "the figure is no longer valid",
        Reason::DataBack => "there is a figure again",
        Reason::RuleRevised => "the rule was revised",
        Reason::RuleSuspended => "its rule costs too much to evaluate and is suspended",
        Reason::RuleRemoved => "the rule was removed",
        Reason::LimitLifted => "the rule was at its limit before",
        Reason::Unspecified | Reason::Crossed | Reason::Held | Reason::Cleared | Reason::Severity => "",
    }
}

/// Why an alert changed without any change in the world, in a few words for a headline. Empty: the world may
/// have changed.
#[must_use]
pub fn not_the_world(reason: Reason) -> &'static str {
    match reason {
        Reason::SourceChanged => "by another source",
        Reason::SourcesSeparated => "by keeping sources apart",
        Reason::FrequenciesSeparated => "by keeping years and months apart",
        _ => "",
    }
}

/// What made a figure change, as a phrase. Empty: not known.
#[must_use]
pub fn cause(cause: Option<&Cause>) -> String {
    let Some(cause) = cause else { return String::new() };
    let release = &cause.release;
    match cause.kind() {
        CauseKind::ReleaseCommitted => format!("release {release}"),
        CauseKind::ReleaseRestated => format!("release {release}, which restates an older one"),
        CauseKind::ReleaseWithdrawn => format!("release {release} was withdrawn"),
        CauseKind::MeasuresAdded => "a new measure".to_owned(),
        CauseKind::SourceChanged if release.is_empty() => {
            "a revised source policy: the figure comes from another dataset".to_owned()
        }
        CauseKind::SourceChanged => format!("the figure comes from another dataset because of {release}"),
        CauseKind::SourcesSeparated => "a version that keeps datasets apart".to_owned(),
        CauseKind::Unspecified => release.clone(),
    }
}

/// The figure as a phrase: `89.0 %`, or since when it is missing and the last one.
#[must_use]
pub fn figure(alert: &Alert, unit: &str) -> String {
    let value = alert.estimate.as_ref().and_then(|estimate| estimate.value);
    if value.is_some() || !alert.stale {
        return estimate(unit, alert.estimate.as_ref());
    }
    missing(alert, unit)
}

/// Since when the figure is missing, and the last one: `no figure since 2024 (last: 50.0 % in 2023)`.
#[must_use]
pub fn missing(alert: &Alert, unit: &str) -> String {
    let last = alert.series.iter().rposition(|point| point.value.is_some());
    let first = alert.series.get(last.map_or(0, |last| last + 1)).map(|point| point.period.as_str());
    let since = first.filter(|_| last.is_some()).unwrap_or(&alert.period);
    let shown = |point: &SeriesPoint| {
        point.value.map(|value| format!("{} in {}", value_in(unit, value), point.period))
    };
    let last = last.and_then(|last| alert.series.get(last)).and_then(shown);
    let last = last.or_else(|| alert.previous.map(|value| value_in(unit, value)));
    last.map_or_else(
        || format!("no figure since {since}"),
        |last| format!("no figure since {since} (last: {last})"),
    )
}

/// The figure at the last transition, if the alert is shown with a newer one: `crossed in 2018 at 95.1 %`.
/// Empty otherwise.
#[must_use]
pub fn at_transition(alert: &Alert, unit: &str) -> String {
    let Some(then) = &alert.at_transition else { return String::new() };
    let word = match alert.reason() {
        Reason::Crossed | Reason::Held | Reason::LimitLifted | Reason::Confirmed => "crossed",
        Reason::Severity => &alert.severity,
        _ => "last changed",
    };
    let value = then.estimate.as_ref().and_then(|estimate| estimate.value);
    let value = value.map_or_else(|| "without a figure".to_owned(), |v| format!("at {}", value_in(unit, v)));
    format!("{word} in {} {value}", then.period)
}

/// What the datasets that provide the figure say: `2 datasets: 40.0 % (comtrade) to 80.0 % (baci)`, or
/// `2 datasets agree: 40.0 %`. Empty: only one dataset provides it.
#[must_use]
pub fn sources(alert: &Alert, unit: &str) -> String {
    let Some((lowest, highest)) = alert.lowest.zip(alert.highest).filter(|_| alert.sources > 1) else {
        return String::new();
    };
    if value_in(unit, lowest) == value_in(unit, highest) && !alert.sources_disagree {
        return format!("{} datasets agree: {}", alert.sources, value_in(unit, lowest));
    }
    let named = |value: f64, dataset: &str| {
        let value = value_in(unit, value);
        if dataset.is_empty() { value } else { format!("{value} ({dataset})") }
    };
    let [lowest, highest] = [(lowest, &alert.lowest_dataset), (highest, &alert.highest_dataset)]
        .map(|(value, dataset)| named(value, dataset));
    let disagree = if alert.sources_disagree { "; they disagree on the line" } else { "" };
    format!("{} datasets: {lowest} to {highest}{disagree}", alert.sources)
}

/// The largest supplier that an alert names, with all that are exactly as large: `CHN and RUS`. Empty if it
/// names none.
#[must_use]
pub fn largest(alert: &Alert) -> String {
    let Some(first) = alert.names.first() else { return String::new() };
    let share = alert.contributors.iter().find(|one| one.supplier == *first).map(|one| one.share.to_bits());
    let others = alert.contributors.iter().filter(|one| one.supplier != *first);
    let tied = others.filter(|one| Some(one.share.to_bits()) == share).map(|one| one.supplier.clone());
    names_text(std::slice::from_ref(first), &tied.collect::<Vec<_>>())
}

/// Whether it is certain that the line is crossed, and if not, why. Empty: it is not crossed.
#[must_use]
pub fn certainty(alert: &Alert) -> &'static str {
    match alert.certainty() {
        Certainty::Confirmed => "confirmed",
        Certainty::NotConfirmed if is_within_bounds(alert) => {
            "not confirmed: the line lies within the bounds"
        }
        Certainty::NotConfirmed => "not confirmed: fewer datasets are beyond the line than the rule requires",
        Certainty::Unspecified => "",
    }
}

/// Whether the line lies within the bounds of the figure, or the bounds are not known.
fn is_within_bounds(alert: &Alert) -> bool {
    let Some(estimate) = &alert.estimate else { return true };
    let near = if alert.above { estimate.low } else { estimate.high };
    let is_beyond = |bound: f64| if alert.above { bound > alert.line } else { bound < alert.line };
    !alert.condition.is_empty() || !near.is_some_and(is_beyond)
}

/// A restated period: `2024: was "resolved"; with revised data it would be "firing" at 70.0 %`.
#[must_use]
pub fn restatement(restated: &Restatement, unit: &str) -> String {
    let Restatement { period, .. } = restated;
    let [was, is] = [restated.was(), restated.is()].map(state);
    let data = match restated.reason() {
        Reason::SourceChanged => "by another source",
        Reason::SourcesSeparated => "with sources kept apart",
        _ => "with revised data",
    };
    let value = restated.figure.as_ref().and_then(|figure| figure.value);
    let before = restated.previous.map(|value| format!(" at {}", value_in(unit, value))).unwrap_or_default();
    let now = value.map(|value| format!(" at {}", value_in(unit, value))).unwrap_or_default();
    format!("{period}: was \"{was}\"{before}; {data} it would be \"{is}\"{now}")
}

/// Name of a state.
#[must_use]
pub fn state(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
        AlertState::Resolved => "resolved",
        AlertState::Inactive | AlertState::Unspecified => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_that_agree_are_shown_with_one_figure() {
        let phrase = |lowest, highest, sources_disagree| {
            let [lowest_dataset, highest_dataset] = ["comtrade", "baci"].map(str::to_owned);
            let (lowest, highest) = (Some(lowest), Some(highest));
            let alert = Alert {
                sources: 2,
                lowest,
                highest,
                lowest_dataset,
                highest_dataset,
                sources_disagree,
                ..Alert::default()
            };
            sources(&alert, "share")
        };
        assert_eq!(phrase(1.0, 1.0, false), "2 datasets agree: 100.0 %");
        assert_eq!(phrase(0.4, 0.8, false), "2 datasets: 40.0 % (comtrade) to 80.0 % (baci)");
        let close = "2 datasets: 65.0 % (comtrade) to 65.0 % (baci); they disagree on the line";
        assert_eq!(phrase(0.6499, 0.6501, true), close);
    }

    #[test]
    fn a_change_of_source_names_the_release_that_caused_it() {
        let cause = |release: &str| Cause {
            kind: CauseKind::SourceChanged.into(),
            release: release.to_owned(),
            ..Cause::default()
        };
        let withdrawn = super::cause(Some(&cause("comtrade-hs22/1")));
        assert_eq!(withdrawn, "the figure comes from another dataset because of comtrade-hs22/1");
    }
}
