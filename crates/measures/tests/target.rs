//! Progress towards targets: what the formulas promise for all figures, and known cases.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(clippy::unwrap_used, reason = "a failed assumption fails the test")]

use orewatch_catalog::Period;
use orewatch_measures::{Estimate, Status, TargetLine, TargetState, elapsed, mean_pace};
use proptest::prelude::*;

const AT_MOST: TargetLine = TargetLine { at: 0.6, at_most: true };
const AT_LEAST: TargetLine = TargetLine { at: 0.4, at_most: false };

fn year(year: i16) -> Period {
    Period::year(year).unwrap()
}

fn band(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> Estimate {
    Estimate { value, low, high, coverage: None, status: Status::Partial, reason: "" }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

#[test]
fn a_figure_on_the_threshold_meets_the_target_from_both_sides() {
    for target in [AT_MOST, AT_LEAST] {
        assert_eq!(target.state(&Estimate::known(target.at)), TargetState::Met);
        assert!(close(target.distance(target.at), 0.0));
    }
}

#[test]
fn the_band_decides_what_is_confirmed() {
    let state = |value, low, high| AT_MOST.state(&band(Some(value), Some(low), Some(high)));
    assert_eq!(state(0.5, 0.4, 0.6), TargetState::Met);
    assert_eq!(state(0.5, 0.4, 0.7), TargetState::MetNotConfirmed);
    assert_eq!(state(0.65, 0.55, 0.7), TargetState::MissedNotConfirmed);
    assert_eq!(state(0.65, 0.61, 0.7), TargetState::Missed);
    assert_eq!(AT_LEAST.state(&band(Some(0.3), Some(0.1), Some(0.39))), TargetState::Missed);
    assert_eq!(AT_LEAST.state(&band(Some(0.3), Some(0.1), None)), TargetState::MissedNotConfirmed);
    assert_eq!(AT_MOST.state(&band(None, Some(0.1), Some(0.9))), TargetState::Unknown);
    assert_eq!(AT_MOST.state(&Estimate::missing(Status::Unavailable, "none")), TargetState::Unknown);
}

/// The G7's imports of rare earths from China by quantity, in percent: 67.73 in 2024, 70.9 in 2019.
#[test]
fn progress_depends_on_the_first_year() {
    let target = TargetLine { at: 60.0, at_most: true };
    assert!(close(target.way_made(82.0, 67.7).unwrap(), 14.3 / 22.0));
    assert!(close(target.way_made(66.0, 67.7).unwrap(), -1.7 / 6.0), "it has moved away");
    assert_eq!(target.way_made(51.2, 67.7), None, "the target was met: there was no way to make");
    assert!(close(mean_pace(70.9, 67.7, 5), -0.64));
    assert!(close(target.needed_pace(67.7, 6.0).unwrap(), -7.7 / 6.0));
    assert_eq!(target.needed_pace(59.0, 6.0), None, "it is met");
    assert_eq!(target.needed_pace(67.7, 0.0), None, "no time is left");
}

#[test]
fn time_passes_between_the_ends_of_periods() {
    let at = |at| elapsed(year(2024), year(2030), at);
    assert!(close(at(year(2024)), 0.0) && close(at(year(2030)), 1.0));
    assert!(close(at(year(2020)), 0.0) && close(at(year(2040)), 1.0), "the path is level outside its time");
    let half = Period::month(2027, 12).unwrap();
    assert!(close(at(half), 1095.0 / 2191.0));
    assert!(close(elapsed(year(2030), year(2030), year(2030)), 1.0), "no time at all has passed");
}

fn target() -> impl Strategy<Value = TargetLine> {
    (0.0..1.0_f64, any::<bool>()).prop_map(|(at, at_most)| TargetLine { at, at_most })
}

proptest! {
    #[test]
    fn the_distance_says_whether_a_known_figure_misses(target in target(), value in 0.0..1.0_f64) {
        let misses = target.state(&Estimate::known(value)) == TargetState::Missed;
        prop_assert_eq!(misses, target.distance(value) > 0.0);
    }

    #[test]
    fn a_confirmed_state_holds_for_every_figure_in_the_band(
        target in target(),
        mut ends in prop::array::uniform2(0.0..1.0_f64),
        inside in 0.0..=1.0_f64,
    ) {
        ends.sort_by(f64::total_cmp);
        let value = ends[0] + (ends[1] - ends[0]) * inside;
        let one = target.state(&Estimate::known(value));
        match target.state(&band(Some(value), Some(ends[0]), Some(ends[1]))) {
            TargetState::Met | TargetState::MetNotConfirmed => prop_assert_eq!(one, TargetState::Met),
            TargetState::Missed | TargetState::MissedNotConfirmed => {
                prop_assert_eq!(one, TargetState::Missed);
            }
            TargetState::Unknown => prop_assert!(false, "there is a value"),
        }
    }

    #[test]
    fn the_path_begins_at_the_base_and_ends_at_the_target(target in target(), base in 0.0..1.0_f64) {
        let begins = if target.distance(base) > 0.0 { base } else { target.at };
        prop_assert!(close(target.path(base, 0.0), begins));
        prop_assert!(close(target.path(base, 1.0), target.at));
    }

    #[test]
    fn the_path_never_turns_back(
        target in target(),
        base in 0.0..1.0_f64,
        mut times in prop::array::uniform2(0.0..=1.0_f64),
    ) {
        times.sort_by(f64::total_cmp);
        let [early, late] = times.map(|time| target.distance(target.path(base, time)));
        prop_assert!(late <= early + 1e-12);
    }

    #[test]
    fn at_its_pace_the_figure_is_on_the_threshold_after_that_many_years(
        target in target(),
        value in 0.0..1.0_f64,
        pace in -0.2..0.2_f64,
    ) {
        match target.years_at(value, pace) {
            Some(years) => {
                prop_assert!(years > 0.0 && close(value + pace * years, target.at));
                prop_assert!(target.distance(value + pace) <= target.distance(value));
            }
            None => prop_assert!(
                target.distance(value) <= 0.0 || target.distance(value + pace) >= target.distance(value)
            ),
        }
    }

    #[test]
    fn the_needed_pace_takes_the_years_that_there_are(
        target in target(),
        value in 0.0..1.0_f64,
        years in 1_u8..40,
    ) {
        let years = f64::from(years);
        if let Some(pace) = target.needed_pace(value, years) {
            prop_assert!(close(target.years_at(value, pace).unwrap(), years));
        }
    }

    #[test]
    fn the_pace_is_negative_exactly_if_the_figure_falls(
        earlier in 0.0..1.0_f64,
        now in 0.0..1.0_f64,
        years in 1_u16..20,
    ) {
        let pace = mean_pace(earlier, now, years);
        prop_assert_eq!(pace < 0.0, now < earlier);
        prop_assert!(close(earlier + pace * f64::from(years), now));
    }

    #[test]
    fn the_way_made_is_one_on_the_threshold_and_zero_where_it_began(
        target in target(),
        earlier in 0.0..1.0_f64,
        now in 0.0..1.0_f64,
    ) {
        prop_assume!(target.distance(earlier) > 1e-3);
        prop_assert!(close(target.way_made(earlier, target.at).unwrap(), 1.0));
        prop_assert!(close(target.way_made(earlier, earlier).unwrap(), 0.0));
        let made = target.way_made(earlier, now).unwrap();
        let is_there = target.distance(now) <= 0.0;
        prop_assert!((is_there && made >= 1.0) || (!is_there && made <= 1.0));
        prop_assert_eq!(made < 0.0, target.distance(now) > target.distance(earlier));
    }
}
