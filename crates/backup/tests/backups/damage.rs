//! A torn, missing or changed segment is named by its position.
use std::fs;
use std::path::Path;

use orewatch_contracts::{Class, Failure};

use crate::kit::{backup, fill, folder, open, place, positions, segments, verify};

/// The position that a failure names. It must be one of a damaged segment, and name its file.
fn named(failure: &Failure, segment: &Path) -> u64 {
    assert_eq!((failure.class, failure.code.as_str()), (Class::Damaged, "backup-damaged"), "{failure}");
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(failure.message.contains(name), "{name}: {failure}");
    assert_eq!(failure.field, "position");
    failure.value.parse().unwrap()
}

#[tokio::test]
async fn every_changed_byte_is_found_and_named() {
    let (data, copies) = (folder(), folder());
    let log = open(data.path());
    fill(log.as_ref(), 0..12).await;
    let place = place(copies.path());
    backup(log.as_ref(), &place).await.unwrap();
    let segments = segments(copies.path());
    assert!(segments.len() > 1, "several segments");
    for segment in &segments {
        let whole = fs::read(segment).unwrap();
        let (first, last) = positions(segment);
        let mut reached = first;
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(segment, &changed).unwrap();
            let position = named(&verify(&place).await.unwrap_err(), segment);
            assert!((reached..=last).contains(&position), "byte {at} of {segment:?}: {position}");
            assert!(position <= reached + 1, "byte {at} of {segment:?}: from {reached} to {position}");
            reached = position;
        }
        assert_eq!(reached, last, "each event of the segment was named");
        fs::write(segment, &whole).unwrap();
    }
    verify(&place).await.unwrap();
}

#[tokio::test]
async fn a_torn_or_missing_segment_is_named() {
    let (data, copies) = (folder(), folder());
    let log = open(data.path());
    fill(log.as_ref(), 0..12).await;
    let place = place(copies.path());
    backup(log.as_ref(), &place).await.unwrap();
    for segment in segments(copies.path()) {
        let whole = fs::read(&segment).unwrap();
        let (first, last) = positions(&segment);
        let mut reached = first;
        for length in 0..whole.len() {
            fs::write(&segment, &whole[..length]).unwrap();
            let position = named(&verify(&place).await.unwrap_err(), &segment);
            assert!((reached..=last).contains(&position), "{length} bytes of {segment:?}: {position}");
            reached = position;
        }
        fs::write(&segment, [&whole[..], &[0]].concat()).unwrap();
        assert_eq!(named(&verify(&place).await.unwrap_err(), &segment), last, "a byte too many");
        fs::remove_file(&segment).unwrap();
        assert_eq!(named(&verify(&place).await.unwrap_err(), &segment), first, "it is missing");
        fs::write(&segment, &whole).unwrap();
    }
    verify(&place).await.unwrap();
}

#[tokio::test]
async fn a_segment_of_another_log_is_found() {
    let (data, other_data, copies, other_copies) = (folder(), folder(), folder(), folder());
    for (data, copies, numbers) in [(&data, &copies, 0..12), (&other_data, &other_copies, 1..13)] {
        let log = open(data.path());
        fill(log.as_ref(), numbers).await;
        backup(log.as_ref(), &place(copies.path())).await.unwrap();
    }
    let (ours, theirs) = (&segments(copies.path())[0], &segments(other_copies.path())[0]);
    fs::copy(theirs, ours).unwrap();
    assert_eq!(named(&verify(&place(copies.path())).await.unwrap_err(), ours), 1);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_used_is_named() {
    let (data, copies) = (folder(), folder());
    let log = open(data.path());
    fill(log.as_ref(), 0..12).await;
    let place = place(copies.path());
    backup(log.as_ref(), &place).await.unwrap();
    let path = copies.path().join("alerts/manifest.json");
    let whole = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("\"first\": 1,", "\"first\": 2,"),
        ("\"log\": \"alerts\"", "\"log\": \"exposures\""),
        ("\"format\": 1", "\"format\": 2"),
        ("{", ""),
    ] {
        assert!(whole.contains(from), "{whole}");
        fs::write(&path, whole.replacen(from, to, 1)).unwrap();
        let failure = verify(&place).await.unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (Class::Damaged, "backup-damaged"));
        assert!(failure.message.contains("alerts/manifest.json"), "{failure}");
    }
    fs::write(&path, &whole).unwrap();
    verify(&place).await.unwrap();
}
