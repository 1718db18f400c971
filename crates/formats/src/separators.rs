//! Numbers with separators: says how a number should be written, without ever reading a different number.
//!
//! A comma may separate decimals or thousands, and so may a point. The digits around it decide which; where
//! they cannot, both readings are offered. `1.270,5` is 1270.5, `1,234` may be 1.234 or 1234.
use super::text::is_digits;

/// A number whose digits are separated, as it should be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SeparatedNumber {
    /// A comma separates its decimals.
    DecimalComma(String),
    /// Separators stand between its thousands.
    Thousands(String),
    /// Its only comma may be either. With a decimal point, and without a separator.
    Either(String, String),
}

impl SeparatedNumber {
    /// Reads a number with separators. None: it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '−']).unwrap_or(text);
        let sign = if unsigned.len() < text.len() { "-" } else { "" };
        let written = |number: String| format!("{sign}{number}");
        let whole = |text: &str| without_thousands_separators(text).map(written);
        let commas = unsigned.matches(',').count();
        let (head, tail) = match (unsigned.rfind(','), unsigned.rfind('.')) {
            (Some(comma), Some(point)) => split(unsigned, comma.max(point))?,
            (Some(comma), None) if commas == 1 => split(unsigned, comma)?,
            (None, Some(point)) if unsigned.matches('.').count() == 1 => split(unsigned, point)?,
            // One separator several times, or blanks alone.
            _ => return whole(unsigned).map(Self::Thousands),
        };
        let mark = unsigned.get(head.len()..=head.len())?;
        if !is_digits(tail) || head.contains(mark) {
            return None;
        }
        let number = format!("{}.{tail}", whole(head)?);
        let bare = head.len() <= 3 && is_digits(head) && head != "0";
        Some(match mark {
            "," if bare && tail.len() == 3 => Self::Either(number, format!("{sign}{head}{tail}")),
            "," => Self::DecimalComma(number),
            _ if is_digits(head) => return None,
            _ => Self::Thousands(number),
        })
    }

    /// What is wrong, in one sentence.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::DecimalComma(_) => "the number has a decimal comma",
            Self::Thousands(_) => "the number has thousands separators",
            Self::Either(..) => "the number has a comma, which may separate decimals or thousands",
        }
    }

    /// What to write instead.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::DecimalComma(number) => format!("decimal comma? write {number}"),
            Self::Thousands(number) => format!("write it without separators: {number}"),
            Self::Either(point, without) => {
                format!("decimal comma? write {point}; thousands separator? write {without}")
            }
        }
    }
}

/// The text before and behind a separator of one byte.
fn split(text: &str, at: usize) -> Option<(&str, &str)> {
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The digits without the separators between their thousands. None: the separators are elsewhere.
fn without_thousands_separators(text: &str) -> Option<String> {
    let is_separator = |letter: char| {
        matches!(letter, ',' | '.' | ' ' | '\'' | '’' | '_' | '\u{a0}' | '\u{2009}' | '\u{202f}')
    };
    let mut separators = text.chars().filter(|letter| is_separator(*letter));
    let first = separators.next();
    if separators.any(|other| Some(other) != first) {
        return None;
    }
    let mut groups = text.split(is_separator);
    let leading = groups.next()?;
    let fits = match first {
        None => is_digits(leading),
        Some(_) => (1..=3).contains(&leading.len()) && is_digits(leading),
    };
    let all = groups.all(|group| group.len() == 3 && is_digits(group));
    (fits && all).then(|| text.chars().filter(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_points_are_read_as_decimals_or_thousands() {
        let decimal = |number: &str| Some(SeparatedNumber::DecimalComma(number.to_owned()));
        let thousands = |number: &str| Some(SeparatedNumber::Thousands(number.to_owned()));
        let either =
            |point: &str, without: &str| Some(SeparatedNumber::Either(point.to_owned(), without.to_owned()));
        for (text, meant) in [
            ("97,63", decimal("97.63")),
            ("0,4", decimal("0.4")),
            ("0,400", decimal("0.400")),
            ("-0,4", decimal("-0.4")),
            ("1.270,5", decimal("1270.5")),
            ("1 270,5", decimal("1270.5")),
            ("1\u{202f}270,5", decimal("1270.5")),
            ("1234,567", decimal("1234.567")),
            ("12,3456", decimal("12.3456")),
            ("1.234.567,8", decimal("1234567.8")),
            ("1,234", either("1.234", "1234")),
            ("-12,345", either("-12.345", "-12345")),
            ("1,270.5", thousands("1270.5")),
            ("1,234,567", thousands("1234567")),
            ("1.234.567", thousands("1234567")),
            ("12'345.6", thousands("12345.6")),
            ("1 234", thousands("1234")),
            ("1_000", thousands("1000")),
            ("1234.5", None),
            ("1,2,3", None),
            ("1,23,456", None),
            ("1.2.3", None),
            ("1,234.5,6", None),
            ("1.270,", None),
            (",5", None),
            ("12 34", None),
            ("1,2a", None),
            ("", None),
        ] {
            assert_eq!(SeparatedNumber::parse(text), meant, "{text}");
        }
    }
}
