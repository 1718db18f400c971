//! Every file that a pod reads or writes is on a volume, with modes that let its user read or write it.
use std::collections::BTreeMap;

use serde_json::Value;

use super::kit::{
    Manifests, Origin, Workload, environment, list, renderings, setting, without_hash, word, words,
};

/// What a container does with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Reads,
    Writes,
}

/// Variables that name a path, and what is done with it. A new one has to be added here.
const PATHS: [(&str, Use); 13] = [
    ("OREWATCH_ARCHIVE", Use::Writes),
    ("OREWATCH_CONFIG", Use::Reads),
    ("OREWATCH_DATA", Use::Writes),
    ("OREWATCH_KEYS_FILE", Use::Reads),
    ("OREWATCH_NATS_CA", Use::Reads),
    ("OREWATCH_NATS_NKEY", Use::Reads),
    ("OREWATCH_SNAPSHOTS", Use::Writes),
    ("OREWATCH_TLS_CA", Use::Reads),
    ("OREWATCH_TLS_CERT", Use::Reads),
    ("OREWATCH_TLS_CLIENT_CA", Use::Reads),
    ("OREWATCH_TLS_KEY", Use::Reads),
    ("OREWATCH_TOKENS_FILE", Use::Reads),
    ("OREWATCH_TOKEN_FILE", Use::Reads),
];

/// Keys of the Secrets that operators make, as `docs/cluster.md` and the components describe them, and of
/// those that cert-manager makes.
const SECRETS: [(&str, &[&str]); 17] = [
    ("alerting-tls", TLS),
    ("archive", BUCKET),
    ("backup", BUCKET),
    ("exposure-tls", TLS),
    ("ingestion-tls", TLS),
    ("nats-keys", &["setup", "ingestion", "exposure", "alerting", "subscriber", "operator", "routes"]),
    ("nats-tls", TLS),
    ("nkey-alerting", &["seed"]),
    ("nkey-exposure", &["seed"]),
    ("nkey-ingestion", &["seed"]),
    ("nkey-operator", &["seed"]),
    ("nkey-setup", &["seed"]),
    ("orewatch-ca", TLS),
    ("publishers", &["COMTRADE_KEY", "GTA_KEY"]),
    ("replica", &["token"]),
    ("tenant-keys", &["keys.txt"]),
    ("tokens", &["tokens.toml"]),
];

const TLS: &[&str] = &["ca.crt", "tls.crt", "tls.key"];

const BUCKET: &[&str] =
    &["place", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

fn keys_of(secret: &str) -> Option<&'static [&'static str]> {
    SECRETS.iter().find(|(name, _)| *name == secret).map(|(_, keys)| *keys)
}

/// The paths that a container reads and writes, with the place that names each.
pub(super) fn used_paths(manifests: &Manifests, workload: Workload<'_>) -> Vec<(String, String, Use)> {
    let container = workload.container();
    let mut found = Vec::new();
    for (name, origin) in environment(manifests, container) {
        let path = match origin {
            Origin::Text(text) if text.starts_with('/') => text,
            Origin::Text(_) | Origin::Secret { .. } | Origin::Field(_) => continue,
        };
        let known = PATHS.iter().find(|(variable, _)| *variable == name);
        let (_, what) = known.unwrap_or_else(|| panic!("{name} is a path that PATHS does not know"));
        found.push((name, path, *what));
    }
    let args = words(&container["args"]);
    for (flag, path) in args.iter().zip(args.iter().skip(1)).filter(|(_, path)| path.starts_with('/')) {
        let what = match flag.as_str() {
            "--data" => Use::Writes,
            "--config" => Use::Reads,
            other => panic!("it is not known what {other} {path} is for"),
        };
        found.push((flag.clone(), path.clone(), what));
    }
    if workload.name() == "nats" {
        found.extend(paths_of_nats(manifests.config("nats")));
    } else if workload.is_service() {
        // Parquet files are unpacked in the directory for temporary files.
        found.push(("temporary files".to_owned(), "/tmp/x".to_owned(), Use::Writes));
    }
    found
}

/// The paths in the configuration of NATS.
fn paths_of_nats(files: &Value) -> Vec<(String, String, Use)> {
    let mut found = Vec::new();
    for (file, text) in files.as_object().expect("files") {
        for line in word(text).lines() {
            let Some((key, path)) = line.trim().split_once(": ") else { continue };
            let path = path.trim_matches('"');
            if path.starts_with('/') {
                let writes = ["store_dir", "pid_file"].contains(&key);
                let what = if writes { Use::Writes } else { Use::Reads };
                found.push((format!("{file}: {key}"), path.to_owned(), what));
            }
        }
        let includes = word(text).lines().filter_map(|line| line.trim().strip_prefix("include ./"));
        found.extend(
            includes.map(|name| (format!("{file}: include"), format!("/etc/nats/{name}"), Use::Reads)),
        );
    }
    found
}

/// What keeps a pod from a path. `None`: nothing.
fn obstacle(manifests: &Manifests, workload: Workload<'_>, path: &str, what: Use) -> Option<String> {
    let mounts = list(&workload.container()["volumeMounts"]).iter();
    let below = mounts.filter(|mount| {
        let rest = path.strip_prefix(word(&mount["mountPath"]));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let Some(mount) = below.max_by_key(|mount| word(&mount["mountPath"]).len()) else {
        return Some("it is on no volume".to_owned());
    };
    let name = word(&mount["name"]);
    let Some((kind, volume)) = volume(workload, name) else {
        return Some(format!("there is no volume {name}"));
    };
    match (what, kind) {
        (Use::Writes, "emptyDir" | "ephemeral" | "claim") if mount["readOnly"] != true => {
            unwritable(workload)
        }
        (Use::Writes, _) => Some(format!("the volume {name} cannot be written")),
        (Use::Reads, "secret" | "configMap") => {
            let file = path.rsplit('/').next().unwrap_or_default();
            let missing = !files(manifests, kind, volume).iter().any(|there| there == file);
            let missing = missing.then(|| format!("the volume {name} has no file {file}"));
            missing.or_else(|| unreadable(workload, volume))
        }
        (Use::Reads, _) => Some(format!("the volume {name} is empty")),
    }
}

/// A volume of a pod with its kind; `claim` for those that a StatefulSet makes.
pub(super) fn volume<'a>(workload: Workload<'a>, name: &str) -> Option<(&'a str, &'a Value)> {
    let of_pod = list(&workload.pod()["volumes"]).iter().find(|volume| volume["name"] == name);
    let kinds = ["secret", "configMap", "emptyDir", "ephemeral"];
    let found = of_pod.and_then(|volume| kinds.iter().find_map(|kind| Some((*kind, volume.get(*kind)?))));
    let claims = list(&workload.object["spec"]["volumeClaimTemplates"]).iter();
    let mut claims = claims.filter(|claim| claim["metadata"]["name"] == name);
    found.or_else(|| claims.next().map(|claim| ("claim", claim)))
}

/// The files on a volume.
fn files(manifests: &Manifests, kind: &str, volume: &Value) -> Vec<String> {
    if kind == "configMap" {
        let name = without_hash(word(&volume["name"]));
        return manifests.config(name).as_object().expect("data").keys().cloned().collect();
    }
    secret_files(volume).into_iter().map(|(_, file)| file).collect()
}

/// The keys that a volume takes of its Secret, with the names of their files.
pub(super) fn secret_files(volume: &Value) -> Vec<(String, String)> {
    let keys: &[&str] = match word(&volume["secretName"]) {
        "" => &[],
        // Operators choose the names.
        "receivers" => &["desk-hook"],
        secret => keys_of(secret).unwrap_or_else(|| panic!("the keys of the Secret {secret} are not known")),
    };
    let items = list(&volume["items"]);
    if items.is_empty() {
        return keys.iter().map(|key| ((*key).to_owned(), (*key).to_owned())).collect();
    }
    let known = items.iter().filter(|item| keys.iter().any(|key| *key == word(&item["key"])));
    known.map(|item| (word(&item["key"]).to_owned(), word(&item["path"]).to_owned())).collect()
}

/// Files of Secrets and ConfigMaps belong to root, and to the group `fsGroup` if there is one.
fn unreadable(workload: Workload<'_>, volume: &Value) -> Option<String> {
    let mode = volume["defaultMode"].as_u64().unwrap_or(0o644);
    let has_group = workload.pod()["securityContext"]["fsGroup"].as_u64().is_some();
    let readable = mode & 0o004 != 0 || (has_group && mode & 0o040 != 0);
    (!readable).then(|| format!("the mode {mode:o} lets the pod's user read nothing"))
}

/// Volumes belong to root, and to the group `fsGroup` if there is one, which may then write.
fn unwritable(workload: Workload<'_>) -> Option<String> {
    let has_group = workload.pod()["securityContext"]["fsGroup"].as_u64().is_some();
    (!has_group).then(|| "without fsGroup only root can write".to_owned())
}

/// What keeps pods from the paths that they use.
fn obstacles(manifests: &Manifests) -> Vec<String> {
    let mut found = Vec::new();
    for workload in manifests.workloads() {
        for (place, path, what) in used_paths(manifests, workload) {
            let obstacle = obstacle(manifests, workload, &path, what);
            found.extend(obstacle.map(|why| format!("{}: {place} {path}: {why}", workload.name())));
        }
        for mount in list(&workload.container()["volumeMounts"]) {
            let name = word(&mount["name"]);
            if let Some(("secret" | "configMap", volume)) = volume(workload, name) {
                let why = unreadable(workload, volume);
                found.extend(why.map(|why| format!("{}: volume {name}: {why}", workload.name())));
            }
        }
    }
    found
}

#[test]
fn every_path_that_a_pod_uses_is_on_a_volume_that_its_user_may_use() {
    for (name, manifests) in renderings() {
        assert_eq!(obstacles(manifests), [""; 0], "{name}");
    }
}

#[test]
fn a_path_that_a_pod_cannot_use_is_found() {
    let (_, good) = &renderings()[4];
    for (from, to) in [
        // What no schema sees: secrets that only root can read, and files that would be on the root.
        ("        fsGroup: 10001\n", ""),
        ("value: /var/lib/orewatch", "value: /var/data/orewatch"),
        ("mountPath: /tmp", "mountPath: /scratch"),
        ("mountPath: /run/orewatch/nkey\n", "mountPath: /run/orewatch/keys\n"),
        ("value: /etc/orewatch/orewatch.toml", "value: /etc/orewatch/other.toml"),
        ("tls.key\n", "tls.pem\n"),
    ] {
        assert!(good.yaml.contains(from), "the manifests no longer say {from}");
        let broken = Manifests::parse(good.yaml.replacen(from, to, 1));
        assert_ne!(obstacles(&broken), [""; 0], "{from:?} as {to:?}");
    }
}

#[test]
fn every_volume_is_mounted_and_every_mount_has_a_volume() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads() {
            let mounts = workload.containers().iter().flat_map(|container| list(&container["volumeMounts"]));
            let mut times: BTreeMap<&str, usize> = BTreeMap::new();
            for mount in mounts {
                let volume = word(&mount["name"]);
                *times.entry(volume).or_default() += 1;
                assert!(self::volume(workload, volume).is_some(), "{name}: {}: {volume}", workload.name());
            }
            let volumes = list(&workload.pod()["volumes"]).iter().map(|volume| word(&volume["name"]));
            let unused: Vec<&str> = volumes.filter(|volume| !times.contains_key(volume)).collect();
            assert_eq!(unused, [""; 0], "{name}: {}", workload.name());
        }
    }
}

#[test]
fn secrets_have_the_keys_that_pods_take() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads() {
            for (variable, origin) in environment(manifests, workload.container()) {
                let Origin::Secret { name: secret, key, may_miss } = origin else { continue };
                let place = format!("{name}: {}: {variable}", workload.name());
                let keys = keys_of(&secret).unwrap_or_else(|| panic!("{place}: no Secret {secret}"));
                assert!(keys.contains(&key.as_str()), "{place}: {secret} has no {key}");
                // Keys of a bucket may come from the service account instead.
                assert_eq!(may_miss, key.starts_with("AWS_"), "{place}");
            }
        }
    }
}

/// Kubernetes replaces a reference by what was set before it in the list.
#[test]
fn variables_refer_to_earlier_ones() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads() {
            let environment = environment(manifests, workload.container());
            for (at, (variable, origin)) in environment.iter().enumerate() {
                let Origin::Text(text) = origin else { continue };
                for reference in text.split("$(").skip(1).filter_map(|rest| rest.split(')').next()) {
                    let is_earlier = environment.iter().take(at).any(|(earlier, _)| earlier == reference);
                    assert!(is_earlier, "{name}: {}: {variable} needs {reference}", workload.name());
                }
            }
            for argument in words(&workload.container()["args"]) {
                if let Some(reference) = argument.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) {
                    assert!(
                        environment.iter().any(|(variable, _)| variable == reference),
                        "{name}: {argument}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_service_requires_the_tokens_of_the_secret() {
    for (name, manifests) in renderings() {
        for workload in manifests.workloads().into_iter().filter(|workload| workload.is_service()) {
            let environment = environment(manifests, workload.container());
            let file = setting(&environment, "OREWATCH_TOKENS_FILE").expect("tokens are required");
            // The file is outside of the folder of secrets, so that no receiver can use it.
            assert!(!file.starts_with("/run/secrets/"), "{name}: {file}");
            let (_, tokens) = volume(workload, "tokens").expect("the volume");
            assert_eq!(tokens["secretName"], "tokens", "{name}");
            assert_eq!(tokens.get("optional"), None, "{name}: without tokens nothing starts");
        }
    }
}

/// In production, whoever connects to NATS needs a key, and a pod without one does not start.
#[test]
fn services_of_production_have_their_own_keys() {
    for (name, manifests) in renderings().iter().filter(|(name, _)| name.starts_with("production")) {
        for workload in manifests.workloads().into_iter().filter(|workload| workload.is_service()) {
            let (_, key) = volume(workload, "nkey").expect("the volume");
            assert_eq!(key["secretName"], format!("nkey-{}", workload.name()), "{name}");
            assert_ne!(key["optional"], true, "{name}: {}", workload.name());
        }
    }
}
