//! Valid time: the year or month that a figure describes.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// First and last year that a period may lie in. Statistics of trade and minerals fit; a typo such as `20222` does not.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2100;

/// A calendar year or a calendar month.
///
/// Written and read as `2024` or `2024-03`. Ordered by first day; a year comes before its January, so that the months of a
/// year sort after it and before the next year.
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
    /// The year `year`, 1900 to 2100.
    pub fn year(year: i16) -> Result<Self, PeriodError> {
        Self::starting(year, 1, Length::Year)
    }

    /// The month `month` (1 to 12) of the year `year`, 1900 to 2100.
    pub fn month(year: i16, month: i8) -> Result<Self, PeriodError> {
        Self::starting(year, month, Length::Month)
    }

    fn starting(year: i16, month: i8, length: Length) -> Result<Self, PeriodError> {
        let shown = || match length {
            Length::Year => year.to_string(),
            Length::Month => format!("{year}-{month:02}"),
        };
        let start = Date::new(year, month, 1).ok().filter(|_| YEARS.contains(&year));
        start.map(|start| Self { start, length }).ok_or_else(|| PeriodError { value: shown() })
    }

    /// First day.
    pub fn start(self) -> Date {
        self.start
    }

    /// Last day. Membership of a bloc is judged on it.
    pub fn end(self) -> Date {
        match self.length {
            Length::Year => self.start.last_of_year(),
            Length::Month => self.start.last_of_month(),
        }
    }

    /// The calendar year that it is or lies in.
    pub fn calendar_year(self) -> i16 {
        self.start.year()
    }

    /// The period of the same length this many lengths earlier. None: before 1900.
    #[must_use]
    pub fn earlier(self, lengths: u32) -> Option<Self> {
        let lengths = i16::try_from(lengths).ok()?;
        let (year, month) = (self.start.year(), i16::from(self.start.month()));
        match self.length {
            Length::Year => Self::year(year.checked_sub(lengths)?).ok(),
            Length::Month => {
                let months = year.checked_mul(12)?.checked_add(month - 1)?.checked_sub(lengths)?;
                Self::month(months.div_euclid(12), i8::try_from(months.rem_euclid(12) + 1).ok()?).ok()
            }
        }
    }

    /// Whether it is a month; otherwise it is a year.
    pub fn is_month(self) -> bool {
        self.length == Length::Month
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Length::Year => f.pad(&format!("{:04}", self.start.year())),
            Length::Month => f.pad(&format!("{:04}-{:02}", self.start.year(), self.start.month())),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let error = || PeriodError { value: text.to_owned() };
        let (year, month) = match text.split_once('-') {
            Some((year, month)) => (year, Some(month)),
            None => (text, None),
        };
        let year = number::<4>(year).ok_or_else(error)?;
        match month {
            None => Self::year(year),
            Some(month) => {
                Self::month(year, i8::try_from(number::<2>(month).ok_or_else(error)?).unwrap_or(0))
            }
        }
        .map_err(|_| error())
    }
}

/// Exactly `DIGITS` decimal digits as a number.
fn number<const DIGITS: usize>(text: &str) -> Option<i16> {
    let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a period: write a year such as `2024` or a month such as `2024-03`, 1900 to 2100")]
pub struct PeriodError {
    /// The text as given.
    pub value: String,
}
