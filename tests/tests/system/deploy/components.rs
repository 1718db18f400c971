//! Components combine in any order: none loses what another brings.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::kit::{Manifests, list, without_hash, word};

/// Values of rendered objects by their place, such as
/// `StatefulSet/alerting/spec/template/spec/containers[orewatch]/env[TMPDIR]/value`. The order of lists
/// whose entries have names does not matter.
type Values = BTreeMap<String, String>;

fn values(manifests: &Manifests) -> Values {
    let mut found = Values::new();
    for object in &manifests.objects {
        let kind = word(&object["kind"]);
        let name = plain_name(kind, word(&object["metadata"]["name"]));
        collect(object, &format!("{kind}/{name}"), &mut found);
    }
    found
}

/// The name of an object without the hash of its content.
fn plain_name<'a>(kind: &str, name: &'a str) -> &'a str {
    if kind == "ConfigMap" { without_hash(name) } else { name }
}

fn collect(value: &Value, place: &str, found: &mut Values) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect(field, &format!("{place}/{name}"), found);
            }
        }
        Value::Array(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                let key = entry_key(entry).unwrap_or_else(|| at.to_string());
                collect(entry, &format!("{place}[{key}]"), found);
            }
        }
        // References to ConfigMaps, and their own names, have the hash of their content.
        Value::String(text) if place.ends_with("/name") => {
            found.insert(place.to_owned(), without_hash(text).to_owned());
        }
        other => {
            found.insert(place.to_owned(), other.to_string());
        }
    }
}

/// What tells an entry of a list from the others, if Kubernetes merges the list by it.
fn entry_key(entry: &Value) -> Option<String> {
    let keys = ["mountPath", "topologyKey", "name", "key"];
    keys.iter().find_map(|key| entry.get(*key)?.as_str().map(str::to_owned))
}

/// Components that go together, in the alphabet's order. Of `hpa` and `keda`, and of `cert-manager` and
/// `without-tls`, one is chosen; `restore` is always the last.
const SETS: [(&str, &[&str]); 4] = [
    (
        "development",
        &[
            "backup",
            "cert-manager",
            "grpc-route",
            "hpa",
            "polling",
            "prometheus",
            "receivers",
            "s3",
            "tenant-keys",
        ],
    ),
    ("development", &["backup", "grpc-route", "keda", "prometheus", "receivers", "s3", "single-zone"]),
    (
        "production",
        &[
            "backup",
            "cert-manager",
            "grpc-route",
            "hpa",
            "nack",
            "polling",
            "prometheus",
            "receivers",
            "share",
            "single-zone",
            "tenant-keys",
        ],
    ),
    ("production", &["backup", "keda", "nack", "polling", "prometheus", "receivers", "without-tls"]),
];

#[test]
fn the_order_of_components_does_not_matter() {
    for (overlay, components) in SETS {
        let forward = values(&Manifests::with(overlay, components));
        let mut reversed = components.to_vec();
        reversed.reverse();
        assert_eq!(forward, values(&Manifests::with(overlay, &reversed)), "{overlay}: {components:?}");
        let middle = components.len() / 2;
        reversed.rotate_left(middle);
        assert_eq!(forward, values(&Manifests::with(overlay, &reversed)), "{overlay}: {reversed:?}");
    }
}

/// What a component adds to or changes in an overlay is there with all the others too, and what it removes is
/// not.
#[test]
fn no_component_loses_what_another_brings() {
    let mut rendered: BTreeMap<(&str, &str), Values> = BTreeMap::new();
    for (overlay, components) in SETS {
        let bare = values(&Manifests::with(overlay, &[]));
        let all = values(&Manifests::with(overlay, components));
        for component in components {
            let alone = rendered
                .entry((overlay, *component))
                .or_insert_with(|| values(&Manifests::with(overlay, &[*component])));
            let mut lost = Vec::new();
            for (place, value) in alone.iter().filter(|(place, value)| bare.get(*place) != Some(*value)) {
                if all.get(place) != Some(value) {
                    lost.push(format!("{place} is {:?}, not {value}", all.get(place)));
                }
            }
            let back = bare.keys().filter(|place| !alone.contains_key(*place) && all.contains_key(*place));
            lost.extend(back.map(|place| format!("{place} is back")));
            assert_eq!(lost, [""; 0], "{overlay}: {component}");
        }
        // Nor does anything of the overlay go without a component that takes it away.
        let gone: BTreeSet<&String> = bare.keys().filter(|place| !all.contains_key(*place)).collect();
        let meant = |place: &&&String| {
            ["Probe/grpc", "/replicas", "topologySpread", "WITHOUT_TLS"]
                .iter()
                .any(|part| place.contains(part))
        };
        assert_eq!(gone.iter().filter(|place| !meant(place)).count(), 0, "{overlay}: {gone:?}");
    }
}

#[test]
fn a_restore_stops_all_services_and_lets_in_nobody_else() {
    for components in [&["restore"][..], &["backup", "hpa", "receivers", "cert-manager", "restore"][..]] {
        let manifests = Manifests::with("production", components);
        for workload in manifests.workloads().into_iter().filter(|workload| workload.is_service()) {
            assert_eq!(workload.replicas(), Some(0), "{components:?}: {}", workload.name());
        }
        let accounts = word(&manifests.config("nats")["accounts.conf"]);
        assert_eq!(accounts.matches("nkey:").count(), 1, "{accounts}");
        assert!(accounts.contains("OREWATCH_NKEY_SETUP"), "{accounts}");
        let volumes = list(&manifests.workload("restore").pod()["volumes"]);
        assert!(volumes.iter().any(|volume| volume["secret"]["secretName"] == "nkey-setup"));
    }
}

#[test]
fn the_base_starts_nothing() {
    let base = Manifests::of_folder("deploy/base");
    for workload in base.workloads() {
        assert_eq!(workload.replicas(), Some(0), "{}", workload.name());
    }
}

#[test]
fn the_example_replaces_image_and_settings() {
    let example = Manifests::of_folder("deploy/example");
    let ours = example.workloads().into_iter().filter(|workload| workload.name() != "nats");
    for workload in ours {
        let image = word(&workload.container()["image"]);
        assert!(image.starts_with("registry.example.org/orewatch@sha256:"), "{}: {image}", workload.name());
    }
    assert!(word(&example.config("receivers")["orewatch.toml"]).contains("orewatch.example.org"));
    assert_eq!(example.config("log")["OREWATCH_LOG"], "tls://nats:4222");
}
