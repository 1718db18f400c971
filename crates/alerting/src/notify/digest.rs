//! Digests: set times at which messages go out, by the clocks of a place.
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orewatch_contracts::alerting::v1::Digest;
use orewatch_runtime::Failure;

use super::time::{on, time_of_day, weekday, zone};

/// How many days are looked at for the next set time: a week, and one more for days that clocks cut short.
const DAYS: i64 = 8;

/// Set times of every day or of one day of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    at: Time,
    weekday: Option<Weekday>,
    zone: TimeZone,
}

impl Times {
    /// Checks the times, called `at` in errors.
    ///
    /// # Errors
    /// [`orewatch_runtime::Class::Invalid`] for a time, a day or a zone that there is not.
    pub fn read(digest: &Digest, at: &str) -> Result<Self, Failure> {
        let day = Some(&digest.weekday).filter(|day| !day.is_empty());
        Ok(Self {
            at: time_of_day(&digest.at, &format!("{at}.at"))?,
            weekday: day.map(|day| weekday(day, &format!("{at}.weekday"))).transpose()?,
            zone: zone(&digest.zone, &format!("{at}.zone"))?,
        })
    }

    /// The first set time at or after an instant.
    #[must_use]
    pub fn next(&self, time: Timestamp) -> Timestamp {
        let today = self.today(time);
        let times = (0..=DAYS).filter_map(|days| self.on(today.checked_add(days.days()).ok()?));
        times.filter(|set| *set >= time).min().unwrap_or(Timestamp::MAX)
    }

    /// The last set time at or before an instant, or the instant itself if there was none in the last week.
    #[must_use]
    pub fn last(&self, time: Timestamp) -> Timestamp {
        let today = self.today(time);
        let times = (0..=DAYS).filter_map(|days| self.on(today.checked_sub(days.days()).ok()?));
        times.filter(|set| *set <= time).max().unwrap_or(time)
    }

    fn today(&self, time: Timestamp) -> Date {
        time.to_zoned_datetime(self.zone.clone()).date()
    }

    fn on(&self, date: Date) -> Option<Timestamp> {
        if self.weekday.is_some_and(|day| day != date.weekday()) {
            return None;
        }
        on(&self.zone, date, self.at)
    }
}
