//! How figures moved.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::Trend;

use crate::render::{Cell, difference_in, value_in};

/// Changes of less than this part of the figure are no movement.
const STILL: f64 = 0.005;

/// The cells of a row: change, mean of three and mean of five periods, each with its bounds.
pub(crate) fn cells(trend: Option<&Trend>) -> Vec<Cell> {
    let empty = Trend::default();
    let trend = trend.unwrap_or(&empty);
    let figure = |estimate: &Option<Estimate>| {
        let estimate = estimate.clone().unwrap_or_default();
        [estimate.value, estimate.low, estimate.high].map(Cell::Number)
    };
    [&trend.change, &trend.mean3, &trend.mean5].into_iter().flat_map(figure).collect()
}

/// The change since the period before, with an arrow: `↑ +4.1 pp`.
pub(crate) fn change_words(unit: &str, trend: &Trend, value: Option<f64>) -> String {
    let Some(change) = trend.change.as_ref().and_then(|change| change.value) else { return "-".to_owned() };
    let still = value.is_some_and(|value| change.abs() <= STILL * value.abs());
    let arrow = match change {
        _ if still => '→',
        change if change > 0.0 => '↑',
        change if change < 0.0 => '↓',
        _ => '→',
    };
    format!("{arrow} {}", difference_in(unit, change))
}

/// A mean, if it can be given.
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
