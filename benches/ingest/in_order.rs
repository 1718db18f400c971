//! Appends the bytes of a log through our own log, to compare with the same bytes published alone.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{TryStreamExt as _, stream};
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{Event, EventLog, Filter, NewEvent, history};

const LOG: &str = "observations";

async fn open(url: &str) -> Arc<dyn EventLog> {
    let nats = jetstream::connect(url, JetStreamOptions::default()).await.expect("the server is there");
    nats.open(LOG).await.expect("the log opens")
}

/// Reads every event of the observations log.
pub(crate) async fn stored_events(url: &str) -> Vec<Event> {
    history(&*open(url).await, Filter::All, 0).try_collect().await.expect("the log can be read")
}

/// Appends events to an empty log, those of a stream that follow each other in one go. Returns the seconds
/// that it takes until all are durable.
pub(crate) async fn append(url: &str, events: &[Event]) -> f64 {
    let log = open(url).await;
    let started = Instant::now();
    let mut ends = BTreeMap::new();
    for run in events.chunk_by(|one, next| one.stream == next.stream) {
        let Some(Event { stream: name, .. }) = run.first() else { continue };
        let expected = ends.get(name).copied().unwrap_or(0);
        let mut ready = stream::iter(run.iter().map(new_event));
        let end = log.append_in_order(name, expected, &mut ready).await.expect("they are stored");
        ends.insert(name, end);
    }
    started.elapsed().as_secs_f64()
}

fn new_event(event: &Event) -> NewEvent {
    let Event { id, kind, time, data, traceparent, .. } = event.clone();
    NewEvent { id, kind, time, data, traceparent }
}
