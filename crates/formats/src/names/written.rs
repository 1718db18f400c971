//! Explains periods and days that are written differently: the hint shows the right form, and nothing is
//! guessed.
use orewatch_catalog::{Period, PeriodError};

use super::super::Reject;
use super::super::text::is_digits;

/// Beginnings of the names of months, in English and similar in related languages.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Serial numbers of days in spreadsheets, from 1990 to 2050.
const DAY_SERIALS: std::ops::RangeInclusive<u32> = 32_874..=55_153;

/// Why a text is no period, and how it should be written.
pub(super) fn invalid_period(column: &str, text: &str, error: &PeriodError) -> Reject {
    Reject::new("invalid-period", column, text, error.to_string()).with_hint(period_hint(text))
}

/// Why a text is no day, and how it should be written.
pub(super) fn invalid_day(column: &str, text: &str) -> Reject {
    let hint = match text.parse::<Period>() {
        Ok(period) => format!("write a day: {} or {}", period.start(), period.end()),
        Err(_) if text.parse().is_ok_and(|serial: u32| DAY_SERIALS.contains(&serial)) => SERIAL.to_owned(),
        Err(_) => "write year, month and day: 2010-07-01".to_owned(),
    };
    Reject::new("invalid-day", column, text, "this is no day from 1900 to 2100").with_hint(hint)
}

const SERIAL: &str = "is this a spreadsheet's number of a day? Save the column as text, such as 2024-03";

const QUARTERS: &str = "quarters are not read: hand in months or years";

/// How a text should be written as a period; empty if that is unknown.
fn period_hint(text: &str) -> String {
    let lower = text.trim().trim_end_matches(".0").to_lowercase();
    let is_word = |word: &&str| !word.is_empty();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(is_word).collect();
    let found = match &words[..] {
        [only] if is_year(only) => return format!("write {only}"),
        [only] => only
            .split_at_checked(4)
            .filter(|(year, rest)| is_year(year) && rest.len() > 1)
            .map(|(year, rest)| (year, month(rest))),
        [first, second] if is_year(first) => Some((*first, month(second))),
        [first, second] if is_year(second) => Some((*second, month(first))),
        _ => None,
    };
    match found {
        Some((year, Some(month))) => format!("write {year}-{month:02}"),
        _ if lower.contains('q') => QUARTERS.to_owned(),
        _ if lower.parse().is_ok_and(|serial: u32| DAY_SERIALS.contains(&serial)) => SERIAL.to_owned(),
        _ => String::new(),
    }
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && is_digits(word) && matches!(word.get(..2), Some("19" | "20"))
}

/// The number of a month: `3`, `03`, `m03`, `march`.
fn month(word: &str) -> Option<usize> {
    let named = MONTHS.iter().position(|name| word.starts_with(name)).map(|place| place + 1);
    let digits = word.strip_prefix('m').unwrap_or(word);
    let number = || digits.parse().ok().filter(|month| (1..=12).contains(month) && digits.len() <= 2);
    named.or_else(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_show_how_a_period_is_written() {
        for (text, hint) in [
            ("2024.0", "write 2024"),
            ("202403", "write 2024-03"),
            ("2024M03", "write 2024-03"),
            ("2024/3", "write 2024-03"),
            ("03/2024", "write 2024-03"),
            ("Mar-2024", "write 2024-03"),
            ("March 2024", "write 2024-03"),
            ("2024-Q1", QUARTERS),
            ("45352", SERIAL),
            ("20222", ""),
            ("1850", ""),
            ("Mar-24", ""),
            ("x", ""),
        ] {
            assert_eq!(period_hint(text), hint, "{text}");
        }
    }
}
