//! What connectors need of the rest of the service.
use bytes::Bytes;
use futures_util::future::BoxFuture;
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestFilesResponse, IngestOutcome};
use orewatch_runtime::Failure;

/// Where the bodies of answers are kept: the archive of original files.
pub trait Keep: std::fmt::Debug + Send + Sync {
    /// Keeps a body, durably when it returns. It is found by its SHA-256, lower-case hexadecimal.
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<(), Failure>>;

    /// A body by its SHA-256. None: it is not there.
    fn get<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Failure>>;
}

/// Who is told how an ingestion goes.
pub type Tell<'a> = &'a mut (dyn FnMut(IngestFilesResponse) + Send);

/// Who reads the bodies of a poll into releases.
pub trait Take: std::fmt::Debug + Send + Sync {
    /// Reads files of the archive.
    fn ingest<'a>(
        &'a self,
        request: IngestFilesRequest,
        tell: Tell<'a>,
    ) -> BoxFuture<'a, Result<Vec<IngestOutcome>, Failure>>;
}
