//! Why a row is quarantined.
use std::borrow::Cow;

use orewatch_catalog::UnknownCode;
use orewatch_contracts::ingestion::v1::Rejection;

/// Characters of the offending value that are kept.
const MAX_VALUE_CHARS: usize = 200;

/// Longest row that is kept, in bytes.
const MAX_ROW_BYTES: usize = 2_000;

/// Why a row is not recorded. The quarantine adds file and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reject {
    /// Stable identifier of the reason.
    pub(super) code: Cow<'static, str>,
    column: String,
    value: String,
    reason: String,
    hint: String,
}

impl Reject {
    /// A reason with its code, the column that it is about (empty: the row as a whole) and the offending
    /// value.
    pub(super) fn new(
        code: impl Into<Cow<'static, str>>,
        column: &str,
        value: &str,
        reason: impl Into<String>,
    ) -> Self {
        let value = value.chars().take(MAX_VALUE_CHARS).collect();
        Self {
            code: code.into(),
            column: column.to_owned(),
            value,
            reason: reason.into(),
            hint: String::new(),
        }
    }

    /// A code that the catalogue does not know, explained by the catalogue.
    pub(super) fn unknown(column: &str, error: &UnknownCode) -> Self {
        Self::new(error.code(), column, &error.value, error.reason()).with_hint(error.hint())
    }

    /// A code that the catalogue does not know. If none is similar, all known codes are listed.
    pub(super) fn unlisted<'a>(
        column: &str,
        error: &UnknownCode,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let reject = Self::unknown(column, error);
        if !reject.hint.is_empty() {
            return reject;
        }
        reject.with_hint(format!("write one of {}", known.collect::<Vec<_>>().join(", ")))
    }

    /// Why, in one sentence.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// Says what to do about it.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The rejection as it is recorded.
    pub(super) fn into_rejection(self, file: &str, line: u64, text: &str) -> Rejection {
        let Self { code, column, value, reason, hint } = self;
        let text = if text.len() > MAX_ROW_BYTES { String::new() } else { text.to_owned() };
        Rejection { file: file.to_owned(), line, column, value, code: code.into_owned(), reason, hint, text }
    }
}
