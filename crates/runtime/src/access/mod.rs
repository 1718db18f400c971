//! Access control: who calls, what they may do, and whose things they may read and change.
//!
//! Things belong to everyone, or to a tenant. Without configured callers everything is open, as on a laptop.
//! With them every call except for health and reflection has to show who makes it: by a token of the file of
//! tokens, a token that an issuer signs ([`jwt`]), or the certificate of its connection. The contracts say
//! which role each method needs, and one layer ([`guard`]) checks that; services check the tenants that a
//! request names ([`Identity`]).
mod callers;
mod document;
mod fetch;
mod grants;
mod guard;
mod identity;
mod issuer;
mod jwks;
mod jwt;
mod keys;
mod listening;
mod reason;
mod tokens;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use tonic::codegen::http::HeaderMap;

use callers::{Callers, Known};
pub(crate) use guard::{Gate, Guarded};
pub use identity::Identity;
use issuer::{Issuer, Outcome};
use listening::Encryption;
use reason::Reason;

use orewatch_contracts::failure::UNAUTHENTICATED;
use orewatch_contracts::{Class, Failure};

use crate::tls::CertificateNames;
use crate::{ActorNames, Clock, Context, ServerTls};

/// Error code for a tenant or dataset that the caller may not read or change.
const NOT_PERMITTED: &str = "not-permitted";

/// Upper bound on the file of tokens and on the access file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The callers that a service accepts, and the connections on which it does.
#[derive(Clone, Default)]
pub struct Access {
    /// Without any, everything is open.
    callers: Callers,
    /// Without callers, other machines may call as well.
    to_all: bool,
    encryption: Encryption,
    names: ActorNames,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.callers.known().tokens.unwrap_or_default();
        f.debug_list().entries(tokens.iter().map(|(_, identity)| &identity.name)).finish()
    }
}

/// Who makes a call.
#[derive(Debug)]
enum Identified {
    Known(Arc<Identity>),
    /// A token names a key that its issuer may have published since its keys were read.
    UnknownKey(Arc<Issuer>, String),
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

    /// Reads a file of tokens. It is read again when it changes.
    ///
    /// # Errors
    /// As [`Access::parse`], and [`Class::Invalid`] for a file that cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |message: String| {
            Failure::new(Class::Invalid, "invalid-token-file", message)
                .at("tokens-file", path.display().to_string())
        };
        let text = read_file(path).map_err(|message| wrong(format!("the file of tokens {message}")))?;
        let access = Self::parse(&text).map_err(|failure| {
            if failure.field.is_empty() {
                failure.at("tokens-file", path.display().to_string())
            } else {
                failure
            }
        })?;
        Ok(Self { callers: access.callers.from_tokens_file(path, text), ..access })
    }

    /// Reads tokens: TOML with a table `[[token]]` for each.
    ///
    /// # Errors
    /// [`Class::Invalid`] for any other text. No error repeats a token.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        Ok(Self { callers: Callers::of_tokens(text)?, ..Self::default() })
    }

    /// The same callers, and those of an access file: TOML with the tables `[[issuer]]`, `[[subject]]` and
    /// `[[certificate]]`. It is read again when it changes. `clock` is for the certificates of the issuers'
    /// servers.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a file that cannot be read, or with the entry that is wrong.
    pub fn with_access_file(self, path: &Path, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let at = |failure: Failure| {
            if failure.field.is_empty() {
                failure.at("access-file", path.display().to_string())
            } else {
                failure
            }
        };
        let text = read_file(path);
        let text = text.map_err(|message| at(document::invalid(format!("the access file {message}"))))?;
        let callers = self.callers.with_access_file(path, text, clock).map_err(at)?;
        Ok(Self { callers, ..self })
    }

    /// The same callers, whose commands are recorded by pseudonyms.
    #[must_use]
    pub fn with_names(self, names: ActorNames) -> Self {
        Self { names, ..self }
    }

    /// The same callers, on connections with TLS.
    #[must_use]
    pub fn with_tls(self, tls: ServerTls) -> Self {
        Self { encryption: Encryption::Tls(tls), ..self }
    }

    /// The same callers, in plain text also from other machines.
    #[must_use]
    pub fn in_plain_text(self) -> Self {
        Self { encryption: Encryption::PlainText, ..self }
    }

    /// The table of names.
    pub(crate) fn names(&self) -> &ActorNames {
        &self.names
    }

    /// Gets what the checks of calls need, and keeps it fresh while the process runs: callers, the keys of
    /// issuers, and certificates.
    ///
    /// # Errors
    /// [`Class::Unavailable`] if the keys of an issuer cannot be read.
    pub(crate) async fn start(&self, context: &Context) -> Result<(), Failure> {
        self.callers.start(context).await?;
        if let Some(tls) = self.tls() {
            let stop = context.shutdown.clone();
            context.spawn("certificates", async move {
                tls.follow_files(stop).await;
                Ok(())
            });
        }
        Ok(())
    }

    /// Reads the table of names, and keeps it fresh while the process runs.
    ///
    /// # Errors
    /// Those of its place, if commands are to be recorded by pseudonyms.
    pub(crate) async fn load_names(&self, context: &Context) -> Result<(), Failure> {
        match self.names.load().await {
            Err(failure) if self.is_controlled() => return Err(failure),
            Err(failure) => tracing::warn!(%failure, "names of earlier callers cannot be shown"),
            Ok(()) if self.is_controlled() && self.names.is_off() => {
                tracing::info!("commands are recorded with names: no place for names is configured");
            }
            Ok(()) => {}
        }
        let (names, stop) = (self.names.clone(), context.shutdown.clone());
        context.spawn("actor-names", async move {
            names.keep_fresh(stop).await;
            Ok(())
        });
        Ok(())
    }

    /// Whether callers have to show who they are.
    fn is_controlled(&self) -> bool {
        self.callers.known().is_controlled()
    }

    /// Identifies a caller by its token, or else by the certificate of its connection.
    fn identify(
        &self,
        headers: &HeaderMap,
        certificate: Option<&CertificateNames>,
        now: Timestamp,
    ) -> Result<Identified, Failure> {
        let known = self.callers.known();
        if !known.is_controlled() {
            return Ok(Identified::Known(Arc::new(Identity::open())));
        }
        let shown = shown(headers);
        if !shown.is_empty() {
            return self.identify_token(&known, &shown, now);
        }
        match (certificate, &known.file) {
            (Some(names), Some(file)) if !file.certificates.is_empty() => {
                let rule = file.certificates.iter().find(|rule| rule.fits(names));
                let rule = rule.ok_or_else(|| Reason::CertificateNotListed(names.shown()).into_failure())?;
                Ok(Identified::Known(self.with_pseudonym(Identity::clone(&rule.identity))))
            }
            _ => Err(unauthenticated("this service asks for a token")),
        }
    }

    fn identify_token(&self, known: &Known, shown: &str, now: Timestamp) -> Result<Identified, Failure> {
        if let Some(identity) = known.holder(shown) {
            return Ok(Identified::Known(self.with_pseudonym(identity)));
        }
        let issuers: &[Arc<Issuer>] = known.file.as_ref().map_or(&[], |file| file.issuers.as_slice());
        if issuers.is_empty() || !jwt::is_jwt(shown) {
            return Err(unauthenticated("this token is not known"));
        }
        let token = jwt::read(shown).map_err(Reason::into_failure)?;
        let named = token.claims.issuer().unwrap_or_default();
        let issuer = issuers.iter().find(|issuer| issuer.issuer == named);
        let issuer = issuer.ok_or_else(|| Reason::UnknownIssuer(named.to_owned()).into_failure())?;
        Ok(match issuer.check(&token, now)? {
            Outcome::Known(identity) => Identified::Known(self.with_pseudonym(identity)),
            Outcome::UnknownKey(key) => Identified::UnknownKey(Arc::clone(issuer), key),
        })
    }

    fn with_pseudonym(&self, identity: Identity) -> Arc<Identity> {
        let pseudonym = self.names.pseudonym(&identity.name);
        Arc::new(identity.with_pseudonym(pseudonym))
    }
}

fn unauthenticated(message: &str) -> Failure {
    Failure::new(Class::Refused, UNAUTHENTICATED, message)
        .with_hint("name the file that holds your token with --token-file or OREWATCH_TOKEN_FILE")
}

/// Reads a file, or says why it cannot be read.
fn read_file(path: &Path) -> Result<String, String> {
    if std::fs::metadata(path).map_or(0, |metadata| metadata.len()) > MAX_FILE_BYTES {
        return Err("is larger than a MiB".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
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
