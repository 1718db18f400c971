//! Publishing does not delay answers.

use std::sync::Arc;

use futures_util::FutureExt as _;
use orewatch_contracts::exposure::v1::{QueryExposuresRequest, QueryExposuresResponse};
use orewatch_eventlog::Position;
use orewatch_testkit::{Fault, FaultyLog};
use tokio::sync::Semaphore;

use crate::kit::{Api, House};

/// The first answer from a book that is read up to a position.
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
    // Appends wait at the gate until the test opens it.
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let exposures = FaultyLog::new(Arc::clone(&house.exposures)).on_append(move |_, _| {
        let gate = Arc::clone(&waiting);
        Fault::Delay(async move { drop(gate.acquire().await) }.boxed())
    });
    let house = House { exposures: exposures.shared(), ..house };
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
    gate.add_permits(1);
    let mut api = house.serve().await;
    let position = api.published(second).await;
    api.stop().await;
    assert_eq!(house.published().await.last().map(|event| event.position), Some(position));
}
