//! A stand-in for an exposure service that streams any number of figures: for what becomes of them on the way
//! to a reader.
//!
//! Its messages are encoded once and sent again and again, so that it costs little beside what is measured.
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_contracts::exposure::v1::exposure_service_server::SERVICE_NAME;
use orewatch_contracts::exposure::v1::{Exposure, QueryExposuresResponse, StreamExposuresResponse, Subject};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Figures of a message: as many as the service sends.
const PER_MESSAGE: u64 = 250;

/// Messages after which they are sent again.
const DIFFERENT_MESSAGES: u64 = 40;

/// Figures after which they are sent again.
pub const DIFFERENT: u64 = PER_MESSAGE * DIFFERENT_MESSAGES;

/// A running stand-in. It ends when dropped.
#[derive(Debug)]
pub struct Flood {
    address: String,
    sent: Arc<AtomicU64>,
    serving: JoinHandle<()>,
}

impl Flood {
    /// Starts it on a free port. Each stream has this number of figures, and then its end or a failure.
    ///
    /// # Panics
    /// If there is no port.
    pub async fn start(figures: u64, has_end: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let sent = Arc::new(AtomicU64::new(0));
        let messages = (0..DIFFERENT_MESSAGES).map(|number| frame(&message(number))).collect();
        let position = frame(&QueryExposuresResponse { as_at_position: 7, ..Default::default() });
        let streams = Streams {
            position,
            messages,
            count: figures.div_ceil(PER_MESSAGE),
            has_end,
            sent: Arc::clone(&sent),
        };
        let server = Server::builder().add_service(streams).serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move { server.await.expect("it serves") });
        Self { address, sent, serving }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Figures that were taken off it so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed) * PER_MESSAGE
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The value of a figure by its number.
#[must_use]
pub fn value(number: u64) -> f64 {
    f64::from(u32::try_from(number % DIFFERENT).unwrap_or_default()) / 16_384.0
}

fn message(number: u64) -> StreamExposuresResponse {
    let first = number * PER_MESSAGE;
    let exposures = (first..first + PER_MESSAGE).map(|number| exposure(value(number))).collect();
    StreamExposuresResponse { exposures, ..Default::default() }
}

/// A figure with as many texts as one of trade has.
fn exposure(value: f64) -> Exposure {
    let subject = Subject {
        consumer: "DEU".to_owned(),
        material: "rare-earths".to_owned(),
        stage: "refined".to_owned(),
        supplier: "CHN".to_owned(),
        measure: "import-share/1".to_owned(),
        by: By::Quantity.into(),
    };
    let estimate = Estimate {
        value: Some(value),
        low: Some(value / 3.0),
        high: Some(value / 3.0 + 0.7),
        coverage: Some(0.9),
        status: Status::Partial.into(),
        reason: "one of ten importers has not reported this period yet".to_owned(),
    };
    let release = |letter: char| letter.to_string().repeat(48);
    Exposure {
        subject: Some(subject),
        period: "2023".to_owned(),
        estimate: Some(estimate),
        unit: "share".to_owned(),
        names: ["CHN", "VNM", "MYS"].map(str::to_owned).to_vec(),
        releases: ['a', 'b', 'c'].map(release).to_vec(),
        datasets: ["baci", "comext", "usgs-mcs"].map(str::to_owned).to_vec(),
        ..Default::default()
    }
}

/// A message as gRPC sends it, not compressed.
fn frame(message: &impl Message) -> Bytes {
    let length = u32::try_from(message.encoded_len()).expect("a small message");
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(length);
    message.encode(&mut bytes).expect("there is room");
    bytes.freeze()
}

#[derive(Clone, Debug)]
struct Streams {
    position: Bytes,
    messages: Arc<[Bytes]>,
    /// Messages of a stream.
    count: u64,
    has_end: bool,
    sent: Arc<AtomicU64>,
}

impl Streams {
    fn all(self) -> Body {
        let Self { messages, count, has_end, sent, .. } = self;
        let next = move |number: u64| {
            let frame = if number < count {
                sent.fetch_add(1, Ordering::Relaxed);
                let place = usize::try_from(number % DIFFERENT_MESSAGES).expect("a small number");
                Frame::data(messages[place].clone())
            } else {
                trailers(if has_end { OK } else { UNAVAILABLE })
            };
            std::future::ready((number <= count).then_some((Ok::<_, Infallible>(frame), number + 1)))
        };
        Body::new(StreamBody::new(stream::unfold(0, next)))
    }

    fn position(self) -> Body {
        let frames = [Frame::data(self.position), trailers(OK)];
        Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>))))
    }
}

/// Statuses of gRPC.
const OK: &str = "0";
const UNAVAILABLE: &str = "14";

fn trailers(status: &'static str) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    Frame::trailers(trailers)
}

impl NamedService for Streams {
    const NAME: &'static str = SERVICE_NAME;
}

impl Service<Request<Body>> for Streams {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let streams = self.clone();
        Box::pin(async move {
            let is_stream = request.uri().path().ends_with("/StreamExposures");
            // What is asked for does not matter, but a request that is not read would be broken off.
            let _asked = request.into_body().collect().await;
            let body = if is_stream { streams.all() } else { streams.position() };
            let mut response = Response::new(body);
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            Ok(response)
        })
    }
}
