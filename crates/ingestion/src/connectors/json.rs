//! Bodies that should be JSON.
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::Digest;
use super::call::Odd;

/// How much of a body that is something else is told, in characters.
const TOLD: usize = 200;

/// Reads a body.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Odd> {
    serde_json::from_slice(body).map_err(|error| {
        let begin = beginning(body);
        let what =
            if begin.trim_start().starts_with('<') { "a page (HTML or XML)" } else { "another answer" };
        Odd::Malformed(format!("{what} came instead of the JSON that is promised ({error}): {begin}"))
    })
}

/// The first 200 characters of a body, on one line.
pub(super) fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(TOLD * 4)).unwrap_or_default());
    text.chars().take(TOLD).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// SHA-256 over texts, each with its length before it.
pub(super) fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> Digest {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_string());
        hash.update(":");
        hash.update(text);
    }
    hash.finalize().into()
}
