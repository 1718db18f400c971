//! Events as the content of a snapshot: those that a fold needs, compressed.
//!
//! The content is a sequence of zstd frames. Decompressed and joined they are events, each with its length
//! before it. A frame can follow another, so a later snapshot begins with the frames of an earlier one.
use std::io::{self, BufReader, Read, Write};

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_eventlog::{Event, MAX_EVENT_BYTES, StreamName};
use prost::Message;
use uuid::Uuid;

/// Level of compression: most events are packed columns, which higher levels hardly make smaller.
const LEVEL: i32 = 1;
/// Upper bound on what an event has beside its data, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 4 << 10;
/// Upper bound on an event, in bytes.
const MAX_SAVED_BYTES: usize = MAX_EVENT_BYTES + MAX_ATTRIBUTE_BYTES;
/// Most bytes of a length.
const MAX_LENGTH_BYTES: usize = 10;

/// An event in a snapshot.
#[derive(Clone, PartialEq, Message)]
struct SavedEvent {
    #[prost(uint64, tag = "1")]
    position: u64,
    #[prost(string, tag = "2")]
    stream: String,
    #[prost(bytes = "vec", tag = "3")]
    id: Vec<u8>,
    /// Index into the types of events that the header lists.
    #[prost(uint32, tag = "4")]
    kind: u32,
    #[prost(sint64, tag = "5")]
    seconds: i64,
    #[prost(sint32, tag = "6")]
    nanoseconds: i32,
    #[prost(bytes = "bytes", tag = "7")]
    data: Bytes,
    #[prost(string, optional, tag = "8")]
    traceparent: Option<String>,
}

/// Writes events as one frame.
pub struct EventWriter<W: Write> {
    frame: zstd::stream::write::Encoder<'static, W>,
    kinds: Vec<String>,
    buffer: Vec<u8>,
}

impl<W: Write> std::fmt::Debug for EventWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventWriter").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl<W: Write> EventWriter<W> {
    /// Begins a frame for events of these types.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(output: W, kinds: &[String]) -> io::Result<Self> {
        let frame = zstd::stream::write::Encoder::new(output, LEVEL)?;
        Ok(Self { frame, kinds: kinds.to_vec(), buffer: Vec::new() })
    }

    /// Writes an event. One of another type is left out.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let Some(kind) = self.kinds.iter().position(|kind| *kind == event.kind) else { return Ok(()) };
        let saved = SavedEvent {
            position: event.position,
            stream: event.stream.as_str().to_owned(),
            id: event.id.as_bytes().to_vec(),
            kind: u32::try_from(kind).unwrap_or(u32::MAX),
            seconds: event.time.as_second(),
            nanoseconds: event.time.subsec_nanosecond(),
            data: event.data.clone(),
            traceparent: event.traceparent.clone(),
        };
        self.buffer.clear();
        saved.encode_length_delimited(&mut self.buffer).map_err(io::Error::other)?;
        self.frame.write_all(&self.buffer)
    }

    /// Ends the frame.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(self) -> io::Result<W> {
        self.frame.finish()
    }
}

/// Reads all events, in order, until `take` returns false.
///
/// # Errors
/// A text says why they cannot be read.
pub fn read_events(
    input: impl Read,
    kinds: &[String],
    mut take: impl FnMut(Event) -> bool,
) -> Result<(), String> {
    let frames = zstd::stream::read::Decoder::new(input).map_err(|error| error.to_string())?;
    let mut events = BufReader::with_capacity(256 << 10, frames);
    while let Some(length) = read_length(&mut events)? {
        if length > MAX_SAVED_BYTES {
            return Err(format!("an event has {length} bytes, the limit is {MAX_SAVED_BYTES}"));
        }
        // Each event has memory of its own, which the folded state keeps a part of.
        let mut bytes = vec![0; length];
        events.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        let saved = SavedEvent::decode(Bytes::from(bytes)).map_err(|error| error.to_string())?;
        if !take(event(saved, kinds)?) {
            break;
        }
    }
    Ok(())
}

fn event(saved: SavedEvent, kinds: &[String]) -> Result<Event, String> {
    let kind = usize::try_from(saved.kind).ok().and_then(|kind| kinds.get(kind));
    let kind = kind.ok_or_else(|| format!("the type of event {} is not listed", saved.position))?;
    Ok(Event {
        position: saved.position,
        stream: StreamName::new(saved.stream).map_err(|error| error.to_string())?,
        id: Uuid::from_slice(&saved.id).map_err(|error| error.to_string())?,
        kind: kind.clone(),
        time: Timestamp::new(saved.seconds, saved.nanoseconds).map_err(|error| error.to_string())?,
        data: saved.data,
        traceparent: saved.traceparent,
    })
}

/// The length of the next event. `None`: there is none.
fn read_length(input: &mut impl Read) -> Result<Option<usize>, String> {
    let mut bytes = Vec::with_capacity(MAX_LENGTH_BYTES);
    while bytes.len() < MAX_LENGTH_BYTES {
        let mut byte = [0];
        let count = input.read(&mut byte).map_err(|error| error.to_string())?;
        match (count, bytes.is_empty()) {
            (0, true) => return Ok(None),
            (0, false) => return Err("an event is cut off".to_owned()),
            _ => bytes.extend(byte),
        }
        if byte.iter().all(|byte| byte & 0x80 == 0) {
            break;
        }
    }
    prost::decode_length_delimiter(&*bytes).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event(kinds: &'static [&'static str]) -> impl Strategy<Value = Event> {
        let time = (-1_000_000_000_i64..4_000_000_000, 0..1_000_000_000_i32);
        let about = (any::<u64>(), any::<u128>(), prop::sample::select(kinds), time);
        (about, prop::collection::vec(any::<u8>(), 0..200), any::<bool>()).prop_map(
            |((position, id, kind, (seconds, nanoseconds)), data, traced)| Event {
                position,
                stream: StreamName::new("observations.a-b.c").unwrap(),
                id: Uuid::from_u128(id),
                kind: kind.to_owned(),
                time: Timestamp::new(seconds, nanoseconds).unwrap(),
                data: data.into(),
                traceparent: traced.then(|| "00-1-2-01".to_owned()),
            },
        )
    }

    proptest! {
        #[test]
        fn events_of_several_frames_come_back(
            frames in prop::collection::vec(prop::collection::vec(any_event(&["a", "b", "c"]), 0..5), 1..4),
        ) {
            let kinds = ["c".to_owned(), "a".to_owned()];
            let mut content = Vec::new();
            for frame in &frames {
                let mut writer = EventWriter::new(&mut content, &kinds).unwrap();
                frame.iter().for_each(|event| writer.write(event).unwrap());
                writer.finish().unwrap();
            }
            let mut read = Vec::new();
            read_events(&*content, &kinds, |event| { read.push(event); true }).unwrap();
            let expected: Vec<_> = frames.concat().into_iter().filter(|event| event.kind != "b").collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn damaged_content_is_an_error_or_other_events_and_never_a_panic(
            events in prop::collection::vec(any_event(&["a"]), 1..5),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let kinds = ["a".to_owned()];
            let mut writer = EventWriter::new(Vec::new(), &kinds).unwrap();
            events.iter().for_each(|event| writer.write(event).unwrap());
            let mut content = writer.finish().unwrap();
            let at = at.index(content.len());
            content[at] = byte;
            let _any = read_events(&*content, &kinds, |_| true);
            let _any = read_events(&content[..at], &kinds, |_| true);
        }
    }
}
