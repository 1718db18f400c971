//! Where a figure is against a line: confirmed on both bounds, or not.
#![allow(missing_docs, reason = "tests speak through their names")]

use orewatch_measures::{Estimate, Line, LineState, LineVerdict, Side, Status};
use proptest::prelude::*;

const AT_MOST: Line =
    Line { name: "at most 65 % from one third country", at: 0.65, beyond: Side::Above, inclusive: false };
const AT_LEAST: Line = Line { name: "at least 10 %", at: 0.1, beyond: Side::Below, inclusive: false };
const CRITICAL: Line = Line { name: "critical", at: 1.0, beyond: Side::Above, inclusive: true };

fn band(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> Estimate {
    Estimate { value, low, high, coverage: None, status: Status::Partial, reason: "" }
}

fn state(line: Line, estimate: Estimate) -> LineState {
    line.verdict(&estimate).state
}

#[test]
fn a_known_figure_is_beyond_the_line_or_not() {
    assert_eq!(
        AT_MOST.verdict(&Estimate::known(0.75)),
        LineVerdict { beyond: Some(0.75 - 0.65), state: LineState::Crossed }
    );
    assert_eq!(state(AT_MOST, Estimate::known(0.5)), LineState::Clear);
    assert_eq!(state(AT_LEAST, Estimate::known(0.05)), LineState::Crossed);
    assert_eq!(state(AT_LEAST, Estimate::known(0.3)), LineState::Clear);
    assert!(AT_LEAST.verdict(&Estimate::known(0.3)).beyond.is_some_and(|beyond| beyond < 0.0));
}

#[test]
fn a_figure_on_the_line_is_beyond_an_inclusive_line_only() {
    assert_eq!(
        AT_MOST.verdict(&Estimate::known(0.65)),
        LineVerdict { beyond: Some(0.0), state: LineState::Clear }
    );
    assert_eq!(state(CRITICAL, Estimate::known(1.0)), LineState::Crossed);
}

#[test]
fn a_band_around_the_line_confirms_neither() {
    let wide = |value| band(Some(value), Some(0.6), Some(0.8));
    assert_eq!(state(AT_MOST, wide(0.7)), LineState::CrossedNotConfirmed);
    assert_eq!(state(AT_MOST, wide(0.62)), LineState::ClearNotConfirmed);
    assert_eq!(state(AT_LEAST, band(Some(0.05), Some(0.0), Some(0.2))), LineState::CrossedNotConfirmed);
    assert_eq!(state(AT_LEAST, band(Some(0.15), Some(0.0), Some(0.2))), LineState::ClearNotConfirmed);
    assert_eq!(state(AT_MOST, band(Some(0.7), Some(0.66), Some(0.8))), LineState::Crossed);
}

#[test]
fn a_bound_that_cannot_be_given_lies_beyond_everything() {
    assert_eq!(state(CRITICAL, band(Some(2.0), Some(1.5), None)), LineState::Crossed);
    assert_eq!(state(CRITICAL, band(Some(0.5), Some(0.2), None)), LineState::ClearNotConfirmed);
    assert_eq!(state(AT_LEAST, band(Some(0.5), Some(0.2), None)), LineState::Clear);
    assert_eq!(state(AT_LEAST, band(Some(0.05), None, Some(0.2))), LineState::CrossedNotConfirmed);
}

#[test]
fn bounds_alone_may_say_enough() {
    assert_eq!(state(AT_MOST, band(None, Some(0.7), Some(0.9))), LineState::Crossed);
    assert_eq!(state(AT_MOST, band(None, Some(0.1), Some(0.2))), LineState::Clear);
    assert_eq!(state(AT_MOST, band(None, Some(0.1), Some(0.9))), LineState::Unknown);
    let missing = Estimate::missing(Status::Unavailable, "no figures");
    assert_eq!(AT_MOST.verdict(&missing), LineVerdict { beyond: None, state: LineState::Unknown });
}

fn line() -> impl Strategy<Value = Line> {
    (-5_i8..5, any::<bool>(), any::<bool>()).prop_map(|(at, above, inclusive)| {
        let beyond = if above { Side::Above } else { Side::Below };
        Line { name: "a line", at: f64::from(at), beyond, inclusive }
    })
}

proptest! {
    #[test]
    fn a_confirmed_verdict_holds_for_every_value_in_the_band(
        line in line(),
        mut ends in prop::array::uniform2(-6_i8..6),
        inside in 0.0..=1.0_f64,
        value in 0.0..=1.0_f64,
    ) {
        ends.sort_unstable();
        let [low, high] = ends.map(f64::from);
        let at = |part: f64| low + part * (high - low);
        let estimate = band(Some(at(value)), Some(low), Some(high));
        match state(line, estimate) {
            LineState::Crossed => prop_assert!(line.is_beyond(at(inside).clamp(low, high))),
            LineState::Clear => prop_assert!(!line.is_beyond(at(inside).clamp(low, high))),
            other => {
                prop_assert!(line.is_beyond(low) != line.is_beyond(high));
                prop_assert_eq!(other == LineState::CrossedNotConfirmed, line.is_beyond(at(value)));
            }
        }
    }

    #[test]
    fn a_wider_band_never_confirms_more(
        line in line(),
        mut ends in prop::array::uniform4(-6_i8..6),
        value in 0.0..=1.0_f64,
    ) {
        ends.sort_unstable();
        let [least, low, high, most] = ends.map(f64::from);
        let value = low + value * (high - low);
        let narrow = state(line, band(Some(value), Some(low), Some(high)));
        let wide = state(line, band(Some(value), Some(least), Some(most)));
        let confirmed = |state| matches!(state, LineState::Crossed | LineState::Clear);
        prop_assert!(!confirmed(wide) || wide == narrow);
    }
}
