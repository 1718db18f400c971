//! The reference figures of the catalogue are read like any other file, and pass every gate.
use bytes::Bytes;
use orewatch_catalog::reference;
use orewatch_contracts::ingestion::v1::Verdict;
use orewatch_formats::Input;
use orewatch_ingestion::client::Options;

use crate::harness::Service;

#[tokio::test]
async fn the_reference_figures_pass_every_gate() {
    let service = Service::start().await;
    for table in reference::tables() {
        let input = Input::Memory { name: table.name.to_owned(), bytes: Bytes::from_static(table.bytes) };
        let outcome = service.ingest(vec![input], Options::default()).await.unwrap();
        assert!(outcome.is_committed(), "{}: {}", table.name, outcome.release.reason);
        let report = outcome.release.report.unwrap();
        assert_eq!((report.rows_rejected, report.rows_out_of_scope), (0, 0), "{}", table.name);
        for gate in report.gates {
            assert_ne!(gate.verdict(), Verdict::Block, "{}: {gate:?}", table.name);
            println!("{}: {gate:?}", table.name);
        }
    }
    assert!(service.events().await.len() > 20);
    service.stop().await;
}
