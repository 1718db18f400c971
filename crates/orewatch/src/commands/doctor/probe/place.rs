//! What a process may do in a folder or bucket: it writes, reads and removes an object of its own.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_store::{Location, Store, StoreError};
use tokio::time::timeout;

use super::super::check::Check;
use super::super::judge;
use super::disk;

/// Time for all of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two contents of the object.
const FIRST: &[u8] = b"written by orewatch doctor; can be removed";
const SECOND: &[u8] = b"replaced by orewatch doctor; can be removed";

/// The right that is missing, and the reason.
type Missing = (&'static str, String);

/// Looks at a place. A folder that is not there is not made.
pub(super) async fn check(what: &str, location: &Location, now: Timestamp) -> Check {
    let subject = format!("{what} ({location})");
    if let Location::Folder(folder) = location
        && !folder.exists()
    {
        return judge::missing("store", subject, disk::can_be_made(folder));
    }
    let name = format!("orewatch-doctor-{}-{}", now.as_nanosecond(), std::process::id());
    let outcome = timeout(PATIENCE, exercise(location, &name)).await;
    let silent = |_| Err(("access", format!("no answer in {} s", PATIENCE.as_secs())));
    judge::place(subject, outcome.unwrap_or_else(silent))
}

async fn exercise(location: &Location, name: &str) -> Result<(), Missing> {
    let lacks = |right| move |error: StoreError| (right, error.to_string());
    let store = Store::open(location).map_err(lacks("settings"))?;
    store.write(name, FIRST.into()).await.map_err(lacks("write"))?;
    let used = use_object(&store, name).await;
    let removed = store.remove(name).await.map_err(lacks("remove"));
    used.and(removed)?;
    match store.read(name).await.map_err(lacks("read"))? {
        None => Ok(()),
        Some(_) => Err(("remove", "the object is still there".to_owned())),
    }
}

/// Reads an object, and replaces it where that is done by the bucket.
async fn use_object(store: &Store, name: &str) -> Result<(), Missing> {
    let lacks = |right| move |error: StoreError| (right, error.to_string());
    let read = store.read(name).await.map_err(lacks("read"))?;
    let Some((content, version)) = read.filter(|(content, _)| content == FIRST) else {
        return Err(("read", "what was written is not what is read".to_owned()));
    };
    if store.folder().is_some() {
        return Ok(());
    }
    let replaced = store.replace(name, Some(version.clone()), SECOND.into()).await;
    if !replaced.map_err(lacks("replace"))? {
        return Err(("replace", "the version that was read is refused".to_owned()));
    }
    match store.replace(name, Some(version), content).await.map_err(lacks("replace"))? {
        false => Ok(()),
        true => Err(("replace", "a version that is no longer there is accepted".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::super::check::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_folder_is_used_and_left_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let verdict = async |folder: &Path| {
            check("archive", &Location::Folder(folder.to_owned()), Timestamp::UNIX_EPOCH).await.verdict
        };
        assert_eq!(verdict(root.path()).await, Verdict::Pass);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        let missing = root.path().join("missing");
        assert_eq!(verdict(&missing).await, Verdict::Pass);
        assert!(!missing.exists(), "a doctor makes nothing");
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(verdict(&file).await, Verdict::Fail);
    }
}
