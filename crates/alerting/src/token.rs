//! Resume and page tokens: opaque to callers, readable to us.
//!
//! A resume token is `s1` and 42 digits: position, flags, what it was given out for, and a check over all of them. Nothing of it
//! belongs to a process, so that it is good on every replica and after every restart. The check finds typing errors; it
//! is no secret, for a token says nothing that its owner may not know. The first tokens read `aPOSITION`; they stay readable.
use orewatch_contracts::alerting::v1::{AlertFilter, MatchOperator};
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Token of the whole history.
const BEGINNING: &str = "beginning";

/// What tokens of this version begin with.
const VERSION: &str = "s1";

/// Flags: the token is good for one filter only; its subscription began with a snapshot.
const BOUND: u8 = 1;
const MIRRORS: u8 = 2;

/// Sizes in bytes: position, flags, selector; and of the check.
const BODY: usize = 8 + 1 + SELECTOR;
const SELECTOR: usize = 8;
const CHECK: usize = 4;

/// What stands for a filter in a token: the same for filters that differ only in the order of what they list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selector([u8; SELECTOR]);

impl Selector {
    /// That of a filter. A field that a later version adds changes nothing where it is empty.
    #[must_use]
    pub(crate) fn of(filter: &AlertFilter) -> Self {
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
        Self(first(&Sha256::digest(filter.encode_to_vec())))
    }
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// From now on.
    Now,
    /// After what a token says.
    After(Resume),
}

/// What a resume token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Position of the alerts log after which to go on.
    pub(crate) position: Position,
    /// What the token was given out for. None: it is good for every filter.
    pub(crate) selector: Option<Selector>,
    /// The subscription began with a snapshot: it also tells what leaves the selection.
    pub(crate) mirrors: bool,
}

impl Resume {
    /// After a position, good for every filter.
    #[must_use]
    pub(crate) fn anywhere(position: Position) -> Self {
        Self { position, selector: None, mirrors: false }
    }

    /// The token.
    #[must_use]
    pub(crate) fn token(self) -> String {
        let flags = if self.selector.is_some() { BOUND } else { 0 } | if self.mirrors { MIRRORS } else { 0 };
        let Selector(selector) = self.selector.unwrap_or(Selector([0; SELECTOR]));
        let mut bytes = Vec::with_capacity(BODY + CHECK);
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.push(flags);
        bytes.extend_from_slice(&selector);
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        bytes.iter().fold(VERSION.to_owned(), |token, byte| format!("{token}{byte:02x}"))
    }

    /// Reads a token of any version.
    fn read(token: &str) -> Option<Self> {
        if let Some(digits) = token.strip_prefix(VERSION) {
            return Self::decode(&bytes(digits)?);
        }
        position(token).map(Self::anywhere)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, found) = bytes.split_at_checked(BODY)?;
        if found != check(body) {
            return None;
        }
        let (position, rest) = body.split_first_chunk::<8>()?;
        let (flags, selector) = rest.split_first()?;
        // A flag that a later version adds may change what follows: it is not passed over.
        if flags & !(BOUND | MIRRORS) != 0 {
            return None;
        }
        let selector = (flags & BOUND != 0).then(|| Selector(first(selector)));
        Some(Self { position: Position::from_be_bytes(*position), selector, mirrors: flags & MIRRORS != 0 })
    }
}

/// Reads a resume token that is used with a filter.
///
/// # Errors
/// [`Class::Invalid`] for a text that is none, and for a token that was given out for another filter.
pub(crate) fn start(token: &str, selector: Selector) -> Result<Start, Failure> {
    let resume = match token {
        "" => return Ok(Start::Now),
        BEGINNING => Resume::anywhere(0),
        token => Resume::read(token).ok_or_else(|| invalid("resume_token", token))?,
    };
    if resume.selector.is_some_and(|given_for| given_for != selector) {
        return Err(foreign(token));
    }
    Ok(Start::After(resume))
}

fn foreign(token: &str) -> Failure {
    let message = "this token was given out for another filter: what it passed over may match this one";
    Failure::new(Class::Invalid, "token-of-another-filter", message).at("resume_token", token).with_hint(
        "pass the filter that the token came with, or subscribe with a snapshot or from the `beginning`",
    )
}

/// Token of the page after an alert; `from` is what the first page rests on.
#[must_use]
pub(crate) fn page(from: Position, last: &str) -> String {
    format!("a{from}:{last}")
}

/// Reads a page token: what the first page rests on, and the alert after which the page begins.
///
/// # Errors
/// [`Class::Invalid`] for a text that is none.
pub(crate) fn read_page(token: &str) -> Result<Option<(Position, &str)>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts = token.split_once(':').and_then(|(from, last)| Some((position(from)?, last)));
    parts.map(Some).ok_or_else(|| invalid("page_token", token))
}

fn position(token: &str) -> Option<Position> {
    let digits = token.strip_prefix('a')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

pub(crate) fn invalid(field: &str, token: &str) -> Failure {
    let message = format!("{token:?} is no token that this service has given out");
    Failure::new(Class::Invalid, "invalid-token", message)
        .at(field, token)
        .with_hint("pass a token as it was received, or leave it empty")
}

/// Finds typing errors: one in four thousand million is not found.
fn check(body: &[u8]) -> [u8; CHECK] {
    first(&Sha256::new_with_prefix(VERSION).chain_update(body).finalize())
}

/// The first bytes; zeros where there are none.
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

/// The bytes of lower-case hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
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
        fn every_token_comes_back(position: u64, bytes: [u8; 8], bound: bool, mirrors: bool) {
            let resume = Resume { position, selector: bound.then_some(Selector(bytes)), mirrors };
            prop_assert_eq!(Resume::read(&resume.token()), Some(resume));
        }

        #[test]
        fn a_token_with_a_typing_error_is_refused(position: u64, at in 0_usize..44, with in "[ -~]") {
            let selector = Some(Selector::of(&AlertFilter::default()));
            let token = Resume { position, selector, mirrors: false }.token();
            let mut wrong = token.clone();
            wrong.replace_range(at..=at, &with);
            prop_assert_eq!(Resume::read(&wrong).is_some(), wrong == token, "{}", wrong);
            wrong.remove(at);
            prop_assert_eq!(Resume::read(&wrong), None, "{}", wrong);
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _any = start(&text, Selector::of(&AlertFilter::default()));
            let _any = read_page(&text);
        }
    }

    #[test]
    fn tokens_of_the_first_version_stay_readable() {
        let selector = Selector::of(&filter(&["JPN"], &[]));
        assert_eq!(start("a123", selector), Ok(Start::After(Resume::anywhere(123))));
        for wrong in ["a", "a-1", "a+1", "a1 ", "b1", "a99999999999999999999"] {
            assert_eq!(start(wrong, selector).unwrap_err().code, "invalid-token", "{wrong}");
        }
    }

    /// Written down: a change of how tokens are made would cut off every subscriber.
    #[test]
    fn tokens_of_this_version_stay_as_they_are() {
        let selector = Some(Selector::of(&filter(&["JPN", "DEU"], &["r"])));
        let resume = Resume { position: 513, selector, mirrors: true };
        assert_eq!(resume.token(), "s10000000000000201031356f272ff7715d44a07ba93");
    }

    #[test]
    fn a_token_is_good_for_its_filter_however_it_is_written() {
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
            let resume = Resume { position: 7, selector: Some(Selector::of(&a)), mirrors: false };
            let read = start(&resume.token(), Selector::of(&b));
            match read {
                Ok(read) => assert!(same && read == Start::After(resume)),
                Err(failure) => assert!(!same && failure.code == "token-of-another-filter", "{failure}"),
            }
        }
        let anywhere = Resume::anywhere(7);
        assert_eq!(
            start(&anywhere.token(), Selector::of(&filter(&["JPN"], &[]))),
            Ok(Start::After(anywhere))
        );
    }
}
