//! Who calls, and what they may do to whose things.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::common::v1::Role;

use super::{MISSING_ROLE, NOT_PERMITTED};
use crate::{Class, Failure};

/// Stands for every tenant, and everyone's things with them.
const ALL: &str = "*";

/// Stands for everyone's things among those that may be changed.
pub(super) const EVERYONE: &str = "everyone";

/// Methods that a token without roles may call beside those that read, as before there were roles.
const BEFORE_ROLES: &str = "/orewatch.ingestion.";

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, for people and logs. Empty: nobody in particular, who may do everything.
    pub name: String,
    pub(super) roles: Roles,
    pub(super) reads: Rights,
    pub(super) writes: Rights,
    /// Datasets that may be changed. None: any.
    pub(super) datasets: Option<BTreeSet<String>>,
}

/// What a caller may do, wherever the rights allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roles {
    /// Everything: the service asks for no tokens.
    All,
    /// A token that names no roles: it reads and ingests as its lists say.
    Unnamed,
    /// These roles.
    Named(BTreeSet<Role>),
}

/// Tenants.
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
    /// Nobody in particular, who may do everything.
    #[must_use]
    pub fn open() -> Self {
        let (reads, writes) = (Rights::All, Rights::All);
        Self { name: String::new(), roles: Roles::All, reads, writes, datasets: None }
    }

    /// Who makes a call: what the server noted with it.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Arc<Self> {
        Self::noted(request.extensions().get())
    }

    /// The same for a request that is not of gRPC.
    #[must_use]
    pub fn of_http<T>(request: &tonic::codegen::http::Request<T>) -> Arc<Self> {
        Self::noted(request.extensions().get())
    }

    fn noted(noted: Option<&Arc<Self>>) -> Arc<Self> {
        noted.map_or_else(|| Arc::new(Self::open()), Arc::clone)
    }

    /// Who did something, for the record: the caller's own name, whatever the request says. Only where the service asks for no
    /// tokens, and so knows no names, is the request believed.
    #[must_use]
    pub fn actor(&self, said: String) -> String {
        if self.roles == Roles::All { said } else { self.name.clone() }
    }

    /// Checks that a method may be called, by the role that it needs.
    ///
    /// # Errors
    /// [`Class::Refused`] if it may not.
    pub fn check_role(&self, path: &str, needs: Role) -> Result<(), Failure> {
        let may = match &self.roles {
            Roles::All => true,
            Roles::Unnamed => needs == Role::Reader || path.starts_with(BEFORE_ROLES),
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
            "whoever keeps the service's file of tokens can give it: roles = [\"{needs}\"] and tenants = [...] for {}",
            self.name
        );
        Err(Failure::new(Class::Refused, MISSING_ROLE, message).with_hint(hint))
    }

    /// Whether a tenant's things may be seen; everyone's (empty) may.
    #[must_use]
    pub fn may_read(&self, tenant: &str) -> bool {
        tenant.is_empty() || self.reads.hold(tenant) || self.writes.hold(tenant)
    }

    /// Checks that a tenant's data may be seen; everyone's (empty) may.
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

    /// Whether everything may be seen.
    #[must_use]
    pub fn may_read_all(&self) -> bool {
        self.reads == Rights::All || self.writes == Rights::All
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

impl Roles {
    /// What a caller has, for people.
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

/// A role as files of tokens name it.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "nobody",
        Role::Reader => "reader",
        Role::Analyst => "analyst",
        Role::Ingester => "ingester",
        Role::Operator => "operator",
    }
}
