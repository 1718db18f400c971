//! Reads JSON of publishers: records in an array, with or without an envelope around it, one at a time. A
//! document may be of any size; memory holds one record.
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::atomic::Ordering;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::input::Content;
use super::records::collect_text;
use super::sink::Halt;
use super::{Limits, SourceError};

/// Limit of a record, as a multiple of the limit of a line. A record that names every product of the
/// Harmonized System has half a megabyte.
const LINES_PER_RECORD: usize = 4;

/// Byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// An element of a document.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A member of the envelope: its name (empty for an element of an array that is no object) and value.
    Envelope(&'a str, &'a Value),
    /// A record, which is an object in an array: its number in the document, from 1, and its members.
    Record(u64, &'a Map<String, Value>),
}

/// Takes the elements of a document.
pub(super) type Take<'a> = dyn FnMut(Item<'_>) -> Result<(), Halt> + 'a;

/// Reads a document from its beginning and gives its elements to `take`, in order.
///
/// # Errors
/// [`Halt`] for a document that is no JSON or has a record that is too long; those of `take`.
pub(super) fn read(
    file: &str,
    content: &mut Content,
    limits: Limits,
    take: &mut Take<'_>,
) -> Result<(), Halt> {
    let limit = limits.line.saturating_mul(LINES_PER_RECORD);
    let left = Cell::new(limit);
    let mut inner = BufReader::with_capacity(64 * 1024, content);
    let begin = inner.fill_buf().map_err(|error| Content::failed(file, 0, &error))?;
    let mark = if begin.starts_with(BOM) { BOM.len() } else { 0 };
    inner.consume(mark);
    let bounded = Bounded { inner, left: &left };
    let walk =
        Walk { take: RefCell::new(take), left: &left, limit, records: Cell::new(0), halt: Cell::new(None) };
    let mut parser = serde_json::Deserializer::from_reader(bounded);
    let read =
        Level { walk: &walk, name: "", top: true }.deserialize(&mut parser).and_then(|()| parser.end());
    let Err(error) = read else { return Ok(()) };
    if let Some(halt) = walk.halt.take() {
        return Err(halt);
    }
    Err(parser_error(file, error, (left.get() == 0).then_some(limit)).into())
}

/// Reads a document to its end before anything of it is recorded. Returns the distinct texts of a member of
/// its records, if one is named.
pub(super) fn check_document(
    file: &str,
    content: &mut Content,
    limits: Limits,
    member: Option<&str>,
    mut progress: impl FnMut(u64),
) -> Result<BTreeSet<String>, SourceError> {
    let meter = content.meter();
    let mut reported = 0;
    let mut values = BTreeSet::new();
    let mut take = |item: Item<'_>| {
        if let (Item::Record(_, record), Some(member)) = (&item, member) {
            collect_text(&mut values, &text(record.get(member)));
        }
        let bytes = meter.load(Ordering::Relaxed);
        if std::mem::replace(&mut reported, bytes) != bytes {
            progress(bytes);
        }
        Ok(())
    };
    match read(file, content, limits, &mut take) {
        Err(Halt::Source(error)) => Err(error),
        Ok(()) | Err(Halt::Stopped) => Ok(values),
    }
}

/// Explains an error of the parser. `exceeded` is the limit of a record, if one was longer.
fn parser_error(file: &str, error: serde_json::Error, exceeded: Option<usize>) -> SourceError {
    let line = u64::try_from(error.line()).unwrap_or(u64::MAX);
    if let Some(limit) = exceeded {
        let message = format!("a record is longer than {limit} bytes");
        return SourceError::new("record-too-long", file, line, message)
            .with_hint("is this really a response of the publisher's API?");
    }
    if error.is_io() {
        return Content::failed(file, line, &error.into());
    }
    let (code, hint) = match error.classify() {
        serde_json::error::Category::Eof => ("truncated-json", "the file is incomplete: fetch it again"),
        _ => ("invalid-json", "is this really a response of the publisher's API?"),
    };
    SourceError::new(code, file, line, format!("the JSON cannot be read: {error}")).with_hint(hint)
}

/// The first object of a document, or of the array that it begins with. None: there is none, or it is longer
/// than the beginning.
pub(super) fn first_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii_start();
    let inside = bytes.strip_prefix(b"[").unwrap_or(bytes);
    match serde_json::Deserializer::from_slice(inside).into_iter().next() {
        Some(Ok(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// A reader that fails once a record is too long.
struct Bounded<'a, R> {
    inner: R,
    left: &'a Cell<usize>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::Other.into());
        }
        let count = self.inner.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(count));
        Ok(count)
    }
}

/// The state of one walk through a document. Cells, because every level of the recursive visitor shares it.
struct Walk<'a> {
    take: RefCell<&'a mut Take<'a>>,
    /// Bytes that may still be read for the current element, and what it is reset to behind each element.
    left: &'a Cell<usize>,
    limit: usize,
    records: Cell<u64>,
    halt: Cell<Option<Halt>>,
}

impl Walk<'_> {
    fn hand_over<E: serde::de::Error>(&self, item: Item<'_>) -> Result<(), E> {
        let taken = (self.take.borrow_mut())(item);
        self.left.set(self.limit);
        taken.map_err(|halt| {
            self.halt.set(Some(halt));
            E::custom("stopped")
        })
    }
}

/// A value of a document: the document itself, an element of an array, or a member of the envelope.
struct Level<'a, 'w> {
    walk: &'a Walk<'w>,
    /// Name of the member; empty in an array.
    name: &'a str,
    /// Whether an object here is part of the envelope; otherwise it is a record.
    top: bool,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Level<'_, '_> {
    fn scalar<E: serde::de::Error>(&self, value: Value) -> Result<(), E> {
        self.walk.hand_over(Item::Envelope(self.name, &value))
    }
}

impl<'de> Visitor<'de> for Level<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records in an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Level { walk: self.walk, name: "", top: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        if self.top {
            while let Some(name) = members.next_key::<String>()? {
                members.next_value_seed(Level { walk: self.walk, name: &name, top: true })?;
            }
            return Ok(());
        }
        let record: Map<String, Value> =
            serde::Deserialize::deserialize(MapAccessDeserializer::new(members))?;
        let number = self.walk.records.get().saturating_add(1);
        self.walk.records.set(number);
        self.walk.hand_over(Item::Record(number, &record))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.scalar(value.into())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar(Value::Null)
    }
}

/// The text of a value: a string without quotes; empty if there is none.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A record as JSON, for rejections.
pub(super) fn record_text(record: &Map<String, Value>) -> String {
    serde_json::to_string(record).unwrap_or_default()
}
