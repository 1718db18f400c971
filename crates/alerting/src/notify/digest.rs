//! Digests: set times at which messages are sent, in a time zone.
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::Digest;

use super::time::{instant_on, read_time_of_day, read_weekday, read_zone};

/// Days to search for the next set time: a week, and one more for days that a change of clocks shortens.
const SEARCHED_DAYS: i64 = 8;

/// Set times on every day or on one day of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct DigestTimes {
    at: Time,
    weekday: Option<Weekday>,
    zone: TimeZone,
}

impl DigestTimes {
    /// Reads the times; errors name the field.
    ///
    /// # Errors
    /// [`orewatch_contracts::Class::Invalid`] for an unknown time, day or zone.
    pub fn read(digest: &Digest, field: &str) -> Result<Self, Failure> {
        let day = Some(&digest.weekday).filter(|day| !day.is_empty());
        Ok(Self {
            at: read_time_of_day(&digest.at, &format!("{field}.at"))?,
            weekday: day.map(|day| read_weekday(day, &format!("{field}.weekday"))).transpose()?,
            zone: read_zone(&digest.zone, &format!("{field}.zone"))?,
        })
    }

    /// The first set time at or after an instant.
    #[must_use]
    pub fn next(&self, time: Timestamp) -> Timestamp {
        let today = self.local_date(time);
        let times = (0..=SEARCHED_DAYS).filter_map(|days| self.time_on(today.checked_add(days.days()).ok()?));
        times.filter(|set| *set >= time).min().unwrap_or(Timestamp::MAX)
    }

    /// The last set time at or before an instant, or the instant itself if there was none in the last week.
    #[must_use]
    pub fn last(&self, time: Timestamp) -> Timestamp {
        let today = self.local_date(time);
        let times = (0..=SEARCHED_DAYS).filter_map(|days| self.time_on(today.checked_sub(days.days()).ok()?));
        times.filter(|set| *set <= time).max().unwrap_or(time)
    }

    fn local_date(&self, time: Timestamp) -> Date {
        time.to_zoned_datetime(self.zone.clone()).date()
    }

    fn time_on(&self, date: Date) -> Option<Timestamp> {
        if self.weekday.is_some_and(|day| day != date.weekday()) {
            return None;
        }
        instant_on(&self.zone, date, self.at)
    }
}
