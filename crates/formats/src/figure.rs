//! Figures as text: a plain decimal number, `W` or `NA`. Anything else is rejected with what to write
//! instead; nothing is guessed.
use orewatch_contracts::common::v1::Status;

use super::Reject;
use super::separators::SeparatedNumber;

/// Largest figure that is plausible, in thousand US dollars or tonnes: forty times the world's trade of a
/// year. Sums of figures up to it stay finite and exact enough.
pub(super) const MAX_AMOUNT: f64 = 1e12;

/// Largest parameter that is plausible. Money of an economy may be in single units of a small currency.
const MAX_PARAMETER: f64 = 1e18;

/// Longest text that is read as a number, in bytes.
const MAX_NUMBER_BYTES: usize = 64;

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
    pub(super) const UNAVAILABLE: Self = Self::missing(Status::Unavailable);

    /// A figure that the publisher withholds.
    pub(super) const WITHHELD: Self = Self::missing(Status::Withheld);

    /// A known number.
    pub(super) fn known(number: f64) -> Self {
        Self { number, status: Status::Known }
    }

    /// A figure without a number.
    pub(super) const fn missing(status: Status) -> Self {
        Self { number: f64::NAN, status }
    }

    /// A known number; not available if it is NaN.
    pub(super) fn known_or_unavailable(number: f64) -> Self {
        let status = if number.is_nan() { Status::Unavailable } else { Status::Known };
        Self { number, status }
    }

    /// The figures of a row that has only this one.
    pub(super) fn alone(self) -> [Self; 2] {
        [self, Self::known(0.0)]
    }

    /// The figure in a unit that is so many times as large. A missing figure stays missing.
    pub(super) fn divided_by(self, divisor: f64) -> Self {
        Self { number: self.number / divisor, ..self }
    }

    /// Reads a figure that cannot be negative.
    pub(super) fn amount(column: &str, text: &str) -> Result<Self, Reject> {
        Self::read(column, text, false, MAX_AMOUNT)
    }

    /// Reads a figure that cannot be negative; an empty text is not available.
    pub(super) fn amount_or_missing(column: &str, text: &str) -> Result<Self, Reject> {
        if text.is_empty() { Ok(Self::UNAVAILABLE) } else { Self::amount(column, text) }
    }

    /// Reads a figure of either sign.
    pub(super) fn signed(column: &str, text: &str) -> Result<Self, Reject> {
        Self::read(column, text, true, MAX_AMOUNT)
    }

    /// Reads a parameter of either sign and of any unit.
    pub(super) fn parameter(column: &str, text: &str) -> Result<Self, Reject> {
        Self::read(column, text, true, MAX_PARAMETER)
    }

    fn read(column: &str, text: &str, signed: bool, largest: f64) -> Result<Self, Reject> {
        match text {
            "NA" => return Ok(Self::UNAVAILABLE),
            "W" => return Ok(Self::WITHHELD),
            _ => {}
        }
        let unsigned = if signed { text.strip_prefix('-').unwrap_or(text) } else { text };
        if !is_plain_decimal(unsigned) {
            return Err(diagnose(column, text, signed, largest));
        }
        match text.parse::<f64>() {
            Ok(number) if number.abs() <= largest => Ok(Self::known(number)),
            _ => {
                let reason = format!("the figure is larger than {largest:e}");
                Err(Reject::new("figure-too-large", column, text, reason)
                    .with_hint("check the unit of the column"))
            }
        }
    }
}

/// Whether a text is digits with at most one point among them.
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
    digits > 0 && points <= 1 && text.len() <= MAX_NUMBER_BYTES
}

/// Says why a text is no figure, and what to write instead.
fn diagnose(column: &str, text: &str, signed: bool, largest: f64) -> Reject {
    const MISSING: &str =
        "write NA if no source gives it, W if the publisher withholds it, 0 only if it is zero";
    let reject = |code, reason: &str| Reject::new(code, column, text, reason);
    let lower = text.to_lowercase();
    match lower.as_str() {
        "" => return reject("missing-figure", "the figure is empty").with_hint(MISSING),
        "-" | "–" | "—" | ".." | "..." | "n/a" | "na" | "nan" | "null" | "none" | "w" | "x" | "xx" => {
            return reject("invalid-number", "this is a mark, not a figure").with_hint(MISSING);
        }
        "inf" | "+inf" | "-inf" | "infinity" | "-infinity" => {
            return reject("invalid-number", "the figure is not finite").with_hint(MISSING);
        }
        _ => {}
    }
    if let Some(number) = text.strip_prefix(['-', '−']).filter(|number| is_plain_decimal(number)) {
        return match signed {
            true => reject("invalid-number", "the minus sign is not a hyphen")
                .with_hint(format!("write it with a hyphen: -{number}")),
            false => reject("negative-figure", "the figure is negative, which an amount cannot be"),
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
        return reject("invalid-number", "the number has a per cent sign")
            .with_hint(format!("a share is a fraction: write {share}"));
    }
    if let Some(separated) = SeparatedNumber::parse(text) {
        return reject("invalid-number", separated.reason()).with_hint(separated.hint());
    }
    if lower.contains('e') && text.parse::<f64>().is_ok() {
        let hint = match text.parse::<f64>() {
            Ok(number) if number.abs() <= largest => format!("write it as a plain decimal: {number}"),
            _ => "its value is larger than a figure can be".to_owned(),
        };
        return reject("invalid-number", "numbers with an exponent are not read").with_hint(hint);
    }
    reject("invalid-number", "this is not a plain decimal number, W or NA")
        .with_hint("write digits with a point, such as 1234.5, and NA if there is no figure")
}
