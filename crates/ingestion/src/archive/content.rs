//! The name of a content: its SHA-256.
use std::fmt;
use std::path::Path;

use orewatch_runtime::{Class, Failure};

use crate::ids::hex;

/// What all places in the archive begin with.
pub(super) const KEYS: &str = "sha256";

/// SHA-256 of a file: its name in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; 32]);

impl ContentId {
    /// From the digest itself.
    pub(super) fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// From 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`Class::Invalid`] for any other text.
    pub fn parse(field: &str, text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::new(Class::Invalid, "invalid-request", "this is not a SHA-256 in lower-case hexadecimal")
                .at(field, text)
        };
        let mut digest = [0; 32];
        let pairs = text.as_bytes().chunks(2);
        if text.len() != 64 {
            return Err(wrong());
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let &[high, low] = pair else { return Err(wrong()) };
            let (high, low) = nibble(high).zip(nibble(low)).ok_or_else(wrong)?;
            *byte = high << 4 | low;
        }
        Ok(Self(digest))
    }

    /// Its place below the archive: `sha256/ab/cdef...`, so that no folder has too many files.
    pub(super) fn key(&self) -> String {
        let text = self.to_string();
        let (folder, file) = text.split_at_checked(2).unwrap_or_default();
        format!("{KEYS}/{folder}/{file}")
    }

    /// The content whose place this is.
    pub(super) fn of_place(place: &Path) -> Option<Self> {
        let file = place.file_name()?.to_str()?;
        let folder = place.parent()?.file_name()?.to_str()?;
        Self::parse("sha256", &format!("{folder}{file}")).ok()
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
