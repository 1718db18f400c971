//! Free space of a disk, and the time that it takes to flush.
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::super::check::Check;
use super::super::judge;

/// Number and size of the writes that are flushed: that of a small append.
const WRITES: usize = 50;
const WRITE_BYTES: usize = 4096;

/// Time after which measuring ends with what there is.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Measures free space in a folder, or where it will be made.
pub(super) async fn space(folder: &Path) -> Check {
    let (shown, folder) = (folder.display().to_string(), folder.to_owned());
    let asked = spawn_blocking(move || free_and_total(&existing(&folder))).await;
    judge::space(&shown, outcome(asked))
}

/// Measures how fast a folder flushes.
pub(super) async fn sync(folder: &Path) -> Check {
    let (shown, folder) = (folder.display().to_string(), folder.to_owned());
    if !folder.exists() {
        return judge::missing("disk", format!("flushing in {shown}"), can_be_made(&folder));
    }
    judge::sync(&shown, outcome(spawn_blocking(move || measure(&folder)).await))
}

fn outcome<T>(asked: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, String> {
    match asked {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The folder itself, or the closest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let found = absolute.ancestors().find(|folder| fs::metadata(folder).is_ok());
    found.map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

/// Whether this user may make a folder that is not there.
#[cfg(unix)]
pub(super) fn can_be_made(folder: &Path) -> bool {
    let above = existing(folder);
    let may_write =
        rustix::fs::access(above.as_path(), rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    above.is_dir() && may_write.is_ok()
}

#[cfg(not(unix))]
pub(super) fn can_be_made(folder: &Path) -> bool {
    existing(folder).is_dir()
}

/// Bytes that are free for this user, and bytes in all.
#[cfg(unix)]
fn free_and_total(folder: &Path) -> io::Result<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize)))
}

#[cfg(not(unix))]
fn free_and_total(_folder: &Path) -> io::Result<(u64, u64)> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Writes and flushes small pieces of a file, which is removed afterwards. Returns the time of each.
fn measure(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut file = tempfile::Builder::new().prefix(".doctor-").tempfile_in(folder)?;
    let (piece, began) = ([0; WRITE_BYTES], Instant::now());
    let mut times = Vec::with_capacity(WRITES);
    while times.len() < WRITES && began.elapsed() < MAX_TIME {
        let started = Instant::now();
        file.write_all(&piece)?;
        file.as_file().sync_data()?;
        times.push(started.elapsed());
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::super::super::check::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_folder_is_measured_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(measure(folder.path()).unwrap().len(), WRITES);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("a/b");
        assert_eq!(existing(&missing), folder.path());
        let (free, total) = free_and_total(folder.path()).unwrap();
        assert!(free <= total && total > 0);
        assert_eq!(sync(&missing).await.verdict, Verdict::Pass);
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(sync(&file.join("below")).await.verdict, Verdict::Fail, "nothing can be made in a file");
        assert_eq!(sync(&file).await.verdict, Verdict::Fail, "a file is no folder");
    }
}
