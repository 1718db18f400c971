//! Validators of answers (ETag), by which a client that has an answer already is told so.
//!
//! A validator has up to two parts: the position of the log that figures rest on, and a digest of the
//! entries. Where the position is the same, nothing has to be computed to say that nothing has changed. Where
//! it is another, the answer is computed, and may still be the same: a commit touches few answers. Both parts
//! go with the version of the program, because another version may have other formulas. Validators are weak:
//! two answers with the same one have the same entries, and may name different points of knowledge.
use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use sha2::{Digest as _, Sha256};

/// Length of a digest in a validator, in bytes: long enough that two answers of one address differ.
const DIGEST_BYTES: usize = 16;

/// The parts of a validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validator {
    version: String,
    /// Position of the log. `None`: the answer does not name one.
    position: Option<u64>,
    /// Digest of the entries. Empty: they were not looked at.
    digest: String,
}

/// A digest of bytes, as text.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of parts have the same bytes.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

impl Validator {
    /// A validator of answers of a version of the program.
    pub(crate) fn new(version: &str, position: Option<u64>) -> Self {
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-');
        Self { version: version.chars().filter(is_plain).collect(), position, digest: String::new() }
    }

    /// The same with a digest of the entries.
    pub(crate) fn with_digest(self, digest: String) -> Self {
        Self { digest, ..self }
    }

    /// The value of the header.
    pub(crate) fn text(&self) -> String {
        let position = self.position.map(|position| format!("p{position}")).unwrap_or_default();
        format!("W/\"{}_{position}_{}\"", self.version, self.digest)
    }

    /// Whether the client has the answer: it names a validator of the same version with the same position, or
    /// with the same digest.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let texts = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut named = texts.flat_map(|text| text.split(','));
        named.any(|tag| self.fits(tag.trim().trim_start_matches("W/").trim_matches('"')))
    }

    fn fits(&self, tag: &str) -> bool {
        let mut parts = tag.splitn(3, '_');
        let (version, position, digest) = (parts.next(), parts.next(), parts.next());
        let own = self.position.map(|position| format!("p{position}"));
        let has_position = own.is_some() && position == own.as_deref();
        let has_digest = !self.digest.is_empty() && digest == Some(self.digest.as_str());
        version == Some(self.version.as_str()) && (has_position || has_digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tag: &str) -> HeaderMap {
        HeaderMap::from_iter([(IF_NONE_MATCH, tag.parse().unwrap())])
    }

    #[test]
    fn an_answer_is_known_by_its_position_or_by_its_entries() {
        let entries = |text: &str| digest(&[text.as_bytes()]);
        let first = Validator::new("0.1.0 (abc)", Some(7)).with_digest(entries("a"));
        assert!(first.text().starts_with("W/\"0.1.0abc_p7_"), "{}", first.text());
        let known = asked(&format!("\"other\", {}", first.text()));
        assert!(Validator::new("0.1.0 (abc)", Some(7)).is_known(&known), "nothing was committed since");
        assert!(!Validator::new("0.1.0 (abc)", Some(8)).is_known(&known));
        assert!(Validator::new("0.1.0 (abc)", Some(8)).with_digest(entries("a")).is_known(&known));
        assert!(!Validator::new("0.1.0 (abc)", Some(8)).with_digest(entries("b")).is_known(&known));
        assert!(!Validator::new("0.2.0", Some(7)).with_digest(entries("a")).is_known(&known));
        assert!(!Validator::new("0.1.0 (abc)", None).is_known(&known), "without entries nothing is known");
        assert!(!first.is_known(&HeaderMap::new()));
    }

    #[test]
    fn a_digest_tells_parts_apart() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab"]).len(), 2 * DIGEST_BYTES);
    }
}
