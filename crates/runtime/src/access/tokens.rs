//! The file of tokens: callers with their roles and tenants.
use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::{Class, Failure};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::grants::{Grants, check_name, shortened};
use super::identity::Identity;

/// SHA-256 of a token, and the identity of its holder.
pub(super) type Token = ([u8; 32], Arc<Identity>);

/// A `[[token]]` table of the file. For what it permits, see [`Grants`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// SHA-256 of the token, hexadecimal.
    sha256: Option<String>,
    token: Option<String>,
    roles: Option<Vec<String>>,
    tenants: Option<Vec<String>>,
    #[serde(default)]
    read: Vec<String>,
    write: Option<Vec<String>>,
    datasets: Option<BTreeSet<String>>,
    #[serde(rename = "calls-per-second")]
    calls_per_second: Option<u32>,
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

fn read(entry: Entry) -> Result<Token, String> {
    let digest = match (&entry.sha256, &entry.token) {
        (Some(text), None) => digest(text).ok_or("sha256 is 64 hexadecimal digits")?,
        (None, Some(token)) if token.len() >= 16 => Sha256::digest(token).into(),
        (None, Some(_)) => return Err("a token has at least 16 characters".to_owned()),
        _ => return Err("a token has either sha256 or token".to_owned()),
    };
    let Entry { name, roles, tenants, read, write, datasets, calls_per_second, .. } = entry;
    check_name(&name)?;
    let grants = Grants { roles, tenants, read, write, datasets, calls_per_second };
    Ok((digest, Arc::new(grants.identity(&name)?)))
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
