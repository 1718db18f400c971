//! Plain decimal numbers as text: figures are moved, never recalculated.

use anyhow::{Result, ensure};

/// A thousandth of a plain decimal number, such as `0.0125` of `12.5`: moves the point, and keeps the digits.
///
/// # Errors
/// The text is no plain decimal number.
pub(crate) fn thousandth(text: &str) -> Result<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(!whole.is_empty() && is_digits(whole) && is_digits(fraction), "`{text}` is no plain number");
    let padded = format!("{whole:0>4}");
    let (thousands, rest) = padded.split_at(padded.len() - 3);
    let thousands = thousands.trim_start_matches('0');
    let digits = format!("{rest}{fraction}");
    let digits = digits.trim_end_matches('0');
    let thousands = if thousands.is_empty() { "0" } else { thousands };
    Ok(if digits.is_empty() { thousands.to_owned() } else { format!("{thousands}.{digits}") })
}
