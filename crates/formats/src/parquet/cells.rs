//! Converts the values of columns to the text that csv would have.
use jiff::Span;
use jiff::civil::Date;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescriptor;

/// Text of a missing number.
const MISSING: &str = "NA";

/// Upper bound on the digits behind the point of a decimal.
const MAX_SCALE: i32 = 38;

/// The kind of values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    /// A whole number.
    Whole {
        signed: bool,
    },
    Float,
    /// A whole number with so many digits behind the point.
    Decimal(i32),
    Day,
    /// A time since 1970, in parts of which a second has so many.
    Moment(i64),
}

impl Kind {
    /// The kind of a column, or why it cannot be read.
    pub(super) fn of_column(column: &ColumnDescriptor) -> std::result::Result<Self, &'static str> {
        if column.max_rep_level() > 0 || column.path().parts().len() != 1 {
            return Err("a list or a structure");
        }
        let logical = column.logical_type_ref();
        if let Some(LogicalType::Decimal(decimal)) = logical {
            let scale = decimal.scale;
            return if (0..=MAX_SCALE).contains(&scale) {
                Ok(Self::Decimal(scale))
            } else {
                Err("a decimal of an odd scale")
            };
        }
        match (column.physical_type(), logical, column.converted_type()) {
            (_, _, ConvertedType::DECIMAL) => match column.type_scale() {
                scale @ 0..=MAX_SCALE => Ok(Self::Decimal(scale)),
                _ => Err("a decimal of an odd scale"),
            },
            (Type::BOOLEAN, ..) => Ok(Self::Flag),
            (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, _, ConvertedType::DATE) => {
                Ok(Self::Day)
            }
            (Type::INT64, Some(LogicalType::Timestamp(at)), _) => Ok(Self::Moment(match at.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            })),
            (Type::INT64, _, ConvertedType::TIMESTAMP_MILLIS) => Ok(Self::Moment(1_000)),
            (Type::INT64, _, ConvertedType::TIMESTAMP_MICROS) => Ok(Self::Moment(1_000_000)),
            (_, Some(LogicalType::Time(_)), _) => Err("a time of the day"),
            (Type::INT32 | Type::INT64, Some(LogicalType::Integer(it)), _) => {
                Ok(Self::Whole { signed: it.is_signed })
            }
            (Type::INT32 | Type::INT64, _, converted) => {
                use ConvertedType::{UINT_8, UINT_16, UINT_32, UINT_64};
                Ok(Self::Whole { signed: !matches!(converted, UINT_8 | UINT_16 | UINT_32 | UINT_64) })
            }
            (Type::FLOAT | Type::DOUBLE, ..) => Ok(Self::Float),
            (Type::BYTE_ARRAY, ..) => Ok(Self::Text),
            (Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY, ..) => Err("of a type that no table uses"),
        }
    }

    /// Text of a missing value.
    fn missing(self) -> &'static str {
        match self {
            Self::Whole { .. } | Self::Float | Self::Decimal(_) => MISSING,
            Self::Text | Self::Flag | Self::Day | Self::Moment(_) => "",
        }
    }

    fn whole(self, value: i64, bits: u32) -> String {
        match self {
            Self::Whole { signed: false } if bits == 32 => (value & 0xffff_ffff).to_string(),
            Self::Whole { signed: false } => value.cast_unsigned().to_string(),
            Self::Decimal(scale) => decimal(i128::from(value), scale),
            Self::Day => day(value),
            Self::Moment(parts) => day(value.div_euclid(parts.saturating_mul(86_400))),
            _ => value.to_string(),
        }
    }

    fn bytes(self, value: &[u8]) -> String {
        match self {
            Self::Decimal(scale) => match big_endian(value) {
                Some(number) => decimal(number, scale),
                None => "more than 38 digits".to_owned(),
            },
            _ => String::from_utf8_lossy(value).into_owned(),
        }
    }
}

/// Reads up to `count` values of a column.
pub(super) fn read_texts(column: &mut ColumnReader, kind: Kind, count: usize) -> Result<Vec<String>> {
    match column {
        ColumnReader::BoolColumnReader(it) => gather(it, kind, count, |value| value.to_string()),
        ColumnReader::Int32ColumnReader(it) => {
            gather(it, kind, count, |value| kind.whole(i64::from(*value), 32))
        }
        ColumnReader::Int64ColumnReader(it) => gather(it, kind, count, |value| kind.whole(*value, 64)),
        ColumnReader::FloatColumnReader(it) => gather(it, kind, count, |value| number(value.is_nan(), value)),
        ColumnReader::DoubleColumnReader(it) => {
            gather(it, kind, count, |value| number(value.is_nan(), value))
        }
        ColumnReader::ByteArrayColumnReader(it) => gather(it, kind, count, |value| kind.bytes(value.data())),
        ColumnReader::FixedLenByteArrayColumnReader(it) => {
            gather(it, kind, count, |value| kind.bytes(value.data()))
        }
        ColumnReader::Int96ColumnReader(_) => Err(ParquetError::General("a column of 96 bits".to_owned())),
    }
}

fn gather<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    kind: Kind,
    count: usize,
    show: impl Fn(&T::T) -> String,
) -> Result<Vec<String>> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let (records, ..) = column.read_records(count, Some(&mut levels), None, &mut values)?;
    let mut texts: Vec<_> = if levels.is_empty() {
        values.iter().map(show).collect()
    } else {
        let mut values = values.iter();
        let mut next = |level: &i16| match level {
            0 => kind.missing().to_owned(),
            _ => values.next().map_or_else(String::new, &show),
        };
        levels.iter().map(&mut next).collect()
    };
    texts.truncate(records);
    Ok(texts)
}

fn number(is_missing: bool, value: &impl ToString) -> String {
    if is_missing { MISSING.to_owned() } else { value.to_string() }
}

/// A whole number with a point before its last digits.
fn decimal(value: i128, scale: i32) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let sign = if value < 0 { "-" } else { "" };
    match digits.split_at_checked(digits.len() - scale) {
        Some((whole, part)) if !part.is_empty() => format!("{sign}{whole}.{part}"),
        _ => format!("{sign}{digits}"),
    }
}

/// A number of up to 16 bytes, the highest byte first.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = bytes.first().filter(|_| bytes.len() <= 16)?;
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    Some(bytes.iter().fold(start, |sum: i128, byte| (sum << 8) | i128::from(*byte)))
}

/// The day that is so many days after 1970-01-01; the number itself if no calendar has it.
fn day(number: i64) -> String {
    let days = Span::new().try_days(number);
    let day = days.and_then(|days| Date::constant(1970, 1, 1).checked_add(days));
    day.map_or_else(|_| number.to_string(), |day| day.to_string())
}
