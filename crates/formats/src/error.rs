//! Errors of files that cannot be read at all. A bad row is no error: it is a [`Reject`](super::Reject).
use std::fmt;

use orewatch_contracts::{Class, Failure};

/// A file that cannot be read: where, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// Whose fault it is: the content of a file is the user's, a failing disk is not.
    pub class: Class,
    /// Stable identifier, such as `missing-column`.
    pub code: &'static str,
    /// File name.
    pub file: String,
    /// Line, from 1; 0: the file as a whole.
    pub line: u64,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it; empty if the message says it all.
    pub hint: String,
    /// The column or key concerned; empty if none.
    pub column: String,
    /// The offending value; empty if none.
    pub value: String,
}

impl SourceError {
    /// Content that cannot be read.
    pub(crate) fn new(code: &'static str, file: &str, line: u64, message: impl Into<String>) -> Self {
        let [hint, column, value] = [const { String::new() }; 3];
        let (file, message) = (file.to_owned(), message.into());
        Self { class: Class::Invalid, code, file, line, message, hint, column, value }
    }

    /// Code of a file that has no rows below its header.
    pub(super) const NO_ROWS: &str = "no-rows";

    /// A file that has no rows below its header.
    pub(super) fn no_rows(file: &str, line: u64) -> Self {
        Self::new(Self::NO_ROWS, file, line, "the file has a header and no rows")
            .with_hint("is the download complete?")
    }

    /// A file whose header is not one of its format.
    pub(super) fn unknown_header(file: &str, line: u64) -> Self {
        Self::new("unknown-format", file, line, "the header is not one of this format")
    }

    /// A file in UTF-16, which is not read as lines or JSON.
    pub(super) fn utf16(file: &str) -> Self {
        Self::new("not-utf8", file, 1, "the file is UTF-16, not UTF-8").with_hint(
            "save it as `CSV UTF-8`, not as Unicode text; `iconv -f UTF-16 -t UTF-8 OLD > NEW` converts it",
        )
    }

    /// Says what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Names the column or key that the error is about, and its value.
    pub(crate) fn at(mut self, column: impl Into<String>, value: impl Into<String>) -> Self {
        self.column = column.into();
        self.value = value.into();
        self
    }

    /// Says whose fault it is, if it is not the content's.
    pub(crate) fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for SourceError {}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let failure = Self::new(error.class, error.code, error.to_string()).with_hint(error.hint);
        if error.column.is_empty() { failure } else { failure.at(error.column, error.value) }
    }
}
