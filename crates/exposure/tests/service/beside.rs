//! Publishing goes on beside the answers.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orewatch_contracts::exposure::v1::{QueryExposuresRequest, QueryExposuresResponse};
use orewatch_eventlog::{Error, EventLog, Extent, Filter, Items, NewEvent, Position, StreamName};
use tokio::sync::Semaphore;

use crate::kit::{Api, House};

/// A log that takes its time: an append waits until appends are let through.
#[derive(Debug)]
struct Held {
    log: Arc<dyn EventLog>,
    through: Semaphore,
}

impl EventLog for Held {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move {
            let _through = self.through.acquire().await;
            self.log.append(stream, expected, events).await
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        self.log.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }
}

/// The first answer that knows the observations log up to a position.
async fn answer(api: &mut Api, position: Position) -> QueryExposuresResponse {
    loop {
        match api.client.query_exposures(QueryExposuresRequest::default()).await {
            Ok(answer) if answer.get_ref().as_at_position >= position => return answer.into_inner(),
            Ok(_) => {}
            Err(status) => assert_eq!(status.code(), tonic::Code::Unavailable, "{status}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_and_the_stop_do_not_wait_for_what_is_published() {
    let house = House::new();
    let held = Arc::new(Held { log: Arc::clone(&house.exposures), through: Semaphore::new(0) });
    let house = House { exposures: Arc::clone(&held) as Arc<dyn EventLog>, ..house };
    let mut api = house.serve().await;
    let row = ("2024", "COD", "FIN", "260500", 5.0, Some(5.0));
    let first = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &[row]).await;
    let of_one = answer(&mut api, first).await;
    assert!(!of_one.exposures.is_empty());
    assert_eq!(of_one.exposures_position, None, "not published yet");
    // A second commit is answered from as well while the first still waits.
    let second =
        house.trade("usgs-trade/202501-bbbbbbbbbbbb", &[("2024", "CHN", "JPN", "250410", 3.0, None)]).await;
    let of_both = answer(&mut api, second).await;
    assert!(of_both.exposures.len() > of_one.exposures.len());
    assert_eq!(of_both.exposures_position, None);
    api.stop().await;
    assert_eq!(house.published().await, [], "nothing was let through");
    held.through.add_permits(1);
    let mut api = house.serve().await;
    let position = api.published(second).await;
    api.stop().await;
    assert_eq!(house.published().await.last().map(|event| event.position), Some(position));
}
