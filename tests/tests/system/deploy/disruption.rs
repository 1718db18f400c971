//! What a drain of a node takes away: at most one pod of each kind at a time, and never the majority of the
//! log.
use std::collections::BTreeMap;

use serde_json::Value;

use super::kit::{Manifests, Workload, list, word, words};
use super::selectors::{labels, selects};

/// Nodes with their zones: two in each of three.
static NODES: [(&str, &str); 6] =
    [("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b"), ("c1", "c"), ("c2", "c")];

fn domain<'a>(key: &str, node: &(&'a str, &'a str)) -> &'a str {
    match key {
        "kubernetes.io/hostname" => node.0,
        "topology.kubernetes.io/zone" => node.1,
        other => panic!("{other} is no label of a node"),
    }
}

/// The budget that concerns a workload.
fn budget<'a>(manifests: &'a Manifests, workload: Workload<'_>) -> &'a Value {
    let budgets = manifests.of_kind("PodDisruptionBudget").into_iter();
    let concerning: Vec<&Value> =
        budgets.filter(|budget| selects(&budget["spec"]["selector"], &labels(workload.template))).collect();
    // With two, evictions fail.
    assert_eq!(concerning.len(), 1, "{} has {} budgets", workload.name(), concerning.len());
    concerning[0]
}

/// Number of pods that may be evicted now, as the eviction interface computes it.
fn evictable(budget: &Value, replicas: u64, ready: u64) -> u64 {
    let unavailable = budget["spec"]["maxUnavailable"].as_u64().expect("maxUnavailable is a number");
    ready.saturating_sub(replicas.saturating_sub(unavailable))
}

/// Places the pods of a workload one after another on nodes, as its constraints ask for. Returns the number
/// on each node; `None` if one fits nowhere.
fn place(
    workload: Workload<'_>,
    nodes: &[(&'static str, &'static str)],
) -> Option<BTreeMap<&'static str, u64>> {
    let constraints = list(&workload.pod()["topologySpreadConstraints"]);
    let mut placed: BTreeMap<&'static str, u64> = nodes.iter().map(|(node, _)| (*node, 0)).collect();
    for _ in 0..workload.replicas().expect("replicas") {
        let fits = |node: &&(&'static str, &'static str)| {
            let mut hard = constraints.iter().filter(|one| one["whenUnsatisfiable"] == "DoNotSchedule");
            hard.all(|one| skew_with(one, node, nodes, &placed) <= one["maxSkew"].as_u64().expect("skew"))
        };
        let total = |node: &&(&'static str, &'static str)| -> u64 {
            constraints.iter().map(|one| skew_with(one, node, nodes, &placed)).sum()
        };
        let (node, _) = nodes.iter().filter(fits).min_by_key(total)?;
        *placed.entry(*node).or_default() += 1;
    }
    Some(placed)
}

/// How many more pods than in the emptiest domain there would be in that of a node with one more on it.
fn skew_with(
    constraint: &Value,
    node: &(&'static str, &'static str),
    nodes: &[(&'static str, &'static str)],
    placed: &BTreeMap<&'static str, u64>,
) -> u64 {
    let key = word(&constraint["topologyKey"]);
    let mut domains: BTreeMap<&str, u64> = BTreeMap::new();
    for each in nodes {
        *domains.entry(domain(key, each)).or_default() += placed.get(each.0).copied().unwrap_or_default();
    }
    let count = u64::try_from(domains.len()).expect("few domains");
    let few = count < constraint["minDomains"].as_u64().unwrap_or(1);
    let least = if few { 0 } else { domains.values().copied().min().unwrap_or_default() };
    domains.get(domain(key, node)).copied().unwrap_or_default() + 1 - least
}

fn replicated(manifests: &Manifests) -> Vec<Workload<'_>> {
    let all = manifests.workloads().into_iter();
    all.filter(|workload| !workload.ends()).collect()
}

#[test]
fn a_drain_evicts_at_most_one_pod_of_each_kind() {
    let manifests = Manifests::with("production", &[]);
    for workload in replicated(&manifests) {
        let replicas = workload.replicas().expect("replicas");
        let budget = budget(&manifests, workload);
        // Even if all pods are on the node that is drained.
        assert_eq!(evictable(budget, replicas, replicas), 1, "{}", workload.name());
        assert_eq!(evictable(budget, replicas, replicas - 1), 0, "{}: until it is back", workload.name());
    }
}

#[test]
fn the_log_keeps_its_majority_and_each_service_a_replica() {
    let manifests = Manifests::with("production", &[]);
    for workload in replicated(&manifests) {
        let replicas = workload.replicas().expect("replicas");
        let needed = if workload.name() == "nats" { replicas / 2 + 1 } else { 1 };
        let left = replicas - evictable(budget(&manifests, workload), replicas, replicas);
        assert!(left >= needed, "{}: {left} of {replicas} remain", workload.name());
        let unhealthy = &budget(&manifests, workload)["spec"]["unhealthyPodEvictionPolicy"];
        // A server that is not ready may be part of the majority; a service that is not ready answers nobody.
        let expected = if workload.name() == "nats" { "IfHealthyBudget" } else { "AlwaysAllow" };
        assert_eq!(unhealthy, expected, "{}", workload.name());
    }
}

#[test]
fn a_node_and_a_zone_have_one_pod_of_each_kind() {
    let manifests = Manifests::with("production", &[]);
    for workload in replicated(&manifests) {
        let placed = place(workload, &NODES).expect("every pod finds a node");
        let zones = |zone: &str| -> u64 {
            NODES.iter().filter(|(_, other)| *other == zone).map(|(node, _)| placed[node]).sum()
        };
        for zone in ["a", "b", "c"] {
            assert!(zones(zone) <= 1, "{}: {placed:?}", workload.name());
        }
    }
}

#[test]
fn services_run_on_what_is_left_and_a_server_waits_for_its_zone() {
    let manifests = Manifests::with("production", &[]);
    let without_zone = &NODES[..4];
    for workload in replicated(&manifests) {
        let placed = place(workload, without_zone);
        assert_eq!(placed.is_some(), workload.is_service(), "{}: {placed:?}", workload.name());
    }
    // On one node, and in one zone, everything runs with the component for that.
    let single = Manifests::with("production", &["single-zone"]);
    for workload in replicated(&single) {
        for nodes in [&NODES[..1], &NODES[..2]] {
            assert!(place(workload, nodes).is_some(), "{} on {nodes:?}", workload.name());
        }
    }
    let spread = place(single.workload("nats"), &[("x", "z"), ("y", "z"), ("w", "z")]).expect("nodes");
    assert_eq!(spread.into_values().collect::<Vec<_>>(), [1, 1, 1]);
}

/// A selector of spread constraints that meant all services would count the pods of the others too.
#[test]
fn spread_constraints_count_pods_of_the_same_kind() {
    let sets: [&[&str]; 2] = [&[], &["single-zone"]];
    for components in sets {
        let manifests = Manifests::with("production", components);
        for workload in replicated(&manifests) {
            for constraint in list(&workload.pod()["topologySpreadConstraints"]) {
                let selector = &constraint["labelSelector"];
                assert!(selects(selector, &labels(workload.template)), "{}", workload.name());
                let by_name = selector["matchLabels"]["app.kubernetes.io/name"] == workload.name();
                let keys = words(&constraint["matchLabelKeys"]);
                assert!(by_name || keys == ["app.kubernetes.io/name"], "{}: {constraint}", workload.name());
            }
        }
    }
}

#[test]
fn the_log_has_the_highest_priority() {
    let manifests = Manifests::with("production", &["backup"]);
    let value = |name: &str| manifests.object("PriorityClass", name)["value"].as_i64().expect("a value");
    assert!(value("orewatch-log") > value("orewatch"));
    for workload in replicated(&manifests) {
        let class = word(&workload.pod()["priorityClassName"]);
        let expected = if workload.name() == "nats" { "orewatch-log" } else { "orewatch" };
        assert_eq!(class, expected, "{}", workload.name());
    }
}
