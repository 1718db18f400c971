//! Decodes only the columns of a chunk that the folded state needs: trade without quantities and lines.
//!
//! Most of a log is chunks of trade, and a restart folds all of them. Columns are declared as raw bytes here
//! and only the needed ones unpacked; skipping the others makes a restart that much faster.
use bytes::Bytes;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Product, TradeColumns};
use orewatch_contracts::packed::{Shape, Varints};
use prost::{DecodeError, Message};

/// `ObservationsRecorded` with the columns of trade that are needed.
#[derive(Clone, PartialEq, Message)]
struct RecordedTrade {
    #[prost(uint32, tag = "1")]
    chunk: u32,
    #[prost(message, optional, tag = "2")]
    trade: Option<NeededTradeColumns>,
}

/// `TradeColumns` with the needed columns only. A packed column may come in several runs.
#[derive(Clone, PartialEq, Message)]
struct NeededTradeColumns {
    #[prost(string, repeated, tag = "1")]
    periods: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    economies: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    products: Vec<Product>,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    period: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    exporter: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    importer: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    product: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "8")]
    value: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "10")]
    value_status: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "12")]
    file: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    reporter: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "15")]
    value_scaled: Vec<Bytes>,
    #[prost(uint32, tag = "16")]
    value_digits: u32,
}

/// Decodes the data of an `ObservationsRecorded`. Quantities and lines of trade are left out.
///
/// # Errors
/// [`DecodeError`] for data that is no such message.
pub(crate) fn decode_needed_columns(data: &Bytes) -> Result<ObservationsRecorded, DecodeError> {
    let trade = RecordedTrade::decode(data.clone()).ok().and_then(|RecordedTrade { chunk, trade }| {
        let columns = Some(Columns::Trade(trade?.columns()?));
        Some(ObservationsRecorded { chunk, columns })
    });
    // Another table, or columns that are not packed. No writer of ours makes those, but every protobuf reader
    // has to take them.
    trade.map_or_else(|| ObservationsRecorded::decode(data.clone()), Ok)
}

impl NeededTradeColumns {
    /// The columns as lists. `None`: a column is cut off, or has a number out of range.
    fn columns(self) -> Option<TradeColumns> {
        Some(TradeColumns {
            period: numbers(&self.period)?,
            exporter: numbers(&self.exporter)?,
            importer: numbers(&self.importer)?,
            product: numbers(&self.product)?,
            value: doubles(&self.value)?,
            value_status: numbers(&self.value_status)?,
            file: numbers(&self.file)?,
            reporter: numbers(&self.reporter)?,
            value_scaled: numbers(&self.value_scaled)?,
            value_digits: self.value_digits,
            periods: self.periods,
            economies: self.economies,
            products: self.products,
            ..TradeColumns::default()
        })
    }
}

fn numbers<T: TryFrom<u64>>(runs: &[Bytes]) -> Option<Vec<T>> {
    let mut all = Vec::with_capacity(runs.iter().map(|run| Shape::new(run).count).sum());
    for run in runs {
        let mut numbers = Varints::new(run);
        for number in numbers.by_ref() {
            all.push(T::try_from(number).ok()?);
        }
        if !numbers.is_empty() {
            return None;
        }
    }
    Some(all)
}

fn doubles(runs: &[Bytes]) -> Option<Vec<f64>> {
    let mut all = Vec::new();
    for run in runs {
        let (whole, []) = run.as_chunks::<8>() else { return None };
        all.extend(whole.iter().map(|bytes| f64::from_le_bytes(*bytes)));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::GovernanceColumns;

    use super::*;

    fn event(columns: Columns) -> ObservationsRecorded {
        ObservationsRecorded { chunk: 7, columns: Some(columns) }
    }

    #[test]
    fn trade_is_decoded_without_quantities_and_lines() {
        let seen = TradeColumns {
            periods: vec!["2020".to_owned()],
            economies: vec!["CHN".to_owned(), "DEU".to_owned()],
            products: vec![Product { code: "250410".to_owned(), ..Product::default() }],
            exporter: vec![0, 1, 300],
            importer: vec![1, 0, u32::MAX],
            value: vec![1.5, f64::INFINITY, 0.0],
            value_status: vec![1, 2, 1],
            value_scaled: vec![1, 1 << 52, u64::MAX],
            value_digits: 3,
            file: vec![0, 0, 2],
            ..TradeColumns::default()
        };
        let unseen = TradeColumns { quantity_scaled: vec![1, 2, 3], line_step: vec![-1, 2], ..seen.clone() };
        let data = Bytes::from(event(Columns::Trade(unseen)).encode_to_vec());
        assert_eq!(decode_needed_columns(&data).unwrap(), event(Columns::Trade(seen)));
    }

    #[test]
    fn other_tables_are_decoded_whole() {
        let governance =
            GovernanceColumns { value: vec![-0.5], line: vec![9], ..GovernanceColumns::default() };
        let event = event(Columns::Governance(governance));
        assert_eq!(decode_needed_columns(&event.encode_to_vec().into()).unwrap(), event);
        assert!(decode_needed_columns(&Bytes::from_static(b"\x12\x05no")).is_err());
    }
}
