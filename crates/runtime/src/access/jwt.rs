//! Bearer tokens that an issuer signs (JSON Web Tokens, RFC 7519): what a token says, and whether that may be
//! believed. Pure: keys, time and expectations are values.
//!
//! Accepted are signatures with a private key: RS256, ES256 and EdDSA (Ed25519). A token without a signature
//! (`alg: none`) or with one that everyone who can check it can make (HS256 and its kind) is refused,
//! whatever keys there are. Nothing of a token is believed before its signature is checked; only the names of
//! its issuer and key are used to find the key.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::reason::Reason;

/// Difference between the clocks of the issuer and of this machine that is tolerated.
pub(super) const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Upper bound on a token, in bytes. Headers have a bound of their own above it.
const MAX_TOKEN_BYTES: usize = 12 << 10;

/// Upper bound on what a subject, an issuer or the identifier of a key may have, in characters.
const MAX_TEXT_CHARS: usize = 255;

/// A kind of signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    fn parse(name: &str) -> Result<Self, Reason> {
        match name {
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" => Ok(Self::EdDsa),
            none if none.eq_ignore_ascii_case("none") => Err(Reason::Unsigned),
            shared if shared.starts_with("HS") => Err(Reason::SharedSecret),
            _ => Err(Reason::UnsupportedAlgorithm),
        }
    }
}

/// A token as it was sent. Nothing in it is proven yet.
#[derive(Debug)]
pub(super) struct Unproven<'a> {
    /// The part that is signed.
    pub(super) signed: &'a str,
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// How it is signed.
    pub(super) algorithm: Algorithm,
    /// Which key it is signed with. `None`: it does not say.
    pub(super) key: Option<String>,
    /// What it says.
    pub(super) claims: Claims,
}

/// What a token says.
#[derive(Debug)]
pub(super) struct Claims(Map<String, Value>);

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that have to be understood. None is.
    crit: Option<Value>,
}

/// Whether a text could be a token of this kind, rather than one of the file of tokens.
pub(super) fn is_jwt(text: &str) -> bool {
    // `{"` in base64url.
    text.starts_with("ey") && text.split('.').count() == 3
}

/// Reads a token.
///
/// # Errors
/// The [`Reason`] for which no key could make it acceptable.
pub(super) fn read(token: &str) -> Result<Unproven<'_>, Reason> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Reason::Malformed("it is too long"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Reason::Malformed("it has no three parts"))?;
    let (header, claims) = signed.split_once('.').ok_or(Reason::Malformed("it has no three parts"))?;
    let Header { alg, kid, crit } = decode(header, Reason::Malformed("its header is no JSON in base64url"))?;
    let algorithm = Algorithm::parse(&alg)?;
    if crit.is_some() {
        return Err(Reason::Malformed("it has extensions that have to be understood (crit)"));
    }
    let claims = decode(claims, Reason::Malformed("its claims are no JSON object in base64url"))?;
    let signature = URL_SAFE_NO_PAD.decode(signature);
    let signature = signature.map_err(|_| Reason::Malformed("its signature is no base64url"))?;
    let key = kid.map(|kid| checked(kid, "its key has too long a name")).transpose()?;
    Ok(Unproven { signed, signature, algorithm, key, claims: Claims(claims) })
}

fn decode<T: DeserializeOwned>(part: &str, otherwise: Reason) -> Result<T, Reason> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(otherwise)
}

/// A text that may be shown and recorded.
fn checked(text: String, otherwise: &'static str) -> Result<String, Reason> {
    let fits = text.chars().count() <= MAX_TEXT_CHARS && !text.contains(char::is_control);
    if fits { Ok(text) } else { Err(Reason::Malformed(otherwise)) }
}

impl Claims {
    /// A claim that is a text.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Who issued the token.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// Whom the token is about.
    ///
    /// # Errors
    /// It names nobody.
    pub(super) fn subject(&self) -> Result<&str, Reason> {
        let subject = self.text("sub").ok_or(Reason::NoSubject)?;
        let fits = subject.chars().count() <= MAX_TEXT_CHARS && !subject.contains(char::is_control);
        if fits { Ok(subject) } else { Err(Reason::Malformed("its subject is too long, or cannot be shown")) }
    }

    /// Whether a claim has a value: is this text, or a list that has it.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        match self.0.get(name) {
            Some(Value::String(text)) => text == value,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(value)),
            _ => false,
        }
    }

    /// The claim with the audiences, which is a text or a list.
    fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(audience)) => vec![audience.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A claim that is a time, in seconds since 1970.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Reason> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_f64().and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
        let time = seconds.and_then(|seconds| Timestamp::UNIX_EPOCH.checked_add(seconds).ok());
        time.map(Some).ok_or(Reason::Malformed("one of its times is no number of seconds since 1970"))
    }
}

/// Checks what a token says whose signature is proven: for which audience it is, and that it is valid now.
///
/// # Errors
/// The [`Reason`] why it is not accepted.
pub(super) fn check(claims: &Claims, audiences: &[String], now: Timestamp) -> Result<(), Reason> {
    let expires = claims.time("exp")?.ok_or(Reason::NoExpiry)?;
    if now.duration_since(expires) > LEEWAY {
        return Err(Reason::Expired(expires));
    }
    for name in ["nbf", "iat"] {
        if let Some(from) = claims.time(name)?.filter(|from| from.duration_since(now) > LEEWAY) {
            return Err(Reason::NotYetValid { from, now });
        }
    }
    let shown = claims.audiences();
    if shown.is_empty() {
        return Err(Reason::NoAudience { expected: audiences.join(" or ") });
    }
    if !shown.iter().any(|audience| audiences.iter().any(|expected| expected == audience)) {
        let shown = shown.join(", ");
        return Err(Reason::OtherAudience { shown, expected: audiences.join(" or ") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{claims}.AAAA")
    }

    fn claims(text: &str) -> Claims {
        Claims(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn only_signatures_with_a_private_key_are_read() {
        for alg in ["none", "None", "NONE"] {
            assert_eq!(read(&token(&format!("{{\"alg\":\"{alg}\"}}"), "{}")).unwrap_err(), Reason::Unsigned);
        }
        for alg in ["HS256", "HS384", "HS512"] {
            let read = read(&token(&format!("{{\"alg\":\"{alg}\"}}"), "{}")).map(drop);
            assert_eq!(read.unwrap_err(), Reason::SharedSecret);
        }
        for alg in ["RS512", "PS256", "ES384", "", "rs256"] {
            let read = read(&token(&format!("{{\"alg\":\"{alg}\"}}"), "{}")).map(drop);
            assert_eq!(read.unwrap_err(), Reason::UnsupportedAlgorithm, "{alg}");
        }
        let text = token("{\"alg\":\"ES256\",\"kid\":\"one\"}", "{\"iss\":\"a\"}");
        let read = read(&text).unwrap();
        assert_eq!((read.algorithm, read.key.as_deref()), (Algorithm::Es256, Some("one")));
        assert_eq!(read.claims.issuer(), Some("a"));
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        let long = token("{\"alg\":\"ES256\"}", &" ".repeat(MAX_TOKEN_BYTES));
        let kid = token(&format!("{{\"alg\":\"ES256\",\"kid\":\"{}\"}}", "k".repeat(300)), "{}");
        let crit = token("{\"alg\":\"ES256\",\"crit\":[\"b64\"]}", "{}");
        let list = token("{\"alg\":\"ES256\"}", "[]");
        for text in ["", ".", "..", "ey.ey.ey", "eyJhbGciOiJub25lIn0", &long, &kid, &crit, &list] {
            assert!(matches!(read(text), Err(Reason::Malformed(_))), "{text:.40}");
        }
    }

    #[test]
    fn a_token_is_valid_for_its_audience_and_in_its_time() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let audiences = ["orewatch".to_owned()];
        let check = |text: &str| check(&claims(text), &audiences, now);
        for text in [
            "{\"exp\":1000001,\"aud\":\"orewatch\"}",
            "{\"exp\":999940,\"aud\":[\"other\",\"orewatch\"]}",
            "{\"exp\":1000000.5,\"nbf\":1000060,\"iat\":1000060,\"aud\":\"orewatch\"}",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let at = |second| Timestamp::from_second(second).unwrap();
        let expected = "orewatch".to_owned();
        for (text, reason) in [
            ("{\"aud\":\"orewatch\"}", Reason::NoExpiry),
            ("{\"exp\":999939,\"aud\":\"orewatch\"}", Reason::Expired(at(999_939))),
            (
                "{\"exp\":2000000,\"nbf\":1000061,\"aud\":\"orewatch\"}",
                Reason::NotYetValid { from: at(1_000_061), now },
            ),
            ("{\"exp\":2000000}", Reason::NoAudience { expected: expected.clone() }),
            ("{\"exp\":2000000,\"aud\":[]}", Reason::NoAudience { expected: expected.clone() }),
            (
                "{\"exp\":2000000,\"aud\":[\"a\",\"b\"]}",
                Reason::OtherAudience { shown: "a, b".to_owned(), expected },
            ),
        ] {
            assert_eq!(check(text), Err(reason), "{text}");
        }
        for exp in ["\"soon\"", "1e300", "null", "{}"] {
            let text = format!("{{\"exp\":{exp},\"aud\":\"orewatch\"}}");
            assert!(matches!(check(&text), Err(Reason::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_claim_has_a_value_alone_or_in_a_list() {
        let claims = claims("{\"groups\":[\"analysts\",7],\"desk\":\"acme\",\"sub\":\"a\\nb\"}");
        assert!(claims.has("groups", "analysts") && claims.has("desk", "acme"));
        assert!(!claims.has("groups", "7") && !claims.has("desk", "acm") && !claims.has("none", ""));
        assert!(claims.subject().is_err(), "a line break cannot be shown");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text: String, header: String, claims: String) {
            let _refused = read(&text);
            let _refused = read(&token(&header, &claims));
        }
    }
}
