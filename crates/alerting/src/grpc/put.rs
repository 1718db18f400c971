//! Puts rules: what they cost is known before they are stored, and many are stored together.
use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::alerting::v1::{PutRuleResponse, PutRulesRequest, PutRulesResponse, Rule};
use orewatch_runtime::{Class, Failure, Identity};
use tokio::sync::watch;

use super::Grpc;
use super::info::{standing_info, warnings_of};
use crate::aside::answer;
use crate::book::{Book, View};
use crate::cost::{Cost, MAX_EVALUATION_STEPS};
use crate::decide::{self, Author};
use crate::facts::Fact;
use crate::figures::Figures;
use crate::rules::{Checked, check};
use crate::tenant::tenant_of;

/// Most rules of a request.
const MAX_RULES: usize = 1000;
/// Rules that are appended at once: a log flushes what waits together.
const APPENDED_AT_ONCE: usize = 256;
/// A rule that costs less than this is not held against the sum of all rules: so many of them fit beside any others.
const NEGLIGIBLE_STEPS: u64 = MAX_EVALUATION_STEPS / 100_000;

/// Refuses rules that cost more than they may, alone or together with all others.
///
/// # Errors
/// Those of [`Cost::admit`] and [`Cost::admit_beside`].
pub(super) async fn admit(book: &watch::Receiver<Book>, rules: Vec<Checked>) -> Result<(), Failure> {
    let (view, figures) = {
        let book = book.borrow();
        (book.view.clone(), book.figures.clone())
    };
    answer(move || admit_to(&view, &figures, &rules)).await
}

fn admit_to(view: &View, figures: &Figures, rules: &[Checked]) -> Result<(), Failure> {
    let costs: Vec<(&Checked, Cost)> = rules.iter().map(|rule| (rule, Cost::on_all(rule, figures))).collect();
    costs.iter().try_for_each(|(rule, cost)| cost.admit(rule))?;
    if costs.iter().all(|(_, cost)| cost.steps < NEGLIGIBLE_STEPS) {
        return Ok(());
    }
    let put: BTreeSet<&str> = rules.iter().map(|rule| rule.rule.id.as_str()).collect();
    let mut others = view.steps_beside(&put);
    for (rule, cost) in costs {
        if cost.steps >= NEGLIGIBLE_STEPS {
            cost.admit_beside(&rule.rule.id, others)?;
        }
        others = others.saturating_add(cost.steps);
    }
    Ok(())
}

/// Checks the rules of a request: all of them, before the first is stored.
fn checked(rules: &[Rule]) -> Result<Vec<Checked>, Failure> {
    let mut seen = BTreeSet::new();
    for rule in rules {
        if !seen.insert(rule.id.as_str()) {
            let message = format!("rule {} is put twice", rule.id);
            return Err(Failure::new(Class::Invalid, "duplicate-rule", message).at("rules", &rule.id));
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

impl Grpc {
    /// Puts many rules. Their evaluation is not waited for.
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
        let book = self.book().await?;
        let view = book.borrow().view.clone();
        let (by, why) = (actor.clone(), reason.clone());
        let (checked, news) = answer(move || {
            let checked = checked(&rules)?;
            let author = Author { actor: &by, reason: &why };
            let put = |rule: &Checked| decide::put_rule(view.state(), &rule.rule, author, re_evaluate);
            let puts = checked.iter().map(put).collect::<Result<Vec<_>, _>>()?;
            let news = checked.iter().zip(puts).filter(|(_, put)| put.is_some());
            let news = news.map(|(rule, _)| rule.clone()).collect();
            Ok((checked, news))
        })
        .await?;
        admit(&book, news).await?;
        let author = Author { actor: &actor, reason: &reason };
        let put = |rule: Rule| {
            let mut book = book.clone();
            async move {
                let put =
                    |state: &_| Ok(decide::put_rule(state, &rule, author, re_evaluate)?.map(Fact::RulePut));
                self.change(&mut book, &rule.id, put).await
            }
        };
        let all: Vec<Rule> = checked.iter().map(|rule| rule.rule.clone()).collect();
        let changed: Vec<bool> = stream::iter(all).map(put).buffered(APPENDED_AT_ONCE).try_collect().await?;
        let view = book.borrow().view.clone();
        answer(move || Ok(PutRulesResponse { rules: told(&view, &checked, &changed) })).await
    }
}

fn told(view: &View, rules: &[Checked], changed: &[bool]) -> Vec<PutRuleResponse> {
    let told = |(rule, changed): (&Checked, &bool)| {
        let (info, warnings) = (standing_info(view, &rule.rule.id).ok(), warnings_of(rule, view));
        PutRuleResponse { rule: info, changed: *changed, warnings, ..PutRuleResponse::default() }
    };
    rules.iter().zip(changed).map(told).collect()
}
