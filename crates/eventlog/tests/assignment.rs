//! Who should hold what: balanced, and with few moves when a member comes or goes.
#![allow(missing_docs, reason = "tests speak through their names")]

use std::collections::{BTreeMap, BTreeSet};

use orewatch_eventlog::leases::{assign, owner};
use proptest::prelude::*;

/// Number of partitions of each member.
fn loads<'a>(assigned: &'a BTreeMap<&str, String>) -> BTreeMap<&'a str, usize> {
    let mut loads = BTreeMap::new();
    for member in assigned.values() {
        *loads.entry(member.as_str()).or_default() += 1;
    }
    loads
}

fn partitions() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-z]{1,8}", 1..80)
}

fn members() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[0-9]{1,2}", 1..13)
}

proptest! {
    #[test]
    fn every_partition_has_a_member_and_loads_differ_by_at_most_one(
        partitions in partitions(),
        members in members(),
    ) {
        let partitions: BTreeSet<&str> = partitions.iter().map(String::as_str).collect();
        let assigned = assign(&partitions, &members);
        prop_assert_eq!(assigned.keys().copied().collect::<BTreeSet<_>>(), partitions.clone());
        let loads = loads(&assigned);
        prop_assert!(loads.keys().all(|member| members.contains(*member)));
        let share = partitions.len() / members.len();
        for member in &members {
            let load = loads.get(member.as_str()).copied().unwrap_or_default();
            prop_assert!(load == share || load == share + 1, "{} has {}, not {}", member, load, share);
        }
    }

    /// Only its share goes to a newcomer. Seen from the other side: what a member leaves goes to those who
    /// stay.
    #[test]
    fn a_newcomer_takes_its_share_and_leaves_most_of_the_rest_where_it_is(
        partitions in partitions(),
        members in members(),
        newcomer in "[a-z]",
    ) {
        let partitions: BTreeSet<&str> = partitions.iter().map(String::as_str).collect();
        let before = assign(&partitions, &members);
        let all: BTreeSet<String> = members.iter().cloned().chain([newcomer.clone()]).collect();
        let after = assign(&partitions, &all);
        let moved = partitions.iter().filter(|partition| before[**partition] != after[**partition]);
        let (taken, others): (Vec<&str>, Vec<&str>) =
            moved.copied().partition(|partition| after[*partition] == newcomer);
        let share = loads(&after).get(newcomer.as_str()).copied().unwrap_or_default();
        prop_assert_eq!(taken.len(), share);
        prop_assert!(others.len() <= members.len() + partitions.len() / 4, "{:?} moved as well", others);
    }

    #[test]
    fn a_key_has_one_owner_and_changes_it_only_for_a_newcomer(
        key in "[a-z/]{1,12}",
        members in members(),
        newcomer in "[a-z]",
    ) {
        let before = owner(&key, members.iter().map(String::as_str)).map(str::to_owned);
        let after = owner(&key, members.iter().map(String::as_str).chain([newcomer.as_str()]));
        prop_assert!(before.as_ref().is_some_and(|owner| members.contains(owner)));
        prop_assert!(after == Some(newcomer.as_str()) || after.map(str::to_owned) == before);
    }
}

#[test]
fn nobody_holds_anything_where_nobody_is() {
    assert!(assign(&BTreeSet::from(["cobalt"]), &BTreeSet::new()).is_empty());
    assert_eq!(owner("cobalt", []), None);
}

/// All versions that run side by side must agree: this assignment may never change.
#[test]
fn the_assignment_is_part_of_the_protocol() {
    let members = ["0", "1", "2"].map(str::to_owned);
    let partitions = ["claims", "cobalt", "copper", "graphite", "lithium", "nickel"];
    let assigned = assign(&BTreeSet::from(partitions), &BTreeSet::from(members));
    assert_eq!(partitions.map(|partition| assigned[partition].as_str()), ["1", "0", "2", "2", "0", "1"]);
}
