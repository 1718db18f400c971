//! Rows as an array of objects, one on each line, so that the file can be read in pieces.
use orewatch_contracts::Failure;
use serde::ser::{Serialize, Serializer};

use super::{Batch, FileWriter, Heading};
use crate::cell::Cell;

/// One row as an object.
struct RowObject<'a> {
    headings: &'a [Heading],
    cells: &'a [Cell],
}

impl Serialize for RowObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.headings.iter().map(|heading| heading.name).zip(self.cells))
    }
}

/// The objects of some rows, separated by commas.
pub(super) fn objects(headings: &[Heading], rows: &[Vec<Cell>]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    for cells in rows {
        if !text.is_empty() {
            text.extend_from_slice(b",\n");
        }
        let row = RowObject { headings, cells };
        serde_json::to_writer(&mut text, &row)
            .map_err(|error| Failure::internal(format!("json: {error}")))?;
    }
    Ok(text)
}

/// A file of objects.
#[derive(Default)]
pub(super) struct JsonFile {
    has_rows: bool,
}

impl FileWriter for JsonFile {
    fn begin(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(b"[\n".to_vec())
    }

    fn add(&mut self, batch: Batch) -> Result<Vec<u8>, Failure> {
        let Batch::Bytes(objects) = batch else {
            return Err(Failure::internal("rows of JSON were not prepared"));
        };
        if objects.is_empty() {
            return Ok(objects);
        }
        let is_first = !std::mem::replace(&mut self.has_rows, true);
        Ok(if is_first { objects } else { [b",\n".as_slice(), objects.as_slice()].concat() })
    }

    fn finish(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(b"\n]\n".to_vec())
    }
}
