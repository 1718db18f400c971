//! Rows as Apache Parquet, in groups of columns.
use std::sync::Arc;

use orewatch_contracts::Failure;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::pending::Pending;
use super::{Batch, ColumnKind, FileWriter, Heading, count_of, flag_of, number_of, text_of};
use crate::cell::Cell;

/// Rows of a group: enough for readers to be quick, few enough to be held in memory.
const GROUP_ROWS: usize = 8_192;

/// A file of Parquet.
pub(super) struct ParquetFile {
    headings: Vec<Heading>,
    writer: SerializedFileWriter<Pending>,
    pending: Pending,
    /// Rows that wait for their group to be full.
    rows: Vec<Vec<Cell>>,
}

impl ParquetFile {
    /// Starts a file, with the notes among its metadata.
    pub(super) fn new(headings: Vec<Heading>, notes: &[[String; 2]]) -> Result<Self, Failure> {
        let pending = Pending::default();
        let notes = notes.iter().map(|[name, text]| KeyValue::new(name.clone(), text.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("orewatch ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(notes))
            .build();
        let schema = Arc::new(schema(&headings).map_err(broken)?);
        let writer =
            SerializedFileWriter::new(pending.clone(), schema, Arc::new(properties)).map_err(broken)?;
        Ok(Self { headings, writer, pending, rows: Vec::new() })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.writer.next_row_group()?;
        for (place, heading) in self.headings.iter().enumerate() {
            let Some(mut column) = group.next_column()? else { break };
            write_column(&mut column, heading.kind, rows.iter().map(|row| row.get(place)))?;
            column.close()?;
        }
        group.close()?;
        self.writer.flush()?;
        Ok(())
    }
}

impl FileWriter for ParquetFile {
    fn begin(&mut self) -> Result<Vec<u8>, Failure> {
        self.writer.flush().map_err(|error| broken(error.into()))?;
        Ok(self.pending.take())
    }

    fn add(&mut self, batch: Batch) -> Result<Vec<u8>, Failure> {
        let Batch::Rows(rows) = batch else {
            return Err(Failure::internal("rows of Parquet are values"));
        };
        self.rows.extend(rows);
        if self.rows.len() >= GROUP_ROWS {
            self.write_group().map_err(broken)?;
        }
        Ok(self.pending.take())
    }

    fn finish(&mut self) -> Result<Vec<u8>, Failure> {
        self.write_group().map_err(broken)?;
        self.writer.finish().map_err(broken)?;
        self.writer.flush().map_err(|error| broken(error.into()))?;
        Ok(self.pending.take())
    }
}

fn broken(error: ParquetError) -> Failure {
    Failure::internal(format!("parquet: {error}"))
}

fn schema(headings: &[Heading]) -> Result<Type, ParquetError> {
    let fields: Result<Vec<_>, ParquetError> = headings
        .iter()
        .map(|heading| {
            let (physical, logical) = match heading.kind {
                ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                ColumnKind::Number => (Physical::DOUBLE, None),
                ColumnKind::Count => (Physical::INT64, None),
                ColumnKind::Flag => (Physical::BOOLEAN, None),
            };
            let field = Type::primitive_type_builder(heading.name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()?;
            Ok(Arc::new(field))
        })
        .collect();
    Type::group_type_builder("rows").with_fields(fields?).build()
}

/// Writes the values of a column. The levels say which rows have one.
fn write_column<'a>(
    column: &mut SerializedColumnWriter<'_>,
    kind: ColumnKind,
    cells: impl Iterator<Item = Option<&'a Cell>>,
) -> Result<(), ParquetError> {
    match kind {
        ColumnKind::Text => {
            let (values, levels) = split(cells.map(text_of));
            let values: Vec<ByteArray> =
                values.into_iter().map(|text| ByteArray::from(text.into_bytes())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
        ColumnKind::Number => {
            let (values, levels) = split(cells.map(number_of));
            column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        }
        ColumnKind::Count => {
            let (values, levels) = split(cells.map(count_of));
            column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
        ColumnKind::Flag => {
            let (values, levels) = split(cells.map(flag_of));
            column.typed::<BoolType>().write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

/// The values that are there, and for each row whether it has one.
fn split<T>(cells: impl Iterator<Item = Option<T>>) -> (Vec<T>, Vec<i16>) {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for cell in cells {
        levels.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    (values, levels)
}
