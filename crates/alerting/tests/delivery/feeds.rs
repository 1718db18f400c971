//! Feeds as readers get them.
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response, StatusCode};
use jiff::SignedDuration;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::*;
use tower::ServiceExt as _;

use crate::bench::{Bench, Service};
use crate::samples::{message, resolved};

async fn send_request(
    service: &Service,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, Response<()>, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(tonic::body::Body::new(Empty::<Bytes>::new())).unwrap();
    let response = service.routes.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, Response::from_parts(head, ()), String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_feed_has_the_last_messages_and_answers_not_modified() {
    let bench = Bench::new();
    let config = orewatch_receivers::Config {
        public_url: Some("https://orewatch.example.org".to_owned()),
        ..bench.config()
    };
    let mut service = bench.start_with(config.clone()).await;
    let kind = Some(Kind::Feed(FeedReceiver { entries: 2 }));
    service
        .put(Receiver {
            id: "desk".to_owned(),
            title: "Desk & <more>".to_owned(),
            kind,
            ..Receiver::default()
        })
        .await;
    let (status, _, empty) = send_request(&service, "GET", "/feeds/desk.atom", &[]).await;
    assert_eq!((status, empty.matches("<entry>").count()), (StatusCode::OK, 0));

    let ids = plan_three_messages(&bench).await;
    for id in &ids {
        service.reaches(id, DeliveryState::Delivered, 1).await;
    }
    let (status, head, atom) = send_request(&service, "GET", "/feeds/desk.atom", &[]).await;
    assert_eq!(
        (status, head.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "application/atom+xml; charset=utf-8")
    );
    assert!(!atom.contains(&ids[0]) && atom.contains(&ids[1]) && atom.contains(&ids[2]), "the last two");
    assert!(atom.find(&ids[2]) < atom.find(&ids[1]), "the newest first");
    assert!(
        atom.contains("<title>Desk &amp; &lt;more&gt;</title>")
            && atom.contains("<updated>2026-11-27T10:02:00Z</updated>")
    );
    assert!(atom.contains("term=\"drill\"") && atom.contains("DRILL") && atom.contains("41.0 %"));
    assert!(atom.contains("href=\"https://orewatch.example.org/feeds/desk.atom\""));

    let tag = head.headers()["etag"].to_str().unwrap().to_owned();
    check_conditional_requests(&service, &head, &tag).await;
    assert_eq!(send_request(&service, "HEAD", "/feeds/desk.atom", &[]).await.2, "");
    assert_eq!(
        send_request(&service, "POST", "/feeds/desk.atom", &[]).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    for path in ["/feeds/other.atom", "/feeds/desk", "/feeds/../desk.atom"] {
        assert_eq!(send_request(&service, "GET", path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    service.stop().await;

    // After a restart it is the same, to the byte: all of it comes from the log.
    let service = bench.start_with(config).await;
    let again = crate::bench::eventually("the log is folded", async || {
        let (status, head, body) = send_request(&service, "GET", "/feeds/desk.atom", &[]).await;
        (status == StatusCode::OK && head.headers()["etag"].to_str().unwrap() == tag).then_some(body)
    })
    .await;
    assert_eq!(again, atom);
    service.stop().await;
}

/// Plans a message, a drill, and a message of a resolved alert, a minute apart. Returns their identifiers.
async fn plan_three_messages(bench: &Bench) -> Vec<String> {
    let mut ids = Vec::new();
    for sequence in 1..=3 {
        let drill = sequence == 2;
        let alerts =
            if sequence == 3 { vec![resolved("g7-china", "EU27")] } else { message("desk", "g", 1).alerts };
        ids.push(bench.plan(Notification { drill, alerts, ..message("desk", "g", sequence) }).await);
        bench.clock.turn(SignedDuration::from_secs(60));
    }
    ids
}

/// A reader that has the feed already gets "not modified", by its tag or by its time.
async fn check_conditional_requests(service: &Service, head: &Response<()>, tag: &str) {
    let modified = head.headers()["last-modified"].to_str().unwrap().to_owned();
    assert_eq!(modified, "Fri, 27 Nov 2026 10:02:00 GMT");
    let known = [
        vec![("if-none-match", tag)],
        vec![("if-none-match", "*")],
        vec![("if-modified-since", modified.as_str())],
    ];
    for headers in known {
        let (status, _, body) = send_request(service, "GET", "/feeds/desk.atom", &headers).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{headers:?}");
    }
    let old = [("if-none-match", "\"other\""), ("if-modified-since", modified.as_str())];
    assert_eq!(send_request(service, "GET", "/feeds/desk.atom", &old).await.0, StatusCode::OK);
}
