//! Walks through a structure of Thrift's compact protocol, to check its numbers before the library uses them.

/// Upper bound on the depth of nested structures.
const MAX_DEPTH: usize = 24;

/// Walks through the structure at the beginning of `bytes` and gives each whole number to `see`, with the
/// numbers of the fields that it is in. Returns the length of the structure. None: it is invalid, or cut off.
pub(super) fn walk(bytes: &[u8], see: &mut dyn FnMut(&[i16], i64)) -> Option<usize> {
    let mut walk = Walk { bytes, at: 0, path: Vec::new(), see };
    walk.structure()?;
    Some(walk.at)
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<i16>,
    see: &'a mut dyn FnMut(&[i16], i64),
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.at = Some(end).filter(|end| *end <= self.bytes.len())?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn structure(&mut self) -> Option<()> {
        let mut last: i16 = 0;
        loop {
            let header = self.byte()?;
            if header & 0x0f == 0 {
                return Some(());
            }
            last = match i16::from(header >> 4) {
                0 => i16::try_from(self.integer()?).ok()?,
                delta => last.checked_add(delta)?,
            };
            if self.path.len() >= MAX_DEPTH {
                return None;
            }
            self.path.push(last);
            // A truth value of a field is part of the field's header.
            if !matches!(header & 0x0f, 1 | 2) {
                self.value(header & 0x0f)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8) -> Option<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => {
                let value = self.integer()?;
                (self.see)(&self.path, value);
                Some(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => self.list(),
            11 => self.map(),
            12 => self.structure(),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<()> {
        let header = self.byte()?;
        let size = match header >> 4 {
            15 => self.varint()?,
            size => u64::from(size),
        };
        (0..size).try_for_each(|_| self.value(header & 0x0f))
    }

    fn map(&mut self) -> Option<()> {
        let size = self.varint()?;
        let kinds = if size > 0 { self.byte()? } else { 0 };
        (0..size).try_for_each(|_| {
            self.value(kinds >> 4)?;
            self.value(kinds & 0x0f)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bytes: &[u8]) -> (Option<usize>, Vec<(Vec<i16>, i64)>) {
        let mut seen = Vec::new();
        let size = walk(bytes, &mut |path, value| seen.push((path.to_vec(), value)));
        (size, seen)
    }

    #[test]
    fn numbers_are_given_with_the_path_of_their_fields() {
        // 1: -1, 2: a list of two structures with 5: 3 each, 4: a truth value, 5: two bytes.
        let bytes =
            [0x15, 0x01, 0x19, 0x2c, 0x55, 0x06, 0x00, 0x55, 0x06, 0x00, 0x21, 0x18, 0x02, 7, 7, 0x00, 9];
        let expected = vec![(vec![1], -1), (vec![2, 5], 3), (vec![2, 5], 3)];
        assert_eq!(numbers(&bytes), (Some(16), expected));
        for end in 0..16 {
            assert_eq!(numbers(&bytes[..end]).0, None, "cut off after {end} bytes");
        }
        assert_eq!(numbers(&[0x1c; 100]).0, None, "too deep");
        assert_eq!(numbers(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]).0, None, "too long");
    }
}
