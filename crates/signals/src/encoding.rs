//! Bytes to text: the encoding of a document, and from which bytes each character was decoded.
//!
//! The encoding is the one of a byte order mark, else the declared one, else the one that the document
//! declares itself, else UTF-8. Nothing is guessed, and nothing is replaced: bytes that are no characters in
//! the encoding are an error.

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::document_error::DocumentError;
use crate::offsets::OffsetMap;
use crate::text::Text;

/// Bytes at the beginning of a document in which it may declare its encoding, as browsers read them.
const MAX_DECLARATION: usize = 1024;

/// Decodes a document. `declared` is the encoding that its sender declares.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Result<Text, DocumentError> {
    let (encoding, skipped) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, length),
        None => (declared_encoding(bytes, declared)?, 0),
    };
    let rest = bytes.get(skipped..).unwrap_or_default();
    if encoding == UTF_8 {
        return decode_utf8(rest, skipped);
    }
    decode_other(rest, skipped, encoding)
}

fn declared_encoding(bytes: &[u8], declared: Option<&str>) -> Result<&'static Encoding, DocumentError> {
    let own = || own_declaration(bytes);
    let Some(label) = declared.map(str::to_owned).or_else(own) else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes()).ok_or(DocumentError::UnknownEncoding { label })
}

/// The label behind `charset=` or `encoding=` at the beginning of a document.
fn own_declaration(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..MAX_DECLARATION.min(bytes.len())).unwrap_or_default();
    let head: String = head.iter().map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    let markup = head.trim_start().starts_with('<');
    let place = head.find("charset=").map(|at| at + 8).or_else(|| head.find("encoding=").map(|at| at + 9))?;
    let rest = head.get(place..)?.trim_start_matches(['"', '\'']);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':' | '.');
    let label: String = rest.chars().take_while(|letter| is_part(*letter)).collect();
    (markup && !label.is_empty()).then_some(label)
}

fn decode_utf8(bytes: &[u8], skipped: usize) -> Result<Text, DocumentError> {
    let content = std::str::from_utf8(bytes).map_err(|error| DocumentError::Undecodable {
        encoding: UTF_8.name(),
        position: skipped + error.valid_up_to(),
    })?;
    let mut map = OffsetMap::default();
    map.push_verbatim(skipped..skipped + bytes.len());
    Ok(Text::from_decoded(content.to_owned(), map))
}

/// Decodes byte by byte: whenever characters come out, they are those of the bytes since the last ones.
fn decode_other(bytes: &[u8], skipped: usize, encoding: &'static Encoding) -> Result<Text, DocumentError> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut content = String::new();
    let mut map = OffsetMap::default();
    let mut taken = 0;
    for position in 0..=bytes.len() {
        let is_last = position == bytes.len();
        let piece = bytes.get(position..(position + 1).min(bytes.len())).unwrap_or_default();
        let mut out = String::with_capacity(64);
        let (result, _) = decoder.decode_to_string_without_replacement(piece, &mut out, is_last);
        if !matches!(result, DecoderResult::InputEmpty) {
            return Err(DocumentError::Undecodable { encoding: encoding.name(), position: skipped + taken });
        }
        if !out.is_empty() {
            let end = (position + 1).min(bytes.len());
            map.push_replaced(out.len(), skipped + taken..skipped + end);
            content.push_str(&out);
            taken = end;
        }
    }
    Ok(Text::from_decoded(content, map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_lead_to_their_bytes_in_any_encoding() {
        // "镓 Ga" in GB 18030.
        let bytes = [0xef, 0xd8, b' ', b'G', b'a'];
        let text = decode(&bytes, Some("gb18030")).unwrap();
        assert_eq!(text.content(), "镓 Ga");
        assert_eq!(text.source_of(0..3), 0..2);
        assert_eq!(text.source_of(4..6), 3..5);
    }

    #[test]
    fn a_byte_order_mark_is_no_character() {
        let text = decode("\u{feff}tin".as_bytes(), None).unwrap();
        assert_eq!(text.content(), "tin");
        assert_eq!(text.source_of(0..3), 3..6);
        let utf16: Vec<u8> = [0xff, 0xfe, b't', 0, b'i', 0, b'n', 0].to_vec();
        let text = decode(&utf16, None).unwrap();
        assert_eq!(text.content(), "tin");
        assert_eq!(text.source_of(1..2), 4..6);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let refused = |bytes: &[u8], label| decode(bytes, label).unwrap_err().to_string();
        assert!(refused(b"caf\xe9", None).contains("byte 3"));
        assert!(refused(b"x", Some("klingon")).contains("klingon"));
        let page = b"<meta charset=windows-1252>caf\xe9";
        assert!(decode(page, None).unwrap().content().ends_with("café"));
    }
}
