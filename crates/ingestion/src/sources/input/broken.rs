//! Why bytes cannot be read on, carried through readers as an error of theirs.
use std::{fmt, io};

use orewatch_runtime::Class;

use super::super::SourceError;

/// Why bytes cannot be read on.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    class: Class,
    code: &'static str,
    message: String,
    hint: String,
}

impl Broken {
    /// Content that cannot be read.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { class: Class::Invalid, code, message: message.into(), hint: String::new() }
    }

    /// A file or disk that cannot be read, whatever it holds.
    pub(super) fn unreadable(error: &io::Error) -> Self {
        let broken = Self::new("file-not-readable", format!("the file cannot be read: {error}"));
        Self { class: Class::Unavailable, ..broken }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// What an error of a reader carries.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// The error of a file, after a line.
    pub(super) fn after(&self, file: &str, line: u64) -> SourceError {
        SourceError::new(self.code, file, line, format!("{}, after line {line}", self.message))
            .with_hint(self.hint.clone())
            .of_class(self.class)
    }

    /// The error of a file as a whole.
    pub(super) fn whole(&self, file: &str) -> SourceError {
        SourceError::new(self.code, file, 0, self.message.clone())
            .with_hint(self.hint.clone())
            .of_class(self.class)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::other(broken)
    }
}
