//! The JSON of others: records in an array, with or without an envelope around it, read one at a time.
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::atomic::Ordering;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::input::Content;
use super::out::Halt;
use super::records::collect;
use super::{Limits, SourceError};

/// Bytes of a record, in lines of the longest length. A record that names every product of the Harmonized System has half a
/// megabyte.
const LINES_A_RECORD: usize = 4;

/// Byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a document consists of.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A value of the envelope by its name; the name is empty for what stands in an array and is no record.
    Envelope(&'a str, &'a Value),
    /// A record: an object in an array. Its number in the document, from 1, and what it says.
    Record(u64, &'a Map<String, Value>),
}

/// Takes what is found.
pub(super) type Take<'a> = dyn FnMut(Item<'_>) -> Result<(), Halt> + 'a;

/// Reads a document from its beginning, in the memory of one record.
pub(super) fn read(
    file: &str,
    content: &mut Content,
    limits: Limits,
    take: &mut Take<'_>,
) -> Result<(), Halt> {
    let most = limits.line.saturating_mul(LINES_A_RECORD);
    let left = Cell::new(most);
    let mut inner = BufReader::with_capacity(64 * 1024, content);
    let begin = inner.fill_buf().map_err(|error| Content::failed(file, 0, &error))?;
    let mark = if begin.starts_with(BOM) { BOM.len() } else { 0 };
    inner.consume(mark);
    let bounded = Bounded { inner, left: &left };
    let walk =
        Walk { take: RefCell::new(take), left: &left, most, records: Cell::new(0), halt: Cell::new(None) };
    let mut parser = serde_json::Deserializer::from_reader(bounded);
    let read =
        Level { walk: &walk, name: "", top: true }.deserialize(&mut parser).and_then(|()| parser.end());
    let Err(error) = read else { return Ok(()) };
    if let Some(halt) = walk.halt.take() {
        return Err(halt);
    }
    Err(failed(file, error, (left.get() == 0).then_some(most)).into())
}

/// Goes through a document to its end, before anything of it is recorded. Returns the different texts of a member of its records,
/// if one is named.
pub(super) fn vet(
    file: &str,
    content: &mut Content,
    limits: Limits,
    member: Option<&str>,
    mut progress: impl FnMut(u64),
) -> Result<BTreeSet<String>, SourceError> {
    let meter = content.meter();
    let mut told = 0;
    let mut values = BTreeSet::new();
    let mut take = |item: Item<'_>| {
        if let (Item::Record(_, record), Some(member)) = (&item, member) {
            collect(&mut values, &text(record.get(member)));
        }
        let bytes = meter.load(Ordering::Relaxed);
        if std::mem::replace(&mut told, bytes) != bytes {
            progress(bytes);
        }
        Ok(())
    };
    match read(file, content, limits, &mut take) {
        Err(Halt::Source(error)) => Err(error),
        Ok(()) | Err(Halt::Stopped) => Ok(values),
    }
}

/// What an error of the parser means; `longest` if a record was longer than that.
fn failed(file: &str, error: serde_json::Error, longest: Option<usize>) -> SourceError {
    let line = u64::try_from(error.line()).unwrap_or(u64::MAX);
    if let Some(most) = longest {
        return SourceError::new(
            "record-too-long",
            file,
            line,
            format!("a record is longer than {most} bytes"),
        )
        .with_hint("is this the answer of the interface that it seems to be?");
    }
    if error.is_io() {
        return Content::failed(file, line, &error.into());
    }
    let (code, hint) = match error.classify() {
        serde_json::error::Category::Eof => ("truncated-json", "the file is incomplete: fetch it again"),
        _ => ("bad-json", "is this the answer of the interface that it seems to be?"),
    };
    SourceError::new(code, file, line, format!("the JSON cannot be read: {error}")).with_hint(hint)
}

/// The first object of a document's beginning that has no object in it, or why it cannot be read.
pub(super) fn first_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes).trim_ascii_start();
    let inside = bytes.strip_prefix(b"[").unwrap_or(bytes);
    match serde_json::Deserializer::from_slice(inside).into_iter().next() {
        Some(Ok(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// Ends the reading where a record is too long.
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

/// One walk through a document.
struct Walk<'a> {
    take: RefCell<&'a mut Take<'a>>,
    left: &'a Cell<usize>,
    most: usize,
    records: Cell<u64>,
    halt: Cell<Option<Halt>>,
}

impl Walk<'_> {
    fn give<E: serde::de::Error>(&self, item: Item<'_>) -> Result<(), E> {
        let taken = (self.take.borrow_mut())(item);
        self.left.set(self.most);
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
    /// Objects here are part of the envelope; elsewhere they are records.
    top: bool,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Level<'_, '_> {
    fn plain<E: serde::de::Error>(&self, value: Value) -> Result<(), E> {
        self.walk.give(Item::Envelope(self.name, &value))
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
        self.walk.give(Item::Record(number, &record))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.plain(value.into())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.plain(Value::Null)
    }
}

/// The text of a value: of a string without quotes, of nothing the empty text.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A record as it is written, for those who look at a rejection.
pub(super) fn written(record: &Map<String, Value>) -> String {
    serde_json::to_string(record).unwrap_or_default()
}
