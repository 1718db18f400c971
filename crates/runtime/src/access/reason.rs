//! Why the credentials of a call are not accepted.
//!
//! A reason is written for the owner of the credentials: it repeats what they say, and tells what this
//! service expects only after their signature is proven. To everybody else it says no more than that they are
//! refused.
use jiff::Timestamp;
use orewatch_contracts::failure::UNAUTHENTICATED;
use orewatch_contracts::{Class, Failure};

/// Upper bound on a message, in characters.
const MAX_MESSAGE_CHARS: usize = 400;

/// Why a token or a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It cannot be read as a JSON Web Token.
    Malformed(&'static str),
    /// `alg` is `none`.
    Unsigned,
    /// `alg` is HS256 or of its kind.
    SharedSecret,
    /// `alg` is another one that is not accepted.
    UnsupportedAlgorithm,
    /// No issuer of this name is configured.
    UnknownIssuer(String),
    /// Its issuer publishes no such key.
    UnknownKey(String),
    /// The signature is not made with the key that it names.
    BadSignature,
    /// It has no time of expiry.
    NoExpiry,
    /// It has expired.
    Expired(Timestamp),
    /// It is valid, or was issued, later than now.
    NotYetValid { from: Timestamp, now: Timestamp },
    /// It is for nobody in particular.
    NoAudience { expected: String },
    /// It is for somebody else.
    OtherAudience { shown: String, expected: String },
    /// It names nobody.
    NoSubject,
    /// Nothing is permitted to whom it names.
    NotListed(String),
    /// Nothing is permitted to the names of a client certificate.
    CertificateNotListed(String),
}

impl Reason {
    /// The refusal of a call.
    pub(super) fn into_failure(self) -> Failure {
        let (message, hint) = self.texts();
        // It may repeat what the token says, which has bounds of its own.
        let message: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
        Failure::new(Class::Refused, UNAUTHENTICATED, message).with_hint(hint)
    }

    /// What is wrong, and what to do.
    fn texts(self) -> (String, String) {
        const SIGNED: &str = "have it signed with RS256, ES256 or EdDSA";
        const AGAIN: &str = "request a new token from its issuer";
        const FILE: &str = "whoever keeps the access file of this service can list it";
        match self {
            Self::Malformed(why) => (
                format!("this is no JSON Web Token: {why}"),
                "send the token as its issuer wrote it".to_owned(),
            ),
            Self::Unsigned => ("this token is not signed (alg: none)".to_owned(), SIGNED.to_owned()),
            Self::SharedSecret => {
                let message = "this token is signed with a shared secret (HS256 or its kind)".to_owned();
                (message, SIGNED.to_owned())
            }
            Self::UnsupportedAlgorithm => {
                ("this token is signed in a way that is not accepted".to_owned(), SIGNED.to_owned())
            }
            Self::UnknownIssuer(issuer) => {
                let message = format!("this service does not accept tokens of the issuer {issuer:?}");
                (message, "use a token of an issuer that its operator has configured".to_owned())
            }
            Self::UnknownKey(key) => {
                let message = format!("the issuer of this token publishes no key {key:?}");
                (message, format!("{AGAIN}; try again in a minute if it has just changed its keys"))
            }
            Self::BadSignature => ("the signature of this token is wrong".to_owned(), AGAIN.to_owned()),
            Self::NoExpiry => ("this token has no time of expiry (exp)".to_owned(), AGAIN.to_owned()),
            Self::Expired(at) => (format!("this token expired at {at:.0}"), AGAIN.to_owned()),
            Self::NotYetValid { from, now } => {
                let message = format!("this token is valid from {from:.0} on, and here it is {now:.0}");
                (message, "wait, or set the clock of the issuer or of this service".to_owned())
            }
            Self::NoAudience { expected } => {
                ("this token names no audience (aud)".to_owned(), format!("request one for {expected}"))
            }
            Self::OtherAudience { shown, expected } => {
                (format!("this token is for {shown}"), format!("request one for {expected}"))
            }
            Self::NoSubject => ("this token names nobody (sub)".to_owned(), AGAIN.to_owned()),
            Self::NotListed(subject) => {
                (format!("nothing is permitted to {subject:?} here"), format!("{FILE} in [[subject]]"))
            }
            Self::CertificateNotListed(names) => {
                let message = format!("nothing is permitted to the client certificate ({names}) here");
                (message, format!("{FILE} in [[certificate]]"))
            }
        }
    }
}
