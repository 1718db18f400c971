//! One call of a method that is known by its descriptor alone.
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::{Method, Words, make};
use crate::random::Random;

/// When a call has had no answer for too long. A caller of ours waits as long for a page of exposures.
const SILENCE: Duration = Duration::from_secs(20);

/// How long a stream is read before it is left.
const LISTENED: Duration = Duration::from_millis(200);

/// How many messages of a stream are read before it is left.
const READ: usize = 16;

/// What to send: mostly messages of the method's shape, some with flipped bits, some that are nothing.
pub(super) fn messages(random: &mut Random, method: &Method, words: &Words) -> Vec<Vec<u8>> {
    let count = if method.takes_stream { random.below(4) } else { 1 };
    (0..count).map(|_| encoded(random, method, words)).collect()
}

fn encoded(random: &mut Random, method: &Method, words: &Words) -> Vec<u8> {
    let mut bytes = make::message(random, &method.takes, words, 0).encode_to_vec();
    match random.below(16) {
        0 => bytes = (0..random.below(200)).map(|_| random.byte()).collect(),
        1 | 2 => {
            let at = random.place(bytes.len());
            let byte = random.byte();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        3 => bytes.truncate(random.place(bytes.len())),
        _ => {}
    }
    bytes
}

/// Calls, reads a little of the answer, and leaves.
pub(super) async fn call(
    channel: Channel,
    method: &Method,
    messages: Vec<Vec<u8>>,
    words: &Words,
) -> (Code, String) {
    let ended = match tokio::time::timeout(SILENCE, begin(channel, method, messages, words)).await {
        Ok(ended) => ended,
        Err(_) => Err(Status::deadline_exceeded(format!("nothing was heard for {SILENCE:?}"))),
    };
    ended.map_or_else(|status| (status.code(), status.message().to_owned()), |()| (Code::Ok, String::new()))
}

async fn begin(
    channel: Channel,
    method: &Method,
    messages: Vec<Vec<u8>>,
    words: &Words,
) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel);
    let unready = |error| Status::unavailable(format!("no connection: {error}"));
    grpc.ready().await.map_err(unready)?;
    let path = PathAndQuery::try_from(method.path.as_str()).expect("a path of the contracts is a path");
    let request = Request::new(futures_util::stream::iter(messages));
    if method.gives_stream {
        let mut answers = grpc.streaming(request, path, Raw).await?.into_inner();
        for _ in 0..READ {
            match tokio::time::timeout(LISTENED, answers.message()).await {
                Ok(Ok(Some(answer))) => remember(method, answer, words),
                Ok(Err(status)) => return Err(status),
                Ok(Ok(None)) | Err(_) => break,
            }
        }
    } else {
        remember(method, grpc.client_streaming(request, path, Raw).await?.into_inner(), words);
    }
    Ok(())
}

/// Keeps the texts of an answer for later questions.
fn remember(method: &Method, answer: Bytes, words: &Words) {
    let at = answer.len();
    if let Ok(answer) = DynamicMessage::decode(method.gives.clone(), answer) {
        texts(&answer, &mut |text| words.remember(text, at.wrapping_add(text.len().wrapping_mul(31))));
    }
}

fn texts(message: &DynamicMessage, each: &mut impl FnMut(&str)) {
    for (_, value) in message.fields() {
        match value {
            Value::String(text) => each(text),
            Value::Message(inner) => texts(inner, each),
            Value::List(list) => {
                for one in list.iter().take(4) {
                    match one {
                        Value::String(text) => each(text),
                        Value::Message(inner) => texts(inner, each),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Bytes as they are.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
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

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
