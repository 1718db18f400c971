//! Signatures by Standard Webhooks: over `ID.TIMESTAMP.BODY`, one for each key.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orewatch_contracts::alerting::v1::Signature;
use ring::hmac;
use ring::signature::Ed25519KeyPair;

use super::secret::{Secret, bare};

/// Shortest key for HMAC in bytes; the specification asks for 24.
const SHORTEST: usize = 24;

/// Length of an Ed25519 seed.
const SEED: usize = 32;

/// A key that signs.
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
    /// The key that a secret holds. For HMAC it reads `whsec_` and base64, or is taken as bytes; for Ed25519 it reads `whsk_` and
    /// base64 of the seed, or of seed and public key.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn read(secret: &Secret, signature: Signature) -> Result<Self, String> {
        sound(secret)?;
        match signature {
            Signature::Unspecified | Signature::HmacSha256 => {
                if ["whsk_", "whpk_"].iter().any(|prefix| secret.expose().starts_with(prefix)) {
                    return Err("this is a key for Ed25519: say `signature: ed25519`".to_owned());
                }
                let bytes = match secret.expose().strip_prefix("whsec_") {
                    Some("") => return Err("behind whsec_ there is no key".to_owned()),
                    Some(encoded) => decoded("whsec_", encoded)?,
                    None => secret.expose().as_bytes().to_vec(),
                };
                if bytes.len() < SHORTEST {
                    return Err(format!("a key for HMAC has at least {SHORTEST} bytes"));
                }
                Ok(Self(Kind::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
            }
            Signature::Ed25519 => {
                let encoded =
                    secret.expose().strip_prefix("whsk_").ok_or("a key for Ed25519 begins with whsk_")?;
                let bytes = decoded("whsk_", encoded)?;
                let pair = match bytes.split_at_checked(SEED) {
                    Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
                    Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
                    None => return Err(format!("a key for Ed25519 has {SEED} bytes, or twice that")),
                };
                let pair = pair.map_err(|error| format!("the key for Ed25519 is none: {error}"))?;
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

/// What no key can be though its bytes could sign: receivers know it by another name, and every signature would be wrong.
fn sound(secret: &Secret) -> Result<(), String> {
    bare(secret)?;
    let text = secret.expose();
    if text.trim() != text {
        return Err("it begins or ends with white space: drop that".to_owned());
    }
    for version in ["v1,", "v1a,"] {
        if text.starts_with(version) {
            return Err(format!("it begins with the version of a signature: drop `{version}`"));
        }
    }
    let is_named = |name: &&&str| {
        let begin = text.get(..name.len()).unwrap_or_default();
        begin.eq_ignore_ascii_case(name) && text.get(..=name.len()) != Some(&format!("{name}_"))
    };
    match ["whsec", "whsk"].iter().find(is_named) {
        Some(name) => Err(format!("a key that is encoded begins with `{name}_`, written like that")),
        None => Ok(()),
    }
}

fn decoded(prefix: &str, encoded: &str) -> Result<Vec<u8>, String> {
    let of_urls = encoded.contains(['-', '_']);
    STANDARD.decode(encoded).map_err(|_| {
        let why = if of_urls { ": `-` and `_` are of base64 for addresses, write `+` and `/`" } else { "" };
        format!("behind {prefix} the key is no base64{why}")
    })
}

/// The signatures of a message, as `webhook-signature` carries them: any of them is enough for who knows one of the keys.
#[must_use]
pub fn sign(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    keys.iter().map(|key| key.sign(&content)).collect::<Vec<_>>().join(" ")
}
