//! Writes columns in the wire format of protocol buffers, byte for byte as prost does.
//!
//! prost encodes from lists of numbers. A release may have a thousand million rows, and making those lists
//! would take longer than reading the rows; this writes numbers as an iterator produces them.

/// Writes the fields of a message. They must come in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// Buffer of the column that is being written.
    column: Vec<u8>,
}

impl Fields {
    /// The message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes a number; 0 is left out.
    pub(super) fn number(&mut self, field: u32, number: u64) {
        if number > 0 {
            self.tag(field, Kind::Varint);
            varint(&mut self.bytes, number);
        }
    }

    /// Writes a text or a nested message.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, Kind::Bytes);
        varint(&mut self.bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a column of whole numbers; an empty one is left out.
    pub(super) fn numbers(&mut self, field: u32, mut numbers: impl Iterator<Item = u64>) {
        self.packed(field, |column| {
            let mut end = 0;
            loop {
                column.resize(end + NUMBERS_PER_PASS * MAX_VARINT_BYTES + WORD_BYTES, 0);
                let room = column.get_mut(end..).unwrap_or_default();
                let (mut at, mut count) = (0, 0);
                for number in numbers.by_ref().take(NUMBERS_PER_PASS) {
                    at = put(room, at, number);
                    count += 1;
                }
                end += at;
                if count < NUMBERS_PER_PASS {
                    break;
                }
            }
            column.truncate(end);
        });
    }

    /// Writes a column of whole numbers of either sign, which take few bytes near zero.
    pub(super) fn signed(&mut self, field: u32, numbers: impl Iterator<Item = i64>) {
        self.numbers(field, numbers.map(|number| (number << 1 ^ number >> 63).cast_unsigned()));
    }

    /// Writes a column of doubles.
    pub(super) fn doubles(&mut self, field: u32, numbers: impl Iterator<Item = f64>) {
        self.packed(field, |column| {
            numbers.for_each(|number| column.extend_from_slice(&number.to_le_bytes()))
        });
    }

    fn packed(&mut self, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let mut column = std::mem::take(&mut self.column);
        write(&mut column);
        if !column.is_empty() {
            self.bytes(field, &column);
        }
        column.clear();
        self.column = column;
    }

    fn tag(&mut self, field: u32, kind: Kind) {
        let kind = match kind {
            Kind::Varint => 0,
            Kind::Bytes => 2,
        };
        varint(&mut self.bytes, u64::from(field) << 3 | kind);
    }
}

enum Kind {
    Varint,
    Bytes,
}

/// Numbers that are written before the buffer is enlarged again.
const NUMBERS_PER_PASS: usize = 1_024;

/// Longest varint, and length of a word, in bytes.
const MAX_VARINT_BYTES: usize = 10;
const WORD_BYTES: usize = 8;

/// The highest bit of each byte; it says that another byte of the same number follows.
const CONTINUATION_BITS: u64 = 0x8080_8080_8080_8080;

/// Writes a varint at an offset with room for the longest, and returns the offset behind it.
///
/// Lengths vary from number to number, and a branch for each byte would be mispredicted most of the time. So
/// the seven-bit groups are moved apart in one word, and all of its bytes are written; those behind the
/// number are overwritten by the next.
#[inline(always)]
fn put(room: &mut [u8], at: usize, number: u64) -> usize {
    if number >= 1 << 56 {
        return put_long(room, at, number);
    }
    let bits = (number & 0x0fff_ffff) | ((number & 0x00ff_ffff_f000_0000) << 4);
    let bits = (bits & 0x0000_3fff_0000_3fff) | ((bits & 0x0fff_c000_0fff_c000) << 2);
    let bits = (bits & 0x007f_007f_007f_007f) | ((bits & 0x3f80_3f80_3f80_3f80) << 1);
    // Bits before the last byte of the number.
    let last = (63 - (bits | 1).leading_zeros()) & !7;
    let bytes = (bits | CONTINUATION_BITS & ((1 << last) - 1)).to_le_bytes();
    if let Some(room) = room.get_mut(at..at + WORD_BYTES) {
        room.copy_from_slice(&bytes);
    }
    at + usize::try_from(last / 8 + 1).unwrap_or(0)
}

/// Writes a number of nine or ten bytes, byte by byte.
#[cold]
fn put_long(room: &mut [u8], at: usize, number: u64) -> usize {
    let mut bytes = Vec::with_capacity(MAX_VARINT_BYTES);
    varint(&mut bytes, number);
    if let Some(room) = room.get_mut(at..at + bytes.len()) {
        room.copy_from_slice(&bytes);
    }
    at + bytes.len()
}

/// Writes seven bits a byte, the lowest first; all bytes but the last have their high bit set.
fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        bytes.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    bytes.push(low);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_are_written_as_prost_does() {
        let numbers: Vec<u64> = (0..640)
            .map(|bit| bit % 64)
            .flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, !0 >> bit, 0x0123_4567_89ab_cdef >> bit])
            .collect();
        for from in (0..numbers.len()).step_by(37) {
            let mut fields = Fields::default();
            fields.numbers(1, numbers[from..].iter().copied());
            let mut column = Vec::new();
            numbers[from..].iter().for_each(|number| prost::encoding::encode_varint(*number, &mut column));
            let mut expected = vec![0x0a];
            prost::encoding::encode_varint(u64::try_from(column.len()).unwrap(), &mut expected);
            expected.extend(column);
            assert_eq!(fields.into_bytes(), expected);
        }
    }
}
