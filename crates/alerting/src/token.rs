//! Resume and page tokens, which are opaque to callers.
//!
//! A resume token is `s1` and 42 hexadecimal digits: position, flags, digest of the filter, and a checksum
//! over all of them. It contains nothing of a process, so that it is valid on every replica and after every
//! restart. The checksum finds typing errors. It is no secret: a token says nothing that its owner may not
//! know. The first tokens had the form `aPOSITION`; they stay readable.
use orewatch_contracts::alerting::v1::{AlertFilter, MatchOperator};
use orewatch_contracts::page::invalid_token;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Token that stands for the beginning of the log.
const BEGINNING: &str = "beginning";

/// Prefix of version-1 resume tokens.
const VERSION: &str = "s1";

/// Flag: the token is valid for one filter only.
const BOUND_FLAG: u8 = 1;
/// Flag: the subscription began with a snapshot.
const MIRRORS_FLAG: u8 = 2;

/// Bytes of position, flags and selector.
const BODY_BYTES: usize = 8 + 1 + SELECTOR_BYTES;
const SELECTOR_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;

/// Digest of a filter in a token. It is the same for filters that differ only in the order of their lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selector([u8; SELECTOR_BYTES]);

impl Selector {
    /// The digest of a filter. A field that a later version adds does not change it while the field is empty.
    #[must_use]
    pub(crate) fn from_filter(filter: &AlertFilter) -> Self {
        let mut filter = filter.clone();
        let lists = [
            &mut filter.rules,
            &mut filter.consumers,
            &mut filter.materials,
            &mut filter.stages,
            &mut filter.suppliers,
            &mut filter.severities,
        ];
        for list in lists {
            list.sort_unstable();
            list.dedup();
        }
        filter.states.sort_unstable();
        filter.states.dedup();
        for matcher in &mut filter.matchers {
            if matcher.operator() == MatchOperator::Unspecified {
                matcher.set_operator(MatchOperator::Equal);
            }
        }
        filter.matchers.sort_unstable_by_key(prost::Message::encode_to_vec);
        filter.matchers.dedup();
        Self(first_bytes(&Sha256::digest(filter.encode_to_vec())))
    }
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the next event.
    Now,
    /// After the position of a token.
    After(ResumeToken),
}

/// The content of a resume token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResumeToken {
    /// Position of the alerts log after which to resume.
    pub(crate) position: Position,
    /// The filter that the token was issued for. None: it is valid for every filter.
    pub(crate) selector: Option<Selector>,
    /// The subscription began with a snapshot: it is also sent what leaves the selection.
    pub(crate) mirrors: bool,
}

impl ResumeToken {
    /// A token that is valid for every filter.
    #[must_use]
    pub(crate) fn for_any_filter(position: Position) -> Self {
        Self { position, selector: None, mirrors: false }
    }

    /// The token as text.
    #[must_use]
    pub(crate) fn encode(self) -> String {
        let bound = if self.selector.is_some() { BOUND_FLAG } else { 0 };
        let flags = bound | if self.mirrors { MIRRORS_FLAG } else { 0 };
        let Selector(selector) = self.selector.unwrap_or(Selector([0; SELECTOR_BYTES]));
        let mut bytes = Vec::with_capacity(BODY_BYTES + CHECKSUM_BYTES);
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.push(flags);
        bytes.extend_from_slice(&selector);
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes.iter().fold(VERSION.to_owned(), |token, byte| format!("{token}{byte:02x}"))
    }

    /// Parses a token of any version.
    fn parse(token: &str) -> Option<Self> {
        if let Some(digits) = token.strip_prefix(VERSION) {
            return Self::decode(&hex_bytes(digits)?);
        }
        parse_position(token).map(Self::for_any_filter)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, found) = bytes.split_at_checked(BODY_BYTES)?;
        if found != checksum(body) {
            return None;
        }
        let (position, rest) = body.split_first_chunk::<8>()?;
        let (flags, selector) = rest.split_first()?;
        // A flag of a later version may change the meaning of the rest: such a token is refused.
        if flags & !(BOUND_FLAG | MIRRORS_FLAG) != 0 {
            return None;
        }
        let selector = (flags & BOUND_FLAG != 0).then(|| Selector(first_bytes(selector)));
        Some(Self {
            position: Position::from_be_bytes(*position),
            selector,
            mirrors: flags & MIRRORS_FLAG != 0,
        })
    }
}

/// Parses a resume token that is used with a filter.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no token, and for a token that was issued for another filter.
pub(crate) fn parse_start(token: &str, selector: Selector) -> Result<Start, Failure> {
    let resume = match token {
        "" => return Ok(Start::Now),
        BEGINNING => ResumeToken::for_any_filter(0),
        token => ResumeToken::parse(token).ok_or_else(|| invalid_token("resume_token", token))?,
    };
    if resume.selector.is_some_and(|issued_for| issued_for != selector) {
        return Err(token_of_another_filter(token));
    }
    Ok(Start::After(resume))
}

fn token_of_another_filter(token: &str) -> Failure {
    let message = "this token was issued for another filter: events that it skipped may match this one";
    Failure::new(Class::Invalid, "token-of-another-filter", message).at("resume_token", token).with_hint(
        "pass the filter that the token came with, or subscribe with a snapshot or from the `beginning`",
    )
}

/// Token of the page after an alert. `as_of` is the position of the log when the first page was requested.
#[must_use]
pub(crate) fn alert_page_token(as_of: Position, last: &str) -> String {
    format!("a{as_of}:{last}")
}

/// Parses a token of a page of alerts: the position of the log when the first page was requested, and the
/// alert after which the page begins. None: it is the first page.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no token.
pub(crate) fn parse_alert_page_token(token: &str) -> Result<Option<(Position, &str)>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts = token.split_once(':').and_then(|(as_of, last)| Some((parse_position(as_of)?, last)));
    parts.map(Some).ok_or_else(|| invalid_token("page_token", token))
}

/// Token of the page after a rule.
#[must_use]
pub(crate) fn rule_page_token(last: &str) -> String {
    format!("r:{last}")
}

/// Parses a token of a page of rules: the rule after which the page begins. None: it is the first page.
///
/// # Errors
/// [`Class::Invalid`] for a text that is no token.
pub(crate) fn parse_rule_page_token(token: &str) -> Result<Option<&str>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    token.strip_prefix("r:").map(Some).ok_or_else(|| invalid_token("page_token", token))
}

fn parse_position(token: &str) -> Option<Position> {
    let digits = token.strip_prefix('a')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A checksum that misses one typing error in four thousand million.
fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    first_bytes(&Sha256::new_with_prefix(VERSION).chain_update(body).finalize())
}

/// The first `N` bytes, padded with zeros.
fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

/// The bytes of lower-case hexadecimal digits.
fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        || !digits.len().is_multiple_of(2)
    {
        return None;
    }
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::alerting::v1::Matcher;
    use proptest::prelude::*;

    use super::*;

    fn filter(consumers: &[&str], rules: &[&str]) -> AlertFilter {
        let list = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
        AlertFilter { consumers: list(consumers), rules: list(rules), ..AlertFilter::default() }
    }

    proptest! {
        #[test]
        fn a_token_parses_to_what_was_encoded(position: u64, bytes: [u8; 8], bound: bool, mirrors: bool) {
            let resume = ResumeToken { position, selector: bound.then_some(Selector(bytes)), mirrors };
            prop_assert_eq!(ResumeToken::parse(&resume.encode()), Some(resume));
        }

        #[test]
        fn a_token_with_a_typing_error_is_refused(position: u64, at in 0_usize..44, with in "[ -~]") {
            let selector = Some(Selector::from_filter(&AlertFilter::default()));
            let token = ResumeToken { position, selector, mirrors: false }.encode();
            let mut wrong = token.clone();
            wrong.replace_range(at..=at, &with);
            prop_assert_eq!(ResumeToken::parse(&wrong).is_some(), wrong == token, "{}", wrong);
            wrong.remove(at);
            prop_assert_eq!(ResumeToken::parse(&wrong), None, "{}", wrong);
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text: String) {
            let _any = parse_start(&text, Selector::from_filter(&AlertFilter::default()));
            let _any = parse_alert_page_token(&text);
            let _any = parse_rule_page_token(&text);
        }
    }

    #[test]
    fn tokens_of_the_first_version_stay_readable() {
        let selector = Selector::from_filter(&filter(&["JPN"], &[]));
        assert_eq!(parse_start("a123", selector), Ok(Start::After(ResumeToken::for_any_filter(123))));
        for wrong in ["a", "a-1", "a+1", "a1 ", "b1", "a99999999999999999999"] {
            assert_eq!(parse_start(wrong, selector).unwrap_err().code, "invalid-token", "{wrong}");
        }
    }

    /// A change of the encoding would invalidate the tokens of all subscribers.
    #[test]
    fn the_encoding_of_tokens_does_not_change() {
        let selector = Some(Selector::from_filter(&filter(&["JPN", "DEU"], &["r"])));
        let resume = ResumeToken { position: 513, selector, mirrors: true };
        assert_eq!(resume.encode(), "s10000000000000201031356f272ff7715d44a07ba93");
    }

    #[test]
    fn a_token_is_valid_for_its_filter_in_any_order() {
        let matcher = |operator: MatchOperator| AlertFilter {
            matchers: vec![Matcher {
                field: "owner".to_owned(),
                operator: operator.into(),
                value: "x".to_owned(),
            }],
            ..AlertFilter::default()
        };
        for (a, b, same) in [
            (filter(&["JPN", "DEU"], &[]), filter(&["DEU", "JPN", "JPN"], &[]), true),
            (filter(&["JPN"], &[]), filter(&["DEU"], &[]), false),
            (filter(&["JPN"], &[]), filter(&[], &["JPN"]), false),
            (filter(&["JPN"], &[]), filter(&[], &[]), false),
            (matcher(MatchOperator::Unspecified), matcher(MatchOperator::Equal), true),
            (matcher(MatchOperator::NotEqual), matcher(MatchOperator::Equal), false),
        ] {
            let resume =
                ResumeToken { position: 7, selector: Some(Selector::from_filter(&a)), mirrors: false };
            let read = parse_start(&resume.encode(), Selector::from_filter(&b));
            match read {
                Ok(read) => assert!(same && read == Start::After(resume)),
                Err(failure) => assert!(!same && failure.code == "token-of-another-filter", "{failure}"),
            }
        }
        let anywhere = ResumeToken::for_any_filter(7);
        assert_eq!(
            parse_start(&anywhere.encode(), Selector::from_filter(&filter(&["JPN"], &[]))),
            Ok(Start::After(anywhere))
        );
    }
}
