//! Files, sealed in pieces of 64 KiB.
//!
//! A sealed file is `OREWSEAL`, the identifier of its key (16 bytes), and then its pieces: each encrypted
//! with ChaCha20-Poly1305 under a key that follows from the tenant's and the SHA-256 of the whole content.
//! The nonce of a piece is whether it is the last one, and its number, so that no piece can be missing, moved
//! or added.
use std::fmt;

use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

use crate::keys::{CurrentKey, KeyError};

/// The first bytes of a sealed file.
const MAGIC: [u8; 8] = *b"OREWSEAL";

/// Length of what precedes the pieces.
const HEADER_BYTES: usize = 24;

/// Length of a piece's content, but for the last one.
const PIECE_BYTES: usize = 64 << 10;

/// Length of a piece's tag.
const TAG_BYTES: usize = 16;

/// Size of a content once it is sealed, in bytes.
#[must_use]
pub fn sealed_size(content: u64) -> u64 {
    let pieces = content.div_ceil(bytes(PIECE_BYTES)).max(1);
    content.saturating_add(bytes(HEADER_BYTES)).saturating_add(pieces.saturating_mul(bytes(TAG_BYTES)))
}

/// Size of the content of a sealed file, in bytes. `None`: no sealed file has this size.
#[must_use]
pub fn plain_size(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(bytes(HEADER_BYTES))?;
    let pieces = body.div_ceil(bytes(PIECE_BYTES + TAG_BYTES));
    body.checked_sub(pieces.saturating_mul(bytes(TAG_BYTES)))
        .filter(|content| sealed_size(*content) == sealed)
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn header(current: &CurrentKey) -> Vec<u8> {
    [MAGIC.as_slice(), current.id.as_bytes()].concat()
}

/// What a piece is sealed with.
fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    let parts = [u8::from(is_last), 0, 0, 0].into_iter().chain(number.to_be_bytes());
    nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(nonce)
}

/// Seals a file, as its content comes.
pub struct FileSealer {
    cipher: LessSafeKey,
    /// Not returned yet.
    header: Vec<u8>,
    /// Content that is not sealed yet: the last piece is not known before the end.
    rest: Vec<u8>,
    number: u64,
}

impl fmt::Debug for FileSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSealer").field("number", &self.number).finish_non_exhaustive()
    }
}

impl FileSealer {
    /// Begins a file, given the SHA-256 of its content.
    ///
    /// # Errors
    /// None in practice: the cipher takes every key of its length.
    pub fn new(current: &CurrentKey, content: &[u8; 32]) -> Result<Self, KeyError> {
        let cipher = current.key.file_cipher(content)?;
        Ok(Self { cipher, header: header(current), rest: Vec::new(), number: 0 })
    }

    /// Takes the next bytes of the content. Returns the next bytes of the sealed file.
    ///
    /// # Errors
    /// None in practice: a piece is never too long.
    pub fn push(&mut self, content: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut sealed = std::mem::take(&mut self.header);
        self.rest.extend_from_slice(content);
        while self.rest.len() > PIECE_BYTES {
            let rest = self.rest.split_off(PIECE_BYTES);
            let piece = std::mem::replace(&mut self.rest, rest);
            sealed.extend(self.seal(piece, false)?);
        }
        Ok(sealed)
    }

    /// Ends the file. Returns its last bytes.
    ///
    /// # Errors
    /// None in practice.
    pub fn finish(mut self) -> Result<Vec<u8>, KeyError> {
        let mut sealed = std::mem::take(&mut self.header);
        let piece = std::mem::take(&mut self.rest);
        sealed.extend(self.seal(piece, true)?);
        Ok(sealed)
    }

    fn seal(&mut self, mut piece: Vec<u8>, is_last: bool) -> Result<Vec<u8>, KeyError> {
        let nonce = nonce(self.number, is_last);
        self.number += 1;
        let sealed = self.cipher.seal_in_place_append_tag(nonce, Aad::empty(), &mut piece);
        sealed.map_err(|_| KeyError::TooLong)?;
        Ok(piece)
    }
}

/// Opens a file, as its bytes come.
pub struct FileOpener {
    cipher: LessSafeKey,
    /// What the file has to begin with, until it was there.
    header: Vec<u8>,
    /// Bytes that are not opened yet.
    rest: Vec<u8>,
    number: u64,
}

impl fmt::Debug for FileOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileOpener").field("number", &self.number).finish_non_exhaustive()
    }
}

impl FileOpener {
    /// Begins a file, given the SHA-256 of its content.
    ///
    /// # Errors
    /// None in practice: the cipher takes every key of its length.
    pub fn new(current: &CurrentKey, content: &[u8; 32]) -> Result<Self, KeyError> {
        let cipher = current.key.file_cipher(content)?;
        Ok(Self { cipher, header: header(current), rest: Vec::new(), number: 0 })
    }

    /// Takes the next bytes of the file. Returns the next bytes of the content.
    ///
    /// # Errors
    /// [`KeyError::NotOpened`].
    pub fn push(&mut self, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.rest.extend_from_slice(sealed);
        self.read_header()?;
        let mut content = Vec::new();
        while self.header.is_empty() && self.rest.len() > PIECE_BYTES + TAG_BYTES {
            let rest = self.rest.split_off(PIECE_BYTES + TAG_BYTES);
            let piece = std::mem::replace(&mut self.rest, rest);
            content.extend(self.open(piece, false)?);
        }
        Ok(content)
    }

    /// Ends the file. Returns the last bytes of the content.
    ///
    /// # Errors
    /// [`KeyError::NotOpened`], also if bytes are missing at the end.
    pub fn finish(mut self) -> Result<Vec<u8>, KeyError> {
        self.read_header()?;
        if !self.header.is_empty() {
            return Err(KeyError::NotOpened);
        }
        let piece = std::mem::take(&mut self.rest);
        self.open(piece, true)
    }

    fn read_header(&mut self) -> Result<(), KeyError> {
        if self.header.is_empty() || self.rest.len() < HEADER_BYTES {
            return Ok(());
        }
        let rest = self.rest.split_off(HEADER_BYTES);
        let found = std::mem::replace(&mut self.rest, rest);
        let wanted = std::mem::take(&mut self.header);
        if found == wanted { Ok(()) } else { Err(KeyError::NotOpened) }
    }

    fn open(&mut self, mut piece: Vec<u8>, is_last: bool) -> Result<Vec<u8>, KeyError> {
        let nonce = nonce(self.number, is_last);
        self.number += 1;
        let opened = self.cipher.open_in_place(nonce, Aad::empty(), &mut piece);
        let length = opened.map_err(|_| KeyError::NotOpened)?.len();
        piece.truncate(length);
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::keys::SealingKey;

    fn current(byte: u8) -> CurrentKey {
        let key = SealingKey::new(&[byte; 32]).unwrap();
        CurrentKey { id: Uuid::from_u128(byte.into()), key: Arc::new(key) }
    }

    fn sealed(content: &[u8], pieces: usize) -> Vec<u8> {
        let mut sealer = FileSealer::new(&current(1), &[7; 32]).unwrap();
        let mut sealed = Vec::new();
        content.chunks(pieces).for_each(|piece| sealed.extend(sealer.push(piece).unwrap()));
        sealed.extend(sealer.finish().unwrap());
        sealed
    }

    fn opened(key: &CurrentKey, digest: [u8; 32], file: &[u8], pieces: usize) -> Result<Vec<u8>, KeyError> {
        let mut opener = FileOpener::new(key, &digest)?;
        let mut content = Vec::new();
        for piece in file.chunks(pieces) {
            content.extend(opener.push(piece)?);
        }
        content.extend(opener.finish()?);
        Ok(content)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn a_file_comes_back_with_its_key_however_its_bytes_come(
            length in prop::sample::select(vec![
                0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 3 * PIECE_BYTES + 5,
            ]),
            pieces in 1..200_000_usize,
            at in any::<prop::sample::Index>(),
        ) {
            let content: Vec<u8> = (0..251).cycle().take(length).collect();
            let file = sealed(&content, pieces);
            prop_assert_eq!(bytes(file.len()), sealed_size(bytes(length)));
            prop_assert_eq!(plain_size(bytes(file.len())), Some(bytes(length)));
            prop_assert_eq!(&sealed(&content, 1_000), &file, "a repetition is the same");
            prop_assert_eq!(opened(&current(1), [7; 32], &file, pieces), Ok(content));
            prop_assert!(opened(&current(2), [7; 32], &file, pieces).is_err());
            prop_assert!(opened(&current(1), [8; 32], &file, pieces).is_err(), "it is another content");
            let at = at.index(file.len());
            prop_assert!(opened(&current(1), [7; 32], &file[..at], pieces).is_err(), "bytes are missing");
            let mut damaged = file;
            damaged[at] ^= 1;
            prop_assert!(opened(&current(1), [7; 32], &damaged, pieces).is_err());
        }
    }

    #[test]
    fn pieces_cannot_change_places_and_no_other_size_is_a_sealed_file() {
        let content = [[0; PIECE_BYTES], [1; PIECE_BYTES], [2; PIECE_BYTES]].concat();
        let file = sealed(&content, 9_999);
        let piece = |number: usize| {
            let from = HEADER_BYTES + number * (PIECE_BYTES + TAG_BYTES);
            &file[from..from + PIECE_BYTES + TAG_BYTES]
        };
        for order in [&[1, 0, 2][..], &[0, 1], &[0, 2]] {
            let moved = order.iter().flat_map(|number| piece(*number));
            let moved: Vec<u8> = file[..HEADER_BYTES].iter().chain(moved).copied().collect();
            assert!(opened(&current(1), [7; 32], &moved, 5_000).is_err(), "{order:?}");
        }
        for size in [0, 1, 23, 24, 39, 24 + 65_552 + 1, 24 + 65_552 + 15] {
            assert_eq!(plain_size(size), None, "{size}");
        }
        assert_eq!((plain_size(40), plain_size(41)), (Some(0), Some(1)));
    }
}
