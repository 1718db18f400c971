//! Trends of figures as text and columns.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Exposure, Trend};

use crate::render::{Cell, Column, column, difference_in, value_in};

/// Relative change up to which a figure counts as unchanged.
const MAX_STEADY_CHANGE: f64 = 0.005;

/// A number of an estimate, if it has it.
type Number = fn(&Estimate) -> Option<f64>;

/// A number of a trend, if the trend was requested and has it.
fn trend_number(exposure: &Exposure, figure: fn(&Trend) -> Option<&Estimate>, number: Number) -> Cell {
    Cell::Number(exposure.trend.as_ref().and_then(figure).and_then(number))
}

/// Columns of the change, the mean of three and the mean of five periods, each with its bounds.
pub(crate) fn columns() -> Vec<Column<Exposure>> {
    let change =
        |exposure: &Exposure, number: Number| trend_number(exposure, |trend| trend.change.as_ref(), number);
    let mean3 =
        |exposure: &Exposure, number: Number| trend_number(exposure, |trend| trend.mean3.as_ref(), number);
    let mean5 =
        |exposure: &Exposure, number: Number| trend_number(exposure, |trend| trend.mean5.as_ref(), number);
    vec![
        column("change", move |exposure: &Exposure| change(exposure, |estimate| estimate.value)),
        column("change_low", move |exposure: &Exposure| change(exposure, |estimate| estimate.low)),
        column("change_high", move |exposure: &Exposure| change(exposure, |estimate| estimate.high)),
        column("mean3", move |exposure: &Exposure| mean3(exposure, |estimate| estimate.value)),
        column("mean3_low", move |exposure: &Exposure| mean3(exposure, |estimate| estimate.low)),
        column("mean3_high", move |exposure: &Exposure| mean3(exposure, |estimate| estimate.high)),
        column("mean5", move |exposure: &Exposure| mean5(exposure, |estimate| estimate.value)),
        column("mean5_low", move |exposure: &Exposure| mean5(exposure, |estimate| estimate.low)),
        column("mean5_high", move |exposure: &Exposure| mean5(exposure, |estimate| estimate.high)),
    ]
}

/// The change since the previous period, with an arrow: `↑ +4.1 pp`.
pub(crate) fn change_words(unit: &str, trend: &Trend, value: Option<f64>) -> String {
    let Some(change) = trend.change.as_ref().and_then(|change| change.value) else { return "-".to_owned() };
    let is_steady = value.is_some_and(|value| change.abs() <= MAX_STEADY_CHANGE * value.abs());
    let arrow = match change {
        _ if is_steady => '→',
        change if change > 0.0 => '↑',
        change if change < 0.0 => '↓',
        _ => '→',
    };
    format!("{arrow} {}", difference_in(unit, change))
}

/// A mean as text; `-` if there is none.
pub(crate) fn mean_words(unit: &str, mean: Option<&Estimate>) -> String {
    mean.and_then(|mean| mean.value).map_or_else(|| "-".to_owned(), |mean| value_in(unit, mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_says_which_way_a_figure_went() {
        let trend = |change| Trend {
            change: Some(Estimate { value: change, ..Estimate::default() }),
            ..Trend::default()
        };
        assert_eq!(change_words("share", &trend(Some(0.04)), Some(0.68)), "↑ +4.0 pp");
        assert_eq!(change_words("share", &trend(Some(-0.04)), Some(0.68)), "↓ -4.0 pp");
        assert_eq!(change_words("hhi", &trend(Some(3.0)), Some(5000.0)), "→ +3");
        assert_eq!(change_words("hhi", &trend(None), Some(5000.0)), "-");
        assert_eq!(change_words("share", &Trend::default(), None), "-");
    }
}
