//! Who should hold what: rendezvous hashing with bounded load.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

/// Assigns partitions to members. All processes that know the same members get the same.
///
/// Every partition has a score with every member. Pairs are taken from the highest score down, each if its
/// partition is free and its member has room. With `p` partitions and `m` members, every member gets `p / m`
/// of them rounded down, and `p % m` members get one more. A member that comes takes its share from the
/// others, and one that goes leaves its share to them; few partitions move between those that stay (on the
/// materials of the catalogue at most seven, with up to nine members).
#[must_use]
pub fn assign<'p>(partitions: &BTreeSet<&'p str>, members: &BTreeSet<String>) -> BTreeMap<&'p str, String> {
    let Some(share) = partitions.len().checked_div(members.len()) else { return BTreeMap::new() };
    let mut larger_shares = partitions.len() - share * members.len();
    let mut pairs: Vec<(u64, &'p str, &str)> = partitions
        .iter()
        .flat_map(|partition| {
            members.iter().map(move |member| (score(partition, member), *partition, &**member))
        })
        .collect();
    pairs.sort_unstable_by_key(|pair| Reverse(*pair));
    let (mut assigned, mut loads) = (BTreeMap::new(), BTreeMap::<&str, usize>::new());
    for (_, partition, member) in pairs {
        let load = loads.entry(member).or_default();
        let takes_one_more = *load == share && larger_shares > 0;
        if assigned.contains_key(partition) || *load > share || (*load == share && !takes_one_more) {
            continue;
        }
        larger_shares -= usize::from(takes_one_more);
        *load += 1;
        assigned.insert(partition, member.to_owned());
    }
    assigned
}

/// The member that is responsible for a key of any kind: the one with the highest score. `None`: there are no
/// members. If a member goes, only its keys move; loads are not bounded.
#[must_use]
pub fn owner<'m>(key: &str, members: impl IntoIterator<Item = &'m str>) -> Option<&'m str> {
    members.into_iter().max_by_key(|member| (score(key, member), *member))
}

/// Score of a partition with a member. The digest is part of the protocol: all versions that run side by side
/// must agree on it.
fn score(partition: &str, member: &str) -> u64 {
    let digest = Sha256::new().chain_update(partition).chain_update("\n").chain_update(member).finalize();
    digest.iter().take(8).fold(0, |score, byte| (score << 8) | u64::from(*byte))
}
