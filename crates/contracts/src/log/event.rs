//! Events, and the streams that they belong to.
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

/// Position of an event in its log: 1 for the first, strictly growing, sometimes with gaps. 0 is before the
/// first event.
pub type Position = u64;

/// Upper bound on the length of a stream's name, in bytes.
const MAX_NAME_BYTES: usize = 250;

/// Name of a stream: tokens of letters, digits, `-` and `_`, joined by dots.
///
/// A stream is the unit of consistency: appends to it are checked against its last event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Box<str>);

impl StreamName {
    /// Checks the name: 1 to 250 bytes; tokens of `A-Z a-z 0-9 - _`, joined by single dots.
    ///
    /// # Errors
    /// [`InvalidName`] with the name as given.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let token_ok = |token: &str| {
            !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() <= MAX_NAME_BYTES && name.split('.').all(token_ok) {
            Ok(Self(name.into_boxed_str()))
        } else {
            Err(InvalidName(name))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Name of the log that the stream is on: its first token.
    #[must_use]
    pub fn log(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(log, _)| log)
    }

    /// Whether the stream is `prefix` itself, or one below it (`prefix.…`).
    #[must_use]
    pub fn is_under(&self, prefix: &StreamName) -> bool {
        self.0.strip_prefix(&*prefix.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for a text that cannot name a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a stream: use up to 250 letters, digits, hyphens and underscores, \
     in tokens joined by dots"
)]
pub struct InvalidName(pub String);

/// An event that is not on the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Identity of the event. An append of the same ids with the same expectation is the same append.
    pub id: Uuid,
    /// Type of the event: full name of its protobuf message.
    pub kind: String,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its protobuf message.
    pub data: Bytes,
    /// W3C trace context of what caused it.
    pub traceparent: Option<String>,
}

/// An event on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// The stream it is on.
    pub stream: StreamName,
    /// Identity of the event.
    pub id: Uuid,
    /// Type of the event: full name of its protobuf message.
    pub kind: String,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its protobuf message.
    pub data: Bytes,
    /// W3C trace context of what caused it.
    pub traceparent: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_joined_by_dots() {
        for good in ["a", "observations.baci-hs92.202601-0a1b", "A_b.C-d"] {
            assert_eq!(StreamName::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for bad in ["", ".", "a.", ".a", "a..b", "a b", "a.*", "a.>", "ä", long.as_str()] {
            assert_eq!(StreamName::new(bad), Err(InvalidName(bad.to_owned())));
        }
    }

    #[test]
    fn under_means_whole_tokens() {
        let name = |text: &str| StreamName::new(text).unwrap();
        assert!(name("a.b").is_under(&name("a")));
        assert!(name("a.b").is_under(&name("a.b")));
        assert!(!name("ab.c").is_under(&name("a")));
    }
}
