//! An alert as one sentence, for the titles of messages.
use orewatch_catalog::{Consumer, material};
use orewatch_contracts::alerting::v1::{Alert, AlertState};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::Subject;
use orewatch_contracts::figure::value_in;

use crate::wording;

/// Measure of which the share can be told in a sentence.
const SHARE_OF_IMPORTS: &str = "import-share";

/// The alert in one sentence: `Critical: 91.4 % of mined graphite imported by Japan came from China in 2023
/// (threshold 80 %)`.
#[must_use]
pub fn sentence(alert: &Alert, unit: &str) -> String {
    let word = match alert.state() {
        AlertState::Firing => alert.severity.as_str(),
        AlertState::Resolved => "resolved",
        AlertState::Pending => "pending",
        AlertState::Inactive | AlertState::Unspecified => "not crossed",
    };
    // A change of sources must not look like a change in the world, even to a reader of the headline alone.
    let by = Some(wording::not_the_world(alert.reason())).filter(|by| !by.is_empty());
    let by = by.map(|by| format!(", {by}")).unwrap_or_default();
    let is_missing = alert.stale || alert.period.is_empty();
    let period = if is_missing { String::new() } else { format!(" in {}", alert.period) };
    let then = Some(wording::at_transition(alert, unit)).filter(|then| !then.is_empty());
    let then = then.map(|then| format!("; {then}")).unwrap_or_default();
    let disagree = if alert.sources_disagree { "; sources disagree" } else { "" };
    let claim = claim(alert, unit, is_missing);
    let line = crossed_line(alert, unit);
    let found = found(alert);
    format!("{}{by}: {claim}{period} ({line}){found}{then}{disagree}", capitalized(word))
}

/// What the condition of an alert without a single threshold found.
fn found(alert: &Alert) -> String {
    let has_line = alert.condition.is_empty() || alert.margin.is_some() || alert.line != 0.0;
    let is_told = alert.state() == AlertState::Firing && !has_line && !alert.finding.is_empty();
    if is_told { format!(": {}", alert.finding) } else { String::new() }
}

/// The figure and what it is about.
fn claim(alert: &Alert, unit: &str, is_missing: bool) -> String {
    let figure = wording::figure(alert, unit);
    let Some(subject) = &alert.subject else { return format!("{}, {figure}", alert.id) };
    let is_share =
        subject.measure.split('/').next() == Some(SHARE_OF_IMPORTS) && !subject.supplier.is_empty();
    if is_missing || !is_share || alert.estimate.as_ref().is_none_or(|estimate| estimate.value.is_none()) {
        return format!("{}, {figure}", subject_phrase(alert, subject));
    }
    let by = if subject.by() == By::Value { ", by value," } else { "" };
    let [consumer, supplier] = [&subject.consumer, &subject.supplier].map(|code| name(code));
    format!("{figure} of {} imported by {consumer}{by} came from {supplier}", goods(alert, subject))
}

/// The goods: the product where there is only one, otherwise stage and material.
fn goods(alert: &Alert, subject: &Subject) -> String {
    match alert.products.as_slice() {
        [only] if !only.name.is_empty() => only.name.clone(),
        _ => {
            let material = material(&subject.material);
            let material =
                material.map_or_else(|_| subject.material.clone(), |known| known.name.to_lowercase());
            format!("{} {material}", subject.stage)
        }
    }
}

/// Name of an economy; blocs are known by their codes.
fn name(code: &str) -> &str {
    match code.parse() {
        Ok(Consumer::Economy(economy)) => economy.name,
        Ok(Consumer::World) => "the world",
        Ok(Consumer::Bloc(_)) | Err(_) => code,
    }
}

/// Consumer, material, stage and supplier in a few words: `EU27 bismuth refined from CHN`.
fn subject_phrase(alert: &Alert, subject: &Subject) -> String {
    let on = match (subject.supplier.as_str(), alert.names.as_slice()) {
        ("", [_, ..]) => format!(" ({})", wording::largest(alert)),
        ("", []) => String::new(),
        (supplier, _) => format!(" from {supplier}"),
    };
    format!("{} {} {}{on}", subject.consumer, subject.material, subject.stage)
}

/// The threshold in the sentence, or the condition in words if it is not a threshold of the figure itself.
fn crossed_line(alert: &Alert, unit: &str) -> String {
    let line = threshold(alert, unit);
    if alert.condition.is_empty() { format!("threshold {line}") } else { format!("if {line}") }
}

/// The threshold: `80 %`, or `below 5 %`. For other conditions than a threshold of the figure itself, the
/// condition in words.
#[must_use]
pub fn threshold(alert: &Alert, unit: &str) -> String {
    if !alert.condition.is_empty() {
        return alert.condition.clone();
    }
    let line = value_in(unit, alert.line).replace(".0 %", " %");
    if alert.above { line } else { format!("below {line}") }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::common::v1::{Estimate, Status};
    use orewatch_contracts::exposure::v1::ProductInfo;

    use super::*;

    fn alert() -> Alert {
        let [consumer, material, stage, supplier, measure] =
            ["JPN", "graphite", "mined", "CHN", "import-share/1"].map(str::to_owned);
        let subject = Subject { consumer, material, stage, supplier, measure, ..Subject::default() };
        let value = Some(0.914);
        Alert {
            subject: Some(subject),
            state: AlertState::Firing.into(),
            severity: "critical".to_owned(),
            period: "2023".to_owned(),
            estimate: Some(Estimate { value, status: Status::Known.into(), ..Estimate::default() }),
            line: 0.8,
            above: true,
            ..Alert::default()
        }
    }

    #[test]
    fn an_alert_is_a_sentence_about_goods() {
        let text = sentence(&alert(), "share");
        let said =
            "Critical: 91.4 % of mined graphite imported by Japan came from China in 2023 (threshold 80 %)";
        assert_eq!(text, said);
        let products = vec![ProductInfo { name: "magnesite".to_owned(), ..ProductInfo::default() }];
        let text = sentence(&Alert { products, ..alert() }, "share");
        assert!(text.starts_with("Critical: 91.4 % of magnesite imported by Japan"), "{text}");
        let text = sentence(&Alert { state: AlertState::Resolved.into(), ..alert() }, "share");
        assert!(text.starts_with("Resolved: 91.4 %"), "{text}");
    }

    #[test]
    fn other_alerts_name_their_subject_and_condition() {
        let condition = "the figure rises by more than 20 % over 3 periods".to_owned();
        let text = sentence(&Alert { condition, estimate: None, ..alert() }, "share");
        assert_eq!(
            text,
            "Critical: JPN graphite mined from CHN, unavailable in 2023 (if the figure rises by more than \
             20 % over 3 periods)"
        );
        let mut concentration = Alert { names: vec!["CHN".to_owned()], ..alert() };
        let subject = concentration.subject.as_mut().unwrap();
        (subject.supplier, subject.measure) = (String::new(), "import-top1/1".to_owned());
        let text = sentence(&concentration, "share");
        assert_eq!(text, "Critical: JPN graphite mined (CHN), 91.4 % in 2023 (threshold 80 %)");
    }
}
