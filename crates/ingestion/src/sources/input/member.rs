//! Files within archives. Only their base names are ever used, and nothing is written anywhere.
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::super::plan::MOST_FILES;
use super::super::{Limits, SourceError};
use super::container::{Container, unwrapped};
use super::{Content, Input, seven, zip};

/// Longest base name of a member, in bytes.
const LONGEST_NAME: usize = 255;

/// A file within an archive, which can be opened again and again as any other.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) archive: Arc<Input>,
    /// Base name.
    pub(super) base: String,
    /// Bytes that it takes in the archive; of one that shares a block with others those of the block.
    pub(super) packed: u64,
    pub(super) place: Place,
}

/// Where a member is in its archive.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// In a zip archive.
    Zip(zip::Place),
    /// In a 7z archive: its number, from 0.
    SevenZ(usize),
}

/// A member as the directory of an archive has it.
pub(super) struct Entry {
    /// Name, with folders.
    pub(super) name: String,
    /// Size in the archive and as it is read.
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) encrypted: bool,
    /// A link to something else.
    pub(super) link: bool,
    pub(super) place: Place,
}

impl Member {
    /// The archive's name and its own.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.archive.name(), self.base)
    }

    /// What it holds; what is read from the archive is counted.
    pub(super) fn open(&self, read: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, SourceError> {
        let (container, opened) = match self.place {
            Place::Zip(place) => (Container::Zip, zip::open(&self.archive, place, read)),
            Place::SevenZ(index) => (Container::SevenZ, seven::open(&self.archive, index, read)),
        };
        unwrapped(container, container.layer(opened?))
            .map_err(|error| Content::failed(&self.name(), 0, &error))
    }
}

/// The members of an archive, in its order. None: it is no archive.
pub(super) fn members(input: &Input, limits: Limits) -> Result<Option<Vec<Input>>, SourceError> {
    let entries = match input.container()? {
        Some(Container::Zip) => zip::entries(input)?,
        Some(Container::SevenZ) => seven::entries(input)?,
        _ => return Ok(None),
    };
    check(&input.name(), &entries, limits)?;
    let archive = Arc::new(input.clone());
    let (mut members, mut seen) = (Vec::new(), BTreeSet::new());
    for entry in entries {
        let base = base_name(&input.name(), &entry)?;
        if !seen.insert(base.clone()) {
            return Err(SourceError::new(
                "doubled-member",
                &input.name(),
                0,
                format!("two members are called `{base}`"),
            )
            .with_hint("unpack the archive, and ingest what belongs together"));
        }
        let (archive, packed, place) = (Arc::clone(&archive), entry.packed, entry.place);
        members.push(Input::Member(Member { archive, base, packed, place }));
    }
    Ok(Some(members))
}

/// What can be said of an archive before anything of it is read.
fn check(archive: &str, entries: &[Entry], limits: Limits) -> Result<(), SourceError> {
    let refuse = |code, message: String| Err(SourceError::new(code, archive, 0, message));
    if entries.is_empty() {
        return refuse("empty-archive", "the archive holds no file".to_owned());
    }
    if entries.len() > MOST_FILES {
        let message =
            format!("the archive holds {} files, more than the {MOST_FILES} of a release", entries.len());
        return refuse("too-many-members", message);
    }
    let size = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    if size > limits.bytes {
        let message = format!("the archive holds {size} bytes, more than {}", limits.bytes);
        return refuse("file-too-large", message).map_err(|error| error.with_hint("split it by period"));
    }
    if let Some(entry) = entries.iter().find(|entry| entry.encrypted) {
        let message = format!("member `{}` is encrypted", entry.name.escape_debug());
        return refuse("encrypted-archive", message)
            .map_err(|error| error.with_hint("unpack it with its password, and hand in what it holds"));
    }
    if entries.iter().any(|entry| entry.name == "[Content_Types].xml") {
        return refuse("spreadsheet", "this is a spreadsheet or document".to_owned())
            .map_err(|error| error.with_hint("save the sheet as csv"));
    }
    Ok(())
}

/// The name of a member without folders. A name that would lead elsewhere if anyone unpacked it is refused: who makes such an
/// archive means no good, or does not know what is in it.
fn base_name(archive: &str, entry: &Entry) -> Result<String, SourceError> {
    let refuse = |why: &str| {
        let name: String = entry.name.escape_debug().take(LONGEST_NAME).collect();
        SourceError::new("unsafe-member", archive, 0, format!("a member's name {why}"))
            .at("member", name)
            .with_hint("make the archive anew from the files themselves")
    };
    let name = entry.name.as_str();
    if name.chars().any(char::is_control) {
        return Err(refuse("holds control characters"));
    }
    if entry.link {
        return Err(refuse("is that of a link"));
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
        Some(base) if base.len() > LONGEST_NAME => Err(refuse("is too long")),
        Some(base) => Ok(base.to_owned()),
    }
}
