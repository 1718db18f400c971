//! A segment: consecutive events of a log in one file.
//!
//! ```text
//! "OREWSEG" 1          8 bytes: what it is, and the version of the format
//! length, header       u32; one line of JSON: log, identity, first position, link before the first event
//! for each event:
//!   length, record     u32; protobuf, see `record.rs`
//!   link               32 bytes: digest of the link before it and the record
//! 0                    u32
//! count, last          u64 each: number of events, position of the last
//! head                 32 bytes: the last link again
//! ```
//!
//! Numbers are little-endian. Every byte follows from the events, so that one that is changed is always
//! found, and so that two runs that write the same segment write the same file.
use bytes::Bytes;
use jiff::Timestamp;
use orewatch_eventlog::{Error, Event, MAX_EVENT_BYTES, Position};
use serde::{Deserialize, Serialize};

use crate::digest::{DIGEST_BYTES, Digest};
use crate::record;

/// First bytes of a segment. The last of them is the version of the format.
const MAGIC: &[u8; 8] = b"OREWSEG\x01";

/// Upper bound on a record: the largest event with its names.
const MAX_RECORD_BYTES: usize = MAX_EVENT_BYTES + 4096;

/// A segment, as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentEntry {
    /// Position of the first event.
    pub(crate) first: Position,
    /// Position of the last event.
    pub(crate) last: Position,
    /// Size of the file.
    pub(crate) bytes: u64,
    /// Link of the last event.
    pub(crate) head: Digest,
    /// Digest of the record of the last event, by which the log is recognised.
    pub(crate) last_event: Digest,
    /// When it was written.
    pub(crate) taken_at: Timestamp,
}

impl SegmentEntry {
    /// Name of the file. Positions have 20 digits, so that files are listed in order.
    pub(crate) fn file_name(&self) -> String {
        format!("{:020}-{:020}.segment", self.first, self.last)
    }
}

/// What is wrong with a segment, and at which position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The first event that cannot be relied on.
    pub(crate) position: Position,
    /// What is wrong.
    pub(crate) reason: String,
}

/// Where a segment begins.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Name of the log.
    pub(crate) log: String,
    /// Identity of the log.
    pub(crate) identity: Digest,
    /// Position of the first event.
    pub(crate) first: Position,
    /// Link before the first event.
    pub(crate) previous: Digest,
}

impl Start {
    /// The bytes before the first record.
    fn header(&self) -> Vec<u8> {
        let Self { log, identity, first, previous } = self;
        let line = format!(
            "{{\"log\":\"{log}\",\"identity\":\"{identity}\",\"first\":{first},\
             \"previous\":\"{previous}\"}}\n"
        );
        [MAGIC.as_slice(), &length(line.len()), line.as_bytes()].concat()
    }
}

/// The bytes after the last record.
fn trailer(count: u64, last: Position, head: Digest) -> Vec<u8> {
    [length(0).as_slice(), &count.to_le_bytes(), &last.to_le_bytes(), head.as_bytes()].concat()
}

/// A length as it stands in a file. Lengths are far below the bound.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// A segment that is being written.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    first: Position,
    log: String,
    bytes: Vec<u8>,
    next: Position,
    head: Digest,
    last_event: Digest,
}

impl SegmentWriter {
    /// An empty segment.
    pub(crate) fn new(start: &Start) -> Self {
        let Start { log, first, previous, .. } = start;
        Self {
            first: *first,
            log: log.clone(),
            bytes: start.header(),
            next: *first,
            head: *previous,
            last_event: *previous,
        }
    }

    /// Adds the next event.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if another event comes next, so that one is missing.
    pub(crate) fn push(&mut self, event: &Event) -> Result<(), Error> {
        if event.position != self.next {
            let reason = format!("it is missing; the next event is at {}", event.position);
            return Err(Error::Corrupt { log: self.log.clone(), position: self.next, reason });
        }
        let record = record::encode(event);
        self.head = self.head.link(&record);
        self.last_event = Digest::of(&record);
        for part in [length(record.len()).as_slice(), &record, self.head.as_bytes()] {
            self.bytes.extend_from_slice(part);
        }
        self.next += 1;
        Ok(())
    }

    /// Number of bytes so far.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the segment. Returns what the manifest says of it, and the file. `None`: it has no events.
    pub(crate) fn finish(mut self, taken_at: Timestamp) -> Option<(SegmentEntry, Bytes)> {
        let Self { first, next, head, last_event, .. } = self;
        if next == first {
            return None;
        }
        let last = next - 1;
        self.bytes.extend_from_slice(&trailer(next - first, last, head));
        let bytes = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        let entry = SegmentEntry { first, last, bytes, head, last_event, taken_at };
        Some((entry, Bytes::from(self.bytes)))
    }
}

/// Reads a segment and checks every byte of it.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    entry: SegmentEntry,
    rest: Bytes,
    next: Position,
    head: Digest,
}

impl SegmentReader {
    /// Begins to read a file that must be the segment of a manifest.
    pub(crate) fn new(start: &Start, entry: &SegmentEntry, file: Bytes) -> Result<Self, Damage> {
        let (header, mut rest) = (start.header(), file);
        let reader = |rest| Self { entry: entry.clone(), rest, next: start.first, head: start.previous };
        if !rest.starts_with(&header) {
            let is_torn = header.starts_with(&rest);
            let reason = if is_torn { "it is cut off in its header" } else { "its header is changed" };
            return Err(reader(rest).damage(reason));
        }
        let _header = rest.split_to(header.len());
        Ok(reader(rest))
    }

    /// The next event. `None`: all of the segment was read and is whole.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event>, Damage> {
        if self.next > self.entry.last {
            return self.check_end().map(|()| None);
        }
        let record = self.take_record().map_err(|reason| self.damage(reason))?;
        let event = record::decode(record, self.next).map_err(|reason| self.damage(&reason))?;
        self.next += 1;
        Ok(Some(event))
    }

    /// The link of the event that was read last.
    pub(crate) fn head(&self) -> Digest {
        self.head
    }

    fn take_record(&mut self) -> Result<Bytes, &'static str> {
        let cut_off = "the file is cut off";
        let length = self.take(4).ok_or(cut_off)?;
        let length = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        match length {
            0 => return Err("the segment ends before it"),
            1..=MAX_RECORD_BYTES => {}
            _ => return Err("its length is changed"),
        }
        let record = self.take(length).ok_or(cut_off)?;
        let link = self.take(DIGEST_BYTES).ok_or(cut_off)?;
        self.head = self.head.link(&record);
        if link.as_ref() == self.head.as_bytes() { Ok(record) } else { Err("it is changed") }
    }

    fn take(&mut self, count: usize) -> Option<Bytes> {
        (count <= self.rest.len()).then(|| self.rest.split_to(count))
    }

    /// Checks what comes after the last event.
    fn check_end(&self) -> Result<(), Damage> {
        let SegmentEntry { first, last, head, .. } = self.entry;
        let end = trailer(last + 1 - first, last, self.head);
        let at_end = |reason: &str| Err(Damage { position: last, reason: reason.to_owned() });
        match &*self.rest {
            rest if rest == end && self.head == head => Ok(()),
            rest if rest == end => at_end("its digest is not that of the manifest"),
            rest if end.starts_with(rest) => at_end("the file is cut off after it"),
            _ => at_end("the end of the segment after it is changed"),
        }
    }

    fn damage(&self, reason: &str) -> Damage {
        Damage { position: self.next, reason: reason.to_owned() }
    }
}
