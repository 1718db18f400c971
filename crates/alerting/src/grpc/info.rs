//! What is told of rules and filters.
use orewatch_contracts::alerting::v1::{
    AlertState, ListAlertsRequest, Rule, RuleCost, RuleHealth, RuleInfo, RuleSuspension, Warning,
};
use orewatch_runtime::Failure;

use crate::book::View;
use crate::cost::MAX_RULE_STEPS;
use crate::decide::{self, Untold, on_newest_version};
use crate::evolve::Revision;
use crate::filter::Words;
use crate::rules::{Checked, check, limit, limited, warnings};
use crate::subscribe::timestamp;
use crate::tenant::{Scope, tenant_of};

/// What a filter speaks of that no rule in a scope has, or ever had.
pub(super) fn unknown_words(view: &View, scope: &Scope, request: &ListAlertsRequest) -> Vec<String> {
    let Some(filter) = &request.filter else { return Vec::new() };
    let revisions = view.state().rules().values().flat_map(|revisions| revisions.iter());
    let rules = revisions.filter_map(|revision| revision.rule.as_ref());
    Words::of(rules.filter(|rule| scope.holds(tenant_of(&rule.id)))).unknown(filter)
}

/// What the author of a rule should know: what the catalogue tells, and what the figures that are there tell.
pub(super) fn warnings_of(rule: &Checked, view: &View) -> Vec<Warning> {
    let state = view.state();
    let standing = decide::standing(state, &rule.rule.id).ok().filter(|(_, stored)| **stored == rule.rule);
    let Some((revision, stored)) = standing else { return warnings(rule, None) };
    let evaluated = state.evaluated();
    let is_evaluated = evaluated.exposures > 0 && evaluated.rules >= revision.position;
    let info = info(view, revision, stored);
    let limited = limited(rule, info.firing.saturating_add(info.pending), info.held_back);
    warnings(rule, is_evaluated.then_some(info.subjects)).into_iter().chain(limited).collect()
}

pub(super) fn standing_info(view: &View, rule: &str) -> Result<RuleInfo, Failure> {
    decide::standing(view.state(), rule).map(|(revision, rule)| info(view, revision, rule))
}

pub(super) fn info(view: &View, revision: &Revision, rule: &Rule) -> RuleInfo {
    let records = view.state().alerts_of(&rule.id);
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
    let subjects = view.subjects(&rule.id);
    let untold = view.untold(&rule.id);
    let limited = firing + pending >= limit(rule);
    let suspension = view.state().suspension(&rule.id, revision.number);
    let (health, health_reason) = match suspension {
        Some(suspension) => (RuleHealth::Suspended, suspension.reason.clone()),
        None => health((rule, is_supported(view, revision, rule)), subjects, stale, limited, &untold),
    };
    let last_steps = view.state().last_steps(&rule.id).unwrap_or_default();
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
        held_back: untold.held_back,
        failed: untold.failed,
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

/// That this version can evaluate a rule, or why not. What was evaluated is not checked again.
fn is_supported(view: &View, revision: &Revision, rule: &Rule) -> Result<(), Failure> {
    match view.is_supported(&rule.id, revision.number) {
        Some(true) => Ok(()),
        Some(false) | None => check(&on_newest_version(rule)).map(drop),
    }
}

/// How a rule fares: the worst that there is to say, and why.
fn health(
    (rule, supported): (&Rule, Result<(), Failure>),
    subjects: u32,
    stale: u32,
    limited: bool,
    untold: &Untold,
) -> (RuleHealth, String) {
    if let Err(failure) = supported {
        return (RuleHealth::Failed, format!("this version cannot evaluate the rule: {}", failure.message));
    }
    if untold.failed > 0 {
        let why = untold.why.as_deref().unwrap_or("the evaluation failed");
        return (RuleHealth::Failed, format!("the evaluation fails on {} subjects: {why}", untold.failed));
    }
    if limited {
        let (limit, held) = (limit(rule), untold.held_back);
        return (
            RuleHealth::Limited,
            format!("{limit} alerts are open, the limit; {held} further ones are held back"),
        );
    }
    match (subjects, stale) {
        (0, _) => (RuleHealth::Unknown, "it has not been evaluated on anything yet".to_owned()),
        (_, 0) => (RuleHealth::Ok, String::new()),
        (_, stale) => (RuleHealth::Stale, format!("the figures of {stale} open alerts are missing or stale")),
    }
}
