//! Bounds enclose what they are computed from, whatever goes in.
#![allow(missing_docs, reason = "tests speak through their names")]

mod kit;

use kit::{EPSILON, any_amount, any_estimate, any_number};
use orewatch_measures::{Amount, Estimate, Interval, Status};
use proptest::prelude::*;

/// Bounds of either sign, some infinite, and a value within them.
fn bounded() -> impl Strategy<Value = (Interval, f64)> {
    let end = || {
        prop_oneof![
            2 => Just(0.0),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
            6 => -50.0..50.0,
        ]
    };
    (end(), end(), 0.0..=1.0).prop_map(|(one, other, at): (f64, f64, f64)| {
        let bounds = Interval::new(one, other);
        let (low, high) = (bounds.low().clamp(-1e3, 1e3), bounds.high().clamp(-1e3, 1e3));
        (bounds, (low + at * (high - low)).clamp(bounds.low(), bounds.high()))
    })
}

/// Whether bounds hold a value, up to rounding.
fn holds(bounds: Interval, value: f64) -> bool {
    let room = EPSILON * value.abs().max(1.0);
    bounds.low() <= value + room && value - room <= bounds.high()
}

fn is_sane(bounds: Interval) -> bool {
    bounds.low() <= bounds.high()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn arithmetic_encloses_every_result((a, x) in bounded(), (b, y) in bounded()) {
        prop_assume!(x.is_finite() && y.is_finite());
        prop_assert!(holds(a.plus(b), x + y), "{a:?} + {b:?}: {x} {y}");
        prop_assert!(holds(a.minus(b), x - y), "{a:?} - {b:?}: {x} {y}");
        prop_assert!(holds(a.times(b), x * y), "{a:?} * {b:?}: {x} {y}");
        if y != 0.0 {
            prop_assert!(holds(a.over(b), x / y), "{a:?} / {b:?}: {x} {y} {:?}", a.over(b));
        }
        prop_assert!(a.hull(b).encloses(a) && a.hull(b).encloses(b));
        prop_assert!(holds(a.map(|x| x * x * x), x * x * x) && holds(a.map_falling(|x| 1.0 - x), 1.0 - x));
        prop_assert!(a.contains(x) && a.within(-5.0, 5.0).contains(x.clamp(-5.0, 5.0)));
    }

    #[test]
    fn a_wider_operand_never_narrows_a_result(
        (a, _) in bounded(),
        (b, _) in bounded(),
        (more, _) in bounded(),
    ) {
        let wide = a.hull(more);
        // A divisor that is zero for certain is taken for one just above it.
        prop_assume!(a != Interval::ZERO);
        for (wide, narrow) in [
            (wide.plus(b), a.plus(b)),
            (wide.minus(b), a.minus(b)),
            (b.minus(wide), b.minus(a)),
            (wide.times(b), a.times(b)),
            (wide.over(b), a.over(b)),
            (b.over(wide), b.over(a)),
        ] {
            prop_assert!(wide.encloses(narrow), "{wide:?} {narrow:?}");
        }
    }

    #[test]
    fn no_number_makes_bounds_that_are_none(
        one in any_number(),
        other in any_number(),
        amount in any_amount(),
        estimate in any_estimate(),
    ) {
        let (a, b) = (Interval::new(one, other), Interval::from(amount));
        let c = Interval::from(&estimate);
        for (a, b) in [(a, b), (b, a), (a, c), (c, a), (b, c), (a, a)] {
            for bounds in [a, a.plus(b), a.minus(b), a.times(b), a.over(b), a.hull(b), a.within(0.0, 1.0)] {
                prop_assert!(is_sane(bounds) && bounds.width() >= 0.0, "{bounds:?} of {a:?} {b:?}");
            }
        }
        if let (Some(value), false) = (estimate.value, estimate.status == Status::Known) {
            prop_assert!(!value.is_finite() || c.contains(value), "{c:?} {estimate:?}");
        }
    }
}

#[test]
fn zero_stays_zero_and_an_unbounded_divisor_bounds_from_below() {
    assert_eq!(Interval::ZERO.times(Interval::POSITIVE), Interval::ZERO);
    assert_eq!(Interval::ZERO.over(Interval::SHARE), Interval::ZERO);
    assert_eq!(Interval::exact(3.0).over(Interval::POSITIVE), Interval::POSITIVE);
    assert_eq!(Interval::SHARE.over(Interval::new(-1.0, 1.0)), Interval::EVERYTHING);
    assert_eq!(Interval::new(-6.0, 4.0).over(Interval::new(-4.0, -2.0)), Interval::new(-2.0, 3.0));
    assert_eq!(Interval::from(Amount::withheld()), Interval::POSITIVE);
    assert_eq!(Interval::from(Estimate::known(0.4)), Interval::exact(0.4));
    assert_eq!(Interval::new(f64::NAN, 2.0), Interval::new(f64::NEG_INFINITY, 2.0));
    assert_eq!(Interval::new(2.0, 1.0), Interval::new(1.0, 2.0));
}
