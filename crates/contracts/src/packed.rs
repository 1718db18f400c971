//! Packed columns of whole numbers, read in place: a message that keeps its columns as bytes need not make
//! lists of them.

/// Iterates over the numbers of a packed column. It ends with the bytes, or at bytes that are no number.
#[derive(Clone, Copy, Debug)]
pub struct Varints<'a>(&'a [u8]);

/// The highest bit of each byte, which means that another byte of the same number follows.
const MORE: u64 = 0x8080_8080_8080_8080;

impl<'a> Varints<'a> {
    /// The numbers of a column.
    #[must_use]
    pub fn new(column: &'a [u8]) -> Self {
        Self(column)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Reads a number of up to eight bytes, all of them at once. Numbers of different lengths alternate, so
    /// that a branch for each byte would be mispredicted most of the time.
    #[inline]
    fn short(&mut self) -> Option<u64> {
        let word = u64::from_le_bytes(*self.0.first_chunk::<8>()?);
        let stop = !word & MORE;
        let stop = stop & stop.wrapping_neg();
        if stop == 0 {
            return None;
        }
        let bits = word & (stop | (stop - 1)) & !MORE;
        let bits = (bits & 0x007f_007f_007f_007f) | ((bits & 0x7f00_7f00_7f00_7f00) >> 1);
        let bits = (bits & 0x0000_3fff_0000_3fff) | ((bits & 0x3fff_0000_3fff_0000) >> 2);
        let bits = (bits & 0x0fff_ffff) | ((bits & 0x0fff_ffff_0000_0000) >> 4);
        self.0 = self.0.get(length(stop)..)?;
        Some(bits)
    }

    /// Reads a number at the end of the column, or one of more than eight bytes.
    fn long(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for (place, byte) in self.0.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f).checked_shl(u32::try_from(place).ok()? * 7)?;
            number |= bits;
            if *byte < 0x80 {
                self.0 = self.0.get(place + 1..)?;
                return Some(number);
            }
        }
        None
    }
}

/// Length in bytes of a number, given the mask of the highest bit of its last byte.
fn length(stop: u64) -> usize {
    usize::try_from(stop.trailing_zeros() / 8 + 1).unwrap_or(8)
}

impl Iterator for Varints<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.short().or_else(|| self.long())
    }
}

/// Facts about a column of numbers that need no decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of numbers.
    pub count: usize,
    /// Some numbers may have more than seven bytes.
    pub has_long: bool,
    /// The last number is cut short.
    pub is_cut: bool,
}

impl Shape {
    /// Examines a column.
    #[must_use]
    pub fn new(column: &[u8]) -> Self {
        let (words, rest) = column.as_chunks::<8>();
        let mut shape = Self { is_cut: column.last().is_some_and(|last| *last >= 0x80), ..Self::default() };
        // Bytes at the end of the word before that belong to a number which goes on in this one.
        let mut open = 0;
        let mut last = [0; 8];
        for (byte, own) in last.iter_mut().zip(rest) {
            *byte = *own;
        }
        let (mut count, mut long) = (0_u32, false);
        let mut total = 0_usize;
        for word in words.iter().chain((!rest.is_empty()).then_some(&last)) {
            let stops = !u64::from_le_bytes(*word) & MORE;
            count += stops.count_ones();
            long |= open + stops.trailing_zeros() / 8 >= 7;
            open = stops.leading_zeros() / 8;
            if count > 1 << 30 {
                total += usize::try_from(count).unwrap_or(0);
                count = 0;
            }
        }
        // The zeros that fill the last word count as numbers of one byte.
        let filled = if rest.is_empty() { 0 } else { 8 - rest.len() };
        total += usize::try_from(count).unwrap_or(0);
        shape.count = total.saturating_sub(filled);
        shape.has_long = long;
        shape
    }
}

/// Decodes a zigzag number.
#[must_use]
pub fn signed(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(numbers: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in numbers {
            prost::encoding::encode_varint(*number, &mut bytes);
        }
        bytes
    }

    #[test]
    fn numbers_of_every_length_are_read_and_counted() {
        let numbers: Vec<_> = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, !0 >> bit]).collect();
        for from in 0..numbers.len() {
            let numbers = &numbers[from..];
            let bytes = packed(numbers);
            assert_eq!(Varints::new(&bytes).collect::<Vec<_>>(), numbers);
            assert_eq!(
                Shape::new(&bytes),
                Shape { count: numbers.len(), has_long: Shape::new(&bytes).has_long, is_cut: false }
            );
            let is_long = numbers.iter().any(|number| *number >= 1 << 49);
            assert!(!is_long || Shape::new(&bytes).has_long);
        }
    }

    #[test]
    fn what_is_cut_short_or_too_long_ends_the_column() {
        let mut cut = Varints::new(&[1, 0x80]);
        assert_eq!((cut.next(), cut.next(), cut.is_empty()), (Some(1), None, false));
        assert!(Shape::new(&[1, 0x80]).is_cut);
        let mut long = Varints::new(&[0xff; 11]);
        assert_eq!((long.next(), long.is_empty()), (None, false));
        assert!(Shape::new(&[0xff; 16]).has_long);
    }

    #[test]
    fn zigzag_is_that_of_protobuf() {
        for (number, expected) in [(0, 0), (1, -1), (2, 1), (u64::MAX, i64::MIN), (u64::MAX - 1, i64::MAX)] {
            assert_eq!(signed(number), expected);
        }
    }
}
