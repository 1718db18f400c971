//! Finds releases that were read by an outdated concordance. Pure.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::{Release, ReleaseState, Table};
use orewatch_formats::ids;

use crate::evolve::{IngestionState, ReleaseRecord};

/// Releases to read again, in the order of their commits.
///
/// Of the releases made of the same files only the last committed one counts. It is stale if one of its
/// concordances is no longer the newest release of its dataset, and the result of reading it by the newest
/// ones was never judged. Releases whose concordance was withdrawn altogether stay unchanged: nothing better
/// is known.
pub(crate) fn stale_releases(state: &IngestionState) -> Vec<Arc<Release>> {
    let mut newest: BTreeMap<(&str, &str, Vec<&str>), &ReleaseRecord> = BTreeMap::new();
    let mut committed: Vec<&ReleaseRecord> = state.iter().filter(|record| is_visible(record)).collect();
    committed.sort_by_key(|record| record.committed_position);
    for record in &committed {
        let release = &record.head.release;
        let files = release.files.iter().map(|file| file.sha256.as_str()).collect();
        newest.insert((&release.dataset, &release.vintage, files), record);
    }
    let mut stale: Vec<&ReleaseRecord> =
        newest.into_values().filter(|record| is_stale(state, &record.head.release)).collect();
    stale.sort_by_key(|record| record.committed_position);
    stale.into_iter().map(|record| Arc::clone(&record.head.release)).collect()
}

/// The datasets of a release's concordances, in order.
pub(crate) fn concordance_datasets(release: &Release) -> Vec<String> {
    let dataset = |id: &String| id.split_once('/').map_or(id.as_str(), |(dataset, _)| dataset).to_owned();
    release.concordances.iter().map(dataset).collect()
}

fn is_visible(record: &ReleaseRecord) -> bool {
    let release = &record.head.release;
    record.head.state == ReleaseState::Committed
        && release.table() == Table::Trade
        && !release.concordances.is_empty()
}

fn is_stale(state: &IngestionState, release: &Release) -> bool {
    let Ok(codes) = state.concordance_codes(&concordance_datasets(release), &release.tenant) else {
        return false;
    };
    let reread = Release { concordances: codes.releases(), ..release.clone() };
    if reread.concordances == release.concordances {
        return false;
    }
    let judged = state.get(&ids::release_id(&reread)).map(|record| record.head.state);
    matches!(judged, None | Some(ReleaseState::Open))
}
