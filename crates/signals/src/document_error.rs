//! Why documents cannot be read.

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The document is larger than the limit.
    #[error("the document has {bytes} bytes, more than {limit}: send the article alone")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// No reader knows the media type.
    #[error(
        "documents of the media type `{media_type}` are not read: send text/plain, text/html, RSS or Atom"
    )]
    UnknownMediaType {
        /// The media type.
        media_type: String,
    },
    /// A PDF file, whose text somebody has to take out first.
    #[error("the text of a PDF file has to be taken out first: send it as text/plain")]
    PdfWithoutText,
    /// No encoding has the label.
    #[error("there is no encoding `{label}`: declare one such as utf-8, gb18030 or shift_jis")]
    UnknownEncoding {
        /// The label.
        label: String,
    },
    /// Bytes are no characters in the encoding.
    #[error("byte {position} is no character in {encoding}: declare the encoding of the document")]
    Undecodable {
        /// Name of the encoding.
        encoding: &'static str,
        /// The first such byte, from 0.
        position: usize,
    },
    /// The XML of a feed is broken.
    #[error("byte {position} of the feed: {reason}")]
    InvalidXml {
        /// Where, from 0.
        position: usize,
        /// What is wrong.
        reason: String,
    },
    /// Elements of a feed are too deep within each other.
    #[error("byte {position} of the feed: more than {limit} elements within each other")]
    TooDeep {
        /// Where, from 0.
        position: usize,
        /// The limit.
        limit: usize,
    },
    /// A feed has too many entries.
    #[error("the feed has more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
}
