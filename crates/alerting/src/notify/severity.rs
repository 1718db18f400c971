//! Which of two severities is the worse one.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::Rule;

/// Words that say it by themselves, the mildest first.
const WORDS: [&[&str]; 6] = [
    &["debug", "none"],
    &["info", "information", "notice"],
    &["low", "minor"],
    &["warning", "warn", "medium", "moderate"],
    &["high", "major", "error", "severe"],
    &["critical", "emergency", "fatal", "page"],
];
/// Where a word stands that says nothing by itself: beside `warning`.
const UNKNOWN: usize = 3;

/// The order of severities, by rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order(BTreeMap<String, Vec<String>>);

impl Order {
    /// Takes the bands of a rule, the mildest first.
    pub fn learn(&mut self, rule: &Rule) {
        let bands = rule.severity.iter().map(|band| band.severity.clone()).collect();
        self.0.insert(rule.id.clone(), bands);
    }

    /// Place of a severity; the higher, the worse. Words that everybody knows come first, then the order of the rule's bands.
    #[must_use]
    pub fn rank(&self, rule: &str, severity: &str) -> (usize, usize) {
        let word = WORDS.iter().position(|words| words.contains(&severity)).unwrap_or(UNKNOWN);
        (word, self.band(rule, severity).unwrap_or_default())
    }

    /// Whether an alert got worse. Where the rule no longer has one of the two, what the words say; where they say nothing,
    /// any change counts.
    #[must_use]
    pub fn rose(&self, rule: &str, from: &str, to: &str) -> bool {
        match (self.band(rule, from), self.band(rule, to)) {
            (Some(from), Some(to)) => to > from,
            _ => {
                let word = |severity: &str| WORDS.iter().position(|words| words.contains(&severity));
                match (word(from), word(to)) {
                    (Some(from), Some(to)) => to > from,
                    _ => from != to,
                }
            }
        }
    }

    fn band(&self, rule: &str, severity: &str) -> Option<usize> {
        self.0.get(rule)?.iter().position(|band| band == severity)
    }
}
