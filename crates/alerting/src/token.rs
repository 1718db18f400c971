//! Resume and page tokens: opaque to callers, readable to us.
use orewatch_eventlog::Position;
use orewatch_runtime::{Class, Failure};

/// Token of the whole history.
const BEGINNING: &str = "beginning";

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// From now on.
    Now,
    /// After a position of the alerts log.
    After(Position),
}

/// Token to resume after a position.
#[must_use]
pub(crate) fn resume(position: Position) -> String {
    format!("a{position}")
}

/// Reads a resume token.
///
/// # Errors
/// [`Class::Invalid`] for a text that is none.
pub(crate) fn start(token: &str) -> Result<Start, Failure> {
    match token {
        "" => Ok(Start::Now),
        BEGINNING => Ok(Start::After(0)),
        token => position(token).map(Start::After).ok_or_else(|| invalid("resume_token", token)),
    }
}

/// Token of the page after an alert; `from` is what the first page rests on.
#[must_use]
pub(crate) fn page(from: Position, last: &str) -> String {
    format!("{}:{last}", resume(from))
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
    token.strip_prefix('a')?.parse().ok()
}

pub(crate) fn invalid(field: &str, token: &str) -> Failure {
    let message = format!("{token:?} is no token that this service has given out");
    Failure::new(Class::Invalid, "invalid-token", message)
        .at(field, token)
        .with_hint("pass a token as it was received, or leave it empty")
}
