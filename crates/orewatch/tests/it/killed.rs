//! Uploads that are cut, and a server that is killed: nothing half is kept, and the same again ends well.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::UploadFileRequest;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use tonic::codegen::tokio_stream::{self, StreamExt as _};

use crate::full_disk::{indicator, seen};
use crate::run::{Up, json, ok};

/// Bytes that are announced, and those that come.
const ANNOUNCED: u64 = 2 << 20;
const CAME: u64 = 1 << 20;

/// Waits until something is so.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sizes of the files in a folder and below.
fn sizes(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |path: PathBuf| match path.metadata() {
        Ok(about) if about.is_dir() => sizes(&path),
        Ok(about) => vec![about.len()],
        Err(_) => Vec::new(),
    };
    entries.flat_map(|entry| of(entry.path())).collect()
}

/// Begins an upload and leaves it in the middle, until the runtime is dropped.
fn half_an_upload(address: &str) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = address.to_owned();
    runtime.spawn(async move {
        let mut client = IngestionServiceClient::connect(address).await.unwrap();
        let first = UploadFileRequest { size: ANNOUNCED, ..UploadFileRequest::default() };
        let data = Bytes::from(vec![b'x'; usize::try_from(CAME).unwrap()]);
        let rest = UploadFileRequest { data, ..UploadFileRequest::default() };
        let never = tokio_stream::pending();
        client.upload_file(tokio_stream::iter([first, rest]).chain(never)).await
    });
    runtime
}

/// A server with half of a file on its way.
fn uploading(data: &Path) -> (Up, tokio::runtime::Runtime) {
    let up = Up::start(data.to_str().unwrap());
    let client = half_an_upload(&up.address);
    eventually("half of the file", || sizes(&data.join("archive/incoming")) == [CAME]);
    (up, client)
}

/// The file is ingested, is all that is there, and has its place in the archive.
fn ends_well(up: &Up, directory: &Path, data: &Path) {
    let file = directory.join("wgi_pv.csv");
    fs::write(&file, indicator()).unwrap();
    let ingested = json(&["ingest", file.to_str().unwrap(), "--max-rejects", "1", "--server", &up.address]);
    assert_eq!(ingested[0]["release"]["state"], "committed", "{ingested}");
    assert_eq!(json(&["releases", "--server", &up.address]).as_array().unwrap().len(), 1);
    assert_eq!(sizes(&data.join("archive")), [file.metadata().unwrap().len()]);
}

/// A client that goes away in the middle leaves nothing, and the server goes on.
#[test]
fn a_client_that_goes_away_in_an_upload() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (up, client) = uploading(&data);
    client.shutdown_background();
    eventually("the removal of the half", || sizes(&data.join("archive")).is_empty());
    ends_well(&up, dir.path(), &data);
}

/// A server that is killed in the middle leaves half of a file where nobody takes it for a whole one; the next one removes it.
#[test]
fn a_server_that_is_killed_in_an_upload() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (up, client) = uploading(&data);
    up.kill();
    assert_eq!(sizes(&data.join("archive")), [CAME], "it had no time to remove it");
    client.shutdown_background();
    let up = Up::start(data.to_str().unwrap());
    assert!(sizes(&data.join("archive")).is_empty());
    ends_well(&up, dir.path(), &data);
}

/// The process that reads, gates and commits is killed when its log has grown to so much; the same command goes on from
/// there and ends as if nothing had been.
#[test]
fn a_process_that_is_killed_while_it_ingests() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wgi_pv.csv");
    fs::write(&file, indicator()).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let ingest = |data: &Path| {
        let (file, data) = (text(&file), text(data));
        ["ingest", &file, "--max-rejects", "1", "--data", &data].map(str::to_owned)
    };
    let run = |args: &[String; 6]| ok(&args.each_ref().map(|text| &**text));
    let whole = dir.path().join("whole");
    run(&ingest(&whole));
    let undisturbed = seen(&text(&whole));
    let logs = |data: &Path| {
        let all = fs::read_dir(data).into_iter().flatten().flatten();
        let logs = all.filter(|entry| entry.file_name().to_string_lossy().contains(".db"));
        logs.map(|entry| entry.metadata().map_or(0, |about| about.len())).sum::<u64>()
    };
    let most = logs(&whole);
    let mut killed = 0;
    for part in 1..=4 {
        let data = dir.path().join(part.to_string());
        let args = ingest(&data);
        let mut child = crate::run::command(&args.each_ref().map(|text| &**text)).spawn().unwrap();
        let mut alive = true;
        eventually("a log of some size", || {
            alive = child.try_wait().unwrap().is_none();
            !alive || logs(&data) >= most * part / 4
        });
        child.kill().unwrap();
        child.wait().unwrap();
        killed += u32::from(alive);
        run(&args);
        assert_eq!(seen(&text(&data)), undisturbed, "killed at {part}/4");
        assert!(sizes(&data.join("archive/incoming")).is_empty());
    }
    assert!(killed >= 2, "{killed} processes were killed before their end");
}
