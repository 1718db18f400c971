//! Rules as calls return them, and warnings about rules and filters.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    AlertState, ListAlertsRequest, Rule, RuleCost, RuleHealth, RuleInfo, RuleSuspension, Warning,
};
use orewatch_contracts::time::timestamp;
use orewatch_rules::cost::MAX_RULE_STEPS;
use orewatch_rules::decide::{self, Unreported};
use orewatch_rules::evolve::Revision;
use orewatch_rules::filter::RuleWords;
use orewatch_rules::rulebook::with_newest_measure;
use orewatch_rules::rules::{CheckedRule, check, limit_warning, max_open_alerts, warnings};
use orewatch_rules::tenant::{Scope, tenant_of};

use crate::service_state::RulesView;

/// Warnings about values in a filter that no rule in a scope has or ever had.
pub(super) fn unknown_words(view: &RulesView, scope: &Scope, request: &ListAlertsRequest) -> Vec<String> {
    let Some(filter) = &request.filter else { return Vec::new() };
    let revisions = view.rules().rules().values().flat_map(|revisions| revisions.iter());
    let rules = revisions.filter_map(|revision| revision.rule.as_ref());
    RuleWords::from_rules(rules.filter(|rule| scope.holds(tenant_of(&rule.id)))).unknown(filter)
}

/// Warnings for the author of a rule, from the catalogue and from the present figures.
pub(super) fn warnings_of(rule: &CheckedRule, view: &RulesView) -> Vec<Warning> {
    let state = view.rules();
    let current = decide::current_rule(state, &rule.rule.id).ok().filter(|(_, stored)| **stored == rule.rule);
    let Some((revision, stored)) = current else { return warnings(rule, None) };
    let evaluated = state.evaluated();
    // Without any figures of its materials, that the rule finds none says nothing about it.
    let is_evaluated = view.has_figures_for(rule) && evaluated.rules >= revision.position;
    let info = rule_info(view, revision, stored);
    let limited = limit_warning(rule, info.firing.saturating_add(info.pending), info.held_back);
    warnings(rule, is_evaluated.then_some(info.subjects)).into_iter().chain(limited).collect()
}

/// The current revision of a rule.
///
/// # Errors
/// Those of [`decide::current_rule`] for an unknown rule.
pub(super) fn current_rule_info(view: &RulesView, rule: &str) -> Result<RuleInfo, Failure> {
    decide::current_rule(view.rules(), rule).map(|(revision, rule)| rule_info(view, revision, rule))
}

/// A revision of a rule, with its health and counts of its alerts.
pub(super) fn rule_info(view: &RulesView, revision: &Revision, rule: &Rule) -> RuleInfo {
    let records = view.rules().alerts_of(&rule.id);
    let own = records.filter_map(|(_, record)| record.alert.as_deref());
    let (mut firing, mut pending, mut stale) = (0, 0, 0);
    for alert in own {
        match alert.state() {
            AlertState::Firing => firing += 1,
            AlertState::Pending => pending += 1,
            AlertState::Unspecified | AlertState::Inactive | AlertState::Resolved => {}
        }
        stale += u32::from(alert.stale);
    }
    let subjects = view.count_subjects(&rule.id);
    let unreported = view.unreported(&rule.id);
    let limited = firing + pending >= max_open_alerts(rule);
    let suspension = view.rules().suspension(&rule.id, revision.number);
    let (health, health_reason) = match suspension {
        Some(suspension) => (RuleHealth::Suspended, suspension.reason.clone()),
        None => health((rule, check_supported(view, revision, rule)), subjects, stale, limited, &unreported),
    };
    let last_steps = view.rules().last_steps(&rule.id).unwrap_or_default();
    let cost = view.cost(&rule.id, revision.number).map(|cost| RuleCost {
        steps: cost.steps,
        limit: MAX_RULE_STEPS,
        subjects: cost.subjects,
        periods: cost.periods,
        last_steps,
    });
    RuleInfo {
        rule: Some(rule.clone()),
        revision: revision.number,
        put_at: Some(timestamp(revision.time)),
        firing,
        pending,
        subjects,
        limited,
        health: health.into(),
        health_reason,
        held_back: unreported.held_back,
        failed: unreported.failed,
        stale,
        actor: revision.actor.clone(),
        reason: revision.reason.clone(),
        cost,
        suspension: suspension.map(|suspension| RuleSuspension {
            time: Some(timestamp(suspension.time)),
            steps: suspension.steps,
            limit: suspension.limit,
            reason: suspension.reason.clone(),
        }),
    }
}

/// Checks that this version can evaluate a rule. A rule that was evaluated is not checked again.
fn check_supported(view: &RulesView, revision: &Revision, rule: &Rule) -> Result<(), Failure> {
    match view.is_supported(&rule.id, revision.number) {
        Some(true) => Ok(()),
        Some(false) | None => check(&with_newest_measure(rule)).map(drop),
    }
}

/// The health of a rule, with the reason; of several the worst.
fn health(
    (rule, supported): (&Rule, Result<(), Failure>),
    subjects: u32,
    stale: u32,
    limited: bool,
    unreported: &Unreported,
) -> (RuleHealth, String) {
    if let Err(failure) = supported {
        return (RuleHealth::Failed, format!("this version cannot evaluate the rule: {}", failure.message));
    }
    if unreported.failed > 0 {
        let why = unreported.why.as_deref().unwrap_or("the evaluation failed");
        return (
            RuleHealth::Failed,
            format!("the evaluation fails on {} subjects: {why}", unreported.failed),
        );
    }
    if limited {
        let (limit, held) = (max_open_alerts(rule), unreported.held_back);
        return (
            RuleHealth::Limited,
            format!("{limit} alerts are open, which is the limit; {held} more are held back"),
        );
    }
    match (subjects, stale) {
        (0, _) => (RuleHealth::Unknown, "the rule has not been evaluated on any subject yet".to_owned()),
        (_, 0) => (RuleHealth::Ok, String::new()),
        (_, stale) => (RuleHealth::Stale, format!("the figures of {stale} open alerts are missing or stale")),
    }
}
