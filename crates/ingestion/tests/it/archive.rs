//! The archive through its interface: an uploaded file is downloaded byte for byte, and nobody ever sees half
//! of one.
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use orewatch_contracts::ingestion::v1::{DownloadFileRequest, UploadFileRequest, UploadFileResponse};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::Config;
use orewatch_ingestion::archive::{Archive, ArchiveLocation};
use orewatch_ingestion::client::Options;
use sha2::{Digest as _, Sha256};

use crate::harness::{BACI, Service, file, hex};

/// Incompressible content of this many bytes.
fn content(size: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn pieces(content: &[u8], size: u64, sha256: &str) -> Vec<UploadFileRequest> {
    let first = UploadFileRequest { size, sha256: sha256.to_owned(), ..UploadFileRequest::default() };
    let rest = content.chunks(300_000).map(|piece| UploadFileRequest {
        data: Bytes::copy_from_slice(piece),
        ..UploadFileRequest::default()
    });
    std::iter::once(first).chain(rest).collect()
}

async fn upload(service: &Service, pieces: Vec<UploadFileRequest>) -> Result<UploadFileResponse, Failure> {
    let answer = service.client().upload_file(stream::iter(pieces)).await;
    answer.map(tonic::Response::into_inner).map_err(Failure::from)
}

async fn download(service: &Service, sha256: &str) -> Result<Vec<u8>, Failure> {
    let request = DownloadFileRequest { sha256: sha256.to_owned(), own_use: false };
    let mut pieces = service.client().download_file(request).await?.into_inner();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.message().await? {
        whole.extend_from_slice(&piece.data);
    }
    Ok(whole)
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn an_uploaded_file_is_downloaded_unchanged() {
    let service = Service::start().await;
    for size in [0, 1, 299_999, 2_500_000] {
        let content = content(size);
        let (digest, size) = (sha256(&content), u64::try_from(size).unwrap());
        let stored = upload(&service, pieces(&content, size, "")).await.unwrap();
        assert_eq!(stored, UploadFileResponse { sha256: digest.clone(), size, known: false });
        assert_eq!(download(&service, &digest).await.unwrap(), content);
        // Of what is there nothing has to be sent.
        let first = pieces(&[], size, &digest);
        assert!(upload(&service, first).await.unwrap().known);
        assert!(upload(&service, pieces(&content, size, "")).await.unwrap().known);
    }
    assert_eq!(files(&service.archive()).len(), 4);
    let failure = download(&service, &sha256(b"none")).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::NotFound, "unknown-file"));
    assert_eq!(download(&service, "../../etc/passwd").await.unwrap_err().class, Class::Invalid);
    service.stop().await;
}

#[tokio::test]
async fn wrong_uploads_are_refused_with_their_reason() {
    let service = Service::configured(|config| Config { max_file_bytes: 1_000_000, ..config }).await;
    let (small, large) = (content(1_000), content(1_000_001));
    let other = sha256(b"other");
    let too_long = UploadFileRequest { data: content((1 << 20) + 1).into(), ..UploadFileRequest::default() };
    let cases = [
        ("file-too-large", pieces(&[], 1_000_001, "")),
        ("size-mismatch", pieces(&large, 1_000_000, "")),
        ("size-mismatch", pieces(&small, 999, "")),
        ("size-mismatch", pieces(&small, 1_001, "")),
        ("digest-mismatch", pieces(&small, 1_000, &other)),
        ("invalid-request", pieces(&small, 1_000, "ABC")),
        ("too-long", vec![too_long]),
    ];
    for (code, pieces) in cases {
        let failure = upload(&service, pieces).await.unwrap_err();
        assert_eq!((failure.class, &*failure.code), (Class::Invalid, code), "{failure}");
    }
    assert!(files(&service.archive()).is_empty(), "nothing is left of what is refused");
    service.stop().await;
}

/// A client that stops sending is not waited for endlessly, and leaves nothing behind.
#[tokio::test]
async fn a_stalled_upload_is_ended() {
    let service = Service::configured(|config| Config { stall: Duration::from_millis(200), ..config }).await;
    let begun = stream::iter(pieces(&content(400_000), 1_000_000, "")).chain(stream::pending());
    let failure = Failure::from(service.client().upload_file(begun).await.unwrap_err());
    assert_eq!((failure.class, &*failure.code), (Class::Unavailable, "stalled"), "{failure}");
    assert!(files(&service.archive()).is_empty());
    service.stop().await;
}

#[tokio::test]
async fn one_file_uploaded_many_times_at_once_is_stored_once() {
    let service = Service::start().await;
    let content = content(900_000);
    let uploads = (0..8).map(|_| upload(&service, pieces(&content, 900_000, "")));
    let stored = futures_util::future::join_all(uploads).await;
    assert!(stored.iter().all(|stored| stored.as_ref().unwrap().sha256 == sha256(&content)));
    assert_eq!(files(&service.archive()).len(), 1);
    assert_eq!(download(&service, &sha256(&content)).await.unwrap(), content);
    service.stop().await;
}

/// Unfinished files of a killed process are removed at the next start; those that another process is writing
/// are not.
#[tokio::test]
async fn unfinished_files_are_removed_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let place = ArchiveLocation::Folder(directory.path().to_owned());
    let archive = Archive::open(&place, directory.path(), 1_000).await.unwrap();
    let mut written = archive.begin(0).await.unwrap();
    written.write(b"half of ").unwrap();
    std::fs::write(directory.path().join("incoming/1-7"), "left by a process that is gone").unwrap();
    let other = Archive::open(&place, directory.path(), 1_000).await.unwrap();
    assert_eq!(files(directory.path()).len(), 1, "the file that is written is still there");
    written.write(b"a file").unwrap();
    let stored = archive.finish(written, None, "").await.unwrap();
    assert_eq!(stored.content.to_string(), sha256(b"half of a file"));
    assert_eq!(other.size(stored.content, "").await.unwrap(), Some(14));
    drop(archive.begin(0).await.unwrap());
    assert_eq!(files(directory.path()).len(), 1, "what is given up is gone");
}

/// A damaged original is never returned as if it were whole.
#[tokio::test]
async fn a_damaged_original_ends_its_download_with_an_error() {
    let service = Service::start().await;
    let content = content(400_000);
    upload(&service, pieces(&content, 400_000, "")).await.unwrap();
    let path = files(&service.archive()).remove(0);
    let mut damaged = content.clone();
    damaged[200_000] ^= 1;
    std::fs::write(path, damaged).unwrap();
    let failure = download(&service, &sha256(&content)).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Damaged, "archive-damaged"));
    service.stop().await;
}

/// A damaged original is not ingested either.
#[tokio::test]
async fn a_damaged_original_is_not_ingested() {
    let service = Service::start().await;
    let content = "t,i,j,k,v,q\n2020,36,360,250410,1,1\n";
    upload(&service, pieces(content.as_bytes(), 35, "")).await.unwrap();
    let path = files(&service.archive()).remove(0);
    std::fs::write(path, content.replace(",1,1", ",1,9")).unwrap();
    let failure = service.take(BACI, content).await.unwrap_err();
    assert_eq!((failure.class, &*failure.code), (Class::Damaged, "archive-damaged"));
    assert_eq!(service.events().await, [], "nothing of it is recorded");
    service.stop().await;
}

/// The file of a release is the uploaded one, compressed as it was.
#[tokio::test]
async fn a_release_leads_to_its_originals() {
    let service = Service::start().await;
    let original = crate::harness::gzip(b"t,i,j,k,v,q\n2020,36,360,250410,1,1\n");
    let outcome = service.ingest(vec![file(BACI, &original)], Options::default()).await.unwrap();
    let release = outcome.release.release.unwrap();
    let [file] = &release.files[..] else { panic!("{release:?}") };
    assert_eq!(file.stored_sha256, sha256(&original));
    assert_ne!(file.sha256, file.stored_sha256, "the content is digested decompressed");
    assert!(file.retrieved_at.is_some());
    assert_eq!(download(&service, &file.stored_sha256).await.unwrap(), original);
    service.stop().await;
}
