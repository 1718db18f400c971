//! Uploads to and downloads from the archive of original files.
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use orewatch_contracts::ingestion::v1::{
    DownloadFileRequest, DownloadFileResponse, UploadFileRequest, UploadFileResponse,
};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::Identity;
use tonic::{Status, Streaming};

use super::{IngestionService, ResponseStream};
use crate::archive::{ContentId, IncomingFile, StoredFile};
use crate::{blocking, possession};

/// Takes a file. One that the caller holds already is not sent; whether others hold it is not revealed. A
/// piece is requested when the one before it is written, so no more is buffered than one piece.
pub(super) async fn upload_file(
    service: &IngestionService,
    identity: &Identity,
    mut messages: Streaming<UploadFileRequest>,
) -> Result<UploadFileResponse, Status> {
    let first = next_message(&mut messages, service.stall).await?.unwrap_or_default();
    let expected = match first.sha256.as_str() {
        "" => None,
        text => Some(ContentId::parse("sha256", text)?),
    };
    service.repository.catch_up().await?;
    let may_use =
        async |content| possession::may_use(&service.repository, &service.archive, identity, content).await;
    if let Some(content) = expected
        && may_use(content).await?
        && service.archive.size(content).await? == Some(first.size)
    {
        return Ok(upload_response(StoredFile { content, size: first.size, known: true }));
    }
    let announced = first.size;
    let mut incoming = service.archive.begin(announced).await?;
    let mut piece = first.data;
    loop {
        incoming = write_piece(incoming, piece, announced).await?;
        match next_message(&mut messages, service.stall).await? {
            Some(message) => piece = message.data,
            None => break,
        }
    }
    if incoming.size() != announced {
        let message = format!("{announced} bytes were announced, and {} were received", incoming.size());
        let failure = Failure::new(Class::Invalid, "size-mismatch", message);
        return Err(failure.at("size", announced.to_string()).with_hint("send the whole file").into());
    }
    let stored = service.archive.finish(incoming, expected).await?;
    // Whether others have uploaded it before is not for the caller to know.
    let known = stored.known && may_use(stored.content).await?;
    if !identity.may_read_all() {
        service.archive.note_holder(stored.content, &identity.name).await?;
    }
    Ok(upload_response(StoredFile { known, ..stored }))
}

async fn write_piece(
    mut incoming: IncomingFile,
    piece: Bytes,
    announced: u64,
) -> Result<IncomingFile, Failure> {
    let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
    if incoming.size().saturating_add(length) > announced {
        let message = format!("the file has more than the {announced} bytes that were announced");
        return Err(Failure::new(Class::Invalid, "size-mismatch", message).at("size", announced.to_string()));
    }
    blocking(move || incoming.write_bytes(piece).map(|()| incoming)).await?
}

/// The next piece, within `stall`.
async fn next_message(
    messages: &mut Streaming<UploadFileRequest>,
    stall: Duration,
) -> Result<Option<UploadFileRequest>, Status> {
    tokio::time::timeout(stall, messages.message()).await.unwrap_or_else(|_| {
        let message = format!("no piece of the file was received for {} s", stall.as_secs_f64());
        Err(Failure::new(Class::Unavailable, "stalled", message).with_hint("send the file again").into())
    })
}

fn upload_response(stored: StoredFile) -> UploadFileResponse {
    UploadFileResponse { sha256: stored.content.to_string(), size: stored.size, known: stored.known }
}

/// Returns a file to a caller that uploaded it or may see a release that was read from it. One that may not
/// be passed on is for the caller's own use only.
pub(super) async fn download_file(
    service: &IngestionService,
    identity: &Identity,
    request: DownloadFileRequest,
) -> Result<ResponseStream<DownloadFileResponse>, Status> {
    let content = ContentId::parse("sha256", &request.sha256)?;
    service.repository.catch_up().await?;
    possession::check_may_use(&service.repository, &service.archive, identity, [content]).await?;
    if !request.own_use
        && let Some(licence) = possession::forbidding_licence(&service.repository, identity, content)
    {
        return Err(forbidden(&request.sha256, &licence).into());
    }
    let pieces = service.archive.get(content).await?;
    let answers = pieces.map_ok(|piece| DownloadFileResponse { data: piece });
    Ok(answers.map_err(Status::from).boxed())
}

fn forbidden(sha256: &str, licence: &str) -> Failure {
    let message = format!("the licence of this file forbids passing it on: {licence}");
    Failure::new(Class::Refused, "licence-forbids", message).at("sha256", sha256).with_hint(
        "for your own use, download it with --own-use (own_use in the request); otherwise ask the publisher",
    )
}
