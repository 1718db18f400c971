//! Tokens and sizes of pages.

use orewatch_contracts::{Class, Failure};
use uuid::Uuid;

use crate::query::Cursor;

/// A page token: where the next page begins, and the request that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageToken {
    pub(crate) binding: Uuid,
    pub(crate) position: u64,
    pub(crate) cursor: Cursor,
}

impl PageToken {
    pub(crate) fn text(self) -> String {
        let Self { binding, position, cursor } = self;
        format!("{}.{position}.{}.{}", binding.simple(), cursor.part, cursor.offset)
    }

    /// Reads a token. `None`: it is empty, for the first page.
    pub(crate) fn parse(text: &str, binding: Uuid) -> Result<Option<Self>, Failure> {
        if text.is_empty() {
            return Ok(None);
        }
        let invalid = |message: &str| {
            Failure::new(Class::Invalid, "invalid-token", message)
                .with_hint(
                    "repeat the request of the first page with its `next_page_token`, or begin without one",
                )
                .at("page_token", text)
        };
        let token = Self::read(text).ok_or_else(|| invalid("this is no page token"))?;
        if token.binding != binding {
            return Err(invalid("this page token belongs to another filter or time"));
        }
        Ok(Some(token))
    }

    fn read(text: &str) -> Option<Self> {
        let mut markets = text.split('.');
        let binding = Uuid::try_parse(markets.next()?).ok()?;
        let position = markets.next()?.parse().ok()?;
        let cursor = Cursor { part: markets.next()?.parse().ok()?, offset: markets.next()?.parse().ok()? };
        markets.next().is_none().then_some(Self { binding, position, cursor })
    }
}

/// The limit that a request asks for, or the default for 0.
pub(crate) fn limit(requested: u32, default: u32, max: u32, field: &str) -> Result<usize, Failure> {
    let limit = if requested == 0 { default } else { requested };
    if limit > max {
        let message = format!("at most {max} can be asked for at a time");
        return Err(Failure::new(Class::Invalid, "too-many", message).at(field, limit.to_string()));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}
