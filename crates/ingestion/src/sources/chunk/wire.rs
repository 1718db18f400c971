//! Columns in the wire format of protocol buffers, written as they are counted: byte for byte what prost would write.
//!
//! A release may have a thousand million rows; making lists of numbers of them first would take longer than reading them.

/// Writes the fields of a message, which have to come in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// The column that is being written.
    column: Vec<u8>,
}

impl Fields {
    /// The message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// A number; 0 is left out.
    pub(super) fn number(&mut self, field: u32, number: u64) {
        if number > 0 {
            self.tag(field, Kind::Varint);
            varint(&mut self.bytes, number);
        }
    }

    /// A text or a message of its own.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, Kind::Bytes);
        varint(&mut self.bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.bytes.extend_from_slice(bytes);
    }

    /// A column of whole numbers; none at all if there are none.
    pub(super) fn numbers(&mut self, field: u32, numbers: impl Iterator<Item = u64>) {
        self.packed(field, |column| numbers.for_each(|number| varint(column, number)));
    }

    /// A column of whole numbers of either sign, small where they are near zero.
    pub(super) fn signed(&mut self, field: u32, numbers: impl Iterator<Item = i64>) {
        self.numbers(field, numbers.map(|number| (number << 1 ^ number >> 63).cast_unsigned()));
    }

    /// A column of doubles.
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

/// Seven bits a byte, the lowest first; all but the last have their high bit set.
fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        bytes.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    bytes.push(low);
}
