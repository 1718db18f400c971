//! Puts many rules in one call, and checks the cost of rules before they are stored.
use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::alerting::v1::{
    AlertEvent, PutRuleResponse, PutRulesRequest, PutRulesResponse, Rule,
};
use orewatch_contracts::page::MAX_PAGE_BYTES;
use orewatch_contracts::{Class, Failure};
use orewatch_rules::cost::{Cost, MAX_EVALUATION_STEPS};
use orewatch_rules::decide::{self, Author};
use orewatch_rules::figures::Figures;
use orewatch_rules::quota;
use orewatch_rules::rules::{CheckedRule, check};
use orewatch_rules::tenant::tenant_of;
use orewatch_runtime::Identity;
use prost::Message as _;
use tokio::sync::watch;

use super::AlertingService;
use super::info::{current_rule_info, warnings_of};
use crate::blocking::compute_answer;
use crate::service_state::{RulesView, ServiceState};

/// Rules in one request.
const MAX_RULES: usize = 1000;
/// Bytes that an answer takes for each rule beside the rule itself: counts, times, warnings.
const MAX_INFO_BYTES: usize = 512;
/// Rules that are appended at a time: a log flushes what waits together.
const MAX_CONCURRENT_APPENDS: usize = 256;
/// Steps of a rule below which it is not checked against the sum of all rules: 100,000 such rules take no
/// more than one evaluation may.
const NEGLIGIBLE_STEPS: u64 = MAX_EVALUATION_STEPS / 100_000;

/// Checks that there is room for rules, and that they cost no more than they may, alone and together with
/// others.
///
/// # Errors
/// Those of [`quota::admit`], [`Cost::admit`] and [`Cost::admit_beside`].
pub(super) async fn admit(
    service: &watch::Receiver<ServiceState>,
    rules: Vec<CheckedRule>,
) -> Result<(), Failure> {
    let (view, figures) = {
        let service = service.borrow();
        (service.view.clone(), service.figures.clone())
    };
    compute_answer(move || admit_to(&view, &figures, &rules)).await
}

fn admit_to(view: &RulesView, figures: &Figures, rules: &[CheckedRule]) -> Result<(), Failure> {
    quota::admit(view.rules(), rules.iter().map(|rule| &rule.rule))?;
    let costs: Vec<(&CheckedRule, Cost)> = rules.iter().map(|rule| (rule, figures.cost(rule))).collect();
    costs.iter().try_for_each(|(rule, cost)| cost.admit(rule))?;
    if costs.iter().all(|(_, cost)| cost.steps < NEGLIGIBLE_STEPS) {
        return Ok(());
    }
    let put: BTreeSet<&str> = rules.iter().map(|rule| rule.rule.id.as_str()).collect();
    let mut others = view.steps_beside(&put, figures);
    for (rule, cost) in costs {
        if cost.steps >= NEGLIGIBLE_STEPS {
            cost.admit_beside(&rule.rule.id, &others)?;
        }
        others.add(&rule.rule.id, cost.steps);
    }
    Ok(())
}

/// Refuses rules whose answer would be larger than clients accept: it has each rule with its author and
/// reason.
fn check_answer_size(rules: &[Rule], actor: &str, reason: &str) -> Result<(), Failure> {
    let beside = actor.len() + reason.len() + MAX_INFO_BYTES;
    let bytes: usize = rules.iter().map(|rule| rule.encoded_len() + beside).sum();
    if bytes <= MAX_PAGE_BYTES {
        return Ok(());
    }
    let message = format!(
        "the answer to {} rules would take {bytes} bytes, the limit is {MAX_PAGE_BYTES}",
        rules.len()
    );
    let wrong = Failure::new(Class::Invalid, "too-large", message).at("rules", rules.len().to_string());
    Err(wrong.with_hint("put them in several requests"))
}

/// Checks all rules of a request, before the first is stored.
fn check_all(rules: &[Rule]) -> Result<Vec<CheckedRule>, Failure> {
    let mut seen = BTreeSet::new();
    for rule in rules {
        if !seen.insert(rule.id.as_str()) {
            let message = format!("rule {} is put twice", rule.id);
            return Err(Failure::new(Class::Invalid, "duplicate-id", message).at("rules", &rule.id));
        }
    }
    let named = |rule: &Rule| {
        check(rule).map_err(|failure| Failure {
            message: format!("rule {}: {}", rule.id, failure.message),
            ..failure
        })
    };
    rules.iter().map(named).collect()
}

impl AlertingService {
    /// Puts many rules, without waiting for their evaluation.
    pub(super) async fn put_all(
        &self,
        who: &Identity,
        request: PutRulesRequest,
    ) -> Result<PutRulesResponse, Failure> {
        let PutRulesRequest { rules, actor, reason, re_evaluate } = request;
        if rules.len() > MAX_RULES {
            let message = format!("{} rules are put at once, the limit is {MAX_RULES}", rules.len());
            let wrong =
                Failure::new(Class::Invalid, "too-many", message).at("rules", rules.len().to_string());
            return Err(wrong.with_hint("put them in several requests"));
        }
        rules.iter().try_for_each(|rule| who.check_change(tenant_of(&rule.id)))?;
        let actor = who.actor(actor);
        check_answer_size(&rules, &actor, &reason)?;
        let service = self.caught_up().await?;
        let view = service.borrow().view.clone();
        let (by, why) = (actor.clone(), reason.clone());
        let (checked, changed) = compute_answer(move || {
            let checked = check_all(&rules)?;
            let author = Author { actor: &by, reason: &why };
            let put = |rule: &CheckedRule| decide::put_checked(view.rules(), rule, author, re_evaluate);
            let puts = checked.iter().map(put).collect::<Result<Vec<_>, _>>()?;
            let changed = checked.iter().zip(puts).filter(|(_, put)| put.is_some());
            let changed = changed.map(|(rule, _)| rule.clone()).collect();
            Ok((checked, changed))
        })
        .await?;
        admit(&service, changed).await?;
        let author = Author { actor: &actor, reason: &reason };
        let put = |rule: CheckedRule| {
            let mut service = service.clone();
            async move {
                let put = |state: &_| {
                    Ok(decide::put_checked(state, &rule, author, re_evaluate)?.map(AlertEvent::RulePut))
                };
                self.change(&mut service, &rule.rule.id, put).await
            }
        };
        let puts = stream::iter(checked.clone()).map(put);
        let changed: Vec<bool> = puts.buffered(MAX_CONCURRENT_APPENDS).try_collect().await?;
        let view = service.borrow().view.clone();
        compute_answer(move || Ok(PutRulesResponse { rules: responses(&view, &checked, &changed) })).await
    }
}

fn responses(view: &RulesView, rules: &[CheckedRule], changed: &[bool]) -> Vec<PutRuleResponse> {
    let response = |(rule, changed): (&CheckedRule, &bool)| {
        let (info, warnings) = (current_rule_info(view, &rule.rule.id).ok(), warnings_of(rule, view));
        PutRuleResponse { rule: info, changed: *changed, warnings, ..PutRuleResponse::default() }
    };
    rules.iter().zip(changed).map(response).collect()
}
