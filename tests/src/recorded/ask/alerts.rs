//! Questions about rules with their revisions, alerts, and their history.
use std::collections::BTreeSet;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertTransition, GetAlertRequest, ListRulesRequest, RuleInfo};
use tonic::Status;

use crate::api::Api;
use crate::recorded::answers::{Answers, Section, add_row, bits};
use crate::recorded::compare::{ALERT_FIGURES, ALERT_HISTORY, ALERT_STATES, RULE_COUNTS};
use crate::recorded::rows::{alert_figure, alert_state, list, time, word};
use crate::state;

/// Adds the sections `rules` and `rule counts`, and those of alerts.
pub(super) async fn ask(api: &Api, into: &mut Answers) -> Result<(), Status> {
    let answer = api.alerting.clone().list_rules(ListRulesRequest::default()).await?.into_inner();
    let [mut rules, mut counts] = [(); 2].map(|()| Section::new());
    for info in answer.rules {
        let id = info.rule.as_ref().map(|rule| rule.id.clone()).unwrap_or_default();
        add_row(&mut counts, id.clone(), rule_counts(&info));
        add_row(&mut rules, id, rule(info));
    }
    into.add("rules", rules);
    into.add(RULE_COUNTS, counts);

    let [mut states, mut figures, mut history] = [(); 3].map(|()| Section::new());
    for alert in api.alerts().await? {
        add_row(&mut states, alert.id.clone(), alert_state(&alert));
        add_row(&mut figures, alert.id.clone(), alert_figure(&alert));
        add_history(api, &alert, &mut history).await?;
    }
    into.add(ALERT_STATES, states);
    into.add(ALERT_FIGURES, figures);
    into.add(ALERT_HISTORY, history);
    Ok(())
}

/// Writes the revision and the plain fields of a rule. The digest of the log covers the rest.
fn rule(info: RuleInfo) -> String {
    let rule = info.rule.unwrap_or_default();
    let severity: Vec<_> =
        rule.severity.iter().map(|band| format!("{}={}", band.severity, bits(Some(band.from)))).collect();
    let labels: BTreeSet<_> = rule.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let labels: Vec<_> = labels.into_iter().map(|label| label.replace(' ', "_")).collect();
    format!(
        "{} {} {}; {} {}; {} {} {}; {}; {}",
        info.revision,
        time(info.put_at),
        word(&info.actor),
        rule.measure,
        rule.by,
        word(&rule.pack),
        word(&rule.owner),
        rule.limit,
        list(&severity),
        list(&labels)
    )
}

fn rule_counts(info: &RuleInfo) -> String {
    let RuleInfo { firing, pending, subjects, limited, health, held_back, failed, stale, .. } = info;
    format!("{firing} {pending} {subjects} {limited} {health} {held_back} {failed} {stale}")
}

async fn add_history(api: &Api, alert: &Alert, into: &mut Section) -> Result<(), Status> {
    let request = GetAlertRequest { alert: alert.id.clone() };
    let answer = api.alerting.clone().get_alert(request).await?.into_inner();
    for (number, transition) in answer.transitions.iter().enumerate() {
        add_row(into, format!("{} {number:03}", alert.id), self::transition(transition));
    }
    Ok(())
}

/// Writes a transition with its alert.
pub(super) fn transition(transition: &AlertTransition) -> String {
    let event = transition.event.as_ref();
    let alert = event.and_then(state::alert).cloned().unwrap_or_default();
    let what = event.map(kind).unwrap_or_default();
    format!(
        "{} {} {what}; {} {}; {}",
        transition.event_id,
        time(transition.time),
        alert.id,
        alert_state(&alert),
        alert_figure(&alert)
    )
}

fn kind(event: &Event) -> String {
    match event {
        Event::Pending(_) => "pending".to_owned(),
        Event::Fired(_) => "fired".to_owned(),
        Event::Resolved(_) => "resolved".to_owned(),
        Event::Stale(_) => "stale".to_owned(),
        Event::SeverityChanged(event) => format!("severity {}", word(&event.from)),
        Event::Restated(event) => format!("restated {} {} {}", event.period, event.was, event.is),
    }
}
