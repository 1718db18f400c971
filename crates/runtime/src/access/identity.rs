//! The identity of a caller: roles, and the tenants whose things it may read and change.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::common::v1::Role;
use orewatch_contracts::failure::MISSING_ROLE;
use orewatch_contracts::{Class, Failure};

use super::NOT_PERMITTED;

/// In lists of tenants: every tenant, and what belongs to everyone.
const ALL: &str = "*";

/// In lists of tenants: what belongs to everyone, as something that may be changed.
pub(super) const EVERYONE: &str = "everyone";

/// Prefix of the methods that a token without roles may call beside those that read: tokens that were issued
/// before there were roles keep working.
const WITHOUT_ROLES: &str = "/orewatch.ingestion.";

/// The identity of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, for people and logs. Empty: the service asks for no tokens, and every caller may do everything.
    pub name: String,
    /// What events record in the place of the name. `None`: the name itself.
    pub(super) recorded_as: Option<String>,
    pub(super) roles: Roles,
    pub(super) reads: Rights,
    pub(super) writes: Rights,
    /// Datasets that may be changed. `None`: any.
    pub(super) datasets: Option<BTreeSet<String>>,
    /// Calls a second that are accepted. `None`: as many as usual.
    pub(crate) calls_per_second: Option<u32>,
}

/// Roles of a caller, which hold where its rights on tenants allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roles {
    /// Every role: the service asks for no tokens.
    All,
    /// A token that names no roles: it reads and ingests as its lists of tenants say.
    Unnamed,
    /// These roles.
    Named(BTreeSet<Role>),
}

/// A set of tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    All,
    Of(BTreeSet<String>),
}

impl Rights {
    pub(super) fn new(names: Vec<String>) -> Self {
        if names.iter().any(|name| name == ALL) { Self::All } else { Self::Of(names.into_iter().collect()) }
    }

    pub(super) fn none() -> Self {
        Self::Of(BTreeSet::new())
    }

    fn hold(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.contains(name),
        }
    }
}

impl Identity {
    /// The identity of every caller of a service that asks for no tokens: it may do everything.
    #[must_use]
    pub fn open() -> Self {
        let (reads, writes) = (Rights::All, Rights::All);
        Self {
            name: String::new(),
            recorded_as: None,
            roles: Roles::All,
            reads,
            writes,
            datasets: None,
            calls_per_second: None,
        }
    }

    /// The identity that the server attached to a call.
    #[must_use]
    pub fn from_request<T>(request: &tonic::Request<T>) -> Arc<Self> {
        Self::attached(request.extensions().get())
    }

    /// The identity that the server attached to an HTTP request.
    #[must_use]
    pub fn from_http_request<T>(request: &tonic::codegen::http::Request<T>) -> Arc<Self> {
        Self::attached(request.extensions().get())
    }

    fn attached(identity: Option<&Arc<Self>>) -> Arc<Self> {
        identity.map_or_else(|| Arc::new(Self::open()), Arc::clone)
    }

    /// The actor to record: the caller, whatever the request says, by a pseudonym if the service keeps a
    /// table of names ([`crate::ActorNames`]). What the request says counts only where the service asks for
    /// no credentials, and so knows nobody.
    #[must_use]
    pub fn actor(&self, claimed: String) -> String {
        if self.roles == Roles::All {
            return claimed;
        }
        self.recorded_name().to_owned()
    }

    /// What is recorded in the place of the caller's name, wherever it is stored: its pseudonym, or the name
    /// if the service keeps no table of names.
    #[must_use]
    pub fn recorded_name(&self) -> &str {
        self.recorded_as.as_ref().unwrap_or(&self.name)
    }

    /// The only tenant whose things the caller may change, if it is one and nothing of everyone's.
    #[must_use]
    pub fn only_tenant(&self) -> Option<&str> {
        match &self.writes {
            Rights::Of(names) if names.len() == 1 => {
                names.first().map(String::as_str).filter(|name| *name != EVERYONE)
            }
            Rights::Of(_) | Rights::All => None,
        }
    }

    /// The same identity, whose commands are recorded under a pseudonym.
    pub(super) fn with_pseudonym(self, pseudonym: Option<String>) -> Self {
        Self { recorded_as: pseudonym, ..self }
    }

    /// Checks that the caller has the role that a method needs.
    ///
    /// # Errors
    /// [`Class::Refused`] if it has not.
    pub fn check_role(&self, path: &str, needs: Role) -> Result<(), Failure> {
        let may = match &self.roles {
            Roles::All => true,
            Roles::Unnamed => needs == Role::Reader || path.starts_with(WITHOUT_ROLES),
            // Every role reads.
            Roles::Named(roles) => {
                needs == Role::Reader || roles.contains(&needs) || roles.contains(&Role::Operator)
            }
        };
        if may {
            return Ok(());
        }
        let method = path.rsplit('/').next().unwrap_or_default();
        let needs = role_name(needs);
        let message = format!("{method} takes the role {needs}, and {} {}", self.name, self.roles.shown());
        let hint = format!(
            "whoever keeps the service's file of tokens, or its access file, can give it: roles = \
             [\"{needs}\"] and tenants = [...] for {}",
            self.name
        );
        Err(Failure::new(Class::Refused, MISSING_ROLE, message).with_hint(hint))
    }

    /// Whether a tenant's things may be read. What belongs to everyone (empty) always may.
    #[must_use]
    pub fn may_read(&self, tenant: &str) -> bool {
        tenant.is_empty() || self.reads.hold(tenant) || self.writes.hold(tenant)
    }

    /// Checks that a tenant's data may be read. What belongs to everyone (empty) always may.
    ///
    /// # Errors
    /// [`Class::Refused`] if it may not.
    pub fn check_read(&self, tenant: &str) -> Result<(), Failure> {
        if self.may_read(tenant) {
            return Ok(());
        }
        let message = format!("{} may not read data of {tenant}", self.name);
        Err(Failure::new(Class::Refused, NOT_PERMITTED, message)
            .with_hint("whoever keeps the service's tokens can permit it"))
    }

    /// Whether the things of every tenant may be read.
    #[must_use]
    pub fn may_read_all(&self) -> bool {
        self.reads == Rights::All || self.writes == Rights::All
    }

    /// The tenants whose things may be read, beside everyone's. `None`: all of them.
    #[must_use]
    pub fn readable(&self) -> Option<BTreeSet<String>> {
        match (&self.reads, &self.writes) {
            (Rights::Of(reads), Rights::Of(writes)) => Some(reads.union(writes).cloned().collect()),
            _ => None,
        }
    }

    /// Whether a tenant's things, or everyone's (empty), may be changed.
    #[must_use]
    pub fn may_write(&self, tenant: &str) -> bool {
        self.writes.hold(if tenant.is_empty() { EVERYONE } else { tenant })
    }

    /// Whether anything may be changed.
    #[must_use]
    pub fn may_write_any(&self) -> bool {
        match &self.writes {
            Rights::All => true,
            Rights::Of(names) => !names.is_empty(),
        }
    }

    /// Checks that a tenant's things, or everyone's (empty), may be changed.
    ///
    /// # Errors
    /// [`Class::Refused`] if they may not.
    pub fn check_change(&self, tenant: &str) -> Result<(), Failure> {
        check_tenant(tenant)?;
        if self.may_write(tenant) {
            return Ok(());
        }
        let whose = if tenant.is_empty() { "everyone".to_owned() } else { tenant.to_owned() };
        Err(self.may_not_change(&format!("what belongs to {whose}")))
    }

    /// Checks that a dataset of a tenant, or of everyone (empty), may be changed.
    ///
    /// # Errors
    /// [`Class::Refused`] if it may not.
    pub fn check_write(&self, tenant: &str, dataset: &str) -> Result<(), Failure> {
        check_tenant(tenant)?;
        let named = self.datasets.as_ref().is_none_or(|datasets| datasets.contains(dataset));
        if self.may_write(tenant) && named {
            return Ok(());
        }
        let whose =
            if tenant.is_empty() { "everyone's data".to_owned() } else { format!("data of {tenant}") };
        Err(self.may_not_change(&if named { whose } else { format!("dataset {dataset}") }))
    }

    fn may_not_change(&self, what: &str) -> Failure {
        let message = format!("{} may not change {what}", self.name);
        Failure::new(Class::Refused, NOT_PERMITTED, message).with_hint(
            "whoever keeps the service's tokens can permit it, or name another tenant with --tenant",
        )
    }
}

/// Refuses the one name that no tenant can have: whoever may change what belongs to everyone could change the
/// tenant's things as well.
fn check_tenant(tenant: &str) -> Result<(), Failure> {
    if tenant != EVERYONE {
        return Ok(());
    }
    let message = format!("no tenant can be named {EVERYONE}: that is the word for what belongs to everyone");
    Err(Failure::new(Class::Invalid, "reserved-tenant", message)
        .at("tenant", tenant)
        .with_hint("leave the tenant out for what belongs to everyone, or choose another name"))
}

impl Roles {
    /// The roles, for people.
    fn shown(&self) -> String {
        match self {
            Self::All => "has all".to_owned(),
            Self::Unnamed => "has none: its token reads and ingests".to_owned(),
            Self::Named(roles) => {
                let names: Vec<_> = roles.iter().map(|role| role_name(*role)).collect();
                format!("has {}", names.join(", "))
            }
        }
    }
}

/// Name of a role in files of tokens.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "nobody",
        Role::Reader => "reader",
        Role::Analyst => "analyst",
        Role::Ingester => "ingester",
        Role::Operator => "operator",
    }
}
