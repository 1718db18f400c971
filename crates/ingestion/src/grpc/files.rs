//! The archive of original files: in and out.
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use orewatch_contracts::ingestion::v1::{
    DownloadFileRequest, DownloadFileResponse, UploadFileRequest, UploadFileResponse,
};
use orewatch_runtime::{Class, Failure, Identity};
use tonic::{Status, Streaming};

use super::{Answers, Edge};
use crate::archive::{ContentId, Incoming, Stored};
use crate::{blocking, possession};

/// Takes a file. One that the caller holds already need not be sent: to others it is as if it were not there. Nothing of it is read
/// that is not taken: a piece is asked for when the one before is written.
pub(super) async fn upload(
    edge: &Edge,
    who: &Identity,
    mut messages: Streaming<UploadFileRequest>,
) -> Result<UploadFileResponse, Status> {
    let first = next(&mut messages, edge.stall).await?.unwrap_or_default();
    let expected = match first.sha256.as_str() {
        "" => None,
        text => Some(ContentId::parse("sha256", text)?),
    };
    edge.keeper.up_to_date().await?;
    let holds = async |content| possession::holds(&edge.keeper, &edge.archive, who, content).await;
    if let Some(content) = expected
        && holds(content).await?
        && edge.archive.size(content).await? == Some(first.size)
    {
        return Ok(answer(Stored { content, size: first.size, known: true }));
    }
    let announced = first.size;
    let mut incoming = edge.archive.begin(announced).await?;
    let mut piece = first.data;
    loop {
        incoming = write(incoming, piece, announced).await?;
        match next(&mut messages, edge.stall).await? {
            Some(message) => piece = message.data,
            None => break,
        }
    }
    if incoming.size() != announced {
        let message = format!("{announced} bytes were announced and {} came", incoming.size());
        let failure = Failure::new(Class::Invalid, "wrong-size", message);
        return Err(failure.at("size", announced.to_string()).with_hint("send the whole file").into());
    }
    let stored = edge.archive.finish(incoming, expected).await?;
    // Whether others have handed it in before is not for the caller to know.
    let known = stored.known && holds(stored.content).await?;
    if !who.may_read_all() {
        edge.archive.note_holder(stored.content, &who.name).await?;
    }
    Ok(answer(Stored { known, ..stored }))
}

async fn write(mut incoming: Incoming, piece: Bytes, announced: u64) -> Result<Incoming, Failure> {
    let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
    if incoming.size().saturating_add(length) > announced {
        let message = format!("more comes than the {announced} bytes that were announced");
        return Err(Failure::new(Class::Invalid, "wrong-size", message).at("size", announced.to_string()));
    }
    blocking(move || incoming.take(piece).map(|()| incoming)).await?
}

/// The next piece, which may not stall for ever.
async fn next(
    messages: &mut Streaming<UploadFileRequest>,
    stall: Duration,
) -> Result<Option<UploadFileRequest>, Status> {
    tokio::time::timeout(stall, messages.message()).await.unwrap_or_else(|_| {
        let message = format!("nothing came of the file for {} s", stall.as_secs_f64());
        Err(Failure::new(Class::Unavailable, "stalled", message).with_hint("send the file again").into())
    })
}

fn answer(stored: Stored) -> UploadFileResponse {
    UploadFileResponse { sha256: stored.content.to_string(), size: stored.size, known: stored.known }
}

/// Gives a file back, to who has handed it in or may see a release that was read from it.
pub(super) async fn download(
    edge: &Edge,
    who: &Identity,
    request: DownloadFileRequest,
) -> Result<Answers<DownloadFileResponse>, Status> {
    let content = ContentId::parse("sha256", &request.sha256)?;
    edge.keeper.up_to_date().await?;
    possession::check(&edge.keeper, &edge.archive, who, [content]).await?;
    let pieces = edge.archive.get(content).await?;
    let answers = pieces.map_ok(|piece| DownloadFileResponse { data: piece });
    Ok(answers.map_err(Status::from).boxed())
}
