//! One call of a method that is known only by its descriptor.
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::words::Words;
use super::{Method, message};
use crate::random::Random;

/// How long to wait for each message of a stream. A stream may be silent: the call ends without an error
/// then.
const STREAM_WAIT: Duration = Duration::from_millis(200);

/// How many messages of a stream are read before the call is ended.
const MAX_STREAM_MESSAGES: usize = 16;

/// Generates the requests of one call: mostly messages of the method's type, some with a changed byte, some
/// cut off, some random bytes.
pub(super) fn random_messages(random: &mut Random, method: &Method, words: &Words) -> Vec<Vec<u8>> {
    let count = if method.is_client_streaming { random.below(4) } else { 1 };
    (0..count).map(|_| random_bytes(random, method, words)).collect()
}

fn random_bytes(random: &mut Random, method: &Method, words: &Words) -> Vec<u8> {
    let mut bytes = message::random_message(random, &method.request, words, 0).encode_to_vec();
    match random.below(16) {
        0 => bytes = (0..random.below(200)).map(|_| random.byte()).collect(),
        1 | 2 => {
            let index = random.index(bytes.len());
            let new = random.byte();
            if let Some(byte) = bytes.get_mut(index) {
                *byte = new;
            }
        }
        3 => bytes.truncate(random.index(bytes.len())),
        _ => {}
    }
    bytes
}

/// Calls a method, reads the beginning of the response, and hangs up. Returns the status code and its
/// message.
///
/// The code is `DeadlineExceeded` if the call takes longer than `patience`.
pub(super) async fn call(
    channel: Channel,
    method: &Method,
    messages: Vec<Vec<u8>>,
    words: &Words,
    patience: Duration,
) -> (Code, String) {
    let called = tokio::time::timeout(patience, call_and_read(channel, method, messages, words)).await;
    let silent = |_| Err(Status::deadline_exceeded(format!("no response within {patience:?}")));
    match called.unwrap_or_else(silent) {
        Ok(()) => (Code::Ok, String::new()),
        Err(status) => (status.code(), status.message().to_owned()),
    }
}

async fn call_and_read(
    channel: Channel,
    method: &Method,
    messages: Vec<Vec<u8>>,
    words: &Words,
) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel);
    let no_connection = |error| Status::unavailable(format!("no connection: {error}"));
    grpc.ready().await.map_err(no_connection)?;
    let path = PathAndQuery::try_from(method.path.as_str()).expect("a path of the contracts is a path");
    let request = Request::new(futures_util::stream::iter(messages));
    if method.is_server_streaming {
        let mut responses = grpc.streaming(request, path, RawCodec).await?.into_inner();
        for _ in 0..MAX_STREAM_MESSAGES {
            match tokio::time::timeout(STREAM_WAIT, responses.message()).await {
                Ok(Ok(Some(response))) => remember_texts(method, response, words),
                Ok(Err(status)) => return Err(status),
                Ok(Ok(None)) | Err(_) => break,
            }
        }
    } else {
        let response = grpc.client_streaming(request, path, RawCodec).await?.into_inner();
        remember_texts(method, response, words);
    }
    Ok(())
}

/// Remembers the texts of a response for later requests.
fn remember_texts(method: &Method, response: Bytes, words: &Words) {
    // Which of the older texts a new one replaces may be anything that varies.
    let length = response.len();
    if let Ok(response) = DynamicMessage::decode(method.response.clone(), response) {
        for_each_text(&response, &mut |text| {
            words.remember(text, length.wrapping_add(text.len().wrapping_mul(31)));
        });
    }
}

fn for_each_text(message: &DynamicMessage, action: &mut impl FnMut(&str)) {
    for (_, value) in message.fields() {
        match value {
            Value::String(text) => action(text),
            Value::Message(inner) => for_each_text(inner, action),
            Value::List(items) => {
                for item in items.iter().take(4) {
                    match item {
                        Value::String(text) => action(text),
                        Value::Message(inner) => for_each_text(inner, action),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Sends and receives bytes without decoding them.
#[derive(Clone, Copy, Debug)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
