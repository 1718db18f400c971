//! The order of severities: which of two is worse.
use orewatch_contracts::alerting::v1::Rule;
use orewatch_rules::shared::SharedMap;

/// Common names of severities, the mildest first.
const KNOWN_NAMES: [&[&str]; 6] = [
    &["debug", "none"],
    &["info", "information", "notice"],
    &["low", "minor"],
    &["warning", "warn", "medium", "moderate"],
    &["high", "major", "error", "severe"],
    &["critical", "emergency", "fatal", "page"],
];
/// Rank of a name that is not among them: that of `warning`.
const UNKNOWN_RANK: usize = 3;

/// The order of severities, by rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeverityOrder(SharedMap<String, Vec<String>>);

impl SeverityOrder {
    /// Records the severity bands of a rule, the mildest first.
    pub fn put_rule(&mut self, rule: &Rule) {
        let bands = rule.severity.iter().map(|band| band.severity.clone()).collect();
        self.0.insert(rule.id.clone(), bands);
    }

    /// The bands of each rule, by its identifier.
    pub(crate) fn bands(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.0.iter()
    }

    /// Rank of a severity: higher is worse. Common names decide first, then the order of the rule's bands.
    #[must_use]
    pub fn rank(&self, rule: &str, severity: &str) -> (usize, usize) {
        let name = KNOWN_NAMES.iter().position(|names| names.contains(&severity)).unwrap_or(UNKNOWN_RANK);
        (name, self.band(rule, severity).unwrap_or_default())
    }

    /// Whether a change of severity is for the worse. If the rule no longer has one of the two, common names
    /// decide; if they do not, every change is for the worse.
    #[must_use]
    pub fn is_worse(&self, rule: &str, from: &str, to: &str) -> bool {
        match (self.band(rule, from), self.band(rule, to)) {
            (Some(from), Some(to)) => to > from,
            _ => {
                let name = |severity: &str| KNOWN_NAMES.iter().position(|names| names.contains(&severity));
                match (name(from), name(to)) {
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

impl FromIterator<(String, Vec<String>)> for SeverityOrder {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(bands: I) -> Self {
        Self(bands.into_iter().collect())
    }
}
