//! What a caller cannot do to the service: hold it up with long texts, leave work behind, or fill its memory
//! by not reading.

use std::time::{Duration, Instant};

use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::{ExposureFilter, QueryExposuresRequest, StreamExposuresRequest};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Identity, client};
use tonic::Code;
use tonic::transport::Channel;

use crate::kit::{Api, House, Trade};

/// Economies that trade with each other, each with most of the others.
fn rows() -> Vec<(String, String, f64)> {
    let codes: Vec<_> = orewatch_catalog::economies().iter().map(|economy| economy.iso3).take(60).collect();
    let pairs = codes.iter().flat_map(|from| codes.iter().map(move |to| (*from, *to)));
    let flows = pairs.filter(|(from, to)| from != to).zip(1..).filter(|(_, number)| number % 3 != 0);
    flows.map(|((from, to), number)| (from.to_owned(), to.to_owned(), f64::from(number % 97 + 1))).collect()
}

async fn traded(house: &House) -> u64 {
    let rows = rows();
    let rows: Vec<Trade<'_>> = rows
        .iter()
        .map(|(from, to, tonnes)| ("2024", &**from, &**to, "284690", *tonnes, Some(*tonnes)))
        .collect();
    house.release("baci-hs92/202501-aaaaaaaaaaaa", crate::kit::trade(&rows, 2)).await
}

/// Waits for a condition, for a long time on a slow machine.
async fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_long_name_is_refused_at_once_by_its_length() {
    let house = House::new();
    let mut api = house.serve().await;
    api.published(0).await;
    let filter = |name: String| ExposureFilter { consumers: vec![name], ..ExposureFilter::default() };
    let query = |filter| QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() };
    let begun = Instant::now();
    let status = api.client.query_exposures(query(filter("x".repeat(1 << 20)))).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let failure = Failure::from(status);
    assert_eq!((&*failure.code, &*failure.field), ("too-long", "filter.consumers"));
    assert!(failure.message.contains("1048576") && failure.message.contains("1024"), "{failure}");
    // As long as may be, and as many: still no search worth the name.
    let names = (0..1000).map(|number| format!("{number:0>1024}")).collect();
    let many = ExposureFilter { consumers: names, ..ExposureFilter::default() };
    let status = api.client.query_exposures(query(many)).await.unwrap_err();
    assert_eq!((status.code(), Failure::from(status).code), (Code::NotFound, "unknown-consumer".to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    api.stop().await;
}

#[tokio::test]
async fn who_leaves_leaves_no_work_behind() {
    let house = House::new();
    let position = traded(&house).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let query = QueryExposuresRequest { page_size: 10_000, trend: true, ..QueryExposuresRequest::default() };
    let mut calls = Vec::new();
    for _ in 0..100 {
        let (mut client, query) = (api.client.clone(), query.clone());
        calls.push(tokio::spawn(async move { client.query_exposures(query).await.map(drop) }));
    }
    let work = api.work();
    wait_until("some are being computed", || work.running() > 0 && work.seated() > 50).await;
    assert!(
        work.running() <= std::thread::available_parallelism().unwrap().get().max(2),
        "the pool is bounded"
    );
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    let left = Instant::now();
    wait_until("nothing runs any more", || work.running() == 0 && work.seated() == 0).await;
    assert!(left.elapsed() < Duration::from_secs(10), "{:?}", left.elapsed());
    api.client.query_exposures(query).await.expect("those who stay are answered");
    api.stop().await;
}

#[tokio::test]
async fn streams_that_nobody_reads_hold_what_may_be_held() {
    let house = House::new();
    let position = traded(&house).await;
    let mut api = house.serve().await;
    api.published(position).await;
    let mut unread = Vec::new();
    for _ in 0..50 {
        let mut client = connect(&api).await;
        unread.push(client.stream_exposures(StreamExposuresRequest::default()).await.unwrap());
    }
    let memory = api.memory();
    assert!(memory.used() < 192 << 20, "{}", memory.used());
    let all = api.stream(ExposureFilter::default(), None).await;
    assert!(all.len() > 3_000, "one who reads is told all: {}", all.len());
    drop(unread);
    let work = api.work();
    wait_until("nothing is held any more", || memory.used() == 0 && work.seated() == 0).await;
    api.stop().await;
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let house = House::new();
    let mut api = house.serve().await;
    api.published(0).await;
    let (work, nobody) = (api.work(), Identity::open());
    let seats: Vec<_> = std::iter::from_fn(|| work.admit(&nobody).ok()).collect();
    let refused = [
        api.client.query_exposures(QueryExposuresRequest::default()).await.map(drop),
        api.client.stream_exposures(StreamExposuresRequest::default()).await.map(drop),
    ];
    for refused in refused.map(Result::unwrap_err) {
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        assert!(refused.metadata().contains_key("grpc-retry-pushback-ms"));
        let failure = Failure::from(refused);
        assert!(failure.class == Class::Exhausted && failure.retry_after.is_some(), "{failure}");
    }
    drop(seats);
    api.client.query_exposures(QueryExposuresRequest::default()).await.expect("there are seats again");
    api.stop().await;
}

async fn connect(api: &Api) -> ExposureServiceClient<Channel> {
    ExposureServiceClient::new(client::connect(&api.address()).await.expect("a server"))
}

/// Sends bytes as they are.
#[derive(Clone, Debug, Default)]
struct Raw;

impl tonic::codec::Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl tonic::codec::Encoder for Raw {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn encode(
        &mut self,
        item: Vec<u8>,
        buffer: &mut tonic::codec::EncodeBuf<'_>,
    ) -> Result<(), tonic::Status> {
        bytes::BufMut::put(buffer, item.as_slice());
        Ok(())
    }
}

impl tonic::codec::Decoder for Raw {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn decode(&mut self, buffer: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<Vec<u8>>, tonic::Status> {
        let length = bytes::Buf::remaining(buffer);
        Ok(Some(bytes::Buf::copy_to_bytes(buffer, length).to_vec()))
    }
}

#[tokio::test]
async fn what_is_no_protobuf_is_the_callers_fault() {
    let house = House::new();
    let mut api = house.serve().await;
    api.published(0).await;
    let mut raw = tonic::client::Grpc::new(client::connect(&api.address()).await.unwrap());
    for method in ["GetExposure", "QueryExposures", "ExplainExposure", "CompareSources"] {
        let path = format!("/orewatch.exposure.v1.ExposureService/{method}");
        let path: tonic::codegen::http::uri::PathAndQuery = path.parse().unwrap();
        raw.ready().await.unwrap();
        // A text that is not UTF-8, and a length beyond the end.
        for bytes in [vec![0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe], vec![0x0a, 0x7f, 0x01]] {
            let status = raw.unary(tonic::Request::new(bytes), path.clone(), Raw).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{method}: {status}");
            assert_eq!(Failure::from(status).code, "undecodable");
            raw.ready().await.unwrap();
        }
    }
    api.stop().await;
}
