//! The file of tokens: callers with their roles and tenants.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::common::v1::Role;
use orewatch_contracts::{Class, Failure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::identity::{EVERYONE, Identity, Rights, Roles, role_name};

/// Roles that a token can have.
const ROLES: [Role; 4] = [Role::Reader, Role::Analyst, Role::Ingester, Role::Operator];

/// Upper bound on a name, in characters: it is recorded with everything that its token does.
const MAX_NAME_CHARS: usize = 100;

/// SHA-256 of a token, and the identity of its holder.
pub(super) type Token = ([u8; 32], Arc<Identity>);

/// A `[[token]]` table of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// SHA-256 of the token, hexadecimal.
    sha256: Option<String>,
    token: Option<String>,
    /// Roles of its holder. `None`: it reads and ingests, as before there were roles.
    roles: Option<Vec<String>>,
    /// With roles: the tenants in which they act.
    tenants: Option<Vec<String>>,
    #[serde(default)]
    read: Vec<String>,
    /// Without roles: the tenants whose data may be changed.
    write: Option<Vec<String>>,
    datasets: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    token: Vec<Entry>,
}

/// Reads tokens: TOML with a table `[[token]]` for each.
///
/// # Errors
/// [`Class::Invalid`] for any other text. No error repeats a token.
pub(super) fn parse(text: &str) -> Result<Vec<Token>, Failure> {
    let document: Document = toml::from_str(text).map_err(|error| {
        // The full text of the error would show the line, and with it the token.
        let message = format!("this is no list of tokens: {}", error.message());
        Failure::new(Class::Invalid, "invalid-token-file", message)
            .with_hint("write for each [[token]] name, sha256 (of the token), roles and tenants")
    })?;
    document.token.into_iter().map(token).collect()
}

fn token(entry: Entry) -> Result<Token, Failure> {
    let name = entry.name.clone();
    read(entry).map_err(|message| {
        Failure::new(Class::Invalid, "invalid-token-file", message).at("name", shortened(&name))
    })
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

fn read(entry: Entry) -> Result<Token, String> {
    let digest = match (&entry.sha256, &entry.token) {
        (Some(text), None) => digest(text).ok_or("sha256 is 64 hexadecimal digits")?,
        (None, Some(token)) if token.len() >= 16 => Sha256::digest(token).into(),
        (None, Some(_)) => return Err("a token has at least 16 characters".to_owned()),
        _ => return Err("a token has either sha256 or token".to_owned()),
    };
    let length = entry.name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&length) || entry.name.contains(char::is_control) {
        return Err(format!("a token has a name of 1 to {MAX_NAME_CHARS} characters in one line"));
    }
    Ok((digest, Arc::new(identity(entry)?)))
}

fn identity(entry: Entry) -> Result<Identity, String> {
    let Entry { name, roles, tenants, read, write, datasets, .. } = entry;
    let (roles, writes) = match (roles, tenants, write) {
        (None, None, write) => (Roles::Unnamed, Rights::new(write.unwrap_or_default())),
        (None, Some(_), _) => {
            return Err("`tenants` go with `roles`: say which roles act in them".to_owned());
        }
        (Some(_), _, Some(_)) => {
            return Err("a token with `roles` names `tenants` in the place of `write`".to_owned());
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
    let only_reads = matches!(&roles, Roles::Named(roles) if roles.iter().all(|role| *role == Role::Reader));
    let reads = Rights::new(read);
    let (reads, writes) = if only_reads { (reads.and(writes), Rights::none()) } else { (reads, writes) };
    Ok(Identity { name, roles, reads, writes, datasets })
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

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (number, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(number * 2..number * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}
