//! Reads instants, durations, times of day, weekdays and time zones of requests, and shows instants to
//! people.
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use orewatch_catalog::closest;
use orewatch_contracts::time::{display_duration, duration, instant};
use orewatch_contracts::{Class, Failure};

/// Weekdays by name.
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// An instant for people, to the second.
#[must_use]
pub fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Reads an instant of a request. None: it was left out.
///
/// # Errors
/// [`Class::Invalid`] for an instant outside of the calendar.
pub fn read_instant(
    time: Option<&prost_types::Timestamp>,
    field: &str,
) -> Result<Option<Timestamp>, Failure> {
    let read = |time: &prost_types::Timestamp| {
        instant(time).ok_or_else(|| {
            let wrong = Failure::new(Class::Invalid, "invalid-time", "the time is outside of the calendar");
            wrong.at(field, format!("{} s, {} ns", time.seconds, time.nanos))
        })
    };
    time.map(read).transpose()
}

/// Reads a duration of a request within bounds; `default` if it was left out.
///
/// # Errors
/// [`Class::Invalid`] for a duration that is out of bounds.
pub fn read_duration(
    length: Option<&prost_types::Duration>,
    field: &str,
    default: Duration,
    min: Duration,
    max: Duration,
) -> Result<Duration, Failure> {
    let Some(length) = length else { return Ok(default) };
    let read = duration(length).filter(|read| (min..=max).contains(read));
    read.ok_or_else(|| {
        let value = display_duration(length);
        Failure::new(Class::Invalid, "out-of-range", format!("{field} cannot be {value}"))
            .at(field, &value)
            .with_hint(format!("use {} s to {} s", min.as_secs(), max.as_secs()))
    })
}

/// Finds a time zone by its name; an empty name is UTC. The table of zones is part of the program, so that
/// all replicas agree.
///
/// # Errors
/// [`Class::Invalid`] for an unknown zone, with a similar name if there is one.
pub fn read_zone(name: &str, field: &str) -> Result<TimeZone, Failure> {
    if name.is_empty() {
        return Ok(TimeZone::UTC);
    }
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).map_err(|_| {
        let known: Vec<String> = zones.available().map(|zone| zone.as_str().to_owned()).collect();
        let hint = closest(name, known.iter().map(String::as_str)).map_or_else(
            || "use a name such as Europe/Brussels".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        let message = format!("there is no time zone {name:?}");
        Failure::new(Class::Invalid, "unknown-zone", message).at(field, name).with_hint(hint)
    })
}

/// Reads a time of day, `HH:MM`.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn read_time_of_day(text: &str, field: &str) -> Result<Time, Failure> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        if hours.len() != 2 || minutes.len() != 2 {
            return None;
        }
        Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
    };
    read().ok_or_else(|| {
        let wrong = Failure::new(Class::Invalid, "invalid-time", format!("{text:?} is not a time of day"));
        let midnight = if text == "24:00" { "write 00:00 for the end of the day" } else { "" };
        let hint = if midnight.is_empty() { "write HH:MM, from 00:00 to 23:59" } else { midnight };
        wrong.at(field, text).with_hint(hint)
    })
}

/// Reads a day of the week.
///
/// # Errors
/// [`Class::Invalid`] for another text, with a similar name if there is one.
pub fn read_weekday(text: &str, field: &str) -> Result<Weekday, Failure> {
    let found = WEEKDAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day);
    found.ok_or_else(|| {
        let names = WEEKDAYS.map(|(name, _)| name);
        let hint = closest(text, names)
            .map_or_else(|| format!("use {}", names.join(", ")), |near| format!("did you mean {near}?"));
        let message = format!("{text:?} is not a day of the week");
        Failure::new(Class::Invalid, "unknown-weekday", message).at(field, text).with_hint(hint)
    })
}

/// The instant at which clocks in a zone show a time on a date. If they skip the time, it is later by what
/// they skip; if they show it twice, it is the first.
#[must_use]
pub fn instant_on(zone: &TimeZone, date: Date, time: Time) -> Option<Timestamp> {
    zone.to_ambiguous_zoned_datetime(date.to_datetime(time)).compatible().ok().map(|zoned| zoned.timestamp())
}
