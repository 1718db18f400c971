//! The events of a log that must not count, as marks on the log say.
use std::collections::BTreeMap;

use jiff::Timestamp;
use orewatch_contracts::common::v1::EventSkipped;

use crate::Position;

/// A mark: an event that must not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Skip {
    /// The event, why it must not count, and who decided.
    pub mark: EventSkipped,
    /// When it was decided.
    pub time: Timestamp,
}

/// The events of a log that must not count, by position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SkippedPositions(BTreeMap<Position, Skip>);

impl SkippedPositions {
    /// Adds a mark, or removes one that is withdrawn.
    pub(crate) fn add(&mut self, skip: Skip) {
        let position = skip.mark.position;
        match skip.mark.withdrawn {
            true => self.0.remove(&position),
            false => self.0.insert(position, skip),
        };
    }

    /// The mark of the event at a position.
    pub(crate) fn get(&self, position: Position) -> Option<&Skip> {
        self.0.get(&position)
    }

    /// Whether the event at a position must not count.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        self.0.contains_key(&position)
    }

    /// The marks, in order of the positions that they name.
    pub fn iter(&self) -> impl Iterator<Item = &Skip> {
        self.0.values()
    }

    /// The marks of events of a stream.
    #[must_use]
    pub fn on_stream(&self, stream: &str) -> Vec<EventSkipped> {
        self.iter().filter(|skip| skip.mark.stream == stream).map(|skip| skip.mark.clone()).collect()
    }

    /// The marked positions up to another, in order. Whatever was folded up to there is valid only for the
    /// same positions.
    #[must_use]
    pub fn up_to(&self, position: Position) -> Vec<Position> {
        self.0.range(..=position).map(|(marked, _)| *marked).collect()
    }
}
