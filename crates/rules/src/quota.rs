//! Limits on the number and size of rules. All rules are held in memory, and every evaluation looks at them.
use orewatch_contracts::alerting::v1::Rule;
use orewatch_contracts::{Class, Failure};

use crate::evolve::{RuleTotals, RulesState};
use crate::tenant::tenant_of;

/// Upper bound on current rules.
pub const MAX_RULES: usize = 40_000;
/// Upper bound on the encoded size of all current rules, in bytes.
pub const MAX_RULE_BYTES: usize = 32 << 20;

/// A tenant may use this fraction of the limits: a quarter.
const TENANT_FRACTION: usize = 4;

/// Refuses rules that would exceed the limits of all rules or of their tenants.
///
/// # Errors
/// [`Class::Exhausted`] with the number that there would be and the limit.
pub fn admit<'a>(state: &RulesState, rules: impl IntoIterator<Item = &'a Rule>) -> Result<(), Failure> {
    let mut all = state.held().map(|(_, held)| held).fold(RuleTotals::default(), RuleTotals::and);
    let mut tenants: std::collections::BTreeMap<&str, RuleTotals> = state.held().collect();
    for rule in rules {
        let last = state.rules().get(&rule.id).and_then(|revisions| revisions.last());
        let before = last.and_then(|last| last.rule.as_ref());
        let tenant = tenant_of(&rule.id);
        let own = tenants.entry(tenant).or_default();
        let (was, was_own) = (all, *own);
        (all, *own) = (all.with(rule, before), own.with(rule, before));
        check(rule, "", was, all, 1)?;
        if !tenant.is_empty() {
            check(rule, tenant, was_own, *own, TENANT_FRACTION)?;
        }
    }
    Ok(())
}

/// Checks one limit. A change that does not increase a number passes even if the number is above its limit.
fn check(rule: &Rule, tenant: &str, was: RuleTotals, held: RuleTotals, share: usize) -> Result<(), Failure> {
    let whose = if tenant.is_empty() { String::new() } else { format!(" of {tenant}") };
    let (most, most_bytes) = (MAX_RULES / share, MAX_RULE_BYTES / share);
    let message = if held.rules > most && held.rules > was.rules {
        format!("with rule {} there would be {} rules{whose}, the limit is {most}", rule.id, held.rules)
    } else if held.bytes > most_bytes && held.bytes > was.bytes {
        let bytes = held.bytes;
        format!("with rule {} all rules{whose} would have {bytes} bytes, the limit is {most_bytes}", rule.id)
    } else {
        return Ok(());
    };
    let full = Failure::new(Class::Exhausted, "quota-reached", message).at("rule", &rule.id);
    Err(full.with_hint("remove rules that are not needed, or select several consumers in one rule"))
}
