//! Sends files to the archive. Files that are there already are not sent.
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::ingestion::v1::{ArchivedFile, UploadFileRequest};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::Input;
use orewatch_formats::ids::hex;
use orewatch_runtime::client::within;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tonic::transport::Channel;

use super::Progress;
use crate::archive::Archive;
use crate::blocking;

/// Size of a piece, in bytes.
const PIECE_BYTES: usize = 512 * 1024;

/// Upper bound on pieces that wait to be sent.
const MAX_QUEUED_PIECES: usize = 4;

/// Time between two reports of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Upper bound on the time to send one file.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(1_800);

/// Puts all files into the archive, for a tenant or for everyone (empty).
pub(super) async fn archive_files(
    client: &mut IngestionServiceClient<Channel>,
    archive: Option<&Archive>,
    tenant: &str,
    inputs: Vec<Input>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Vec<ArchivedFile>, Failure> {
    let total = inputs.iter().fold(0_u64, |sum, input| sum.saturating_add(input.size()));
    let (mut files, mut sent) = (Vec::with_capacity(inputs.len()), 0_u64);
    for input in inputs {
        let (name, size) = (input.name(), input.size());
        let mut reported = |bytes: u64| progress(Progress::sending(sent.saturating_add(bytes), total));
        let sha256 = match archive {
            Some(archive) => store_locally(archive, tenant, input).await?,
            None => upload(client, tenant, input, &mut reported).await?,
        };
        reported(size);
        sent = sent.saturating_add(size);
        files.push(ArchivedFile { sha256, name, ..ArchivedFile::default() });
    }
    Ok(files)
}

/// Puts a file into an archive of this process.
async fn store_locally(archive: &Archive, tenant: &str, input: Input) -> Result<String, Failure> {
    let stored = blocking(move || input.stored()).await??;
    Ok(archive.put(stored, tenant).await?.content.to_string())
}

/// Sends a file to the service, which says at once whether it has it.
async fn upload(
    client: &mut IngestionServiceClient<Channel>,
    tenant: &str,
    input: Input,
    reported: &mut (dyn FnMut(u64) + Send),
) -> Result<String, Failure> {
    let measured = input.clone();
    let (sha256, size) = blocking(move || measure_content(&measured)).await??;
    let tenant = tenant.to_owned();
    let first = UploadFileRequest { size, sha256: sha256.clone(), data: Bytes::new(), tenant };
    let (sender, mut pieces) = mpsc::channel(MAX_QUEUED_PIECES);
    let reader = tokio::spawn(blocking(move || send_pieces(&input, &sender)));
    let bytes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&bytes);
    let rest = stream::poll_fn(move |context| pieces.poll_recv(context)).inspect(
        move |piece: &UploadFileRequest| {
            let length = u64::try_from(piece.data.len()).unwrap_or(u64::MAX);
            counted.fetch_add(length, Ordering::Relaxed);
        },
    );
    let messages = stream::iter([first]).chain(rest);
    let mut answering = Box::pin(client.upload_file(within(UPLOAD_TIMEOUT, messages)));
    let mut ticks = tokio::time::interval(PROGRESS_INTERVAL);
    let answer = loop {
        tokio::select! {
            answer = &mut answering => break answer,
            _ = ticks.tick() => reported(bytes.load(Ordering::Relaxed)),
        }
    };
    drop(answering);
    let ended = |error| Failure::internal(format!("the reader panicked or was cancelled: {error}"));
    let read = reader.await.map_err(ended)??;
    let answer = answer.map_err(Failure::from);
    // If reading the file failed, that explains why the service received too little of it.
    match (answer, read) {
        (Ok(answer), _) => Ok(answer.into_inner().sha256),
        (Err(_), Err(unread)) => Err(unread),
        (Err(failure), Ok(())) => Err(failure),
    }
}

/// SHA-256 and size of a stored file.
fn measure_content(input: &Input) -> Result<(String, u64), Failure> {
    let mut digest = Sha256::new();
    let mut size: u64 = 0;
    for_each_piece(input, |piece| {
        digest.update(piece);
        size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        true
    })?;
    Ok((hex(&digest.finalize()), size))
}

/// Sends the content for as long as it is taken.
fn send_pieces(input: &Input, to: &mpsc::Sender<UploadFileRequest>) -> Result<(), Failure> {
    for_each_piece(input, |piece| {
        let data = Bytes::copy_from_slice(piece);
        to.blocking_send(UploadFileRequest { data, ..UploadFileRequest::default() }).is_ok()
    })
}

/// Reads pieces until there are no more, or `take` wants none.
fn for_each_piece(input: &Input, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), Failure> {
    let mut stored = input.stored()?;
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let count = stored.read(&mut buffer).map_err(|error| {
            let message = format!("{} cannot be read: {error}", input.name());
            Failure::new(Class::Unavailable, "file-read-failed", message)
        })?;
        match buffer.get(..count) {
            Some(piece) if !piece.is_empty() && take(piece) => {}
            _ => return Ok(()),
        }
    }
}
