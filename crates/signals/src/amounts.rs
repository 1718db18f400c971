//! Finds amounts in a text: shares, masses, sums of money and counts, with their ranges.

use regex::Captures;

use crate::language::Language;
use crate::rules::Rules;
use crate::span::{Span, Taken};
use crate::value::Quantity;

/// An amount in a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FoundAmount {
    pub(crate) span: Span,
    pub(crate) quantity: Quantity,
    /// `%`, `t`, `money`, or what is counted.
    pub(crate) kind: &'static str,
    pub(crate) rule: &'static str,
}

/// Signs of currencies, each with its ISO 4217 code.
const SIGNS: [(&str, &str); 6] =
    [("$", "USD"), ("A$", "AUD"), ("C$", "CAD"), ("US$", "USD"), ("£", "GBP"), ("€", "EUR")];

/// Finds all amounts: the longest that do not overlap, in the order of the text.
pub(crate) fn find_amounts(text: &str, language: Language) -> Vec<FoundAmount> {
    let rules = Rules::of(language);
    let mut found = Vec::new();
    for (class, is_least) in [("amount", false), ("amount-over", true)] {
        for pattern in rules.patterns(class) {
            for captures in pattern.regex.captures_iter(text) {
                let Some(whole) = captures.get(0) else { continue };
                let Some(quantity) = quantity(&captures, pattern.value, is_least, language) else { continue };
                let span = Span::new(whole.start(), whole.end());
                found.push(FoundAmount { span, quantity, kind: pattern.value, rule: pattern.id });
            }
        }
    }
    longest(found)
}

fn longest(mut found: Vec<FoundAmount>) -> Vec<FoundAmount> {
    found.sort_by_key(|amount| (std::cmp::Reverse(amount.span.len()), amount.span.start));
    let mut taken = Taken::default();
    found.retain(|amount| taken.take(amount.span));
    found.sort_by_key(|amount| amount.span.start);
    found
}

fn quantity(
    captures: &Captures<'_>,
    kind: &'static str,
    is_least: bool,
    language: Language,
) -> Option<Quantity> {
    let rules = Rules::of(language);
    let text = |name: &str| captures.name(name).map(|part| part.as_str());
    let scale = text("scale").and_then(|word| rules.number("scale", word)).unwrap_or(0);
    let scaled = |text: &str| number(text, scale, language);
    let low = scaled(text("low")?)?;
    let high = match text("high") {
        Some(high) => Some(scaled(high)?),
        None if is_least => None,
        None => Some(low),
    };
    let unit = if kind == "money" { currency(text("cur")?, rules)? } else { kind };
    Some(Quantity { low, high, unit })
}

fn currency(text: &str, rules: &Rules) -> Option<&'static str> {
    let sign = SIGNS.iter().find(|(sign, _)| *sign == text).map(|(_, code)| *code);
    sign.or_else(|| rules.word("currency", text))
}

/// A number as the language writes it, or as a word, times a power of ten.
///
/// The power goes into the text of the number, which is rounded once: 2.3 times 10^8 is 230,000,000.
fn number(text: &str, scale: i8, language: Language) -> Option<f64> {
    let plain = if let Some(word) = Rules::of(language).word("numword", text) {
        word.to_owned()
    } else if let Some((ten_thousands, rest)) = text.split_once('万') {
        format!("{ten_thousands}{rest:0>4}")
    } else {
        match language {
            Language::German => text.replace('.', "").replace(',', "."),
            Language::French => text.replace(' ', "").replace(',', "."),
            _ => text.replace(',', ""),
        }
    };
    format!("{plain}e{scale}").parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_each_language_writes_them() {
        for (language, text, expected) in [
            (Language::English, "between 47 and 87 percent", "47..87 %"),
            (Language::English, "80-83 %", "80..83 %"),
            (Language::English, "more than 90 percent", "90.. %"),
            (Language::English, "an $8.5 billion deal", "8500000000 USD"),
            (Language::English, "18,125 tonnes", "18125 t"),
            (Language::English, "26 new investments", "26 investments"),
            (Language::English, "seven rare earths", "7 materials"),
            (Language::German, "rund 1,5 Milliarden Euro", "1500000000 EUR"),
            (Language::German, "20.000 Tonnen", "20000 t"),
            (Language::French, "96 600 tonnes", "96600 t"),
            (Language::French, "120 millions d'euros", "120000000 EUR"),
            (Language::Chinese, "5000亿韩元", "500000000000 KRW"),
            (Language::Chinese, "2.3亿美元", "230000000 USD"),
            (Language::Chinese, "60%至70%", "60..70 %"),
            (Language::Japanese, "9万6600トン", "96600 t"),
            (Language::Japanese, "90%以上", "90.. %"),
        ] {
            let found = find_amounts(text, language);
            let texts: Vec<_> = found.iter().map(|amount| amount.quantity.to_string()).collect();
            assert_eq!(texts, [expected], "{text}");
        }
    }
}
