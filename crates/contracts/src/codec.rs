//! The codec of all calls. It does what tonic's does, but checks a request against the limits of its contract
//! before decoding it, and blames the caller for one that cannot be decoded.

use std::marker::PhantomData;

use prost::bytes::Buf as _;
use prost::{Message, Name};
use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};

use crate::common::v1::{Blame, Problem};
use crate::limits::{self, Excess, ExcessKind};

/// Codec of all calls.
#[derive(Clone, Debug)]
pub(crate) struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Writer<T>;
    type Decoder = Reader<U>;

    fn encoder(&mut self) -> Self::Encoder {
        Writer(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        Reader { limits: limits::for_request(U::PACKAGE, U::NAME), message: PhantomData }
    }
}

/// Encodes messages.
#[derive(Clone, Debug)]
pub(crate) struct Writer<T>(PhantomData<T>);

impl<T: Message> Encoder for Writer<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Decodes messages. A request is checked against its limits first.
#[derive(Clone, Debug)]
pub(crate) struct Reader<U> {
    /// `None`: the message is a response, which has no limits.
    limits: Option<limits::Message>,
    message: PhantomData<U>,
}

impl<U: Message + Default> Decoder for Reader<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let Some(limits) = self.limits else {
            let message = U::decode(buffer).map_err(|error| Status::internal(error.to_string()))?;
            return Ok(Some(message));
        };
        // tonic hands over one contiguous piece of memory.
        if buffer.chunk().len() < buffer.remaining() {
            return Err(Status::internal("a request came in several pieces of memory"));
        }
        limits::check(buffer.chunk(), limits)?;
        U::decode(buffer).map(Some).map_err(|_| undecodable())
    }
}

fn undecodable() -> Status {
    Excess { field: String::new(), kind: ExcessKind::Undecodable }.into()
}

impl From<Excess> for Status {
    fn from(excess: Excess) -> Self {
        let Excess { field, kind } = excess;
        let (code, value, hint) = match kind {
            ExcessKind::TooLong { bytes, .. } => ("too-long", format!("{bytes} bytes"), "shorten it"),
            ExcessKind::TooMany { max: 1 } => ("too-many", String::new(), "give it once"),
            ExcessKind::TooMany { .. } => ("too-many", String::new(), "ask in several requests"),
            ExcessKind::Hidden { .. } => {
                let hint = "leave out control characters, line breaks and marks of direction";
                ("hidden-character", String::new(), hint)
            }
            ExcessKind::Undecodable => {
                ("undecodable", String::new(), "encode the request by the contracts in proto/")
            }
        };
        let message = if field.is_empty() { kind.to_string() } else { format!("{field}: {kind}") };
        let problem = Problem {
            code: code.to_owned(),
            blame: Blame::User.into(),
            message: message.clone(),
            hint: hint.to_owned(),
            field,
            value,
            retry_after: None,
        };
        Self::with_details(Code::InvalidArgument, message, problem.encode_to_vec().into())
    }
}
