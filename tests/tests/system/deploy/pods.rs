//! Policies of pods: the restricted profile, resources, probes, labels, and volumes that outlive them.
use std::collections::BTreeSet;

use serde_json::Value;

use super::kit::{
    Manifests, Origin, SERVICES, Workload, bytes, environment, list, renderings, setting, word, words,
};
use super::selectors::labels;

/// What pods of a workload lack of the restricted profile, and of a few further requirements.
fn violations(workload: Workload<'_>) -> Vec<String> {
    let (name, pod) = (workload.name(), workload.pod());
    let mut found = differences(
        pod,
        &[
            ("/securityContext/runAsNonRoot", Value::from(true)),
            ("/securityContext/seccompProfile/type", Value::from("RuntimeDefault")),
            ("/automountServiceAccountToken", Value::from(false)),
            ("/enableServiceLinks", Value::from(false)),
        ],
        &format!("{name} pod"),
    );
    for user in ["runAsUser", "runAsGroup", "fsGroup"] {
        if pod["securityContext"][user].as_u64().unwrap_or_default() == 0 {
            found.push(format!("{name} pod: {user} is root or missing"));
        }
    }
    for container in workload.containers() {
        found.extend(container_violations(container, !workload.ends(), name));
    }
    found
}

fn container_violations(container: &Value, is_probed: bool, name: &str) -> Vec<String> {
    let place = format!("{name} container {}", word(&container["name"]));
    let mut found = differences(
        container,
        &[
            ("/securityContext/allowPrivilegeEscalation", Value::from(false)),
            ("/securityContext/readOnlyRootFilesystem", Value::from(true)),
            ("/securityContext/capabilities/drop", Value::from(vec!["ALL"])),
            ("/imagePullPolicy", Value::from("IfNotPresent")),
        ],
        &place,
    );
    let mut needed = vec![
        "/resources/requests/cpu",
        "/resources/requests/memory",
        "/resources/requests/ephemeral-storage",
        "/resources/limits/memory",
        "/resources/limits/ephemeral-storage",
    ];
    if is_probed {
        needed.extend(["/startupProbe", "/readinessProbe", "/livenessProbe"]);
    }
    let missing = needed.into_iter().filter(|pointer| container.pointer(pointer).is_none());
    found.extend(missing.map(|pointer| format!("{place}: {pointer} is missing")));
    let image = word(&container["image"]);
    let has_version = image.contains("@sha256:")
        || image.rsplit_once(':').is_some_and(|(_, tag)| !tag.contains('/') && tag != "latest");
    if !has_version {
        found.push(format!("{place}: the image {image:?} has no version"));
    }
    found
}

fn differences(value: &Value, required: &[(&str, Value)], place: &str) -> Vec<String> {
    required
        .iter()
        .filter(|(pointer, expected)| value.pointer(pointer) != Some(expected))
        .map(|(pointer, expected)| format!("{place}: {pointer} is not {expected}"))
        .collect()
}

#[test]
fn every_pod_meets_the_restricted_profile() {
    for (name, manifests) in renderings() {
        let found: Vec<String> = manifests.workloads().into_iter().flat_map(violations).collect();
        assert_eq!(found, [""; 0], "{name}");
        assert!(manifests.workloads().len() > SERVICES.len(), "{name}");
    }
    let apart = Manifests::of_folder("deploy/namespace");
    let namespace = apart.object("Namespace", "orewatch");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
}

#[test]
fn every_violation_of_the_restricted_profile_is_found() {
    let (_, good) = &renderings()[3];
    for (from, to) in [
        ("runAsNonRoot: true", "runAsNonRoot: false"),
        ("runAsUser: 10001", "runAsUser: 0"),
        ("fsGroup: 10001", "fsGroup: 0"),
        ("type: RuntimeDefault", "type: Unconfined"),
        ("automountServiceAccountToken: false\n      c", "automountServiceAccountToken: true\n      c"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
        ("- ALL", "- KILL"),
        ("imagePullPolicy: IfNotPresent", "imagePullPolicy: Always"),
        ("livenessProbe:", "otherProbe:"),
        ("cpu: 500m", "disk: 500m"),
        ("image: orewatch:", "image: orewatch-"),
    ] {
        assert!(good.yaml.contains(from), "the manifests no longer say {from}");
        let broken = Manifests::parse(good.yaml.replacen(from, to, 1));
        let found: Vec<String> = broken.workloads().into_iter().flat_map(violations).collect();
        assert_eq!(found.len(), 1, "{to:?}: {found:?}");
    }
}

#[test]
fn directories_in_memory_and_on_the_node_fit_into_the_limits() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads() {
            let volumes = list(&workload.pod()["volumes"]).iter();
            let sizes = volumes.filter_map(|volume| volume.get("emptyDir")).map(|dir| {
                let size = word(&dir["sizeLimit"]);
                assert!(!size.is_empty(), "{name}: a directory of {} has no limit", workload.name());
                bytes(size)
            });
            let limit =
                |container: &Value| bytes(word(&container["resources"]["limits"]["ephemeral-storage"]));
            let limits: u64 = workload.containers().iter().map(limit).sum();
            let total: u64 = sizes.sum();
            assert!(total < limits, "{name}: {}: {total} bytes in {limits}", workload.name());
        }
    }
}

#[test]
fn programs_in_go_know_the_limit_of_their_memory() {
    for (name, manifests) in renderings() {
        let nats = manifests.workload("nats");
        for container in nats.containers() {
            let environment = environment(manifests, container);
            let own = bytes(&setting(&environment, "GOMEMLIMIT").expect("GOMEMLIMIT is set"));
            let limit = bytes(word(&container["resources"]["limits"]["memory"]));
            assert!(own < limit && own > limit / 2, "{name}: {own} of {limit} bytes");
        }
    }
}

#[test]
fn labels_say_what_an_object_belongs_to_and_its_version() {
    let version = env!("CARGO_PKG_VERSION");
    for (name, manifests) in renderings() {
        for object in &manifests.objects {
            let labels = labels(object);
            let what = format!("{name}: {} {}", object["kind"], object["metadata"]["name"]);
            assert_eq!(
                labels.get("app.kubernetes.io/part-of").map(String::as_str),
                Some("orewatch"),
                "{what}"
            );
            // The name of a generated ConfigMap has a hash of what it says; that is version enough.
            if object["kind"] != "ConfigMap" {
                assert_eq!(
                    labels.get("app.kubernetes.io/version").map(String::as_str),
                    Some(version),
                    "{what}"
                );
            }
        }
        for workload in manifests.workloads() {
            let labels = labels(workload.template);
            let image = word(&workload.container()["image"]);
            let (_, tag) = image.rsplit_once(':').expect("a tag");
            let own = tag.split('-').next().expect("a version");
            assert_eq!(
                labels.get("app.kubernetes.io/version").map(String::as_str),
                Some(own),
                "{name}: {image}"
            );
            assert_eq!(labels.get("app.kubernetes.io/name").map(String::as_str), Some(workload.name()));
        }
    }
}

/// A template of volumes can never be changed. Nor must pods of NATS restart because Orewatch has a new
/// version.
#[test]
fn the_version_is_in_nothing_that_must_not_change_with_it() {
    let version = env!("CARGO_PKG_VERSION");
    for (name, manifests) in renderings() {
        for set in manifests.of_kind("StatefulSet") {
            for part in ["volumeClaimTemplates", "selector"] {
                assert!(
                    !set["spec"][part].to_string().contains(version),
                    "{name}: {}",
                    set["metadata"]["name"]
                );
            }
        }
        let nats = manifests.workload("nats").template.to_string();
        assert!(!nats.contains(version), "{name}");
    }
}

/// `kubectl delete -k` deletes what is rendered, and a StatefulSet's volumes unless they are retained.
#[test]
fn deleting_what_is_rendered_keeps_the_data() {
    for (name, manifests) in renderings() {
        for kind in ["Namespace", "PersistentVolumeClaim", "PersistentVolume", "Secret"] {
            assert!(manifests.of_kind(kind).is_empty(), "{name} has a {kind}");
        }
        for set in manifests.of_kind("StatefulSet") {
            let policy = &set["spec"]["persistentVolumeClaimRetentionPolicy"];
            assert_eq!(policy["whenDeleted"], "Retain", "{name}: {}", set["metadata"]["name"]);
            assert_eq!(policy["whenScaled"], "Retain", "{name}: {}", set["metadata"]["name"]);
        }
        let volumes = list(&manifests.workload("nats").object["spec"]["volumeClaimTemplates"]);
        assert_eq!(volumes.len(), 1, "{name}: the logs are on a volume");
        for stream in manifests.of_kind("Stream") {
            assert_eq!(stream["spec"]["preventDelete"], true, "{name}: NACK keeps the logs");
        }
    }
}

#[test]
fn probes_ask_the_served_ports() {
    for (name, manifests) in renderings() {
        for (service, full_name) in SERVICES {
            let workload = manifests.workload(service);
            let container = workload.container();
            let environment = environment(manifests, container);
            let port = |name: &str| {
                let found = list(&container["ports"]).iter().find(|port| port["name"] == name);
                found.expect("the port is named")["containerPort"].to_string()
            };
            for (variable, named) in [("OREWATCH_LISTEN", "grpc"), ("OREWATCH_ADMIN", "admin")] {
                let listen = setting(&environment, variable).expect("an address");
                // IPv4 and IPv6.
                assert_eq!(listen, format!("[::]:{}", port(named)), "{name}: {service}");
            }
            let has_tls = setting(&environment, "OREWATCH_TLS_CERT").is_some();
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let probe = &container[probe];
                // The kubelet cannot ask over TLS.
                assert_eq!(probe.get("grpc").is_none(), has_tls, "{name}: {service}: {probe}");
                assert_eq!(probe["httpGet"]["port"] == "admin", has_tls, "{name}: {service}: {probe}");
                if !has_tls {
                    assert_eq!(probe["grpc"]["port"].to_string(), port("grpc"), "{name}: {service}");
                }
            }
            // Only readiness waits until the service has read its logs: a slow start is no reason to restart.
            let readiness = match has_tls {
                true => container["readinessProbe"]["httpGet"]["path"] == "/readyz",
                false => container["readinessProbe"]["grpc"]["service"] == full_name,
            };
            assert!(readiness, "{name}: {service}");
            assert_eq!(container["livenessProbe"]["grpc"].get("service"), None);
            assert_ne!(container["livenessProbe"]["httpGet"]["path"], "/readyz");
        }
    }
}

#[test]
fn a_pod_has_time_to_stop() {
    for (name, manifests) in renderings() {
        for (service, _) in SERVICES {
            let workload = manifests.workload(service);
            let grace = workload.pod()["terminationGracePeriodSeconds"].as_u64().expect("a grace period");
            let sleep = &workload.container()["lifecycle"]["preStop"]["sleep"]["seconds"];
            let before = sleep.as_u64().expect("a preStop sleep");
            assert!(grace > before + 20, "{name}: {grace} s do not hold preStop and 20 s of shutdown");
        }
    }
}

/// The governing service gives each pod a name, ready or not. Who balances calls resolves the headless one.
#[test]
fn every_stateful_set_has_a_governing_service_and_one_with_an_address() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads().into_iter().filter(|workload| !workload.ends()) {
            let governing = word(&workload.object["spec"]["serviceName"]);
            let one = manifests.object("Service", workload.name());
            let governing = manifests.object("Service", governing);
            let headless = manifests.object("Service", &format!("{}-headless", workload.name()));
            assert_eq!(governing["spec"]["publishNotReadyAddresses"], true, "{name}");
            if workload.is_service() {
                assert_eq!(headless["spec"].get("publishNotReadyAddresses"), None, "{name}");
            }
            assert_eq!(one["spec"].get("clusterIP"), None, "{name}");
            for service in [governing, headless] {
                assert_eq!(service["spec"]["clusterIP"], "None", "{name}");
            }
            for service in [governing, headless, one] {
                check_service(name, service, workload);
            }
        }
    }
}

/// A service leads to named ports of the pods of its workload.
fn check_service(name: &str, service: &Value, workload: Workload<'_>) {
    let selector = service["spec"]["selector"]["app.kubernetes.io/name"].as_str();
    assert_eq!(selector, Some(workload.name()), "{name}");
    assert_eq!(service["spec"]["ipFamilyPolicy"], "PreferDualStack", "{name}");
    let ports = list(&service["spec"]["ports"]).iter().map(|port| word(&port["targetPort"]));
    let known: BTreeSet<&str> =
        list(&workload.container()["ports"]).iter().map(|port| word(&port["name"])).collect();
    let unknown: Vec<&str> = ports.filter(|port| !known.contains(port)).collect();
    assert_eq!(unknown, [""; 0], "{name}: {}", service["metadata"]["name"]);
}

#[test]
fn each_process_has_a_number_of_its_own() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads().into_iter().filter(|workload| workload.name() != "nats") {
            let environment = environment(manifests, workload.container());
            let ordinal =
                environment.iter().find(|(name, _)| name == "OREWATCH_ORDINAL").map(|(_, value)| value);
            let expected = match (workload.is_service(), setting(&environment, "OREWATCH_LOG")) {
                (true, _) => {
                    Some(Origin::Field("metadata.labels['apps.kubernetes.io/pod-index']".to_owned()))
                }
                // A job runs once at a time.
                (false, Some(_)) => Some(Origin::Text("0".to_owned())),
                (false, None) => None,
            };
            assert_eq!(ordinal, expected.as_ref(), "{name}: {}", workload.name());
            let concurrency = workload.object["spec"].get("concurrencyPolicy");
            assert!(concurrency.is_none_or(|policy| policy == "Forbid"), "{name}: {}", workload.name());
        }
    }
}

#[test]
fn the_setup_job_can_be_repeated() {
    let (_, manifests) = &renderings()[3];
    let setup = manifests.workload("setup");
    assert_eq!(words(&setup.container()["args"])[0], "setup");
    // A Job cannot be changed: the next version brings another one, when this one is gone.
    assert!(setup.object["spec"]["ttlSecondsAfterFinished"].as_u64().is_some_and(|seconds| seconds <= 3600));
    assert!(setup.object["spec"]["backoffLimit"].as_u64().is_some_and(|retries| retries >= 6));
}
