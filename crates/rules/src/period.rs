//! Ends and frequencies of periods.
use jiff::tz::Offset;
use orewatch_catalog::Period;
use orewatch_contracts::common::v1::Frequency;

/// Last instant of a period, in seconds since 1970.
#[must_use]
pub fn end_of_period(period: Period) -> i64 {
    let last = period.end().at(23, 59, 59, 0);
    Offset::UTC.to_timestamp(last).map_or(0, jiff::Timestamp::as_second)
}

/// Frequency of figures with this period.
#[must_use]
pub fn frequency_of(period: Period) -> Frequency {
    if period.is_month() { Frequency::Monthly } else { Frequency::Annual }
}
