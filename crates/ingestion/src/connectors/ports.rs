//! What connectors need from the rest of the service.
use bytes::Bytes;
use futures_util::future::BoxFuture;
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{IngestFilesRequest, IngestFilesResponse, IngestOutcome};

/// Storage of response bodies: the archive of original files.
pub trait BodyStore: std::fmt::Debug + Send + Sync {
    /// Stores a body durably. It is found by its SHA-256, in lower-case hexadecimal.
    fn put(&self, body: Bytes) -> BoxFuture<'_, Result<(), Failure>>;

    /// A body by its SHA-256. `None`: it is not there.
    fn get<'a>(&'a self, sha256: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Failure>>;
}

/// Receives progress and notes of an ingest.
pub type OnProgress<'a> = &'a mut (dyn FnMut(IngestFilesResponse) + Send);

/// Ingests the bodies of a poll as releases.
pub trait FileIngest: std::fmt::Debug + Send + Sync {
    /// Ingests files of the archive.
    fn ingest<'a>(
        &'a self,
        request: IngestFilesRequest,
        progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<Vec<IngestOutcome>, Failure>>;
}
