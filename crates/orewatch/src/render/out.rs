//! Standard output: data, in the form that was asked for.
use std::io::{self, ErrorKind, Write as _};

use comfy_table::Table;
use orewatch_runtime::{Class, Failure};
use serde::Serialize;

use super::plain::plain;
use super::record::{Row, write_csv};
use super::style::Style;
use crate::options::Format;

/// Width where standard output is no terminal.
const WIDTH: usize = 100;

/// Code of the failure that says that nobody reads any more.
const BROKEN_PIPE: &str = "broken-pipe";

/// Whether a failure only says that the reader of the output has gone.
pub(crate) fn is_broken_pipe(failure: &Failure) -> bool {
    failure.code == BROKEN_PIPE
}

/// Nobody reads any more.
pub(crate) fn broken_pipe() -> Failure {
    Failure::new(Class::Unavailable, BROKEN_PIPE, "nobody reads the output")
}

/// The way out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    /// Form of the answer.
    pub(crate) format: Format,
    /// Colour, if any.
    pub(crate) style: Style,
    /// Columns that a line may take.
    pub(crate) width: usize,
}

impl Out {
    /// A way out in this form, as wide as the terminal.
    pub(crate) fn new(format: Format, style: Style) -> Self {
        let width = Table::new().width().map_or(WIDTH, usize::from).clamp(60, 200);
        Self { format, style, width }
    }

    /// Writes text; what would act on the terminal shows as what it is. All that commands answer goes this way.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let text = plain(text, !self.style.is_plain());
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| unwritten(&error))
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

    /// Writes rows as csv without a header.
    pub(crate) fn csv_rows<R: Row>(&self, rows: &[R]) -> Result<(), Failure> {
        let text = write_csv(rows)?;
        self.text(text.split_once('\n').map_or("", |(_, rows)| rows))
    }

    /// Writes rows as csv with a header.
    pub(crate) fn csv<R: Row>(&self, rows: &[R]) -> Result<(), Failure> {
        self.text(&write_csv(rows)?)
    }
}

fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => broken_pipe(),
        ErrorKind::StorageFull => {
            Failure::new(Class::Exhausted, "output-full", format!("no room for the output: {error}"))
        }
        _ => Failure::new(Class::Unavailable, "output", format!("the output cannot be written: {error}")),
    }
}
