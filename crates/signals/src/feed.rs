//! The entries of an RSS or Atom feed: title, content and day of each.
//!
//! The XML is read event by event. Entities that the feed defines are not expanded, so that a definition
//! that multiplies itself is a few bytes like any other. The depth of elements and the number of entries are
//! limited.

use jiff::civil::Date;
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::document_error::DocumentError;
use crate::offsets::OffsetMap;

/// Most elements within each other.
const MAX_DEPTH: usize = 64;
/// Most entries of a feed.
const MAX_ENTRIES: usize = 10_000;

/// An entry of a feed.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Title and content as they are written, which may be HTML, with the way back to the source.
    pub(crate) content: (String, OffsetMap),
    /// Day of publication.
    pub(crate) published: Option<Date>,
}

/// What an element of an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Day,
}

/// Reads the entries of a feed.
pub(crate) fn read_feed(source: &str) -> Result<Vec<Entry>, DocumentError> {
    let mut feed = FeedReader { source, entries: Vec::new(), entry: None, part: None, day: String::new() };
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    reader.config_mut().allow_dangling_amp = true;
    let mut depth = 0_usize;
    let mut start = 0;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| DocumentError::InvalidXml { position: start, reason: error.to_string() })?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(source.len());
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => return Ok(feed.entries),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(DocumentError::TooDeep { position: start, limit: MAX_DEPTH });
        }
        feed.take(&event, start, end);
        if feed.entries.len() > MAX_ENTRIES {
            return Err(DocumentError::TooManyEntries { limit: MAX_ENTRIES });
        }
        start = end;
    }
}

struct FeedReader<'a> {
    source: &'a str,
    entries: Vec<Entry>,
    /// The entry that is being read.
    entry: Option<Entry>,
    /// The element of the entry that is being read, with its name.
    part: Option<(Part, Vec<u8>)>,
    /// Text of an element with a day.
    day: String,
}

impl FeedReader<'_> {
    /// Takes an event at bytes `start` to before `end`.
    fn take(&mut self, event: &Event<'_>, start: usize, end: usize) {
        match event {
            Event::Start(tag) => self.open(tag.local_name().as_ref()),
            Event::End(tag) => self.close(tag.local_name().as_ref()),
            Event::Text(text) => self.write_verbatim(end.saturating_sub(text.len()), text.len()),
            // <![CDATA[...]]> has nine bytes in front of its content, and three behind.
            Event::CData(text) => self.write_verbatim(start + 9, text.len()),
            Event::GeneralRef(reference) => {
                let name = String::from_utf8_lossy(reference).into_owned();
                let character = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = || quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned);
                if let Some(text) = character.or_else(known) {
                    self.write(&text, start, end);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, name: &[u8]) {
        if matches!(name, b"item" | b"entry") {
            self.entry = Some(Entry::default());
            self.part = None;
            return;
        }
        if self.entry.is_none() || self.part.is_some() {
            return;
        }
        let part = match name {
            b"title" | b"description" | b"summary" | b"content" | b"encoded" => Part::Text,
            b"pubDate" | b"published" | b"updated" | b"date" => Part::Day,
            _ => return,
        };
        self.day.clear();
        self.part = Some((part, name.to_vec()));
    }

    fn close(&mut self, name: &[u8]) {
        if matches!(name, b"item" | b"entry") {
            self.entries.extend(self.entry.take());
            self.part = None;
            return;
        }
        let Some((part, _)) = self.part.take_if(|(_, open)| open.as_slice() == name) else { return };
        match part {
            Part::Text => self.break_paragraph(),
            Part::Day => {
                let day = parse_day(&self.day);
                if let Some(entry) = &mut self.entry {
                    entry.published = entry.published.or(day);
                }
            }
        }
    }

    fn break_paragraph(&mut self) {
        if let Some(entry) = &mut self.entry {
            let (text, map) = &mut entry.content;
            text.push_str("<p>");
            let end = map.source_of(map.text_end()..map.text_end()).start;
            map.push_replaced(3, end..end);
        }
    }

    fn write_verbatim(&mut self, start: usize, length: usize) {
        let text = self.source.get(start..start + length).unwrap_or_default();
        let Some((part, _)) = &self.part else { return };
        if *part == Part::Day {
            self.day.push_str(text);
        } else if let Some(entry) = &mut self.entry {
            entry.content.0.push_str(text);
            entry.content.1.push_verbatim(start..start + text.len());
        }
    }

    /// Writes the character of a reference.
    fn write(&mut self, text: &str, start: usize, end: usize) {
        if let Some((Part::Text, _)) = &self.part
            && let Some(entry) = &mut self.entry
        {
            entry.content.0.push_str(text);
            entry.content.1.push_replaced(text.len(), start..end);
        }
    }
}

/// A day as RSS (RFC 2822) or Atom (RFC 3339) writes it, in the zone that it names.
fn parse_day(text: &str) -> Option<Date> {
    let text = text.trim();
    let iso = || text.get(..10)?.parse().ok();
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.date()).or_else(iso)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const RSS: &str = "<?xml version=\"1.0\"?><rss><channel><title>Feed</title>\
                       <item><title>Tin &amp; zinc</title><description><![CDATA[<p>About tin]]></description>\
                       <pubDate>Tue, 20 May 2025 09:00:00 +0000</pubDate></item>\
                       <item><title>Lead</title></item></channel></rss>";

    #[test]
    fn entries_have_title_content_and_day() {
        let entries = read_feed(RSS).unwrap();
        assert_eq!(entries.len(), 2);
        let (text, map) = &entries[0].content;
        assert_eq!(text, "Tin & zinc<p><p>About tin<p>");
        assert_eq!(entries[0].published, Some(date(2025, 5, 20)));
        assert_eq!(entries[1].published, None);
        for part in ["Tin", "zinc", "About tin"] {
            let start = text.find(part).unwrap();
            assert_eq!(RSS.get(map.source_of(start..start + part.len())), Some(part));
        }
        let atom = "<feed><entry><title>T</title><updated>2025-05-20T09:00:00Z</updated></entry></feed>";
        assert_eq!(read_feed(atom).unwrap()[0].published, Some(date(2025, 5, 20)));
    }

    #[test]
    fn entities_that_multiply_are_not_expanded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\
                    <rss><item><title>&b;T</title></item></rss>";
        let entries = read_feed(bomb).unwrap();
        assert_eq!(entries[0].content.0, "T<p>");
    }

    #[test]
    fn deep_and_broken_feeds_are_refused_or_read() {
        let deep = read_feed(&"<a>".repeat(100)).unwrap_err().to_string();
        assert!(deep.contains("64"), "{deep}");
        assert!(read_feed("<rss><item><title>T</title></item").is_err());
        assert_eq!(read_feed("").unwrap().len(), 0);
    }
}
