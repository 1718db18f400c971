//! The rules as data: names, patterns and word lists of each language, read once from the tables in
//! `rules/`.
//!
//! A rule is a line with an identifier, which every field that it finds carries. Each table explains its
//! columns in its first lines. A line that cannot be read is a problem that the tests report; it is left
//! out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::language::Language;
use crate::name_class::NameClass;

const ECONOMIES: &str = include_str!("../rules/economies.tsv");
const NAMES: &str = include_str!("../rules/names.tsv");
const PATTERNS: &str = include_str!("../rules/patterns.tsv");
const WORDS: &str = include_str!("../rules/words.tsv");

static RULES: [LazyLock<Rules>; 5] = [
    LazyLock::new(|| Rules::read(Language::English)),
    LazyLock::new(|| Rules::read(Language::German)),
    LazyLock::new(|| Rules::read(Language::French)),
    LazyLock::new(|| Rules::read(Language::Chinese)),
    LazyLock::new(|| Rules::read(Language::Japanese)),
];

/// A rule that finds something by a regular expression.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Identifier of the rule.
    pub(crate) id: &'static str,
    /// What it finds, in the words of its class.
    pub(crate) value: &'static str,
    pub(crate) regex: Regex,
}

/// A name of something in one spelling.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) surface: String,
    pub(crate) class: NameClass,
    /// Code of what it names.
    pub(crate) value: &'static str,
    /// Whether a German compound may go on.
    pub(crate) may_go_on: bool,
}

/// The words of a list, each with its value.
type Words = BTreeMap<String, &'static str>;

/// The rules of a language.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    patterns: BTreeMap<&'static str, Vec<Pattern>>,
    /// By the first character, longer names first.
    names: BTreeMap<char, Vec<Name>>,
    words: BTreeMap<&'static str, Words>,
    problems: Vec<String>,
}

impl Rules {
    /// The rules of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        let [english, german, french, chinese, japanese] = &RULES;
        let rules: &'static LazyLock<Self> = match language {
            Language::English => english,
            Language::German => german,
            Language::French => french,
            Language::Chinese => chinese,
            Language::Japanese => japanese,
        };
        rules
    }

    /// Patterns of a class, in the order of the table.
    pub(crate) fn patterns(&self, class: &str) -> &[Pattern] {
        self.patterns.get(class).map_or(&[], Vec::as_slice)
    }

    /// The first pattern of a class that a text matches.
    pub(crate) fn first_match(&self, class: &str, text: &str) -> Option<&Pattern> {
        self.patterns(class).iter().find(|pattern| pattern.regex.is_match(text))
    }

    /// Whether a text matches a pattern of a class.
    pub(crate) fn matches(&self, class: &str, text: &str) -> bool {
        self.first_match(class, text).is_some()
    }

    /// Names that begin with a character, longer ones first.
    pub(crate) fn names(&self, first: char) -> &[Name] {
        self.names.get(&first).map_or(&[], Vec::as_slice)
    }

    /// The value of a word in a list, as the table writes it.
    pub(crate) fn word(&self, list: &str, word: &str) -> Option<&'static str> {
        self.words.get(list)?.get(word).copied()
    }

    /// The number that a word in a list stands for.
    pub(crate) fn number(&self, list: &str, word: &str) -> Option<i8> {
        self.word(list, word)?.parse().ok()
    }

    /// What is wrong with the tables.
    #[cfg(test)]
    fn problems(&self) -> &[String] {
        &self.problems
    }

    fn read(language: Language) -> Self {
        let mut rules = Self::default();
        let lists = rules.read_words(language);
        rules.read_patterns(language, &lists);
        rules.read_economies(language);
        rules.read_names(language);
        for names in rules.names.values_mut() {
            names.sort_by_key(|name| std::cmp::Reverse(name.surface.chars().count()));
        }
        rules
    }

    /// Reads the word lists. Returns each as the alternatives of a regular expression.
    fn read_words(&mut self, language: Language) -> BTreeMap<&'static str, String> {
        let mut lists = BTreeMap::new();
        for [list, languages, entries] in rows::<3>(WORDS, &mut self.problems) {
            if !is_in(languages, language) {
                continue;
            }
            if matches!(list, "num" | "pct") {
                lists.insert(list, entries.to_owned());
                continue;
            }
            let mut alternatives: Vec<&str> = Vec::new();
            for (word, value) in list_entries(list, entries) {
                alternatives.push(word);
                self.words.entry(list).or_default().insert(unescaped(word), value);
            }
            lists.insert(list, alternatives.join("|"));
        }
        lists
    }

    fn read_patterns(&mut self, language: Language, lists: &BTreeMap<&'static str, String>) {
        for [id, languages, class, value, expression] in rows::<5>(PATTERNS, &mut self.problems) {
            if !is_in(languages, language) {
                continue;
            }
            match Regex::new(&expanded(expression, lists)) {
                Ok(regex) => self.patterns.entry(class).or_default().push(Pattern { id, value, regex }),
                Err(error) => self.problems.push(format!("{id}: {error}")),
            }
        }
    }

    fn read_economies(&mut self, language: Language) {
        for [iso3, english, german, french, chinese, japanese] in rows::<6>(ECONOMIES, &mut self.problems) {
            let surface = match language {
                Language::English => english,
                Language::German => german,
                Language::French => french,
                Language::Chinese => chinese,
                Language::Japanese => japanese,
            };
            // A name of two places is in the other table, as one that the text has to decide.
            if (iso3, language) != ("GEO", Language::English) {
                self.add_name(surface, NameClass::Economy, iso3, false);
            }
        }
    }

    fn read_names(&mut self, language: Language) {
        for [class, value, languages, surfaces] in rows::<4>(NAMES, &mut self.problems) {
            if !is_in(languages, language) {
                continue;
            }
            let Some(class) = NameClass::parse(class) else {
                self.problems.push(format!("there is no class of names {class}"));
                continue;
            };
            for surface in surfaces.split('|') {
                let bare = surface.strip_suffix('+');
                self.add_name(bare.unwrap_or(surface), class, value, bare.is_some());
            }
        }
    }

    /// Adds a name and, if it is an ordinary word, its spelling at the beginning of a sentence.
    fn add_name(&mut self, surface: &str, class: NameClass, value: &'static str, may_go_on: bool) {
        let Some(first) = surface.chars().next() else { return };
        let mut add = |first: char, surface: String| {
            self.names.entry(first).or_default().push(Name { surface, class, value, may_go_on });
        };
        add(first, surface.to_owned());
        if first.is_lowercase() && class.is_ordinary_word() {
            let capital: String = first.to_uppercase().collect();
            let rest = surface.get(first.len_utf8()..).unwrap_or_default();
            if let Some(upper) = capital.chars().next() {
                add(upper, format!("{capital}{rest}"));
            }
        }
    }
}

/// The rows of a table with `N` columns. Empty lines and lines that begin with # are none.
fn rows<const N: usize>(table: &'static str, problems: &mut Vec<String>) -> Vec<[&'static str; N]> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut found = Vec::new();
    for line in lines {
        let columns: Vec<&'static str> = line.split('\t').collect();
        match <[&'static str; N]>::try_from(columns) {
            Ok(row) => found.push(row),
            Err(columns) => problems.push(format!("{} columns instead of {N}: {line}", columns.len())),
        }
    }
    found
}

/// Whether a list of languages, such as `en,de` or `*` for all, has a language.
fn is_in(languages: &str, language: Language) -> bool {
    languages == "*" || languages.split(',').any(|code| code == language.as_str())
}

/// Positions in a list as texts: the value of an entry of a counted list.
const POSITIONS: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

/// The entries of a list, each with its value.
fn list_entries(list: &str, entries: &'static str) -> Vec<(&'static str, &'static str)> {
    let counted = matches!(list, "month" | "weekday" | "numword");
    let mut found = Vec::new();
    for (index, entry) in entries.split('|').enumerate() {
        if !counted {
            found.extend(entry.rsplit_once('='));
            continue;
        }
        let position = POSITIONS.get(index).copied().unwrap_or("0");
        found.extend(entry.split(',').map(|spelling| (spelling, position)));
    }
    found
}

/// A word as it is written, of its regular expression.
fn unescaped(word: &str) -> String {
    word.replace("\\.", ".").replace("\\b", "")
}

/// Puts word lists in place of their names in braces. Braces with digits are counts.
fn expanded(expression: &str, lists: &BTreeMap<&'static str, String>) -> String {
    let mut out = expression.to_owned();
    for (list, alternatives) in lists {
        out = out.replace(&format!("{{{list}}}"), alternatives);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use orewatch_catalog::{bloc, economy, material};

    use super::*;

    #[test]
    fn every_line_of_the_tables_can_be_read() {
        for language in Language::ALL {
            assert_eq!(Rules::of(language).problems(), [""; 0], "{language}");
        }
    }

    #[test]
    fn rules_have_one_identifier_each() {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for [id, ..] in rows::<5>(PATTERNS, &mut problems) {
            assert!(seen.insert(id), "{id} is there twice");
        }
        assert!(seen.len() > 200);
    }

    #[test]
    fn names_are_of_the_catalogue() {
        for language in Language::ALL {
            for name in Rules::of(language).names.values().flatten() {
                for code in name.value.split(',') {
                    let known = match name.class {
                        NameClass::Economy => economy(code).is_some(),
                        NameClass::Demonym | NameClass::Capital => {
                            economy(code).is_some() || bloc(code).is_ok()
                        }
                        NameClass::Bloc => bloc(code).is_ok(),
                        NameClass::Material => material(code).is_ok(),
                        _ => true,
                    };
                    assert!(known, "{language}: {} names {code}", name.surface);
                }
            }
        }
    }
}
