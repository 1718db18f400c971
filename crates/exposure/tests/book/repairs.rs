//! Rows that are added to a release after its commit.

use orewatch_contracts::common::v1::CauseKind;
use orewatch_contracts::ingestion::v1::{ReleaseWithdrawn, RowsRepaired, SourceFile, TradeColumns};
use orewatch_exposure::book::{Flow, Knowledge, Market};

use crate::forms::compact;
use crate::log::{Log, committed_log, seen};

/// Rows of one release, and rows that were mended.
fn rows() -> (TradeColumns, TradeColumns) {
    let all = (0..200).map(|row| (row % 4, row / 50, Some(u64::from(row)), Some(7), row + 2));
    let mended = TradeColumns {
        file: vec![1; 2],
        ..compact(&[(1, 3, Some(5), Some(6), 1), (2, 0, None, Some(1), 2)])
    };
    (compact(&all.collect::<Vec<_>>()), mended)
}

fn repaired(name: &str) -> RowsRepaired {
    let file = SourceFile { name: name.to_owned(), ..SourceFile::default() };
    RowsRepaired { rejections: vec![0, 1], file: Some(file), ..RowsRepaired::default() }
}

fn market() -> Market {
    Market { material: "cobalt", stage: orewatch_catalog::Stage::Mined, period: "2023".parse().unwrap() }
}

#[test]
fn mended_rows_are_added_at_once_and_not_before_their_repair() {
    let (rows, mended) = rows();
    let mut log = committed_log(std::slice::from_ref(&rows));
    let before = seen(log.book());
    let committed = log.position();
    log.record(1, &mended).unwrap();
    assert_eq!(seen(log.book()), before);
    let revision = log.push("RowsRepaired", &repaired("mended.csv")).unwrap().unwrap();
    assert_eq!(revision.kind, CauseKind::ReleaseRestated);
    assert_eq!(revision.content.markets(), [market()]);
    let after = log.book().view(market(), Knowledge::NOW).flows.unwrap();
    assert_eq!(
        (after.read().sources[0].release, after.read().flows.len()),
        (0, 202),
        "added to what is there"
    );
    let mended: Vec<_> = after.read().flows.into_iter().filter(|flow| flow.origin.file == 1).collect();
    let file =
        |flow: &Flow| &*after.read().sources[0].content.release.files[usize::from(flow.origin.file)].name;
    assert_eq!(
        mended.iter().map(file).collect::<Vec<_>>(),
        ["mended.csv"; 2],
        "behind the release's own file"
    );
    let then = log.book().view(market(), Knowledge::up_to(committed)).flows.unwrap();
    assert_eq!(
        (then.read().flows.len(), then.read().sources[0].content.release.files.len()),
        (200, 1),
        "as at the commit"
    );
}

#[test]
fn rows_that_are_mended_before_the_commit_are_like_the_others() {
    let (rows, mended) = rows();
    let mut log = Log::default();
    log.open();
    log.record(0, &rows).unwrap();
    log.record(1, &mended).unwrap();
    assert!(log.push("RowsRepaired", &repaired("mended.csv")).unwrap().is_none());
    log.commit();
    let flows = log.book().view(market(), Knowledge::NOW).flows.unwrap();
    assert_eq!(
        (flows.read().flows.len(), &*flows.read().sources[0].content.release.files[1].name),
        (202, "mended.csv")
    );
    assert_eq!(seen(log.book()), seen(committed_log(&[rows, mended]).book()));
}

#[test]
fn a_withdrawal_takes_mended_rows_along_and_drops_those_that_wait() {
    let (rows, mended) = rows();
    let mut log = committed_log(std::slice::from_ref(&rows));
    log.record(1, &mended).unwrap();
    log.push("RowsRepaired", &repaired("one.csv")).unwrap();
    log.record(2, &mended).unwrap();
    log.push("ReleaseWithdrawn", &ReleaseWithdrawn::default()).unwrap().unwrap();
    assert!(log.book().view(market(), Knowledge::NOW).flows.is_none());
    assert!(log.push("RowsRepaired", &repaired("two.csv")).unwrap().is_none());
    assert!(log.book().view(market(), Knowledge::NOW).flows.is_none());
}

#[test]
fn a_chunk_that_comes_again_is_dropped_also_behind_the_commit() {
    let (rows, mended) = rows();
    let mut log = committed_log(std::slice::from_ref(&rows));
    log.record(0, &rows).unwrap();
    log.record(1, &mended).unwrap();
    log.push("RowsRepaired", &repaired("one.csv")).unwrap();
    log.record(1, &mended).unwrap();
    log.push("RowsRepaired", &repaired("two.csv")).unwrap();
    assert_eq!(log.book().view(market(), Knowledge::NOW).flows.unwrap().read().flows.len(), 202);
}
