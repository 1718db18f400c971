//! The keys that an issuer publishes (JSON Web Key Set, RFC 7517), and the check of a signature with them.
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::jwt::{Algorithm, Unproven};
use super::reason::Reason;

/// Upper bound on the keys of an issuer that are used.
const MAX_KEYS: usize = 64;

/// Length of a coordinate on P-256 and of a key of Ed25519, in bytes.
const KEY_BYTES: usize = 32;

/// First byte of a point that is not compressed (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// The keys of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeySet(Vec<Key>);

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    /// Its identifier. `None`: it has none.
    id: Option<String>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    /// Modulus and exponent, big-endian, without zeros before them.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Point on P-256, not compressed.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Entry>,
}

/// A key as its issuer writes it. What is not here does not matter.
#[derive(Deserialize)]
struct Entry {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys of other kinds, and those that are not for signatures, are left out.
    ///
    /// # Errors
    /// What is wrong with it, if it is no set or has no key that can be used.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text)
            .map_err(|error| format!("this is no set of keys (JWKS): {error}"))?;
        let keys: Vec<Key> = document.keys.into_iter().filter_map(Entry::key).take(MAX_KEYS).collect();
        if keys.is_empty() {
            return Err("the set of keys (JWKS) has no key for RS256, ES256 or EdDSA".to_owned());
        }
        Ok(Self(keys))
    }

    /// Checks the signature of a token. Returns `false` if the set does not have its key: a newer set may.
    ///
    /// # Errors
    /// [`Reason::BadSignature`] if the signature is not made with its key.
    pub(super) fn check(&self, token: &Unproven<'_>) -> Result<bool, Reason> {
        let mut candidates = self.0.iter().filter(|key| key.is_for(token));
        let Some(key) = candidates.next() else { return Ok(false) };
        // A token that does not name its key is checked only where there is no choice: with a choice, one
        // token would cost as many checks as there are keys.
        if candidates.next().is_some() {
            return Ok(false);
        }
        let checked = key.material.verify(token.signed.as_bytes(), &token.signature);
        checked.map(|()| true).map_err(|_| Reason::BadSignature)
    }
}

impl Key {
    fn is_for(&self, token: &Unproven<'_>) -> bool {
        let is_named = token.key.is_none() || token.key == self.id;
        is_named && self.material.algorithm() == token.algorithm
    }
}

impl Material {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), ring::error::Unspecified> {
        match self {
            Self::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
        }
    }
}

impl Entry {
    fn key(self) -> Option<Key> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: number(&self.n?)?, e: number(&self.e?)? },
            ("EC", Some("P-256")) => {
                let [x, y] = [coordinate(&self.x?)?, coordinate(&self.y?)?];
                Material::P256([vec![UNCOMPRESSED], x, y].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(coordinate(&self.x?)?),
            _ => return None,
        };
        Some(Key { id: self.kid, material })
    }
}

fn coordinate(text: &str) -> Option<Vec<u8>> {
    decode(text).filter(|bytes| bytes.len() == KEY_BYTES)
}

/// A number, big-endian. Some issuers write zeros before it, which is not allowed and does no harm.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = decode(text)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, appendix A.2, and the token that it signs there (A.4).
    const ED25519_SET: &str = r#"{"keys":[
        {"kty":"oct","k":"AAAA","kid":"shared"},
        {"kty":"RSA","n":"AA","e":"AQAB","kid":"empty"},
        {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"enc"},
        {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn keys_of_other_kinds_are_left_out() {
        let set = KeySet::parse(ED25519_SET.as_bytes()).unwrap();
        assert_eq!(set.0.len(), 1);
        for (text, word) in [
            ("", "no set of keys"),
            ("{}", "no set of keys"),
            ("{\"keys\":[]}", "no key for"),
            ("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "no key for"),
            ("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}", "no key for"),
        ] {
            assert!(KeySet::parse(text.as_bytes()).unwrap_err().contains(word), "{text}");
        }
    }

    #[test]
    fn a_signature_of_rfc_8037_is_accepted_and_a_changed_one_is_not() {
        let set = KeySet::parse(ED25519_SET.as_bytes()).unwrap();
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let token = |signed: &'static str| Unproven {
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
            algorithm: Algorithm::EdDsa,
            key: None,
            claims: super::super::jwt::read("eyJhbGciOiJFUzI1NiJ9.e30.AAAA").unwrap().claims,
        };
        assert_eq!(set.check(&token("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")), Ok(true));
        let changed = token("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmb");
        assert_eq!(set.check(&changed), Err(Reason::BadSignature));
        let other = Unproven { key: Some("other".to_owned()), ..token("") };
        assert_eq!(set.check(&other), Ok(false), "a newer set may have it");
        let rsa = Unproven { algorithm: Algorithm::Rs256, ..token("") };
        assert_eq!(set.check(&rsa), Ok(false), "no key of one kind checks a signature of another");
    }
}
