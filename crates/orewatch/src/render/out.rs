//! Standard output in the chosen format. Everything that commands print as data goes through [`Out`].
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use comfy_table::Table;
use orewatch_contracts::{Class, Failure};
use orewatch_query::Dialect;
use serde::Serialize;

use super::plain::plain;
use super::style::Style;
use super::wrap::hanging;
use crate::options::Format;

/// Line width if standard output is not a terminal, in characters.
const DEFAULT_WIDTH: usize = 100;

/// Least and greatest line width, in characters.
const MIN_WIDTH: usize = 60;
const MAX_WIDTH: usize = 200;

/// Line width of messages on a terminal whose width is not known, in characters.
const MESSAGE_WIDTH: usize = 80;

/// Column in which further lines of a message begin.
const MESSAGE_MARGIN: usize = 2;

/// A message for standard error: control characters escaped, and on a terminal wrapped between words. In a
/// file each line stays whole, so that it can be searched.
pub(crate) fn to_stderr(message: &str) -> String {
    let text = plain(message, false);
    if !io::stderr().is_terminal() {
        return format!("{text}\n");
    }
    let width = Table::new().width().map_or(MESSAGE_WIDTH, usize::from).max(MIN_WIDTH);
    hanging(&text, width, MESSAGE_MARGIN)
}

/// Code of the failure when the reader of the output has closed it.
const BROKEN_PIPE: &str = "broken-pipe";

/// Code of the failure when an answer is empty and must not be.
const EMPTY: &str = "empty-answer";

/// Whether the failure only means that the answer is empty.
pub(crate) fn is_empty_answer(failure: &Failure) -> bool {
    failure.code == EMPTY
}

/// Whether the failure only means that the reader has closed the output.
pub(crate) fn is_broken_pipe(failure: &Failure) -> bool {
    failure.code == BROKEN_PIPE
}

/// The failure when the reader has closed the output.
pub(crate) fn broken_pipe() -> Failure {
    Failure::new(Class::Unavailable, BROKEN_PIPE, "the reader closed the output")
}

/// Output of a command: format, colour and width.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    /// Output format.
    pub(crate) format: Format,
    /// Whether to colour text.
    pub(crate) style: Style,
    /// Maximum line width, in characters.
    pub(crate) width: usize,
    /// How CSV is written.
    pub(crate) dialect: Dialect,
    /// Whether an empty answer is an error.
    pub(crate) fail_if_empty: bool,
}

impl Out {
    /// Creates an output as wide as the variable `COLUMNS` says, or as the terminal, between 60 and 200
    /// characters.
    pub(crate) fn new(format: Format, style: Style) -> Self {
        let wanted = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let width = wanted.or_else(|| Table::new().width().map(usize::from)).unwrap_or(DEFAULT_WIDTH);
        let width = width.clamp(MIN_WIDTH, MAX_WIDTH);
        Self { format, style, width, dialect: Dialect::Standard, fail_if_empty: false }
    }

    /// An output without colour, this many characters wide.
    #[cfg(test)]
    pub(crate) fn for_tests(width: usize) -> Self {
        Self { width, ..Self::new(Format::Table, Style::default()) }
    }

    /// Fails if there is nothing to show and the user asked for an error then.
    ///
    /// # Errors
    /// Code [`EMPTY`].
    pub(crate) fn require(&self, is_empty: bool) -> Result<(), Failure> {
        if self.fail_if_empty && is_empty {
            return Err(Failure::new(Class::NotFound, EMPTY, "the answer is empty"));
        }
        Ok(())
    }

    /// Writes CSV with its header. For Excel, it begins with a byte order mark, by which Excel knows UTF-8.
    pub(crate) fn csv_text(&self, text: &str) -> Result<(), Failure> {
        if self.dialect == Dialect::Excel {
            let written = io::stdout().lock().write_all("\u{feff}".as_bytes());
            written.map_err(|error| write_failure(&error))?;
        }
        self.text(text)
    }

    /// Writes text, with control characters escaped. All other writers use this one.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let text = plain(text, !self.style.is_plain());
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| write_failure(&error))
    }

    /// Writes one JSON document, indented.
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::internal(error.to_string()))?;
        self.text(&format!("{text}\n"))
    }

    /// Writes one JSON document as one line.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::internal(error.to_string()))?;
        self.text(&format!("{text}\n"))
    }
}

fn write_failure(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => broken_pipe(),
        ErrorKind::StorageFull => {
            Failure::new(Class::Exhausted, "output-full", format!("no space left for the output: {error}"))
        }
        _ => Failure::new(Class::Unavailable, "output-failed", format!("cannot write the output: {error}")),
    }
}
