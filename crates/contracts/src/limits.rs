//! Checks the limits of a request on its bytes, before any of it is decoded.
//!
//! The limits are options of the contracts' fields (`orewatch/common/v1/limits.proto`), which the build
//! writes as tables. The check reads tags, lengths and texts; a packed column of numbers is skipped as one
//! piece.

use std::fmt;

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::text::first_hidden;

/// Upper bound on the nesting of messages, as in prost.
const MAX_DEPTH: usize = 100;

/// Upper bound on texts and messages in all lists of a request together: an empty one takes two bytes of the
/// request and a hundred of memory.
const MAX_ITEMS_IN_ALL: usize = 262_144;

/// Upper bound on the fields with limits of one message; the build checks it.
const MAX_COUNTED: usize = 32;

/// The fields of a message that have limits.
pub(crate) type Message = &'static [Field];

/// A field with a limit.
#[derive(Debug)]
pub(crate) struct Field {
    number: u32,
    name: &'static str,
    kind: Kind,
    /// Upper bound on entries.
    max: u32,
    /// Whether it is a list or a map.
    many: bool,
}

/// Type of a field, as far as limits go.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A text or a piece of bytes, with its upper bound in bytes.
    Text(usize, Letters),
    /// The message at an index of [`MESSAGES`].
    Part(usize),
    /// A list of numbers, with the bytes of each. 0: one to ten bytes.
    Numbers(usize),
}

/// The characters that a text may have.
#[derive(Clone, Copy, Debug)]
enum Letters {
    /// Any: the text is kept as somebody else wrote it, or it is not a text.
    Any,
    /// Visible characters, line feeds and tabs.
    Lines,
    /// Visible characters.
    Line,
}

impl Letters {
    /// The first character that the text may not have. Bytes that are no text fail later, in decoding.
    fn first_hidden(self, text: &[u8]) -> Option<char> {
        match self {
            Self::Any => None,
            Self::Lines => first_hidden(str::from_utf8(text).ok()?, true),
            Self::Line => first_hidden(str::from_utf8(text).ok()?, false),
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/limits.rs"));

/// The limits of a request, by package and name. `None`: the message is no request.
pub(crate) fn for_request(package: &str, name: &str) -> Option<Message> {
    let full = |entry: &&(&str, usize)| {
        entry.0.strip_prefix(package).and_then(|rest| rest.strip_prefix('.')) == Some(name)
    };
    REQUESTS.iter().find(full).and_then(|(_, place)| MESSAGES.get(*place)).copied()
}

/// A part of a request that is beyond its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    /// Path of the field: `filter.consumers`.
    pub(crate) field: String,
    pub(crate) kind: ExcessKind,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExcessKind {
    /// A text has `bytes` bytes where at most `max` are allowed.
    TooLong { bytes: usize, max: usize },
    /// A list has more than `max` entries.
    TooMany { max: usize },
    /// A text has a character that acts instead of showing.
    Hidden { letter: char },
    /// The bytes are not protobuf.
    Undecodable,
}

impl fmt::Display for ExcessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, max } => write!(f, "{bytes} bytes are given where at most {max} may be"),
            Self::TooMany { max: 1 } => f.write_str("one part is given twice"),
            Self::TooMany { max } => write!(f, "more than {max} entries are given"),
            Self::Hidden { letter } => {
                write!(f, "the character U+{:04X} acts instead of showing", u32::from(*letter))
            }
            Self::Undecodable => f.write_str("the bytes of the request are no protobuf of this kind"),
        }
    }
}

/// Checks an encoded request.
///
/// # Errors
/// The first part that is beyond its limit, or that is not protobuf.
pub(crate) fn check(bytes: &[u8], message: Message) -> Result<(), Excess> {
    let mut walk = Walk { path: Vec::new(), items: 0 };
    walk.message(bytes, message).map_err(|kind| Excess { field: walk.path.join("."), kind })
}

/// A walk through the bytes of a request. After an error `path` leads to the field.
struct Walk {
    path: Vec<&'static str>,
    /// Number of texts and messages in lists so far.
    items: usize,
}

impl Walk {
    fn message(&mut self, mut rest: &[u8], message: Message) -> Result<(), ExcessKind> {
        if self.path.len() > MAX_DEPTH {
            return Err(ExcessKind::Undecodable);
        }
        let mut counts = [0_usize; MAX_COUNTED];
        while !rest.is_empty() {
            let (number, wire) = decode_key(&mut rest).map_err(|_| ExcessKind::Undecodable)?;
            let value = value(&mut rest, wire)?;
            let place = message.iter().position(|field| field.number == number);
            let Some((field, count)) =
                place.and_then(|place| Some((message.get(place)?, counts.get_mut(place)?)))
            else {
                continue;
            };
            self.path.push(field.name);
            self.field(field, wire, value, count)?;
            self.path.pop();
        }
        Ok(())
    }

    fn field(
        &mut self,
        field: &Field,
        wire: WireType,
        value: &[u8],
        count: &mut usize,
    ) -> Result<(), ExcessKind> {
        let max = usize::try_from(field.max).unwrap_or(usize::MAX);
        *count += match (field.kind, wire) {
            (Kind::Numbers(size), WireType::LengthDelimited) => count_numbers(value, size, max),
            _ => 1,
        };
        // Of a text that is given twice the last one counts, but two messages are merged into one.
        let bounded = field.many || matches!(field.kind, Kind::Part(_));
        if bounded && *count > max {
            return Err(ExcessKind::TooMany { max });
        }
        match field.kind {
            Kind::Text(max, _) if value.len() > max => {
                return Err(ExcessKind::TooLong { bytes: value.len(), max });
            }
            Kind::Text(_, letters) => {
                if let Some(letter) = letters.first_hidden(value) {
                    return Err(ExcessKind::Hidden { letter });
                }
            }
            Kind::Numbers(_) => return Ok(()),
            Kind::Part(_) => {}
        }
        self.items += usize::from(field.many);
        if self.items > MAX_ITEMS_IN_ALL {
            return Err(ExcessKind::TooMany { max: MAX_ITEMS_IN_ALL });
        }
        match field.kind {
            Kind::Part(place) if wire == WireType::LengthDelimited => {
                MESSAGES.get(place).map_or(Ok(()), |part| self.message(value, part))
            }
            _ => Ok(()),
        }
    }
}

/// Counts the numbers in a packed piece. Returns 0 without counting where its bytes cannot hold more than
/// `max`.
fn count_numbers(packed: &[u8], size: usize, max: usize) -> usize {
    match size {
        0 if packed.len() <= max => 0,
        // The last byte of each number has no continuation bit.
        0 => packed.iter().filter(|byte| **byte < 0x80).count(),
        size => packed.len() / size,
    }
}

/// Takes the value of a field off the bytes. Empty for a number of variable length.
fn value<'a>(rest: &mut &'a [u8], wire: WireType) -> Result<&'a [u8], ExcessKind> {
    let length = match wire {
        WireType::Varint => {
            return decode_varint(rest).map(|_| &[][..]).map_err(|_| ExcessKind::Undecodable);
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => {
            let length = decode_varint(rest).map_err(|_| ExcessKind::Undecodable)?;
            usize::try_from(length).map_err(|_| ExcessKind::Undecodable)?
        }
        // Groups are a form of protobuf 2.
        WireType::StartGroup | WireType::EndGroup => return Err(ExcessKind::Undecodable),
    };
    let (value, after) = rest.split_at_checked(length).ok_or(ExcessKind::Undecodable)?;
    *rest = after;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::v1::{Condition, Conditions, PutRuleRequest, Rule, condition};
    use crate::exposure::v1::{ExposureFilter, QueryExposuresRequest};
    use crate::ingestion::v1::record_observations_request::Rows;
    use crate::ingestion::v1::{ObservationsRecorded, RecordObservationsRequest, TradeColumns};
    use prost::{Message as _, Name};

    fn checked<M: prost::Message + Name>(message: &M) -> Result<(), Excess> {
        check(&message.encode_to_vec(), for_request(M::PACKAGE, M::NAME).unwrap())
    }

    fn query(consumers: Vec<String>) -> QueryExposuresRequest {
        let filter = ExposureFilter { consumers, ..ExposureFilter::default() };
        QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() }
    }

    fn excess(field: &str, kind: ExcessKind) -> Result<(), Excess> {
        Err(Excess { field: field.to_owned(), kind })
    }

    #[test]
    fn texts_and_lists_beyond_their_limits_are_refused() {
        assert_eq!(checked(&query(vec!["x".repeat(1024); 1000])), Ok(()));
        let long = checked(&query(vec!["x".repeat(1 << 20)]));
        assert_eq!(long, excess("filter.consumers", ExcessKind::TooLong { bytes: 1 << 20, max: 1024 }));
        let many = checked(&query(vec![String::new(); 1001]));
        assert_eq!(many, excess("filter.consumers", ExcessKind::TooMany { max: 1000 }));
        let rule = |text: usize, cel: usize| {
            let kind = Some(condition::Kind::Cel("x".repeat(cel)));
            let condition = Some(Condition { kind, ..Condition::default() });
            let rule = Rule { text: "x".repeat(text), when: condition, ..Rule::default() };
            checked(&PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() })
        };
        assert_eq!(rule(16_384, 4_096), Ok(()));
        assert_eq!(rule(16_385, 0), excess("rule.text", ExcessKind::TooLong { bytes: 16_385, max: 16_384 }));
        assert_eq!(rule(0, 5_000), excess("rule.when.cel", ExcessKind::TooLong { bytes: 5_000, max: 4_096 }));
    }

    #[test]
    fn hidden_characters_are_refused() {
        let rule = |title: &str, text: &str| {
            let rule = Rule { title: title.to_owned(), text: text.to_owned(), ..Rule::default() };
            checked(&PutRuleRequest {
                rule: Some(rule),
                actor: "ann".to_owned(),
                ..PutRuleRequest::default()
            })
        };
        assert_eq!(rule("More than 65 % of Québec's 石墨", "one\n\ttwo"), Ok(()));
        for letter in ['\0', '\u{1b}', '\r', '\n', '\u{9b}', '\u{202e}'] {
            let found = rule(&format!("a{letter}b"), "");
            assert_eq!(found, excess("rule.title", ExcessKind::Hidden { letter }));
        }
        assert_eq!(rule("", "one\r\ntwo"), excess("rule.text", ExcessKind::Hidden { letter: '\r' }));
        let actor = PutRuleRequest { actor: "ann\u{1b}[2J".to_owned(), ..PutRuleRequest::default() };
        assert_eq!(checked(&actor), excess("actor", ExcessKind::Hidden { letter: '\u{1b}' }));
        let labels = [("team".to_owned(), "a\rb".to_owned())].into();
        let labelled =
            PutRuleRequest { rule: Some(Rule { labels, ..Rule::default() }), ..PutRuleRequest::default() };
        assert!(matches!(checked(&labelled).unwrap_err().kind, ExcessKind::Hidden { letter: '\r' }));
    }

    #[test]
    fn a_message_that_is_sent_in_parts_counts_as_one() {
        // Decoders merge both filters.
        let half = query(vec!["USA".to_owned(); 600]).encode_to_vec();
        let limits = for_request("orewatch.exposure.v1", "QueryExposuresRequest").unwrap();
        assert_eq!(check(&half, limits), Ok(()));
        let twice = check(&[&half[..], &half[..]].concat(), limits);
        assert_eq!(twice, excess("filter", ExcessKind::TooMany { max: 1 }));
    }

    #[test]
    fn nested_lists_and_messages_are_bounded() {
        let leaves = |count| Conditions { conditions: vec![Condition::default(); count] };
        let all =
            |conditions| Condition { kind: Some(condition::Kind::All(conditions)), ..Condition::default() };
        let wide = Conditions { conditions: vec![all(leaves(1000)); 300] };
        let rule = Rule { when: Some(all(wide)), ..Rule::default() };
        let found = checked(&PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() }).unwrap_err();
        assert_eq!(found.kind, ExcessKind::TooMany { max: MAX_ITEMS_IN_ALL });
        let mut deep = Condition::default();
        for _ in 0..200 {
            deep = all(Conditions { conditions: vec![deep] });
        }
        let rule = Rule { when: Some(deep), ..Rule::default() };
        let found = checked(&PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() }).unwrap_err();
        assert_eq!(found.kind, ExcessKind::Undecodable);
    }

    fn chunk(rows: usize) -> RecordObservationsRequest {
        let columns = TradeColumns {
            economies: vec!["USA".to_owned(); 250],
            period: vec![1; rows],
            exporter: vec![200; rows],
            value: vec![1.5; rows],
            value_scaled: vec![1 << 40; rows],
            ..TradeColumns::default()
        };
        let columns = Some(crate::ingestion::v1::observations_recorded::Columns::Trade(columns));
        let rows = Rows::Observations(ObservationsRecorded { columns, ..ObservationsRecorded::default() });
        RecordObservationsRequest { rows: Some(rows), ..RecordObservationsRequest::default() }
    }

    #[test]
    fn a_packed_column_is_counted() {
        assert_eq!(checked(&chunk(65_536)), Ok(()));
        let found = checked(&chunk(65_537)).unwrap_err();
        assert_eq!(
            (&*found.field, found.kind),
            ("observations.trade.period", ExcessKind::TooMany { max: 65_536 })
        );
    }

    #[test]
    fn bytes_that_are_not_protobuf_are_undecodable() {
        let limits = for_request("orewatch.exposure.v1", "QueryExposuresRequest").unwrap();
        for bytes in [&[0xff; 16][..], b"not protobuf", &[0x0a, 0x7f], &[0x0b, 0x0c], &[0x0a]] {
            assert_eq!(check(bytes, limits).unwrap_err().kind, ExcessKind::Undecodable, "{bytes:?}");
        }
        assert!(
            for_request("orewatch.exposure.v1", "QueryExposuresResponse").is_none(),
            "answers have no limits"
        );
        assert_eq!(check(&[0x98, 0x3f, 0x01], limits), Ok(()), "a field of a later version");
    }

    /// `cargo test -p orewatch-contracts --release -- --ignored --nocapture checking_costs`.
    #[test]
    #[ignore = "a measurement"]
    fn checking_costs_little_beside_decoding() {
        let bytes = chunk(65_536).encode_to_vec();
        let limits = for_request("orewatch.ingestion.v1", "RecordObservationsRequest").unwrap();
        let time = |work: &dyn Fn()| {
            let begun = std::time::Instant::now();
            (0..20).for_each(|_| work());
            begun.elapsed() / 20
        };
        let checking = time(&|| check(std::hint::black_box(&bytes), limits).unwrap());
        let decoding = time(&|| drop(RecordObservationsRequest::decode(&bytes[..]).unwrap()));
        println!("{} bytes: checked in {checking:?}, decoded in {decoding:?}", bytes.len());
    }
}
