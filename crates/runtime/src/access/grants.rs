//! What an entry of a file permits: roles, tenants, datasets, and how often its holder may call.
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use orewatch_contracts::common::v1::Role;

use super::identity::{EVERYONE, Identity, Rights, Roles, role_name};

/// Roles that an entry can have.
const ROLES: [Role; 4] = [Role::Reader, Role::Analyst, Role::Ingester, Role::Operator];

/// Upper bound on a name, in characters: it is shown and recorded with everything that its holder does.
const MAX_NAME_CHARS: usize = 100;

/// Calls a second that an entry can allow.
const CALL_RATES: RangeInclusive<u32> = 1..=100_000;

/// What an entry of a file permits, as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    /// Roles of its holder. `None`: it reads and ingests, as before there were roles.
    pub(super) roles: Option<Vec<String>>,
    /// With roles: the tenants in which they act.
    pub(super) tenants: Option<Vec<String>>,
    /// Further tenants whose data may be read.
    pub(super) read: Vec<String>,
    /// Without roles: the tenants whose data may be changed.
    pub(super) write: Option<Vec<String>>,
    /// Datasets that may be changed. `None`: any.
    pub(super) datasets: Option<BTreeSet<String>>,
    /// Calls a second. `None`: as many as usual.
    pub(super) calls_per_second: Option<u32>,
}

impl Grants {
    /// The identity of a holder.
    ///
    /// # Errors
    /// What is wrong with the entry.
    pub(super) fn identity(self, name: &str) -> Result<Identity, String> {
        let Self { roles, tenants, read, write, datasets, calls_per_second } = self;
        let (roles, writes) = match (roles, tenants, write) {
            (None, None, write) => (Roles::Unnamed, Rights::new(write.unwrap_or_default())),
            (None, Some(_), _) => {
                return Err("`tenants` go with `roles`: say which roles act in them".to_owned());
            }
            (Some(_), _, Some(_)) => {
                return Err("an entry with `roles` names `tenants` in the place of `write`".to_owned());
            }
            (Some(names), tenants, None) => {
                (Roles::Named(read_roles(&names)?), Rights::new(tenants.unwrap_or_default()))
            }
        };
        if read.iter().any(|name| name == EVERYONE) {
            return Err(format!(
                "`read` names tenants, and `{EVERYONE}` is none: what is everyone's is read by all"
            ));
        }
        if calls_per_second.is_some_and(|rate| !CALL_RATES.contains(&rate)) {
            let (least, most) = CALL_RATES.into_inner();
            return Err(format!("`calls-per-second` is from {least} to {most}"));
        }
        let only_reads =
            matches!(&roles, Roles::Named(roles) if roles.iter().all(|role| *role == Role::Reader));
        let reads = Rights::new(read);
        let (reads, writes) = if only_reads { (reads.and(writes), Rights::none()) } else { (reads, writes) };
        let name = name.to_owned();
        Ok(Identity { name, recorded_as: None, roles, reads, writes, datasets, calls_per_second })
    }
}

/// Checks a name that is shown and recorded.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.contains(char::is_control) {
        return Ok(());
    }
    Err(format!("a name has 1 to {MAX_NAME_CHARS} characters in one line"))
}

/// The beginning of a name, for an error about it.
pub(super) fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

fn read_roles(names: &[String]) -> Result<BTreeSet<Role>, String> {
    let known = ROLES.map(role_name).join(", ");
    if names.is_empty() {
        return Err(format!("`roles` names at least one of {known}"));
    }
    let role = |name: &String| {
        let role = ROLES.into_iter().find(|role| role_name(*role) == name);
        role.ok_or_else(|| format!("there is no role {name:?}: use {known}"))
    };
    names.iter().map(role).collect()
}

impl Rights {
    /// The tenants of both.
    fn and(self, others: Self) -> Self {
        match (self, others) {
            (Self::Of(mut one), Self::Of(other)) => {
                one.extend(other);
                Self::Of(one)
            }
            _ => Self::All,
        }
    }
}
