//! Sums of the costs of rules: of everyone, of each tenant, and of all tenants. The rules of a tenant thus
//! cannot suspend those of others.
use std::collections::BTreeMap;

use super::Limits;
use crate::tenant::tenant_of;

/// Steps of rules, by tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpentSteps {
    everyone: u64,
    tenants: u64,
    by_tenant: BTreeMap<String, u64>,
}

/// A sum that exceeds its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The sum.
    pub steps: u64,
    /// The limit.
    pub limit: u64,
    /// Whose rules they are, as a phrase such as `of acme`.
    pub whose: String,
}

impl SpentSteps {
    /// Adds the steps of a rule.
    pub fn add(&mut self, rule: &str, steps: u64) {
        let tenant = tenant_of(rule);
        if tenant.is_empty() {
            self.everyone = self.everyone.saturating_add(steps);
            return;
        }
        self.tenants = self.tenants.saturating_add(steps);
        let own = self.own(tenant).saturating_add(steps);
        self.by_tenant.insert(tenant.to_owned(), own);
    }

    /// The sum that would exceed its limit with another rule. `None`: the rule is within the limits.
    #[must_use]
    pub fn excess(&self, rule: &str, steps: u64, limits: Limits) -> Option<Excess> {
        let tenant = tenant_of(rule);
        let over = |sum: u64, limit: u64, of: &str| {
            let all = sum.saturating_add(steps);
            (all > limit).then(|| Excess { steps: all, limit, whose: of.to_owned() })
        };
        if tenant.is_empty() {
            return over(self.everyone, limits.all, "of everyone");
        }
        let own = over(self.own(tenant), limits.tenant(), &format!("of {tenant}"));
        own.or_else(|| over(self.tenants, limits.tenants(), "of tenants"))
    }

    fn own(&self, tenant: &str) -> u64 {
        self.by_tenant.get(tenant).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_uses_up_the_steps_of_others() {
        let limits = Limits { rule: 100, all: 400 };
        let mut spent = SpentSteps::default();
        for tenant in ["acme", "beta"] {
            assert_eq!(spent.excess(&format!("{tenant}:first"), 100, limits), None);
            spent.add(&format!("{tenant}:first"), 100);
        }
        let own = spent.excess("acme:second", 1, limits).unwrap();
        assert_eq!((own.steps, own.limit, own.whose.as_str()), (101, 100, "of acme"));
        let all = spent.excess("gamma:first", 1, limits).unwrap();
        assert_eq!((all.steps, all.limit, all.whose.as_str()), (201, 200, "of tenants"));
        assert_eq!(
            spent.excess("everyones", 400, limits),
            None,
            "tenants do not use up the steps of everyone"
        );
        spent.add("everyones", 400);
        assert_eq!(spent.excess("more", 1, limits).unwrap().whose, "of everyone");
    }
}
