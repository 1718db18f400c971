//! Network policies: every flow that is needed is allowed, and no other.
use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::kit::{Manifests, list, word, words};
use super::selectors::{Labels, labels, selects};

/// Namespace of the manifests.
const OWN: &str = "orewatch";

/// One end of a connection.
#[derive(Clone, Debug)]
struct Peer {
    /// Name in this test.
    name: String,
    /// Namespace and labels of a pod. `None`: it is outside of the cluster.
    pod: Option<(Labels, Labels)>,
    address: IpAddr,
}

impl Peer {
    /// A pod in another namespace.
    fn pod(name: &str, namespace: &[(&str, &str)], labels: &[(&str, &str)]) -> Self {
        let owned = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        Self::of(name, Some((owned(namespace), owned(labels))), "10.0.0.7")
    }

    /// An address outside of the cluster.
    fn outside(name: &str, address: &str) -> Self {
        Self::of(name, None, address)
    }

    fn of(name: &str, pod: Option<(Labels, Labels)>, address: &str) -> Self {
        Self { name: name.to_owned(), pod, address: address.parse().expect("an address") }
    }

    /// Labels, if it is a pod of the manifests.
    fn own(&self) -> Option<&Labels> {
        let (namespace, labels) = self.pod.as_ref()?;
        is_own(namespace).then_some(labels)
    }
}

fn is_own(namespace: &Labels) -> bool {
    namespace.get("kubernetes.io/metadata.name").is_some_and(|name| name == OWN)
}

/// Ports that are tried, with the protocol.
const PORTS: [(&str, u64); 13] = [
    ("UDP", 53),
    ("TCP", 53),
    ("TCP", 22),
    ("TCP", 443),
    ("TCP", 465),
    ("TCP", 587),
    ("TCP", 4222),
    ("TCP", 6222),
    ("TCP", 7070),
    ("TCP", 7071),
    ("TCP", 7777),
    ("TCP", 8222),
    ("TCP", 9000),
];

/// All who could connect: pods of the manifests, and others.
fn peers(manifests: &Manifests) -> Vec<Peer> {
    let namespace: Labels = [("kubernetes.io/metadata.name".to_owned(), OWN.to_owned())].into();
    let mut all: Vec<Peer> = manifests
        .workloads()
        .into_iter()
        .map(|one| Peer::of(one.name(), Some((namespace.clone(), labels(one.template))), "10.0.0.7"))
        .collect();
    all.extend([
        Peer::pod("stranger", &[("kubernetes.io/metadata.name", "default")], &[("app", "stranger")]),
        Peer::pod("client", &[("kubernetes.io/metadata.name", "desk")], &[("orewatch/client", "true")]),
        Peer::pod(
            "subscriber",
            &[("kubernetes.io/metadata.name", "desk")],
            &[("orewatch/log-client", "true")],
        ),
        Peer::pod("prometheus", &[("orewatch/monitoring", "true")], &[]),
        Peer::pod("gateway", &[("orewatch/gateway", "true")], &[]),
        Peer::pod("bucket", &[("orewatch/bucket", "true")], &[]),
        Peer::pod("dns", &[("kubernetes.io/metadata.name", "kube-system")], &[("k8s-app", "kube-dns")]),
        Peer::outside("dns cache", "169.254.20.10"),
        Peer::outside("internet", "93.184.215.14"),
        Peer::outside("internet 6", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
        Peer::outside("private network", "10.9.8.7"),
        Peer::outside("private network 6", "fd00::7"),
        Peer::outside("metadata of the cloud", "169.254.169.254"),
    ]);
    all
}

/// Whether an address is in a network, such as `10.0.0.0/8`.
fn contains(network: &str, address: IpAddr) -> bool {
    let (base, length) = network.split_once('/').expect("a network");
    let length: u32 = length.parse().expect("a length");
    match (base.parse::<IpAddr>().expect("an address"), address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(base) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            u128::from(base) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

/// Whether an entry of `from` or `to` means a peer. Its fields are all that are understood.
fn means(entry: &Value, peer: &Peer) -> bool {
    if let Some(block) = entry.get("ipBlock") {
        let is_excepted = words(&block["except"]).iter().any(|network| contains(network, peer.address));
        return peer.pod.is_none() && contains(word(&block["cidr"]), peer.address) && !is_excepted;
    }
    let Some((namespace, labels)) = &peer.pod else { return false };
    let in_namespace = match entry.get("namespaceSelector") {
        Some(selector) => selects(selector, namespace),
        None => is_own(namespace),
    };
    in_namespace && entry.get("podSelector").is_none_or(|selector| selects(selector, labels))
}

/// Whether the policies that concern one end of a connection let it be. `direction` is `Ingress` or `Egress`.
fn lets(policies: &[&Value], direction: &str, own: &Labels, other: &Peer, port: (&str, u64)) -> bool {
    let concerned = |policy: &&&Value| {
        words(&policy["spec"]["policyTypes"]).iter().any(|word| word == direction)
            && selects(&policy["spec"]["podSelector"], own)
    };
    let (rules, peers) = match direction {
        "Ingress" => ("ingress", "from"),
        _ => ("egress", "to"),
    };
    let mut concerning = policies.iter().filter(concerned).peekable();
    if concerning.peek().is_none() {
        return true;
    }
    concerning.flat_map(|policy| list(&policy["spec"][rules])).any(|rule| {
        let has_port = |open: &Value| open["protocol"] == port.0 && open["port"] == port.1;
        assert!(!list(&rule["ports"]).is_empty(), "a rule without ports opens all: {rule}");
        assert!(!list(&rule[peers]).is_empty(), "a rule without peers means all: {rule}");
        list(&rule["ports"]).iter().any(has_port)
            && list(&rule[peers]).iter().any(|entry| means(entry, other))
    })
}

/// The flows that are possible, as `FROM > TO PORT`, of those in which a pod of the manifests takes part.
fn flows(manifests: &Manifests, policies: &[&Value]) -> BTreeSet<String> {
    let peers = peers(manifests);
    let mut found = BTreeSet::new();
    for from in &peers {
        for to in &peers {
            for port in PORTS {
                let out = from.own().is_none_or(|own| lets(policies, "Egress", own, to, port));
                let into = to.own().is_none_or(|own| lets(policies, "Ingress", own, from, port));
                if (from.own().is_some() || to.own().is_some()) && out && into {
                    found.insert(format!("{} > {} {}", from.name, to.name, port.1));
                }
            }
        }
    }
    found
}

/// Flows from a table: senders, receivers and ports, separated by `>` and `:`.
fn expected(table: &[&str]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in table {
        let (from, rest) = line.split_once(" > ").expect("a line has senders");
        let (to, ports) = rest.split_once(": ").expect("a line has ports");
        for from in from.split(", ") {
            for to in to.split(", ") {
                all.extend(ports.split(", ").map(|port| format!("{from} > {to} {port}")));
            }
        }
    }
    all
}

const PRODUCTION: [&str; 7] = [
    "ingestion, exposure, alerting, setup, subscriber > nats: 4222",
    "setup > nats: 8222",
    "nats > nats: 6222",
    "ingestion, exposure, alerting, setup, nats > dns, dns cache: 53",
    "client > ingestion, exposure, alerting: 7070",
    "ingestion, exposure, alerting > bucket: 443, 9000",
    "ingestion, exposure, alerting > internet, internet 6: 443",
];

/// What each component allows in addition.
const COMPONENTS: [(&str, &[&str]); 9] = [
    (
        "backup",
        &[
            "log-backup > nats: 4222",
            "log-backup, restore-drill > dns, dns cache: 53",
            "log-backup, restore-drill > bucket: 443, 9000",
            "log-backup, restore-drill > internet, internet 6: 443",
        ],
    ),
    ("cert-manager", &[]),
    ("grpc-route", &["gateway > ingestion, exposure, alerting: 7070"]),
    // The bucket of production is reached in the same way.
    ("polling", &[]),
    ("prometheus", &["prometheus > ingestion, exposure, alerting: 7071", "prometheus > nats: 7777"]),
    ("receivers", &["alerting > internet, internet 6: 443, 465, 587, 4222"]),
    (
        "restore",
        &[
            "restore > nats: 4222",
            "restore > dns, dns cache: 53",
            "restore > bucket: 443, 9000",
            "restore > internet, internet 6: 443",
        ],
    ),
    ("share", &["exposure > exposure: 7070", "alerting > alerting: 7070"]),
    ("tenant-keys", &[]),
];

fn all_flows(manifests: &Manifests) -> BTreeSet<String> {
    flows(manifests, &manifests.of_kind("NetworkPolicy"))
}

#[test]
fn production_allows_the_flows_that_it_needs_and_no_others() {
    assert_eq!(all_flows(&Manifests::with("production", &[])), expected(&PRODUCTION));
}

#[test]
fn each_component_allows_what_it_needs_and_no_more() {
    for (component, table) in COMPONENTS {
        let manifests = Manifests::with("production", &[component]);
        let both: BTreeSet<String> = expected(&PRODUCTION).into_iter().chain(expected(table)).collect();
        assert_eq!(all_flows(&manifests), both, "{component}");
    }
}

#[test]
fn development_allows_no_more() {
    let own = ["ingestion, exposure, alerting", "subscriber"].join(", ");
    let table = [
        format!("{own} > nats: 4222"),
        "ingestion, exposure, alerting, nats > dns, dns cache: 53".to_owned(),
        "client > ingestion, exposure, alerting: 7070".to_owned(),
    ];
    let table: Vec<&str> = table.iter().map(String::as_str).collect();
    assert_eq!(all_flows(&Manifests::with("development", &[])), expected(&table));

    let polling = "ingestion > internet, internet 6: 443";
    let table: Vec<&str> = table.into_iter().chain([polling]).collect();
    assert_eq!(all_flows(&Manifests::with("development", &["polling"])), expected(&table));
}

/// Without any of the policies something else would be possible, or something that is needed would not.
#[test]
fn every_policy_matters() {
    let manifests = Manifests::with("production", &["receivers"]);
    let all = manifests.of_kind("NetworkPolicy");
    let whole = flows(&manifests, &all);
    for policy in &all {
        let name = &policy["metadata"]["name"];
        let others: Vec<&Value> =
            all.iter().copied().filter(|other| other["metadata"]["name"] != *name).collect();
        assert_ne!(flows(&manifests, &others), whole, "without {name} nothing changes");
    }
}
