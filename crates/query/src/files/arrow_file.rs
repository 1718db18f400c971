//! Rows as Apache Arrow, in its file format (also known as Feather, version 2).
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter as IpcWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use orewatch_contracts::Failure;

use super::pending::Pending;
use super::{Batch, ColumnKind, FileWriter, Heading, count_of, flag_of, number_of, text_of};
use crate::cell::Cell;

/// A file of Arrow.
pub(super) struct ArrowFile {
    headings: Vec<Heading>,
    schema: SchemaRef,
    writer: IpcWriter<Pending>,
    pending: Pending,
}

impl ArrowFile {
    /// Starts a file, with the notes as metadata of its schema.
    pub(super) fn new(headings: Vec<Heading>, notes: &[[String; 2]]) -> Result<Self, Failure> {
        let field = |heading: &Heading| Field::new(heading.name, data_type(heading.kind), true);
        let fields: Vec<Field> = headings.iter().map(field).collect();
        let notes: HashMap<String, String> =
            notes.iter().map(|[name, text]| (name.clone(), text.clone())).collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields).with_metadata(notes));
        let pending = Pending::default();
        let writer = IpcWriter::try_new(pending.clone(), &schema).map_err(broken)?;
        Ok(Self { headings, schema, writer, pending })
    }
}

impl FileWriter for ArrowFile {
    fn begin(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(self.pending.take())
    }

    fn add(&mut self, batch: Batch) -> Result<Vec<u8>, Failure> {
        let Batch::Rows(rows) = batch else {
            return Err(Failure::internal("rows of Arrow are values"));
        };
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let columns = self.headings.iter().enumerate();
        let columns: Vec<ArrayRef> =
            columns.map(|(place, heading)| array(heading.kind, &rows, place)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(broken)?;
        self.writer.write(&batch).map_err(broken)?;
        Ok(self.pending.take())
    }

    fn finish(&mut self) -> Result<Vec<u8>, Failure> {
        self.writer.finish().map_err(broken)?;
        Ok(self.pending.take())
    }
}

fn broken(error: ArrowError) -> Failure {
    Failure::internal(format!("arrow: {error}"))
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text => DataType::Utf8,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Count => DataType::Int64,
        ColumnKind::Flag => DataType::Boolean,
    }
}

/// The values of a column.
fn array(kind: ColumnKind, rows: &[Vec<Cell>], place: usize) -> ArrayRef {
    let cells = rows.iter().map(|row| row.get(place));
    match kind {
        ColumnKind::Text => Arc::new(cells.map(text_of).collect::<StringArray>()),
        ColumnKind::Number => Arc::new(cells.map(number_of).collect::<Float64Array>()),
        ColumnKind::Count => Arc::new(cells.map(count_of).collect::<Int64Array>()),
        ColumnKind::Flag => Arc::new(cells.map(flag_of).collect::<BooleanArray>()),
    }
}
