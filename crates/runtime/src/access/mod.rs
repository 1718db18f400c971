//! Access control: who calls, what they may do, and whose things they may read and change.
//!
//! Things belong to everyone, or to a tenant. Without configured tokens everything is open, as on a laptop.
//! With them every call except for health and reflection has to show one. The contracts say which role each
//! method needs, and one layer ([`guard`]) checks that; services check the tenants that a request names
//! ([`Identity`]).
mod guard;
mod identity;
mod tokens;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tonic::codegen::http::HeaderMap;

pub(crate) use guard::Guarded;
pub use identity::Identity;
use tokens::Token;

use orewatch_contracts::failure::UNAUTHENTICATED;
use orewatch_contracts::{Class, Failure};

/// Error code for a tenant or dataset that the caller may not read or change.
const NOT_PERMITTED: &str = "not-permitted";

/// Upper bound on the file of tokens, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The callers that a service accepts.
#[derive(Clone, Default)]
pub struct Access {
    /// Digests of tokens with the identities of their holders. `None`: everything is open.
    tokens: Option<Arc<[Token]>>,
    /// Without tokens, other machines may call as well.
    to_all: bool,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tokens.iter().flat_map(|tokens| tokens.iter().map(|(_, identity)| &identity.name));
        f.debug_list().entries(names).finish()
    }
}

impl Access {
    /// Everything is open to callers on this machine, and to no other.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Everything is open to every caller that reaches the service.
    #[must_use]
    pub fn open_to_all() -> Self {
        Self { to_all: true, ..Self::default() }
    }

    /// Reads a file of tokens.
    ///
    /// # Errors
    /// As [`Access::parse`], and [`Class::Invalid`] for a file that cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |message: String| {
            Failure::new(Class::Invalid, "invalid-token-file", message)
                .at("tokens-file", path.display().to_string())
        };
        let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        if size > MAX_FILE_BYTES {
            return Err(wrong("the file of tokens is larger than a MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| wrong(format!("the file of tokens cannot be read: {error}")))?;
        Self::parse(&text).map_err(|failure| {
            if failure.field.is_empty() {
                failure.at("tokens-file", path.display().to_string())
            } else {
                failure
            }
        })
    }

    /// Reads tokens: TOML with a table `[[token]]` for each.
    ///
    /// # Errors
    /// [`Class::Invalid`] for any other text. No error repeats a token.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        Ok(Self { tokens: Some(tokens::parse(text)?.into()), to_all: false })
    }

    /// Checks that a service may listen on an address: without tokens only on one that other machines cannot
    /// reach, unless it is explicitly open to all.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it may not.
    pub(crate) fn check_address(&self, address: SocketAddr) -> Result<(), Failure> {
        if self.tokens.is_some() || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        if self.to_all {
            let risk = "no tokens are asked for: whoever reaches this address may do everything";
            tracing::warn!(%address, "{risk}");
            return Ok(());
        }
        let message =
            "other machines can reach this address, and without tokens whoever does may do everything";
        Err(Failure::new(Class::Invalid, "open-to-all", message)
            .at("listen", address.to_string())
            .with_hint("say who may call with --tokens-file FILE, or that all may with --open-to-all"))
    }

    /// Identifies the caller by its token. Takes equally long for every token.
    fn identify(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Failure> {
        let Some(tokens) = &self.tokens else { return Ok(Arc::new(Identity::open())) };
        let shown = shown(headers);
        let digest: [u8; 32] = Sha256::digest(&shown).into();
        let mut found = None;
        for (known, identity) in tokens.iter() {
            let differ = known.iter().zip(&digest).fold(0, |differ, (one, other)| differ | (one ^ other));
            if differ == 0 {
                found = Some(Arc::clone(identity));
            }
        }
        found.filter(|_| !shown.is_empty()).ok_or_else(|| {
            let message =
                if shown.is_empty() { "this service asks for a token" } else { "this token is not known" };
            Failure::new(Class::Refused, UNAUTHENTICATED, message)
                .with_hint("name the file that holds your token with --token-file or OREWATCH_TOKEN_FILE")
        })
    }
}

/// The token that a call shows: as a bearer token, or as the password of any user, which is what readers of
/// feeds support.
fn shown(headers: &HeaderMap) -> String {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some(token) = text.strip_prefix("Bearer ") {
        return token.to_owned();
    }
    let decoded = text.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok());
    let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    pair.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
