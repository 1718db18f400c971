//! Figures as text: a plain decimal number, `W` or `NA`. Nothing else is guessed at.
use orewatch_contracts::common::v1::Status;

use super::Reject;
use super::separators::Meant;

/// Largest figure that is believed, in thousand US dollars or tonnes: forty times the world's trade of a year. Sums of
/// figures up to it stay finite and exact enough.
pub(super) const LARGEST: f64 = 1e12;

/// Largest parameter that is believed. Money of an economy may be in single units of a small currency.
const LARGEST_PARAMETER: f64 = 1e18;

/// Longest text that is read as a number.
const LONGEST: usize = 64;

/// A number, or why there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    /// The number; NaN unless KNOWN.
    pub(super) number: f64,
    /// KNOWN, WITHHELD or UNAVAILABLE.
    pub(super) status: Status,
}

impl Figure {
    /// A figure that is not available.
    pub(super) const UNAVAILABLE: Self = Self { number: f64::NAN, status: Status::Unavailable };

    /// A known number.
    pub(super) fn known(number: f64) -> Self {
        Self { number, status: Status::Known }
    }

    /// A known number, or none where it is NaN.
    pub(super) fn known_or_unavailable(number: f64) -> Self {
        let status = if number.is_nan() { Status::Unavailable } else { Status::Known };
        Self { number, status }
    }

    /// Reads a figure that cannot be negative.
    pub(super) fn amount(column: &str, text: &str) -> Result<Self, Reject> {
        Self::read(column, text, false, LARGEST)
    }

    /// Reads a figure of either sign.
    pub(super) fn signed(column: &str, text: &str) -> Result<Self, Reject> {
        Self::read(column, text, true, LARGEST)
    }

    /// Reads a parameter of either sign and of any unit.
    pub(super) fn any(column: &str, text: &str) -> Result<Self, Reject> {
        Self::read(column, text, true, LARGEST_PARAMETER)
    }

    fn read(column: &str, text: &str, signed: bool, largest: f64) -> Result<Self, Reject> {
        match text {
            "NA" => return Ok(Self { number: f64::NAN, status: Status::Unavailable }),
            "W" => return Ok(Self { number: f64::NAN, status: Status::Withheld }),
            _ => {}
        }
        let unsigned = if signed { text.strip_prefix('-').unwrap_or(text) } else { text };
        if !is_plain_decimal(unsigned) {
            return Err(diagnose(column, text, signed, largest));
        }
        match text.parse::<f64>() {
            Ok(number) if number.abs() <= largest => Ok(Self::known(number)),
            _ => Err(Reject::new(
                "figure-too-large",
                column,
                text,
                format!("the figure is beyond {largest:e}"),
            )
            .with_hint("check the unit of the column")),
        }
    }
}

/// Digits with at most one point among them.
fn is_plain_decimal(text: &str) -> bool {
    let mut points = 0;
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' => points += 1,
            _ => return false,
        }
    }
    digits > 0 && points <= 1 && text.len() <= LONGEST
}

/// Why a text is no figure, and what to write instead.
fn diagnose(column: &str, text: &str, signed: bool, largest: f64) -> Reject {
    const MISSING: &str =
        "write NA if no source gives it, W if the publisher withholds it, 0 only if it is zero";
    let reject = |code, reason: &str| Reject::new(code, column, text, reason);
    let lower = text.to_lowercase();
    match lower.as_str() {
        "" => return reject("missing-figure", "the figure is empty").with_hint(MISSING),
        "-" | "–" | "—" | ".." | "..." | "n/a" | "na" | "nan" | "null" | "none" | "w" | "x" | "xx" => {
            return reject("bad-number", "this is a mark, not a figure").with_hint(MISSING);
        }
        "inf" | "+inf" | "-inf" | "infinity" | "-infinity" => {
            return reject("bad-number", "the figure is not finite").with_hint(MISSING);
        }
        _ => {}
    }
    if let Some(number) = text.strip_prefix(['-', '−']).filter(|number| is_plain_decimal(number)) {
        return match signed {
            true => reject("bad-number", "the minus sign is a letter of its own")
                .with_hint(format!("write it with a hyphen: -{number}")),
            false => reject("negative-figure", "the figure is below zero, which an amount cannot be"),
        };
    }
    if text.starts_with(['<', '>', '≤', '≥', '~', '±']) {
        return reject("bounded-figure", "this is a bound, not a figure")
            .with_hint("write NA if only a bound is known");
    }
    if let Some(number) = text.strip_suffix('%').map(str::trim).filter(|number| is_plain_decimal(number)) {
        let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let share = number.parse::<f64>().map(|number| format!("{:.*}", decimals + 2, number / 100.0));
        let share = share.unwrap_or_default();
        return reject("bad-number", "the number has a per cent sign")
            .with_hint(format!("a share is a fraction: write {share}"));
    }
    if let Some(meant) = Meant::of(text) {
        return reject("bad-number", meant.reason()).with_hint(meant.hint());
    }
    if lower.contains('e') && text.parse::<f64>().is_ok() {
        let hint = match text.parse::<f64>() {
            Ok(number) if number.abs() <= largest => format!("write it as a plain decimal: {number}"),
            _ => "its value is beyond what a figure can be".to_owned(),
        };
        return reject("bad-number", "numbers with an exponent are not read").with_hint(hint);
    }
    reject("bad-number", "this is not a plain decimal number, W or NA")
        .with_hint("write digits with a point, such as 1234.5, and NA where there is no figure")
}
