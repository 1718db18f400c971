//! An issuer of tokens, and what it may make of whom it names.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::Failure;

use super::grants::Grants;
use super::identity::Identity;
use super::jwt::{self, Claims, Unproven};
use super::keys::Keys;
use super::reason::Reason;

/// An issuer whose tokens are accepted.
#[derive(Debug)]
pub(super) struct Issuer {
    /// Its name in files and in the names of callers.
    pub(super) name: String,
    /// What its tokens have in `iss`.
    pub(super) issuer: String,
    /// The audiences for which tokens are accepted.
    pub(super) audiences: Vec<String>,
    /// Its keys.
    pub(super) keys: Arc<Keys>,
    /// What its subjects may do. The first that fits counts.
    pub(super) subjects: Vec<SubjectRule>,
}

/// What some of the subjects of an issuer may do.
#[derive(Debug)]
pub(super) struct SubjectRule {
    /// Whom it is about.
    pub(super) selects: Selection,
    /// Name of the caller. `None`: made of the issuer's name and the subject.
    pub(super) name: Option<String>,
    /// What is permitted.
    pub(super) grants: Grants,
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// One subject.
    Subject(String),
    /// Subjects that begin like this.
    Prefix(String),
    /// Tokens in which a claim has a value.
    Claim { name: String, value: String },
}

impl Selection {
    fn fits(&self, subject: &str, claims: &Claims) -> bool {
        match self {
            Self::Subject(one) => one == subject,
            Self::Prefix(beginning) => subject.starts_with(beginning.as_str()),
            Self::Claim { name, value } => claims.has(name, value),
        }
    }
}

/// What comes of a token.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its holder.
    Known(Identity),
    /// It names a key that is not among the issuer's. Newer keys may have it.
    UnknownKey(String),
}

impl Issuer {
    /// Checks a token of this issuer: its signature first, and then what it says.
    ///
    /// # Errors
    /// Why it is not accepted, for its owner.
    pub(super) fn check(&self, token: &Unproven<'_>, now: Timestamp) -> Result<Outcome, Failure> {
        if !self.keys.current()?.check(token).map_err(Reason::into_failure)? {
            return Ok(Outcome::UnknownKey(token.key.clone().unwrap_or_default()));
        }
        self.holder(&token.claims, now).map(Outcome::Known).map_err(Reason::into_failure)
    }

    /// Whom claims are about that are proven to be this issuer's.
    fn holder(&self, claims: &Claims, now: Timestamp) -> Result<Identity, Reason> {
        jwt::check(claims, &self.audiences, now)?;
        let subject = claims.subject()?;
        let rule = self.subjects.iter().find(|rule| rule.selects.fits(subject, claims));
        let not_listed = || Reason::NotListed(subject.to_owned());
        let rule = rule.ok_or_else(not_listed)?;
        let name = rule.name.clone().unwrap_or_else(|| format!("{}:{subject}", self.name));
        rule.grants.clone().identity(&name).map_err(|_| not_listed())
    }
}
