//! Languages of texts, and how the language of a text is told.

use std::fmt;

use crate::span::is_cjk;

/// A language whose texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Chinese, in simplified characters.
    Chinese,
    /// Japanese.
    Japanese,
}

/// Frequent short words of the languages in Latin script.
const STOP_WORDS: [(Language, &[&str]); 3] = [
    (
        Language::English,
        &[
            "the", "of", "and", "to", "in", "is", "was", "said", "that", "for", "on", "with", "by", "from",
            "has", "its", "it", "at", "as", "will", "after",
        ],
    ),
    (
        Language::German,
        &[
            "der", "die", "das", "und", "in", "von", "zu", "den", "mit", "für", "auf", "ist", "im", "dem",
            "des", "ein", "eine", "nicht", "nach", "am", "sich", "wird", "hat", "haben", "sagte", "bis",
            "kein",
        ],
    ),
    (
        Language::French,
        &[
            "la", "le", "les", "de", "des", "et", "en", "du", "un", "une", "est", "pour", "par", "sur",
            "dans", "que", "a", "au", "aux", "selon", "ont", "avec",
        ],
    ),
];

impl Language {
    /// All languages.
    pub const ALL: [Self; 5] = [Self::English, Self::German, Self::French, Self::Chinese, Self::Japanese];

    /// Its ISO 639 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Chinese => "zh",
            Self::Japanese => "ja",
        }
    }

    /// Whether words are written without blanks between them.
    pub(crate) const fn is_unspaced(self) -> bool {
        matches!(self, Self::Chinese | Self::Japanese)
    }

    /// The language of a text: by its script, and among those in Latin script by its short words. English if
    /// nothing speaks for another one.
    pub fn of(text: &str) -> Self {
        let count = |is: fn(char) -> bool| text.chars().filter(|letter| is(*letter)).count();
        let kana = count(|letter| matches!(letter, '\u{3040}'..='\u{30ff}'));
        let han = count(|letter| matches!(letter, '\u{3400}'..='\u{9fff}'));
        let latin = count(|letter| letter.is_ascii_alphabetic());
        if kana > 3 && kana * 10 > han + kana && kana * 3 > latin / 4 {
            return Self::Japanese;
        }
        if han * 4 > latin {
            return Self::Chinese;
        }
        Self::in_latin_script(text)
    }

    fn in_latin_script(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words: Vec<&str> =
            lower.split(|letter: char| !letter.is_alphanumeric() || is_cjk(letter)).collect();
        let mut best = (0, Self::English);
        for (language, stop_words) in STOP_WORDS {
            let found = words.iter().filter(|word| stop_words.contains(word)).count();
            if found > best.0 {
                best = (found, language);
            }
        }
        best.1
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_its_language() {
        for (text, expected) in [
            ("China refines most of the graphite", Language::English),
            ("Die Ausfuhr von Gallium ist verboten", Language::German),
            ("La Chine a interdit les exportations de gallium", Language::French),
            ("中国禁止镓出口", Language::Chinese),
            ("中国はガリウムの輸出を禁止した", Language::Japanese),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(text), expected, "{text}");
        }
    }
}
