//! Lengths of time of the contracts.
use std::time::Duration;

/// A length of time as it is counted with. None: it is negative, or its parts are out of range.
///
/// The conversion that comes with the type negates the seconds, which has no result for the least of all numbers; messages can
/// hold any.
#[must_use]
pub fn length(of: &prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(of.seconds).ok()?;
    let nanos = u32::try_from(of.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_numbers_are_a_length_or_none() {
        let read = |seconds, nanos| length(&prost_types::Duration { seconds, nanos });
        assert_eq!(read(90, 500_000_000), Some(Duration::from_millis(90_500)));
        assert_eq!(read(i64::MAX, 999_999_999), Some(Duration::new(i64::MAX.unsigned_abs(), 999_999_999)));
        for (seconds, nanos) in
            [(i64::MIN, 0), (-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN), (i64::MAX, i32::MAX)]
        {
            assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
        }
    }
}
