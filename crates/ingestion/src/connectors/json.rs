//! Response bodies that should be JSON.
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::Digest;
use super::call::ResponseError;

/// Upper bound on characters of an unexpected body that a message shows.
const MAX_SHOWN_CHARS: usize = 200;

/// Parses a body.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ResponseError> {
    serde_json::from_slice(body).map_err(|error| {
        let begin = excerpt(body);
        let what =
            if begin.trim_start().starts_with('<') { "a page (HTML or XML)" } else { "something else" };
        ResponseError::Malformed(format!(
            "{what} was received instead of the promised JSON ({error}): {begin}"
        ))
    })
}

/// The first 200 characters of a body, on one line.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(MAX_SHOWN_CHARS * 4)).unwrap_or_default());
    text.chars().take(MAX_SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
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
