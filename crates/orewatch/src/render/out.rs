//! Standard output in the chosen format. Everything that commands print as data goes through [`Out`].
use std::io::{self, ErrorKind, Write as _};

use comfy_table::Table;
use orewatch_contracts::{Class, Failure};
use serde::Serialize;

use super::plain::plain;
use super::style::Style;
use crate::options::Format;

/// Line width if standard output is not a terminal, in characters.
const DEFAULT_WIDTH: usize = 100;

/// Code of the failure when the reader of the output has closed it.
const BROKEN_PIPE: &str = "broken-pipe";

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
}

impl Out {
    /// Creates an output as wide as the terminal, between 60 and 200 characters.
    pub(crate) fn new(format: Format, style: Style) -> Self {
        let width = Table::new().width().map_or(DEFAULT_WIDTH, usize::from).clamp(60, 200);
        Self { format, style, width }
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
