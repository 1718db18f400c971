//! Names of files in the archive of originals: the SHA-256 of their content.
use std::fmt;
use std::path::Path;

use orewatch_contracts::{Class, Failure};

use crate::ids::hex;

/// Beginning of all keys in the archive.
pub const KEY_PREFIX: &str = "sha256";

/// SHA-256 of a file: its name in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; 32]);

impl ContentId {
    /// From a digest.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// From 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// [`Class::Invalid`] for any other text.
    pub fn parse(field: &str, text: &str) -> Result<Self, Failure> {
        let invalid = || {
            Failure::new(Class::Invalid, "invalid-request", "this is not a SHA-256 in lower-case hexadecimal")
                .at(field, text)
        };
        let mut digest = [0; 32];
        let pairs = text.as_bytes().chunks(2);
        if text.len() != 64 {
            return Err(invalid());
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let &[high, low] = pair else { return Err(invalid()) };
            let (high, low) = nibble(high).zip(nibble(low)).ok_or_else(invalid)?;
            *byte = high << 4 | low;
        }
        Ok(Self(digest))
    }

    /// The digest.
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its key in the archive: `sha256/ab/cdef...`. The folders keep the number of files in each small.
    pub fn key(&self) -> String {
        let text = self.to_string();
        let (folder, file) = text.split_at_checked(2).unwrap_or_default();
        format!("{KEY_PREFIX}/{folder}/{file}")
    }

    /// The content of a path that ends in its key. None: the path does not.
    pub fn from_path(path: &Path) -> Option<Self> {
        let file = path.file_name()?.to_str()?;
        let folder = path.parent()?.file_name()?.to_str()?;
        Self::parse("sha256", &format!("{folder}{file}")).ok()
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
