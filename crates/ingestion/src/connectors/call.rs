//! What is asked of a publisher, and what comes back. Plain values.
use bytes::Bytes;

use super::Digest;

/// One request, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Path and query below the connector's address.
    pub target: String,
    /// JSON to post. None: a GET.
    pub body: Option<String>,
    /// What came last time, if it may be asked whether that has changed.
    pub before: Option<Before>,
}

impl Call {
    pub(super) fn get(target: String) -> Self {
        Self { target, body: None, before: None }
    }

    /// Method and address as they are recorded; of a POST also what is posted.
    #[must_use]
    pub fn text(&self, base: &str) -> String {
        match &self.body {
            None => format!("GET {base}{}", self.target),
            Some(body) => format!("POST {base}{} {body}", self.target),
        }
    }
}

/// What came of the same request in the poll that ended well last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// `ETag`. Empty: it had none.
    pub etag: String,
    /// `Last-Modified`. Empty: it had none.
    pub last_modified: String,
    /// SHA-256 of the body in the archive.
    pub sha256: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A whole answer.
    Whole {
        /// HTTP status.
        status: u16,
        /// The body, decompressed. Of 304 the one that has not changed.
        body: Bytes,
        /// The headers that matter.
        headers: Headers,
    },
    /// No answer, or not all of it.
    Broken {
        /// HTTP status. 0: none came.
        status: u16,
        /// What happened, one clause.
        trouble: String,
    },
    /// The body is larger than may be taken.
    TooLarge {
        /// HTTP status.
        status: u16,
        /// What may be taken, in bytes.
        limit: usize,
    },
}

impl Answer {
    /// HTTP status. 0: none came.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Whole { status, .. } | Self::Broken { status, .. } | Self::TooLarge { status, .. } => {
                *status
            }
        }
    }
}

/// Headers of an answer. Empty: it has none of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `ETag`.
    pub etag: String,
    /// `Last-Modified`.
    pub last_modified: String,
    /// `Retry-After`.
    pub retry_after: String,
    /// `Location`, without its query.
    pub location: String,
}

/// What a well-formed answer says, as far as a connector looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Rows in it.
    pub(super) rows: usize,
    /// SHA-256 over its rows as they are written.
    pub(super) content: Digest,
}

/// What is odd about an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// It is not what the interface promises: asked for once more.
    Malformed(String),
    /// The publisher says that the request is wrong: nothing to try again.
    Refused(String),
}

/// What follows from an answer that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is kept.
    Keep(Page),
    /// It holds a part only: it is not kept, this many requests ask for its parts.
    Split(usize),
    /// It came before: it is asked for once more.
    Repeated(String),
    /// What is published changes while it is read: what was kept since the last [`Turn::Done`] goes, and it begins again.
    StartOver(String),
}
