//! A log that no longer reaches back to a token.
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use orewatch_alerting::Logs;
use orewatch_contracts::alerting::v1::AlertFilter;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, EventLog, Extent, Filter, Items, NewEvent, Position, StreamName};

use super::{MORE_THAN_KEPT, crossed, from, lines, noise, snapshot, subscribe, up_to_now};
use crate::kit::Service;

/// A log whose first events were removed.
#[derive(Debug)]
struct Trimmed(Arc<dyn EventLog>, Position);

impl EventLog for Trimmed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        self.0.append(stream, expected, events)
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        // The service itself folds the log from its beginning, as if it had a snapshot.
        let is_start = after == 0;
        if !is_start && after + 1 < self.1 {
            let gone = Error::Gone { log: "alerts".to_owned(), wanted: after + 1, oldest: self.1 };
            return stream::once(async { Err(gone) }).boxed();
        }
        self.0.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.0.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        let oldest = self.1;
        self.0.extent().map(move |extent| extent.map(|extent| Extent { oldest, ..extent })).boxed()
    }
}

#[tokio::test]
async fn a_token_older_than_the_log_is_refused_and_a_snapshot_is_not() {
    let (desk, service) = crossed().await;
    service.stop().await;
    noise(&desk, MORE_THAN_KEPT).await;
    let trimmed = Arc::new(Trimmed(Arc::clone(&desk.alerts), 3_000));
    let service = Service::start(Logs { alerts: trimmed, ..desk.logs() }).await;
    let mut stream = subscribe(&service, from("a5", &AlertFilter::default())).await;
    let failure = Failure::from(stream.message().await.unwrap_err());
    assert_eq!((failure.class, failure.code.as_str()), (Class::Refused, "resume-token-gone"));
    assert!(failure.message.contains("3000") && failure.hint.contains("snapshot"), "{failure}");
    let told = up_to_now(&mut subscribe(&service, snapshot(&AlertFilter::default())).await).await;
    assert_eq!(lines(&told), ["= r/DEU/cobalt/refined/CHN", "end of 1", "caught up"]);
    service.stop().await;
}
