//! One pass over a file of a plan: it is read from its beginning to its end, and must not have changed since
//! it was identified.
use super::SourceError;
use super::input::Content;
use super::plan::{Plan, Planned};
use super::sink::{Halt, RowSink};

/// Reads a file to its end.
///
/// # Errors
/// [`Halt`] if the file cannot be read, its content is not what was identified, or `out` takes no more rows.
pub(super) fn read_planned_file(
    plan: &Plan,
    file: &Planned,
    content: &mut Content,
    out: &mut dyn RowSink,
) -> Result<(), Halt> {
    plan.source.reader(&file.head, &file.part, &plan.setup)?.read(content, out)?;
    content.drain(&file.head.file)?;
    if content.check() == file.check { Ok(()) } else { Err(file_changed(&file.head.file).into()) }
}

/// The error of a file whose content is not what it was when it was identified.
pub(super) fn file_changed(file: &str) -> SourceError {
    SourceError::new("file-changed", file, 0, "the file changed while it was being read")
        .with_hint("nothing of it is visible; ingest it again when it is complete")
}
