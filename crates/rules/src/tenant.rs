//! Tenants. Rules, receivers, subscriptions, silences and inhibitions belong to everyone or to a tenant; an
//! alert belongs to the tenant of its rule, a message to that of its receiver.
//!
//! The identifier says so: `lines` belongs to everyone, `acme:lines` to the tenant acme. Two tenants can thus
//! use the same name without learning of each other, and everything that carries the identifier (streams,
//! events, messages) says whose it is. Resources of a tenant have streams of their own, see
//! [`facts`](crate::facts).
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::{Class, Failure};

/// Separates a tenant from a name.
pub const SEPARATOR: char = ':';

/// Upper bound on the name of a resource or a tenant, in bytes. It is a token of a stream's name.
const MAX_NAME_BYTES: usize = 64;

/// Tenant of a resource or an alert, given its identifier. Empty: it belongs to everyone.
#[must_use]
pub fn tenant_of(id: &str) -> &str {
    let own = id.split('/').next().unwrap_or_default();
    own.split_once(SEPARATOR).map_or("", |(tenant, _)| tenant)
}

/// Identifier of a resource of a tenant, or of everyone (empty).
#[must_use]
pub fn identifier_of(tenant: &str, name: &str) -> String {
    if tenant.is_empty() { name.to_owned() } else { format!("{tenant}{SEPARATOR}{name}") }
}

/// Whether a text can be a name: 1 to 64 lower-case letters, digits and hyphens.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a text can be an identifier: a name, or a tenant and a name.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    text.split_once(SEPARATOR)
        .map_or_else(|| is_name(text), |(tenant, name)| is_name(tenant) && is_name(name))
}

/// Hint for a text that cannot be an identifier.
pub const IDENTIFIER_HINT: &str = "use 1 to 64 lower-case letters, digits and hyphens; \
                                   identifiers of a tenant begin with the tenant and a colon";

/// Checks that a resource refers only to resources of the same tenant. Otherwise a message could reach people
/// who may not see its alerts.
///
/// # Errors
/// [`Class::Invalid`] if it refers to a resource of another tenant.
pub fn same_tenant(field: &str, id: &str, named: &str) -> Result<(), Failure> {
    if tenant_of(id) == tenant_of(named) {
        return Ok(());
    }
    let whose = |id: &str| match tenant_of(id) {
        "" => "everyone".to_owned(),
        tenant => tenant.to_owned(),
    };
    let message = format!("{id} belongs to {}, and {named} to {}", whose(id), whose(named));
    let wrong = Failure::new(Class::Invalid, "another-tenant", message);
    Err(wrong.at(field, named).with_hint("name a resource of the same tenant"))
}

/// Which tenants' alerts a caller or a resource covers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scope {
    /// All alerts.
    #[default]
    All,
    /// Only those of one tenant, or only those of everyone (empty).
    Only(Arc<str>),
    /// Those of everyone and of a tenant.
    VisibleTo(Arc<str>),
    /// Those of everyone and of several tenants.
    VisibleToAny(Arc<BTreeSet<String>>),
}

impl Scope {
    /// Whether it covers a tenant, or everyone (empty).
    #[must_use]
    pub fn holds(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(own) => **own == *tenant,
            Self::VisibleTo(own) => tenant.is_empty() || **own == *tenant,
            Self::VisibleToAny(own) => tenant.is_empty() || own.contains(tenant),
        }
    }

    /// Whether it covers an alert.
    #[must_use]
    pub fn holds_alert(&self, alert: &Alert) -> bool {
        self.holds(tenant_of(&alert.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_contains_the_tenant() {
        for (id, tenant) in [
            ("lines", ""),
            ("acme:lines", "acme"),
            ("acme:lines/DEU/cobalt/refined/-", "acme"),
            ("lines/DEU/cobalt/refined/CHN", ""),
        ] {
            assert_eq!(tenant_of(id), tenant, "{id}");
        }
        assert_eq!(identifier_of("acme", "lines"), "acme:lines");
        assert_eq!(identifier_of("", "lines"), "lines");
        for wrong in ["", ":", "acme:", ":lines", "a:b:c", "Acme:lines", "acme:li.nes", "a b"] {
            assert!(!is_identifier(wrong), "{wrong}");
        }
        assert!(is_identifier("acme:lines") && is_identifier("lines"));
    }

    #[test]
    fn resources_refer_only_to_resources_of_the_same_tenant() {
        assert!(same_tenant("receiver", "acme:desk", "acme:mail").is_ok());
        assert!(same_tenant("receiver", "desk", "mail").is_ok());
        for (id, named) in [("acme:desk", "mail"), ("desk", "acme:mail"), ("acme:desk", "beta:mail")] {
            assert_eq!(same_tenant("receiver", id, named).unwrap_err().code, "another-tenant");
        }
    }
}
