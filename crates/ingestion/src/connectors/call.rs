//! Calls to a publisher and its responses. Plain values.
use bytes::Bytes;

use super::Digest;

/// One call, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Path and query below the connector's address.
    pub target: String,
    /// JSON to post. `None`: a GET.
    pub body: Option<String>,
    /// The response of the last poll, if the publisher can be asked whether it changed.
    pub before: Option<PreviousResponse>,
}

impl Call {
    pub(super) fn get(target: String) -> Self {
        Self { target, body: None, before: None }
    }

    /// Method and address as they are recorded, and the body of a POST.
    #[must_use]
    pub fn text(&self, base: &str) -> String {
        match &self.body {
            None => format!("GET {base}{}", self.target),
            Some(body) => format!("POST {base}{} {body}", self.target),
        }
    }
}

/// The response to the same call in the last successful poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousResponse {
    /// `ETag`. Empty: it had none.
    pub etag: String,
    /// `Last-Modified`. Empty: it had none.
    pub last_modified: String,
    /// SHA-256 of the body in the archive.
    pub sha256: String,
}

/// A response, or what came instead of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublisherResponse {
    /// A complete response.
    Whole {
        /// HTTP status.
        status: u16,
        /// The body, decompressed; of a 304 the unchanged body.
        body: Bytes,
        /// The headers that matter.
        headers: Headers,
    },
    /// No response, or an incomplete one.
    Broken {
        /// HTTP status. 0: there was no response.
        status: u16,
        /// What happened, as a clause.
        trouble: String,
    },
    /// The body is larger than the limit.
    TooLarge {
        /// HTTP status.
        status: u16,
        /// The limit in bytes.
        limit: usize,
    },
}

impl PublisherResponse {
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

/// Headers of a response. Empty: not in the response.
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

/// What a connector needs of a well-formed response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Rows in it.
    pub(super) rows: usize,
    /// SHA-256 over its rows as written.
    pub(super) content: Digest,
}

/// Why a response cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResponseError {
    /// It is not what the interface promises. The call is repeated once.
    Malformed(String),
    /// The publisher refuses the call. Repeating it is pointless.
    Refused(String),
}

/// What follows from a response that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PageOutcome {
    /// It is kept.
    Keep(Page),
    /// It was cut off. It is not kept; this many calls ask for its parts.
    Split(usize),
    /// It repeats an earlier response. The call is repeated once.
    Repeated(String),
    /// The publication changed while it was read. Responses of the series are dropped, and it starts over.
    StartOver(String),
}
