//! A chunk of trade as it is stored in its event: dictionaries decoded, columns left as they are.
//!
//! The messages mirror those of the contract, with the same field numbers; packed columns are read as bytes,
//! which share the event's memory. Other tables are small and are decoded through the contract's own types.

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Product};
use prost::Message;

use super::Unreadable;

/// The fields of `ObservationsRecorded` that are about trade.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Recorded {
    #[prost(uint32, tag = "1")]
    pub(super) chunk: u32,
    #[prost(message, optional, tag = "2")]
    pub(super) trade: Option<TradeColumns>,
}

/// Columns of trade. A packed column may come in several pieces.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TradeColumns {
    #[prost(string, repeated, tag = "1")]
    pub(super) periods: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) economies: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub(super) products: Vec<Product>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub(super) period: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub(super) exporter: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub(super) importer: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub(super) product: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "8")]
    pub(super) value: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub(super) quantity: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "10")]
    pub(super) value_status: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "11")]
    pub(super) quantity_status: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "12")]
    pub(super) file: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "13")]
    pub(super) line: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    pub(super) reporter: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "15")]
    pub(super) value_scaled: Vec<Bytes>,
    #[prost(uint32, tag = "16")]
    pub(super) value_digits: u32,
    #[prost(bytes = "bytes", repeated, tag = "17")]
    pub(super) quantity_scaled: Vec<Bytes>,
    #[prost(uint32, tag = "18")]
    pub(super) quantity_digits: u32,
    #[prost(bytes = "bytes", repeated, tag = "19")]
    pub(super) line_step: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "20")]
    pub(super) quantity_column: Vec<Bytes>,
}

impl Recorded {
    /// Decodes an event. Unpacked columns, which protobuf readers have to accept and our writers never write,
    /// are packed first.
    pub(super) fn read(data: &Bytes) -> Result<Self, Unreadable> {
        Self::decode(data.clone()).or_else(|_| {
            let typed = ObservationsRecorded::decode(data.clone()).map_err(Unreadable::wire)?;
            Self::decode(Bytes::from(typed.encode_to_vec())).map_err(Unreadable::wire)
        })
    }
}

/// The pieces of a column as one.
pub(super) fn joined(runs: &[Bytes]) -> Bytes {
    match runs {
        [] => Bytes::new(),
        [piece] => piece.clone(),
        runs => runs.concat().into(),
    }
}
