//! Which releases were read by a concordance that says something else by now. Pure.
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::{Release, ReleaseState, Table};

use crate::evolve::{Book, Held};
use crate::ids;

/// Releases that are to be read again, in the order of their commits.
///
/// Of the releases that were made of the same files, only the one that was committed last counts. It is stale if one of its
/// concordances is not the newest release of its dataset any more, and what the newest ones would make of it was never judged.
/// A concordance that was withdrawn altogether leaves the releases that were read by it as they are: nothing better is known.
pub(crate) fn stale(book: &Book) -> Vec<Arc<Release>> {
    let mut newest: BTreeMap<(&str, &str, Vec<&str>), &Held> = BTreeMap::new();
    let mut committed: Vec<&Held> = book.iter().filter(|held| is_visible(held)).collect();
    committed.sort_by_key(|held| held.committed_position);
    for held in &committed {
        let release = &held.head.release;
        let files = release.files.iter().map(|file| file.sha256.as_str()).collect();
        newest.insert((&release.dataset, &release.vintage, files), held);
    }
    let mut stale: Vec<&Held> =
        newest.into_values().filter(|held| is_stale(book, &held.head.release)).collect();
    stale.sort_by_key(|held| held.committed_position);
    stale.into_iter().map(|held| Arc::clone(&held.head.release)).collect()
}

/// The datasets of a release's concordances, in their order.
pub(crate) fn datasets(release: &Release) -> Vec<String> {
    let dataset = |id: &String| id.split_once('/').map_or(id.as_str(), |(dataset, _)| dataset).to_owned();
    release.concordances.iter().map(dataset).collect()
}

fn is_visible(held: &Held) -> bool {
    let release = &held.head.release;
    held.head.state == ReleaseState::Committed
        && release.table() == Table::Trade
        && !release.concordances.is_empty()
}

fn is_stale(book: &Book, release: &Release) -> bool {
    let Ok(codes) = book.codes(&datasets(release), &release.tenant) else { return false };
    let anew = Release { concordances: codes.releases(), ..release.clone() };
    if anew.concordances == release.concordances {
        return false;
    }
    let judged = book.get(&ids::release_id(&anew)).map(|held| held.head.state);
    matches!(judged, None | Some(ReleaseState::Open))
}
