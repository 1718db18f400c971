//! Watches of exposures: history, the present, and resuming.
use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::exposure::v1::watch_exposures_response::Message;
use orewatch_contracts::exposure::v1::{ExposureFilter, WatchExposuresRequest, WatchExposuresResponse};
use tonic::Streaming;

use crate::kit::{Api, House};

async fn watch(api: &mut Api, filter: &ExposureFilter, token: &str) -> Streaming<WatchExposuresResponse> {
    let request = WatchExposuresRequest { filter: Some(filter.clone()), resume_token: token.to_owned() };
    api.client.watch_exposures(request).await.unwrap().into_inner()
}

/// Old value and new value of each change, until the watch has caught up; and the last token.
async fn changes(
    stream: &mut Streaming<WatchExposuresResponse>,
) -> (Vec<(CauseKind, Option<f64>, Option<f64>)>, String) {
    let mut seen = Vec::new();
    loop {
        let response = stream.message().await.unwrap().unwrap();
        match response.message.unwrap() {
            Message::CaughtUp(_) => return (seen, response.resume_token),
            Message::Checkpoint(_) => {}
            Message::Changes(changes) => {
                let kind = changes.cause.unwrap().kind();
                for change in changes.changes {
                    seen.push((kind, change.old_value, change.exposure.unwrap().estimate.unwrap().value));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_watch_gives_history_then_says_so_then_resumes() {
    let house = House::new();
    let rows = |tonnes| {
        [
            ("2024", "CHN", "DEU", "284690", 1.0, Some(tonnes)),
            ("2024", "VNM", "DEU", "284690", 1.0, Some(10.0)),
        ]
    };
    let first = house.trade("baci-hs92/202501-aaaaaaaaaaaa", &rows(30.0)).await;
    let mut api = house.serve().await;
    api.published(first).await;
    let filter = ExposureFilter {
        consumers: vec!["DEU".to_owned()],
        suppliers: vec!["CHN".to_owned()],
        by: 1,
        ..ExposureFilter::default()
    };
    let mut stream = watch(&mut api, &filter, "beginning").await;
    let (seen, token) = changes(&mut stream).await;
    assert_eq!(seen, [(CauseKind::ReleaseCommitted, None, Some(0.75))]);

    let second = house.trade("baci-hs92/202601-bbbbbbbbbbbb", &rows(10.0)).await;
    let third = house.withdraw("baci-hs92/202601-bbbbbbbbbbbb").await;
    let fourth = house.withdraw("baci-hs92/202501-aaaaaaaaaaaa").await;
    api.published(second.max(third).max(fourth)).await;
    let expected = [
        (CauseKind::ReleaseRestated, Some(0.75), Some(0.5)),
        (CauseKind::ReleaseWithdrawn, Some(0.5), Some(0.75)),
        (CauseKind::ReleaseWithdrawn, Some(0.75), None),
    ];
    let mut live = Vec::new();
    while live.len() < expected.len() {
        if let Message::Changes(changes) = stream.message().await.unwrap().unwrap().message.unwrap() {
            let kind = changes.cause.unwrap().kind();
            live.extend(changes.changes.into_iter().map(|change| {
                assert_eq!(
                    change.gone,
                    change.exposure.as_ref().unwrap().estimate.as_ref().unwrap().value.is_none()
                );
                (kind, change.old_value, change.exposure.unwrap().estimate.unwrap().value)
            }));
        }
    }
    assert_eq!(live, expected);
    let (resumed, last) = changes(&mut watch(&mut api, &filter, &token).await).await;
    assert_eq!(resumed, expected);
    assert_eq!(changes(&mut watch(&mut api, &filter, &last).await).await.0, []);
    assert_eq!(changes(&mut watch(&mut api, &filter, "").await).await.0, []);

    let request = WatchExposuresRequest { filter: None, resume_token: "nonsense".to_owned() };
    let status = api.client.watch_exposures(request).await.unwrap_err();
    assert_eq!(orewatch_contracts::Failure::from(status).code, "invalid-token");
    drop(stream);
    api.stop().await;
}
