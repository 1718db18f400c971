//! Interrupted uploads and killed servers: no partial file is kept, and repeating the command succeeds.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::UploadFileRequest;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use tonic::codegen::tokio_stream::{self, StreamExt as _};

use crate::full_disk::{indicator, visible_releases};
use crate::run::{Up, json, ok};

/// Bytes that an upload announces, and bytes that arrive.
const ANNOUNCED: u64 = 2 << 20;
const CAME: u64 = 1 << 20;

/// Waits until a condition holds.
#[track_caller]
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sizes of the files in a folder and below.
fn sizes(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let file_sizes = |path: PathBuf| match path.metadata() {
        Ok(about) if about.is_dir() => sizes(&path),
        Ok(about) => vec![about.len()],
        Err(_) => Vec::new(),
    };
    entries.flat_map(|entry| file_sizes(entry.path())).collect()
}

/// Starts an upload and sends half of it. The connection stays open until the runtime is dropped.
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

/// A server that has received half of a file.
fn uploading(data: &Path) -> (Up, tokio::runtime::Runtime) {
    let up = Up::start(data.to_str().unwrap());
    let client = half_an_upload(&up.address);
    eventually("half of the file", || sizes(&data.join("archive/incoming")) == [CAME]);
    (up, client)
}

/// Checks that the file can be ingested, and that the archive then has this file only.
fn assert_recovers(up: &Up, directory: &Path, data: &Path) {
    let file = directory.join("wgi_pv.csv");
    fs::write(&file, indicator()).unwrap();
    let ingested = json(&["ingest", file.to_str().unwrap(), "--max-rejects", "1", "--server", &up.address]);
    assert_eq!(ingested[0]["release"]["state"], "committed", "{ingested}");
    assert_eq!(json(&["releases", "--server", &up.address]).as_array().unwrap().len(), 1);
    assert_eq!(sizes(&data.join("archive")), [file.metadata().unwrap().len()]);
}

#[test]
fn an_upload_leaves_nothing_behind_when_the_client_disconnects() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (up, client) = uploading(&data);
    client.shutdown_background();
    eventually("the removal of the half", || sizes(&data.join("archive")).is_empty());
    assert_recovers(&up, dir.path(), &data);
}

/// A killed server leaves half of a file where it is not taken for a complete one. The next server removes
/// it.
#[test]
fn an_upload_leaves_nothing_behind_when_the_server_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (up, client) = uploading(&data);
    up.kill();
    assert_eq!(sizes(&data.join("archive")), [CAME], "a killed server removes nothing");
    client.shutdown_background();
    let up = Up::start(data.to_str().unwrap());
    assert!(sizes(&data.join("archive")).is_empty());
    assert_recovers(&up, dir.path(), &data);
}

/// The process is killed when its log has grown to a quarter, a half, and so on. The same command continues
/// from there, with the same result as an undisturbed one.
#[test]
fn an_ingestion_completes_after_the_process_was_killed() {
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
    let undisturbed = visible_releases(&text(&whole));
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
        assert_eq!(visible_releases(&text(&data)), undisturbed, "killed at {part}/4");
        assert!(sizes(&data.join("archive/incoming")).is_empty());
    }
    assert!(killed >= 2, "{killed} processes were killed before their end");
}
