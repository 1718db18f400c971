//! Quiet hours: when no message goes out, by the clocks of a place.
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orewatch_contracts::alerting::v1::QuietHours;
use orewatch_runtime::Failure;

use super::time::{on, time_of_day, weekday, zone};

/// How many windows may follow upon each other before it is taken that they never end.
const MOST_WINDOWS: usize = 400;

/// A window of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    from: Time,
    until: Time,
    weekdays: Vec<Weekday>,
    zone: TimeZone,
    except: Vec<String>,
}

impl Window {
    /// Checks a window, called `at` in errors.
    ///
    /// # Errors
    /// [`orewatch_runtime::Class::Invalid`] for a time, a day or a zone that there is not.
    pub fn read(hours: &QuietHours, at: &str) -> Result<Self, Failure> {
        let days = hours.weekdays.iter().enumerate();
        Ok(Self {
            from: time_of_day(&hours.from, &format!("{at}.from"))?,
            until: time_of_day(&hours.until, &format!("{at}.until"))?,
            weekdays: days
                .map(|(k, day)| weekday(day, &format!("{at}.weekdays[{k}]")))
                .collect::<Result<_, _>>()?,
            zone: zone(&hours.zone, &format!("{at}.zone"))?,
            except: hours.except_severities.clone(),
        })
    }

    /// When the window that an instant lies in ends. None: it lies in none.
    fn end(&self, time: Timestamp) -> Option<Timestamp> {
        let today = time.to_zoned_datetime(self.zone.clone()).date();
        let yesterday = today.checked_sub(1.day()).ok();
        [Some(today), yesterday].into_iter().flatten().find_map(|date| {
            if !self.weekdays.is_empty() && !self.weekdays.contains(&date.weekday()) {
                return None;
            }
            let last = if self.until > self.from { date } else { date.checked_add(1.day()).ok()? };
            let (begin, end) = (on(&self.zone, date, self.from)?, on(&self.zone, last, self.until)?);
            (begin..end).contains(&time).then_some(end)
        })
    }
}

/// The first instant, at or after one, at which a message about an alert of this severity may go out. None: never.
#[must_use]
pub fn after(windows: &[Window], severity: &str, mut time: Timestamp) -> Option<Timestamp> {
    for _ in 0..MOST_WINDOWS {
        let applies = |window: &&Window| !window.except.iter().any(|except| except == severity);
        match windows.iter().filter(applies).find_map(|window| window.end(time)) {
            Some(end) => time = end,
            None => return Some(time),
        }
    }
    None
}
