//! What is learnt of a file while it is stored, so that nobody has to read it again to know that.
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::ContentId;
use super::usage::Usage;
use crate::sources::{Check, Checker};

/// Files of which something is remembered.
const MOST_REMEMBERED: usize = 1_024;

/// Smallest file of which it is remembered: the time at which a file was changed is not exact enough to tell what is written
/// anew at once, and to read a small one again costs nothing.
const SMALLEST: u64 = 4 << 20;

/// What a whole file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Findings {
    /// Its name in the archive.
    pub(crate) content: ContentId,
    /// Tells it from other content.
    pub(crate) check: Check,
    /// No line is longer, in bytes, if all of it is UTF-8.
    pub(crate) longest_line: Option<usize>,
}

/// Looks at the pieces of a file, one after another.
#[derive(Debug, Default)]
pub(super) struct Finder {
    digest: Sha256,
    check: Checker,
    text: Text,
}

impl Finder {
    pub(super) fn look(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.check.update(piece);
        self.text.look(piece);
    }

    pub(super) fn end(self) -> Findings {
        Findings {
            content: ContentId::new(self.digest.finalize().into()),
            check: self.check.check(),
            longest_line: self.text.longest(),
        }
    }
}

/// Whether pieces make UTF-8, and a bound on the length of its lines.
#[derive(Debug, Default)]
struct Text {
    broken: bool,
    /// The beginning of a character that the next piece ends.
    open: Vec<u8>,
    /// Bytes since the last line feed, and the bound so far.
    line: usize,
    longest: usize,
}

impl Text {
    fn look(&mut self, piece: &[u8]) {
        if self.broken {
            return;
        }
        // Lines within a piece are not longer than it.
        let ends = memchr::memchr(b'\n', piece).zip(memchr::memrchr(b'\n', piece));
        let (first, rest) = ends.map_or((piece.len(), None), |(first, last)| (first, Some(last)));
        self.longest = self.longest.max(self.line.saturating_add(first)).max(piece.len());
        self.line = match rest {
            Some(last) => piece.len().saturating_sub(last + 1),
            None => self.line.saturating_add(piece.len()),
        };
        self.decode(piece);
    }

    fn decode(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((byte, others)) = rest.split_first().filter(|_| !self.open.is_empty()) {
            self.open.push(*byte);
            rest = others;
            match str::from_utf8(&self.open) {
                Ok(_) => self.open.clear(),
                Err(error) if error.error_len().is_some() => self.broken = true,
                Err(_) => continue,
            }
            break;
        }
        match str::from_utf8(rest) {
            Ok(_) => {}
            Err(error) if error.error_len().is_some() => self.broken = true,
            Err(error) => self.open.extend(rest.get(error.valid_up_to()..).unwrap_or_default()),
        }
    }

    fn longest(&self) -> Option<usize> {
        (!self.broken && self.open.is_empty()).then_some(self.longest)
    }
}

/// What was found of files when they were stored, for as long as they are as they were. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    found: Arc<Mutex<VecDeque<Remembered>>>,
    /// How full the archive is, and which of its files were used lately.
    pub(super) usage: Usage,
}

#[derive(Debug)]
struct Remembered {
    findings: Findings,
    size: u64,
    changed: SystemTime,
}

impl Memory {
    /// Remembers what is at a place.
    pub(super) fn remember(&self, place: &Path, findings: Findings) {
        let Some((size, changed)) = state(place).filter(|(size, _)| *size >= SMALLEST) else { return };
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.findings.content != findings.content);
        all.push_back(Remembered { findings, size, changed });
        if all.len() > MOST_REMEMBERED {
            all.pop_front();
        }
    }

    /// What was found of a content, if the file at its place is still as it was stored.
    pub(super) fn recall(&self, content: &ContentId, place: &Path) -> Option<Findings> {
        let now = state(place)?;
        let all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().find(|known| known.findings.content == *content)?;
        (now == (known.size, known.changed)).then_some(known.findings)
    }
}

/// Size of a file, and when it was changed.
fn state(place: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(place).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn pieces_are_the_same_as_the_whole(
            parts in proptest::collection::vec("[a-zé\u{20ac}\u{1f600}\n]{0,12}", 0..8), cut in 1_usize..9, spoilt in 0_usize..80,
        ) {
            let mut whole = parts.concat().into_bytes();
            if let Some(byte) = whole.get_mut(spoilt) {
                *byte = 0xff;
            }
            let mut finder = Finder::default();
            whole.chunks(cut).for_each(|piece| finder.look(piece));
            let found = finder.end();
            proptest::prop_assert_eq!(found.content, ContentId::new(Sha256::digest(&whole).into()));
            proptest::prop_assert_eq!(found.longest_line.is_some(), str::from_utf8(&whole).is_ok());
            let longest = whole.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
            proptest::prop_assert!(found.longest_line.is_none_or(|bound| bound >= longest && bound <= longest.max(cut)));
        }
    }
}
