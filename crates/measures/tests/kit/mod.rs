//! What tests of formulas share: amounts and estimates with a truth inside their bounds.
#![allow(dead_code, reason = "not every test needs every part")]

use orewatch_measures::{Amount, Estimate, Status};
use proptest::prelude::*;

/// Relative room for rounding.
pub(crate) const EPSILON: f64 = 1e-9;

/// An amount, and where between its bounds the truth lies, 0 to 1.
pub(crate) fn amount() -> impl Strategy<Value = (Amount, f64)> {
    let size = prop_oneof![Just(0.0), 0.001..10.0, 10.0..1e6];
    let kind = prop_oneof![
        4 => size.clone().prop_map(Amount::known),
        2 => (size.clone(), 0.0..1e3).prop_map(|(low, more)| Amount::between(low, low + more)),
        1 => Just(Amount::withheld()),
        1 => (size.clone(), size).prop_map(|(a, b)| Amount::known(a) + Amount::between(0.0, b)),
    ];
    let at = prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    (kind, at)
}

/// The truth about an amount.
pub(crate) fn truth((amount, at): (Amount, f64)) -> f64 {
    let high = if amount.high().is_finite() { amount.high() } else { amount.low() + 1e4 };
    amount.low() + at * (high - amount.low())
}

/// An estimate within a range, known or not, and the truth.
pub(crate) fn estimate(low: f64, high: f64) -> impl Strategy<Value = (Estimate, f64)> {
    let three = (low..=high, low..=high, low..=high);
    let kind = 0..4_u8;
    (three, kind).prop_map(move |((a, b, truth), kind)| {
        let (from, to) = (a.min(b).min(truth), a.max(b).max(truth));
        let estimate = match kind {
            0 => Estimate::known(truth),
            1 => bounded(Some(truth), Some(from), Some(to)),
            2 => bounded(None, Some(from), Some(to)),
            _ => Estimate::missing(Status::Unavailable, "not there"),
        };
        (estimate, truth)
    })
}

/// An estimate between bounds.
pub(crate) fn bounded(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> Estimate {
    Estimate { value, low, high, coverage: None, status: Status::Partial, reason: "only bounds are known" }
}

/// Whether the truth lies between the bounds, up to rounding.
pub(crate) fn encloses(estimate: &Estimate, truth: f64) -> bool {
    let room = EPSILON * truth.abs().max(1.0);
    estimate.low.is_none_or(|low| low <= truth + room)
        && estimate.high.is_none_or(|high| truth <= high + room)
}

/// Whether the bounds of `wide` hold those of `narrow`, up to rounding.
pub(crate) fn holds(wide: &Estimate, narrow: &Estimate) -> bool {
    let room = |bound: f64| EPSILON * bound.abs().max(1.0);
    let low = wide.low.is_none_or(|wide| narrow.low.is_some_and(|narrow| wide <= narrow + room(narrow)));
    let high = wide.high.is_none_or(|wide| narrow.high.is_some_and(|narrow| narrow <= wide + room(narrow)));
    low && high
}

/// The same amount, known less well.
pub(crate) fn widened(amount: Amount, by: f64) -> Amount {
    if by > 0.9 {
        return Amount::withheld();
    }
    Amount::between((amount.low() * (1.0 - by)).max(0.0), amount.high() * (1.0 + by) + by)
}

/// Any number at all, the odd ones often.
pub(crate) fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-1.0),
        Just(-0.0),
        Just(0.0),
        Just(1.0),
        Just(f64::MIN_POSITIVE / 4.0),
        Just(f64::MAX),
        Just(f64::MIN),
        prop::num::f64::ANY,
        0.0..1e4,
    ]
}

/// Any amount that can be made.
pub(crate) fn any_amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        any_number().prop_map(Amount::known),
        (any_number(), any_number()).prop_map(|(low, high)| Amount::between(low, high)),
        (any_number(), any_number()).prop_map(|(a, b)| Amount::known(a) + Amount::known(b)),
        (any_number(), any_number()).prop_map(|(a, b)| Amount::known(a) + Amount::between(b, a)),
        Just(Amount::withheld()),
        Just(Amount::unavailable()),
    ]
}

/// Any estimate that can be written down, sane or not.
pub(crate) fn any_estimate() -> impl Strategy<Value = Estimate> {
    let number = || prop::option::of(any_number());
    let status = prop_oneof![
        Just(Status::Known),
        Just(Status::Partial),
        Just(Status::Withheld),
        Just(Status::Unavailable),
        Just(Status::NotApplicable),
        Just(Status::Stale),
    ];
    (number(), number(), number(), status).prop_map(|(value, low, high, status)| Estimate {
        value,
        low,
        high,
        coverage: None,
        status,
        reason: if status == Status::Known { "" } else { "a reason" },
    })
}

/// What holds of every figure that comes out, whatever went in.
pub(crate) fn is_sane(figure: &Estimate) -> Result<(), TestCaseError> {
    for number in [figure.value, figure.low, figure.high, figure.coverage].into_iter().flatten() {
        prop_assert!(number.is_finite(), "{figure:?}");
    }
    prop_assert_eq!(figure.status == Status::Known, figure.reason.is_empty(), "{:?}", figure);
    if let (Some(low), Some(high)) = (figure.low, figure.high) {
        prop_assert!(low <= high, "{figure:?}");
    }
    let value = figure.value.unwrap_or(0.0);
    prop_assert!(figure.value.is_none() || encloses(figure, value), "{figure:?}");
    if figure.status == Status::Known {
        prop_assert_eq!((figure.low, figure.high), (figure.value, figure.value));
        prop_assert!(figure.value.is_some());
    }
    Ok(())
}
