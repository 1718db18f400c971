//! A log of one release, and what a book knows after it.

use bytes::Bytes;
use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::{
    ObservationsRecorded, Release, ReleaseCommitted, ReleaseOpened, SourceFile, TradeColumns,
};
use orewatch_eventlog::{Error, Event, StreamName};
use orewatch_exposure::book::{Book, Flow, Knowledge, Market};
use orewatch_exposure::evolve::{BookRevision, BookState};
use prost::Message;
use uuid::Uuid;

/// What the log says, event after event.
#[derive(Default)]
pub(crate) struct Log {
    position: u64,
    known: BookState,
}

impl Log {
    pub(crate) fn push(&mut self, name: &str, message: &impl Message) -> Result<Option<BookRevision>, Error> {
        self.push_data(name, message.encode_to_vec().into())
    }

    pub(crate) fn push_data(&mut self, name: &str, data: Bytes) -> Result<Option<BookRevision>, Error> {
        self.position += 1;
        self.known.evolve(&Event {
            position: self.position,
            stream: StreamName::new("observations.baci-hs92.v1").unwrap(),
            id: Uuid::nil(),
            kind: format!("orewatch.ingestion.v1.{name}"),
            time: Timestamp::from_second(i64::try_from(self.position).unwrap()).unwrap(),
            data,
            traceparent: None,
        })
    }

    pub(crate) fn open(&mut self) {
        let files = vec![SourceFile { name: "first.csv".to_owned(), ..SourceFile::default() }];
        let release = Release { id: "baci-hs92/v1".to_owned(), files, ..Release::default() };
        self.push("ReleaseOpened", &ReleaseOpened { release: Some(release), ..ReleaseOpened::default() })
            .unwrap();
    }

    pub(crate) fn record(&mut self, chunk: u32, columns: &TradeColumns) -> Result<(), Error> {
        let columns = Some(Columns::Trade(columns.clone()));
        self.push("ObservationsRecorded", &ObservationsRecorded { chunk, columns }).map(|_| ())
    }

    pub(crate) fn commit(&mut self) {
        self.push("ReleaseCommitted", &ReleaseCommitted::default()).unwrap();
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn book(&self) -> &Book {
        self.known.book()
    }
}

/// The book of one release.
pub(crate) fn committed_log(chunks: &[TradeColumns]) -> Log {
    let mut log = Log::default();
    log.open();
    for (number, columns) in (0..).zip(chunks) {
        log.record(number, columns).unwrap();
    }
    log.commit();
    log
}

/// A flow with its product code, and its numbers as bits.
type Seen = (Flow, String, [u64; 2]);

/// Every market with its flows.
pub(crate) fn seen(book: &Book) -> Vec<(Market, Vec<Seen>)> {
    let markets = book.markets(Knowledge::NOW).into_keys();
    let with_flows = |market| {
        let Some(trade) = book.view(market, Knowledge::NOW).flows else { return (market, Vec::new()) };
        let seen = |flow: &Flow| {
            let bits = [flow.value.number.to_bits(), flow.quantity.number.to_bits()];
            let zeroed = |cell| orewatch_exposure::book::Cell { number: 0.0, ..cell };
            let flow = Flow { value: zeroed(flow.value), quantity: zeroed(flow.quantity), ..*flow };
            (flow, trade.read().code(flow.product).to_owned(), bits)
        };
        (market, trade.read().flows.iter().map(seen).collect())
    };
    markets.map(with_flows).collect()
}
