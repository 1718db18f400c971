//! Splits a text into sentences, and sentences into clauses.
//!
//! A paragraph ends a sentence. So do the marks of the scripts, and a full stop in front of a word that
//! begins with a capital, unless it ends an abbreviation or an ordinal number.

use crate::rules::Rules;
use crate::span::{Span, slice, text_before};

/// Characters in front of a full stop that an abbreviation may have.
const MAX_ABBREVIATION: usize = 8;

/// The sentences of a text, without blanks at their ends.
pub(crate) fn sentences(text: &str, rules: &Rules) -> Vec<Span> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let at = |index: usize| letters.get(index).map_or(text.len(), |(position, _)| *position);
    let mut found = Vec::new();
    let mut start = 0;
    let mut index = 0;
    while let Some((position, letter)) = letters.get(index).copied() {
        if letter == '\n' {
            found.push(Span::new(start, position));
            start = position + 1;
        } else if let Some(behind) = end_of_sentence(text, &letters, index, rules) {
            found.push(Span::new(start, at(behind)));
            start = at(behind);
            index = behind;
            continue;
        }
        index += 1;
    }
    found.push(Span::new(start, text.len()));
    found.into_iter().map(|span| trimmed(text, span)).filter(|span| span.len() > 0).collect()
}

/// The index behind a sentence that ends with the mark at `index`. `None` if none ends there.
fn end_of_sentence(text: &str, letters: &[(usize, char)], index: usize, rules: &Rules) -> Option<usize> {
    let (position, mark) = letters.get(index).copied()?;
    if !matches!(mark, '。' | '!' | '?' | '.') {
        return None;
    }
    let mut behind = index + 1;
    while letters.get(behind).is_some_and(|(_, letter)| matches!(letter, '"' | ')' | '\'')) {
        behind += 1;
    }
    if mark != '.' {
        return Some(behind);
    }
    let is_end = match letters.get(behind) {
        None => true,
        Some((_, ' ' | '\n')) => letters
            .get(behind + 1)
            .is_none_or(|(_, next)| next.is_uppercase() || next.is_numeric() || *next == '"'),
        Some(_) => false,
    };
    let end = position + mark.len_utf8();
    let is_abbreviation = || {
        behind < letters.len()
            && rules.matches("abbreviation", text_before(text, 0, end, MAX_ABBREVIATION + 1))
    };
    (is_end && !is_abbreviation()).then_some(behind)
}

fn trimmed(text: &str, span: Span) -> Span {
    let content = span.of(text);
    let start = span.end - content.trim_start_matches([' ', '\n']).len();
    let end = span.start + content.trim_end_matches([' ', '\n']).len();
    Span::new(start, end.max(start))
}

/// The clauses of a sentence: parts that a semicolon separates, and what follows a relative clause, which
/// belongs to the subject in front of it.
pub(crate) fn clauses(text: &str, sentence: Span, rules: &Rules) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = sentence.start;
    for (index, mark) in sentence.of(text).match_indices(';') {
        let position = sentence.start + index;
        found.push(Span::new(start, position));
        start = position + mark.len();
        if slice(text, start, sentence.end).starts_with(' ') {
            start += 1;
        }
    }
    for pattern in rules.patterns("relative") {
        if let Some(relative) = pattern.regex.find(slice(text, start, sentence.end)) {
            let end = start + relative.end();
            found.push(Span::new(start, end.saturating_sub(2)));
            start = end;
        }
    }
    found.push(Span::new(start, sentence.end));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn split(language: Language, text: &str) -> Vec<&str> {
        sentences(text, Rules::of(language)).into_iter().map(|span| span.of(text)).collect()
    }

    #[test]
    fn abbreviations_and_ordinals_end_no_sentence() {
        let text = "The U.S. Treasury said so. It did. \"Why?\" he asked.";
        let expected = ["The U.S. Treasury said so.", "It did.", "\"Why?\"", "he asked."];
        assert_eq!(split(Language::English, text), expected);
        assert_eq!(split(Language::German, "Seit dem 4. April gilt das. Am 5. Mai nicht.").len(), 2);
        assert_eq!(split(Language::Chinese, "中国禁止出口。日本表示关注。").len(), 2);
        assert_eq!(split(Language::English, "Headline\nText"), ["Headline", "Text"]);
    }

    #[test]
    fn a_semicolon_separates_clauses() {
        let text = "A did; B said so.";
        let rules = Rules::of(Language::English);
        let parts = clauses(text, Span::new(0, text.len()), rules);
        assert_eq!(parts.iter().map(|part| part.of(text)).collect::<Vec<_>>(), ["A did", "B said so."]);
        let text = "China, which bans gallium, refines most of it.";
        let parts = clauses(text, Span::new(0, text.len()), rules);
        let texts: Vec<_> = parts.iter().map(|part| part.of(text)).collect();
        assert_eq!(texts, ["China, which bans gallium", "refines most of it."]);
    }
}
