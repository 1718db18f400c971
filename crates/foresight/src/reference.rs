//! The reference series: shares in imports of 25 kinds of goods, 1995 to 2024.
//!
//! They give outlooks the errors of the past, and the scores that every model is held to. `data/README.md`
//! in this crate says how they were made.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;

use crate::{BadSeries, YearlySeries};

const TABLE: &[u8] = include_bytes!("../data/share-series-baci-hs92-202601.csv.gz");

/// Least mean share of China in a series of its share: where it supplies next to nothing, no change is right
/// without being any good.
const LEAST_MEAN_SHARE: f64 = 0.03;

/// A figure of the reference series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceFigure {
    /// China's share in imports by quantity; only series with a mean above 3 %.
    ChinaShare,
    /// The share of the largest supplier.
    TopShare,
    /// The Herfindahl-Hirschman index of suppliers, on the scale of 0 to 1.
    Hhi,
}

impl ReferenceFigure {
    /// All figures.
    pub const ALL: [Self; 3] = [Self::ChinaShare, Self::TopShare, Self::Hhi];

    /// The name of its column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChinaShare => "china-share",
            Self::TopShare => "top-share",
            Self::Hhi => "hhi",
        }
    }
}

/// The reference series of a figure, by goods and consumer.
///
/// # Errors
/// [`BadReference`] if the table in the program is damaged.
pub fn reference_series(figure: ReferenceFigure) -> Result<Vec<YearlySeries>, BadReference> {
    let mut text = String::new();
    GzDecoder::new(TABLE).read_to_string(&mut text).map_err(|_| BadReference::Unreadable)?;
    let mut rows = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let (_, header) = rows.next().ok_or(BadReference::Unreadable)?;
    let column = header.split(',').position(|name| name == figure.as_str());
    let column = column.ok_or(BadReference::Unreadable)?;
    let mut values = BTreeMap::<(&str, &str), (i16, Vec<f64>)>::new();
    for (number, line) in rows {
        let (key, year, value) = row(line, column).ok_or(BadReference::Row { line: number + 1 })?;
        let (first, series) = values.entry(key).or_insert_with(|| (year, Vec::new()));
        let expected = i16::try_from(series.len()).ok().and_then(|years| first.checked_add(years));
        if expected != Some(year) {
            return Err(BadReference::Row { line: number + 1 });
        }
        series.push(value);
    }
    let series = values.into_iter().map(|((goods, consumer), (first, values))| {
        YearlySeries::new(goods, consumer, first, values).map_err(BadReference::Series)
    });
    let mut series = series.collect::<Result<Vec<_>, _>>()?;
    if figure == ReferenceFigure::ChinaShare {
        series.retain(|series| series.mean() > LEAST_MEAN_SHARE);
    }
    Ok(series)
}

/// Goods and consumer, year, and the value in a column.
fn row(line: &str, column: usize) -> Option<((&str, &str), i16, f64)> {
    let mut fields = line.split(',');
    let key = (fields.next()?, fields.next()?);
    let year = fields.next()?.parse().ok()?;
    let value = line.split(',').nth(column)?.parse().ok()?;
    Some((key, year, value))
}

/// The table in the program is damaged: a defect of the program, not a mistake of its user.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadReference {
    /// It cannot be decompressed, or it lacks a column.
    #[error("the table of reference series cannot be read")]
    Unreadable,
    /// A row is malformed, or a year is missing before it.
    #[error("the table of reference series is damaged in line {line}")]
    Row {
        /// The line, from 1.
        line: usize,
    },
    /// A value is not between 0 and 1.
    #[error(transparent)]
    Series(BadSeries),
}
