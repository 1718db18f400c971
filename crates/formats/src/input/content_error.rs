//! Why content cannot be read on.
//!
//! Readers are nested (file, decompression, checksum, csv), and the outermost sees an [`io::Error`] only. So
//! the reason travels inside of that error, and is taken out where the file and the line are known.
use std::{fmt, io};

use orewatch_contracts::Class;

use super::super::SourceError;

/// Why content cannot be read on.
#[derive(Clone, Debug)]
pub(super) struct ContentError {
    class: Class,
    code: &'static str,
    message: String,
    hint: String,
}

impl ContentError {
    /// Content that cannot be read.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { class: Class::Invalid, code, message: message.into(), hint: String::new() }
    }

    /// A file or disk that cannot be read, whatever its content.
    pub(super) fn unreadable(error: &io::Error) -> Self {
        let reason = Self::new("file-read-failed", format!("the file cannot be read: {error}"));
        Self { class: Class::Unavailable, ..reason }
    }

    /// Says what to do about it.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The reason inside of an error of a reader.
    pub(super) fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// The error of a file that could be read up to a line.
    pub(super) fn after_line(&self, file: &str, line: u64) -> SourceError {
        SourceError::new(self.code, file, line, format!("{}, after line {line}", self.message))
            .with_hint(self.hint.clone())
            .with_class(self.class)
    }

    /// The error of a file as a whole.
    pub(super) fn of_file(&self, file: &str) -> SourceError {
        SourceError::new(self.code, file, 0, self.message.clone())
            .with_hint(self.hint.clone())
            .with_class(self.class)
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ContentError {}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        Self::other(error)
    }
}
