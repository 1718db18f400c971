//! Verifies webhooks of Orewatch by the Standard Webhooks specification. Needs the crates `base64` and
//! `ring`.
//!
//! A message is authentic if one of its signatures is by a key that you know and its timestamp is recent.
//! Verify the body exactly as received, before anything parses it. `webhook-id` is the same at every attempt,
//! so act once on each.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{hmac, signature};

/// Maximum difference between the clocks of sender and receiver, in seconds.
pub const TOLERANCE: i64 = 5 * 60;

/// The three headers of a message.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

/// Why a message is not authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAuthentic {
    /// The timestamp is not a number, or too far from the current time.
    Timestamp,
    /// No signature is by a known key.
    Signature,
}

/// Verifies a message. `keys` are those that you know: `whsec_...` (HMAC, a secret) or `whpk_...` (Ed25519,
/// a public key), several while keys change. `now` is in seconds since 1970.
///
/// # Errors
/// [`NotAuthentic`]: drop the message.
pub fn verify(headers: Headers<'_>, body: &[u8], keys: &[&str], now: i64) -> Result<(), NotAuthentic> {
    let Headers { id, timestamp, signature: signatures } = headers;
    let sent: i64 = timestamp.parse().map_err(|_| NotAuthentic::Timestamp)?;
    if now.saturating_sub(sent).saturating_abs() > TOLERANCE {
        return Err(NotAuthentic::Timestamp);
    }
    let content = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let is_known = |signature: &str| keys.iter().any(|key| is_by(key, signature, &content));
    if signatures.split(' ').any(is_known) { Ok(()) } else { Err(NotAuthentic::Signature) }
}

fn is_by(key: &str, signature: &str, content: &[u8]) -> bool {
    let Some((version, encoded)) = signature.split_once(',') else { return false };
    let decoded = |prefix: &str| key.strip_prefix(prefix).and_then(|key| STANDARD.decode(key).ok());
    let Ok(found) = STANDARD.decode(encoded) else { return false };
    match version {
        "v1" => decoded("whsec_").is_some_and(|secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            hmac::verify(&key, content, &found).is_ok()
        }),
        "v1a" => decoded("whpk_").is_some_and(|public| {
            let key = signature::UnparsedPublicKey::new(&signature::ED25519, public);
            key.verify(content, &found).is_ok()
        }),
        _ => false,
    }
}
