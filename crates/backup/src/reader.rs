//! Reads a backup event by event, and checks every byte of it.
use orewatch_contracts::Failure;
use orewatch_eventlog::{Event, Position};

use crate::digest::Digest;
use crate::failures;
use crate::manifest::Manifest;
use crate::place::LogBackup;
use crate::segment::{Damage, SegmentEntry, SegmentReader, Start};

/// A reader of a backup. It holds one segment at a time.
#[derive(Debug)]
pub(crate) struct BackupReader<'a> {
    place: LogBackup<'a>,
    manifest: Manifest,
    /// Number of segments that were opened.
    opened: usize,
    segment: Option<SegmentReader>,
    head: Digest,
}

impl<'a> BackupReader<'a> {
    /// Opens the backup of a log.
    pub(crate) async fn open(place: LogBackup<'a>) -> Result<Self, Failure> {
        let manifest = place.existing_manifest().await?;
        let head = Digest::start(place.log);
        Ok(Self { place, manifest, opened: 0, segment: None, head })
    }

    /// The manifest.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The link of the event that was read last.
    pub(crate) fn head(&self) -> Digest {
        self.head
    }

    /// The next event. `None`: the backup was read to its end and is whole.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(segment) = &mut self.segment {
                let event = segment.next_event();
                self.head = segment.head();
                let checked = event.and_then(|event| self.checked(event));
                if let Some(event) = checked.map_err(|damage| self.failure(&damage))? {
                    return Ok(Some(event));
                }
            }
            let Some(entry) = self.manifest.segments.get(self.opened).cloned() else { return Ok(None) };
            self.segment = Some(self.read_segment(&entry).await?);
        }
    }

    /// Checks that the first event is the one by which the log is identified.
    fn checked(&self, event: Option<Event>) -> Result<Option<Event>, Damage> {
        let is_first = event.as_ref().is_some_and(|event| event.position == 1);
        if is_first && self.head != self.manifest.identity {
            return Err(Damage { position: 1, reason: "it is not the first event of this log".to_owned() });
        }
        Ok(event)
    }

    async fn read_segment(&mut self, entry: &SegmentEntry) -> Result<SegmentReader, Failure> {
        let Manifest { log, identity, .. } = &self.manifest;
        let start = Start { log: log.clone(), identity: *identity, first: entry.first, previous: self.head };
        self.opened += 1;
        let missing = || self.failure(&Damage { position: entry.first, reason: "it is missing".to_owned() });
        let file = self.place.segment(entry).await?.ok_or_else(missing)?;
        SegmentReader::new(&start, entry, file).map_err(|damage| self.failure(&damage))
    }

    /// The failure for damage in the segment that was opened last.
    fn failure(&self, damage: &Damage) -> Failure {
        let entry = self.opened.checked_sub(1).and_then(|at| self.manifest.segments.get(at));
        let name = entry.map(|entry| self.place.segment_name(entry)).unwrap_or_default();
        failures::damaged_segment(self.place.location(), &name, damage)
    }

    /// Position of the last event of the backup.
    pub(crate) fn end(&self) -> Position {
        self.manifest.last()
    }
}
