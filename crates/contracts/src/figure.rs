//! Figures as text for people, the same in tables, messages and mail.
use crate::common::v1::{Estimate, Status};

/// Blocks of zero to seven eighths of a column.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Blocks of eight heights.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Upper bound on the decimals of a figure.
const MAX_DECIMALS: usize = 9;

/// Largest revision that is written in percent; beyond it, a multiple says more.
const MAX_PERCENT: f64 = 10.0;

/// Stands for a ratio of imports to exports where there are no exports; measures that are published elsewhere
/// define it so.
const NO_EXPORTS: f64 = 9999.0;

/// A share (0 to 1) in percent, with one decimal: `67.7 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", unsigned_zero(&format!("{:.1}", share * 100.0)))
}

/// A revision of a figure, as a fraction of it: `33.3 %`, or `12.2 times` where it is more than tenfold.
pub fn revision(fraction: f64) -> String {
    if fraction > MAX_PERCENT { format!("{fraction:.1} times") } else { percent(fraction) }
}

/// Removes the sign of a number that was rounded to zero.
fn unsigned_zero(text: &str) -> &str {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.chars().all(|digit| matches!(digit, '0' | '.')) { digits } else { text }
}

/// A difference of shares in percentage points, with its sign: `-2.1 pp`.
pub fn signed_points(difference: f64) -> String {
    format!("{:+.1} pp", difference * 100.0)
}

/// A number with spaces between thousands: `12 346`.
pub fn number(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let plain = unsigned_zero(&plain);
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
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

/// An amount: without decimals from a hundred on, with one below.
pub fn quantity(value: f64) -> String {
    number(value, if value.abs() < 100.0 { 1 } else { 0 })
}

/// A value with its unit, in the one form in which Orewatch shows figures: a share in percent, a count
/// without a unit, an amount with its own. An index keeps two significant digits, however small it is.
pub fn value_in(unit: &str, value: f64) -> String {
    match unit {
        "share" => percent(value),
        "years" => years(&number(value, if value.fract() == 0.0 { 0 } else { 1 })),
        "t" | "kg" | "kt" | "Mt" | "kUSD" => format!("{} {unit}", quantity(value)),
        _ if unit.starts_with("t ") => format!("{} {unit}", quantity(value)),
        "USD/kg" | "kg Cu-eq/kg" => format!("{} {unit}", two_digits(value)),
        "ratio" if value.to_bits() == NO_EXPORTS.to_bits() => "no exports".to_owned(),
        _ => value_without_unit(unit, value),
    }
}

fn years(count: &str) -> String {
    format!("{count} {}", if count.trim_start_matches('-') == "1" { "year" } else { "years" })
}

/// A difference of two values with their unit and its sign.
pub fn difference_in(unit: &str, difference: f64) -> String {
    let sign = if difference < 0.0 { "" } else { "+" };
    match unit {
        "share" => signed_points(difference),
        _ => format!("{sign}{}", value_in(unit, difference)),
    }
}

/// A threshold with its unit, as short as possible: `> 65 %`, `>= 1`.
pub fn line_in(unit: &str, line: f64, above: bool, inclusive: bool) -> String {
    let side = match (above, inclusive) {
        (true, false) => ">",
        (true, true) => ">=",
        (false, false) => "<",
        (false, true) => "<=",
    };
    let text = value_in(unit, line);
    let (number, unit) = text.rsplit_once(' ').filter(|(_, unit)| *unit == "%").unwrap_or((&text, ""));
    let short =
        if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    if unit.is_empty() { format!("{side} {short}") } else { format!("{side} {short} {unit}") }
}

/// A value of a unit that is not written out.
fn value_without_unit(unit: &str, value: f64) -> String {
    match unit {
        "hhi" => number(value, 0),
        "count" => number(value, 1),
        "index" | "ratio" => two_digits(value),
        _ => quantity(value),
    }
}

/// A number with two decimals, or more where these would leave fewer than two significant digits.
fn two_digits(value: f64) -> String {
    let size = value.abs();
    let says_enough = |decimals: &usize| size * 10_f64.powi(i32::try_from(*decimals).unwrap_or(0)) >= 10.0;
    let decimals = if size > 0.0 { (2..MAX_DECIMALS).find(says_enough).unwrap_or(MAX_DECIMALS) } else { 2 };
    number(value, decimals)
}

/// Name of a status.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Known => "known",
        Status::Partial => "partial",
        Status::Withheld => "withheld",
        Status::Unspecified | Status::Unavailable => "unavailable",
        Status::NotApplicable => "not applicable",
        Status::Stale => "stale",
    }
}

/// An estimate: its value with its bounds where they differ after rounding, such as `41.0 % (0 to 70)`, or
/// the name of its status where it has neither.
pub fn estimate(unit: &str, estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return status_word(Status::Unavailable).to_owned() };
    match (estimate.value, bounds(unit, estimate)) {
        (Some(value), None) => value_in(unit, value),
        (Some(value), Some(bounds)) => format!("{} ({bounds})", value_in(unit, value)),
        (None, _) => match (finite(estimate.low), finite(estimate.high)) {
            (Some(low), Some(high)) => format!("{} to {}", number_in(unit, low), value_in(unit, high)),
            _ => status_word(estimate.status()).to_owned(),
        },
    }
}

/// The same for tables: an estimate that is not fully known, and whose bounds cannot be told from its rounded
/// value, is marked with `~`.
pub fn brief(unit: &str, figure: Option<&Estimate>) -> String {
    let is_marked = figure.is_some_and(|figure| {
        figure.value.is_some() && figure.status() != Status::Known && bounds(unit, figure).is_none()
    });
    format!("{}{}", if is_marked { "~" } else { "" }, estimate(unit, figure))
}

/// The bounds of an estimate with a value, without the unit: `0 to 70`. `None`: rounded, they are the value,
/// or there are none.
fn bounds(unit: &str, estimate: &Estimate) -> Option<String> {
    let value = value_in(unit, estimate.value?);
    let differs = |bound: f64| value_in(unit, bound) != value;
    match (finite(estimate.low), finite(estimate.high)) {
        (Some(low), Some(high)) if differs(low) || differs(high) => {
            Some(format!("{} to {}", number_in(unit, low), number_in(unit, high)))
        }
        (Some(low), None) if estimate.status() != Status::Known => {
            Some(format!("at least {}", number_in(unit, low)))
        }
        (None, Some(high)) if estimate.status() != Status::Known => {
            Some(format!("at most {}", number_in(unit, high)))
        }
        _ => None,
    }
}

fn finite(bound: Option<f64>) -> Option<f64> {
    bound.filter(|bound| bound.is_finite())
}

/// A value without its unit: `70` for 70.0 %.
fn number_in(unit: &str, value: f64) -> String {
    let text = value_in(unit, value);
    let bare = match unit {
        "share" => text.strip_suffix(" %").map(|number| number.strip_suffix(".0").unwrap_or(number)),
        "years" => text.rsplit_once(' ').map(|(number, _)| number),
        _ => text.strip_suffix(unit).filter(|_| !unit.is_empty()).map(str::trim_end),
    };
    bare.map_or_else(|| text.clone(), str::to_owned)
}

/// A bar for a share (0 to 1): `width` columns stand for 1.
pub fn bar(share: f64, width: usize) -> String {
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

/// The block whose height stands for a share (0 to 1); a space for 0.
#[must_use]
pub fn level(share: f64) -> char {
    let steps = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
    let reached = steps.iter().filter(|step| share >= **step).count();
    if share <= 0.0 { ' ' } else { LEVELS.get(reached).copied().unwrap_or('█') }
}

/// Shares (0 to 1) over time as a row of blocks; a space where one is missing.
#[must_use]
pub fn sparkline(shares: impl IntoIterator<Item = Option<f64>>) -> String {
    shares.into_iter().map(|share| share.map_or(' ', level)).collect()
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
    fn every_unit_has_its_form() {
        let cases = [
            ("share", 0.6773, "67.7 %"),
            ("share", -1e-9, "0.0 %"),
            ("hhi", -0.2, "0"),
            ("hhi", 3793.4, "3 793"),
            ("count", 2.64, "2.6"),
            ("years", 2.0, "2 years"),
            ("years", 1.0, "1 year"),
            ("years", 0.667, "0.7 years"),
            ("index", 2.8, "2.80"),
            ("index", 0.0346, "0.035"),
            ("index", 0.0, "0.00"),
            ("index", 0.000_456, "0.00046"),
            ("ratio", 1.237, "1.24"),
            ("ratio", 12_345.678, "12 345.68"),
            ("ratio", 9999.0, "no exports"),
            ("t", 12_345.6, "12 346 t"),
            ("USD/kg", 0.400_7, "0.40 USD/kg"),
            ("kg Cu-eq/kg", 0.1086, "0.11 kg Cu-eq/kg"),
        ];
        for (unit, value, text) in cases {
            assert_eq!(value_in(unit, value), text);
        }
    }

    #[test]
    fn every_unit_has_its_difference() {
        let cases = [
            ("share", -0.021, "-2.1 pp"),
            ("hhi", 120.0, "+120"),
            ("index", 0.3, "+0.30"),
            ("index", -0.3, "-0.30"),
            ("years", -1.0, "-1 year"),
            ("t", 1500.0, "+1 500 t"),
        ];
        for (unit, difference, text) in cases {
            assert_eq!(difference_in(unit, difference), text);
        }
    }

    #[test]
    fn a_revision_beyond_tenfold_is_no_percentage() {
        assert_eq!(revision(1.0 / 3.0), "33.3 %");
        assert_eq!(revision(12.2308), "12.2 times");
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
        assert_eq!(estimate("share", Some(&known(Some(0.5), Some(0.4), Some(0.6)))), "50.0 % (40 to 60)");
        let price = known(Some(0.4), Some(0.39), Some(0.5));
        assert_eq!(estimate("USD/kg", Some(&price)), "0.40 USD/kg (0.39 to 0.50)");
        assert_eq!(estimate("share", Some(&known(None, Some(0.4), Some(0.6)))), "40 to 60.0 %");
        assert_eq!(estimate("hhi", Some(&known(None, Some(1000.0), Some(2000.0)))), "1 000 to 2 000");
        assert_eq!(estimate("t", Some(&known(Some(12.0), Some(12.0), None))), "12.0 t (at least 12.0)");
        let withheld = Estimate { status: Status::Withheld.into(), ..Estimate::default() };
        assert_eq!(estimate("share", Some(&withheld)), "withheld");
        assert_eq!(estimate("share", None), "unavailable");
    }

    /// `~` never hides a range: it marks what rounding hides, and nothing else.
    #[test]
    fn a_mark_stands_for_bounds_that_rounding_hides() {
        let figure = |status: Status, low, high| Estimate {
            value: Some(0.41),
            low: Some(low),
            high: Some(high),
            status: status.into(),
            ..Estimate::default()
        };
        let text = |figure: Estimate| brief("share", Some(&figure));
        assert_eq!(text(figure(Status::Partial, 0.0, 0.7)), "41.0 % (0 to 70)");
        assert_eq!(text(figure(Status::Partial, 0.4099, 0.4101)), "~41.0 %");
        assert_eq!(text(figure(Status::Partial, 0.4099, 0.4106)), "41.0 % (41 to 41.1)");
        assert_eq!(text(figure(Status::Known, 0.41, 0.41)), "41.0 %");
        assert_eq!(text(figure(Status::Stale, 0.41, 0.41)), "~41.0 %");
        let unbounded = Estimate { low: None, high: None, ..figure(Status::Partial, 0.0, 0.0) };
        assert_eq!(text(unbounded), "~41.0 %");
        assert_eq!(brief("share", None), "unavailable");
    }
}
