//! Access to a bucket of S3, or of a service with its interface.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig, WriteMultipart,
};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use crate::StoreError;

/// Upper bound on a file that is sent in one request, and lower bound on a part of a larger one, in bytes.
const MAX_SINGLE_PUT_BYTES: u64 = 8 << 20;

/// Upper bound on the parts of a file; the interface allows 10,000.
const MAX_PARTS: u64 = 5_000;

/// Upper bound on parts in transit at a time.
const MAX_CONCURRENT_PARTS: usize = 2;

/// Size of a piece that is read at a time, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// Time within which the next bytes of a response have to come.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Upper bound on retries of a request.
const MAX_RETRIES: usize = 4;

/// Returns a client of a bucket. Region, address and keys are read from the environment: `AWS_REGION`,
/// `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and their like.
///
/// # Errors
/// An environment that does not say what is needed.
pub fn connect(bucket: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
    // Another part of the process may have installed the same provider before.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let options = ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(READ_TIMEOUT)
        .with_connect_timeout(Duration::from_secs(5))
        .with_allow_http(true);
    let retry =
        RetryConfig { max_retries: MAX_RETRIES, retry_timeout: READ_TIMEOUT, ..RetryConfig::default() };
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retry)
        .build()?;
    Ok(Arc::new(store))
}

/// Sends a file of a known size to a bucket: in one request, or in parts if it is large.
///
/// # Errors
/// Those of the file and of the bucket.
pub async fn send_file(store: &dyn ObjectStore, path: &Path, key: &Key, size: u64) -> Result<(), StoreError> {
    let at_file = |error| StoreError::file(path, error);
    let mut file = File::open(path).await.map_err(at_file)?;
    if size <= MAX_SINGLE_PUT_BYTES {
        let mut whole = Vec::new();
        file.read_to_end(&mut whole).await.map_err(at_file)?;
        store.put(key, PutPayload::from(whole)).await?;
        return Ok(());
    }
    let part = usize::try_from(MAX_SINGLE_PUT_BYTES.max(size / MAX_PARTS)).unwrap_or(usize::MAX);
    let upload = store.put_multipart(key).await?;
    let mut parts = WriteMultipart::new_with_chunk_size(upload, part);
    match send_parts(&mut file, path, &mut parts).await {
        Ok(()) => {
            parts.finish().await?;
            Ok(())
        }
        Err(error) => {
            // The first error matters more than remains that could not be removed.
            let _left = parts.abort().await;
            Err(error)
        }
    }
}

/// Sends a file in parts.
async fn send_parts(file: &mut File, path: &Path, parts: &mut WriteMultipart) -> Result<(), StoreError> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = file.read(&mut piece).await.map_err(|error| StoreError::file(path, error))?;
        let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        parts.wait_for_capacity(MAX_CONCURRENT_PARTS).await?;
        parts.write(bytes);
    }
}
