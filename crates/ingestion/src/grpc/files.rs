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
use crate::archive::{ContentId, IncomingFile};
use crate::{blocking, possession};

/// Takes a file. One that the caller holds already is not sent; whether others hold it is not revealed. A
/// piece is requested when the one before it is written, so no more is buffered than one piece.
pub(super) async fn upload_file(
    service: &IngestionService,
    identity: &Identity,
    mut messages: Streaming<UploadFileRequest>,
) -> Result<UploadFileResponse, Status> {
    let first = next_message(&mut messages, service.stall).await?.unwrap_or_default();
    let tenant = match first.tenant.as_str() {
        "" => identity.only_tenant().unwrap_or_default().to_owned(),
        tenant => {
            identity.check_change(tenant)?;
            tenant.to_owned()
        }
    };
    let expected = match first.sha256.as_str() {
        "" => None,
        text => Some(ContentId::parse("sha256", text)?),
    };
    service.repository.catch_up().await?;
    let (repository, archive) = (&service.repository, &service.archive);
    let may_use = async |content| possession::may_use(repository, archive, identity, &tenant, content).await;
    if let Some(content) = expected
        && may_use(content).await?
        && archive.size(content, &tenant).await? == Some(first.size)
    {
        return Ok(upload_response(content, first.size, true));
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
    let stored = archive.finish(incoming, expected, &tenant).await?;
    // Whether others have uploaded it before is not for the caller to know.
    let known = stored.known && may_use(stored.content).await?;
    if !identity.may_read_all() {
        archive.note_holder(stored.stored_as, identity.recorded_name()).await?;
    }
    Ok(upload_response(stored.content, stored.size, known))
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

fn upload_response(content: ContentId, size: u64, known: bool) -> UploadFileResponse {
    UploadFileResponse { sha256: content.to_string(), size, known }
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
    let tenant = possession::readable_as(&service.repository, &service.archive, identity, content).await?;
    if !request.own_use
        && let Some(licence) = possession::forbidding_licence(&service.repository, identity, content)
    {
        return Err(forbidden(&request.sha256, &licence).into());
    }
    let pieces = service.archive.get(content, &tenant).await?;
    let answers = pieces.map_ok(|piece| DownloadFileResponse { data: piece });
    Ok(answers.map_err(Status::from).boxed())
}

fn forbidden(sha256: &str, licence: &str) -> Failure {
    let message = format!("the licence of this file forbids passing it on: {licence}");
    Failure::new(Class::Refused, "licence-forbids", message).at("sha256", sha256).with_hint(
        "for your own use, download it with --own-use (own_use in the request); otherwise ask the publisher",
    )
}
