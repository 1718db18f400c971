//! Quiet hours: when no message is sent, in a time zone.
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::QuietHours;

use super::time::{instant_on, read_time_of_day, read_weekday, read_zone};

/// Adjoining windows that are searched for an end before they count as endless.
const MAX_ADJOINING_WINDOWS: usize = 400;

/// A window of the week in which no message is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietWindow {
    from: Time,
    until: Time,
    weekdays: Vec<Weekday>,
    zone: TimeZone,
    except: Vec<String>,
}

impl QuietWindow {
    /// Reads a window; errors name the field.
    ///
    /// # Errors
    /// [`orewatch_contracts::Class::Invalid`] for an unknown time, day or zone.
    pub fn read(hours: &QuietHours, field: &str) -> Result<Self, Failure> {
        let days = hours.weekdays.iter().enumerate();
        Ok(Self {
            from: read_time_of_day(&hours.from, &format!("{field}.from"))?,
            until: read_time_of_day(&hours.until, &format!("{field}.until"))?,
            weekdays: days
                .map(|(k, day)| read_weekday(day, &format!("{field}.weekdays[{k}]")))
                .collect::<Result<_, _>>()?,
            zone: read_zone(&hours.zone, &format!("{field}.zone"))?,
            except: hours.except_severities.clone(),
        })
    }

    /// The end of the window that contains an instant. None: the instant is outside of the window.
    fn end(&self, time: Timestamp) -> Option<Timestamp> {
        let today = time.to_zoned_datetime(self.zone.clone()).date();
        let yesterday = today.checked_sub(1.day()).ok();
        [Some(today), yesterday].into_iter().flatten().find_map(|date| {
            if !self.weekdays.is_empty() && !self.weekdays.contains(&date.weekday()) {
                return None;
            }
            let last = if self.until > self.from { date } else { date.checked_add(1.day()).ok()? };
            let (begin, end) =
                (instant_on(&self.zone, date, self.from)?, instant_on(&self.zone, last, self.until)?);
            (begin..end).contains(&time).then_some(end)
        })
    }
}

/// The first instant, not before `time`, at which a message about an alert of this severity may be sent.
/// None: never.
#[must_use]
pub fn next_audible(windows: &[QuietWindow], severity: &str, mut time: Timestamp) -> Option<Timestamp> {
    for _ in 0..MAX_ADJOINING_WINDOWS {
        let applies = |window: &&QuietWindow| !window.except.iter().any(|except| except == severity);
        match windows.iter().filter(applies).find_map(|window| window.end(time)) {
            Some(end) => time = end,
            None => return Some(time),
        }
    }
    None
}
