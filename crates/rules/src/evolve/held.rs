//! Folds changes of rules: their revisions, as many as are needed, and the number and size of each tenant's
//! rules.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Rule, RulePut, RuleRemoved};
use orewatch_contracts::log::Position;
use prost::Message as _;

use super::{Revision, RulesState};
use crate::tenant::tenant_of;

/// Lower bound on the revisions of a rule that are kept, with the one in force. A backtest may name them.
const MIN_REVISIONS: usize = 16;

/// Upper bound on removed rules whose revisions are kept. Of older ones only the removal is kept.
const MAX_REMOVED: usize = 1000;

/// Number and size of current rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleTotals {
    /// Number of rules.
    pub rules: usize,
    /// Encoded size, in bytes.
    pub bytes: usize,
}

impl RuleTotals {
    /// Adds a rule, or replaces one.
    #[must_use]
    pub fn with(self, rule: &Rule, in_place_of: Option<&Rule>) -> Self {
        let Self { rules, bytes } = in_place_of.map_or(self, |before| self.without(before));
        Self { rules: rules.saturating_add(1), bytes: bytes.saturating_add(rule.encoded_len()) }
    }

    fn without(self, rule: &Rule) -> Self {
        let bytes = self.bytes.saturating_sub(rule.encoded_len());
        Self { rules: self.rules.saturating_sub(1), bytes }
    }

    /// Sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { rules: self.rules.saturating_add(other.rules), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

impl RulesState {
    /// Number and size of the current rules of each tenant, and of everyone (empty).
    pub fn held(&self) -> impl Iterator<Item = (&str, RuleTotals)> {
        self.held.iter().map(|(tenant, held)| (tenant.as_str(), *held))
    }

    /// Folds a rule that was created or revised.
    pub(super) fn revise_to(
        &mut self,
        position: Position,
        time: Timestamp,
        put: RulePut,
    ) -> Result<(), &'static str> {
        let RulePut { rule, revision, actor, reason, re_evaluate } = put;
        let rule = rule.ok_or("the rule is missing")?;
        let (id, number) = (rule.id.clone(), revision);
        let rule = Some(rule);
        self.revise(id, Revision { position, number, time, rule, actor, reason, re_evaluate });
        Ok(())
    }

    /// Folds the removal of a rule.
    pub(super) fn revise_to_none(&mut self, position: Position, time: Timestamp, removed: RuleRemoved) {
        let RuleRemoved { rule: id, revision: number, actor, reason } = removed;
        let (rule, re_evaluate) = (None, false);
        self.revise(id, Revision { position, number, time, rule, actor, reason, re_evaluate });
    }

    /// Adds a revision and forgets those that are no longer needed; the log still has them.
    pub(super) fn revise(&mut self, id: String, revision: Revision) {
        let position = revision.position;
        self.changes.insert(position, id.clone());
        let mut revisions = self.rules.get(&id).cloned().unwrap_or_default();
        let before = revisions.last();
        self.hold(&id, before.and_then(|last| last.rule.as_ref()), revision.rule.as_ref());
        if let Some(removed) = before.filter(|last| last.rule.is_none()) {
            self.removed.remove(&removed.position);
        }
        let is_removed = revision.rule.is_none();
        // An evaluation reads the revision in force at the last evaluation, and later ones.
        let in_force =
            revisions.partition_point(|revision| revision.position <= self.evaluated.rules).saturating_sub(1);
        let kept = Arc::make_mut(&mut revisions);
        kept.drain(..in_force.min((kept.len() + 1).saturating_sub(MIN_REVISIONS)));
        kept.push(revision);
        if is_removed && kept.len() > 1 {
            self.removed.insert(position, id.clone());
        }
        self.rules.insert(id, revisions);
        self.forget_removed();
    }

    /// Updates number and size of the rules of a tenant.
    fn hold(&mut self, id: &str, before: Option<&Rule>, now: Option<&Rule>) {
        let tenant = tenant_of(id);
        let held = self.held.get(tenant).copied().unwrap_or_default();
        let held = match (before, now) {
            (before, Some(now)) => held.with(now, before),
            (Some(before), None) => held.without(before),
            (None, None) => held,
        };
        if held == RuleTotals::default() {
            self.held.remove(tenant);
        } else {
            self.held.insert(tenant.to_owned(), held);
        }
    }

    /// Forgets the revisions of the rules that were removed first, once their removal is evaluated.
    fn forget_removed(&mut self) {
        while self.removed.len() > MAX_REMOVED {
            let oldest = self.removed.iter().next().map(|(position, id)| (*position, id.clone()));
            let Some((position, id)) = oldest.filter(|(position, _)| self.is_evaluated(*position)) else {
                return;
            };
            self.removed.remove(&position);
            if let Some(revisions) = self.rules.get_mut(&id) {
                Arc::make_mut(revisions).retain(|revision| revision.position >= position);
            }
        }
    }

    fn is_evaluated(&self, position: Position) -> bool {
        position <= self.evaluated.rules
    }
}
