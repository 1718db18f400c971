//! The place of one service's snapshots.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orewatch_eventlog::EventLog;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::pointer::is_digest;
use super::{Entry, Header, Pointer, SnapshotFile, SnapshotHealth, SnapshotPlace, SnapshotReader};
use crate::folder::{self, UNFINISHED_PREFIX};
use crate::objects::Version;
use crate::{Store, StoreError, StoredObject};

/// Name of the list of snapshots.
const NEWEST: &str = "newest";

/// Upper bound on attempts to replace the list while other replicas replace it.
const MAX_ATTEMPTS: usize = 8;

/// Time to read the list at the start of a service. A copy in the cache answers after that.
const LIST_TIMEOUT: Duration = Duration::from_secs(15);

/// Age from which a snapshot that is not listed is removed: it may be about to be listed, or be read.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// The place of one service's snapshots. Clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    store: Store,
    service: &'static str,
    /// Local files: the objects themselves if the store is a folder, otherwise copies.
    folder: PathBuf,
    health: SnapshotHealth,
}

impl Room {
    /// Opens the place of a service. Nothing is read or written yet. `None`: the environment does not say how
    /// to reach the bucket; the log says so, and the service goes without snapshots.
    #[must_use]
    pub fn open(place: &SnapshotPlace, service: &'static str) -> Option<Self> {
        match Store::open(&place.location) {
            Ok(store) => Some(Self::in_store(store, service, &place.cache)),
            Err(error) => {
                let place = &place.location;
                tracing::warn!(service, %place, %error, "snapshots are neither read nor written");
                None
            }
        }
    }

    /// The place of a service in a store, with a folder for copies.
    #[must_use]
    pub fn in_store(store: Store, service: &'static str, cache: &Path) -> Self {
        let folder = store.folder().unwrap_or(cache).join(service);
        Self { store, service, folder, health: SnapshotHealth::default() }
    }

    /// The same place, which records what becomes of snapshots where an earlier one did.
    #[must_use]
    pub fn with_health(self, health: &SnapshotHealth) -> Self {
        Self { health: health.clone(), ..self }
    }

    /// What became of the snapshots.
    #[must_use]
    pub fn health(&self) -> &SnapshotHealth {
        &self.health
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The folder in which snapshots are written.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The best snapshot of the same format and log. `None`: there is none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn newest(&self, like: &Header) -> Result<Option<Entry>, StoreError> {
        let (pointer, _) = self.pointer().await?;
        Ok(pointer.snapshots.into_iter().find(|entry| entry.header.is_comparable(like)))
    }

    /// Loads the best snapshot of a format that is of these logs. For each one that is not used, a line of
    /// the log says why. `decode` runs on a thread for blocking work; what it returns counts only if the
    /// digest of the whole is right.
    pub async fn load<T: Send + 'static>(
        &self,
        format: u32,
        logs: &[Arc<dyn EventLog>],
        decode: impl Fn(&Header, &mut SnapshotReader) -> Result<T, String> + Clone + Send + 'static,
    ) -> Option<(Entry, T)> {
        for entry in self.known_pointer().await.snapshots {
            let (service, position) = (self.service, entry.header.reached().position);
            match self.load_entry(&entry, format, logs, decode.clone()).await {
                Ok(state) => {
                    let Entry { digest, bytes, .. } = &entry;
                    tracing::info!(service, position, digest, bytes, "starting from a snapshot");
                    return Some((entry, state));
                }
                Err(why) => {
                    let digest = &entry.digest;
                    tracing::warn!(service, position, digest, why, "a snapshot is not used");
                    self.health.count_not_used();
                }
            }
        }
        None
    }

    async fn load_entry<T: Send + 'static>(
        &self,
        entry: &Entry,
        format: u32,
        logs: &[Arc<dyn EventLog>],
        decode: impl Fn(&Header, &mut SnapshotReader) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        entry.header.check(self.service, format, logs).await?;
        let path = self.fetch(entry).await?;
        let (known, file) = (entry.clone(), path.clone());
        let decoded = spawn_blocking(move || {
            let (header, mut reader) = SnapshotReader::open(&file, &known.digest)?;
            if header != known.header {
                return Err("its header differs from that in the list".to_owned());
            }
            let state = decode(&header, &mut reader);
            // Of a damaged snapshot, that it is damaged says more than where decoding ended.
            reader.finish()?;
            state
        });
        let decoded = decoded.await.map_err(|error| error.to_string()).flatten();
        if decoded.is_err() && self.store.folder().is_none() {
            // A damaged copy must not be read again; the next start fetches the object anew.
            let _kept = folder::remove(&path);
        }
        decoded
    }

    /// The path of a local file with a snapshot.
    async fn fetch(&self, entry: &Entry) -> Result<PathBuf, String> {
        let path = self.folder.join(&entry.digest);
        if self.store.folder().is_some() || path.exists() {
            return Ok(path);
        }
        std::fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
        let unfinished = self.folder.join(format!("{UNFINISHED_PREFIX}{}", entry.digest));
        let name = self.name(&entry.digest);
        let fetched = self.store.fetch(&name, &unfinished).await.map_err(|error| error.to_string())?;
        if !fetched {
            return Err("it is no longer in the store".to_owned());
        }
        std::fs::rename(&unfinished, &path).map_err(|error| error.to_string())?;
        Ok(path)
    }

    /// Sends a snapshot to the store and lists it. Returns false if another replica has listed one that is as
    /// far or further.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn publish(
        &self,
        file: &SnapshotFile,
        header: Header,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.store.send(&file.path, &self.name(&file.digest), file.bytes).await?;
        let entry = Entry { header, digest: file.digest.clone(), bytes: file.bytes, written_at: now };
        for _ in 0..MAX_ATTEMPTS {
            let (pointer, version) = self.pointer().await?;
            let Some(next) = pointer.with(entry.clone()) else {
                if !pointer.has(&file.digest) {
                    self.store.remove(&self.name(&file.digest)).await?;
                }
                return Ok(false);
            };
            if self.store.replace(&self.name(NEWEST), version, next.to_json()).await? {
                self.health.set_written(now);
                self.keep_copy(&next);
                if let Err(error) = self.sweep(&next, now).await {
                    tracing::warn!(service = self.service, %error, "old snapshots are not removed");
                }
                return Ok(true);
            }
        }
        Err(StoreError::Contended(self.name(NEWEST)))
    }

    /// Removes what is not listed and old enough, from the store and from the cache.
    async fn sweep(&self, pointer: &Pointer, now: Timestamp) -> Result<(), StoreError> {
        let old = now.checked_sub(GRACE).unwrap_or(Timestamp::MIN);
        let is_unused = |object: &StoredObject| {
            let is_file = is_digest(&object.name) || object.name.starts_with(UNFINISHED_PREFIX);
            is_file && !pointer.has(&object.name) && object.modified < old
        };
        for object in self.store.list(self.service).await? {
            if is_unused(&object) {
                self.store.remove(&self.name(&object.name)).await?;
            }
        }
        if self.store.folder().is_none() {
            for copy in folder::list(&self.folder)? {
                if is_unused(&copy) {
                    folder::remove(&self.folder.join(&copy.name))?;
                }
            }
        }
        Ok(())
    }

    /// The list, or a copy of it if the store does not answer.
    async fn known_pointer(&self) -> Pointer {
        let why = match timeout(LIST_TIMEOUT, self.pointer()).await {
            Ok(Ok((pointer, _))) => {
                self.keep_copy(&pointer);
                return pointer;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it did not answer in {} s", LIST_TIMEOUT.as_secs()),
        };
        tracing::warn!(service = self.service, why, "the store of snapshots cannot be read");
        if self.store.folder().is_some() {
            return Pointer::default();
        }
        let copy = std::fs::read(self.folder.join(NEWEST)).ok();
        copy.and_then(|json| Pointer::parse(&json).ok()).unwrap_or_default()
    }

    /// Keeps a copy of the list in the cache.
    fn keep_copy(&self, pointer: &Pointer) {
        if self.store.folder().is_none() && !pointer.snapshots.is_empty() {
            // Without a copy, a start while the store is away begins with the logs.
            let _kept = folder::write(&self.folder.join(NEWEST), &pointer.to_json());
        }
    }

    async fn pointer(&self) -> Result<(Pointer, Option<Version>), StoreError> {
        let Some((json, version)) = self.store.read(&self.name(NEWEST)).await? else {
            return Ok((Pointer::default(), None));
        };
        let pointer = Pointer::parse(&json).unwrap_or_else(|why| {
            tracing::warn!(service = self.service, why, "the list of snapshots is not used");
            self.health.count_not_used();
            Pointer::default()
        });
        if let Some(newest) = pointer.snapshots.first() {
            self.health.set_written(newest.written_at);
        }
        Ok((pointer, Some(version)))
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.service)
    }
}
