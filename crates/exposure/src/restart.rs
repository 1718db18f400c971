//! What the service starts with: the book of a snapshot, or an empty one.
//!
//! A snapshot holds the events that the book is folded from. It is written only of a state of which every
//! revision is published, so that a start from it has nothing to publish before its position.

use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_eventlog::{Event, Position, Projection};
use orewatch_runtime::Context;
use orewatch_store::snapshots::{EventSnapshots, Reached, Settled};
use tokio::sync::watch;

use crate::book::Holding;
use crate::evolve::BookState;
use crate::snapshot::Snapshot;

/// What the worker starts with.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// The state of the fold.
    pub(crate) known: Projection<BookState>,
    /// The last event that it has folded.
    pub(crate) reached: Reached,
    /// Position of the exposures log up to which its revisions are published.
    pub(crate) published: Position,
}

impl Start {
    /// Reads the best snapshot, and keeps of it what a holding includes; without one the service starts with
    /// nothing.
    pub(crate) async fn read(snapshots: &mut EventSnapshots, holding: Holding) -> Self {
        let evolve = move |state: &mut BookState, event: &Event| {
            if state.book().held() != &holding {
                *state = BookState::holding(holding.clone());
            }
            state.evolve(event).map(|_| ())
        };
        let Some(restored) = snapshots.restore(evolve).await else { return Self::default() };
        let mut known = Projection::new(restored.state);
        known.pass(restored.reached.position);
        let published = restored.others.first().copied().unwrap_or(0);
        Self { known, reached: restored.reached, published }
    }
}

/// Writes snapshots until the shutdown.
///
/// # Errors
/// None: without snapshots the logs are read from the beginning.
pub(crate) async fn keep(
    context: &Context,
    snapshots: Option<EventSnapshots>,
    known: watch::Receiver<Snapshot>,
) -> Result<(), Failure> {
    if let Some(snapshots) = snapshots {
        let (shutdown, clock) = (context.shutdown.cancelled(), Arc::clone(&context.clock));
        snapshots.keep(shutdown, || clock.now(), known, settled).await;
    }
    Ok(())
}

/// The state that a snapshot may have: all revisions of the book are published. While the service is not
/// ready, it has better things to do. Before anything is folded, also anew, there is nothing to keep.
fn settled(snapshot: &Snapshot) -> Option<Settled> {
    if snapshot.reached.position == 0 {
        return Some(Settled::default());
    }
    let published = snapshot.published.filter(|_| snapshot.ready)?;
    Some(Settled { reached: snapshot.reached, others: vec![published] })
}
