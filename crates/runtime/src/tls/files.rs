//! Files that may be replaced while the process runs, such as mounted secrets.
//!
//! Kubernetes replaces a mounted secret by changing one link (`..data`), so that neither the time nor the
//! inode of a file says reliably that its content is new. What is compared is therefore the content.
use std::path::{Path, PathBuf};
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Interval at which files are looked at. What has changed is used after two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Upper bound on a file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Contents of several files, in the order of their paths.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contents(Vec<Vec<u8>>);

impl Contents {
    /// The content of one file.
    pub(crate) fn of(content: Vec<u8>) -> Self {
        Self(vec![content])
    }

    /// The content of one of the files. Empty if there are fewer.
    pub(crate) fn file(&self, number: usize) -> &[u8] {
        self.0.get(number).map_or(&[], Vec::as_slice)
    }

    /// SHA-256 of all contents.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for content in &self.0 {
            digest.update(Sha256::digest(content));
        }
        digest.finalize().into()
    }
}

/// Reads small files.
///
/// # Errors
/// [`Class::Invalid`] with the path of a file that cannot be read or is too large.
pub(crate) fn read_files(paths: &[PathBuf]) -> Result<Contents, Failure> {
    paths.iter().map(|path| read_file(path)).collect::<Result<_, _>>().map(Contents)
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |message: String| {
        Failure::new(Class::Invalid, "file-not-readable", message).at("file", path.display().to_string())
    };
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size > MAX_FILE_BYTES {
        return Err(wrong("the file is larger than a MiB".to_owned()));
    }
    std::fs::read(path).map_err(|error| wrong(format!("the file cannot be read: {error}")))
}

/// Looks at files until `stop`, and calls `apply` with their contents whenever they have changed. `known` is
/// the digest of the contents that are in use.
pub(crate) async fn watch_files(
    paths: Vec<PathBuf>,
    known: [u8; 32],
    stop: &CancellationToken,
    mut apply: impl FnMut(&Contents),
) {
    let mut watch = FileWatch::new(paths, known);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            contents = watch.changed() => apply(&contents),
        }
    }
}

/// Looks at files.
#[derive(Debug)]
pub(crate) struct FileWatch {
    paths: Vec<PathBuf>,
    /// Digest of the contents that were returned last.
    known: [u8; 32],
    /// The same of those that were seen last.
    seen: [u8; 32],
    /// The files could not be read, and the log says so.
    is_away: bool,
}

impl FileWatch {
    /// A watch of files with contents of this digest.
    pub(crate) fn new(paths: Vec<PathBuf>, known: [u8; 32]) -> Self {
        Self { paths, known, seen: known, is_away: false }
    }

    /// The contents of the files, once they have changed.
    pub(crate) async fn changed(&mut self) -> Contents {
        loop {
            sleep(LOOK_INTERVAL).await;
            match read_in_background(self.paths.clone()).await {
                Ok(contents) => {
                    self.is_away = false;
                    let digest = contents.digest();
                    // A look may fall into a replacement, and see one new file and one old. Two looks in a
                    // row that see the same see no such mixture.
                    let is_new = digest != self.known && digest == self.seen;
                    self.seen = digest;
                    if is_new {
                        self.known = digest;
                        return contents;
                    }
                }
                Err(failure) if !self.is_away => {
                    self.is_away = true;
                    tracing::error!(%failure, "a file cannot be read again; what was read last stays in use");
                }
                Err(_) => {}
            }
        }
    }
}

/// Reads files without blocking the thread, which answers calls.
pub(crate) async fn read_in_background(paths: Vec<PathBuf>) -> Result<Contents, Failure> {
    let read = tokio::task::spawn_blocking(move || read_files(&paths)).await;
    read.map_err(|error| Failure::internal(format!("a thread that reads files ended early: {error}")))?
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_link_above_a_file_is_seen_once() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, content) in [("..1", "old"), ("..2", "new")] {
            fs::create_dir(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join("tls.crt"), content).unwrap();
        }
        symlink("..1", dir.path().join("..data")).unwrap();
        symlink("..data/tls.crt", dir.path().join("tls.crt")).unwrap();
        let paths = vec![dir.path().join("tls.crt")];
        let known = read_files(&paths).unwrap().digest();
        let (stop, seen) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let (stopped, noted) = (stop.clone(), Arc::clone(&seen));
        let watch = tokio::spawn(async move {
            watch_files(paths, known, &stopped, |contents| {
                noted.lock().unwrap().push(contents.file(0).to_vec());
            })
            .await;
        });
        sleep(5 * LOOK_INTERVAL).await;
        assert!(seen.lock().unwrap().is_empty(), "nothing has changed");

        symlink("..2", dir.path().join("..next")).unwrap();
        fs::rename(dir.path().join("..next"), dir.path().join("..data")).unwrap();
        sleep(5 * LOOK_INTERVAL).await;
        fs::remove_file(dir.path().join("tls.crt")).unwrap();
        sleep(5 * LOOK_INTERVAL).await;
        assert_eq!(*seen.lock().unwrap(), [b"new".to_vec()]);
        stop.cancel();
        watch.await.unwrap();
    }
}
