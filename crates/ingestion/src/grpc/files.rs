//! The archive of original files: in and out.
use orewatch_contracts::ingestion::v1::{
    DownloadFileRequest, DownloadFileResponse, UploadFileRequest, UploadFileResponse,
};
use tonic::{Status, Streaming};

use super::{Answers, Edge, unfinished};

pub(super) async fn upload(
    _edge: &Edge,
    _messages: Streaming<UploadFileRequest>,
) -> Result<UploadFileResponse, Status> {
    Err(unfinished("the archive"))
}

pub(super) async fn download(
    _edge: &Edge,
    _request: DownloadFileRequest,
) -> Result<Answers<DownloadFileResponse>, Status> {
    Err(unfinished("this"))
}
