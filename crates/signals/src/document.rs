//! Documents: the bytes that a publisher sent, and the texts in them.

use jiff::civil::Date;

use crate::document_error::DocumentError;
use crate::encoding::decode;
use crate::feed::{Entry, read_feed};
use crate::html::read_page;
use crate::normalise::{join_lines, normalise_characters};
use crate::text::Text;

/// Largest document that is read, in bytes: 4 MiB. An article has some kilobytes.
pub const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// What is known of a document beside its bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Description<'a> {
    /// Media type, such as `text/html`. Parameters are ignored.
    pub media_type: &'a str,
    /// Label of the encoding. `None` if the sender does not say.
    pub encoding: Option<&'a str>,
    /// Day of publication. `None` if it is not known.
    pub published: Option<Date>,
}

/// A text with the day of its publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The title that an HTML page gives itself. Empty if there is none; it is no part of the text.
    pub title: String,
    /// Day of publication.
    pub published: Option<Date>,
    /// The text.
    pub text: Text,
}

/// Reads the texts of a document: one of a page or a plain text, one for each entry of a feed.
///
/// A PDF file is refused: taking the text out of one is the work of another program, whose result is sent as
/// plain text and kept beside the file.
///
/// # Errors
/// [`DocumentError`] if the document is too large, of an unknown kind, or no text in its encoding.
pub fn read_documents(bytes: &[u8], description: &Description<'_>) -> Result<Vec<Document>, DocumentError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLarge { bytes: bytes.len(), limit: MAX_DOCUMENT_BYTES });
    }
    let media_type = description.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let read: fn(Text, Option<Date>) -> Result<Vec<Document>, DocumentError> = match media_type.as_str() {
        "text/plain" | "text/markdown" => plain_text,
        "text/html" | "application/xhtml+xml" => page,
        "application/rss+xml" | "application/atom+xml" | "application/xml" | "text/xml" => feed,
        "application/pdf" => return Err(DocumentError::PdfWithoutText),
        _ => return Err(DocumentError::UnknownMediaType { media_type }),
    };
    read(decode(bytes, description.encoding)?, description.published)
}

fn plain_text(text: Text, published: Option<Date>) -> Result<Vec<Document>, DocumentError> {
    Ok(vec![Document { title: String::new(), published, text: normalised(&text) }])
}

fn page(text: Text, published: Option<Date>) -> Result<Vec<Document>, DocumentError> {
    let page = read_page(text.content());
    let body = text.then(page.body);
    Ok(vec![Document { title: page.title, published, text: normalised(&body) }])
}

fn feed(text: Text, published: Option<Date>) -> Result<Vec<Document>, DocumentError> {
    let entries = read_feed(text.content())?;
    let document = |entry: Entry| {
        let written = text.then(entry.content);
        let page = read_page(written.content());
        let body = written.then(page.body);
        Document { title: page.title, published: entry.published.or(published), text: normalised(&body) }
    };
    Ok(entries.into_iter().map(document).collect())
}

fn normalised(text: &Text) -> Text {
    let folded = text.then(normalise_characters(text.content()));
    folded.then(join_lines(folded.content()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], media_type: &str) -> Result<Vec<Document>, DocumentError> {
        read_documents(bytes, &Description { media_type, ..Description::default() })
    }

    #[test]
    fn what_cannot_be_read_says_why_and_what_to_do() {
        let large = vec![b'a'; MAX_DOCUMENT_BYTES + 1];
        for (bytes, media_type, expected) in [
            (large.as_slice(), "text/html", "4194305 bytes"),
            (b"%PDF".as_slice(), "application/pdf", "taken out first"),
            (b"x".as_slice(), "image/png", "image/png"),
            (b"\xff\xfdx".as_slice(), "text/plain", "byte 0"),
        ] {
            let error = read(bytes, media_type).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_entry_of_a_feed_leads_back_through_its_html() {
        let source = "<rss><item><title>Tin</title>\
                      <description>&lt;p&gt;Zinc &amp;amp; lead&lt;/p&gt;</description></item></rss>";
        let documents = read(source.as_bytes(), "application/rss+xml; charset=utf-8").unwrap();
        let text = &documents[0].text;
        assert_eq!(text.content(), "Tin\nZinc & lead");
        let start = text.content().find('&').unwrap();
        assert_eq!(source.get(text.source_of(start..start + 1)), Some("&amp;amp;"));
    }
}
