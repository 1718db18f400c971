//! Compares answers with those that were recorded, and lets pass only what the table of permitted differences explains.
use std::collections::BTreeSet;

use super::answers::{Answers, readable};
use super::later::{Later, Origin};
use super::permitted::Permitted;

/// Beginning of the sections of figures as they are known now.
pub const FIGURES_NOW: &str = "figures now, ";
/// Section of the figures that are published.
pub const FIGURES_PUBLISHED: &str = "figures now, everyone";
/// Beginning of the sections of figures as at an earlier time.
pub const FIGURES_AS_AT: &str = "figures as at, ";
/// Beginning of the sections of streams.
pub const STREAMS: &str = "stream of ";
/// Section of the states of alerts.
pub const ALERT_STATES: &str = "alert states";
/// Section of the figures that alerts are shown with.
pub const ALERT_FIGURES: &str = "alert figures";
/// Section of the transitions of alerts.
pub const ALERT_HISTORY: &str = "alert history";
/// Section of messages with their attempts.
pub const DELIVERIES: &str = "deliveries";
/// Section of what is done about open alerts.
pub const HOLDS: &str = "holds";
/// Section of what subscriptions do with open alerts.
pub const TELLINGS: &str = "tellings";
/// Section of what rules count.
pub const RULE_COUNTS: &str = "rule counts";
/// Section of what else is counted.
pub const COUNTS: &str = "counts";

/// How a section may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not at all.
    Fixed,
    /// A figure that is never published may, in the markets that the table names.
    Unpublished,
    /// A figure may, if it was published so.
    Figures,
    /// The state of an alert may, if a transition left it so.
    States,
    /// The figure of an alert may, if it was published so or a transition left it so.
    AlertFigures,
    /// Rows may come, none may change or go, once there is something permitted that they can follow from.
    Growing,
    /// Rows may change, once there is something permitted that they can follow from.
    Derived,
}

impl Kind {
    fn of(section: &str) -> Self {
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

/// One answer that differs.
struct Change<'a> {
    section: &'a str,
    key: &'a str,
    recorded: Option<&'a str>,
    found: Option<&'a str>,
}

/// What may explain a difference.
struct Explanations<'a> {
    later: &'a Later,
    permitted: Vec<&'a Permitted>,
}

/// Every difference that nothing permits, for people: answers that are not as recorded, and events after the recorded heads.
#[must_use]
pub fn differences(
    record: &str,
    (recorded, found): (&Answers, &Answers),
    later: &Later,
    permitted: &[Permitted],
) -> Vec<String> {
    let permitted = permitted.iter().filter(|permitted| permitted.record == record).collect();
    let explanations = Explanations { later, permitted };
    let events = later.events.iter().filter(|event| !explanations.origin(&event.origin));
    let events = events.map(|event| format!("{} came after the recorded head", event.what));
    let changes = changes(recorded, found).into_iter().filter(|change| !explanations.change(change));
    events.chain(changes.map(|change| shown(&change))).collect()
}

fn changes<'a>(recorded: &'a Answers, found: &'a Answers) -> Vec<Change<'a>> {
    let names: BTreeSet<&String> = recorded.sections().keys().chain(found.sections().keys()).collect();
    let mut changes = Vec::new();
    for section in names {
        let sections = [recorded, found].map(|answers| answers.sections().get(section));
        let keys: BTreeSet<&String> = sections.iter().flatten().flat_map(|section| section.keys()).collect();
        for key in keys {
            let [recorded, found] = [recorded, found].map(|answers| answers.get(section, key));
            if recorded != found {
                changes.push(Change { section, key, recorded, found });
            }
        }
    }
    changes
}

fn shown(change: &Change<'_>) -> String {
    let row = |row: Option<&str>| row.map_or_else(|| "nothing".to_owned(), readable);
    let Change { section, key, recorded, found } = change;
    format!("{section}: {key}\n    recorded {}\n    found    {}", row(*recorded), row(*found))
}

impl Explanations<'_> {
    fn cause(&self, (kind, material): &(i32, String)) -> bool {
        self.permitted.iter().any(|permitted| permitted.covers(*kind, material))
    }

    /// Whether an event after the recorded head is permitted.
    fn origin(&self, origin: &Origin) -> bool {
        match origin {
            Origin::Cause(kind, material) => self.cause(&(*kind, material.clone())),
            Origin::OtherMeasures => true,
            Origin::Consequence => {
                self.later.events.iter().any(|event| self.is_permitted_cause(&event.origin))
            }
            Origin::Unknown => false,
        }
    }

    /// Whether something on the exposures log may have led to further events.
    fn is_permitted_cause(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::Cause(..) | Origin::OtherMeasures) && self.origin(origin)
    }

    /// Whether some figure or alert was restated as the table permits.
    fn has_restatement(&self) -> bool {
        let mut origins = self.later.events.iter().map(|event| &event.origin);
        origins.any(|origin| matches!(origin, Origin::Cause(..)) && self.origin(origin))
    }

    /// Whether an answer that differs is permitted.
    fn change(&self, change: &Change<'_>) -> bool {
        match Kind::of(change.section) {
            Kind::Fixed => false,
            Kind::Unpublished => self.unpublished(change.key),
            Kind::Figures => {
                self.published(change.key, change.found.map(published_part)) || self.rests_elsewhere(change)
            }
            Kind::States => self.moved(change.key, |moved| Some(moved.state.as_str()) == change.found),
            Kind::AlertFigures => self.alert_figure(change),
            Kind::Growing => change.recorded.is_none() && self.has_restatement(),
            Kind::Derived => self.has_restatement(),
        }
    }

    fn unpublished(&self, key: &str) -> bool {
        self.permitted.iter().any(|permitted| permitted.covers_unpublished(key))
    }

    /// Whether a figure was published with a permitted cause, exactly as it is found.
    fn published(&self, key: &str, found: Option<&str>) -> bool {
        let published = self.later.figures.get(key);
        published
            .is_some_and(|published| self.cause(&published.cause) && published.figure.as_deref() == found)
    }

    /// Whether only the releases that an answer names differ, which are never published, in a market of which that is permitted.
    fn rests_elsewhere(&self, change: &Change<'_>) -> bool {
        let figure = |row: Option<&str>| row.map(published_part).map(str::to_owned);
        change.recorded.is_some()
            && figure(change.recorded) == figure(change.found)
            && self.permitted.iter().any(|permitted| permitted.covers_releases(change.key))
    }

    fn moved(&self, alert: &str, is_as_found: impl FnOnce(&super::later::Moved) -> bool) -> bool {
        let moved = self.later.alerts.get(alert);
        moved.is_some_and(|moved| self.cause(&moved.cause) && is_as_found(moved))
    }

    fn alert_figure(&self, change: &Change<'_>) -> bool {
        let Some(found) = change.found else { return false };
        let mut parts = found.split("; ");
        let (key, figure) = (parts.next().unwrap_or_default(), parts.next());
        self.published(key, figure)
            || self.moved(change.key, |moved| moved.figure == found)
            || self.evidence(change, found)
    }

    /// Whether only the evidence beside an alert's figure differs, such as the series up to it, since figures of its material were
    /// restated.
    fn evidence(&self, change: &Change<'_>, found: &str) -> bool {
        let decided = |row: &str| row.split("; ").take(4).collect::<Vec<_>>().join("; ");
        let material = found.split(' ').next().unwrap_or_default();
        let restated =
            self.later.figures.iter().any(|(key, published)| {
                key.split(' ').next() == Some(material) && self.cause(&published.cause)
            });
        restated && change.recorded.is_some_and(|recorded| decided(recorded) == decided(found))
    }
}

/// Of an answered figure what is published of it: verdicts and releases are left out.
fn published_part(row: &str) -> &str {
    row.split_once("; ").map_or(row, |(published, _)| published)
}
