//! Publishes the bytes of a log with a plain client that waits for acknowledgements, to show what the server
//! can take.
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{self, ContextBuilder};
use async_nats::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use std::collections::VecDeque;
use std::future::IntoFuture as _;

/// Maximum number of bytes without an acknowledgement.
const MAX_UNACKNOWLEDGED_BYTES: usize = 16 << 20;

/// Headers and data of a message.
pub(crate) type Message = (HeaderMap, Bytes);

/// Reads every message of the observations log.
pub(crate) async fn stored_messages(url: &str) -> Vec<Message> {
    let client = async_nats::connect(url).await.expect("the server is there");
    let stream = jetstream::new(client).get_stream("OBSERVATIONS").await.expect("the log is there");
    let count = stream.cached_info().state.messages;
    let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let messages = consumer
        .stream()
        .max_messages_per_batch(100)
        .max_bytes_per_batch(8 << 20)
        .heartbeat(Duration::from_secs(2))
        .messages()
        .await
        .expect("messages");
    let id = header::NATS_MESSAGE_ID;
    let whole = messages.take(usize::try_from(count).expect("they fit")).map(|message| {
        let message = message.expect("a message");
        let headers = message.headers.clone().unwrap_or_default();
        // Headers of atomic batches and expectations refer to the original stream.
        let id: &str = id.as_ref();
        let keep = |name: &str| name.starts_with("ce-") || name == id;
        let mut kept = HeaderMap::new();
        for (name, values) in headers.iter().filter(|(name, _)| keep(name.as_ref())) {
            values.iter().for_each(|value| kept.append(name.clone(), value.clone()));
        }
        (kept, message.payload.clone())
    });
    whole.collect().await
}

/// Publishes messages without waiting for each acknowledgement. Returns the seconds that it takes.
pub(crate) async fn publish(url: &str, messages: Vec<Message>) -> f64 {
    let client = async_nats::connect(url).await.expect("the server is there");
    let context = ContextBuilder::new().timeout(Duration::from_secs(60)).build(client);
    let config = Config {
        name: "RAW".to_owned(),
        subjects: vec!["raw".to_owned()],
        storage: StorageType::File,
        ..Config::default()
    };
    context.create_stream(config).await.expect("a stream");
    let started = Instant::now();
    let (mut waiting, mut bytes): (VecDeque<(PublishAckFuture, usize)>, usize) = Default::default();
    for (headers, data) in messages {
        let size = data.len();
        while bytes > 0 && bytes + size > MAX_UNACKNOWLEDGED_BYTES {
            let Some((next, size)) = waiting.pop_front() else { break };
            next.into_future().await.expect("an acknowledgement");
            bytes -= size;
        }
        let ack = context.publish_with_headers("raw", headers, data).await.expect("a publish");
        waiting.push_back((ack, size));
        bytes += size;
    }
    for (ack, _) in waiting {
        ack.into_future().await.expect("an acknowledgement");
    }
    started.elapsed().as_secs_f64()
}
