//! Whose a thing is. Rules, receivers, subscriptions, silences and inhibitions belong to everyone, or to a tenant; an alert belongs
//! to whom its rule does, a message to whom its receiver does.
//!
//! The identifier says it: `lines` is everyone's, `acme:lines` is acme's. So two tenants can use the same name, nobody learns from
//! a refusal that another has it, and everything that carries the identifier (streams, events, messages) says whose it is. What
//! belongs to a tenant is on streams of its own, see [`facts`](crate::facts).
use std::sync::Arc;

use orewatch_contracts::alerting::v1::Alert;
use orewatch_runtime::{Class, Failure, Identity};

/// Stands between a tenant and a name.
pub const SEPARATOR: char = ':';

/// Longest name of a thing or of a tenant, in bytes: it is a token of a stream's name.
const LONGEST_NAME: usize = 64;

/// Whose a thing is, by its identifier or by that of an alert. Empty: everyone's.
#[must_use]
pub fn tenant_of(id: &str) -> &str {
    let own = id.split('/').next().unwrap_or_default();
    own.split_once(SEPARATOR).map_or("", |(tenant, _)| tenant)
}

/// Identifier of a tenant's thing, or of everyone's (empty).
#[must_use]
pub fn identifier_of(tenant: &str, name: &str) -> String {
    if tenant.is_empty() { name.to_owned() } else { format!("{tenant}{SEPARATOR}{name}") }
}

/// Whether a text can be a name: 1 to 64 lower-case letters, digits and hyphens.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a text can identify a thing: a name, or a tenant and a name.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    text.split_once(SEPARATOR)
        .map_or_else(|| is_name(text), |(tenant, name)| is_name(tenant) && is_name(name))
}

/// What to do about a text that cannot identify a thing.
pub(crate) const IDENTIFIERS: &str = "use 1 to 64 lower-case letters, digits and hyphens; what is a tenant's begins with the tenant and a colon";

/// Sees to it that a thing names another of the same tenant: a message must not reach whoever may not see what it tells.
///
/// # Errors
/// [`Class::Invalid`] if it names one of another.
pub(crate) fn same_tenant(field: &str, id: &str, named: &str) -> Result<(), Failure> {
    if tenant_of(id) == tenant_of(named) {
        return Ok(());
    }
    let whose = |id: &str| match tenant_of(id) {
        "" => "everyone".to_owned(),
        tenant => tenant.to_owned(),
    };
    let message = format!("{id} belongs to {}, and {named} to {}", whose(id), whose(named));
    let wrong = Failure::new(Class::Invalid, "another-tenant", message);
    Err(wrong.at(field, named).with_hint("name one of the same tenant"))
}

/// The alerts that somebody can see or speak of, by whose they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// Those of one tenant, or everyone's (empty), and no others.
    Of(Arc<str>),
    /// Everyone's, and those of a tenant.
    SeenBy(Arc<str>),
    /// Those that a caller may see.
    Caller(Arc<Identity>),
}

impl Scope {
    /// Whether it holds what belongs to a tenant, or to everyone (empty).
    #[must_use]
    pub fn holds(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(own) => **own == *tenant,
            Self::SeenBy(own) => tenant.is_empty() || **own == *tenant,
            Self::Caller(who) => who.may_read(tenant),
        }
    }

    /// Whether it holds an alert.
    #[must_use]
    pub fn holds_alert(&self, alert: &Alert) -> bool {
        self.holds(tenant_of(&alert.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_says_whose_a_thing_is() {
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
    fn things_of_a_tenant_name_things_of_the_same() {
        assert!(same_tenant("receiver", "acme:desk", "acme:mail").is_ok());
        assert!(same_tenant("receiver", "desk", "mail").is_ok());
        for (id, named) in [("acme:desk", "mail"), ("desk", "acme:mail"), ("acme:desk", "beta:mail")] {
            assert_eq!(same_tenant("receiver", id, named).unwrap_err().code, "another-tenant");
        }
    }
}
