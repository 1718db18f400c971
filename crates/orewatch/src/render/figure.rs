//! Figures as text.
use orewatch_contracts::common::v1::{Estimate, Status};

/// Eighths of a block, from none to seven.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A share of one as per cent, one decimal.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A difference of shares in percentage points, with its sign.
pub(crate) fn signed_points(difference: f64) -> String {
    format!("{:+.1} pp", difference * 100.0)
}

/// A number with its thousands apart.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    fraction.map_or_else(|| format!("{sign}{grouped}"), |fraction| format!("{sign}{grouped}.{fraction}"))
}

/// An amount: whole numbers from a hundred on, one decimal below.
pub(crate) fn quantity(value: f64) -> String {
    number(value, if value.abs() < 100.0 { 1 } else { 0 })
}

/// A value in its unit: `share`, `hhi`, `count`, or an amount.
pub(crate) fn value_in(unit: &str, value: f64) -> String {
    match unit {
        "share" => percent(value),
        "hhi" => number(value, 0),
        "count" => number(value, 1),
        _ => quantity(value),
    }
}

/// How a status is called.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Known => "known",
        Status::Partial => "partial",
        Status::Withheld => "withheld",
        Status::Unspecified | Status::Unavailable => "unavailable",
        Status::NotApplicable => "not applicable",
        Status::Stale => "stale",
    }
}

/// An estimate: its value, its bounds where they are not the same, or the name of what is missing.
pub(crate) fn estimate(unit: &str, estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return status_word(Status::Unavailable).to_owned() };
    let bounds = match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => {
            Some((value_in(unit, low), value_in(unit, high))).filter(|(low, high)| low != high)
        }
        _ => None,
    };
    match (estimate.value, bounds) {
        (Some(value), None) => value_in(unit, value),
        (Some(value), Some((low, high))) => format!("{} ({low} to {high})", value_in(unit, value)),
        (None, Some((low, high))) => format!("{low} to {high}"),
        (None, None) => status_word(estimate.status()).to_owned(),
    }
}

/// An estimate without its bounds, marked where it is not wholly known.
pub(crate) fn brief(unit: &str, figure: Option<&Estimate>) -> String {
    let mark = if figure.is_some_and(|figure| figure.status() == Status::Known) { "" } else { "~" };
    let value = figure.and_then(|figure| figure.value);
    value.map_or_else(|| estimate(unit, figure), |value| format!("{mark}{}", value_in(unit, value)))
}

/// A bar of a share of one, `width` columns for all of it.
pub(crate) fn bar(share: f64, width: usize) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let width_in_eighths = u32::try_from(width.saturating_mul(8)).unwrap_or(u32::MAX);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1 of a width is between 0 and the width"
    )]
    let eighths = (share * f64::from(width_in_eighths)).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    text.push_str(EIGHTHS.get(eighths % 8).copied().unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let cases =
            [(0.0, 0, "0"), (999.0, 0, "999"), (1000.0, 0, "1 000"), (-1234567.89, 1, "-1 234 567.9")];
        for (value, decimals, text) in cases {
            assert_eq!(number(value, decimals), text);
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        for (share, text) in
            [(0.0, ""), (1.0, "████"), (0.5, "██"), (0.28, "█▏"), (7.0, "████"), (f64::NAN, "")]
        {
            assert_eq!(bar(share, 4), text);
        }
    }

    #[test]
    fn what_is_missing_keeps_its_name() {
        let known = |value, low, high| Estimate {
            value,
            low,
            high,
            status: Status::Partial.into(),
            ..Estimate::default()
        };
        assert_eq!(estimate("share", Some(&known(Some(0.577), Some(0.577), Some(0.577)))), "57.7 %");
        assert_eq!(
            estimate("share", Some(&known(Some(0.5), Some(0.4), Some(0.6)))),
            "50.0 % (40.0 % to 60.0 %)"
        );
        assert_eq!(estimate("hhi", Some(&known(None, Some(1000.0), Some(2000.0)))), "1 000 to 2 000");
        let withheld = Estimate { status: Status::Withheld.into(), ..Estimate::default() };
        assert_eq!(estimate("share", Some(&withheld)), "withheld");
        assert_eq!(estimate("share", None), "unavailable");
    }
}
