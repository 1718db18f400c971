//! Files in archives. Only their base names are used, and nothing is unpacked to disk.
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::super::plan::MAX_FILES;
use super::super::{Limits, SourceError};
use super::container::{Container, refuse_nested};
use super::entry::{Entry, EntryLocation};
use super::{Content, Input, seven, zip};

/// Longest base name of a file, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A file in an archive. Like any other file it can be opened several times.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) archive: Arc<Input>,
    /// Base name.
    pub(super) base: String,
    /// Bytes that it takes in the archive; of a file that shares a block with others, those of the block.
    pub(super) packed: u64,
    pub(super) location: EntryLocation,
}

impl Member {
    /// The archive's name and its own.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.archive.name(), self.base)
    }

    /// Opens its content. `read` counts the bytes read from the archive.
    pub(super) fn open(&self, read: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, SourceError> {
        let (container, opened) = match self.location {
            EntryLocation::Zip(location) => (Container::Zip, zip::open(&self.archive, location, read)),
            EntryLocation::SevenZ(index) => (Container::SevenZ, seven::open(&self.archive, index, read)),
        };
        refuse_nested(container, container.layer(opened?))
            .map_err(|error| Content::failed(&self.name(), 0, &error))
    }
}

/// The files of an archive, in its order. None: the input is no archive.
pub(super) fn members(input: &Input, limits: Limits) -> Result<Option<Vec<Input>>, SourceError> {
    let entries = match input.container()? {
        Some(Container::Zip) => zip::entries(input)?,
        Some(Container::SevenZ) => seven::entries(input)?,
        _ => return Ok(None),
    };
    check_entries(&input.name(), &entries, limits)?;
    let archive = Arc::new(input.clone());
    let (mut members, mut seen) = (Vec::new(), BTreeSet::new());
    for entry in entries {
        let base = base_name(&input.name(), &entry)?;
        if !seen.insert(base.clone()) {
            let message = format!("two files in the archive are called `{base}`");
            return Err(SourceError::new("duplicate-member", &input.name(), 0, message)
                .with_hint("unpack the archive, and ingest the files that belong together"));
        }
        let (archive, packed, location) = (Arc::clone(&archive), entry.packed, entry.location);
        members.push(Input::Member(Member { archive, base, packed, location }));
    }
    Ok(Some(members))
}

/// Refuses an archive by its directory, before any file of it is read.
fn check_entries(archive: &str, entries: &[Entry], limits: Limits) -> Result<(), SourceError> {
    let refuse = |code, message: String| Err(SourceError::new(code, archive, 0, message));
    if entries.is_empty() {
        return refuse("empty-archive", "the archive holds no file".to_owned());
    }
    if entries.len() > MAX_FILES {
        let message =
            format!("the archive holds {} files, more than the {MAX_FILES} of a release", entries.len());
        return refuse("too-many-members", message);
    }
    let size = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    if size > limits.bytes {
        let message = format!("the archive holds {size} bytes, more than {}", limits.bytes);
        return refuse("file-too-large", message).map_err(|error| error.with_hint("split it by period"));
    }
    if let Some(entry) = entries.iter().find(|entry| entry.encrypted) {
        let message = format!("the file `{}` in the archive is encrypted", entry.name.escape_debug());
        return refuse("encrypted-archive", message)
            .map_err(|error| error.with_hint("unpack it with its password, and hand in the files in it"));
    }
    if entries.iter().any(|entry| entry.name == "[Content_Types].xml") {
        return refuse("unknown-format", "this is a spreadsheet or document".to_owned())
            .map_err(|error| error.with_hint("save the sheet as csv"));
    }
    Ok(())
}

/// The name of a file without folders. A name that would lead out of its folder if the archive was unpacked
/// is refused: such an archive is malicious, or made by accident.
fn base_name(archive: &str, entry: &Entry) -> Result<String, SourceError> {
    let refuse = |why: &str| {
        let name: String = entry.name.escape_debug().take(MAX_NAME_BYTES).collect();
        SourceError::new("unsafe-member", archive, 0, format!("a file name in the archive {why}"))
            .at("member", name)
            .with_hint("make a new archive of the files themselves")
    };
    let name = entry.name.as_str();
    if name.chars().any(char::is_control) {
        return Err(refuse("has control characters"));
    }
    if entry.link {
        return Err(refuse("belongs to a link"));
    }
    if name.starts_with(['/', '\\']) || name.get(1..2) == Some(":") {
        return Err(refuse("begins at the root of a disk"));
    }
    let mut parts = name.split(['/', '\\']);
    if parts.clone().any(|part| part == "..") {
        return Err(refuse("leads out of its folder"));
    }
    match parts.next_back() {
        None | Some("" | ".") => Err(refuse("is empty")),
        Some(base) if base.len() > MAX_NAME_BYTES => Err(refuse("is too long")),
        Some(base) => Ok(base.to_owned()),
    }
}
