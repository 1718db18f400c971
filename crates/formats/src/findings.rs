//! Facts about a file that are computed while it is received, so that it need not be read again for them.
use sha2::{Digest as _, Sha256};

use crate::content::ContentId;
use crate::{Check, Checker};

/// Facts about a file.
#[derive(Clone, Copy, Debug)]
pub struct Findings {
    /// Its name in the archive.
    pub content: ContentId,
    /// Distinguishes it from other content.
    pub check: Check,
    /// Upper bound on the length of its lines in bytes. None: it is not UTF-8.
    pub longest_line: Option<usize>,
}

/// Computes the facts about a file from its pieces, in order.
#[derive(Debug, Default)]
pub struct Finder {
    digest: Sha256,
    check: Checker,
    text: Text,
}

impl Finder {
    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.check.update(piece);
        self.text.update(piece);
    }

    /// The facts about all pieces.
    #[must_use]
    pub fn finish(self) -> Findings {
        Findings {
            content: ContentId::new(self.digest.finalize().into()),
            check: self.check.check(),
            longest_line: self.text.longest_line(),
        }
    }
}

/// Checks that pieces are UTF-8, and bounds the length of their lines.
#[derive(Debug, Default)]
struct Text {
    is_invalid: bool,
    /// The beginning of a character that continues in the next piece.
    open: Vec<u8>,
    /// Bytes since the last line feed, and the bound so far.
    line: usize,
    longest: usize,
}

impl Text {
    fn update(&mut self, piece: &[u8]) {
        if self.is_invalid {
            return;
        }
        // Lines within a piece are not longer than the piece.
        let ends = memchr::memchr(b'\n', piece).zip(memchr::memrchr(b'\n', piece));
        let (first, rest) = ends.map_or((piece.len(), None), |(first, last)| (first, Some(last)));
        self.longest = self.longest.max(self.line.saturating_add(first)).max(piece.len());
        self.line = match rest {
            Some(last) => piece.len().saturating_sub(last + 1),
            None => self.line.saturating_add(piece.len()),
        };
        self.decode(piece);
    }

    /// Checks that a piece continues valid UTF-8.
    fn decode(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((byte, others)) = rest.split_first().filter(|_| !self.open.is_empty()) {
            self.open.push(*byte);
            rest = others;
            match str::from_utf8(&self.open) {
                Ok(_) => self.open.clear(),
                Err(error) if error.error_len().is_some() => self.is_invalid = true,
                Err(_) => continue,
            }
            break;
        }
        match str::from_utf8(rest) {
            Ok(_) => {}
            Err(error) if error.error_len().is_some() => self.is_invalid = true,
            Err(error) => self.open.extend(rest.get(error.valid_up_to()..).unwrap_or_default()),
        }
    }

    fn longest_line(&self) -> Option<usize> {
        (!self.is_invalid && self.open.is_empty()).then_some(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_facts_do_not_depend_on_the_pieces(
            parts in proptest::collection::vec("[a-zé\u{20ac}\u{1f600}\n]{0,12}", 0..8),
            cut in 1_usize..9,
            spoilt in 0_usize..80,
        ) {
            let mut whole = parts.concat().into_bytes();
            if let Some(byte) = whole.get_mut(spoilt) {
                *byte = 0xff;
            }
            let mut finder = Finder::default();
            whole.chunks(cut).for_each(|piece| finder.update(piece));
            let found = finder.finish();
            proptest::prop_assert_eq!(found.content, ContentId::new(Sha256::digest(&whole).into()));
            proptest::prop_assert_eq!(found.longest_line.is_some(), str::from_utf8(&whole).is_ok());
            let longest = whole.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
            let fits = |bound| bound >= longest && bound <= longest.max(cut);
            proptest::prop_assert!(found.longest_line.is_none_or(fits));
        }
    }
}
