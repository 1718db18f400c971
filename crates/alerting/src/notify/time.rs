//! Instants, lengths and times of day, as the contracts write them and as they are counted with.
use std::time::Duration;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use orewatch_catalog::closest;
use orewatch_runtime::{Class, Failure};

/// Days by name.
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// An instant of the contracts. None: it lies outside of all calendars.
#[must_use]
pub fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// An instant as the contracts write it.
#[must_use]
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// An instant after another; the end of all calendars at the latest.
#[must_use]
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// An instant for people, to the second.
#[must_use]
pub fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// An instant of a request. None: it was left out.
///
/// # Errors
/// [`Class::Invalid`] for one outside of all calendars.
pub fn read_instant(time: Option<&prost_types::Timestamp>, at: &str) -> Result<Option<Timestamp>, Failure> {
    let read = |time: &prost_types::Timestamp| {
        instant(time).ok_or_else(|| {
            let wrong = Failure::new(Class::Invalid, "invalid-time", "the time is in no calendar");
            wrong.at(at, format!("{} s, {} ns", time.seconds, time.nanos))
        })
    };
    time.map(read).transpose()
}

/// A length of a request within bounds; `default` where it was left out.
///
/// # Errors
/// [`Class::Invalid`] for one that is out of bounds.
pub fn read_length(
    length: Option<&prost_types::Duration>,
    at: &str,
    default: Duration,
    least: Duration,
    most: Duration,
) -> Result<Duration, Failure> {
    let Some(length) = length else { return Ok(default) };
    let read = orewatch_contracts::time::length(length).filter(|read| (least..=most).contains(read));
    read.ok_or_else(|| {
        let value = format!("{} s", length.seconds);
        Failure::new(Class::Invalid, "out-of-range", format!("{value} is no length that {at} can have"))
            .at(at, &value)
            .with_hint(format!("use {} s to {} s", least.as_secs(), most.as_secs()))
    })
}

/// A time zone by its name; empty: UTC. The table of zones comes with the program, so that all replicas agree.
///
/// # Errors
/// [`Class::Invalid`] for a zone that there is not, with what may have been meant.
pub fn zone(name: &str, at: &str) -> Result<TimeZone, Failure> {
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
        Failure::new(Class::Invalid, "unknown-zone", message).at(at, name).with_hint(hint)
    })
}

/// A time of day, `HH:MM`.
///
/// # Errors
/// [`Class::Invalid`] for another text.
pub fn time_of_day(text: &str, at: &str) -> Result<Time, Failure> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        if hours.len() != 2 || minutes.len() != 2 {
            return None;
        }
        Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
    };
    read().ok_or_else(|| {
        let wrong = Failure::new(Class::Invalid, "invalid-time", format!("{text:?} is no time of day"));
        let midnight = if text == "24:00" { "write 00:00 for the end of the day" } else { "" };
        let hint = if midnight.is_empty() { "write HH:MM, from 00:00 to 23:59" } else { midnight };
        wrong.at(at, text).with_hint(hint)
    })
}

/// A day of the week.
///
/// # Errors
/// [`Class::Invalid`] for another text, with what may have been meant.
pub fn weekday(text: &str, at: &str) -> Result<Weekday, Failure> {
    let found = WEEKDAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day);
    found.ok_or_else(|| {
        let names = WEEKDAYS.map(|(name, _)| name);
        let hint = closest(text, names)
            .map_or_else(|| format!("use {}", names.join(", ")), |near| format!("did you mean {near}?"));
        let message = format!("{text:?} is no day of the week");
        Failure::new(Class::Invalid, "unknown-weekday", message).at(at, text).with_hint(hint)
    })
}

/// The instant at which clocks in a zone show a time on a date. Where they skip it, as much later as they skip; where they
/// show it twice, the first time.
#[must_use]
pub fn on(zone: &TimeZone, date: Date, time: Time) -> Option<Timestamp> {
    zone.to_ambiguous_zoned_datetime(date.to_datetime(time)).compatible().ok().map(|zoned| zoned.timestamp())
}
