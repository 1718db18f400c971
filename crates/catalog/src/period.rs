//! Periods (valid time): the year or month that a figure describes.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// Years that a period may be in. Statistics of trade and minerals are within this range; typing mistakes
/// such as `20222` are not.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2100;

/// A calendar year or a calendar month.
///
/// Displayed and parsed as `2024` or `2024-03`. Ordered by first day; a year comes before its January, so
/// that the months of a year follow it and come before the next year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: Date,
    length: Length,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Length {
    Year,
    Month,
}

impl Period {
    /// Creates the period of a calendar year, 1900 to 2100.
    ///
    /// # Errors
    /// [`PeriodError`] if the year is out of range.
    pub fn year(year: i16) -> Result<Self, PeriodError> {
        Self::from_start(year, 1, Length::Year)
    }

    /// Creates the period of a calendar month: `month` (1 to 12) of `year` (1900 to 2100).
    ///
    /// # Errors
    /// [`PeriodError`] if the month or the year is out of range.
    pub fn month(year: i16, month: i8) -> Result<Self, PeriodError> {
        Self::from_start(year, month, Length::Month)
    }

    fn from_start(year: i16, month: i8, length: Length) -> Result<Self, PeriodError> {
        let text = || match length {
            Length::Year => year.to_string(),
            Length::Month => format!("{year}-{month:02}"),
        };
        let start = Date::new(year, month, 1).ok().filter(|_| YEARS.contains(&year));
        start.map(|start| Self { start, length }).ok_or_else(|| PeriodError { value: text() })
    }

    /// First day.
    pub fn start(self) -> Date {
        self.start
    }

    /// Last day. It decides which economies are members of a bloc in the period.
    pub fn end(self) -> Date {
        match self.length {
            Length::Year => self.start.last_of_year(),
            Length::Month => self.start.last_of_month(),
        }
    }

    /// The calendar year, or the calendar year that the month is in.
    pub fn calendar_year(self) -> i16 {
        self.start.year()
    }

    /// The period of the same length this many periods earlier. `None` if it is before 1900.
    #[must_use]
    pub fn earlier(self, periods: u32) -> Option<Self> {
        let periods = i16::try_from(periods).ok()?;
        let (year, month) = (self.start.year(), i16::from(self.start.month()));
        match self.length {
            Length::Year => Self::year(year.checked_sub(periods)?).ok(),
            Length::Month => {
                let months = year.checked_mul(12)?.checked_add(month - 1)?.checked_sub(periods)?;
                Self::month(months.div_euclid(12), i8::try_from(months.rem_euclid(12) + 1).ok()?).ok()
            }
        }
    }

    /// Whether the period is a month. Otherwise it is a year.
    pub fn is_month(self) -> bool {
        self.length == Length::Month
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Formats by hand, for speed: an alert has a dozen periods, and an evaluation creates hundreds of
        // thousands of alerts.
        let [a, b, c, d] = digits(self.start.year());
        let [.., e, g] = digits(i16::from(self.start.month()));
        let (year, month) = ([a, b, c, d], [a, b, c, d, b'-', e, g]);
        let text: &[u8] = if self.is_month() { &month } else { &year };
        f.pad(std::str::from_utf8(text).unwrap_or_default())
    }
}

/// The last four decimal digits of a non-negative number, as ASCII.
fn digits(number: i16) -> [u8; 4] {
    [1000, 100, 10, 1].map(|place| b'0' + u8::try_from(number / place % 10).unwrap_or_default())
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let error = || PeriodError { value: text.to_owned() };
        let (year, month) = match text.split_once('-') {
            Some((year, month)) => (year, Some(month)),
            None => (text, None),
        };
        let year = parse_digits::<4>(year).ok_or_else(error)?;
        match month {
            None => Self::year(year),
            Some(month) => {
                Self::month(year, i8::try_from(parse_digits::<2>(month).ok_or_else(error)?).unwrap_or(0))
            }
        }
        .map_err(|_| error())
    }
}

/// Parses exactly `DIGITS` decimal digits.
fn parse_digits<const DIGITS: usize>(text: &str) -> Option<i16> {
    let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A text that is not a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a period: write a year such as `2024` or a month such as `2024-03`, 1900 to 2100")]
pub struct PeriodError {
    /// The text as given.
    pub value: String,
}
