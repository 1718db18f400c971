//! Policy signals: what happens to the trade in critical materials, found in texts by rules.
//!
//! Export controls, agreements and investments are told in texts before statistics show them. This crate
//! reads a document and returns **candidates**: signals and claims, each field with the characters that say
//! it and the rule that read them. No model is called, and nothing is guessed: what the text leaves open is
//! missing or flagged. A candidate counts for nothing until a person or a structured source confirms it.
//!
//! ```
//! use jiff::civil::date;
//! use orewatch_signals::{Description, FieldName, extract, read_documents};
//!
//! let bytes = b"<p>China banned exports of gallium to the United&nbsp;States on 3 December, Reuters said.";
//! let published = Some(date(2024, 12, 4));
//! let description = Description { media_type: "text/html", published, ..Description::default() };
//! let documents = read_documents(bytes, &description).unwrap();
//! let text = &documents[0].text;
//! let found = extract(text.content(), documents[0].published);
//! let target = found.candidates[0].fields.iter().find(|field| field.name == FieldName::Target).unwrap();
//! assert_eq!(target.value.to_string(), "USA");
//! assert_eq!(&bytes[text.source_of(target.span.start..target.span.end)], b"United&nbsp;States");
//! ```
//!
//! The rules are tables in `rules/`; `rules` reads them. Reading order: `document` (bytes to texts), `facts`
//! (names, dates and amounts of a text), `extract` (what they make together), `merge` (one event in several
//! reports). `gdelt` reads a feed of coded events into the same candidates.
//!
//! Everything is pure: values in, values out, the same for the same input on every machine.

mod agents;
mod amounts;
mod claims;
mod dates;
mod document;
mod document_error;
mod encoding;
mod events;
mod extract;
mod facts;
mod feed;
mod gdelt;
mod html;
mod language;
mod merge;
mod name_class;
mod names;
mod normalise;
mod offsets;
mod parties;
mod rules;
mod sentences;
mod span;
mod speech;
mod text;
mod triggers;
mod value;

pub use document::{Description, Document, MAX_DOCUMENT_BYTES, read_documents};
pub use document_error::DocumentError;
pub use extract::{Extraction, extract};
pub use gdelt::{CodedEvent, GdeltError, read_gdelt};
pub use language::Language;
pub use merge::{Conflict, Report, Signal, merge};
pub use span::Span;
pub use text::Text;
pub use value::{Candidate, Days, Field, FieldName, Flag, Kind, Quantity, Value};
