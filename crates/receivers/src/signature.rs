//! Signatures of webhooks by the Standard Webhooks specification: one per key, over `ID.TIMESTAMP.BODY`.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orewatch_contracts::alerting::v1::Signature;
use ring::hmac;
use ring::signature::Ed25519KeyPair;

use crate::secret::{Secret, check_bare_token};

/// Lower bound on the key of HMAC, in bytes, as the specification sets it.
const MIN_HMAC_KEY_BYTES: usize = 24;

/// Length of an Ed25519 seed, in bytes.
const ED25519_SEED_BYTES: usize = 32;

/// A signing key.
pub struct Key(Kind);

enum Kind {
    Hmac(hmac::Key),
    Ed25519(Box<Ed25519KeyPair>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Reads a key. For HMAC it is `whsec_` and base64, or the bytes of the text. For Ed25519 it is `whsk_`
    /// and base64 of the seed, or of seed and public key.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn from_secret(secret: &Secret, signature: Signature) -> Result<Self, String> {
        check_key_text(secret)?;
        match signature {
            Signature::Unspecified | Signature::HmacSha256 => {
                if ["whsk_", "whpk_"].iter().any(|prefix| secret.expose().starts_with(prefix)) {
                    return Err("this is an Ed25519 key: add `signature: ed25519`".to_owned());
                }
                let bytes = match secret.expose().strip_prefix("whsec_") {
                    Some("") => return Err("there is no key after whsec_".to_owned()),
                    Some(encoded) => decode_base64("whsec_", encoded)?,
                    None => secret.expose().as_bytes().to_vec(),
                };
                if bytes.len() < MIN_HMAC_KEY_BYTES {
                    return Err(format!("an HMAC key has at least {MIN_HMAC_KEY_BYTES} bytes"));
                }
                Ok(Self(Kind::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
            }
            Signature::Ed25519 => {
                let encoded =
                    secret.expose().strip_prefix("whsk_").ok_or("an Ed25519 key begins with whsk_")?;
                let bytes = decode_base64("whsk_", encoded)?;
                let pair = match bytes.split_at_checked(ED25519_SEED_BYTES) {
                    Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
                    Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
                    None => {
                        return Err(format!(
                            "an Ed25519 key has {ED25519_SEED_BYTES} bytes, or twice as many"
                        ));
                    }
                };
                let pair = pair.map_err(|error| format!("invalid Ed25519 key: {error}"))?;
                Ok(Self(Kind::Ed25519(Box::new(pair))))
            }
        }
    }

    fn sign(&self, content: &[u8]) -> String {
        match &self.0 {
            Kind::Hmac(key) => format!("v1,{}", STANDARD.encode(hmac::sign(key, content))),
            Kind::Ed25519(pair) => format!("v1a,{}", STANDARD.encode(pair.sign(content))),
        }
    }
}

/// Refuses texts that could sign but are surely not the key that the receiver has, so that every signature
/// would be wrong.
fn check_key_text(secret: &Secret) -> Result<(), String> {
    check_bare_token(secret)?;
    let text = secret.expose();
    if text.trim() != text {
        return Err("it begins or ends with white space: remove it".to_owned());
    }
    for version in ["v1,", "v1a,"] {
        if text.starts_with(version) {
            return Err(format!("it begins with a signature version: remove `{version}`"));
        }
    }
    let is_named = |name: &&&str| {
        let begin = text.get(..name.len()).unwrap_or_default();
        begin.eq_ignore_ascii_case(name) && text.get(..=name.len()) != Some(&format!("{name}_"))
    };
    match ["whsec", "whsk"].iter().find(is_named) {
        Some(name) => Err(format!("an encoded key begins with `{name}_`, in this spelling")),
        None => Ok(()),
    }
}

fn decode_base64(prefix: &str, encoded: &str) -> Result<Vec<u8>, String> {
    let is_url_safe = encoded.contains(['-', '_']);
    STANDARD.decode(encoded).map_err(|_| {
        let why = if is_url_safe { ": `-` and `_` belong to URL-safe base64, write `+` and `/`" } else { "" };
        format!("the key after {prefix} is not base64{why}")
    })
}

/// Value of the `webhook-signature` header: one signature per key, so that a receiver needs to know only one
/// of the keys.
#[must_use]
pub fn sign(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    keys.iter().map(|key| key.sign(&content)).collect::<Vec<_>>().join(" ")
}
