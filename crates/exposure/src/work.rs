//! Follows the observations log and publishes what each turn of the book changes.
//!
//! Turns are published in the order of the observations log, and within a turn material by material. Where a material's
//! stream stands follows from its last event alone, so that a restart, a crash in the middle and a second replica all go on
//! from there: the log's expectation lets one append through, and whoever was second reads what is there and goes on.
//!
//! A stream that was written by a version with fewer measures gets the figures of those it lacks before anything else: events
//! with cause MEASURES_ADDED, of the book as the stream has followed it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use orewatch_contracts::exposure::v1::exposure_service_server::ExposureServiceServer;
use orewatch_eventlog::{Error, Event, Filter, Item, Position, Projection};
use orewatch_runtime::{Context, Failure, trace};
use tokio::sync::watch::Sender;
use tokio::task::spawn_blocking;
use tracing::Instrument as _;

use crate::Logs;
use crate::evolve::{Knowing, Turn};
use crate::grpc::Service;
use crate::publisher::Publisher;
use crate::snapshot::Snapshot;

/// Runs until the shutdown, or until it cannot go on.
pub(crate) async fn run(context: Context, logs: Logs, announce: Sender<Snapshot>) -> Result<(), Failure> {
    let mut items = logs.observations.read(Filter::All, 0);
    let mut known = Projection::new(Knowing::default());
    let mut publisher = Publisher::new(logs.exposures, context.shutdown.clone());
    publish_state(&announce, &known, publisher.published());
    loop {
        let item = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            item = items.next() => item.ok_or_else(ended)??,
        };
        match item {
            Item::Event(event) => {
                let (next, turn) = fold(known, event).await?;
                known = next;
                if let Some(turn) = turn {
                    publish_state(&announce, &known, None);
                    let span = tracing::info_span!("apply", release = turn.content.release.id);
                    trace::link(&span, turn.traceparent.as_deref());
                    publisher.apply(Arc::new(turn)).instrument(span).await?;
                }
                if !context.shutdown.is_cancelled() {
                    publish_state(&announce, &known, publisher.published());
                }
            }
            Item::CaughtUp(position) => {
                known.pass(position);
                publisher.complete(known.state().book()).await?;
                publish_state(&announce, &known, publisher.published());
                announce.send_modify(|snapshot| snapshot.ready = true);
                context.health.set_serving::<ExposureServiceServer<Service>>().await;
            }
        }
    }
}

fn ended() -> Failure {
    Failure::internal("the observations log ended without an error")
}

fn publish_state(announce: &Sender<Snapshot>, known: &Projection<Knowing>, published: Option<Position>) {
    announce.send_modify(|snapshot| {
        snapshot.book = Arc::clone(known.state().book());
        snapshot.position = known.position();
        snapshot.published = published;
    });
}

/// Folds an event beside the asynchronous work: a commit sorts a million rows.
async fn fold(
    mut known: Projection<Knowing>,
    event: Event,
) -> Result<(Projection<Knowing>, Option<Turn>), Failure> {
    let folded = spawn_blocking(move || {
        let mut turn = None;
        known.fold(&event, |state, event| state.evolve(event).map(|change| turn = change))?;
        Ok::<_, Error>((known, turn))
    });
    Ok(folded.await.map_err(crashed)??)
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}
