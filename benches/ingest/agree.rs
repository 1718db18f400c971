//! Checks that both sides have the same figures.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orewatch_contracts::common::v1::{By, Status};
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter};
use orewatch_tests::api::Api;

/// Maximum relative difference: the sides add floating-point numbers in different orders.
const TOLERANCE: f64 = 1e-12;

/// Period, material, stage, by and consumer.
type Key = [String; 5];

/// HHI, top-1 and top-3 share of every consumer, market and year.
pub(crate) async fn figures(api: &Api) -> Vec<Exposure> {
    let measures = ["import-hhi", "import-top1", "import-top3"].map(str::to_owned).to_vec();
    let filter = ExposureFilter { measures, as_of: "all".to_owned(), ..ExposureFilter::default() };
    let mut exposures = api.exposures(filter).await.expect("the exposures can be read");
    exposures
        .retain(|exposure| exposure.subject.as_ref().is_some_and(|subject| subject.by() == By::Quantity));
    exposures
}

/// Compares known figures. Returns a summary.
///
/// # Panics
/// If a figure differs, or is on one side only.
pub(crate) fn check(ours: &[Exposure], theirs: &Path) -> String {
    let theirs = read(theirs);
    let mut known = BTreeMap::new();
    let mut largest = 0.0_f64;
    for exposure in ours {
        let estimate = exposure.estimate.as_ref().expect("an exposure has an estimate");
        if estimate.status() != Status::Known {
            continue;
        }
        let (key, column) = key(exposure);
        let their = theirs.get(&key).unwrap_or_else(|| panic!("DuckDB has no {key:?}"));
        let (our, their) =
            (estimate.value.expect("a known figure"), their.get(column).copied().expect("three"));
        let difference = (our - their).abs() / their.abs();
        assert!(difference <= TOLERANCE, "{key:?} {column}: orewatch {our}, DuckDB {their}");
        largest = largest.max(difference);
        *known.entry(key).or_insert(0) += 1;
    }
    let alone = theirs.iter().find(|(key, [.., unknown])| *unknown == 0.0 && known.get(*key) != Some(&3));
    assert!(alone.is_none(), "DuckDB has {alone:?}, orewatch does not");
    format!(
        "the figures agree: {} consumers and markets, largest relative difference {largest:.1e}",
        known.len()
    )
}

/// Key of a figure, and its column in the result of DuckDB.
fn key(exposure: &Exposure) -> (Key, usize) {
    let subject = exposure.subject.as_ref().expect("an exposure has a subject");
    let column = match subject.measure.split('/').next() {
        Some("import-hhi") => 0,
        Some("import-top1") => 1,
        _ => 2,
    };
    let key = [exposure.period.as_str(), &subject.material, &subject.stage, "quantity", &subject.consumer]
        .map(str::to_owned);
    (key, column)
}

/// Reads the figures of DuckDB: HHI, top-1, top-3, number of flows with an unknown amount.
fn read(path: &Path) -> BTreeMap<Key, [f64; 4]> {
    let text = fs::read_to_string(path).expect("DuckDB wrote its figures");
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            let [period, material, stage, by, consumer, unknown, _total, hhi, top1, top3] =
                *fields.as_slice()
            else {
                panic!("ten columns are expected: {line}");
            };
            let number =
                |text: &str| text.parse().unwrap_or_else(|_| panic!("{text:?} is no number: {line}"));
            let key = [period, material, stage, by, consumer].map(str::to_owned);
            (key, [number(hhi), number(top1), number(top3), number(unknown)])
        })
        .collect()
}
