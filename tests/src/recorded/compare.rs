//! Compares answers with recorded ones. Differences are allowed only as far as the table of permitted
//! differences explains them.
use std::collections::BTreeSet;

use orewatch_contracts::codes::current;

use super::answers::{Answers, readable};
use super::later::{Later, Origin};
use super::permitted::Permitted;

/// Prefix of the sections of figures as they are known now.
pub const FIGURES_NOW: &str = "figures now, ";
/// Section of the published figures.
pub const FIGURES_PUBLISHED: &str = "figures now, everyone";
/// Prefix of the sections of figures as at an earlier time.
pub const FIGURES_AS_AT: &str = "figures as at, ";
/// Prefix of the sections of streams.
pub const STREAMS: &str = "stream of ";
/// Section of the releases with their numbers of rejected rows.
pub const RELEASES: &str = "releases";
/// Section of the rejected rows: file, line, code, value.
pub const REJECTIONS: &str = "rejections";
/// Section of the states of alerts.
pub const ALERT_STATES: &str = "alert states";
/// Section of the figures that alerts are shown with.
pub const ALERT_FIGURES: &str = "alert figures";
/// Section of the transitions of alerts.
pub const ALERT_HISTORY: &str = "alert history";
/// Section of messages with their attempts.
pub const DELIVERIES: &str = "deliveries";
/// Section of acknowledgements of open alerts, and of what mutes them.
pub const HOLDS: &str = "holds";
/// Section of what subscriptions do about open alerts.
pub const TELLINGS: &str = "tellings";
/// Section of the counts of rules.
pub const RULE_COUNTS: &str = "rule counts";
/// Section of all other counts.
pub const COUNTS: &str = "counts";

/// Which differences a section may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SectionKind {
    /// None.
    Fixed,
    /// Figures that are never published may differ, in the markets that the table lists.
    Unpublished,
    /// A figure may differ if exactly the new figure was published.
    Figures,
    /// The state of an alert may differ if a transition led to exactly the new state.
    States,
    /// The figure of an alert may differ if it was published, or if a transition has it.
    AlertFigures,
    /// Rows may be added, but not changed or removed, if a permitted restatement can have caused them.
    Growing,
    /// Rows may change if a permitted restatement can have caused it.
    Derived,
}

impl SectionKind {
    fn from_name(section: &str) -> Self {
        match section {
            ALERT_STATES => Self::States,
            ALERT_FIGURES => Self::AlertFigures,
            ALERT_HISTORY | DELIVERIES => Self::Growing,
            HOLDS | TELLINGS | RULE_COUNTS | COUNTS => Self::Derived,
            FIGURES_PUBLISHED => Self::Figures,
            _ if section.starts_with(FIGURES_NOW) || section.starts_with(FIGURES_AS_AT) => Self::Unpublished,
            _ if section.starts_with(STREAMS) => Self::Growing,
            _ => Self::Fixed,
        }
    }
}

/// An answer that differs.
struct Change<'a> {
    section: &'a str,
    key: &'a str,
    recorded: Option<&'a str>,
    found: Option<&'a str>,
}

/// What can explain differences.
struct Explanations<'a> {
    later: &'a Later,
    permitted: Vec<&'a Permitted>,
}

/// Describes every difference that is not permitted: answers that differ from the recorded ones, and events
/// after the recorded heads.
#[must_use]
pub fn differences(
    record: &str,
    (recorded, found): (&Answers, &Answers),
    later: &Later,
    permitted: &[Permitted],
) -> Vec<String> {
    let permitted = permitted.iter().filter(|permitted| permitted.record == record).collect();
    let explanations = Explanations { later, permitted };
    let events = later.events.iter().filter(|event| !explanations.permits_event(&event.origin));
    let events = events.map(|event| format!("{} came after the recorded head", event.what));
    let changes = changes(recorded, found).into_iter().filter(|change| !explanations.permits_change(change));
    events.chain(changes.map(|change| describe(&change))).collect()
}

fn changes<'a>(recorded: &'a Answers, found: &'a Answers) -> Vec<Change<'a>> {
    let names: BTreeSet<&String> = recorded.sections().keys().chain(found.sections().keys()).collect();
    let mut changes = Vec::new();
    for section in names {
        let sections = [recorded, found].map(|answers| answers.sections().get(section));
        let keys: BTreeSet<&String> = sections.iter().flatten().flat_map(|section| section.keys()).collect();
        for key in keys {
            let [recorded, found] = [recorded, found].map(|answers| answers.get(section, key));
            if recorded.map(|row| with_current_codes(section, row)).as_deref() != found {
                changes.push(Change { section, key, recorded, found });
            }
        }
    }
    changes
}

/// Replaces old error codes in a recorded row by the current ones. Nothing else changes.
fn with_current_codes(section: &str, row: &str) -> String {
    let counts = |word: &str| {
        let pair = |pair: &str| {
            let (code, count) = pair.split_once('=').expect("a count");
            format!("{}={count}", current(code))
        };
        let mut pairs: Vec<_> = word.split(',').map(pair).collect();
        pairs.sort();
        pairs.join(",")
    };
    let word = |(index, word): (usize, &str)| match section {
        REJECTIONS if index == 2 => current(word).to_owned(),
        RELEASES if word.contains('=') => counts(word),
        _ => word.to_owned(),
    };
    row.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ")
}

fn describe(change: &Change<'_>) -> String {
    let row = |row: Option<&str>| row.map_or_else(|| "nothing".to_owned(), readable);
    let Change { section, key, recorded, found } = change;
    format!("{section}: {key}\n    recorded {}\n    found    {}", row(*recorded), row(*found))
}

impl Explanations<'_> {
    fn permits_cause(&self, (kind, material): &(i32, String)) -> bool {
        self.permitted.iter().any(|permitted| permitted.covers(*kind, material))
    }

    /// Whether an event after the recorded head is permitted.
    fn permits_event(&self, origin: &Origin) -> bool {
        match origin {
            Origin::Cause(kind, material) => self.permits_cause(&(*kind, material.clone())),
            Origin::OtherMeasures => true,
            Origin::Consequence => {
                self.later.events.iter().any(|event| self.is_permitted_cause(&event.origin))
            }
            Origin::Unknown => false,
        }
    }

    /// Whether a permitted event on the exposures log can have caused further events.
    fn is_permitted_cause(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::Cause(..) | Origin::OtherMeasures) && self.permits_event(origin)
    }

    /// Whether the table permits a restatement of some figure or alert.
    fn has_restatement(&self) -> bool {
        let mut origins = self.later.events.iter().map(|event| &event.origin);
        origins.any(|origin| matches!(origin, Origin::Cause(..)) && self.permits_event(origin))
    }

    /// Whether a different answer is permitted.
    fn permits_change(&self, change: &Change<'_>) -> bool {
        match SectionKind::from_name(change.section) {
            SectionKind::Fixed => false,
            SectionKind::Unpublished => self.permits_unpublished(change.key),
            SectionKind::Figures => {
                self.was_published(change.key, change.found.map(published_part))
                    || self.has_permitted_releases(change)
            }
            SectionKind::States => {
                self.has_transition(change.key, |moved| Some(moved.state.as_str()) == change.found)
            }
            SectionKind::AlertFigures => self.permits_alert_figure(change),
            SectionKind::Growing => change.recorded.is_none() && self.has_restatement(),
            SectionKind::Derived => self.has_restatement(),
        }
    }

    fn permits_unpublished(&self, key: &str) -> bool {
        self.permitted.iter().any(|permitted| permitted.covers_unpublished(key))
    }

    /// Whether exactly the found figure was published with a permitted cause.
    fn was_published(&self, key: &str, found: Option<&str>) -> bool {
        let published = self.later.figures.get(key);
        published.is_some_and(|published| {
            self.permits_cause(&published.cause) && published.figure.as_deref() == found
        })
    }

    /// Whether a figure is unchanged to the bit, and is based on exactly the releases that the table names
    /// for it: then there was nothing to publish.
    fn has_permitted_releases(&self, change: &Change<'_>) -> bool {
        let Some((recorded, found)) = change.recorded.zip(change.found) else { return false };
        let releases = found.rsplit_once("; ").map_or("", |(_, releases)| releases);
        published_part(recorded) == published_part(found)
            && self.permitted.iter().any(|permitted| permitted.covers_releases(change.key, releases))
    }

    fn has_transition(&self, alert: &str, is_as_found: impl FnOnce(&super::later::Moved) -> bool) -> bool {
        let moved = self.later.alerts.get(alert);
        moved.is_some_and(|moved| self.permits_cause(&moved.cause) && is_as_found(moved))
    }

    fn permits_alert_figure(&self, change: &Change<'_>) -> bool {
        let Some(found) = change.found else { return false };
        let mut parts = found.split("; ");
        let (key, figure) = (parts.next().unwrap_or_default(), parts.next());
        self.was_published(key, figure)
            || self.has_transition(change.key, |moved| moved.figure == found)
            || self.has_only_new_evidence(change, found)
    }

    /// Whether only the evidence of an alert differs, such as the series up to its figure, because figures of
    /// its material were restated.
    fn has_only_new_evidence(&self, change: &Change<'_>, found: &str) -> bool {
        let decided = |row: &str| row.split("; ").take(4).collect::<Vec<_>>().join("; ");
        let material = found.split(' ').next().unwrap_or_default();
        let restated = self.later.figures.iter().any(|(key, published)| {
            key.split(' ').next() == Some(material) && self.permits_cause(&published.cause)
        });
        restated && change.recorded.is_some_and(|recorded| decided(recorded) == decided(found))
    }
}

/// The part of an answered figure that is published, without verdicts and releases.
fn published_part(row: &str) -> &str {
    row.split_once("; ").map_or(row, |(published, _)| published)
}
