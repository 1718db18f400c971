//! Folding a log.
use crate::{Error, Event, Position};

/// A state together with the position up to which it has folded its log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection<S> {
    state: S,
    position: Position,
}

impl<S> Projection<S> {
    /// A projection that starts before the first event.
    pub fn new(state: S) -> Self {
        Self { state, position: 0 }
    }

    /// Folds one event: `evolve` changes the state, then the position moves. An event that was folded before
    /// is skipped, so a reader may start too early, but never too late. Returns whether the event was folded.
    ///
    /// # Errors
    /// Those of `evolve`; the position stays, and the state is as `evolve` left it.
    pub fn fold(
        &mut self,
        event: &Event,
        evolve: impl FnOnce(&mut S, &Event) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        if event.position <= self.position {
            return Ok(false);
        }
        evolve(&mut self.state, event)?;
        self.position = event.position;
        Ok(true)
    }

    /// Moves the position without an event: nothing up to `position` concerns this projection.
    pub fn pass(&mut self, position: Position) {
        self.position = self.position.max(position);
    }

    /// The state.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The state alone, without its position.
    pub fn into_state(self) -> S {
        self.state
    }

    /// The position of the last event that was folded or passed, 0 before the first.
    pub fn position(&self) -> Position {
        self.position
    }
}
