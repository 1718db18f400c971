//! What is on the logs at the end, beside what was acknowledged, seen and received.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures_util::TryStreamExt as _;
use orewatch_contracts::alerting::v1::{AlertEvent, Notification};
use orewatch_contracts::ingestion::v1::ObservationEvent;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_eventlog::{Error, Event, EventLog, Filter, Position, history};

use super::releases::{Acknowledged, ROWS};
use super::watch::Seen;

/// What was counted, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Number that was acknowledged, seen or sent.
    pub(super) count: u64,
    /// Of these, how many are not there.
    pub(super) lost: u64,
    /// How many are there more often than once.
    pub(super) repeated: u64,
    /// How many are out of order.
    pub(super) misplaced: u64,
}

impl Tally {
    /// Whether nothing is wrong.
    pub(super) fn is_clean(self) -> bool {
        (self.lost, self.repeated, self.misplaced) == (0, 0, 0)
    }
}

/// A message as it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) id: String,
    /// Subscription, group and receiver.
    group: [String; 3],
    sequence: u32,
}

/// Everything that is on the logs.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// Position and identifier of each event, by log.
    pub(super) events: BTreeMap<String, Vec<(Position, u128)>>,
    /// Rows of each release that were recorded, by the name of its stream.
    rows: HashMap<String, u64>,
    /// Streams of the releases that were committed.
    committed: HashSet<String>,
    /// Identifiers of the transitions of alerts, in order.
    pub(super) transitions: Vec<String>,
    /// Messages that were planned, in order.
    pub(super) planned: Vec<Planned>,
}

impl Contents {
    /// Reads a log whole.
    ///
    /// # Errors
    /// Those of the log.
    pub(super) async fn add(&mut self, log: &dyn EventLog) -> Result<(), Error> {
        let mut events = history(log, Filter::All, 0);
        while let Some(event) = events.try_next().await? {
            let all = self.events.entry(log.name().to_owned()).or_default();
            all.push((event.position, event.id.as_u128()));
            match log.name() {
                "observations" => self.add_observation(&event)?,
                "alerts" => self.add_alert(&event)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_observation(&mut self, event: &Event) -> Result<(), Error> {
        match ObservationEvent::read(event)? {
            Some(ObservationEvent::ObservationsRecorded(recorded)) => {
                if let Some(Columns::Trade(trade)) = recorded.columns {
                    let rows = u64::try_from(trade.exporter.len()).unwrap_or(u64::MAX);
                    *self.rows.entry(event.stream.to_string()).or_default() += rows;
                }
            }
            Some(ObservationEvent::ReleaseCommitted(_)) => {
                self.committed.insert(event.stream.to_string());
            }
            _ => {}
        }
        Ok(())
    }

    fn add_alert(&mut self, event: &Event) -> Result<(), Error> {
        match AlertEvent::read(event)? {
            Some(AlertEvent::NotificationPlanned(planned)) => {
                self.planned.extend(planned.notification.map(Planned::from_notification));
            }
            Some(other) if other.clone().into_transition().is_some() => {
                self.transitions.push(event.id.to_string());
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Rows of the acknowledged releases: those that are not on the log, or more than once.
    pub(super) fn rows(&self, acknowledged: &[Acknowledged]) -> Tally {
        let mut tally = Tally::default();
        for release in acknowledged {
            let stream = format!("observations.{}", release.release.replacen('/', ".", 1));
            let recorded = self.rows.get(&stream).filter(|_| self.committed.contains(&stream));
            let recorded = recorded.copied().unwrap_or_default();
            tally.count += ROWS;
            tally.lost += ROWS.saturating_sub(recorded);
            tally.repeated += recorded.saturating_sub(ROWS);
        }
        tally
    }

    /// Events that a reader saw: those that are not on the log any more, or at another position; and
    /// identifiers that are on the log twice.
    pub(super) fn events(&self, log: &str, seen: &Seen) -> Tally {
        let none = Vec::new();
        let all = self.events.get(log).unwrap_or(&none);
        let places: HashMap<u128, Position> = all.iter().map(|(position, id)| (*id, *position)).collect();
        let mut tally = Tally { count: length(&seen.events), ..Tally::default() };
        for (position, id) in &seen.events {
            match places.get(id) {
                None => tally.lost += 1,
                Some(found) => tally.misplaced += u64::from(found != position),
            }
        }
        tally.repeated = length(all) - u64::try_from(places.len()).unwrap_or(u64::MAX);
        tally
    }

    /// Transitions that a subscriber received.
    pub(super) fn received(&self, received: &[String]) -> Tally {
        compare(&self.transitions, received)
    }

    /// Messages that a receiver got. A repeated identifier is none: a sender that dies before it notes an
    /// answer sends again. But nothing may be told under two identifiers.
    pub(super) fn messages(&self, received: &[String]) -> Tally {
        let mut seen = HashSet::new();
        let first: Vec<String> = received.iter().filter(|id| seen.insert(*id)).cloned().collect();
        let mut groups = BTreeMap::<_, Vec<&Planned>>::new();
        self.planned.iter().for_each(|planned| groups.entry(&planned.group).or_default().push(planned));
        let mut tally = Tally::default();
        for mut planned in groups.into_values() {
            planned.sort_by_key(|planned| planned.sequence);
            let numbers: BTreeSet<u32> = planned.iter().map(|planned| planned.sequence).collect();
            let ids: Vec<String> = planned.iter().map(|planned| planned.id.clone()).collect();
            let own: HashSet<&String> = ids.iter().collect();
            let arrived: Vec<String> = first.iter().filter(|id| own.contains(id)).cloned().collect();
            let group = compare(&ids, &arrived);
            tally.count += group.count;
            tally.lost += group.lost;
            tally.misplaced += group.misplaced;
            tally.repeated += length(&planned) - u64::try_from(numbers.len()).unwrap_or(u64::MAX);
        }
        tally
    }
}

impl Planned {
    fn from_notification(notification: Notification) -> Self {
        let Notification { id, subscription, group, receiver, sequence, .. } = notification;
        Self { id, group: [subscription, group, receiver], sequence }
    }
}

fn length<T>(all: &[T]) -> u64 {
    u64::try_from(all.len()).unwrap_or(u64::MAX)
}

/// What was sent beside what was received.
fn compare(sent: &[String], received: &[String]) -> Tally {
    let places: HashMap<&String, usize> = sent.iter().zip(0..).collect();
    let (mut seen, mut last) = (HashSet::new(), None);
    let mut tally = Tally { count: length(sent), ..Tally::default() };
    for id in received {
        if !seen.insert(id) {
            tally.repeated += 1;
            continue;
        }
        // What was not sent has no place.
        let place = places.get(id).copied();
        tally.misplaced += u64::from(place.is_none() || place <= last);
        last = last.max(place);
    }
    tally.lost = sent.iter().map(|id| u64::from(!seen.contains(id))).sum();
    tally
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_lost_repeated_or_out_of_order_is_counted() {
        let counted = |received: &str| {
            let tally = compare(&words("a b c"), &words(received));
            [tally.count, tally.lost, tally.repeated, tally.misplaced]
        };
        assert_eq!(counted("a b c"), [3, 0, 0, 0]);
        assert_eq!(counted("a c"), [3, 1, 0, 0]);
        assert_eq!(counted("a b b c"), [3, 0, 1, 0]);
        assert_eq!(counted("b a c"), [3, 0, 0, 1]);
        assert_eq!(counted("a b c d"), [3, 0, 0, 1], "nobody sent d");
        assert!(compare(&words("a"), &words("a")).is_clean() && !compare(&words("a"), &[]).is_clean());
    }

    #[test]
    fn an_event_stays_where_it_was_seen() {
        let mut contents = Contents::default();
        contents.events.insert("alerts".to_owned(), vec![(1, 10), (2, 20), (3, 10)]);
        let seen = |events: &[(Position, u128)]| Seen { events: events.to_vec(), ended: None };
        let tally = contents.events("alerts", &seen(&[(2, 20), (4, 40)]));
        assert_eq!((tally.count, tally.lost, tally.misplaced, tally.repeated), (2, 1, 0, 1));
        assert_eq!(contents.events("alerts", &seen(&[(1, 20)])).misplaced, 1);
        assert_eq!(contents.events("exposures", &seen(&[(1, 20)])).lost, 1);
    }

    #[test]
    fn rows_count_once_their_release_is_committed() {
        let mut contents = Contents::default();
        let release = Acknowledged { release: "soak-1/000001-0a".to_owned(), at: Duration::ZERO };
        let acknowledged = [release];
        let stream = "observations.soak-1.000001-0a".to_owned();
        contents.rows.insert(stream.clone(), ROWS);
        assert_eq!(contents.rows(&acknowledged).lost, ROWS);
        contents.committed.insert(stream.clone());
        assert!(contents.rows(&acknowledged).is_clean());
        contents.rows.insert(stream, 2 * ROWS);
        assert_eq!(contents.rows(&acknowledged).repeated, ROWS);
    }

    #[test]
    fn a_message_may_come_twice_and_may_not_have_two_names() {
        let planned = |id: &str, group: &str, sequence| Planned {
            id: id.to_owned(),
            group: [String::new(), group.to_owned(), String::new()],
            sequence,
        };
        let three = vec![planned("a", "x", 1), planned("b", "y", 1), planned("c", "x", 2)];
        let mut contents = Contents { planned: three, ..Contents::default() };
        assert!(contents.messages(&words("b a a c b")).is_clean(), "groups do not wait for each other");
        assert_eq!(contents.messages(&words("c a b")).misplaced, 1);
        assert_eq!(contents.messages(&words("a b")).lost, 1);
        contents.planned.push(planned("d", "x", 2));
        assert_eq!(contents.messages(&words("a b c d")).repeated, 1);
    }
}
