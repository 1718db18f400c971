//! The parsers, by what they give for what they are given.
use std::collections::BTreeMap;

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_ingestion::sources::{Input, Limits, Metadata, SourceError, Totals, plan, read};
use proptest::prelude::*;

fn input(name: &str, content: &[u8]) -> Input {
    Input::Memory { name: name.to_owned(), bytes: Bytes::copy_from_slice(content) }
}

fn parse(name: &str, content: &[u8]) -> Result<(Totals, Vec<Rows>), SourceError> {
    let plan = plan(vec![input(name, content)], &Metadata::default(), Limits::default(), &mut |_| {})?;
    let mut pieces = Vec::new();
    let totals = read(&plan, &mut |piece, _| {
        pieces.push(piece);
        Ok::<_, SourceError>(())
    })?;
    Ok((totals, pieces))
}

const NAME: &str = "BACI_HS92_Y2022_V202401b.csv";

#[test]
fn baci_rows_become_columns() {
    let (totals, pieces) = parse(
        NAME,
        b"t,i,j,k,v,q\n2018,100,300,250410,   1.82,     0.09\n2018,490,842,250410,5,NA\n2018,100,300,010121,1,1\n",
    )
    .unwrap();
    assert_eq!(totals, Totals { read: 3, recorded: 2, out_of_scope: 1, rejected: BTreeMap::new() });
    let [Rows::Observations(chunk)] = &pieces[..] else { panic!("{pieces:?}") };
    let Some(Columns::Trade(trade)) = &chunk.columns else { panic!("{chunk:?}") };
    assert_eq!(trade.economies, ["BGR", "TWN", "GRC", "USA"]);
    assert_eq!((&trade.exporter[..], &trade.importer[..]), (&[0, 1][..], &[2, 3][..]));
    assert_eq!(trade.products[0].material, "graphite");
    assert_eq!(trade.value, [1.82, 5.0]);
    assert!(trade.quantity[1].is_nan());
    assert_eq!((trade.quantity_status.len(), trade.value_status.len()), (2, 0));
    assert_eq!(trade.line, [2, 3]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = parse(NAME, &content);
    }

    #[test]
    fn no_row_is_lost(rows in prop::collection::vec("[0-9NAW,.\" -]{0,12}(,(2018|842|156|490|250410|1\\.5|NA)){0,6}", 1..40)) {
        let content = format!("t,i,j,k,v,q\n2018,842,156,250410,1,1\n{}\n", rows.join("\n"));
        let (totals, pieces) = parse(NAME, content.as_bytes()).unwrap();
        prop_assert_eq!(totals.read, totals.recorded + totals.out_of_scope + totals.rejected_rows());
        let listed: usize = pieces
            .iter()
            .map(|piece| match piece {
                Rows::Quarantine(chunk) => chunk.rejections.len(),
                Rows::Observations(_) => 0,
            })
            .sum();
        prop_assert_eq!(u64::try_from(listed).unwrap(), totals.rejected_rows());
    }
}
