//! The files of backups.
use bytes::Bytes;
use orewatch_contracts::Failure;
use orewatch_eventlog::Position;
use orewatch_store::{Location, Store, Version};

use crate::failures;
use crate::manifest::Manifest;
use crate::segment::SegmentEntry;

/// A folder or bucket with the backups of one system's logs.
#[derive(Clone, Debug)]
pub struct BackupPlace {
    location: Location,
    store: Store,
}

impl BackupPlace {
    /// Opens a place. Nothing is read or written yet.
    ///
    /// # Errors
    /// Settings of a bucket that cannot be used.
    pub fn open(location: Location) -> Result<Self, Failure> {
        let store = Store::open(&location).map_err(|error| failures::store(&location, &error))?;
        Ok(Self { location, store })
    }

    /// Whether there is a backup of a log.
    ///
    /// # Errors
    /// Errors of the store, and a manifest that cannot be used.
    pub async fn has_backup(&self, log: &str) -> Result<bool, Failure> {
        Ok(self.backup_of(log).manifest().await?.is_some())
    }

    /// Position of the last event in the backup of a log. `None`: there is no backup.
    ///
    /// # Errors
    /// Errors of the store, and a manifest that cannot be used.
    pub async fn last_position(&self, log: &str) -> Result<Option<Position>, Failure> {
        Ok(self.backup_of(log).manifest().await?.map(|(manifest, _)| manifest.last()))
    }

    /// The backup of a log.
    pub(crate) fn backup_of<'a>(&'a self, log: &'a str) -> LogBackup<'a> {
        LogBackup { place: self, log }
    }
}

/// The backup of one log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogBackup<'a> {
    place: &'a BackupPlace,
    pub(crate) log: &'a str,
}

impl LogBackup<'_> {
    /// The place.
    pub(crate) fn location(&self) -> &Location {
        &self.place.location
    }

    /// Reads the manifest, and the version to replace it. `None`: there is no backup.
    pub(crate) async fn manifest(&self) -> Result<Option<(Manifest, Version)>, Failure> {
        let name = self.manifest_name();
        let read = self.place.store.read(&name).await;
        let Some((json, version)) = read.map_err(|error| failures::store(self.location(), &error))? else {
            return Ok(None);
        };
        let manifest = Manifest::read(self.log, &json);
        let manifest =
            manifest.map_err(|reason| failures::damaged_manifest(self.location(), &name, &reason))?;
        Ok(Some((manifest, version)))
    }

    /// Reads the manifest of a backup that must be there.
    pub(crate) async fn existing_manifest(&self) -> Result<Manifest, Failure> {
        let found = self.manifest().await?;
        found.map(|(manifest, _)| manifest).ok_or_else(|| failures::no_backup(self.location(), self.log))
    }

    /// Replaces the manifest, unless another backup did so first. Returns the version of the new one.
    pub(crate) async fn replace_manifest(
        &self,
        manifest: &Manifest,
        expected: Option<Version>,
    ) -> Result<Version, Failure> {
        let json = manifest.to_json().map_err(|error| Failure::internal(error.to_string()))?;
        let replaced = self.place.store.replace(&self.manifest_name(), expected, json).await;
        if !replaced.map_err(|error| failures::store(self.location(), &error))? {
            return Err(failures::contended(self.location(), self.log));
        }
        match self.manifest().await? {
            Some((found, version)) if found == *manifest => Ok(version),
            _ => Err(failures::contended(self.location(), self.log)),
        }
    }

    /// Writes a segment. It does not count before the manifest lists it. Whoever writes a segment of the same
    /// events writes the same bytes.
    pub(crate) async fn write_segment(&self, entry: &SegmentEntry, file: Bytes) -> Result<(), Failure> {
        let written = self.place.store.write(&self.segment_name(entry), file).await;
        written.map_err(|error| failures::store(self.location(), &error))
    }

    /// Reads the file of a segment. `None`: it is missing.
    pub(crate) async fn segment(&self, entry: &SegmentEntry) -> Result<Option<Bytes>, Failure> {
        let read = self.place.store.read(&self.segment_name(entry)).await;
        let read = read.map_err(|error| failures::store(self.location(), &error))?;
        Ok(read.map(|(file, _)| Bytes::from(file)))
    }

    /// Name of a segment's file.
    pub(crate) fn segment_name(&self, entry: &SegmentEntry) -> String {
        format!("{}/{}", self.log, entry.file_name())
    }

    fn manifest_name(&self) -> String {
        format!("{}/manifest.json", self.log)
    }
}
