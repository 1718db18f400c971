//! Digests, and the chain that they form over the events of a log.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Number of bytes of a digest.
pub(crate) const DIGEST_BYTES: usize = 32;

/// A SHA-256 digest. As text it has 64 hexadecimal digits.
///
/// The chain of a log begins with the digest of its name. Each link is the digest of the one before it and of
/// a record: position, stream, identifier, kind, time, trace context and data. The link of the first event is
/// the log's identity, that of the last its head digest.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    /// Digest of bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The beginning of a log's chain.
    pub(crate) fn start(log: &str) -> Self {
        Self::of(format!("orewatch log {log}\n").as_bytes())
    }

    /// The link after this one, for a record.
    pub(crate) fn link(self, record: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(record).finalize().into())
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is not a digest of {} hexadecimal digits", 2 * DIGEST_BYTES);
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16).filter(|_| !digit.is_uppercase())?).ok())
            .collect();
        let bytes: Vec<u8> = digits
            .ok_or_else(wrong)?
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit))
            .collect();
        if text.len() != 2 * DIGEST_BYTES {
            return Err(wrong());
        }
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_they_are_written() {
        let digest = Digest::start("alerts").link(b"record");
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        for wrong in [&text[1..], &text.to_uppercase(), &format!("{text}00"), "", "x"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }
}
