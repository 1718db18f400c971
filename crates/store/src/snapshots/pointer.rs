//! The list of the last snapshots of a service.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Header;

/// Number of snapshots of a format and log that are kept.
const MAX_KEPT: usize = 3;

/// Number of snapshots of other formats and logs that are kept: those of another version while replicas are
/// replaced one after another.
const MAX_KEPT_OTHERS: usize = 3;

/// The last snapshots, the best first. The JSON form only grows: fields that are not known are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The snapshots.
    pub snapshots: Vec<Entry>,
}

/// A snapshot in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is of.
    #[serde(flatten)]
    pub header: Header,
    /// SHA-256 of its bytes in hexadecimal, which is its name.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub written_at: Timestamp,
}

impl Pointer {
    /// Reads the JSON form. The error says what is wrong with it.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let pointer: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        // The name becomes part of a path.
        match pointer.snapshots.iter().find(|entry| !is_digest(&entry.digest)) {
            Some(entry) => Err(format!("{:?} is no SHA-256 in hexadecimal", entry.digest)),
            None => Ok(pointer),
        }
    }

    /// The JSON form.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Values of these types always have a JSON form.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The list with another snapshot. `None`: it has one of the same format and log that is as far or
    /// further.
    #[must_use]
    pub fn with(&self, new: Entry) -> Option<Self> {
        let (same, mut others): (Vec<_>, Vec<_>) =
            self.snapshots.iter().cloned().partition(|entry| entry.header.is_comparable(&new.header));
        if same.iter().any(|entry| entry.header.progress() >= new.header.progress()) {
            return None;
        }
        let mut kept = vec![new];
        kept.extend(same);
        kept.sort_by_key(|entry| std::cmp::Reverse(entry.header.progress()));
        kept.truncate(MAX_KEPT);
        others.sort_by_key(|entry| std::cmp::Reverse(entry.written_at));
        others.truncate(MAX_KEPT_OTHERS);
        kept.extend(others);
        Some(Self { snapshots: kept })
    }

    /// Whether it lists a snapshot.
    #[must_use]
    pub fn has(&self, digest: &str) -> bool {
        self.snapshots.iter().any(|entry| entry.digest == digest)
    }
}

/// Whether a text is a SHA-256 in hexadecimal.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::Mark;
    use uuid::Uuid;

    fn entry(format: u32, first: u128, position: u64) -> Entry {
        let first = Uuid::from_u128(first);
        let mark = Mark { log: "observations".to_owned(), first, position, ..Mark::default() };
        let header =
            Header { service: "exposure".to_owned(), format, marks: vec![mark], ..Header::default() };
        let written_at = Timestamp::from_second(i64::try_from(position).unwrap()).unwrap();
        Entry { header, digest: format!("{position:064x}"), bytes: 1, written_at }
    }

    fn positions(pointer: &Pointer) -> Vec<(u32, u64)> {
        pointer.snapshots.iter().map(|entry| (entry.header.format, entry.header.progress())).collect()
    }

    #[test]
    fn the_highest_position_comes_first_and_a_lower_one_never_replaces_it() {
        let pointer = Pointer::default().with(entry(1, 7, 10)).unwrap().with(entry(1, 7, 30)).unwrap();
        assert_eq!(pointer.with(entry(1, 7, 20)), None);
        assert_eq!(pointer.with(entry(1, 7, 30)), None);
        let pointer = pointer.with(entry(1, 7, 40)).unwrap().with(entry(1, 7, 50)).unwrap();
        assert_eq!(positions(&pointer), [(1, 50), (1, 40), (1, 30)]);
    }

    #[test]
    fn another_format_or_another_log_has_a_place_of_its_own() {
        let pointer = Pointer::default().with(entry(2, 7, 50)).unwrap().with(entry(1, 7, 20)).unwrap();
        assert_eq!(positions(&pointer), [(1, 20), (2, 50)]);
        let pointer = pointer.with(entry(2, 8, 1)).unwrap();
        assert_eq!(positions(&pointer), [(2, 1), (2, 50), (1, 20)], "a new log begins anew");
    }

    #[test]
    fn a_snapshot_of_other_events_that_count_keeps_none_back() {
        let skipping = |number: u64, position: u64| {
            let mut entry = entry(1, 7, number);
            entry.header.marks.iter_mut().for_each(|mark| mark.skipped = vec![position]);
            entry
        };
        let pointer = Pointer::default().with(entry(1, 7, 50)).unwrap();
        let pointer = pointer.with(skipping(40, 20)).unwrap();
        assert_eq!(positions(&pointer), [(1, 40), (1, 50)]);
        assert_eq!(pointer.with(entry(1, 7, 45)), None, "it is of the same events as the one at 50");
        assert_eq!(pointer.with(skipping(39, 20)), None);
        assert_eq!(Pointer::default().with(skipping(50, 45)).unwrap().with(entry(1, 7, 30)), None, "as yet");
    }

    #[test]
    fn the_json_form_comes_back_and_unknown_fields_are_ignored() {
        let pointer = Pointer::default().with(entry(1, 7, 10)).unwrap();
        assert_eq!(Pointer::parse(&pointer.to_json()), Ok(pointer.clone()));
        let text = String::from_utf8(pointer.to_json()).unwrap();
        let later = text.replacen('{', "{\"later\": [1],", 1);
        assert_eq!(Pointer::parse(later.as_bytes()), Ok(pointer));
        let outside = text.replace(&format!("{:064x}", 10), "../../etc/passwd");
        assert!(Pointer::parse(outside.as_bytes()).unwrap_err().contains("no SHA-256"));
    }
}
